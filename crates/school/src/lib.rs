//! The school module: a roster in OneRoster's words.

pub mod academic_session;
pub mod class;
pub mod course;
pub mod date_span;
mod listing;
pub mod org;
pub mod record;
pub mod search_key;
mod store;
mod subject;
mod vocabulary;

pub use listing::{Direction, Key, KeyKind, Position, Span, StatusFilter};
pub use vocabulary::{ClassType, EnrollmentRole, OrgType, RoleName, RoleType, SessionType, Sex};
