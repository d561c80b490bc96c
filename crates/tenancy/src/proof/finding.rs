//! What the prover says: findings with a stable code each, and the proof they belong to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A wall is down or may be walked round. A node does not serve.
    Critical,
    /// Nothing is open, but something is not as it was made, or would be open if something else failed.
    Warning,
}

impl Severity {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
        }
    }
}

/// A kind of hole.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// A stable word.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Why it matters.
    pub why: &'static str,
}

/// One hole, and what mends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// A stable word for the kind of hole.
    #[schema(example = "row_security_off")]
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// The PostgreSQL server, as the registry names it.
    #[schema(example = "main")]
    pub cluster: String,
    /// The database; empty when it is about the whole server.
    #[schema(example = "cloister_shared")]
    pub database: String,
    /// The object: `schema.table`, with `.item` where it is about a column, index, constraint, policy or trigger of it.
    #[schema(example = "shared.person")]
    pub object: String,
    /// What was found.
    #[schema(example = "row security is disabled")]
    pub detail: String,
    /// Why it matters.
    pub why: String,
    /// SQL that mends it, to be run in that database by the owner or an administrator. Where a person must decide it begins
    /// with `--`.
    #[schema(example = "alter table shared.person enable row level security;")]
    pub mend: String,
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Looked {
    /// PostgreSQL servers.
    pub clusters: usize,
    /// Databases, the control plane's among them.
    pub databases: usize,
    /// Schemas with tables of ours.
    pub schemas: usize,
    /// Tables in them.
    pub tables: usize,
    /// Places of tenants.
    pub placements: usize,
    /// Statements that were planned.
    pub statements: usize,
}

/// What the prover found on one walk through everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Proof {
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// How much was looked at.
    pub looked: Looked,
    /// The holes, the worst first.
    pub findings: Vec<Finding>,
}

impl Proof {
    /// Findings of the worse kind.
    pub fn critical(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Critical)
    }

    /// Nothing was found.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Where something was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) cluster: &'a str,
    pub(super) database: &'a str,
}

impl Place<'_> {
    pub(super) fn finding(&self, code: &Code, object: String, detail: String, mend: String) -> Finding {
        Finding {
            code: code.name.to_owned(),
            severity: code.severity,
            cluster: self.cluster.to_owned(),
            database: self.database.to_owned(),
            object,
            detail,
            why: code.why.to_owned(),
            mend,
        }
    }
}
