-- The kernel's own schema in each database that holds placements: what must commit together with the rows it is about.

create table fence (
    tenant_id uuid primary key,
    schema_name text not null,
    epoch bigint not null,
    state text not null check (state in ('open', 'read_only', 'closed')),
    changed_at timestamptz not null
);

create table outbox (
    tenant_id uuid not null,
    id uuid not null,
    kind text not null check (char_length(kind) <= 100),
    payload jsonb not null,
    unique_key text check (char_length(unique_key) <= 200),
    run_at timestamptz not null,
    created_at timestamptz not null,
    primary key (tenant_id, id)
);
create index outbox_order on outbox (created_at);

create table inbox (
    tenant_id uuid not null,
    job_id uuid not null,
    done_at timestamptz not null,
    primary key (tenant_id, job_id)
);
create index inbox_age on inbox (done_at);

create table idempotency_key (
    tenant_id uuid not null,
    actor text not null check (char_length(actor) <= 200),
    key text not null check (char_length(key) between 1 and 255),
    fingerprint text not null,
    status integer,
    body jsonb,
    -- The answer instead of `body`, where it tells what columns keep sealed.
    sealed bytea,
    created_at timestamptz not null,
    primary key (tenant_id, actor, key)
);
create index idempotency_key_age on idempotency_key (created_at);

-- Who did what to which row, written with it. Nothing a request does changes or removes what is here.
create table audit (
    tenant_id uuid not null,
    id uuid not null,
    at timestamptz not null,
    actor text not null check (char_length(actor) <= 200),
    account_id uuid,
    -- In what capacity, where it is not the actor's own: an operator on a visit.
    acting_as text check (char_length(acting_as) <= 100),
    action text not null check (char_length(action) <= 100),
    resource text not null check (char_length(resource) <= 100),
    resource_id text check (char_length(resource_id) <= 200),
    client text check (char_length(client) <= 45),
    request_id uuid not null,
    reason text check (char_length(reason) <= 500),
    changes jsonb,
    primary key (tenant_id, id)
);
create index audit_subject on audit (tenant_id, resource_id, id);
create index audit_actor on audit (tenant_id, actor, id);

-- Entries that were sealed, in the order of their sealing. `entry` is the seal of the row, `hash` joins it to the one before:
-- both under a key that is in no database.
create table audit_chain (
    tenant_id uuid not null,
    seq bigint not null check (seq >= 1),
    audit_id uuid not null,
    entry bytea not null check (octet_length(entry) = 32),
    hash bytea not null check (octet_length(hash) = 32),
    primary key (tenant_id, seq),
    constraint audit_chain_entry_key unique (tenant_id, audit_id)
);

-- Entries that wait for their seal: whoever seals finds them here and not by looking through the log.
create table audit_unsealed (
    tenant_id uuid not null,
    audit_id uuid not null,
    at timestamptz not null,
    primary key (tenant_id, audit_id)
) with (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000);
create index audit_unsealed_order on audit_unsealed (at, audit_id);

-- Entering as a reader: names the tenant until the transaction ends, checks the fence, locks nothing.
-- It raises because a row that says "no" could not stop the statements already sent behind it. Each of those may take so many
-- milliseconds.
create function enter_read(tenant uuid, believed_epoch bigint, expected_schema text, milliseconds integer default 15000)
    returns void
    language plpgsql as $$
declare
    named text;
begin
    -- An assignment is evaluated in place; PERFORM would run a query.
    named := pg_catalog.set_config('cloister.tenant_id', tenant::text, true);
    named := pg_catalog.set_config('statement_timeout', milliseconds::text, true);
    named := pg_catalog.set_config('transaction_read_only', 'on', true);
    if pg_catalog.current_schema() is distinct from expected_schema then
        raise exception 'the session stands in another schema' using errcode = 'CLF03';
    end if;
    perform 1 from cloister.fence f
        where f.tenant_id = tenant and f.epoch = believed_epoch and f.schema_name = expected_schema
          and f.state <> 'closed';
    if not found then
        raise exception 'the placement is not open at this epoch' using errcode = 'CLF01';
    end if;
end $$;

-- Entering as a writer: the same, holding off a move, suspension or restore until the transaction ends. The fence is read
-- after the lock in a snapshot of its own (READ COMMITTED), so a close that committed in between is seen.
create function enter_write(tenant uuid, believed_epoch bigint, expected_schema text, milliseconds integer default 15000)
    returns void
    language plpgsql as $$
declare
    named text;
begin
    -- An assignment is evaluated in place; PERFORM would run a query.
    named := pg_catalog.set_config('cloister.tenant_id', tenant::text, true);
    named := pg_catalog.set_config('statement_timeout', milliseconds::text, true);
    if pg_catalog.current_schema() is distinct from expected_schema then
        raise exception 'the session stands in another schema' using errcode = 'CLF03';
    end if;
    if not pg_catalog.pg_try_advisory_xact_lock_shared(cloister.fence_key(tenant)) then
        raise exception 'the placement is being changed' using errcode = 'CLF02';
    end if;
    perform 1 from cloister.fence f
        where f.tenant_id = tenant and f.epoch = believed_epoch and f.schema_name = expected_schema
          and f.state = 'open';
    if not found then
        raise exception 'the placement is not open for writing at this epoch' using errcode = 'CLF01';
    end if;
end $$;

create function fence_key(tenant uuid) returns bigint
    language sql immutable as $$ select pg_catalog.hashtextextended('cloister fence ' || tenant::text, 0) $$;
