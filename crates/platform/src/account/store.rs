//! All SQL about accounts and what they are in a tenant.

use cloister_tenancy::sql::statements;

macro_rules! columns {
    () => {
        "id, tenant_id, email, email_verified_at, username, display_name, locale, password_hash, password_changed_at,
         password_strength, password_length, must_change_password, status, operator_role, version, created_at"
    };
}

statements! {
    /// An account of the platform, by its address.
    BY_EMAIL = concat!("select ", columns!(), " from account where email_key = $1");
    /// An account that a tenant manages, by its name there.
    BY_USERNAME = concat!("select ", columns!(), " from account where tenant_id = $1 and username_key = $2");
    /// One account.
    BY_ID = concat!("select ", columns!(), " from account where id = $1");
    /// One account, kept from changing until the transaction ends.
    LOCK = concat!("select ", columns!(), " from account where id = $1 for no key update");
    /// A new account.
    INSERT = "insert into account (id, tenant_id, email, email_key, email_verified_at, username, username_key, display_name,
            locale, password_hash, password_changed_at, password_strength, password_length, must_change_password,
            operator_role, created_at, created_by, updated_at, updated_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $16, $17)";
    /// A new password, chosen by the account's person or printed for them.
    SET_PASSWORD = "update account set password_hash = $2, password_changed_at = $3, password_strength = $4,
            password_length = $5, must_change_password = $6, version = version + 1, updated_at = $3, updated_by = $7
        where id = $1";
    /// The same password under newer parameters.
    REHASH = "update account set password_hash = $3 where id = $1 and password_hash = $2";
    /// The address is the person's.
    VERIFY_EMAIL = "update account set email_verified_at = coalesce(email_verified_at, $2), version = version + 1,
            updated_at = $2, updated_by = $3 where id = $1 and email_key = $4 returning id";
    /// Name and language.
    UPDATE_PROFILE = "update account set display_name = $3, locale = $4, version = version + 1, updated_at = $5, updated_by = $6
        where id = $1 and version = $2 returning version";
    /// An operator's role on the platform; null takes it away.
    SET_OPERATOR = "update account set operator_role = $2, version = version + 1, updated_at = $3, updated_by = $4
        where id = $1 and tenant_id is null returning id";
    /// Shuts an account, or opens it again.
    SET_STATUS = "update account set status = $2, version = version + 1, updated_at = $3, updated_by = $4
        where id = $1 returning id";

    /// What an account is in a tenant, and what decides about it there: everything a token is made of, as of one moment.
    STANDING = "select a.id, a.tenant_id as home, a.email, a.username, a.display_name, a.locale, a.status, a.operator_role,
            a.must_change_password, a.password_changed_at, a.password_strength, a.password_length, a.email_verified_at,
            m.id as membership_id, m.roles, m.status as membership_status,
            coalesce(t.roles_version, 1) as roles_version, t.policy,
            (select coalesce(jsonb_agg(jsonb_build_object('name', r.name, 'inherits', r.inherits,
                'permissions', r.permissions)), '[]') from custom_role r where r.tenant_id = $2) as own_roles
        from account a
        -- An account that a tenant manages belongs nowhere else, whatever a row says.
        left join membership m on m.account_id = a.id and m.tenant_id = $2
            and (a.tenant_id is null or a.tenant_id = m.tenant_id)
        left join tenant_access t on t.tenant_id = $2
        where a.id = $1";
    /// The tenants that an account belongs to.
    TENANTS = "select m.tenant_id, m.roles, m.status from membership m join account a on a.id = m.account_id
        where m.account_id = $1 and (a.tenant_id is null or a.tenant_id = m.tenant_id)
        order by m.created_at limit 1000";
}
