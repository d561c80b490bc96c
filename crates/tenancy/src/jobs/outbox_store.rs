//! All SQL of the outbox and of what is forgotten in time, in each database that holds placements, as the system login.

use cloister_postgres::statements;

statements! {
    /// Jobs that transactions left, eldest first; those another relay carries are not waited for.
    LEFT = "select tenant_id, id, kind, payload, unique_key, run_at, created_at from outbox
        order by created_at limit $1 for update skip locked";
    /// Strikes what was carried.
    CARRIED = "delete from outbox using unnest($1::uuid[], $2::uuid[]) as carried (tenant_id, id)
        where outbox.tenant_id = carried.tenant_id and outbox.id = carried.id";

    /// Deliveries older than an instant, after one of them.
    OLD_DELIVERIES = "select tenant_id, job_id, done_at from inbox
        where done_at < $1 and (done_at, job_id) > ($2, $3) order by done_at, job_id limit $4";
    /// Forgets deliveries.
    FORGET_DELIVERIES = "delete from inbox using unnest($1::uuid[], $2::uuid[]) as old (tenant_id, job_id)
        where inbox.tenant_id = old.tenant_id and inbox.job_id = old.job_id";
    /// Forgets answers that were kept for whoever asks twice.
    FORGET_ANSWERS = "delete from idempotency_key where (tenant_id, actor, key) in (
            select tenant_id, actor, key from idempotency_key where created_at < $1 order by created_at limit $2
        ) returning true";
}
