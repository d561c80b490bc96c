-- Imports of rosters: what was asked for, how far it is, how it ended, and what it takes to take it back.

create table import_run (
    tenant_id uuid not null,
    id uuid not null,
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    state text not null constraint import_run_state_check
        check (state in ('waiting', 'running', 'applied', 'dry_run', 'refused', 'failed', 'undone')),
    -- How the package is brought in.
    settings jsonb not null constraint import_run_settings_check check (jsonb_typeof(settings) = 'object'),
    -- Bytes of the package.
    bytes bigint not null,
    -- How far it is, while it is under way.
    phase text constraint import_run_phase_check check (phase in ('reading', 'checking', 'merging')),
    done bigint not null,
    total bigint not null,
    -- What it did, would do, or was refused for.
    report jsonb,
    -- Why it failed, in a word.
    failure text constraint import_run_failure_check check (char_length(failure) <= 100),
    -- What would be right. It may repeat what is written in the package, so it is forgotten with what the report tells of people.
    failure_message text constraint import_run_failure_message_check check (char_length(failure_message) <= 1000),
    -- The moment that everything it wrote has in common.
    applied_at timestamptz,
    -- Whether what was there before is kept: of the last import that changed anything, for a while.
    undoable boolean not null,
    undone_at timestamptz,
    undone_by text,
    constraint import_run_pkey primary key (tenant_id, id),
    constraint import_run_applied_check check (not undoable or applied_at is not null)
);
create index import_run_undoable on import_run (tenant_id, applied_at) where undoable;

-- A package that was sent and waits, in parts. Gone when the import has ended.
create table import_part (
    tenant_id uuid not null,
    run_id uuid not null,
    number integer not null,
    bytes bytea not null constraint import_part_bytes_check check (octet_length(bytes) between 1 and 1048576),
    constraint import_part_pkey primary key (tenant_id, run_id, number)
);

-- Records as they were before an import changed them or marked them as deleted. Those it made need none: they have its moment.
create table import_change (
    tenant_id uuid not null,
    run_id uuid not null,
    -- The table.
    kind text not null constraint import_change_kind_check
        check (kind in ('org', 'academic_session', 'course', 'class', 'person', 'person_role', 'enrollment', 'demographics')),
    record_id uuid not null,
    before jsonb not null constraint import_change_before_check check (jsonb_typeof(before) = 'object'),
    -- Of a class its terms.
    parts uuid[] not null,
    -- The version that the import left: a record that has another was changed since.
    version_after bigint not null,
    constraint import_change_pkey primary key (tenant_id, run_id, kind, record_id)
);
