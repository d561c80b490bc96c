create table note (
    tenant_id uuid not null,
    id uuid not null,
    body text not null constraint note_body_check check (char_length(body) between 1 and 1000),
    label text,
    parent_id uuid,
    primary key (tenant_id, id),
    constraint note_label_key unique (tenant_id, label)
);
create index note_parent on note (tenant_id, parent_id);
-- For what the prover says of a type that was altered.
create domain note_colour as text constraint note_colour_check check (char_length(value) <= 20);
