//! All SQL about memberships.

use cloister_tenancy::sql::statements;

/// What is shown of a member, always in these words.
macro_rules! columns {
    () => {
        "m.id, m.account_id, m.roles, m.status, m.person_id, m.version, m.created_at, m.created_by, m.updated_at,
         m.updated_by, a.tenant_id as home, a.email, a.username, a.display_name, a.must_change_password,
         a.status as account_status, lower(a.display_name) as name_key"
    };
}

/// One list statement.
macro_rules! list {
    ($column:literal, $direction:literal) => {
        concat!(
            "select ",
            columns!(),
            " from membership m join account a on a.id = m.account_id
              where m.tenant_id = $1 and ($2::text is null or $2 = any(m.roles)) and ($3::text is null or m.status = $3)
                and ($4::text is null or position($4 in lower(a.display_name)) > 0
                    or position($4 in coalesce(a.email_key, a.username_key)) > 0)
                and (",
            $column,
            ", m.id) > ($5, $6) and (",
            $column,
            ", m.id) < ($7, $8) order by ",
            $column,
            " ",
            $direction,
            ", m.id ",
            $direction,
            " limit $9"
        )
    };
}

statements! {
    /// A membership, or more roles for one that is there. A person stays who they are, and nobody is taken for somebody
    /// that another member is already.
    ADD = "insert into membership (id, account_id, tenant_id, roles, person_id, created_at, created_by, updated_at, updated_by)
        values ($1, $2, $3, $4, $5, $6, $7, $6, $7)
        on conflict (tenant_id, account_id) do update set
            roles = array(select distinct unnest(membership.roles || excluded.roles) order by 1),
            person_id = coalesce(membership.person_id, excluded.person_id),
            status = 'active', version = membership.version + 1, updated_at = excluded.updated_at,
            updated_by = excluded.updated_by
        returning id, person_id";
    /// Keeps who may do what in a tenant from changing until the transaction ends..
    LOCK_ACCESS = "insert into tenant_access (tenant_id, updated_at, updated_by) values ($1, $2, $3)
        on conflict (tenant_id) do update set roles_version = tenant_access.roles_version
        returning roles_version";
    /// The next version of a tenant's roles.
    NEXT_VERSION = "insert into tenant_access (tenant_id, roles_version, updated_at, updated_by) values ($1, 2, $2, $3)
        on conflict (tenant_id) do update set roles_version = tenant_access.roles_version + 1
        returning roles_version";
    /// A tenant's own rules for passwords and sessions.
    POLICY = "select policy from tenant_access where tenant_id = $1";

    /// One member.
    GET = concat!("select ", columns!(), " from membership m join account a on a.id = m.account_id
        where m.tenant_id = $1 and m.id = $2");
    /// One member, kept from changing until the transaction ends.
    LOCK = concat!("select ", columns!(), " from membership m join account a on a.id = m.account_id
        where m.tenant_id = $1 and m.id = $2 for update of m");
    /// By name, from the first.
    LIST_BY_NAME = list!("lower(a.display_name) collate \"C\"", "asc");
    /// By name, from the last.
    LIST_BY_NAME_DESC = list!("lower(a.display_name) collate \"C\"", "desc");
    /// By age, the oldest first.
    LIST_BY_AGE = list!("m.created_at", "asc");
    /// By age, the newest first.
    LIST_BY_AGE_DESC = list!("m.created_at", "desc");
    /// Whether a tenant has an owner in force besides this one.
    OTHER_OWNER = "select true from membership m join account a on a.id = m.account_id
        where m.tenant_id = $1 and m.id <> $2 and 'owner' = any(m.roles) and m.status = 'active' and a.status = 'active'
        limit 1";
    /// Roles, standing and person of a member.
    UPDATE = "update membership set roles = $3, status = $4, person_id = $7, version = version + 1, updated_at = $5,
            updated_by = $6
        where tenant_id = $1 and id = $2 returning version";
    /// Ends a membership.
    DELETE = "delete from membership where tenant_id = $1 and id = $2";
    /// Ends an account that the tenant manages.
    DELETE_ACCOUNT = "delete from account where tenant_id = $1 and id = $2";
    /// Whether a person is a member, or carries the account of one, who has another account than this.
    TAKEN = "select true from membership where tenant_id = $1 and (person_id = $2 or account_id = $3)
        and account_id is distinct from $4 limit 1";
    /// Usernames of a tenant that are one of these, or one of these with a number behind.
    USERNAMES = "select username_key from account
        where tenant_id = $1 and (username_key = any($2) or regexp_replace(username_key, '[0-9]+$', '') = any($2))";

    /// Whose account a person of the roster has.
    OF_PERSON = "select account_id from membership where tenant_id = $1 and person_id = $2";
    /// Whether a member is nobody of the roster, as far as is known here.
    IS_NOBODY = "select true from membership where tenant_id = $1 and account_id = $2 and person_id is null";
    /// A member of whom the roster knows nothing is nobody there.
    FORGET_PERSON = "update membership set person_id = null, version = version + 1, updated_at = $4, updated_by = $5
        where tenant_id = $1 and person_id = $2 and account_id = $3 returning id";
    /// A member whose person the roster knows, and this database had forgotten.
    RECALL_PERSON = "update membership m set person_id = $2, version = version + 1, updated_at = $4, updated_by = $5
        where tenant_id = $1 and account_id = $3 and person_id is null
            and not exists (select from membership o where o.tenant_id = $1 and o.person_id = $2)
        returning id";
    /// Members with a person, in the order of persons, behind one of them.
    WITH_PERSON = "select person_id, account_id from membership
        where tenant_id = $1 and person_id > $2 order by person_id limit $3";
    /// Tenants in use, in the order of their ids, behind one of them.
    TENANTS_IN_USE = "select id from tenant where status = 'active' and id > $1 order by id limit $2";
}
