create table component (
    tenant_id uuid not null,
    id uuid not null,
    key text collate "C" not null check (key ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and char_length(key) <= 63),
    name text not null check (char_length(name) between 1 and 200),
    -- The name as it is searched and sorted: lower case, without accents.
    name_search text collate "C" not null check (char_length(name_search) <= 1000),
    description text check (char_length(description) <= 4000),
    kind text not null check (kind in ('service', 'library', 'website', 'other')),
    lifecycle text not null check (lifecycle in ('experimental', 'production', 'deprecated')),
    owner text check (char_length(owner) <= 200),
    repository_url text check (char_length(repository_url) <= 2000),
    metadata jsonb not null check (jsonb_typeof(metadata) = 'object'),
    version bigint not null check (version > 0),
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    deleted_at timestamptz,
    deleted_by text,
    primary key (tenant_id, id),
    check ((deleted_at is null) = (deleted_by is null))
);
-- A key is free again once its component is deleted.
create unique index component_key on component (tenant_id, key) where deleted_at is null;
create index component_by_name on component (tenant_id, name_search, id) where deleted_at is null;
create index component_by_created_at on component (tenant_id, created_at, id) where deleted_at is null;
