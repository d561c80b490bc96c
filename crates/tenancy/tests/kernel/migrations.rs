//! One program follows another: every schema of every tenant is brought up to date, once, and nothing is asked when nothing
//! is to be done.

use std::{
    collections::BTreeSet,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use cloister_tenancy::{Module, Resource, SchemaChange, Table, Tenancy, Tier, sql::Statement};
use cloister_testkit::{TestPlatform, TestSettings, note};
use futures_util::{StreamExt, stream};

use crate::isolation::{count, write_note};

const FIRST: SchemaChange = SchemaChange {
    number: 1,
    name: "leaf",
    tables: "create table leaf (tenant_id uuid not null, id uuid not null, primary key (tenant_id, id))",
    foreign_keys: "",
    made: &[Table::tenant("leaf")],
};
const SECOND: SchemaChange = SchemaChange {
    number: 2,
    name: "colour",
    tables: "alter table leaf add column colour text;
        create table twig (tenant_id uuid not null, id uuid not null, leaf_id uuid, primary key (tenant_id, id))",
    foreign_keys: "alter table twig add foreign key (tenant_id, leaf_id) references leaf (tenant_id, id)",
    made: &[Table::tenant("twig")],
};
const EDITED: SchemaChange = SchemaChange { tables: "create table leaf (tenant_id uuid, id text)", ..FIRST };

/// A module that grows from program to program.
struct Tree(&'static [SchemaChange]);

static OLD: &[SchemaChange] = &[FIRST];
static NEW: &[SchemaChange] = &[FIRST, SECOND];
static WRONG: &[SchemaChange] = &[EDITED];

impl Module for Tree {
    fn name(&self) -> &'static str {
        "tree"
    }

    fn kinds(&self) -> &'static [&'static str] {
        &["school"]
    }

    fn migrations(&self) -> &'static [SchemaChange] {
        self.0
    }

    fn statements(&self) -> &'static [&'static [&'static Statement]] {
        &[]
    }

    fn resources(&self) -> &'static [Resource] {
        &[]
    }
}

fn program(changes: &'static [SchemaChange]) -> TestSettings {
    let modules: Vec<Arc<dyn Module>> = vec![Arc::new(cloister_testkit::Notebook), Arc::new(Tree(changes))];
    TestSettings { modules, budget: 4, follow: false, ..TestSettings::default() }
}

async fn run_program(platform: &TestPlatform, changes: &'static [SchemaChange]) -> Tenancy {
    TestPlatform::attach(&platform.prefix, &program(changes)).await
}

/// What each schema has of the second change, as the administrator sees it: `table` or `column`.
async fn changed(platform: &TestPlatform) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let server = platform.admin("postgres").await;
    let names = "select datname::text from pg_database where datname like $1 and datname !~ '_(control|template_.*)$'";
    for row in server.query(names, &[&format!("{}\\_%", platform.prefix)]).await.unwrap() {
        let client = platform.admin(row.get(0)).await;
        let text = "select table_schema || ' table' from information_schema.tables where table_name = 'twig'
            union all select table_schema || ' column' from information_schema.columns
                where table_name = 'leaf' and column_name = 'colour'
            union all select schema_name || ' ledger' from cloister.schema_migration where module = 'tree' and number = 2";
        let rows = client.query(text, &[]).await.unwrap();
        found.extend(rows.iter().map(|line| format!("{} {}", row.get::<_, &str>(0), line.get::<_, &str>(0))));
    }
    found
}

#[derive(Default)]
struct Counting(AtomicUsize, AtomicUsize);

impl cloister_postgres::Progress for Counting {
    fn advance(&self, done: usize, total: usize) {
        self.0.fetch_max(done, Ordering::SeqCst);
        self.1.fetch_max(total, Ordering::SeqCst);
    }
}

