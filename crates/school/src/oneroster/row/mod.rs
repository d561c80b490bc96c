//! The rows that the reader hands on, one shape for both versions of the standard.

mod build;
mod types;

pub(crate) use build::{Built, build};
pub use types::{
    AcademicSessionRow, ClassRow, CourseRow, DemographicsRow, EnrollmentRow, OrgRow, RecordStatus, RejectedRow,
    RemovedRow, RoleRow, RoleType, Row, RowBase, UserId, UserRow,
};
