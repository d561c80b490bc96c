//! Memberships: an account's roles in one tenant.

pub(crate) mod store;

use cloister_ids::{AccountId, Clock, MembershipId, TenantId};
use cloister_tenancy::{ControlTx, Error, FieldError, Result, TenantEntry};
use jiff::Timestamp;

use crate::{Service, account, revocation, role, session::Place};

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

/// Adds an account to a tenant, or adds roles to those it has there. Answers the version of roles that its tokens must be of.
pub(crate) async fn add(
    tx: &mut ControlTx,
    clock: &dyn Clock,
    account: AccountId,
    tenant: TenantId,
    roles: &[String],
    by: &str,
) -> Result<i64> {
    let now = clock.now();
    let id = MembershipId::generate(clock);
    tx.query(&store::ADD, &[&id, &account, &tenant, &roles, &now, &by]).await?;
    outdate(tx, account, tenant, now, by).await
}

/// Refuses roles that the tenant does not have.
pub(crate) async fn check_roles(service: &Service, tenant: &TenantEntry, roles: &[String]) -> Result<()> {
    if roles.is_empty() || roles.len() > 20 {
        return Err(Error::field("roles", "count", "Give 1 to 20 roles."));
    }
    let own: Vec<String> =
        service.control().run(&store::OWN_ROLES, &[&tenant.id]).await?.iter().map(|row| row.get("name")).collect();
    for (at, name) in roles.iter().enumerate() {
        if !role::is_declared(service.tenancy(), tenant, name) && !own.contains(name) {
            let message = "There is no such role here.".to_owned();
            let field = format!("roles[{at}]");
            return Err(Error::invalid(vec![FieldError { field, code: "unknown_role".into(), message }]));
        }
    }
    Ok(())
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
    let rows = tx.query(&store::NEXT_VERSION, &[&tenant, &now, &by]).await?;
    let version: i64 = rows.first().map_or(1, |row| row.get("roles_version"));
    tx.query(&revocation::store::REVOKE_MEMBERSHIP, &[&now, &account, &tenant, &version]).await?;
    tx.query(&revocation::store::TELL, &[]).await?;
    Ok(version)
}
