//! A log as a file: a line an entry, made as it is sent, a bounded part at a time.

use cloister_ids::AuditId;
use cloister_tenancy::{Error, OpContext, Result, Tenancy};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AuditEntry, Selection, Wanted, store};

/// Entries read and sent at once.
const PART: i64 = 500;

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum AuditFormat {
    /// For spreadsheets: a head line, then a line an entry.
    #[default]
    Csv,
    /// For programs: a JSON object a line.
    Ndjson,
}

impl AuditFormat {
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    pub(super) const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }

    fn head(self) -> String {
        match self {
            Self::Csv => format!("{}\r\n", COLUMNS.join(",")),
            Self::Ndjson => String::new(),
        }
    }

    fn line(self, entry: &AuditEntry) -> Result<String> {
        match self {
            Self::Csv => Ok(csv_line(entry)),
            Self::Ndjson => Ok(format!("{}\n", serde_json::to_string(entry).map_err(Error::internal)?)),
        }
    }
}

const COLUMNS: [&str; 12] = [
    "id",
    "at",
    "actor",
    "account_id",
    "acting_as",
    "action",
    "resource",
    "resource_id",
    "client",
    "request_id",
    "reason",
    "changes",
];

fn csv_line(entry: &AuditEntry) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let cells = [
        entry.id.to_string(),
        entry.at.to_string(),
        entry.actor.clone(),
        entry.account_id.map_or_else(String::new, |id| id.to_string()),
        text(&entry.acting_as),
        entry.action.clone(),
        text(&entry.resource),
        text(&entry.resource_id),
        text(&entry.client),
        entry.request_id.map_or_else(String::new, |id| id.to_string()),
        text(&entry.reason),
        entry.changes.as_ref().map_or_else(String::new, ToString::to_string),
    ];
    cells.map(|cell| csv_cell(&cell)).join(",") + "\r\n"
}

/// A cell that a spreadsheet shows and never computes: what would begin a formula gets an apostrophe in front.
fn csv_cell(text: &str) -> String {
    let is_formula = text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
        || text.starts_with(['\t', '\r', '\n']);
    let guarded = if is_formula { format!("'{text}") } else { text.to_owned() };
    if guarded.contains([',', '"', '\r', '\n', ';', '\t', '\'']) || guarded.starts_with(' ') || guarded.ends_with(' ') {
        return format!("\"{}\"", guarded.replace('"', "\"\""));
    }
    guarded
}

/// An export under way.
pub(super) struct Export {
    tenancy: Tenancy,
    cx: OpContext,
    format: AuditFormat,
    wanted: Wanted,
    after: Option<AuditId>,
    is_begun: bool,
    is_over: bool,
}

impl Export {
    /// Of what was done before it was asked for: it ends, however much is being done meanwhile.
    pub(super) fn new(tenancy: Tenancy, cx: OpContext, format: AuditFormat, mut wanted: Wanted) -> Self {
        let now = cx.clock().now();
        wanted.to = Some(wanted.to.map_or(now, |to| to.min(now)));
        Self { tenancy, cx, format, wanted, after: None, is_begun: false, is_over: false }
    }

    /// The next part, oldest entries first; none when it is whole.
    pub(super) async fn part(&mut self) -> Result<Option<String>> {
        if self.is_over {
            return Ok(None);
        }
        let selection = Selection::new(self.wanted.clone(), self.after, false, PART);
        let entries = store::list(&self.tenancy, &self.cx, &selection).await?;
        self.after = entries.last().map(|last| last.id);
        self.is_over = i64::try_from(entries.len()).is_ok_and(|count| count < PART);
        let mut text = if std::mem::replace(&mut self.is_begun, true) { String::new() } else { self.format.head() };
        for entry in &entries {
            text.push_str(&self.format.line(entry)?);
        }
        Ok(Some(text))
    }
}

#[cfg(test)]
mod tests {
    use super::csv_cell;

    #[test]
    fn a_cell_is_never_a_formula() {
        for (text, cell) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("  =1", "\"'  =1\""),
            ("", ""),
        ] {
            assert_eq!(csv_cell(text), cell, "{text:?}");
        }
    }
}
