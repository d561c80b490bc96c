//! What was noticed, for whoever made the holes.

use std::{fmt::Write as _, io::Write as _};

/// Where to write it; none when no holes are wanted.
pub(crate) fn wanted() -> Option<std::path::PathBuf> {
    std::env::var_os("CLOISTER_MUTANTS_REPORT").map(Into::into)
}

/// A hole and what noticed it.
#[derive(Debug)]
pub(crate) struct Noticed {
    pub(crate) hole: String,
    /// None where nothing did.
    pub(crate) by: Option<String>,
    /// What is known where nothing did.
    pub(crate) otherwise: String,
}

/// Adds a line a hole to the file.
pub(crate) fn add(to: &std::path::Path, all: &[Noticed]) {
    let mut text = String::new();
    for Noticed { hole, by, otherwise } in all {
        writeln!(text, "{hole}\t{}\t{otherwise}", by.as_deref().unwrap_or_default()).unwrap();
    }
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(to).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}
