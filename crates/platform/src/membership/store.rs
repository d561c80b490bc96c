//! All SQL about memberships.

use cloister_tenancy::sql::statements;

statements! {
    /// A membership, or more roles for one that is there.
    ADD = "insert into membership (id, account_id, tenant_id, roles, created_at, created_by, updated_at, updated_by)
        values ($1, $2, $3, $4, $5, $6, $5, $6)
        on conflict (tenant_id, account_id) do update set
            roles = array(select distinct unnest(membership.roles || excluded.roles) order by 1),
            status = 'active', version = membership.version + 1, updated_at = excluded.updated_at,
            updated_by = excluded.updated_by
        returning id";
    /// Names of the roles that a tenant made.
    OWN_ROLES = "select name from custom_role where tenant_id = $1";
    /// The next version of a tenant's roles.
    NEXT_VERSION = "insert into tenant_access (tenant_id, roles_version, updated_at, updated_by) values ($1, 2, $2, $3)
        on conflict (tenant_id) do update set roles_version = tenant_access.roles_version + 1
        returning roles_version";
}
