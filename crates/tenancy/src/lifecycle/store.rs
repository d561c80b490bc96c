//! SQL of the lifecycle in the databases that hold placements, run by the system login.

use cloister_postgres::statements;

statements! {
    /// Opens the fence, or opens it again one epoch later.
    OPEN = "insert into cloister.fence (tenant_id, schema_name, epoch, state, changed_at) values ($1, $2, 1, 'open', $3)
        on conflict (tenant_id) do update set schema_name = excluded.schema_name, epoch = cloister.fence.epoch + 1,
            state = 'open', changed_at = excluded.changed_at
        returning epoch";
    /// Says how long.
    BE_PATIENT = "select pg_catalog.set_config('lock_timeout', '2s', true)";
    /// Waits, for as long as `lock_timeout` says, until no writer is inside.
    LOCK = "select pg_advisory_xact_lock(cloister.fence_key($1))";
    /// Closes the fence one epoch later: whoever still believes in the one before is refused.
    CLOSE = "update cloister.fence set state = 'closed', epoch = epoch + 1, changed_at = $2 where tenant_id = $1
        returning epoch";
}
