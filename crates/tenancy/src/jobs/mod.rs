//! The job queue: fair between tenants, durable, and exactly once where it matters.
//!
//! A job is left in the outbox of its tenant's database, with the rows it is about ([`TenantTx::enqueue`]). The relay carries
//! it to the queue in the control plane; workers take from there lane by lane ([`Tenancy::work`]). Between two databases'
//! commits anybody may be killed: the relay inserts under the same id, and a handler's effect takes the job's row of the
//! inbox ([`JobContext::first_delivery`]), so that what is repeated has no second effect.
//!
//! [`TenantTx::enqueue`]: crate::TenantTx::enqueue
//! [`Tenancy::work`]: crate::Tenancy::work

mod attempt;
mod context;
mod cron;
mod inspect;
mod kind;
pub(crate) mod outbox;
pub(crate) mod outbox_store;
mod purge;
pub(crate) mod queue;
mod relay;
mod settings;
pub(crate) mod store;
mod upkeep;
mod worker;

pub use context::JobContext;
pub use cron::{CronEntry, CronStatus};
pub use inspect::{JobCounts, JobInfo, JobState};
pub(crate) use kind::Kinds;
pub use kind::{Backoff, JobHandler, JobKind, Priority};
pub use queue::NewJob;
pub use settings::{Retention, WorkSettings};

/// What the kernel itself leaves to jobs.
fn kernel_kinds() -> Vec<JobKind> {
    vec![purge::kind()]
}

/// The queue's statements, for the tests that prepare and plan each of them: those of the control plane's schema, and those
/// of the kernel's schema in each database that holds placements.
#[doc(hidden)]
pub fn statements() -> [&'static [&'static cloister_postgres::Statement]; 2] {
    [store::STATEMENTS, outbox_store::STATEMENTS]
}
