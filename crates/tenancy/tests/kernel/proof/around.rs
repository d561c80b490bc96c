//! Holes that are not in the tables themselves: what is hidden behind an extension, functions and types that are other than they
//! look, and the server's own catalogs.

use super::{AsTold, By, Control, Hole, Schema, Shared, Single};

/// `$here` stands for the database's name.
pub(super) const AROUND: &[Hole] = &[
    // Given to an extension, to be looked at by nobody.
    Hole(
        Shared,
        "create extension btree_gist schema public; create view bad as select * from note; alter extension btree_gist add view bad",
        &["extension_member", "view_present"],
        AsTold,
    ),
    Hole(
        Shared,
        "create function bad() returns bigint language sql security definer as 'select count(*) from shared.note';
         alter extension btree_gist add function bad()",
        &["drift_function", "drift_grant", "extension_member", "function_security_definer"],
        By("alter extension btree_gist drop function bad(); drop function bad()"),
    ),
    Hole(Shared, "alter extension btree_gist add table note", &["extension_member"], AsTold),
    Hole(
        Shared,
        "create table public.copied (like note); alter extension btree_gist add table public.copied",
        &["object_outside"],
        By("alter extension btree_gist drop table public.copied; drop table public.copied"),
    ),
    Hole(
        Shared,
        "create function public.bad() returns event_trigger language plpgsql as 'begin end';
         create event trigger bad on ddl_command_end execute function public.bad();
         alter extension btree_gist add event trigger bad",
        &["event_trigger_present"],
        By("alter extension btree_gist drop event trigger bad; drop event trigger bad; drop function public.bad()"),
    ),
    // Functions and types that are other than they look.
    Hole(
        Schema,
        "alter function cloister.enter_write(uuid, bigint, text, integer) strict",
        &["drift_function"],
        By("alter function cloister.enter_write(uuid, bigint, text, integer) called on null input"),
    ),
    Hole(
        Single,
        "do $$ begin execute replace(pg_get_functiondef('cloister.enter_read'::regproc), 'DEFAULT 15000', 'DEFAULT 0'); end $$",
        &["drift_function"],
        By(
            "do $$ begin execute replace(pg_get_functiondef('cloister.enter_read'::regproc), 'DEFAULT 0', 'DEFAULT 15000'); end $$",
        ),
    ),
    Hole(
        Single,
        "alter domain note_colour set not null",
        &["drift_object"],
        By("alter domain note_colour drop not null"),
    ),
    Hole(
        Schema,
        "alter domain note_colour drop constraint note_colour_check",
        &["drift_object"],
        By("alter domain note_colour add constraint note_colour_check check (char_length(value) <= 20)"),
    ),
    // Fences that cannot be read hide nothing else.
    Hole(
        Schema,
        "alter table cloister.fence rename epoch to era; create view bad as select * from note",
        &["drift_column", "view_present"],
        By("alter table cloister.fence rename era to epoch; drop view bad"),
    ),
    Hole(
        Single,
        "alter table cloister.fence alter column epoch type integer",
        &["drift_column"],
        By("alter table cloister.fence alter column epoch type bigint"),
    ),
    Hole(
        Shared,
        "alter table cloister.fence alter column state drop not null",
        &["drift_column"],
        By("alter table cloister.fence alter column state set not null"),
    ),
    // As a restore leaves it that was broken off.
    Hole(Control, "alter table placement disable trigger all", &["foreign_key_not_enforced"], AsTold),
    // The server's own catalogs.
    Hole(
        Single,
        "grant execute on function pg_read_binary_file(text) to test_application",
        &["grant_on_catalog"],
        AsTold,
    ),
    Hole(Shared, "grant execute on function pg_ls_dir(text) to public", &["grant_on_catalog"], AsTold),
    Hole(Schema, "grant select on pg_statistic to test_system", &["grant_on_catalog"], AsTold),
    Hole(
        Control,
        "grant select (rolname, rolpassword) on pg_authid to test_application",
        &["grant_on_catalog"],
        AsTold,
    ),
    Hole(Shared, "reset role; grant create on schema pg_catalog to test_application", &["login_creates"], AsTold),
    Hole(
        Shared,
        "create subscription $here connection 'dbname=nowhere' publication bad with (connect = false)",
        &["subscription_present"],
        AsTold,
    ),
    Hole(Single, "$set \"Cloister.tenant_id\" = '00000000-0000-0000-0000-000000000000'", &["setting_of_role"], AsTold),
];
