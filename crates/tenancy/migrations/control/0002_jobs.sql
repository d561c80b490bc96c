-- The job queue. A lane is a queue of its own among the others: one a tenant, one for the platform, and one for each kind
-- of job that has a limit of its own within a tenant. Lanes take turns, so nobody's backlog delays anybody else.

create table job (
    id uuid primary key,
    tenant_id uuid,
    lane uuid not null,
    kind text not null check (char_length(kind) <= 100),
    payload jsonb not null,
    state text not null check (state in ('ready', 'running', 'done', 'dead')),
    priority smallint not null check (priority between 0 and 2),
    run_at timestamptz not null,
    attempts integer not null default 0 check (attempts >= 0),
    max_attempts integer not null check (max_attempts >= 1),
    unique_key text check (char_length(unique_key) <= 200),
    worker uuid,
    lease_until timestamptz,
    created_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,
    last_error text check (char_length(last_error) <= 4000),
    constraint job_lease_check check ((state = 'running') = (lease_until is not null)),
    constraint job_finished_check check ((state in ('done', 'dead')) = (finished_at is not null))
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
create index job_ready on job (lane, priority, run_at, id) where state = 'ready';
create index job_lease on job (lease_until) where state = 'running';
create index job_done on job (finished_at) where state = 'done';
create index job_dead on job (id) where state = 'dead';
create index job_tenant on job (tenant_id, id);
-- One of a key waits at a time; while it runs, another may wait behind it.
create unique index job_waiting_key on job (lane, kind, unique_key) where state = 'ready' and unique_key is not null;

-- Changed only together with the jobs it speaks of: its row is the lock of its lane.
create table job_lane (
    lane uuid primary key,
    -- When its turn is: since it was last served while a job waits, else when its next job is due; null without any.
    turn_at timestamptz,
    served_at timestamptz not null,
    -- Not before then, whatever waits: the tenant is shut.
    held_until timestamptz,
    running integer not null default 0 check (running >= 0),
    -- The most that may run at once; null for the workers' own limit.
    most integer check (most >= 1)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000);
create index job_lane_turn on job_lane (turn_at) where turn_at is not null;

create table cron (
    lane uuid not null,
    name text not null check (char_length(name) between 1 and 100),
    tenant_id uuid,
    kind text not null check (char_length(kind) <= 100),
    payload jsonb not null,
    schedule text not null check (char_length(schedule) <= 200),
    time_zone text not null check (char_length(time_zone) <= 64),
    enabled boolean not null default true,
    next_at timestamptz not null,
    last_at timestamptz,
    updated_at timestamptz not null,
    primary key (lane, name)
);
create index cron_due on cron (next_at) where enabled;
