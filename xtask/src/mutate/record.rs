//! What the tests wrote down: which guards each of them came by.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use anyhow::{Context, bail};
use serde_json::Value;

/// The tests that are tried on guards, and the program of each, as it was built now.
#[derive(Debug, Default)]
pub(crate) struct Tests(HashMap<(String, String), Vec<String>>);

/// A program's name without its folder and what cargo adds.
pub(crate) fn stem(program: &str) -> &str {
    let name = program.rsplit('/').next().unwrap_or(program);
    name.rsplit_once('-').map_or(name, |(name, _)| name)
}

impl Tests {
    /// From what cargo-nextest says of its list.
    pub(crate) fn read(list: &Value) -> anyhow::Result<Self> {
        let mut tests = Self::default();
        for suite in list["rust-suites"].as_object().context("cargo-nextest names no programs")?.values() {
            let program = suite["binary-path"].as_str().unwrap_or_default();
            for (test, case) in suite["testcases"].as_object().into_iter().flatten() {
                if case["filter-match"]["status"] == "matches" {
                    let key = (stem(program).to_owned(), test.clone());
                    tests.0.entry(key).or_default().push(program.to_owned());
                }
            }
        }
        Ok(tests)
    }

    /// The program that a test is in now, wherever and whenever it was recorded. None when it is not to be tried.
    fn program(&self, recorded: &str, test: &str) -> Option<String> {
        let programs = self.0.get(&(stem(recorded).to_owned(), test.to_owned()))?;
        programs.iter().find(|program| *program == recorded).or(programs.first()).cloned()
    }
}

/// One test's run.
#[derive(Debug)]
pub(crate) struct Record {
    /// The program it is in.
    pub(crate) program: String,
    pub(crate) test: String,
    /// Guards it came by, and permissions it asked for.
    pub(crate) passed: BTreeSet<String>,
    /// How much it did, which tells how long it takes.
    pub(crate) size: usize,
}

/// Those of `tests`, those first that did least; and a folder with no others.
pub(crate) fn read(folder: &Path, tests: &Tests, chosen: &Path) -> anyhow::Result<Vec<Record>> {
    if chosen.exists() {
        std::fs::remove_dir_all(chosen)?;
    }
    std::fs::create_dir_all(chosen)?;
    let mut records = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("{} has no records", folder.display()))? {
        let entry = entry?;
        let text = std::fs::read_to_string(entry.path())?;
        let mut lines = text.lines();
        let Some(("test", rest)) = lines.next().and_then(|line| line.split_once('\t')) else { continue };
        let Some((program, test)) = rest.split_once('\t') else { continue };
        let Some(program) = tests.program(program, test) else { continue };
        std::os::unix::fs::symlink(entry.path(), chosen.join(entry.file_name()))?;
        let passed = lines.filter_map(|line| line.strip_prefix("guard\t")).map(str::to_owned).collect();
        records.push(Record { program, test: test.to_owned(), passed, size: text.len() });
    }
    if records.is_empty() {
        bail!("{} holds no records: were the tests built with the feature `failpoints`?", folder.display());
    }
    records.sort_by(|a, b| (a.size, &a.test).cmp(&(b.size, &b.test)));
    Ok(records)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Tests;

    #[test]
    fn only_tests_that_are_tried_are_run_and_where_they_are_now() {
        let case = |status: &str| json!({ "filter-match": { "status": status } });
        let list = json!({ "rust-suites": { "kernel": { "binary-path": "/now/kernel-2",
            "testcases": { "fence::holds": case("matches"), "killed::later": case("mismatch") } } } });
        let tests = Tests::read(&list).unwrap();
        assert_eq!(tests.program("/then/kernel-1", "fence::holds").as_deref(), Some("/now/kernel-2"));
        for (program, test) in [("/then/kernel-1", "killed::later"), ("/then/edge-1", "fence::holds")] {
            assert_eq!(tests.program(program, test), None);
        }
    }
}
