//! What every record of the roster carries besides its own fields.

use cloister_ids::{Id, Kind};
use cloister_tenancy::{Actor, Error, ErrorKind, OpContext, Result, sql::Row};
use jiff::Timestamp;
use serde_json::Value;

/// Fields of other systems that the standard has no place for, kept as they came: a JSON object.
pub type Metadata = Value;

/// Whether a record counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It counts.
    Active,
    /// It was deleted. It can still be read, and be made active again.
    ToBeDeleted,
}

impl Status {
    /// The word of files and columns.
    pub const fn as_str(self) -> &'static str {
        self.column()
    }

    pub(crate) const fn column(self) -> &'static &'static str {
        match self {
            Self::Active => &"active",
            Self::ToBeDeleted => &"tobedeleted",
        }
    }

    fn from_column(text: &str) -> Self {
        if text == "active" { Self::Active } else { Self::ToBeDeleted }
    }
}

/// Who keeps a record: the way it first came in. An import removes only what imports brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Somebody typed it in.
    Manual,
    /// A OneRoster package.
    Import,
    /// A directory, over SCIM.
    Scim,
    /// Another program.
    Api,
}

impl Source {
    pub(crate) const fn column(self) -> &'static &'static str {
        match self {
            Self::Manual => &"manual",
            Self::Import => &"import",
            Self::Scim => &"scim",
            Self::Api => &"api",
        }
    }

    fn from_column(text: &str) -> Self {
        match text {
            "import" => Self::Import,
            "scim" => Self::Scim,
            "api" => Self::Api,
            _ => Self::Manual,
        }
    }

    /// Of what this actor enters through the API.
    pub fn of(actor: &Actor) -> Self {
        match actor {
            Actor::System(_) => Self::Api,
            Actor::Account(_) | Actor::Operator(_) => Self::Manual,
        }
    }
}

/// Who wrote a row, and when: the last columns of every statement that writes one.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Of a new record.
    pub source: Source,
}

impl Stamp {
    /// Now, by whoever acts.
    pub fn new(cx: &OpContext) -> Self {
        Self { at: cx.clock().now(), by: cx.actor().to_string(), source: Source::of(cx.actor()) }
    }
}

/// The head of a record.
#[derive(Debug)]
pub struct Head<K: Kind> {
    /// Ours.
    pub id: Id<K>,
    /// Its name in the system that feeds it, unique within the tenant. Our own id where nobody gave one.
    pub sourced_id: String,
    /// Whether it counts.
    pub status: Status,
    /// When it last changed, as the feeding system says, or here.
    pub date_last_modified: Timestamp,
    /// Who keeps it.
    pub source: Source,
    /// Grows with each change.
    pub version: i64,
    /// When it was made here.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it was last changed here.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: String,
}

impl<K: Kind> Clone for Head<K> {
    fn clone(&self) -> Self {
        Self {
            id: self.id,
            sourced_id: self.sourced_id.clone(),
            status: self.status,
            date_last_modified: self.date_last_modified,
            source: self.source,
            version: self.version,
            created_at: self.created_at,
            created_by: self.created_by.clone(),
            updated_at: self.updated_at,
            updated_by: self.updated_by.clone(),
        }
    }
}

impl<K: Kind> Head<K> {
    /// Of a record that is about to be made.
    pub fn new(id: Id<K>, sourced_id: Option<String>, stamp: &Stamp) -> Self {
        Self {
            id,
            sourced_id: sourced_id.unwrap_or_else(|| id.to_string()),
            status: Status::Active,
            date_last_modified: stamp.at,
            source: stamp.source,
            version: 1,
            created_at: stamp.at,
            created_by: stamp.by.clone(),
            updated_at: stamp.at,
            updated_by: stamp.by.clone(),
        }
    }

    /// The same after a change.
    #[must_use]
    pub fn changed(&self, status: Status, stamp: &Stamp) -> Self {
        Self {
            status,
            date_last_modified: stamp.at,
            version: self.version + 1,
            updated_at: stamp.at,
            updated_by: stamp.by.clone(),
            ..self.clone()
        }
    }

    /// From a row of `columns!()`.
    pub(crate) fn from_row(row: &Row) -> Self {
        Self {
            id: row.get("id"),
            sourced_id: row.get("sourced_id"),
            status: Status::from_column(row.get("status")),
            date_last_modified: row.get("date_last_modified"),
            source: Source::from_column(row.get("source")),
            version: row.get("version"),
            created_at: row.get("created_at"),
            created_by: row.get("created_by"),
            updated_at: row.get("updated_at"),
            updated_by: row.get("updated_by"),
        }
    }

    /// The status after a change that names one: deleting has a method of its own, bringing back has not.
    pub fn status_after(&self, asked: Option<Status>) -> Result<Status> {
        match (self.status, asked.unwrap_or(self.status)) {
            (_, Status::Active) => Ok(Status::Active),
            (Status::Active, Status::ToBeDeleted) => {
                Err(Error::field("status", "status_not_deleted_here", "Use the method DELETE to delete a record."))
            }
            (Status::ToBeDeleted, Status::ToBeDeleted) => Err(Error::new(
                ErrorKind::Conflict,
                "record_deleted",
                "This record was deleted. Set its status to `active` to bring it back.",
            )),
        }
    }

    /// Refuses another `sourced_id`: other systems know the record by it.
    pub fn keep_sourced_id(&self, asked: Option<&str>) -> Result<()> {
        if asked.is_none_or(|asked| asked == self.sourced_id) {
            return Ok(());
        }
        Err(Error::field("sourced_id", "sourced_id_fixed", "The sourced_id of a record cannot be changed."))
    }

    /// Refuses a change by somebody who has not seen the last one.
    pub fn expect_version(&self, seen: i64) -> Result<()> {
        if self.version == seen { Ok(()) } else { Err(Error::version_mismatch()) }
    }
}

/// The one row of a statement that finds a record by its id.
pub(crate) fn found(rows: &[Row]) -> Result<&Row> {
    rows.first().ok_or_else(Error::not_found)
}
