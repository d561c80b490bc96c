//! The life of a tenant, as recorded workflows: provision, suspend, resume, delete, purge.

mod act;
mod definition;
mod engine;
mod fence;
mod fields;
mod progress;
mod provision;
mod purge;
mod record;
mod requests;
mod shut;
mod store;
mod validate;

pub use validate::is_language_tag;

pub use act::TenantAct;
pub use definition::{Kind, State, StepReport};
pub use engine::WorkflowView;
pub use fields::TenantFields;
pub use progress::{Progress, StepProgress, StepState};
pub use requests::{Plan, TenantFilter};
pub(crate) use store::STATEMENTS;
