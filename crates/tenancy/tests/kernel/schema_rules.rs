//! Rules about the tables themselves, and that breaking any of them is noticed.

use cloister_tenancy::Tier;
use cloister_testkit::{TestPlatform, check_schema, schema_faults};

#[tokio::test(flavor = "multi_thread")]
async fn every_table_keeps_the_rules_and_is_the_same_in_every_tier() {
    check_schema(&TestPlatform::start().await).await;
}

/// What is done to the shared tables, how it is taken back, and a word of what must be said about it.
const BREACHES: &[(&str, &str, &str)] = &[
    (
        "create table stray (tenant_id uuid not null, id uuid, primary key (tenant_id, id))",
        "drop table stray",
        "declared by no module",
    ),
    ("create table stray (id uuid primary key)", "drop table stray", "declared by no module"),
    (
        "create table stray (tenant_id uuid not null, id uuid, primary key (id, tenant_id))",
        "drop table stray",
        "primary key does not begin",
    ),
    ("create table stray (tenant_id uuid)", "drop table stray", "not uuid not null"),
    ("create table stray (tenant_id text not null)", "drop table stray", "not uuid not null"),
    ("create unique index bad on note (body)", "drop index bad", "unique index bad"),
    ("create unique index bad on note (body, tenant_id)", "drop index bad", "unique index bad"),
    ("create index bad on note (body)", "drop index bad", "the index bad"),
    (
        "create table stray (id uuid primary key); alter table note add constraint bad foreign key (parent_id) references stray",
        "alter table note drop constraint bad; drop table stray",
        "stray is declared by no module",
    ),
    (
        "create unique index bad on note (id); alter table note add constraint bad_key foreign key (parent_id) references note (id)",
        "alter table note drop constraint bad_key; drop index bad",
        "bad_key does not carry tenant_id",
    ),
    (
        "alter table note add constraint bad foreign key (tenant_id, parent_id) references note (tenant_id, id) on delete set null",
        "alter table note drop constraint bad",
        "bad sets columns",
    ),
    (
        "alter table note add constraint bad foreign key (tenant_id) references cloister.fence",
        "alter table note drop constraint bad",
        "bad leaves the schema",
    ),
    (
        "alter table note disable row level security",
        "alter table note enable row level security",
        "row security is off",
    ),
    ("alter table note force row level security", "alter table note no force row level security", "forced"),
    (
        "create policy more on note to test_application using (true)",
        "drop policy more on note",
        "the policy more should not be there",
    ),
    (
        "alter policy application on note using (true)",
        "alter policy application on note
            using (tenant_id = (select nullif(current_setting('cloister.tenant_id', true), '')::uuid))",
        "the policy application is not there as it should be",
    ),
    (
        "alter policy application on note to public",
        "alter policy application on note to test_application",
        "the policy application is not there as it should be",
    ),
    (
        "alter policy system on note to test_system, test_application",
        "alter policy system on note to test_system",
        "the policy system is not there as it should be",
    ),
    ("grant truncate on note to test_application", "revoke truncate on note from test_application", "may TRUNCATE"),
    ("grant select on note to public", "revoke select on note from public", "everybody may SELECT"),
    (
        "grant create on schema shared to test_application",
        "revoke create on schema shared from test_application",
        "may CREATE",
    ),
    (
        "alter table note owner to test_application",
        "alter table note owner to test_owner; grant select, insert, update, delete on note to test_application",
        "is among its owners",
    ),
    ("create view bad as select * from note", "drop view bad", "a view has no place"),
    (
        "create materialized view bad as select 1 as one",
        "drop materialized view bad",
        "a materialised view has no place",
    ),
    ("alter table note add column number bigserial", "alter table note drop column number", "a sequence has no place"),
    ("create type bad as enum ('a')", "drop type bad", "the type bad"),
    (
        "create function bad() returns bigint language sql security definer as 'select count(*) from shared.note'",
        "drop function bad()",
        "the function bad",
    ),
    (
        "create trigger bad before update on note for each row execute function suppress_redundant_updates_trigger()",
        "drop trigger bad on note",
        "the trigger bad",
    ),
    ("alter table note add column extra text", "alter table note drop column extra", "differ: note.extra"),
    ("alter table note alter body type varchar(1000)", "alter table note alter body type text", "differ: note.body"),
    ("revoke update on note from test_application", "grant update on note to test_application", "differ: note right"),
    ("create index more on note (tenant_id, body)", "drop index more", "differ: note CREATE INDEX more"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_breach_of_a_rule_is_noticed() {
    let platform = TestPlatform::start().await;
    let shared = platform.tenant("anybody", Tier::Shared).await;
    let admin = platform.admin(&shared.placement.as_ref().unwrap().database).await;
    schema_faults(&platform).await;
    // Without rows, no breach is refused for their sake.
    admin.batch_execute("set search_path = shared; delete from note").await.unwrap();
    for (breach, undo, word) in BREACHES {
        admin.batch_execute(breach).await.unwrap_or_else(|error| panic!("{breach}: {error:?}"));
        let faults = schema_faults(&platform).await;
        assert!(faults.iter().any(|fault| fault.contains(word)), "{breach} went unnoticed: {faults:#?}");
        admin.batch_execute(undo).await.unwrap_or_else(|error| panic!("{undo}: {error:?}"));
    }
    check_schema(&platform).await;
}
