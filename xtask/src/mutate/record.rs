//! What the tests wrote down: which guards each of them came by.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context, bail};

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

/// All of them, those first that did least.
pub(crate) fn read(folder: &Path) -> anyhow::Result<Vec<Record>> {
    let mut records = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("{} has no records", folder.display()))? {
        let text = std::fs::read_to_string(entry?.path())?;
        let mut lines = text.lines();
        let Some(("test", rest)) = lines.next().and_then(|line| line.split_once('\t')) else { continue };
        let Some((program, test)) = rest.split_once('\t').filter(|(_, test)| !test.is_empty()) else { continue };
        let passed = lines.filter_map(|line| line.strip_prefix("guard\t")).map(str::to_owned).collect();
        records.push(Record { program: program.to_owned(), test: test.to_owned(), passed, size: text.len() });
    }
    if records.is_empty() {
        bail!("{} holds no records: were the tests built with the feature `failpoints`?", folder.display());
    }
    records.sort_by(|a, b| (a.size, &a.test).cmp(&(b.size, &b.test)));
    Ok(records)
}
