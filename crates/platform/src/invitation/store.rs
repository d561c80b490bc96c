//! All SQL about invitations.

use cloister_tenancy::sql::statements;

macro_rules! columns {
    () => {
        "id, tenant_id, email, display_name, roles, person_id, state, sent_at, sent_lately, sent_times, expires_at,
         accepted_at, account_id, version, created_at, created_by, updated_at, updated_by"
    };
}

/// One list statement, by age. `$2` is the state, where `open` and `expired` differ by the time in `$3`.
macro_rules! list {
    ($behind:literal, $direction:literal) => {
        concat!(
            "select ",
            columns!(),
            " from invitation where tenant_id = $1
                and ($2::text is null
                    or $2 = case when state = 'open' and expires_at <= $3 then 'expired' else state end)
                and id ",
            $behind,
            " $4 order by id ",
            $direction,
            " limit $5"
        )
    };
}

statements! {
    /// A new one.
    INSERT = "insert into invitation (id, tenant_id, email, email_key, display_name, roles, person_id, hash, state, sent_at,
            expires_at, created_at, created_by, updated_at, updated_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, 'open', $9, $10, $9, $11, $9, $11)";
    /// One of a tenant.
    GET = concat!("select ", columns!(), " from invitation where tenant_id = $1 and id = $2");
    /// One of a tenant, kept from changing until the transaction ends.
    LOCK = concat!("select ", columns!(), " from invitation where tenant_id = $1 and id = $2 for update");
    /// The newest first.
    LIST_NEWEST = list!("<", "desc");
    /// The oldest first.
    LIST_OLDEST = list!(">", "asc");
    /// One, by its link.
    BY_HASH = concat!("select ", columns!(), " from invitation where hash = $1");
    /// One, by its link, kept from changing until the transaction ends.
    LOCK_BY_HASH = concat!("select ", columns!(), " from invitation where hash = $1 for update");
    /// Those for these addresses whose time is over.
    EXPIRE = "update invitation set state = 'expired', version = version + 1, updated_at = $3, updated_by = $4
        where tenant_id = $1 and email_key = any($2) and state = 'open' and expires_at <= $3";
    /// A new link; the one before works no longer.
    RESEND = "update invitation set hash = $3, state = 'open', sent_at = $4, sent_lately = $5, sent_times = sent_times + 1,
            expires_at = $6, version = version + 1, updated_at = $4, updated_by = $7
        where tenant_id = $1 and id = $2";
    /// Takes it back.
    REVOKE = "update invitation set state = 'revoked', version = version + 1, updated_at = $3, updated_by = $4
        where tenant_id = $1 and id = $2";
    /// Somebody has said yes.
    ACCEPT = "update invitation set state = 'accepted', accepted_at = $3, account_id = $4, version = version + 1,
            updated_at = $3, updated_by = $5
        where tenant_id = $1 and id = $2";
    /// Which of these addresses belong to members.
    MEMBERS = "select a.email_key from account a join membership m on m.account_id = a.id
        where m.tenant_id = $1 and a.email_key = any($2)";
    /// Which of these addresses are invited.
    INVITED = "select email_key from invitation
        where tenant_id = $1 and email_key = any($2) and state = 'open' and expires_at > $3";
    /// Whether a person is invited.
    PERSON_INVITED = "select true from invitation
        where tenant_id = $1 and person_id = $2 and state = 'open' and expires_at > $3 limit 1";
    /// How many mails of invitations went out since a moment.
    SENT_SINCE = "select count(*) as sent from invitation where tenant_id = $1 and sent_at > $2";
    /// What an account has in a tenant.
    MEMBERSHIP = "select status, roles from membership where tenant_id = $1 and account_id = $2";
}
