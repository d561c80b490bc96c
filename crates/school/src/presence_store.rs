//! Whether the persons that a record is about are there. Every write that makes such a record asks, and every one that brings
//! it back.
//!
//! The rows stay locked until the end of the transaction. A person who is being deleted or merged waits for the writer, and
//! the merge then sees what was written; a writer who comes later sees that the person left. The lock comes before any lock on
//! the record itself, as a merge takes them, so that nobody waits in a circle.

use cloister_ids::PersonId;
use cloister_tenancy::{
    Error, ErrorKind, Result,
    sql::{Row, statements},
};
use serde_json::Value;

use crate::record::{Status, found, status};

statements! {
    /// Persons, kept from leaving; always in one order. `$2` is an array.
    PRESENT = "select id, status from person where tenant_id = $1 and id = any($2::uuid[]) order by id for share";
    /// The same where one of them is written as well.
    HELD = "select id, status from person where tenant_id = $1 and id = any($2::uuid[]) order by id for no key update";
}

/// The person whom the record `$2` is about, kept from leaving. Where rows of theirs are counted or compared, `no key update`
/// keeps others from writing such rows meanwhile.
macro_rules! present_of {
    ($table:literal, $column:literal) => {
        $crate::presence_store::present_of!($table, $column, "share")
    };
    ($table:literal, $column:literal, $lock:literal) => {
        concat!(
            "select id, status from person where tenant_id = $1 and id = (select o.",
            $column,
            " from ",
            $table,
            " o where o.tenant_id = $1 and o.id = $2) for ",
            $lock
        )
    };
}

pub(crate) use present_of;

/// Refuses a record of somebody who left. `rows` are of a statement that locks persons and tells `id` and `status`.
pub(crate) fn check_present(rows: &[Row], id: PersonId, field: &str) -> Result<()> {
    let row = rows.iter().find(|row| row.get::<_, PersonId>("id") == id);
    let row = row.ok_or_else(|| Error::field(field, "person_unknown", "There is no such person."))?;
    if status(row)? == Status::ToBeDeleted { Err(person_deleted(field)) } else { Ok(()) }
}

/// The same for a record that comes back. One that was there before stays what it is.
pub(crate) fn check_return(rows: &[Row], id: PersonId, field: &str, before: Status, after: Status) -> Result<()> {
    match (before, after) {
        (Status::ToBeDeleted, Status::Active) => check_present(rows, id, field),
        _ => Ok(()),
    }
}

/// Refuses a write onto the one person of `rows` if they left: the path names them, or a record of theirs, so no field is to blame.
pub(crate) fn check_subject(rows: &[Row]) -> Result<()> {
    if status(found(rows)?)? != Status::ToBeDeleted {
        return Ok(());
    }
    let message = "The person whom this is about was deleted or merged into another. Bring them back first.";
    Err(Error::new(ErrorKind::Conflict, "person_deleted", message))
}

/// Whoever is named besides, by a field that may be empty and may have named the same before.
pub(crate) fn check_named(rows: &[Row], now: Option<PersonId>, before: Option<PersonId>, field: &str) -> Result<()> {
    now.filter(|now| before != Some(*now)).map_or(Ok(()), |now| check_present(rows, now, field))
}

/// The persons that a change names in a field, one or a list of at most `most`; what else is wrong with it is told later.
pub(crate) fn named_in(changes: &Value, field: &str, most: usize) -> Vec<PersonId> {
    let given = changes.get(field);
    let names =
        given.and_then(Value::as_array).map_or_else(|| given.map_or(&[][..], std::slice::from_ref), Vec::as_slice);
    names.iter().filter_map(|name| name.as_str()?.parse().ok()).take(most).collect()
}

/// Somebody who left, perhaps into another record.
pub(crate) fn person_deleted(field: &str) -> Error {
    Error::field(
        field,
        "person_deleted",
        "This person was deleted or merged into another. Name the record that stayed, or bring this one back first.",
    )
}
