//! What is told of somebody's health, as a column keeps it: one sealed text a record, so that neither single values nor their
//! lengths show.

use cloister_ids::{Id, Kind};
use cloister_tenancy::{Cell, Error, OpContext, Result, sql::Row};
use serde_json::{Map, Value};

use super::HealthFields;

/// Lengths are rounded up to this, so that a long name and a short one look alike.
const STEP: usize = 256;

fn cell<'a, F: HealthFields>(row: &'a [&'a [u8]; 1]) -> Cell<'a> {
    Cell { table: F::table().name, row, column: "sealed" }
}

/// Everything but what columns hold in clear.
pub(crate) fn seal<F: HealthFields>(cx: &OpContext, id: Id<F::Kind>, fields: &F) -> Result<Vec<u8>> {
    let Value::Object(mut told) = serde_json::to_value(fields).map_err(Error::internal)? else {
        return Err(Error::internal("fields are an object"));
    };
    told.remove("status");
    told.remove("student_id");
    for (name, _) in fields.clear() {
        told.remove(name);
    }
    let mut plain = serde_json::to_vec(&told).map_err(Error::internal)?;
    // JSON may end in blanks.
    plain.resize(plain.len().next_multiple_of(STEP), b' ');
    cx.seal(&cell::<F>(&[id.uuid().as_bytes()]), &plain)
}

/// The fields of a row.
pub(super) fn open<F: HealthFields>(cx: &OpContext, id: Id<F::Kind>, row: &Row) -> Result<F> {
    let mut told = told(cx, &cell::<F>(&[id.uuid().as_bytes()]), row)?;
    told.insert("status".to_owned(), row.get::<_, &str>("status").into());
    told.insert("student_id".to_owned(), row.get::<_, cloister_ids::PersonId>("student_id").to_string().into());
    for (name, value) in F::clear_of(row)? {
        told.insert(name.to_owned(), value);
    }
    serde_json::from_value(Value::Object(told)).map_err(|_| Error::internal("a sealed record has other fields"))
}

fn told(cx: &OpContext, cell: &Cell<'_>, row: &Row) -> Result<Map<String, Value>> {
    let plain = cx.open(cell, row.get("sealed"))?;
    // The message of a parser may quote what it read.
    serde_json::from_slice(&plain).map_err(|_| Error::internal("a sealed record is no object"))
}

/// What a row of this kind of record tells, whatever its fields: for what is made of several kinds.
pub(crate) fn told_of<K: Kind>(cx: &OpContext, table: &str, id: Id<K>, row: &Row) -> Result<Map<String, Value>> {
    told(cx, &Cell { table, row: &[id.uuid().as_bytes()], column: "sealed" }, row)
}
