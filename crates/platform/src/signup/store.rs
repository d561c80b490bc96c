//! All SQL about sign-ups.

use cloister_tenancy::sql::statements;

/// What operators see of a sign-up: beside its own row, how its tenant stands.
macro_rules! columns {
    () => {
        "select s.id, s.state, s.email, s.display_name, s.slug, s.kind, s.tier, s.client_address, s.tenant_id, s.account_id,
                s.created_at, s.verified_at, s.expires_at, t.status as tenant_status, w.id is not null as failed, w.error
         from signup s
         left join tenant t on t.id = s.tenant_id
         left join workflow w on w.tenant_id = s.tenant_id and w.state = 'failed' "
    };
}

statements! {
    /// Lets those who count the same key wait for each other, until the transaction ends.
    LOCK_KEY = "select pg_advisory_xact_lock(hashtextextended($1, 0))";
    /// Sign-ups since a moment that nobody confirmed: those of a network and those for an address.
    UNCONFIRMED = "select
            (select count(*) from signup where state = 'unverified' and client_address = $1 and created_at > $3) as of_network,
            (select count(*) from signup where state = 'unverified' and email_key = $2 and created_at > $3) as for_address";
    /// A new sign-up.
    INSERT = "insert into signup (id, status_hash, email, email_key, slug, display_name, kind, tier, locale, time_zone,
            client_address, state, tenant_id, account_id, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'unverified', $12, null, $13, $14)";
    /// One sign-up, by the secret of its status address.
    BY_SECRET = "select s.id, s.state, s.slug, s.tier, s.tenant_id, s.verified_at, s.expires_at, t.status as tenant_status
        from signup s left join tenant t on t.id = s.tenant_id where s.status_hash = $1";
    /// The sign-up that a mail's token confirms, if it still can.
    TO_CONFIRM = "select s.id, s.email, s.email_key, s.slug, s.display_name, s.tier, s.locale, s.tenant_id
        from one_time_token c join signup s on s.id = (c.details ->> 'signup')::uuid
        where c.hash = $1 and c.purpose = 'signup' and c.used_at is null and c.expires_at > $2
          and s.state = 'unverified' and s.expires_at > $2 and s.tenant_id is not null";
    /// Confirms one, once.
    CONFIRM = "update signup set state = 'verified', account_id = $2, verified_at = $3
        where id = $1 and state = 'unverified' and expires_at > $3 and tenant_id is not null returning tenant_id";
    /// Those that nobody confirmed in time.
    OVERDUE = "select id from signup where state = 'unverified' and expires_at <= $1 and id > $2 order by id limit $3";
    /// Ends one that nobody confirmed in time.
    EXPIRE = "update signup set state = 'expired' where id = $1 and state = 'unverified' and expires_at <= $2
        returning tenant_id";
    /// Ends one whose tenant could not be made.
    ABANDON = "update signup set state = 'abandoned' where id = $1 returning id";
    /// Forgets those that ended long ago, and those whose tenant is gone.
    FORGET = "delete from signup where state in ('expired', 'abandoned') and expires_at < $1
        or state = 'verified' and tenant_id is null";
    /// Those of these slugs that are taken.
    TAKEN = "select slug from tenant where slug = any($1)";
    /// How many tenants that were signed up for could not be made, and wait for an operator.
    COUNT_FAILED = "select count(*) as failed from workflow w
        where w.state = 'failed' and w.kind = 'provision' and exists (select from signup s where s.tenant_id = w.tenant_id)";

    /// One, for operators.
    GET = concat!(columns!(), "where s.id = $1");
    /// One, for operators, kept from changing until the transaction ends.
    LOCK = concat!(columns!(), "where s.id = $1 for update of s");
    /// A page, the newest first, behind one of them. Ids grow with time.
    LIST_NEWEST = concat!(
        columns!(),
        "where s.id < $1 and ($2::text is null or s.state = $2) and ($3::boolean is null or (w.id is not null) = $3)
         order by s.id desc limit $4"
    );
    /// A page, the oldest first, behind one of them.
    LIST_OLDEST = concat!(
        columns!(),
        "where s.id > $1 and ($2::text is null or s.state = $2) and ($3::boolean is null or (w.id is not null) = $3)
         order by s.id limit $4"
    );
}
