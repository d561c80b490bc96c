//! All SQL about tenants that the kernel does not have: how many belong to one, and what one has chosen.

use cloister_tenancy::sql::statements;

statements! {
    /// How many accounts belong to a tenant.
    MEMBERS = "select count(*) as members from membership where tenant_id = $1";
    /// What a tenant has chosen.
    ACCESS = "select policy, settings, version from tenant_access where tenant_id = $1";
    /// Makes the row that the next one locks.
    ENSURE_ACCESS = "insert into tenant_access (tenant_id, updated_at, updated_by) values ($1, $2, $3) on conflict do nothing";
    /// The same, kept from changing until the transaction ends.
    LOCK_ACCESS = "select policy, settings, version from tenant_access where tenant_id = $1 for no key update";
    /// What a tenant has chosen from now on.
    SET_ACCESS = "update tenant_access set policy = $2, settings = $3, version = version + 1, updated_at = $4, updated_by = $5
        where tenant_id = $1 returning version";
}
