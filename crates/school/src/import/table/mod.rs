//! Brings a table into a list: CSV or a workbook, whose columns are taken for the fields of records.
//!
//! ```text
//! file ─ sheet ─► names of columns, rows of cells
//!                 plan      which column is which field, and by what a row finds its record
//!                 lookup    the records that are there
//!                 rows      each: what it says ─ what differs ─ POST or PATCH, from within ─► done, or what is wrong
//!                           all of them one transaction; a dry run, or an error, and nothing of it remains
//! ```
//!
//! Rules:
//!
//! * No rule about records is written here. A row is sent to the route that takes such a record over HTTP, in the name of whoever
//!   asked for the import and with their permissions. So rules, permissions, scopes and audit are those of the API.
//! * Which lists there are, and their fields, is read from the API document. A new resource can be brought in from the day its
//!   creation says `x-table`. What is an act rather than a record never does: a year rollover, the merging of persons, a request, a
//!   letter.
//! * A table says nothing about records that it does not name: nothing is ever deleted.
//! * All or nothing, unless the caller asked to go on without the bad rows.
//! * One import at a time into a tenant, of whatever kind; and the last of them can be taken back.

mod api;
mod bring;
mod change_store;
mod delimited;
mod excel;
mod fault;
mod house;
mod lookup;
mod mapping;
mod packed;
mod reading;
mod report;
mod resource;
mod row;
mod schema;
mod sheet;
mod undo;
mod value;

use std::{
    fs::File,
    io::{Read, Seek},
};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) use api::{MEDIA_TYPES, read_mapping, routes};
pub(super) use bring::bring;
pub(super) use change_store::{FORGET, STATEMENTS};
pub use mapping::TableMapping;
pub use report::{RowExample, TableCounts, TableIssue, TableRefusal, TableReport, TableSeverity};
pub use resource::TableField;
pub(super) use sheet::LARGEST;
pub(super) use undo::{begin, take_back};

/// The bytes of a file.
pub(super) fn whole(mut file: File) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What a table is brought into, and how it is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TableSettings {
    /// The list, as its address has it.
    #[schema(example = "persons")]
    pub resource: String,
    /// How it is read.
    pub mapping: TableMapping,
}
