//! All SQL about idempotency keys outside of every tenant.

use cloister_tenancy::sql::statements;

statements! {
    /// Takes a key; no row when somebody has it.
    TAKE = "insert into idempotency_key (scope, key, fingerprint, created_at) values ($1, $2, $3, $4)
        on conflict do nothing returning true";
    /// What was answered.
    READ = "select fingerprint, status, body from idempotency_key where scope = $1 and key = $2";
    /// Keeps the answer to give again.
    KEEP = "update idempotency_key set status = $3, body = $4 where scope = $1 and key = $2";
    /// Forgets old ones.
    FORGET = "delete from idempotency_key where created_at < $1";
}
