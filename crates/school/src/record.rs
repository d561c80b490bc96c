//! What every record of the roster carries besides its own fields.

use cloister_http::words;
use cloister_tenancy::{Actor, Error, ErrorKind, OpContext, Result, sql::Row};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

words! {
    /// Whether a record counts.
    pub enum Status {
        /// It counts.
        Active = "active",
        /// It was deleted. It can still be read, and be made active again.
        ToBeDeleted = "tobedeleted",
    }
}

words! {
    /// Who keeps a record: the way it first came in. An import removes only what imports brought.
    pub enum Source {
        /// Somebody entered it.
        Manual = "manual",
        /// A OneRoster package brought it.
        Import = "import",
        /// A directory sent it over SCIM.
        Scim = "scim",
        /// Another program made it.
        Api = "api",
    }
}

impl Source {
    /// Of what this actor enters through the API.
    pub(crate) fn of(actor: &Actor) -> Self {
        match actor {
            Actor::System(_) => Self::Api,
            Actor::Account(_) | Actor::Operator(_) => Self::Manual,
        }
    }
}

#[expect(clippy::derivable_impls, reason = "the macro that makes the type marks no default")]
impl Default for Status {
    fn default() -> Self {
        Self::Active
    }
}

/// Fields of other systems that the standard has no place for, kept as they came.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Metadata(Value);

impl Metadata {
    /// As a column holds it.
    pub(crate) fn column(&self) -> &Value {
        &self.0
    }

    pub(crate) fn from_row(row: &Row) -> Self {
        Self(row.get("metadata"))
    }
}

impl Default for Metadata {
    fn default() -> Self {
        Self(Value::Object(Map::new()))
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(|fields| Self(Value::Object(fields)))
    }
}

/// Who made and changed a record, and when.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Record {
    /// When it last changed, as the feeding system says, or here.
    pub date_last_modified: Timestamp,
    /// Who keeps it.
    pub source: Source,
    /// Grows with every change; the ETag.
    #[schema(example = 1)]
    pub version: i64,
    /// When it was made here.
    pub created_at: Timestamp,
    /// By whom.
    #[schema(example = "account:ada")]
    pub created_by: String,
    /// When it was last changed here.
    pub updated_at: Timestamp,
    /// By whom.
    #[schema(example = "account:ada")]
    pub updated_by: String,
}

impl Record {
    /// Of a record that is about to be made.
    pub(crate) fn new(cx: &OpContext) -> Self {
        let (now, by) = (cx.clock().now(), cx.actor().to_string());
        Self {
            date_last_modified: now,
            source: Source::of(cx.actor()),
            version: 1,
            created_at: now,
            created_by: by.clone(),
            updated_at: now,
            updated_by: by,
        }
    }

    /// The same after a change.
    pub(crate) fn changed(self, cx: &OpContext) -> Self {
        let now = cx.clock().now();
        Self {
            date_last_modified: now,
            version: self.version + 1,
            updated_at: now,
            updated_by: cx.actor().to_string(),
            ..self
        }
    }

    /// From a row with `head!()`.
    pub(crate) fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            date_last_modified: row.get("date_last_modified"),
            source: row.get::<_, &str>("source").parse().map_err(Error::internal)?,
            version: row.get("version"),
            created_at: row.get("created_at"),
            created_by: row.get("created_by"),
            updated_at: row.get("updated_at"),
            updated_by: row.get("updated_by"),
        })
    }

    /// For examples in the API document.
    pub(crate) fn sample() -> Self {
        let at = Timestamp::constant(1_767_603_600, 0);
        Self {
            date_last_modified: at,
            source: Source::Manual,
            version: 1,
            created_at: at,
            created_by: "account:ada".to_owned(),
            updated_at: at,
            updated_by: "account:ada".to_owned(),
        }
    }
}

/// The status of a row.
pub(crate) fn status(row: &Row) -> Result<Status> {
    row.get::<_, &str>("status").parse().map_err(Error::internal)
}

/// A new record counts.
pub(crate) fn check_new(status: Status) -> Result<()> {
    match status {
        Status::Active => Ok(()),
        Status::ToBeDeleted => Err(Error::field("status", "status_not_new", "A new record is `active`.")),
    }
}

/// What a change may do with the fields that every record has: bring it back, but not delete it, and never rename it.
pub(crate) fn check_change(before: (Option<&str>, Status), after: (Option<&str>, Status)) -> Result<()> {
    if after.0.is_some() && after.0 != before.0 {
        return Err(Error::field("sourced_id", "sourced_id_fixed", "The sourced_id of a record cannot be changed."));
    }
    match (before.1, after.1) {
        (_, Status::Active) => Ok(()),
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

/// The one row of a statement that finds a record by its id.
pub(crate) fn found(rows: &[Row]) -> Result<&Row> {
    rows.first().ok_or_else(Error::not_found)
}

#[cfg(test)]
mod tests {
    use super::{Metadata, Status, check_change, check_new};

    #[test]
    fn only_delete_deletes() {
        use Status::{Active, ToBeDeleted};
        let code = |before, after| {
            check_change((None, before), (None, after)).map_err(|error| match error.fields().first() {
                Some(field) => field.code.to_string(),
                None => error.code().to_owned(),
            })
        };
        assert_eq!(code(Active, Active), Ok(()));
        assert_eq!(code(ToBeDeleted, Active), Ok(()));
        assert_eq!(code(Active, ToBeDeleted), Err("status_not_deleted_here".to_owned()));
        assert_eq!(code(ToBeDeleted, ToBeDeleted), Err("record_deleted".to_owned()));
        assert!(check_new(ToBeDeleted).is_err());
    }

    #[test]
    fn a_record_keeps_its_sourced_id() {
        let change = |after| check_change((Some("a"), Status::Active), (after, Status::Active)).is_ok();
        assert!(change(Some("a")) && change(None));
        assert!(!change(Some("b")));
    }

    #[test]
    fn metadata_is_an_object() {
        assert!(serde_json::from_str::<Metadata>(r#"{"a": [1]}"#).is_ok());
        assert!(serde_json::from_str::<Metadata>("[1]").is_err());
    }
}
