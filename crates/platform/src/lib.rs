//! What every tenant gets whatever its kind: accounts, sessions, roles, invitations, sign-up, mail, audit. Itself a module, a
//! folder a capability.
//!
//! It keeps its rows in the control plane, by [`ControlPlane`], which no other module is given. A folder holds its type and
//! rules in `mod.rs`, all its SQL in `store.rs`, its endpoints in `api.rs`.

mod audit;
mod keyring;
pub mod mail;
mod secret;
mod service;

use std::sync::{Arc, OnceLock};

use axum::Extension;
use cloister_http::{Edge, HttpModule};
use cloister_tenancy::{
    ConstraintRule, ControlChange, ControlPlane, Grant, Module, Resource, Role, SchemaChange, jobs::JobKind,
    sql::Statement,
};
use utoipa_axum::router::OpenApiRouter;

pub use keyring::{Keyring, Purpose, same};
pub use service::{PlatformSettings, Service};

/// The name of the module, and the first word of its permissions.
const MODULE: &str = "platform";

/// The room, for tenants of every kind. One for each node.
#[derive(Debug, Clone, Default)]
pub struct Platform(service::Slot);

impl Platform {
    /// A room that is described, and not yet open.
    pub fn new() -> Self {
        Self(Arc::new(OnceLock::new()))
    }

    /// Opens it, when the kernel has started. A second opening changes nothing.
    pub fn open(&self, control: ControlPlane, keyring: Keyring, settings: PlatformSettings) -> Service {
        self.0.get_or_init(|| Service::new(control, keyring, settings)).clone()
    }
}

impl Module for Platform {
    fn name(&self) -> &'static str {
        MODULE
    }

    fn kinds(&self) -> &'static [&'static str] {
        &[]
    }

    fn is_for_every_kind(&self) -> bool {
        true
    }

    fn migrations(&self) -> &'static [SchemaChange] {
        &[]
    }

    fn statements(&self) -> &'static [&'static [&'static Statement]] {
        const ALL: &[&[&Statement]] = &[audit::STATEMENTS];
        ALL
    }

    fn control_migrations(&self) -> &'static [ControlChange] {
        const ALL: &[ControlChange] = &[ControlChange {
            number: 1,
            name: "accounts",
            sql: include_str!("../migrations/control/0001_accounts.sql"),
        }];
        ALL
    }

    fn control_statements(&self) -> &'static [&'static [&'static Statement]] {
        const ALL: &[&[&Statement]] = &[audit::CONTROL_STATEMENTS];
        ALL
    }

    fn roles(&self) -> &'static [Role] {
        const ALL: &[Role] = &[
            Role { name: "owner", title: "Owner", description: "Answers for the tenant; may do everything in it." },
            Role { name: "admin", title: "Administrator", description: "Runs the tenant day by day." },
        ];
        ALL
    }

    fn grants(&self) -> &'static [Grant] {
        audit::GRANTS
    }

    fn resources(&self) -> &'static [Resource] {
        &[audit::AUDIT]
    }

    fn constraints(&self) -> &'static [ConstraintRule] {
        &[]
    }

    fn jobs(&self) -> Vec<JobKind> {
        mail::jobs(&self.0)
    }
}

impl HttpModule for Platform {
    fn routes(&self) -> OpenApiRouter<Edge> {
        OpenApiRouter::new().merge(audit::routes()).merge(mail::routes()).layer(Extension(self.0.clone()))
    }
}
