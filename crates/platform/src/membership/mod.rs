//! Memberships: an account's roles in one tenant.

pub(crate) mod store;

use cloister_ids::{AccountId, Clock, MembershipId, TenantId};
use cloister_tenancy::{ControlTx, Result};
use jiff::Timestamp;

use crate::{Service, account, revocation, session::Place};

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

/// Adds an account to a tenant, or adds roles to those it has there. Its tokens there are renewed.
pub(crate) async fn add(
    tx: &mut ControlTx,
    clock: &dyn Clock,
    account: AccountId,
    tenant: TenantId,
    roles: &[String],
    by: &str,
) -> Result<MembershipId> {
    let now = clock.now();
    let id = MembershipId::generate(clock);
    let rows = tx.query(&store::ADD, &[&id, &account, &tenant, &roles, &now, &by]).await?;
    let id = rows.first().map_or(id, |row| row.get("id"));
    outdate(tx, account, tenant, now, by).await?;
    Ok(id)
}

/// Gives a tenant's roles the next version and refuses the account's tokens of the older ones, everywhere. The tenant's row
/// is locked until the commit: whoever reads roles reads their version with them. Tell this node by
/// [`Service::outdated`] after the commit.
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
