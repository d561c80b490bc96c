//! Whether the persons that a record is about are there. Every write that makes such a record asks, and every one that brings
//! it back.
//!
//! The rows stay locked until the end of the transaction. A person who is being deleted or merged waits for the writer, and
//! the merge then sees what was written; a writer who comes later sees that the person left. The lock comes before any lock on
//! the record itself, as a merge takes them, so that nobody waits in a circle.

use cloister_ids::PersonId;
use cloister_tenancy::{
    Error, Result,
    sql::{Row, statements},
};
use serde_json::Value;

use crate::record::{Status, status};

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

/// The persons that a change names in a list, at most `most`; what else is wrong with the list is told later.
pub(crate) fn named_in(changes: &Value, field: &str, most: usize) -> Vec<PersonId> {
    let names = changes.get(field).and_then(Value::as_array).into_iter().flatten();
    names.filter_map(|name| name.as_str()?.parse().ok()).take(most).collect()
}

/// Somebody who left, perhaps into another record.
pub(crate) fn person_deleted(field: &str) -> Error {
    Error::field(
        field,
        "person_deleted",
        "This person was deleted or merged into another. Name the record that stayed, or bring this one back first.",
    )
}
