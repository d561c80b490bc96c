//! Holes to be made in a database, what finds them, and what closes them.

use Undo::{AsTold, By};
use Where::{Control, Schema, Shared, Single};

/// In which database a hole is made, and which schema it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    Shared,
    Schema,
    Single,
    Control,
}

/// How a hole is closed again.
#[derive(Clone, Copy)]
pub(super) enum Undo {
    /// By what the finding says.
    AsTold,
    /// By this.
    By(&'static str),
}
/// A hole, the codes that it must be found by and no others, and what closes it.
pub(super) struct Hole(pub(super) Where, pub(super) &'static str, pub(super) &'static [&'static str], pub(super) Undo);

pub(super) const OWN: &str = "tenant_id = (select nullif(current_setting('cloister.tenant_id', true), '')::uuid)";

/// `$own` stands for the condition of the application's policy, `$tenant` for the tenant whose place it is, `$schema` for its
/// schema.
pub(super) const HOLES: &[Hole] = &[
    // Tables that nobody declared.
    Hole(
        Shared,
        "create table stray (tenant_id uuid not null, id uuid, primary key (tenant_id, id))",
        &["policy_missing", "row_security_off", "table_undeclared"],
        By("drop table stray"),
    ),
    Hole(Schema, "create table stray (id uuid primary key)", &["table_undeclared"], By("drop table stray")),
    Hole(Single, "create table cloister.stray (id uuid primary key)", &["table_undeclared"], By("drop table cloister.stray")),
    Hole(Control, "create table stray (id uuid primary key)", &["table_undeclared"], By("drop table stray")),
    Hole(
        Schema,
        "alter table note rename to eton",
        &["table_missing", "table_undeclared"],
        By("alter table eton rename to note"),
    ),
    // What names the tenant is no id: it cannot be looked at row by row.
    Hole(
        Schema,
        "create table stray (tenant_id text primary key); insert into stray values ('somebody')",
        &["policy_missing", "row_security_off", "table_undeclared", "tenant_id_nullable"],
        By("drop table stray"),
    ),
    // Keys without the tenant.
    Hole(
        Single,
        "create table stray (tenant_id uuid)",
        &["policy_missing", "primary_key_without_tenant", "row_security_off", "table_undeclared", "tenant_id_nullable"],
        By("drop table stray"),
    ),
    Hole(
        Shared,
        "alter table note drop constraint note_pkey cascade; alter table note add constraint note_pkey primary key (id)",
        &["drift_key", "primary_key_without_tenant"],
        By("alter table note drop constraint note_pkey; alter table note add constraint note_pkey primary key (tenant_id, id);
            alter table note add constraint note_parent_fkey foreign key (tenant_id, parent_id) references note (tenant_id, id)"),
    ),
    Hole(Schema, "create unique index bad on note (body)", &["unique_key_without_tenant"], AsTold),
    Hole(Single, "alter table note add constraint bad unique (body, tenant_id)", &["unique_key_without_tenant"], AsTold),
    Hole(Shared, "create index bad on note (body)", &["index_without_tenant"], AsTold),
    Hole(
        Shared,
        "alter table note add constraint bad exclude using btree (body with =)",
        &["exclusion_without_tenant"],
        AsTold,
    ),
    Hole(
        Schema,
        "create unique index bad on note (id); alter table note add constraint bad_key foreign key (parent_id) references note (id)",
        &["foreign_key_without_tenant", "unique_key_without_tenant"],
        By("alter table note drop constraint bad_key; drop index bad"),
    ),
    Hole(
        Single,
        "alter table note add constraint bad foreign key (tenant_id) references cloister.fence",
        &["foreign_key_leaves_schema"],
        AsTold,
    ),
    Hole(
        Shared,
        "alter table note add constraint bad foreign key (tenant_id, parent_id) references note (tenant_id, id) on delete set null",
        &["foreign_key_changes_columns"],
        AsTold,
    ),
    Hole(
        Shared,
        "alter table note add constraint bad check (body <> 'bad') not valid",
        &["constraint_not_validated"],
        By("alter table note drop constraint bad"),
    ),
    Hole(Schema, "alter table note disable trigger all", &["foreign_key_not_enforced"], AsTold),
    Hole(
        Shared,
        "create table public.peer (tenant_id uuid, id uuid, foreign key (tenant_id, id) references note (tenant_id, id))",
        &["foreign_key_from_outside", "object_outside"],
        AsTold,
    ),
    Hole(
        Single,
        "update pg_index set indisvalid = false where indexrelid = 'note_pkey'::regclass",
        &["index_invalid"],
        AsTold,
    ),
    // Row security.
    Hole(Schema, "alter table note disable row level security", &["row_security_off"], AsTold),
    Hole(Shared, "alter table cloister.audit disable row level security", &["row_security_off"], AsTold),
    Hole(Single, "alter table note force row level security", &["row_security_forced"], AsTold),
    Hole(Control, "alter table job enable row level security", &["drift_table"], AsTold),
    Hole(Control, "alter table job force row level security", &["drift_table"], AsTold),
    Hole(Control, "create policy more on job using (true)", &["drift_policy"], AsTold),
    Hole(Single, "drop policy application on note", &["policy_missing"], AsTold),
    Hole(Shared, "drop policy system on cloister.outbox", &["policy_missing"], AsTold),
    Hole(Shared, "alter policy application on note using (true)", &["policy_altered"], AsTold),
    Hole(Schema, "alter policy application on note with check (true)", &["policy_altered"], AsTold),
    Hole(Single, "alter policy application on note to public", &["policy_altered"], AsTold),
    Hole(Shared, "alter policy system on note to test_system, test_application", &["policy_altered"], AsTold),
    Hole(
        Schema,
        "drop policy application on note; create policy application on note for select to test_application using ($own)",
        &["policy_altered"],
        AsTold,
    ),
    Hole(
        Shared,
        "drop policy application on note;
         create policy application on note as restrictive to test_application using ($own) with check ($own)",
        &["policy_altered"],
        AsTold,
    ),
    Hole(Shared, "create policy more on note to test_application using (true)", &["policy_undeclared"], AsTold),
    Hole(
        Single,
        "create policy more on note to test_application using (random() < 2)",
        &["policy_function_volatile", "policy_undeclared"],
        By("drop policy more on note"),
    ),
    Hole(
        Schema,
        "create table public.parent (like note); alter table note inherit public.parent",
        &["object_outside", "table_inherits"],
        By("alter table note no inherit public.parent; drop table public.parent"),
    ),
    Hole(Shared, "alter table note set unlogged", &["table_unlogged"], AsTold),
    Hole(Shared, "create publication bad for table note", &["table_published"], By("drop publication bad")),
    // Rights and owners.
    Hole(Single, "grant truncate on note to test_application", &["grant_beyond_rows"], AsTold),
    Hole(Shared, "grant references, trigger on note to test_system", &["grant_beyond_rows"], AsTold),
    Hole(Schema, "grant select on note to public", &["grant_to_public"], AsTold),
    Hole(Shared, "grant usage on schema shared to public", &["grant_to_public"], AsTold),
    Hole(Single, "grant select (body) on note to public", &["grant_on_column"], AsTold),
    Hole(Shared, "grant select on note to pg_monitor", &["grant_to_stranger"], AsTold),
    Hole(Schema, "grant update on cloister.audit to test_application", &["drift_grant"], AsTold),
    Hole(Shared, "revoke update on note from test_application", &["drift_grant"], AsTold),
    Hole(Control, "grant select on job to public", &["grant_to_public"], AsTold),
    Hole(Control, "grant usage on schema control to test_system", &["drift_grant"], AsTold),
    Hole(Shared, "grant select on note to test_application with grant option", &["drift_grant"], AsTold),
    Hole(
        Schema,
        "alter table note owner to test_application",
        &["login_owns", "grant_beyond_rows"],
        By("alter table note owner to test_owner; grant select, insert, update, delete on note to test_application"),
    ),
    Hole(Single, "$alter table note owner to", &["owner_wrong"], AsTold),
    Hole(Shared, "grant create on schema shared to test_application", &["login_creates"], AsTold),
    Hole(Single, "grant create on schema public to test_application", &["login_creates"], AsTold),
    Hole(Schema, "$grant create on database to test_system", &["login_creates"], AsTold),
    Hole(Single, "$grant connect on database to public", &["database_open_to_public"], AsTold),
    Hole(Shared, "$grant connect on database to pg_monitor", &["database_open_to_stranger"], AsTold),
    Hole(
        Shared,
        "alter default privileges for role test_owner in schema shared grant select on tables to public",
        &["default_privileges"],
        AsTold,
    ),
    // What has no place there.
    Hole(Shared, "create view bad as select * from note", &["view_present"], AsTold),
    Hole(Schema, "create materialized view bad as select 1 as one", &["view_present"], AsTold),
    Hole(Single, "create view public.bad as select * from tenant.note", &["view_widens"], AsTold),
    Hole(Shared, "create sequence bad", &["sequence_present"], AsTold),
    Hole(
        Shared,
        "alter table note add column number bigserial",
        &["drift_column", "sequence_present"],
        By("alter table note drop column number"),
    ),
    Hole(Schema, "create type bad as enum ('a')", &["drift_object"], AsTold),
    Hole(Single, "create function bad() returns bigint language sql as 'select 1::bigint'", &["drift_function", "drift_grant"], By("drop function bad()")),
    Hole(
        Shared,
        "create function bad() returns bigint language sql security definer as 'select count(*) from shared.note'",
        &["drift_function", "drift_grant", "function_security_definer"],
        By("drop function bad()"),
    ),
    Hole(
        Schema,
        "create function public.bad() returns bigint language sql security definer as 'select 1::bigint'",
        &["function_security_definer_outside"],
        By("drop function public.bad()"),
    ),
    Hole(
        Single,
        "create or replace function cloister.fence_key(tenant uuid) returns bigint language sql immutable as 'select 1::bigint'",
        &["drift_function"],
        By("create or replace function cloister.fence_key(tenant uuid) returns bigint language sql immutable
            as $$ select pg_catalog.hashtextextended('cloister fence ' || tenant::text, 0) $$"),
    ),
    Hole(
        Single,
        "create trigger bad before update on note for each row execute function suppress_redundant_updates_trigger()",
        &["trigger_present"],
        AsTold,
    ),
    Hole(Shared, "create rule bad as on delete to note do instead nothing", &["rule_present"], AsTold),
    Hole(Shared, "create extension dblink schema public", &["extension_dangerous"], AsTold),
    Hole(Schema, "create extension citext schema public", &["extension_undeclared"], AsTold),
    Hole(
        Single,
        "create extension postgres_fdw schema public; create server bad foreign data wrapper postgres_fdw",
        &["extension_dangerous", "foreign_server_present"],
        By("drop extension postgres_fdw cascade"),
    ),
    Hole(
        Schema,
        "create extension postgres_fdw schema public; create server bad foreign data wrapper postgres_fdw;
         create foreign table bad (id uuid) server bad; alter foreign table bad owner to test_owner",
        &["extension_dangerous", "foreign_server_present", "foreign_table_present"],
        By("drop extension postgres_fdw cascade"),
    ),
    Hole(Single, "create language bad handler plpgsql_call_handler", &["language_untrusted"], AsTold),
    Hole(Shared, "select lo_create(0)", &["large_object_present"], By("select lo_unlink(oid) from pg_largeobject_metadata")),
    Hole(
        Shared,
        "create function public.bad() returns event_trigger language plpgsql as 'begin end';
         create event trigger bad on ddl_command_end execute function public.bad()",
        &["event_trigger_present"],
        By("drop event trigger bad; drop function public.bad()"),
    ),
    // Settings that make a session stand elsewhere.
    Hole(Single, "$set row_security = off", &["setting_of_role"], AsTold),
    Hole(Shared, "$set cloister.tenant_id = '00000000-0000-0000-0000-000000000000'", &["setting_of_role"], AsTold),
    // Places that are not as they were made.
    Hole(Schema, "alter table note add column extra text", &["drift_column"], AsTold),
    Hole(Single, "alter table note alter body type varchar(1000)", &["drift_check", "drift_column"], By("alter table note alter body type text")),
    Hole(Shared, "create index more on note (tenant_id, body)", &["drift_index"], AsTold),
    Hole(Schema, "alter table note add constraint more check (body <> 'more')", &["drift_check"], AsTold),
    Hole(Schema, "create schema left_behind", &["schema_unknown"], By("drop schema left_behind")),
    Hole(
        Schema,
        "alter schema \"$schema\" rename to hidden",
        &["schema_missing", "schema_unknown"],
        By("alter schema hidden rename to \"$schema\""),
    ),
    Hole(Single, "delete from cloister.fence where tenant_id = '$tenant'", &["fence_missing"], AsTold),
    Hole(Schema, "update cloister.fence set epoch = epoch - 1 where tenant_id = '$tenant'", &["fence_differs"], AsTold),
    Hole(Shared, "update cloister.fence set state = 'closed' where tenant_id = '$tenant'", &["fence_differs"], AsTold),
    Hole(
        Single,
        "update cloister.fence set schema_name = 'elsewhere' where tenant_id = '$tenant'",
        &["fence_missing", "fence_open_elsewhere"],
        AsTold,
    ),
    Hole(
        Shared,
        "insert into cloister.fence values (gen_random_uuid(), 'shared', 1, 'open', 'epoch')",
        &["fence_open_elsewhere", "row_of_no_tenant"],
        By("delete from cloister.fence where changed_at = 'epoch'"),
    ),
];
