//! The write fence: whoever believes something else about a placement than its database is refused before a row is touched.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use cloister_ids::Uuid;
use cloister_tenancy::{OpContext, Result, Tenancy, TenantEntry, Tier};
use cloister_testkit::{TestPlatform, TestSettings, note, operator};

use crate::isolation::{count, fresh, write_note};

/// A context that believes what `entry` says, whatever the registry has learnt since.
fn believing(node: &Tenancy, entry: &Arc<TenantEntry>) -> OpContext {
    node.background(entry.clone(), cloister_tenancy::Actor::Account("tester".into()))
}

async fn try_write(node: &Tenancy, cx: &OpContext) -> Result<Uuid> {
    let id = fresh();
    let mut tx = node.write(cx).await?;
    tx.query(&note::INSERT, &[&id, &"body", &None::<String>]).await?;
    tx.commit().await?;
    Ok(id)
}

async fn refused_write(node: &Tenancy, cx: &OpContext) -> &'static str {
    try_write(node, cx).await.expect_err("the write was let in").code()
}

async fn refused_read(node: &Tenancy, cx: &OpContext) -> &'static str {
    node.fetch(cx, &note::LIST, &[]).await.expect_err("the read was let in").code()
}

/// Every note there is in the tenant's place, whoever's, as the administrator sees it.
async fn notes_in_place(platform: &TestPlatform, tenant: &TenantEntry) -> HashSet<Uuid> {
    let place = tenant.placement.as_ref().unwrap();
    let client = platform.admin(&place.database).await;
    let rows = client.query(&format!("select id from \"{}\".note", place.schema), &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn set_fence(platform: &TestPlatform, tenant: &TenantEntry, state: &str) {
    let client = platform.admin(&tenant.placement.as_ref().unwrap().database).await;
    let set = "update cloister.fence set state = $2 where tenant_id = $1";
    assert_eq!(client.execute(set, &[&tenant.id.uuid(), &state]).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_node_is_refused_after_a_suspension_and_catches_up_after_a_resumption() {
    let platform = TestPlatform::start().await;
    for tenant in platform.tenant_in_each_tier().await {
        // It never listens, so it knows of nothing that happens from here on.
        let stale = platform.second_node().await;
        let before = stale.registry().by_id(tenant.id).unwrap();
        operator::suspend(&platform.tenancy, tenant.id).await;
        assert!(stale.registry().by_id(tenant.id).unwrap().admit().is_ok(), "the node is not stale");
        let there = notes_in_place(&platform, &tenant).await;
        assert_eq!(refused_write(&stale, &believing(&stale, &before)).await, "tenant_suspended", "{}", tenant.slug);
        assert_eq!(refused_read(&stale, &believing(&stale, &before)).await, "tenant_suspended", "{}", tenant.slug);
        assert!(stale.registry().by_id(tenant.id).unwrap().admit().is_err(), "being refused taught the node nothing");
        assert_eq!(notes_in_place(&platform, &tenant).await, there, "{}", tenant.slug);

        operator::resume(&platform.tenancy, tenant.id).await;
        // Still what it believed two epochs ago: it must find out and go on, whichever way it comes.
        assert_eq!(count(&stale, &believing(&stale, &before)).await, 1, "{}", tenant.slug);
        let both = stale.fetch_all(&believing(&stale, &before), &[(&note::COUNT, &[])]).await.unwrap();
        assert_eq!(both[0][0].get::<_, i64>(0), 1);
        let id = try_write(&stale, &believing(&stale, &before)).await.unwrap();
        let at_commit = fresh();
        let tx = stale.write(&believing(&stale, &before)).await.unwrap();
        tx.commit_with(&[(&note::INSERT, &[&at_commit, &"body", &None::<String>])]).await.unwrap();
        let now = notes_in_place(&platform, &tenant).await;
        assert!(now.contains(&id) && now.contains(&at_commit) && now.len() == 3, "{}: {now:?}", tenant.slug);
    }
}

/// The refused unit of work holds a connection, and finding out what is true takes one.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_writer_gives_its_connection_back_before_it_asks() {
    let platform = TestPlatform::with(TestSettings { budget: 1, ..TestSettings::default() }).await;
    let tenant = platform.tenant("narrow", Tier::Shared).await;
    let stale = platform.second_node().await;
    operator::suspend(&platform.tenancy, tenant.id).await;
    operator::resume(&platform.tenancy, tenant.id).await;
    let began = Instant::now();
    try_write(&stale, &believing(&stale, &tenant)).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "it waited for itself: {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_stands_elsewhere_writes_nothing_and_is_not_lent_again() {
    let platform = TestPlatform::with(TestSettings { budget: 1, ..TestSettings::default() }).await;
    let mine = platform.tenant("mine", Tier::Schema).await;
    let other = platform.tenant("other", Tier::Schema).await;
    let (cx, place) = (platform.cx(&mine), other.placement.as_ref().unwrap());
    assert_eq!(place.database, mine.placement.as_ref().unwrap().database);
    let mut tx = platform.tenancy.write(&cx).await.unwrap();
    tx.query(&note::WANDER, &[&&*place.schema]).await.unwrap();
    tx.commit().await.unwrap();
    // Row security would accept this row in the other's table: it carries the right tenant.
    let theirs = notes_in_place(&platform, &other).await;
    let id = write_note(&platform.tenancy, &cx, "mine").await;
    assert_eq!(notes_in_place(&platform, &other).await, theirs, "a row landed in another schema");
    assert!(notes_in_place(&platform, &mine).await.contains(&id));

    let mut tx = platform.tenancy.write(&cx).await.unwrap();
    tx.query(&note::WANDER, &[&&*place.schema]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count(&platform.tenancy, &cx).await, 2, "a read saw another schema");
}

/// The same below the kernel: what the database itself says to a session in the wrong schema.
#[tokio::test(flavor = "multi_thread")]
async fn the_database_refuses_a_session_that_stands_elsewhere() {
    let platform = TestPlatform::start().await;
    let tenant = platform.tenant("mine", Tier::Shared).await;
    let place = tenant.placement.as_ref().unwrap();
    let client = platform.cluster.application.connect(&place.database).await.unwrap();
    for (path, schema, epoch, expected) in [
        ("pg_catalog", "shared", 1, Some("CLF03")),
        ("cloister", "shared", 1, Some("CLF03")),
        ("shared", "cloister", 1, Some("CLF03")),
        ("cloister", "cloister", 1, Some("CLF01")),
        ("shared", "shared", 2, Some("CLF01")),
        ("shared", "shared", 0, Some("CLF01")),
        ("shared", "shared", 1, None),
    ] {
        for entrance in ["enter_read", "enter_write"] {
            let text = format!(
                "set search_path = {path}; begin; select cloister.{entrance}('{}', {epoch}, '{schema}')",
                tenant.id.uuid()
            );
            let said = client.batch_execute(&text).await.err().and_then(|error| error.code().cloned());
            client.batch_execute("rollback").await.unwrap();
            assert_eq!(
                said.as_ref().map(cloister_postgres::SqlState::code),
                expected,
                "{entrance} {path} {schema} {epoch}"
            );
        }
    }
    let nobody = format!("set search_path = shared; begin; select cloister.enter_read('{}', 1, 'shared')", fresh());
    let said = client.batch_execute(&nobody).await.unwrap_err();
    assert_eq!(said.code().unwrap().code(), "CLF01", "a tenant without a fence");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_placement_admits_nobody_and_a_read_only_one_readers() {
    let platform = TestPlatform::start().await;
    for tenant in platform.tenant_in_each_tier().await {
        let cx = platform.cx(&tenant);
        let there = notes_in_place(&platform, &tenant).await;
        set_fence(&platform, &tenant, "closed").await;
        assert_eq!(refused_write(&platform.tenancy, &cx).await, "tenant_changing", "{}", tenant.slug);
        assert_eq!(refused_read(&platform.tenancy, &cx).await, "tenant_changing", "{}", tenant.slug);
        set_fence(&platform, &tenant, "read_only").await;
        assert_eq!(refused_write(&platform.tenancy, &cx).await, "tenant_changing", "{}", tenant.slug);
        assert_eq!(count(&platform.tenancy, &cx).await, 1, "{}", tenant.slug);
        assert_eq!(notes_in_place(&platform, &tenant).await, there, "{}", tenant.slug);
        set_fence(&platform, &tenant, "open").await;
        try_write(&platform.tenancy, &cx).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_waits_on_a_lock_in_a_request() {
    let platform = TestPlatform::start().await;
    for tenant in platform.tenant_in_each_tier().await {
        let other = platform.tenant(&format!("beside-{}", tenant.slug), tenant.tier).await;
        let cx = platform.cx(&tenant);
        write_note(&platform.tenancy, &cx, "so that everything is warm").await;
        let holder = platform.admin(&tenant.placement.as_ref().unwrap().database).await;
        let lock = "select pg_advisory_lock(cloister.fence_key($1))";
        holder.query_one(lock, &[&tenant.id.uuid()]).await.unwrap();
        let began = Instant::now();
        let refused = tokio::time::timeout(Duration::from_secs(2), refused_write(&platform.tenancy, &cx)).await;
        assert_eq!(refused.expect("it waits for the lock"), "tenant_changing", "{}", tenant.slug);
        let took = began.elapsed();
        assert!(took < Duration::from_millis(200), "{}: it waited {took:?}", tenant.slug);
        assert_eq!(count(&platform.tenancy, &cx).await, 2, "readers go on, {}", tenant.slug);
        try_write(&platform.tenancy, &platform.cx(&other)).await.expect("the lock is one tenant's alone");
        drop(holder);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_already_inside_is_waited_for_and_lands() {
    let platform = TestPlatform::start().await;
    // The second outstays the two seconds that a close waits at a time.
    for (slug, stay) in [("short", Duration::from_millis(400)), ("long", Duration::from_millis(2600))] {
        let tenant = platform.tenant(slug, Tier::Shared).await;
        let cx = platform.cx(&tenant);
        let id = fresh();
        let mut tx = platform.tenancy.write(&cx).await.unwrap();
        tx.query(&note::INSERT, &[&id, &"body", &None::<String>]).await.unwrap();
        let (node, of) = (platform.tenancy.clone(), tenant.id);
        let suspension = tokio::spawn(async move { operator::suspend(&node, of).await });
        tokio::time::sleep(stay / 2).await;
        let began = Instant::now();
        let late = refused_write(&platform.tenancy, &cx).await;
        assert!(["tenant_suspended", "tenant_changing"].contains(&late), "{late}");
        assert!(
            began.elapsed() < Duration::from_millis(200),
            "a writer queued behind the close: {:?}",
            began.elapsed()
        );
        tokio::time::sleep(stay / 2).await;
        assert!(!suspension.is_finished(), "it closed over a writer's head");
        tx.commit().await.expect("it was let in before the close");
        suspension.await.unwrap();
        assert!(notes_in_place(&platform, &tenant).await.contains(&id), "an acknowledged write is lost");
        assert_eq!(refused_write(&platform.tenancy, &cx).await, "tenant_suspended");
    }
}

/// Writers on a node that follows and on one that does not, while the tenant is shut and opened again and again.
#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_write_is_there_and_none_is_made_while_closed() {
    let platform = Arc::new(TestPlatform::start().await);
    let stale = platform.second_node().await;
    for tier in Tier::ALL {
        let tenant = platform.tenant(&format!("raced-{tier}"), *tier).await;
        let over = Arc::new(AtomicBool::new(false));
        let mut writers = Vec::new();
        for number in 0..6 {
            let node = if number % 2 == 0 { platform.tenancy.clone() } else { stale.clone() };
            let (over, first) = (over.clone(), tenant.clone());
            writers.push(tokio::spawn(async move {
                let (mut written, mut refusals) = (Vec::new(), HashSet::new());
                while !over.load(Ordering::Relaxed) {
                    let entry = node.registry().by_id(first.id).unwrap_or_else(|| first.clone());
                    match try_write(&node, &believing(&node, &entry)).await {
                        Ok(id) => written.push(id),
                        Err(error) => {
                            refusals.insert(error.code());
                            tokio::time::sleep(Duration::from_millis(2)).await;
                        }
                    }
                }
                (written, refusals)
            }));
        }
        for _ in 0..8 {
            tokio::time::sleep(Duration::from_millis(30)).await;
            operator::suspend(&platform.tenancy, tenant.id).await;
            let closed = notes_in_place(&platform, &tenant).await;
            tokio::time::sleep(Duration::from_millis(40)).await;
            assert_eq!(notes_in_place(&platform, &tenant).await, closed, "{tier}: a write landed after the close");
            operator::resume(&platform.tenancy, tenant.id).await;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
        over.store(true, Ordering::Relaxed);
        // What provisioning wrote carries the tenant's own id.
        let (mut acknowledged, mut refusals) = (HashSet::from([tenant.id.uuid()]), HashSet::new());
        for writer in writers {
            let (written, why) = writer.await.unwrap();
            acknowledged.extend(written);
            refusals.extend(why);
        }
        assert!(acknowledged.len() > 20, "{tier}: only {} writes were acknowledged", acknowledged.len());
        assert!(!refusals.is_empty(), "{tier}: no writer ever met the fence");
        assert!(refusals.is_subset(&HashSet::from(["tenant_suspended", "tenant_changing"])), "{tier}: {refusals:?}");
        assert_eq!(notes_in_place(&platform, &tenant).await, acknowledged, "{tier}: lost, or written though refused");
    }
}
