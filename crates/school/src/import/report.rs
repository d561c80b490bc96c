//! What an import did, or would do.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::example::Example;
use crate::oneroster::{File, FileMode, Findings, Issue, IssueCount, Mode, Repair, Severity, Version};

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is done.
    Applied,
    /// It would be done; nothing has changed.
    DryRun,
    /// It was refused; nothing has changed.
    Refused,
}

/// Why it was refused.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Refusal {
    /// `package_has_errors` or `removal_threshold_exceeded`.
    pub code: &'static str,
    /// What can be done.
    pub message: String,
    /// For the threshold: the files that are over it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removals: Vec<Removal>,
}

/// How much of what imports brought before a bulk file would take away.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Removal {
    /// Which file.
    pub file: File,
    /// Records that would be marked as deleted.
    pub removed: u64,
    /// Active records that imports brought before.
    pub active: u64,
    /// The one in percent of the other, rounded to a tenth.
    pub percent: f64,
}

/// What became of the rows of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Which file it is.
    pub file: File,
    /// Its name in the package.
    pub name: String,
    /// Bulk or delta.
    pub mode: FileMode,
    /// Whether its records were derived from another file: roles from the users of 1.1.
    pub derived: bool,
    /// Rows in it.
    pub rows: u64,
    /// Records made.
    pub created: u64,
    /// Records changed, also those that became active again.
    pub changed: u64,
    /// Records that were so already.
    pub unchanged: u64,
    /// Records marked as deleted.
    pub removed: u64,
    /// Rows about records that no import made, which stay as they are.
    pub kept: u64,
    /// Rows left out because something is wrong with them.
    pub skipped: u64,
    /// Active records that imports had brought before.
    pub active_before: u64,
    /// The first records of each kind of change, where they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Example>,
}

impl FileReport {
    /// The share of the records from before that leaves, for files that are over `threshold` percent.
    pub(super) fn over(&self, threshold: u8) -> Option<Removal> {
        if self.mode != FileMode::Bulk || self.removed * 100 <= u64::from(threshold) * self.active_before {
            return None;
        }
        // Tenths of a percent of a count below 2^40 are exact enough.
        #[expect(clippy::cast_precision_loss, reason = "shown to people, rounded")]
        let percent = (self.removed * 1000 / self.active_before.max(1)) as f64 / 10.0;
        Some(Removal { file: self.file, removed: self.removed, active: self.active_before, percent })
    }
}

/// Milliseconds of each part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Elapsed {
    /// Reading the package, and bringing it beside the tenant's records.
    pub reading: u64,
    /// Comparing.
    pub checking: u64,
    /// Writing.
    pub merging: u64,
}

pub(super) fn milliseconds(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// All there is to say about an import.
#[derive(Debug, Clone, Serialize)]
pub struct ImportReport {
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was refused.
    pub refusal: Option<Refusal>,
    /// To the letter, or for its meaning.
    pub mode: Mode,
    /// The version of the standard; none when the package cannot be understood.
    pub version: Option<Version>,
    /// The system that wrote the package, as it names itself.
    pub source_system_name: Option<String>,
    /// File by file. Files that are not here are absent, and nothing changed on their account.
    pub files: Vec<FileReport>,
    /// Errors there are, listed below or not.
    pub errors: u64,
    /// Warnings there are.
    pub warnings: u64,
    /// What is wrong, the first of each code and file.
    pub issues: Vec<Issue>,
    /// How many of each there are.
    pub issue_counts: Vec<IssueCount>,
    /// What was mended.
    pub repairs: Vec<Repair>,
    /// How long it took.
    pub milliseconds: Elapsed,
}

impl ImportReport {
    /// Takes over what was found.
    pub(super) fn tell(&mut self, findings: &Findings) {
        self.errors = findings.count(Severity::Error);
        self.warnings = findings.count(Severity::Warning);
        self.issues = findings.issues().to_vec();
        // By file as they are read, and by line: what was found between rows stands beside what was found in them.
        let place = |name: &str| File::ALL.iter().position(|file| file.file_name().eq_ignore_ascii_case(name));
        self.issues.sort_by_cached_key(|issue| (place(&issue.file), issue.file.clone(), issue.line));
        self.issue_counts = findings.counts().collect();
        self.repairs = findings.repairs().cloned().collect();
    }

    /// What the audit log keeps: counts, and nothing about anybody.
    pub(super) fn audited(&self) -> Value {
        let files: serde_json::Map<String, Value> = self
            .files
            .iter()
            .map(|file| {
                let counts = json!({
                    "mode": file.mode, "created": file.created, "changed": file.changed, "unchanged": file.unchanged,
                    "removed": file.removed, "kept": file.kept, "skipped": file.skipped,
                });
                (file.file.name().to_owned(), counts)
            })
            .collect();
        json!({ "version": self.version, "source_system_name": self.source_system_name, "files": files })
    }
}
