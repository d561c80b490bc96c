//! The life of a tenant, as recorded workflows: provision, suspend, resume, delete, purge.

mod definition;
mod engine;
mod fence;
mod provision;
mod purge;
mod requests;
mod shut;
mod store;
mod validate;
mod within;

pub use validate::is_language_tag;

pub use definition::{Kind, State, StepReport};
pub use engine::WorkflowView;
pub use requests::{Plan, TenantFilter};
pub(crate) use store::STATEMENTS;
pub use within::{TenantAct, TenantFields};
