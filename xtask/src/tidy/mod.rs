//! The rules of the house, as checks: `cargo xtask tidy`, and a test that runs the same.
//!
//! A file holds a family of rules. Each finding names its place, what is wrong, why the rule exists and what to do.
//! Exceptions are lists in the rule's file, each with its reason; an exception that is no longer needed is a finding too, so
//! that the lists only shrink.

mod configuration;
mod control;
mod document;
mod edges;
mod forbidden;
mod invariants;
mod layout;
mod link;
mod migrations;
mod schema;
mod scope;
mod source;
mod sql;
mod text;
mod workspace;

use std::{fmt, process::ExitCode};

pub(crate) use workspace::root;
use workspace::{File, Workspace};

#[derive(clap::Args)]
pub(crate) struct Tidy {
    /// Only rules of this name.
    #[arg(long)]
    rule: Option<String>,
}

impl Tidy {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let mut findings = all(&root())?;
        if let Some(name) = &self.rule {
            findings.retain(|finding| finding.rule.name == name);
        }
        for finding in &findings {
            println!("{finding}\n");
        }
        if findings.is_empty() {
            eprintln!("tidy: nothing found");
            return Ok(ExitCode::SUCCESS);
        }
        eprintln!("tidy: {} finding{}", findings.len(), if findings.len() == 1 { "" } else { "s" });
        Ok(ExitCode::FAILURE)
    }
}

/// A rule: its name, why there is one, what to do about a finding.
#[derive(Debug, PartialEq, Eq)]
struct Rule {
    name: &'static str,
    why: &'static str,
    mend: &'static str,
}

/// Something a rule found.
#[derive(Debug)]
struct Finding {
    path: String,
    line: usize,
    rule: &'static Rule,
    what: String,
}

impl Finding {
    fn new(rule: &'static Rule, path: impl Into<String>, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.into(), line, rule, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, rule, what } = self;
        write!(f, "{path}:{line}: {what} [{}]\n  why: {}\n  do: {}", rule.name, rule.why, rule.mend)
    }
}

/// A file that a rule leaves alone, and why. Only ever taken from a list, never added without a reason.
struct Exception {
    path: &'static str,
    #[expect(dead_code, reason = "written for whoever reads the list")]
    reason: &'static str,
}

/// True when the file is excepted.
fn is_excepted(exceptions: &[Exception], file: &File) -> bool {
    exceptions.iter().any(|exception| exception.path == file.path)
}

/// Exceptions whose files no longer need them.
fn unneeded<'a>(
    rule: &'static Rule,
    exceptions: &'a [Exception],
    needed: impl Fn(&str) -> bool + 'a,
) -> impl Iterator<Item = Finding> + 'a {
    exceptions.iter().filter(move |exception| !needed(exception.path)).map(move |exception| {
        Finding::new(rule, exception.path, 1, "the exception for this file is no longer needed: take it from the list")
    })
}

/// Runs every rule.
fn all(root: &std::path::Path) -> anyhow::Result<Vec<Finding>> {
    let workspace = Workspace::read(root)?;
    let mut findings = edges::check(&edges::metadata(root)?);
    for rules in [
        edges::check_sources,
        layout::check,
        text::check,
        forbidden::check,
        sql::check,
        control::check,
        scope::check,
        migrations::check,
        schema::check,
        link::check,
        document::check,
        invariants::check,
        configuration::check,
    ] {
        findings.extend(rules(&workspace));
    }
    findings.sort_by(|a, b| (&a.path, a.line, a.rule.name).cmp(&(&b.path, b.line, b.rule.name)));
    Ok(findings)
}

/// The findings of a rule family in a made-up workspace, as `path:line rule`.
#[cfg(test)]
fn found(check: impl Fn(&Workspace) -> Vec<Finding>, files: &[(&str, &str)]) -> Vec<String> {
    let findings = check(&Workspace::of(files));
    findings.iter().map(|finding| format!("{}:{} {}", finding.path, finding.line, finding.rule.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::{all, root};

    #[test]
    fn the_workspace_is_tidy() {
        let findings = all(&root()).unwrap();
        let texts: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert!(texts.is_empty(), "\n{}\n", texts.join("\n\n"));
    }
}
