//! OneRoster CSV packages: opened with distrust, read as streams, every fault named.
//!
//! ```text
//! Package::open ── zip or folder, bounded            PackageError: the whole package is refused
//!    │
//! Reading::begin ─ manifest, files, headers ──► Plan (version; bulk or delta, file by file)
//!    │
//! Reading::read ── rows ──► sink(Row) ────────► Report (summaries, issues, repairs)
//! ```
//!
//! `Archive` writes packages.
//!
//! Knows no database. Reading blocks: call it on a thread that may, and let the sink feed a bounded channel.
//!
//! In [`Mode::Strict`] each departure from the standard is an error. In [`Mode::Lenient`] what real files contain is
//! repaired where its meaning is beyond doubt, and each repair is counted and shown; what would need a guess is an
//! error in both modes. A row with an error is not handed on, but a [`Row::Rejected`] in its place is, so that a bulk
//! merge does not take its record for one that left the set.

mod cell;
mod check;
mod contents;
mod date;
mod deviation;
mod file_reading;
mod finding;
mod header;
mod manifest;
mod package;
mod plan;
mod reading;
mod record;
mod row;
mod schema;
mod sds;
mod text;
mod writing;

#[cfg(test)]
mod tests;

pub use date::DateOrder;
pub(crate) use deviation::{PRIMARY_ROLE_REPEATED, ROW_REPEATED};
pub(crate) use finding::Place;
pub use finding::{Findings, Issue, IssueCount, Mode, Repair, RepairExample, Severity};
pub(crate) use header::is_kept_extension;
pub use manifest::FileMode;
pub use package::{ArchiveBytes, Limits, Package, PackageError};
pub use plan::{Plan, PlannedFile};
pub use reading::{FileSummary, Reading, Report, Settings, read};
pub(crate) use row::legal_sourced_id;
pub use row::{
    AcademicSessionRow, ClassRow, CourseRow, DemographicsRow, EnrollmentRow, OrgRow, RecordStatus, RejectedRow,
    RemovedRow, RoleRow, RoleType, Row, RowBase, UserId, UserRow,
};
pub(crate) use schema::COMMON;
pub use schema::{Column, File, Version};
pub use sds::{SdsError, from_sds};
pub(crate) use writing::{Archive, Lines, Sheet};
