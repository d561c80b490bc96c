//! Line endings and the ends of lines.

use super::{Finding, Rule, Workspace};

static ENDING: Rule = Rule {
    name: "line-ending",
    why: "two kinds of line ending make every diff unreadable, and a shell script with CR does not run",
    mend: "store the file with LF, and end its last line",
};

static TRAILING: Rule =
    Rule { name: "trailing-whitespace", why: "spaces nobody sees make differences nobody meant", mend: "remove them" };

/// What we write by hand. Data for tests may end its lines as real files do.
const WRITTEN: &[&str] = &["rs", "md", "toml", "sql", "sh", "ts", "tsx", "css", "html", "yml", "yaml"];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in workspace.files() {
        let written = WRITTEN.iter().any(|extension| file.is(extension)) || file.name() == "Makefile";
        if !written || file.text.is_empty() {
            continue;
        }
        for (at, line) in file.text.split('\n').enumerate() {
            if line.ends_with('\r') {
                findings.push(Finding::new(&ENDING, &file.path, at + 1, "the line ends with CR LF"));
            } else if line.trim_end() != line {
                findings.push(Finding::new(&TRAILING, &file.path, at + 1, "the line ends with whitespace"));
            }
        }
        if !file.text.ends_with('\n') {
            let lines = file.text.lines().count();
            findings.push(Finding::new(&ENDING, &file.path, lines, "the last line has no end"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{super::found, check};

    #[test]
    fn lines_end_with_a_line_feed_and_nothing_before_it() {
        let files = [
            ("a.md", "fine\nnot \n"),
            ("b.sql", "one\r\n"),
            ("c.toml", "a = 1"),
            ("d.csv", "a,b \r\n"),
            ("Makefile", "x:\t\n"),
        ];
        assert_eq!(
            found(check, &files),
            [
                "Makefile:1 trailing-whitespace",
                "a.md:2 trailing-whitespace",
                "b.sql:1 line-ending",
                "c.toml:1 line-ending"
            ]
        );
    }
}
