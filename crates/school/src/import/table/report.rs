//! What an import of a table did, would do, or was refused for. It reads as the report of a roster does.

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::super::{Change, Example, Outcome, report::Elapsed, shown::cut_text};

/// Changed records of each kind that are told field by field.
const EXAMPLES: usize = 200;
/// Issues that are kept whole. All are counted.
const ISSUES: usize = 500;

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TableSeverity {
    /// The row cannot be used.
    Error,
    /// It can, and somebody should look.
    Warning,
}

/// Something that is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TableIssue {
    /// How bad it is.
    pub severity: TableSeverity,
    /// A stable word for it.
    pub code: String,
    /// Where in the file the row stands.
    pub line: Option<u64>,
    /// The column, by its name in the file.
    pub column: Option<String>,
    /// What is written there.
    pub value: Option<String>,
    /// What would be right.
    pub message: String,
}

impl TableIssue {
    /// Something to look at.
    pub(super) fn warning(code: &str, line: u64, column: Option<String>, message: String) -> Self {
        let severity = TableSeverity::Warning;
        Self { severity, code: code.to_owned(), line: Some(line), column, value: None, message }
    }

    /// Something that makes a row useless.
    pub(super) fn error(code: &str, column: Option<String>, value: Option<&str>, message: impl Into<String>) -> Self {
        let value = value.map(cut_text);
        let severity = TableSeverity::Error;
        Self { severity, code: code.to_owned(), line: None, column, value, message: message.into() }
    }
}

/// Why nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableRefusal {
    /// A stable word for it.
    pub code: String,
    /// What can be done.
    pub message: String,
}

/// What a row did to a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowExample {
    /// Where in the file the row stands.
    pub line: u64,
    /// The record.
    #[serde(flatten)]
    pub record: Example,
}

/// What became of the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TableCounts {
    /// The list, as its address has it.
    pub file: String,
    /// The sheet, or `csv`.
    pub name: String,
    /// Rows besides the first.
    pub rows: u64,
    /// Records made.
    pub created: u64,
    /// Records changed, also those that count again.
    pub changed: u64,
    /// Records that were so already.
    pub unchanged: u64,
    /// Rows that cannot be used.
    pub skipped: u64,
    /// The first rows of each kind of change.
    pub examples: Vec<RowExample>,
}

/// All there is to say about an import of a table.
#[derive(Debug, Clone, Serialize)]
pub struct TableReport {
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was refused.
    pub refusal: Option<TableRefusal>,
    /// What the columns were taken for; null for one that was left out.
    pub columns: Map<String, Value>,
    /// By which fields records were found again.
    pub key: Vec<String>,
    /// What became of the rows: one list.
    pub files: Vec<TableCounts>,
    /// Errors there are, listed below or not.
    pub errors: u64,
    /// Warnings there are.
    pub warnings: u64,
    /// What is wrong, in the order of the rows.
    pub issues: Vec<TableIssue>,
    /// How long it took, in milliseconds.
    pub milliseconds: Elapsed,
}

impl TableReport {
    pub(super) fn new(dry_run: bool, resource: &str) -> Self {
        Self {
            outcome: if dry_run { Outcome::DryRun } else { Outcome::Applied },
            refusal: None,
            columns: Map::new(),
            key: Vec::new(),
            files: vec![TableCounts { file: resource.to_owned(), ..TableCounts::default() }],
            errors: 0,
            warnings: 0,
            issues: Vec::new(),
            milliseconds: Elapsed::default(),
        }
    }

    pub(super) fn counts(&mut self) -> &mut TableCounts {
        if self.files.is_empty() {
            self.files.push(TableCounts::default());
        }
        &mut self.files[0]
    }

    pub(super) fn tell(&mut self, issue: TableIssue) {
        match issue.severity {
            TableSeverity::Error => self.errors += 1,
            TableSeverity::Warning => self.warnings += 1,
        }
        if self.issues.len() < ISSUES {
            self.issues.push(issue);
        }
    }

    pub(super) fn refuse(&mut self, code: &str, message: impl Into<String>) {
        self.outcome = Outcome::Refused;
        self.refusal = Some(TableRefusal { code: code.to_owned(), message: message.into() });
    }

    pub(super) fn did(&mut self, line: u64, record: Example) {
        let counts = self.counts();
        match record.change {
            Change::Created => counts.created += 1,
            _ => counts.changed += 1,
        }
        if counts.examples.iter().filter(|known| known.record.change == record.change).count() < EXAMPLES {
            counts.examples.push(RowExample { line, record });
        }
    }

    /// What the audit log keeps: counts, and nothing about anybody.
    pub(super) fn audited(&self) -> Value {
        let counts = self.files.iter().map(|counts| {
            json!({ "list": counts.file, "created": counts.created, "changed": counts.changed,
                "unchanged": counts.unchanged, "skipped": counts.skipped })
        });
        Value::Array(counts.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::TableIssue;

    #[test]
    fn a_value_is_repeated_as_everywhere() {
        let told = |value: &str| TableIssue::error("x", None, Some(value), "y").value.unwrap();
        assert_eq!(told(&"ä".repeat(100)), "ä".repeat(100));
        assert_eq!(told(&"ä".repeat(101)), "ä".repeat(100) + "…");
    }
}