async fn with_schemas(many: usize) -> TestPlatform {
    let platform = TestPlatform::with(program(OLD)).await;
    // The first alone: it makes the database that the others are put into.
    platform.tenant("tree-0", Tier::Schema).await;
    stream::iter(1..many)
        .for_each_concurrent(4, async |number| drop(platform.tenant(&format!("tree-{number}"), Tier::Schema).await))
        .await;
    platform
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_program_brings_every_tier_up_to_date_once() {
    let platform = TestPlatform::with(program(OLD)).await;
    let tenants = platform.tenant_in_each_tier().await;
    let old = &platform.tenancy;
    assert!(old.fleet_is_current().await.unwrap());
    assert_eq!(old.migrate_fleet(2, false, &()).await.unwrap(), cloister_tenancy::FleetReport::default());
    for tenant in &tenants {
        write_note(old, &platform.cx(tenant), "before").await;
    }
    let new = run_program(&platform, NEW).await;
    assert!(!new.fleet_is_current().await.unwrap());
    // A dry run says what would be done, and does nothing.
    let dry = new.migrate_fleet(2, true, &()).await.unwrap();
    assert_eq!((dry.behind, dry.migrated, dry.failed.len()), (3, 0, 0));
    assert_eq!(changed(&platform).await, BTreeSet::new());
    assert_eq!(new.migrate_fleet(2, true, &()).await.unwrap(), dry);

    let progress = Counting::default();
    let done = new.migrate_fleet(2, false, &progress).await.unwrap();
    assert_eq!((done.behind, done.migrated, done.failed.len()), (3, 3, 0), "{done:?}");
    assert!(progress.0.load(Ordering::SeqCst) > 0);
    assert_eq!(changed(&platform).await.len(), 3 * 3);
    assert!(new.fleet_is_current().await.unwrap());
    assert_eq!(new.migrate_fleet(2, false, &()).await.unwrap(), cloister_tenancy::FleetReport::default());
    // Rows are where they were, for the new program and for the old one, which is still running.
    for tenant in &tenants {
        assert_eq!(count(&new, &platform.cx(tenant)).await, 2);
        assert_eq!(count(old, &platform.cx(tenant)).await, 2);
    }
    // What comes into being now is as new as the rest, in every tier.
    for tier in Tier::ALL {
        let by = cloister_testkit::operator::operator();
        let asked = new.create_tenant(&crate::lifecycle::new_tenant(&format!("late-{tier}"), *tier), &by).await;
        cloister_testkit::operator::carry_out(&new, asked.map(|(_, workflow)| workflow)).await;
    }
    assert!(new.fleet_is_current().await.unwrap());
    assert_eq!(changed(&platform).await.len(), 5 * 3, "the shared tables, two schemas and two databases");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_or_an_edited_program_touches_nothing_and_says_why() {
    let platform = TestPlatform::with(program(OLD)).await;
    platform.tenant_in_each_tier().await;
    let new = run_program(&platform, NEW).await;
    new.migrate_fleet(2, false, &()).await.unwrap();
    let before = changed(&platform).await;
    let refused = platform.tenancy.migrate_fleet(2, false, &()).await.unwrap();
    assert_eq!((refused.migrated, refused.failed.len()), (0, 3), "{refused:?}");
    assert!(refused.failed.iter().all(|why| why.contains("run the newer program")), "{refused:?}");
    let wrong = run_program(&platform, WRONG).await;
    let refused = wrong.migrate_fleet(2, false, &()).await.unwrap();
    assert_eq!((refused.migrated, refused.failed.len()), (0, 3), "{refused:?}");
    assert_eq!(changed(&platform).await, before);
    assert!(new.fleet_is_current().await.unwrap(), "a refused program left its mark");
}

/// With a table of one tenant in use, the others are not kept waiting, and that one is done when it can be.
#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_whose_table_is_in_use_keeps_only_itself_waiting() {
    let platform = with_schemas(6).await;
    let busy = platform.tenancy.registry().by_slug("tree-3").unwrap();
    let place = busy.placement.as_ref().unwrap();
    let user = platform.admin(&place.database).await;
    user.batch_execute(&format!("begin; select * from \"{}\".leaf", place.schema)).await.unwrap();
    let new = run_program(&platform, NEW).await;
    let running = tokio::spawn(async move { new.migrate_fleet(2, false, &()).await });
    let began = Instant::now();
    // The shared tables and five schemas, three lines each.
    while changed(&platform).await.len() < 6 * 3 {
        assert!(began.elapsed() < Duration::from_secs(15), "the others wait as well");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!running.is_finished());
    user.batch_execute("commit").await.unwrap();
    let done = running.await.unwrap().unwrap();
    assert_eq!((done.behind, done.migrated, done.failed.len()), (7, 7, 0), "{done:?}");
}

const PREFIX: &str = "CLOISTER_TEST_MIGRATE";

/// Not a test of its own: the process that is killed.
#[tokio::test]
async fn a_program_to_be_killed_while_it_migrates() {
    let Ok(prefix) = std::env::var(PREFIX) else { return };
    let node = TestPlatform::attach(&prefix, &program(NEW)).await;
    node.migrate_fleet(1, false, &()).await.unwrap();
}

async fn killed_and_continued(many: usize) {
    let platform = with_schemas(many).await;
    let mut kills = 0;
    for until in [many / 5, many / 2] {
        let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["migrations::a_program_to_be_killed_while_it_migrates", "--exact"])
            .env(PREFIX, &platform.prefix)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let place = platform.tenancy.registry().by_slug("tree-0").unwrap().placement.clone().unwrap();
        let client = platform.admin(&place.database).await;
        let count = "select count(*) from cloister.schema_migration where module = 'tree' and number = 2";
        while client.query_one(count, &[]).await.unwrap().get::<_, i64>(0) < i64::try_from(until).unwrap() {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        child.start_kill().unwrap();
        kills += usize::from(!child.wait().await.unwrap().success());
        for group in changed(&platform).await.iter().collect::<Vec<_>>().chunks(3) {
            let place = group[0].rsplit_once(' ').unwrap().0;
            assert!(group.len() == 3 && group.iter().all(|line| line.starts_with(place)), "half done: {group:?}");
        }
    }
    assert_eq!(kills, 2, "it was faster than its killer");
    let new = run_program(&platform, NEW).await;
    let began = Instant::now();
    let done = new.migrate_fleet(4, false, &()).await.unwrap();
    assert!(done.failed.is_empty() && done.migrated < many, "it began from the beginning: {done:?}");
    assert!(new.fleet_is_current().await.unwrap());
    // Each schema and the shared tables.
    assert_eq!(changed(&platform).await.len(), (many + 1) * 3);
    let tenant = platform.tenancy.registry().by_slug("tree-1").unwrap();
    assert_eq!(count(&new, &platform.cx(&tenant)).await, 1);
    assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
}

async fn nothing_to_do_is_one_query(many: usize) {
    let platform = with_schemas(many).await;
    let proxy = platform.proxy(Duration::from_millis(10)).await;
    let node = platform.node_on(&platform.through(&proxy)).await;
    node.migrate_fleet(4, false, &()).await.unwrap();
    proxy.take_bursts();
    let began = Instant::now();
    assert_eq!(node.migrate_fleet(4, false, &()).await.unwrap(), cloister_tenancy::FleetReport::default());
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    assert_eq!(proxy.take_bursts(), 1);
    let tenant = platform.tenancy.registry().by_slug("tree-0").unwrap();
    assert_eq!(node.fetch(&platform.cx(&tenant), &note::LIST, &[]).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_half_way_it_is_continued() {
    killed_and_continued(30).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_to_do_over_many_schemas_is_one_query() {
    nothing_to_do_is_one_query(30).await;
}

/// The same with as many schemas as a database holds. Takes minutes: part of `make test-all`.
#[tokio::test(flavor = "multi_thread")]
async fn large_killed_half_way_it_is_continued() {
    if std::env::var_os("CLOISTER_TEST_LARGE").is_some() {
        killed_and_continued(1000).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_nothing_to_do_over_a_thousand_schemas_is_one_query() {
    if std::env::var_os("CLOISTER_TEST_LARGE").is_some() {
        nothing_to_do_is_one_query(1000).await;
    }
}
