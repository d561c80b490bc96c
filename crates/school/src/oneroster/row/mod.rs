//! The rows that the reader hands on, one shape for both versions of the standard.

mod build;
mod sourced_id;
mod types;

pub(crate) use build::{Built, build};
pub(crate) use sourced_id::legal_sourced_id;
pub use types::{
    AcademicSessionRow, ClassRow, CourseRow, DemographicsRow, EnrollmentRow, OrgRow, RecordStatus, RejectedRow,
    RemovedRow, RoleRow, RoleType, Row, RowBase, UserId, UserRow,
};
