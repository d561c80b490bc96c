//! The kernel: tenants and where they live, the one door to their rows, their lifecycle, fleet work and jobs.
//!
//! Knows no HTTP and no school. Everything a module may do with rows it does through a [`TenantTx`] (or [`Tenancy::fetch`],
//! the same in one round trip), made from an [`OpContext`] whose tenant was resolved and whose actor was authorised.

mod access;
mod asker;
mod audit;
mod batch;
mod context;
mod control;
mod data_key;
mod door;
mod error;
mod failpoint;
mod fleet;
mod install;
pub mod jobs;
mod ledger;
pub mod lifecycle;
mod limits;
mod mismatch;
mod module;
mod plan;
mod ports;
mod proof;
mod rate;
mod registry;
mod resolve;
mod role;
mod snapshot;
mod statements;
mod tenancy;
mod tenant;
mod tx;

pub use access::PrivilegeError;
pub use asker::{Asker, AskerVisit, Standings};
pub use audit::{ChainFault, ChainFinding, ChainReport, Changes, PlatformRecord, Requester, Subject};
pub use batch::Batch;
#[doc(hidden)]
pub use cloister_postgres::mutation;
pub use context::{Action, Actor, OpContext, PermissionSet, Reach, Resource};
pub use control::{Account, ControlPlane, ControlTx, Heard, on_account, on_account_of};
pub use data_key::{Cell, DataKey};
pub use error::{Error, ErrorKind, FieldError, Result};
pub use fleet::FleetReport;
pub use install::{Existing, Installation, Logins};
pub use ledger::FleetProgress;
#[doc(hidden)]
pub use ledger::kernel_tables;
pub use lifecycle::is_language_tag;
pub use limits::{LimitError, LimitTexts, TenantLimits};
pub use module::{
    ConstraintRule, ControlChange, Meter, Module, PersonAccount, PersonStanding, Rights, SchemaChange, Table, TableKind,
};
pub use plan::{NewPlan, Plan, PlanFields};
pub use ports::{AuditSealer, Authenticator, Credential, Identity, KeyWrapper, Limits, NoLimits, OperatorVisit};
pub use proof::{CODES, Code, Depth, Finding, Looked, Proof, Severity, StatementFaults};
pub use rate::{Class, Rate, RateError};
pub use registry::{Placement, Registry, TenantEntry};
pub use resolve::{Refusal, Sources, Step};
pub use role::{Grant, Role, Scope};
pub use snapshot::TenantSnapshot;
#[doc(hidden)]
pub use statements::{Plane, kernel_statements};
pub use tenancy::{Cluster, Config, Tenancy};
pub use tenant::{NewTenant, Slug, SlugError, Status, Tenant, Tier};
pub use tx::{EarlierAnswer, TenantTx};

pub use cloister_postgres::{Full, Gate, GateSettings, GateStatus, Holder, Permit, Share};

/// The words of PostgreSQL that module code speaks; the connection itself stays behind the door.
pub mod sql {
    pub use cloister_postgres::{CopyIn, FromSql, Parameters, Row, Statement, ToSql, statements};
}
