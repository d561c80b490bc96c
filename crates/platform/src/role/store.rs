//! All SQL about the roles that tenants make.

use cloister_tenancy::sql::statements;

macro_rules! columns {
    () => {
        "id, name, display_name, description, inherits, permissions, version, created_at, created_by, updated_at, updated_by"
    };
}

statements! {
    /// A tenant's own roles, as far as permissions go.
    OWN_ROLES = "select name, inherits, permissions from custom_role where tenant_id = $1 order by name limit 200";
    /// A tenant's own roles, with everything.
    LIST = concat!("select ", columns!(), " from custom_role where tenant_id = $1 order by name limit 200");
    /// One of them.
    GET = concat!("select ", columns!(), " from custom_role where tenant_id = $1 and name = $2");
    /// One of them, kept from changing until the transaction ends.
    LOCK = concat!("select ", columns!(), " from custom_role where tenant_id = $1 and name = $2 for update");
    /// A new one.
    INSERT = "insert into custom_role (id, tenant_id, name, display_name, description, inherits, permissions, created_at,
            created_by, updated_at, updated_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $8, $9)";
    /// Everything that can change.
    UPDATE = "update custom_role set display_name = $3, description = $4, inherits = $5, permissions = $6,
            version = version + 1, updated_at = $7, updated_by = $8
        where tenant_id = $1 and id = $2 returning version";
    /// Removes one.
    DELETE = "delete from custom_role where tenant_id = $1 and id = $2";
    /// How many members have each role.
    HOLDERS = "select r.name, count(*) as members from membership m, unnest(m.roles) as r (name)
        where m.tenant_id = $1 group by r.name";
    /// Who would miss a role: members, open invitations, and roles that inherit from it.
    USES = "select
        (select count(*) from membership where tenant_id = $1 and $2 = any(roles)) as members,
        (select count(*) from invitation where tenant_id = $1 and state = 'open' and expires_at > $3
            and $2 = any(roles)) as invitations,
        (select count(*) from custom_role where tenant_id = $1 and $2 = any(inherits)) as heirs";
}
