//! Migrations: numbered without gaps, and carried by the program.

use std::collections::BTreeMap;

use super::{Finding, Rule, Workspace};

static NUMBER: Rule = Rule {
    name: "migration-number",
    why: "migrations are applied in the order of their numbers; a gap or a doublet means that one was lost or two were merged",
    mend: "name them 0001_what.sql (or a folder 0001_what/), counting on from the last",
};

static UNLISTED: Rule = Rule {
    name: "migration-listed",
    why: "a migration that the program does not carry is never applied, and nothing says so",
    mend: "list it in its module's migrations() by include_str!",
};

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    // By folder of numbered entries: number → entry.
    let mut series: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for file in workspace.files().filter(|file| file.is("sql")) {
        let Some((krate, at)) = file.krate().zip(file.path.find("/migrations/")) else { continue };
        // The entry is the first part below `migrations` that begins with a digit: a file, or a folder of phases.
        let below = at + "/migrations/".len();
        let numbered = file.path[below..].split('/').scan(below, |from, part| {
            let here = *from;
            *from += part.len() + 1;
            Some((here, part))
        });
        match numbered.into_iter().find(|(_, part)| part.starts_with(|c: char| c.is_ascii_digit())) {
            Some((from, part)) => {
                series.entry(&file.path[..from - 1]).or_default().insert(part, &file.path);
            }
            None => findings.push(Finding::new(&NUMBER, &file.path, 1, "a migration without a number")),
        }
        let inside = &file.path[krate.len() + 1..];
        let listed = workspace.rust().filter(|source| source.krate() == Some(krate)).any(|source| {
            source
                .source
                .literals
                .iter()
                .any(|literal| literal.text.trim_start_matches("../").trim_start_matches("./") == inside)
                && source.source.code.contains("include_str!")
        });
        if !listed {
            findings.push(Finding::new(&UNLISTED, &file.path, 1, format!("no source of {krate} includes it")));
        }
    }
    for (folder, entries) in series {
        for (expected, (entry, path)) in (1..).zip(entries) {
            let digits = entry.split('_').next().unwrap_or_default();
            if digits.len() != 4 || digits.parse::<i32>() != Ok(expected) {
                let what = format!("`{entry}` should be number {expected:04} of {folder}");
                findings.push(Finding::new(&NUMBER, path, 1, what));
                break;
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{super::found, check};

    const LISTED: &str = "//! x\nconst A: &str = include_str!(\"../migrations/0001_a.sql\");\nconst B: [&str; 2] = [include_str!(\"../migrations/m/0001_b/tables.sql\"), include_str!(\"../migrations/0003_c.sql\")];\n";

    #[test]
    fn migrations_are_numbered_and_carried() {
        let good = [
            ("crates/a/src/lib.rs", LISTED),
            ("crates/a/migrations/0001_a.sql", ""),
            ("crates/a/migrations/m/0001_b/tables.sql", ""),
        ];
        assert!(found(check, &good).is_empty());
        let gap = [good.as_slice(), &[("crates/a/migrations/0003_c.sql", "")]].concat();
        assert_eq!(found(check, &gap), ["crates/a/migrations/0003_c.sql:1 migration-number"]);
        let lost =
            [good.as_slice(), &[("crates/a/migrations/0002_d.sql", ""), ("crates/a/migrations/e.sql", "")]].concat();
        assert_eq!(
            found(check, &lost),
            [
                "crates/a/migrations/0002_d.sql:1 migration-listed",
                "crates/a/migrations/e.sql:1 migration-number",
                "crates/a/migrations/e.sql:1 migration-listed"
            ]
        );
    }
}
