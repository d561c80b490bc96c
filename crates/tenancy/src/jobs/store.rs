//! All SQL of the queue in the control plane.

use cloister_postgres::statements;

macro_rules! columns {
    () => {
        "select id, tenant_id, kind, payload, state, run_at, attempts, max_attempts, unique_key, worker, created_at,
                started_at, finished_at, last_error
         from job "
    };
}

statements! {
    /// Puts jobs into the queue; those that are already there, or whose key already waits, are dropped. Sorted, so that two
    /// who put in the same jobs wait for each other and never in a circle.
    ENQUEUE = "insert into job (id, tenant_id, lane, kind, payload, state, priority, run_at, max_attempts, unique_key,
            created_at)
        select id, tenant_id, lane, kind, payload, 'ready', priority, run_at, max_attempts, unique_key, created_at
        from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::jsonb[], $6::smallint[], $7::timestamptz[],
                $8::integer[], $9::text[], $10::timestamptz[])
            as new (id, tenant_id, lane, kind, payload, priority, run_at, max_attempts, unique_key, created_at)
        order by lane, kind, unique_key, id
        on conflict do nothing returning id";
    /// Gives lanes a turn. A lane with a job due now takes it from when it was last served: who asks seldom comes first.
    OPEN_LANES = "insert into job_lane (lane, most, turn_at, served_at)
        select lane, most, case when first <= $4 then '-infinity' else first end, '-infinity'
        from unnest($1::uuid[], $2::integer[], $3::timestamptz[]) as new (lane, most, first)
        order by lane
        on conflict (lane) do update set most = excluded.most,
            turn_at = greatest(job_lane.held_until, least(job_lane.turn_at,
                case when excluded.turn_at = '-infinity' then job_lane.served_at else excluded.turn_at end))";
    /// Tells every worker.
    NOTIFY = "select pg_notify('cloister_jobs', '')";

    /// Locks the lanes whose turn it is, of those that have fewer than `$4` running. The jobs are looked for by the next statement, whose snapshot is younger than these
    /// locks: it sees whatever was put into these lanes, since that takes the lane's lock as well.
    LOCK_LANES = "select lane from job_lane where turn_at <= $1 and running < least(coalesce(most, $2), $4)
        order by turn_at limit $3 for update skip locked";
    // Leases are counted by the database's clock, which all nodes share; times of day come from the platform's clock.

    /// Takes up to `$3` due jobs of each locked lane and puts the lane behind the others.
    TAKE = "with lane as (
            select lane, least($3::integer, coalesce(most, $2::integer) - running) as room
            from job_lane where lane = any($1::uuid[])
        ), picked as materialized (
            select lane.lane, found.id from lane cross join lateral (
                select waiting.id
                from (values (0::smallint), (1::smallint), (2::smallint)) as level (priority)
                cross join lateral (
                    select job.id, job.run_at from job
                    where job.lane = lane.lane and job.state = 'ready' and job.priority = level.priority
                        and job.run_at <= $4
                    order by job.run_at, job.id limit $3 for update skip locked
                ) as waiting
                order by level.priority, waiting.run_at, waiting.id limit lane.room
            ) as found
        ), served as (
            update job_lane set
                running = job_lane.running + (select count(*) from picked where picked.lane = job_lane.lane)::integer,
                served_at = $4,
                held_until = null,
                turn_at = (
                    select case when min(next.run_at) <= $4 then $4 else min(next.run_at) end
                    from (values (0::smallint), (1::smallint), (2::smallint)) as level (priority)
                    cross join lateral (
                        select job.run_at from job
                        where job.lane = job_lane.lane and job.state = 'ready' and job.priority = level.priority
                            and job.id not in (select id from picked)
                        order by job.run_at, job.id limit 1
                    ) as next
                )
            where lane = any($1)
        )
        update job set state = 'running', worker = $5, lease_until = now() + $6 * interval '1 ms',
            attempts = job.attempts + 1, started_at = $4
        from picked where job.id = picked.id
        returning job.id, job.tenant_id, job.kind, job.payload, job.attempts, job.max_attempts, job.run_at";

    /// Keeps a worker's jobs a while longer; what does not come back is no longer its own.
    HEARTBEAT = "update job set lease_until = now() + $3 * interval '1 ms' where id = any($2) and worker = $1 and state = 'running'
        returning id";
    /// A job is done. Only its holder may say so.
    DONE = "with finished as (
            update job set state = 'done', finished_at = $4, lease_until = null, last_error = $5
            where id = $1 and worker = $2 and attempts = $3 and state = 'running' returning lane
        )
        update job_lane set running = running - 1 from finished where job_lane.lane = finished.lane
        returning job_lane.lane";
    /// A job goes back to wait, or is dead. Only its holder may say so, or, with `$9`, whoever finds its lease run out. It gives
    /// up its key when another of that key waits by now. `$10` holds the whole lane back.
    RELEASE = "with released as (
            update job set state = $4, run_at = coalesce($5, run_at), last_error = coalesce($6, last_error),
                finished_at = case when $4 = 'dead' then $7::timestamptz end, attempts = attempts - $8::integer,
                lease_until = null, worker = null,
                unique_key = case when not exists (
                    select from job as other where other.lane = job.lane and other.kind = job.kind
                        and other.unique_key = job.unique_key and other.state = 'ready'
                ) then unique_key end
            where id = $1 and worker = $2 and attempts = $3 and state = 'running'
                and (not $9 or lease_until < now())
            returning lane, state, run_at
        )
        update job_lane set running = running - 1,
            held_until = coalesce($10, held_until),
            turn_at = greatest(coalesce($10, held_until), least(turn_at,
                case when released.state = 'ready' then greatest(released.run_at, served_at) end))
        from released where job_lane.lane = released.lane
        returning job_lane.lane";
    /// Jobs whose worker gave no sign of life.
    LOST = "select id, worker, attempts, max_attempts from job where state = 'running' and lease_until < now()
        order by lease_until limit $1";
    /// Lets the lanes of a tenant go on at once.
    UNHOLD = "update job_lane set held_until = null, turn_at = least(turn_at, greatest(served_at, $2))
        where held_until is not null and lane in (select lane from job where tenant_id = $1 and state = 'ready')";

    /// Forgets the jobs of a tenant.
    FORGET_JOBS = "with gone as (delete from job where tenant_id = $1 returning lane)
        delete from job_lane where lane in (select lane from gone)";
    /// Forgets the schedule of a tenant.
    FORGET_CRON = "delete from cron where tenant_id = $1";
    /// Forgets jobs that were done long ago.
    PURGE_DONE = "delete from job where id in (
            select id from job where state = 'done' and finished_at < $1 order by finished_at limit $2
        ) returning id";
    /// Of these jobs, those that may run again.
    UNFINISHED = "select id from job where id = any($1) and state <> 'done'";

    /// One job.
    JOB = concat!(columns!(), "where id = $1");
    /// A page of dead jobs, youngest first, before one of them.
    DEAD_JOBS = concat!(
        columns!(),
        "where state = 'dead' and ($1::uuid is null or tenant_id = $1) and ($2::uuid is null or id < $2)
         order by id desc limit $3"
    );
    /// Sets a dead job going again, with all its attempts before it.
    RETRY = "with again as (
            update job set state = 'ready', run_at = $2, attempts = 0, finished_at = null,
                unique_key = case when not exists (
                    select from job as other where other.lane = job.lane and other.kind = job.kind
                        and other.unique_key = job.unique_key and other.state = 'ready'
                ) then unique_key end
            where id = $1 and state = 'dead' returning lane, kind, tenant_id
        ), opened as (
            update job_lane set turn_at = greatest(held_until, least(turn_at, greatest(served_at, $2)))
            from again where job_lane.lane = again.lane
        )
        select kind, tenant_id from again";
    /// Gives up a dead job for good.
    DISCARD = "delete from job where id = $1 and state = 'dead' returning kind, tenant_id";
    /// How many jobs wait, run and are dead.
    COUNTS = "select (select count(*) from job where state = 'ready') as ready,
            (select count(*) from job where state = 'ready' and run_at <= $1) as due,
            (select count(*) from job where state = 'running') as running,
            (select count(*) from job where state = 'dead') as dead";

    /// Records an entry of the schedule. Its next time is kept unless the times themselves changed.
    SCHEDULE = "insert into cron (lane, name, tenant_id, kind, payload, schedule, time_zone, enabled, next_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        on conflict (lane, name) do update set kind = excluded.kind, payload = excluded.payload,
            schedule = excluded.schedule, time_zone = excluded.time_zone, enabled = excluded.enabled,
            updated_at = excluded.updated_at,
            next_at = case when (cron.schedule, cron.time_zone, cron.enabled)
                    = (excluded.schedule, excluded.time_zone, excluded.enabled)
                then cron.next_at else excluded.next_at end
        where (cron.kind, cron.payload, cron.schedule, cron.time_zone, cron.enabled) is distinct from
            (excluded.kind, excluded.payload, excluded.schedule, excluded.time_zone, excluded.enabled)";
    /// Strikes an entry.
    UNSCHEDULE = "delete from cron where lane = $1 and name = $2 returning name";
    /// A page of entries, after one of them.
    SCHEDULED = "select lane, name, tenant_id, kind, payload, schedule, time_zone, enabled, next_at, last_at from cron
        where (lane, name) > ($1, $2) order by lane, name limit $3";
    /// Whether the time of any entry has come.
    CRON_PEEK = "select next_at from cron where enabled and next_at <= $1 limit 1";
    /// Entries whose time has come, for us alone.
    CRON_DUE = "select lane, name, tenant_id, kind, payload, schedule, time_zone, next_at from cron
        where enabled and next_at <= $1 order by next_at limit $2 for update skip locked";
    /// Moves an entry on to its next time, once.
    CRON_ADVANCE = "update cron set next_at = $4, last_at = $5 where lane = $1 and name = $2 and next_at = $3
        returning name";

    /// Databases of a cluster that hold placements.
    DATABASES = "select d.name, d.purpose from database d
        where d.cluster_id = $1 and exists (select from placement p where p.database_id = d.id) order by d.name";
}
