//! The page about configuration names every setting, and no other.

use std::collections::HashSet;

use super::{Finding, Rule, Workspace};

static SETTING: Rule = Rule {
    name: "setting-documented",
    why: "a setting nobody can read about is not there, and one that is gone wastes an evening",
    mend: "bring docs/operators/configuration.md and KEYS in crates/cloister/src/configuration.rs together",
};

static VARIABLE: Rule = Rule {
    name: "dead-variable",
    why: "an operator who sets a variable that nothing reads believes in a setting that is not there",
    mend: "name the variable as the program reads it",
};

const SOURCE: &str = "crates/cloister/src/configuration.rs";
const PREFIX: &str = "CLOISTER_";
const PAGE: &str = "docs/operators/configuration.md";

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let (Some(source), Some(page)) = (workspace.file(SOURCE), workspace.file(PAGE)) else {
        return vec![Finding::new(&SETTING, PAGE, 1, format!("{PAGE} or {SOURCE} does not exist"))];
    };
    let first = source.source.lines().find(|(_, code)| code.starts_with("const KEYS")).map_or(0, |(line, _)| line);
    let last =
        source.source.lines().find(|(line, code)| *line > first && code.starts_with("];")).map_or(0, |(line, _)| line);
    let keys: Vec<&str> = source
        .source
        .literals
        .iter()
        .filter(|literal| (first..=last).contains(&literal.line))
        .map(|literal| literal.text.as_str())
        .collect();
    let mut findings = Vec::new();
    if keys.is_empty() {
        findings.push(Finding::new(&SETTING, SOURCE, 1, "there is no list `const KEYS`"));
    }
    // A row: | `key` | `CLOISTER_KEY` | default | meaning |
    let rows: Vec<(usize, Vec<&str>)> = page
        .lines()
        .filter(|(_, line)| line.starts_with("| `") && line.contains("` | `CLOISTER_"))
        .map(|(at, line)| (at, line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect()))
        .collect();
    for key in &keys {
        if !rows.iter().any(|(_, cells)| cells.first() == Some(key)) {
            findings.push(Finding::new(&SETTING, PAGE, 1, format!("`{key}` has no row")));
        }
    }
    for (line, cells) in rows {
        let (key, name) = (cells.first().copied().unwrap_or(""), cells.get(1).copied().unwrap_or(""));
        if !keys.contains(&key) {
            findings.push(Finding::new(&SETTING, PAGE, line, format!("there is no setting `{key}`")));
        } else if name != variable(key) {
            findings.push(Finding::new(&SETTING, PAGE, line, format!("`{name}` does not set `{key}`")));
        }
    }
    findings.extend(dead_variables(workspace, &keys));
    findings
}

/// Variables that documents name and no source reads.
fn dead_variables(workspace: &Workspace, keys: &[&str]) -> Vec<Finding> {
    let mut known: HashSet<String> = keys.iter().map(|key| variable(key)).collect();
    for file in workspace.files().filter(|file| file.is("rs") || file.is("sh") || file.name() == "Makefile") {
        known.extend(variables(&file.text).map(str::to_owned));
    }
    let mut findings = Vec::new();
    for file in workspace.markdown() {
        for (line, text) in file.lines() {
            for name in variables(text).filter(|name| !known.contains(*name)) {
                findings.push(Finding::new(&VARIABLE, &file.path, line, format!("nothing reads `{name}`")));
            }
        }
    }
    findings
}

/// The variable that sets a key.
fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_uppercase())
}

/// Every whole name that begins with the prefix; the prefix alone names nothing.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.strip_prefix(PREFIX).is_some_and(|rest| !rest.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::{super::found, PAGE, SOURCE, check};

    #[test]
    fn page_and_program_agree() {
        let source = "//! x\nconst KEYS: &[&str] = &[\n    \"listen\",\n    \"log.format\",\n];\nlet x = \"other\";\n";
        let with = |page: &str| found(check, &[(SOURCE, source), (PAGE, page)]);
        let (listen, format) =
            ("| `listen` | `CLOISTER_LISTEN` | x | y |\n", "| `log.format` | `CLOISTER_LOG_FORMAT` | x | y |\n");
        assert!(with(&format!("{listen}{format}")).is_empty());
        assert_eq!(with(listen), ["docs/operators/configuration.md:1 setting-documented"]);
        let gone = format!("{listen}{format}| `gone` | `CLOISTER_GONE` | x | y |\n");
        assert_eq!(
            with(&gone),
            ["docs/operators/configuration.md:3 setting-documented", "docs/operators/configuration.md:3 dead-variable"]
        );
        let wrong = format!("{listen}{}", format.replace("LOG_", ""));
        assert_eq!(
            with(&wrong),
            ["docs/operators/configuration.md:2 setting-documented", "docs/operators/configuration.md:2 dead-variable"]
        );
    }

    #[test]
    fn a_variable_that_nothing_reads_is_found() {
        let source = "//! x\nconst KEYS: &[&str] = &[\n    \"listen\",\n];\nread(\"CLOISTER_KNOWN\");\n";
        let page = "| `listen` | `CLOISTER_LISTEN` | x | y |\n`CLOISTER_KNOWN`, `CLOISTER_*`, `CLOISTER_GONE`\n";
        assert_eq!(
            found(check, &[(SOURCE, source), (PAGE, page)]),
            ["docs/operators/configuration.md:2 dead-variable"]
        );
    }
}
