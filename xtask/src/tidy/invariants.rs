//! The invariants of ARCHITECTURE.md are held by tests that exist.

use std::collections::HashSet;

use super::{File, Finding, Rule, Workspace};

static TEST: Rule = Rule {
    name: "invariant-test",
    why: "an invariant whose test was renamed or removed is only a wish",
    mend: "name the test that holds it, as file::test; or say in the page that it is not held yet",
};

static COUNT: Rule = Rule {
    name: "invariant-table",
    why: "the walls are numbered and complete; one that is left out is forgotten",
    mend: "give each wall 1 to 11 its row in the table of ARCHITECTURE.md, beginning with its number",
};

const PAGE: &str = "ARCHITECTURE.md";
const TITLE: &str = "## Invariants";
const WALLS: usize = 11;
const NOT_YET: &str = "not yet";

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let Some(page) = workspace.file(PAGE) else {
        return vec![Finding::new(&COUNT, PAGE, 1, "the page does not exist")];
    };
    let tests = tests(workspace);
    let mut findings = Vec::new();
    let mut seen = Vec::new();
    for (line, row) in rows(page) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let Some(number) = cells.first().and_then(|cell| cell.parse::<usize>().ok()) else { continue };
        seen.push(number);
        let last = cells.last().copied().unwrap_or_default();
        // `Type::method` is what is held; `file::test` is what holds it.
        let test = |name: &&str| name.contains("::") && name.starts_with(|c: char| c.is_ascii_lowercase());
        let names: Vec<&str> = last.split('`').skip(1).step_by(2).filter(test).collect();
        if names.is_empty() && !last.contains(NOT_YET) {
            let what = format!("wall {number} names no test and does not say `{NOT_YET}`");
            findings.push(Finding::new(&TEST, PAGE, line, what));
        }
        for name in names {
            if !tests.contains(name) {
                findings.push(Finding::new(&TEST, PAGE, line, format!("there is no test `{name}`")));
            }
        }
    }
    if seen != (1..=WALLS).collect::<Vec<_>>() {
        findings.push(Finding::new(&COUNT, PAGE, 1, format!("the table has the walls {seen:?}")));
    }
    findings
}

/// The lines of the table under the title.
fn rows(page: &File) -> impl Iterator<Item = (usize, &str)> {
    let inside = page.lines().skip_while(|(_, line)| *line != TITLE).skip(1);
    inside.take_while(|(_, line)| !line.starts_with("## ")).filter(|(_, line)| line.starts_with('|'))
}

/// Every test as `file::name`, and `main::name` and its folder's name too.
fn tests(workspace: &Workspace) -> HashSet<String> {
    let mut found = HashSet::new();
    for file in workspace.rust() {
        let stem = file.name().trim_end_matches(".rs");
        let folder = file.path.rsplit('/').nth(1).unwrap_or_default();
        let mut announced = false;
        for (_, code) in file.source.lines() {
            let code = code.trim();
            if code.starts_with("#[") && code.contains("test") && !code.contains("cfg(") {
                announced = true;
                continue;
            }
            if let Some(name) =
                code.find("fn ").filter(|_| announced).and_then(|at| code[at + 3..].split(['(', '<']).next())
            {
                found.insert(format!("{stem}::{name}"));
                found.insert(format!("{folder}::{name}"));
                announced = false;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{super::found, PAGE, WALLS, check};

    fn page(first: &str) -> String {
        let rest: String = (2..=WALLS).map(|wall| format!("| {wall} | x | not yet |\n")).collect();
        format!(
            "# A\n## Invariants\n| n | wall | test |\n|---|---|---|\n| 1 | x | {first} |\n{rest}## Next\n| 1 | y |\n"
        )
    }

    const TESTS: &str = "//! x\n#[tokio::test]\nasync fn a_stale_node_is_refused() {}\nfn no_test() {}\n";

    #[test]
    fn a_wall_names_a_test_that_exists() {
        let with = |first: &str| found(check, &[(PAGE, &page(first)), ("crates/a/tests/kernel/fence.rs", TESTS)]);
        assert!(with("`fence::a_stale_node_is_refused`").is_empty());
        assert!(with("`kernel::a_stale_node_is_refused`").is_empty());
        for wrong in ["`fence::another`", "`fence::no_test`", "`isolation::a_stale_node_is_refused`", "none"] {
            assert_eq!(with(wrong), ["ARCHITECTURE.md:5 invariant-test"], "{wrong}");
        }
    }

    #[test]
    fn no_wall_is_left_out() {
        let short = page("not yet").replace("| 7 | x | not yet |\n", "");
        assert_eq!(found(check, &[(PAGE, &short)]), ["ARCHITECTURE.md:1 invariant-table"]);
        assert_eq!(found(check, &[]), ["ARCHITECTURE.md:1 invariant-table"]);
    }
}
