//! Operators: accounts that may do things to the platform itself, and enter a tenant only by name, with a reason, for a
//! limited time.

mod account;
mod account_api;
mod entry;
mod entry_api;
mod over;
pub(crate) mod store;
mod tenant_api;

use cloister_http::{Caller, Edge};
use cloister_tenancy::{Actor, PlatformRecord, Requester, Resource, Result, Tenancy, TenantEntry};
use utoipa_axum::router::OpenApiRouter;

pub(crate) use over::jobs;

use crate::{MODULE, isolation::ISOLATION, mail, plan::PLAN, role, session};

/// An operator's visit to a tenant, as operators see it.
pub(crate) const ENTRY: Resource = Resource { module: MODULE, name: "entry" };
/// The same, as the tenant sees it.
pub(crate) const OPERATOR_ENTRY: Resource = Resource { module: MODULE, name: "operator_entry" };
/// Who runs the platform.
pub(crate) const OPERATOR: Resource = Resource { module: MODULE, name: "operator" };

/// What only the platform has: being inside a tenant gives nothing of it.
const OUTSIDE: &[Resource] = &[ENTRY, ISOLATION, OPERATOR, PLAN, mail::MAIL, mail::MAIL_BODY];

/// The routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    account_api::routes().merge(entry_api::routes()).merge(tenant_api::routes())
}

/// What an operator of this role may do on the platform, outside of every tenant.
pub(crate) fn permissions(role: &str) -> Vec<String> {
    let may: &[&str] = match role {
        "viewer" => &[
            "platform.tenant.read",
            "platform.plan.read",
            "platform.audit.read",
            "platform.isolation.read",
            "platform.mail.read",
            "platform.signup.read",
        ],
        "support" => &[
            "platform.tenant.read",
            "platform.isolation.read",
            "platform.plan.read",
            "platform.audit.read",
            "platform.mail.read",
            "platform.mail_body.read",
            "platform.signup.*",
            "platform.entry.*",
        ],
        "admin" => &["platform.*"],
        _ => &[],
    };
    may.iter().map(|permission| (*permission).to_owned()).collect()
}

/// What a visitor may do inside a tenant: see everything that its modules do not close to operators, and when elevated change it
/// too.
///
/// Never `*`: what asks for that is the owner's own, such as making owners and taking them away.
fn permissions_inside(tenancy: &Tenancy, tenant: &TenantEntry, elevated: bool) -> Vec<String> {
    let action = if elevated { "*" } else { "read" };
    role::modules(tenancy, tenant)
        .flat_map(|module| {
            module.resources().iter().filter(|resource| !module.closed_to_operators().contains(resource))
        })
        .filter(|resource| !OUTSIDE.contains(resource))
        .map(|resource| format!("{resource}.{action}"))
        .collect()
}

/// In what capacity an operator acts, as audit logs say it.
pub(crate) const fn capacity(elevated: bool) -> &'static str {
    if elevated { "operator (elevated)" } else { "operator" }
}

/// An operator who asks for something outside of every tenant. Call it behind [`Caller::authorize_operator`].
pub(crate) fn requester(caller: &Caller) -> Result<Requester> {
    let account = caller.identity.account.ok_or_else(session::over)?;
    Ok(Requester {
        actor: Actor::Operator(account.to_string().into()),
        account: Some(account),
        client: caller.visitor.client,
        request: Some(caller.visitor.request),
    })
}

/// That an operator did this to something of this kind.
pub(crate) fn record(by: &Requester, action: &'static str, resource: Resource) -> PlatformRecord {
    let mut record = PlatformRecord::new(by, action, resource);
    record.acting_as = Some(capacity(false).to_owned());
    record
}
