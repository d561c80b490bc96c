//! A log as a file: a line an entry, made as it is sent, a bounded part at a time.

use cloister_http::csv_cell;
use cloister_ids::{AuditId, TenantId};
use cloister_tenancy::{Error, OpContext, Result, Tenancy};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AuditEntry, PlatformAuditEntry, Selection, Wanted, platform_store, store};
use crate::Service;

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

    fn head(self, log: &Log) -> String {
        match (self, log) {
            (Self::Csv, Log::Tenant(..)) => format!("{}\r\n", COLUMNS.join(",")),
            (Self::Csv, Log::Platform(..)) => format!("{},tenant_id\r\n", COLUMNS.join(",")),
            (Self::Ndjson, _) => String::new(),
        }
    }

    /// An entry of a tenant's log, or of the platform's with the tenant that it concerns.
    fn line(self, entry: &AuditEntry) -> Result<String> {
        match self {
            Self::Csv => Ok(csv_line(entry) + "\r\n"),
            Self::Ndjson => json_line(entry),
        }
    }

    fn platform_line(self, of: &PlatformAuditEntry) -> Result<String> {
        match self {
            Self::Csv => {
                let tenant = of.tenant_id.map_or_else(String::new, |id| id.to_string());
                Ok(format!("{},{tenant}\r\n", csv_line(&of.entry)))
            }
            Self::Ndjson => json_line(of),
        }
    }
}

fn json_line(entry: &impl Serialize) -> Result<String> {
    Ok(format!("{}\n", serde_json::to_string(entry).map_err(Error::internal)?))
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
    cells.map(|cell| csv_cell(&cell)).join(",")
}

/// Whose log.
pub(super) enum Log {
    /// A tenant's.
    Tenant(Tenancy, Box<OpContext>),
    /// The platform's, or what of it concerns one tenant.
    Platform(Service, Option<TenantId>),
}

/// An export under way.
pub(super) struct Export {
    log: Log,
    format: AuditFormat,
    wanted: Wanted,
    after: Option<AuditId>,
    is_begun: bool,
    is_over: bool,
}

impl Export {
    /// Of what was done before it was asked for: it ends, however much is being done meanwhile.
    pub(super) fn new(log: Log, format: AuditFormat, mut wanted: Wanted, now: Timestamp) -> Self {
        wanted.to = Some(wanted.to.map_or(now, |to| to.min(now)));
        Self { log, format, wanted, after: None, is_begun: false, is_over: false }
    }

    /// The next part, oldest entries first; none when it is whole.
    pub(super) async fn part(&mut self) -> Result<Option<String>> {
        if self.is_over {
            return Ok(None);
        }
        let selection = Selection::new(self.wanted.clone(), self.after, false, PART);
        let (lines, last): (Vec<String>, Option<AuditId>) = match &self.log {
            Log::Tenant(tenancy, cx) => {
                let entries = store::list(tenancy, cx, &selection).await?;
                let lines = entries.iter().map(|entry| self.format.line(entry)).collect::<Result<_>>()?;
                (lines, entries.last().map(|last| last.id))
            }
            Log::Platform(service, tenant) => {
                let entries = platform_store::list(service.control(), *tenant, &selection).await?;
                let lines = entries.iter().map(|entry| self.format.platform_line(entry)).collect::<Result<_>>()?;
                (lines, entries.last().map(|last| last.entry.id))
            }
        };
        self.after = last;
        self.is_over = i64::try_from(lines.len()).is_ok_and(|count| count < PART);
        let is_begun = std::mem::replace(&mut self.is_begun, true);
        let head = if is_begun { String::new() } else { self.format.head(&self.log) };
        Ok(Some(head + &lines.concat()))
    }
}
