//! The school module: a roster in OneRoster's words.
//!
//! A folder is a resource, top to bottom: `mod.rs` its type and rules, `store.rs` all its SQL, `api.rs` its endpoints.

pub mod academic_session;
pub mod class;
pub mod course;
mod date_span;
mod listing;
pub mod oneroster;
pub mod org;
pub mod record;
mod rules;
pub mod sample;
pub mod search_key;
mod store;
mod vocabulary;

use cloister_http::{Edge, HttpModule};
use cloister_ids::{Id, Kind, Uuid};
use cloister_tenancy::{ConstraintRule, Meter, Module, Resource, SchemaChange, Table, sql::Statement};
use utoipa_axum::router::OpenApiRouter;

pub use vocabulary::{ClassType, EnrollmentRole, OrgType, RoleName, RoleType, SessionType, Sex};

/// The name of the module, and the first word of its permissions.
const MODULE: &str = "school";

/// For examples in the API document.
fn sample_id<K: Kind>() -> Id<K> {
    Id::from_uuid(Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_e4a8))
}
