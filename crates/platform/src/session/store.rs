//! All SQL about sessions and what they are held by.

use cloister_tenancy::sql::statements;

statements! {
    /// A new session.
    INSERT = "insert into session (id, account_id, kind, user_agent, device, client_address, created_at, last_used_at,
            idle_seconds, expires_at, mfa_at)
        values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10)";
    /// A refresh token of a session.
    INSERT_REFRESH = "insert into refresh_token (hash, session_id, tenant_id, issued_at, expires_at) values ($1, $2, $3, $4, $5)";
    /// A browser's cookie for one host.
    INSERT_COOKIE = "insert into browser_session (hash, session_id, host, tenant_id, created_at) values ($1, $2, $3, $4, $5)";
    /// A refresh token with its session, both kept from changing until the transaction ends.
    LOCK_REFRESH = "select r.tenant_id, r.used_at, r.expires_at as token_expires_at, s.id, s.account_id, s.last_used_at,
            s.idle_seconds, s.expires_at, s.mfa_at, s.ended_at
        from refresh_token r join session s on s.id = r.session_id where r.hash = $1 for update of r, s";
    /// A refresh token was used.
    USE_REFRESH = "update refresh_token set used_at = $2 where hash = $1";
    /// A cookie with its session.
    COOKIE = "select b.host, b.tenant_id, s.id, s.account_id, s.last_used_at, s.idle_seconds, s.expires_at, s.mfa_at, s.ended_at
        from browser_session b join session s on s.id = b.session_id where b.hash = $1";
    /// A session that is in force.
    OPEN = "select id, account_id, last_used_at, idle_seconds, expires_at, mfa_at, ended_at from session
        where id = $1 and account_id = $2";
    /// A session that nobody took away: one that was signed out of, ran out of time, or was one too many, counts among them.
    NOT_TAKEN_AWAY = "select true from session
        where id = $1 and account_id = $2 and (ended_at is null or ended_because in ('signed_out', 'expired'))";
    /// A session was used.
    TOUCH = "update session set last_used_at = $2 where id = $1 and last_used_at < $2";
    /// A second factor was given.
    SET_MFA = "update session set mfa_at = $2 where id = $1";
    /// Ends a session, once.
    END = "update session set ended_at = $3, ended_because = $4 where id = $1 and account_id = $2 and ended_at is null
        returning id";
    /// Ends every session of an account but one.
    END_OTHERS = "update session set ended_at = $3, ended_because = $4
        where account_id = $1 and id is distinct from $2 and ended_at is null returning id";
    /// Those in force, the one used last first.
    LIST = "select id, kind, device, client_address, created_at, last_used_at, idle_seconds, expires_at, mfa_at
        from session where account_id = $1 and ended_at is null and expires_at > $2
            and last_used_at + idle_seconds * interval '1 second' > $2
        order by last_used_at desc, id limit 200";
    /// Beyond so many, the ones not used for longest end.
    END_EXCESS = "update session set ended_at = $2, ended_because = 'expired'
        where id in (select id from session where account_id = $1 and ended_at is null order by last_used_at desc offset $3)
        returning id";
    /// Forgets sessions that ended long ago, with their tokens.
    FORGET = "delete from session where id in (select id from session where expires_at < $1 limit 1000)";
    /// Whether an account was used from a device.
    KNOWS_DEVICE = "select true from known_device where account_id = $1 and hash = $2";
    /// Notes that an account was used from a device. A row says that it is a new one, beside others.
    SEE_DEVICE = "with other as (select exists (select from known_device where account_id = $1) as any_known),
        seen as (insert into known_device (account_id, hash, device, first_seen_at, last_seen_at) values ($1, $2, $3, $4, $4)
            on conflict (account_id, hash) do update set last_seen_at = excluded.last_seen_at
            returning first_seen_at = last_seen_at as is_new)
        select true from seen, other where is_new and any_known";
    /// A code that works once.
    INSERT_CODE = "insert into one_time_token (hash, purpose, account_id, details, issued_at, expires_at)
        values ($1, $2, $3, $4, $5, $6)";
    /// Uses a code; no row when it was used, has expired or never was.
    TAKE_CODE = "update one_time_token set used_at = $3 where hash = $1 and purpose = $2 and used_at is null and expires_at > $3
        returning account_id, details";
    /// Looks at a code without using it, and counts that somebody tried.
    TRY_CODE = "update one_time_token set attempts = attempts + 1
        where hash = $1 and purpose = $2 and used_at is null and expires_at > $3 and attempts < $4
        returning account_id, details";
    /// An account's codes of a purpose work no longer.
    VOID_CODES = "update one_time_token set used_at = $3 where account_id = $1 and purpose = $2 and used_at is null";
    /// Forgets codes that are over.
    FORGET_CODES = "delete from one_time_token where expires_at < $1";
}
