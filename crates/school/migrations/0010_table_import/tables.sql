-- What an import of a table did, row by row, so that it can be taken back.

create table table_change (
    tenant_id uuid not null,
    run_id uuid not null,
    -- The place of the row among those that changed something. They are taken back from the last to the first.
    number integer not null,
    -- The list that the record is in, as its address has it, and its id there.
    resource text not null constraint table_change_resource_check check (char_length(resource) between 1 and 100),
    record_id text not null constraint table_change_record_id_check check (char_length(record_id) between 1 and 100),
    -- The fields that the row changed, as they were; none of a record that it made.
    before jsonb constraint table_change_before_check check (jsonb_typeof(before) = 'object'),
    -- The version that the row left: a record that has another was changed since.
    version_after bigint not null,
    constraint table_change_pkey primary key (tenant_id, run_id, number)
);
