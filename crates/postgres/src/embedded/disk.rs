//! Room on the disk: asked before a cluster is made, and when one did not start.

use std::path::Path;

use super::EmbeddedError;

/// An empty cluster takes 40 MiB, its first write-ahead segments 16 MiB each; below this a new one would soon stand still.
pub(super) const NEEDED_TO_CREATE: u64 = 200 << 20;

/// A server that cannot even write one write-ahead segment does not start.
pub(super) const NEEDED_TO_RUN: u64 = 32 << 20;

/// What PostgreSQL writes when a write met a full disk (its messages are pinned to English by `LC_ALL=C`).
const FULL: [&str; 2] = ["No space left on device", "Disk quota exceeded"];

/// Bytes an unprivileged account may still write where `path` is, or would be.
pub(super) fn free(path: &Path) -> Option<u64> {
    let existing = path.ancestors().find(|ancestor| ancestor.exists())?;
    let stat = rustix::fs::statvfs(existing).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Refuses when less than `needed` bytes are free.
pub(super) fn require(path: &Path, needed: u64) -> Result<(), EmbeddedError> {
    match free(path) {
        Some(free) if free < needed => Err(EmbeddedError::DiskFull { path: path.to_owned(), free, needed }),
        _ => Ok(()),
    }
}

/// The error to report when a program that wrote this text failed because of the disk. A full disk may also have
/// swallowed the text itself, so the free space is asked too.
pub(super) fn blame(path: &Path, text: &str) -> Option<EmbeddedError> {
    let free = free(path).unwrap_or(u64::MAX);
    let told = FULL.iter().any(|words| text.contains(words));
    let silent = text.trim().is_empty() && free < NEEDED_TO_RUN;
    (told || silent).then(|| EmbeddedError::DiskFull {
        path: path.to_owned(),
        free: if free == u64::MAX { 0 } else { free },
        needed: NEEDED_TO_RUN,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_disk_is_blamed_on_the_disk() {
        let here = Path::new("/");
        let full = "FATAL:  could not write lock file \"postmaster.pid\": No space left on device";
        assert_eq!(blame(here, full).unwrap().code(), "disk_full");
        assert!(blame(here, "FATAL:  data directory has invalid permissions").is_none());
    }
}
