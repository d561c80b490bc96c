//! Guards whose absence nothing notices, each with its reason. The list may only shrink.

use std::{collections::BTreeSet, fmt, path::Path};

use anyhow::{Context, bail};

use super::report::Guard;

/// Where they stand.
pub(crate) const FILE: &str = "xtask/src/mutate/survivors.txt";

/// A guard, by its whole name: what excuses many excuses too much.
#[derive(Debug)]
pub(crate) struct Entry {
    name: String,
    pub(crate) reason: String,
}

impl Entry {
    pub(crate) fn is_about(&self, name: &str) -> bool {
        self.name == name
    }
}

/// What is wrong between the list and what was found.
#[derive(Debug)]
pub(crate) struct Fault {
    what: String,
    pub(crate) is_survivor: bool,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Lines of `name: reason`; what begins with `#` is a remark.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Entry>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut entries = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some((name, reason)) = line.split_once(": ").filter(|(_, reason)| !reason.trim().is_empty()) else {
            bail!("{FILE}: a guard stands with its reason, as `name: reason`, and not as `{line}`");
        };
        entries.push(Entry { name: name.to_owned(), reason: reason.trim().to_owned() });
    }
    Ok(entries)
}

/// Survivors without a reason and, when every guard was taken away, reasons without a survivor.
pub(crate) fn faults(known: &[Entry], guards: &[Guard], whole: bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    let alive = || guards.iter().filter(|guard| guard.killed_by.is_none());
    for guard in alive().filter(|guard| known.iter().all(|entry| !entry.is_about(&guard.name))) {
        let what =
            format!("{} was taken away and no test noticed: write one, or say in {FILE} why none can", guard.name);
        faults.push(Fault { what, is_survivor: true });
    }
    let mut names = BTreeSet::new();
    for guard in guards.iter().filter(|guard| !names.insert(&guard.name)) {
        faults.push(Fault { what: format!("two guards are called {}", guard.name), is_survivor: false });
    }
    for entry in known.iter().filter(|entry| whole && alive().all(|guard| !entry.is_about(&guard.name))) {
        let what = format!("{FILE}: {} is noticed by now, or there is no such guard: take the line out", entry.name);
        faults.push(Fault { what, is_survivor: false });
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::{Entry, Guard, faults};

    #[test]
    fn survivors_and_reasons_must_be_the_same() {
        let entry = |name: &str| Entry { name: name.to_owned(), reason: "because".to_owned() };
        let guard = |name: &str, by: Option<&str>| Guard {
            name: name.to_owned(),
            killed_by: by.map(str::to_owned),
            otherwise: String::new(),
        };
        let said = |known: &[Entry], guards: &[Guard], whole| faults(known, guards, whole).len();
        assert_eq!(said(&[], &[guard("a", Some("test"))], true), 0);
        assert_eq!(said(&[], &[guard("a", None)], true), 1);
        assert_eq!(said(&[entry("a")], &[guard("a", None)], true), 0);
        assert_eq!(said(&[entry("a")], &[guard("a", None), guard("a/b", None)], true), 1);
        assert_eq!(said(&[], &[guard("a", Some("test")), guard("a", Some("test"))], true), 1);
        assert_eq!(said(&[entry("a")], &[guard("a", Some("test"))], true), 1);
        assert_eq!(said(&[entry("a")], &[], false), 0);
    }
}
