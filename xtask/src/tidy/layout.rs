//! Files: what they begin with, how long they are, what they are called.

use super::{Exception, Finding, Rule, Workspace, is_excepted, unneeded};

static HEADER: Rule = Rule {
    name: "header",
    why: "whoever opens a file should learn in its first line what it is about",
    mend: "begin the file with `//!` and one sentence",
};

static SIZE: Rule = Rule {
    name: "file-size",
    why: "a file has one subject; what is longer than 400 lines has two",
    mend: "split it by meaning, not by length",
};

static NAME: Rule = Rule {
    name: "name",
    why: "`utils` and its like say nothing, so anything ends up there",
    mend: "name it for what it is about, or move its parts to where they are used",
};

const MOST_LINES: usize = 400;

/// Longer files, and why. This list may only shrink.
const LONGER: &[Exception] = &[];

const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc", "stuff"];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    let too_long = |text: &str| text.lines().count() > MOST_LINES;
    for file in workspace.files() {
        let code = ["rs", "ts", "tsx"].iter().any(|extension| file.is(extension));
        if file.is("rs") && !file.text.starts_with("//!") {
            findings.push(Finding::new(&HEADER, &file.path, 1, "the file does not begin with `//!`"));
        }
        if code && too_long(&file.text) && !is_excepted(LONGER, file) && !file.text.starts_with("// generated") {
            let lines = file.text.lines().count();
            findings.push(Finding::new(&SIZE, &file.path, MOST_LINES + 1, format!("the file has {lines} lines")));
        }
    }
    findings.extend(unneeded(&SIZE, LONGER, |path| workspace.file(path).is_some_and(|file| too_long(&file.text))));
    for path in workspace.paths() {
        let name = path.rsplit('/').next().unwrap_or(path);
        let stem = name.split('.').next().unwrap_or(name);
        if EMPTY_NAMES.contains(&stem) {
            findings.push(Finding::new(&NAME, path, 1, format!("nothing may be called `{name}`")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{super::found, check};

    #[test]
    fn a_file_says_what_it_is_about() {
        let files = [("a.rs", "use std::fmt;\n"), ("b.rs", "//! About b.\n"), ("c.ts", "let a;\n")];
        assert_eq!(found(check, &files), ["a.rs:1 header"]);
    }

    #[test]
    fn a_file_has_at_most_400_lines() {
        let (long, short) = (format!("//! x\n{}", "\n".repeat(400)), format!("//! x\n{}", "\n".repeat(399)));
        assert_eq!(found(check, &[("a.rs", &long), ("b.rs", &short), ("c.csv", &long)]), ["a.rs:401 file-size"]);
    }

    #[test]
    fn nothing_has_an_empty_name() {
        let files = [("x/utils.rs", "//! x\n"), ("y/common/mod.rs", "//! y\n"), ("z/commons.rs", "//! z\n")];
        assert_eq!(found(check, &files), ["x/utils.rs:1 name", "y/common:1 name"]);
    }
}
