-- The registry: which tenants there are, how they are found and where their rows are. No business rows, ever.

create table registry_generation (
    one boolean primary key default true check (one),
    value bigint not null
);
insert into registry_generation (value) values (0);

create table cluster (
    id uuid primary key,
    name text not null constraint cluster_name_key unique check (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    region text not null default 'local' check (char_length(region) between 1 and 63),
    created_at timestamptz not null
);

create table database (
    id uuid primary key,
    cluster_id uuid not null references cluster,
    name text not null check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    purpose text not null check (purpose in ('shared', 'schemas', 'single')),
    plumbing_digest text,
    shared_digest text,
    created_at timestamptz not null,
    constraint database_name_key unique (cluster_id, name)
);

-- What tenants pay for: limits by name, such as {"read": "50/1s", "connections": "25%"}. What is not in it is the
-- installation's.
create table plan (
    name text primary key check (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    title text not null check (char_length(title) between 1 and 200),
    limits jsonb not null default '{}' check (jsonb_typeof(limits) = 'object'),
    generation bigint not null,
    version bigint not null default 1,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null
);
create index plan_generation on plan (generation);
insert into plan (name, title, limits, generation, created_at, created_by, updated_at, updated_by)
select name, title, limits::jsonb, 1, now(), 'system:installation', now(), 'system:installation'
from (values
    ('free', 'Free', '{"read": "200/2s", "write": "40/2s", "heavy": "4/60s", "sign_in": "120/60s", "connections": "25%",
        "statement_timeout": "5s", "import_timeout": "5m"}'),
    ('standard', 'Standard', '{"sign_in": "1200/60s"}'),
    ('large', 'Large', '{"read": "4000/2s", "write": "800/2s", "heavy": "30/60s", "sign_in": "6000/60s",
        "statement_timeout": "30s", "import_timeout": "30m"}')
) as known (name, title, limits);

create table tenant (
    id uuid primary key,
    slug text not null
        constraint tenant_slug_check check (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' and slug !~ '^..--'),
    display_name text not null check (char_length(display_name) between 1 and 200),
    legal_name text check (char_length(legal_name) between 1 and 300),
    kind text not null check (kind ~ '^[a-z][a-z_]{0,31}$'),
    status text not null
        check (status in ('pending', 'preparing', 'active', 'failed', 'suspended', 'deleted', 'purging')),
    tier text not null check (tier in ('shared', 'schema', 'database')),
    plan text not null constraint tenant_plan_fkey references plan,
    region text not null check (char_length(region) between 1 and 63),
    locale text not null check (locale ~ '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
    time_zone text not null check (char_length(time_zone) between 1 and 64),
    contact_name text check (char_length(contact_name) <= 200),
    contact_email text check (char_length(contact_email) <= 254 and contact_email like '%_@_%'),
    contact_phone text check (char_length(contact_phone) <= 50),
    address text check (char_length(address) <= 1000),
    trial_start_date date,
    trial_end_date date,
    demo boolean not null default false,
    maintenance boolean not null default false,
    maintenance_message text check (char_length(maintenance_message) <= 500),
    -- Limits of its own, in the form of a plan's; of the others the plan's hold.
    limits jsonb not null default '{}' check (jsonb_typeof(limits) = 'object'),
    suspended_reason text check (char_length(suspended_reason) <= 500),
    purge_after timestamptz,
    generation bigint not null,
    version bigint not null default 1,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    deleted_at timestamptz,
    deleted_by text,
    constraint tenant_slug_key unique (slug),
    constraint tenant_trial_check check (trial_end_date >= trial_start_date),
    constraint tenant_deleted_check check ((status in ('deleted', 'purging')) = (deleted_at is not null))
);
create index tenant_generation on tenant (generation);
create index tenant_purge on tenant (purge_after) where status = 'deleted';

-- What a tenant's encrypted columns are sealed under, each wrapped by the installation's own key, which is in no database. The
-- newest seals; older ones still open. They are the first that is destroyed with a tenant.
create table data_key (
    tenant_id uuid not null references tenant on delete cascade,
    version smallint not null check (version between 1 and 255),
    wrapped bytea not null check (octet_length(wrapped) between 32 and 200),
    created_at timestamptz not null,
    primary key (tenant_id, version)
);

-- What is gone, so that a node which was away learns of it. Holds no name.
create table removed_tenant (
    id uuid primary key,
    generation bigint not null,
    removed_at timestamptz not null
);
create index removed_tenant_generation on removed_tenant (generation);

create table domain (
    id uuid primary key,
    tenant_id uuid not null references tenant on delete cascade,
    host text not null
        constraint domain_host_key unique
        constraint domain_host_check check (host = lower(host) and char_length(host) <= 253
            and host ~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    verified_at timestamptz,
    created_at timestamptz not null,
    created_by text not null
);
create index domain_tenant on domain (tenant_id);

create table placement (
    tenant_id uuid primary key references tenant,
    database_id uuid not null references database,
    schema_name text not null check (schema_name ~ '^[a-z][a-z0-9_]{0,62}$'),
    epoch bigint not null check (epoch >= 1),
    state text not null check (state in ('preparing', 'open', 'closed')),
    digest text,
    updated_at timestamptz not null
);
create index placement_database on placement (database_id);
create index placement_digest on placement (digest);

create table workflow (
    id uuid primary key,
    kind text not null,
    tenant_id uuid not null,
    state text not null check (state in ('running', 'undoing', 'failed', 'done', 'undone')),
    step integer not null,
    attempts integer not null default 0,
    next_run_at timestamptz not null,
    lease_owner uuid,
    lease_until timestamptz,
    input jsonb not null,
    error text,
    requested_by text not null,
    -- The requester's account, address and request.
    origin jsonb not null,
    reason text,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
-- One at a time: a tenant is never suspended and moved at once.
create unique index workflow_one_at_a_time on workflow (tenant_id) where state in ('running', 'undoing', 'failed');
create index workflow_due on workflow (next_run_at) where state in ('running', 'undoing');
create index workflow_tenant on workflow (tenant_id, created_at);

create table workflow_step (
    workflow_id uuid not null references workflow on delete cascade,
    ordinal bigint generated always as identity,
    step text not null,
    outcome text not null check (outcome in ('done', 'undone', 'error')),
    message text,
    at timestamptz not null,
    primary key (workflow_id, ordinal)
);

-- The platform's own audit log: what was done to tenants and accounts, and outside of every tenant.
create table audit (
    id uuid primary key,
    at timestamptz not null,
    actor text not null check (char_length(actor) <= 200),
    account_id uuid,
    acting_as text check (char_length(acting_as) <= 100),
    action text not null check (char_length(action) <= 100),
    tenant_id uuid,
    resource text check (char_length(resource) <= 100),
    resource_id text check (char_length(resource_id) <= 200),
    client text check (char_length(client) <= 45),
    request_id uuid,
    reason text check (char_length(reason) <= 500),
    changes jsonb
);
create index audit_tenant on audit (tenant_id, id);
create index audit_actor on audit (actor, id);
create index audit_subject on audit (resource_id, id);

-- Its entries that were sealed: see the tenants' own. `detail` is the seal of what is forgotten with a tenant, so that the
-- rest can still be looked at.
create table audit_chain (
    seq bigint primary key check (seq >= 1),
    audit_id uuid not null constraint audit_chain_entry_key unique,
    detail bytea check (octet_length(detail) = 32),
    entry bytea not null check (octet_length(entry) = 32),
    hash bytea not null check (octet_length(hash) = 32)
);

-- Its entries that wait for their seal.
create table audit_unsealed (
    audit_id uuid primary key,
    at timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000);
create index audit_unsealed_order on audit_unsealed (at, audit_id);

-- Where each chain ends: a tenant's by the tenant's id, the platform's own by the nil one. A chain whose end was cut off no
-- longer reaches it.
create table audit_head (
    chain uuid primary key,
    seq bigint not null check (seq >= 0),
    hash bytea not null check (octet_length(hash) = 32),
    mac bytea not null check (octet_length(mac) = 32),
    updated_at timestamptz not null
) with (fillfactor = 70);
