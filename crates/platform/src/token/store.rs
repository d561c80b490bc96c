//! All SQL about signing keys.

use cloister_tenancy::sql::statements;

statements! {
    /// Keys that are still believed.
    KEYS = "select id, public_key, sealed, signs_from, retired_at from signing_key
        where retired_at is null or retired_at > $1";
    /// A new key.
    INSERT_KEY = "insert into signing_key (id, public_key, sealed, created_at, signs_from) values ($1, $2, $3, $4, $5)";
    /// Every key but the newest ends.
    RETIRE_OLDER_KEYS = "update signing_key set retired_at = $2 where id <> $1 and retired_at is null";
}
