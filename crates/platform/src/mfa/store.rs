//! All SQL about second factors.

use cloister_tenancy::sql::statements;

statements! {
    /// An account's authenticator app.
    TOTP = "select sealed, confirmed_at, last_step from totp where account_id = $1";
    /// A secret that waits for its first code. One that is in use stays.
    PROPOSE = "insert into totp (account_id, sealed, created_at) values ($1, $2, $3)
        on conflict (account_id) do update set sealed = excluded.sealed, created_at = excluded.created_at, last_step = 0
        where totp.confirmed_at is null returning account_id";
    /// A code was taken: none of its step or before is taken again. No row when somebody was faster.
    TAKE_STEP = "update totp set last_step = $2, confirmed_at = coalesce(confirmed_at, $3)
        where account_id = $1 and last_step < $2 returning account_id";
    /// The app is no longer asked for.
    REMOVE = "delete from totp where account_id = $1";
    /// Old recovery codes are worth nothing.
    REMOVE_CODES = "delete from recovery_code where account_id = $1";
    /// A recovery code.
    INSERT_CODE = "insert into recovery_code (account_id, hash, created_at) values ($1, $2, $3)";
    /// Uses a recovery code; no row when it was used or never was.
    TAKE_CODE = "update recovery_code set used_at = $3 where account_id = $1 and hash = $2 and used_at is null returning true";
    /// How many are left.
    CODES_LEFT = "select count(*) as left from recovery_code where account_id = $1 and used_at is null";
}
