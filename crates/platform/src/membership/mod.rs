//! Memberships: an account's roles in one tenant.

mod api;
mod card;
mod link;
mod managed_api;
mod member;
mod reconcile;
mod roster;
pub(crate) mod store;

use cloister_ids::{AccountId, Clock, MembershipId, TenantId, Uuid};
use cloister_tenancy::{ConstraintRule, ControlTx, Resource, Result, TenantEntry, jobs::JobKind};
use jiff::Timestamp;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    Service, account,
    policy::{PasswordPolicy, PolicyOverrides},
    revocation,
    role::RoleBook,
    service::Slot,
    session::Place,
};

pub(crate) use {reconcile::UPKEEP, roster::Roster};

/// What permissions about a tenant's members are about.
pub(crate) const MEMBER: Resource = Resource { module: crate::MODULE, name: "member" };

/// Why nobody else can be a person.
const TAKEN: &str =
    "Another member is this person already. Untie them first; where that was just done, try again in a moment.";

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] =
    &[ConstraintRule { constraint: "membership_person_key", field: "person_id", code: "person_taken", message: TAKEN }];

/// The routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<cloister_http::Edge> {
    api::routes().merge(managed_api::routes())
}

/// What this folder leaves to jobs.
pub(crate) fn jobs(slot: &Slot) -> Vec<JobKind> {
    vec![link::kind(slot), reconcile::kind(slot), UPKEEP.job(slot, reconcile::ask_all)]
}

/// The tenants an account belongs to and may go to, in the order it joined them.
pub(crate) async fn places(service: &Service, account: AccountId) -> Result<Vec<Place>> {
    let rows = service.control().run(&account::store::TENANTS, &[&account]).await?;
    let registry = service.tenancy().registry();
    let place = |row: &cloister_tenancy::sql::Row| {
        let tenant = registry.by_id(row.get("tenant_id"))?;
        let open = row.get::<_, &str>("status") == "active" && tenant.admit().is_ok();
        open.then(|| Place {
            id: tenant.id,
            slug: tenant.slug.to_string(),
            display_name: tenant.display_name.to_string(),
            roles: row.get("roles"),
        })
    };
    Ok(rows.iter().filter_map(place).collect())
}

/// An account that joins a tenant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Joining<'a> {
    pub(crate) account: AccountId,
    pub(crate) tenant: TenantId,
    pub(crate) roles: &'a [String],
    /// The person of the roster that the account is.
    pub(crate) person: Option<Uuid>,
}

/// Adds an account to a tenant, or adds roles to those it has there. Answers the version of roles that its tokens must be of.
pub(crate) async fn add(
    tx: &mut ControlTx,
    clock: &dyn Clock,
    account: AccountId,
    tenant: TenantId,
    roles: &[String],
    by: &str,
) -> Result<i64> {
    add_as(tx, clock, Joining { account, tenant, roles, person: None }, by).await
}

/// The same as a person of the roster.
pub(crate) async fn add_as(tx: &mut ControlTx, clock: &dyn Clock, joining: Joining<'_>, by: &str) -> Result<i64> {
    join(tx, clock, joining, by).await?;
    outdate(tx, joining.account, joining.tenant, clock.now(), by).await
}

/// The same without a new version: for accounts that have no tokens yet. The person is tied to the account by a job.
pub(crate) async fn join(
    tx: &mut ControlTx,
    clock: &dyn Clock,
    joining: Joining<'_>,
    by: &str,
) -> Result<MembershipId> {
    let Joining { account, tenant, roles, person } = joining;
    let (id, now) = (MembershipId::generate(clock), clock.now());
    let rows = tx.query(&store::ADD, &[&id, &account, &tenant, &roles, &person, &now, &by]).await?;
    if person.is_some()
        && let Some(person) = rows.first().and_then(|row| row.get::<_, Option<Uuid>>("person_id"))
    {
        link::ask(tx, tenant, person).await?;
    }
    Ok(rows.first().map_or(id, |row| row.get("id")))
}

/// Keeps who may do what in a tenant from changing until the transaction ends: the first statement of whatever decides by
/// roles and changes them.
pub(crate) async fn lock(tx: &mut ControlTx, tenant: TenantId, now: Timestamp, by: &str) -> Result<()> {
    tx.query(&store::LOCK_ACCESS, &[&tenant, &now, &by]).await.map(drop)
}

/// Gives a tenant's roles the next version.
pub(crate) async fn next_version(tx: &mut ControlTx, tenant: TenantId, now: Timestamp, by: &str) -> Result<i64> {
    let rows = tx.query(&store::NEXT_VERSION, &[&tenant, &now, &by]).await?;
    Ok(rows.first().map_or(1, |row| row.get("roles_version")))
}

/// Refuses roles that the tenant does not have.
pub(crate) async fn check_roles(service: &Service, tenant: &TenantEntry, roles: &[String]) -> Result<()> {
    RoleBook::look(service, tenant).await?.check_known(roles)
}

/// What a tenant asks of passwords, over what the platform asks.
pub(crate) async fn policy(service: &Service, tenant: TenantId) -> Result<PasswordPolicy> {
    let rows = service.control().run(&store::POLICY, &[&tenant]).await?;
    let overrides = rows.first().map(|row| PolicyOverrides::from_json(row.get("policy"))).transpose()?;
    Ok(overrides.unwrap_or_default().over(&PasswordPolicy::default()))
}

/// Gives a tenant's roles the next version and refuses the account's tokens of the older ones, everywhere. The tenant's row
/// is locked until the commit: whoever reads roles reads their version with them. Tell this node's
/// revocations after the commit.
pub(crate) async fn outdate(
    tx: &mut ControlTx,
    account: AccountId,
    tenant: TenantId,
    now: Timestamp,
    by: &str,
) -> Result<i64> {
    let version = next_version(tx, tenant, now, by).await?;
    tx.query(&revocation::store::REVOKE_MEMBERSHIP, &[&now, &account, &tenant, &version]).await?;
    tx.query(&revocation::store::TELL, &[]).await?;
    Ok(version)
}
