//! What every tenant gets whatever its kind: accounts, sessions, roles, invitations, sign-up, mail, audit. Itself a module, a
//! folder a capability.
//!
//! It keeps its rows in the control plane, by [`ControlPlane`], which no other module is given. A folder holds its type and
//! rules in `mod.rs`, all its SQL in `store.rs`, its endpoints in `api.rs`.

mod account;
mod attempt_store;
mod attempts;
mod audit;
mod authenticator;
pub mod device;
mod follow;
mod grants;
mod idempotency;
mod invitation;
pub mod isolation;
mod keyring;
pub mod mail;
mod membership;
mod mfa;
mod note;
mod operator;
pub mod password;
mod plan;
pub mod policy;
mod revocation;
mod role;
mod secret;
mod service;
mod session;
pub mod signup;
mod standings;
mod tenant;
mod token;
pub mod totp;
mod upkeep;

use std::sync::{Arc, OnceLock};

use axum::Extension;
use cloister_http::{Edge, HttpModule};
use cloister_tenancy::{
    ConstraintRule, ControlChange, ControlPlane, Grant, Module, Resource, Result, Role, SchemaChange, jobs::JobKind,
    sql::Statement,
};
use utoipa_axum::router::OpenApiRouter;

pub use account::NewPerson;
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
    pub async fn open(&self, control: ControlPlane, keyring: Keyring, settings: PlatformSettings) -> Result<Service> {
        let service = Service::start(control, keyring, settings).await?;
        let service = self.0.get_or_init(|| service).clone();
        service.tenancy().set_standings(Arc::new(standings::Here(Arc::downgrade(&service.0))));
        Ok(service)
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
        const ALL: &[ControlChange] = &[
            ControlChange { number: 1, name: "accounts", sql: include_str!("../migrations/control/0001_accounts.sql") },
            ControlChange {
                number: 2,
                name: "isolation",
                sql: include_str!("../migrations/control/0002_isolation.sql"),
            },
        ];
        ALL
    }

    fn control_statements(&self) -> &'static [&'static [&'static Statement]] {
        const ALL: &[&[&Statement]] = &[
            account::store::STATEMENTS,
            attempt_store::STATEMENTS,
            audit::CONTROL_STATEMENTS,
            idempotency::store::STATEMENTS,
            invitation::store::STATEMENTS,
            isolation::STATEMENTS,
            mail::STATEMENTS,
            membership::store::STATEMENTS,
            mfa::store::STATEMENTS,
            operator::store::STATEMENTS,
            revocation::store::STATEMENTS,
            role::store::STATEMENTS,
            session::store::STATEMENTS,
            signup::STATEMENTS,
            tenant::store::STATEMENTS,
            token::store::STATEMENTS,
        ];
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
        grants::GRANTS
    }

    fn resources(&self) -> &'static [Resource] {
        grants::RESOURCES
    }

    fn constraints(&self) -> &'static [ConstraintRule] {
        static ALL: std::sync::LazyLock<Vec<ConstraintRule>> = std::sync::LazyLock::new(|| {
            [account::CONSTRAINTS, invitation::CONSTRAINTS, membership::CONSTRAINTS, role::CONSTRAINTS].concat()
        });
        &ALL
    }

    fn jobs(&self) -> Vec<JobKind> {
        [
            account::recovery::jobs(&self.0),
            isolation::jobs(&self.0),
            mail::jobs(&self.0),
            membership::jobs(&self.0),
            note::jobs(),
            operator::jobs(&self.0),
            signup::jobs(&self.0),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl HttpModule for Platform {
    fn routes(&self) -> OpenApiRouter<Edge> {
        OpenApiRouter::new()
            .merge(account::routes())
            .merge(audit::routes())
            .merge(invitation::routes())
            .merge(isolation::routes())
            .merge(mail::routes())
            .merge(membership::routes())
            .merge(mfa::routes())
            .merge(operator::routes())
            .merge(plan::routes())
            .merge(role::routes())
            .merge(session::routes())
            .merge(signup::routes())
            .merge(tenant::routes())
            .merge(token::routes())
            .layer(Extension(self.0.clone()))
    }
}
