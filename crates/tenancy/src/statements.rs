//! Every SQL text of the kernel, for the tests that prepare and plan each of them.

use cloister_postgres::Statement;

use crate::{access, audit, control, door, jobs, lifecycle, tx};

/// Where a statement of the kernel runs, and as whom.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plane {
    /// The control plane's schema, as the application.
    Control,
    /// A tenant's schema, as the application: `$1` is the tenant.
    Tenant,
    /// The kernel's schema in a database that holds placements, as the system login: across tenants.
    System,
}

/// Lists of statements, each with its plane.
#[doc(hidden)]
pub fn kernel_statements() -> Vec<(Plane, &'static [&'static Statement])> {
    let [queue, outbox] = jobs::statements();
    vec![
        (Plane::Control, control::store::STATEMENTS),
        (Plane::Control, access::STATEMENTS),
        (Plane::Control, queue),
        (Plane::Control, audit::platform_store::STATEMENTS),
        (Plane::Tenant, door::STATEMENTS),
        (Plane::Tenant, tx::STATEMENTS),
        (Plane::System, lifecycle::STATEMENTS),
        (Plane::System, outbox),
        (Plane::System, audit::store::STATEMENTS),
    ]
}
