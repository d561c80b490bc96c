//! Which guards there are and what noticed that they were gone.

use super::survivors::Entry;

/// A guard that was taken away.
#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) name: String,
    /// The test that turned red.
    pub(crate) killed_by: Option<String>,
    /// What is known where none did.
    pub(crate) otherwise: String,
}

impl Guard {
    /// One that nothing noticed to be gone.
    pub(crate) fn alive(name: String, otherwise: String) -> Self {
        Self { name, killed_by: None, otherwise }
    }

    /// From a line of a report that a test wrote.
    pub(crate) fn read(line: &str, test: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
        let by = fields.next().filter(|by| !by.is_empty()).map(|by| format!("{test}: {by}"));
        Some(Self { name, killed_by: by, otherwise: fields.next().unwrap_or_default().to_owned() })
    }
}

/// A line a guard.
pub(crate) fn print(guards: &[Guard], known: &[Entry]) {
    let width = guards.iter().map(|guard| guard.name.len()).max().unwrap_or_default().min(72);
    for guard in guards {
        let reason = known.iter().find(|entry| entry.is_about(&guard.name)).map(|entry| entry.reason.as_str());
        let by = match (&guard.killed_by, reason) {
            (Some(by), _) => by.clone(),
            (None, Some(reason)) => format!("survives: {reason}"),
            (None, None) if guard.otherwise.is_empty() => "SURVIVED".to_owned(),
            (None, None) => format!("SURVIVED ({})", guard.otherwise),
        };
        println!("{:<width$}  {by}", guard.name);
    }
}
