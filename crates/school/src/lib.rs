//! The school module: a roster in OneRoster's words.

mod listing;
pub mod org;
pub mod record;
pub mod search_key;
mod store;
mod vocabulary;

pub use listing::{Direction, Key, KeyKind, Position, Span, StatusFilter};
pub use vocabulary::{ClassType, EnrollmentRole, OrgType, RoleName, RoleType, SessionType, Sex};
