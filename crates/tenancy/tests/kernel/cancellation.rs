//! A caller may go away at any await. What it leaves behind is neither an open transaction nor its identity nor a missing
//! connection.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use cloister_ids::Uuid;
use cloister_tenancy::{Action, OpContext, Tenancy, TenantEntry, Tier};
use cloister_testkit::{NOTE, TestPlatform, TestSettings, note};
use futures_util::future::join_all;
use serde_json::json;

use crate::isolation::fresh;

const BUDGET: usize = 3;
/// No act awaits more often than this.
const MANY: usize = 200;
const ROUNDS: usize = 20;

/// Polls `future` `times` times and then drops it, as a client that hangs up would; none when that was too early.
pub(crate) async fn polled<T>(times: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = times;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Read,
    ReadAll,
    Write,
    WriteOnce,
    Stage,
    ReturnEarly,
}

const ACTS: [Act; 6] = [Act::Read, Act::ReadAll, Act::Write, Act::WriteOnce, Act::Stage, Act::ReturnEarly];

async fn act(node: &Tenancy, cx: &OpContext, act: Act) {
    let none = None::<String>;
    match act {
        Act::Read => drop(node.fetch(cx, &note::LIST, &[]).await.unwrap()),
        Act::ReadAll => drop(node.fetch_all(cx, &[(&note::LIST, &[]), (&note::COUNT, &[])]).await.unwrap()),
        Act::Write => {
            let id = fresh();
            let mut tx = node.write(cx).await.unwrap();
            tx.query(&note::INSERT, &[&id, &"body", &none]).await.unwrap();
            tx.query(&note::COUNT, &[]).await.unwrap();
            tx.audit(Action::Create, &NOTE, Some(id), None);
            tx.enqueue("test.job", json!({ "note": id }), None, None).unwrap();
            tx.commit().await.unwrap();
        }
        Act::WriteOnce => {
            let id = fresh();
            let mut tx = node.write(cx).await.unwrap();
            let key = id.to_string();
            tx.query_once(&key, "print", &note::INSERT, &[&id, &"once", &none]).await.unwrap();
            tx.audit(Action::Create, &NOTE, Some(id), None);
            tx.enqueue("test.job", json!({ "note": id }), None, None).unwrap();
            tx.remember(&key, 201, json!({ "id": id }));
            tx.commit().await.unwrap();
        }
        Act::Stage => {
            let id = fresh();
            let mut tx = node.write(cx).await.unwrap();
            tx.stage(&note::STAGE).await.unwrap();
            let mut sink = tx.copy_in(&note::STAGE_COPY).await.unwrap();
            sink.send(Bytes::from(format!("{id}\tstaged\n"))).await.unwrap();
            sink.finish().await.unwrap();
            tx.audit(Action::Import, &NOTE, Some(id), None);
            tx.enqueue("test.job", json!({ "note": id }), None, None).unwrap();
            tx.commit_with(&[(&note::STAGE_MERGE, &[])]).await.unwrap();
        }
        Act::ReturnEarly => {
            let mut tx = node.write(cx).await.unwrap();
            tx.query(&note::INSERT, &[&fresh(), &"never", &none]).await.unwrap();
        }
    }
}

/// Whoever borrows next, of whichever tenant, is inside its own tenant and sees only that one's rows, even by a statement
/// that asks for all.
async fn assert_only_mine(node: &Tenancy, cx: &OpContext) {
    let rows = node.fetch(cx, &note::CARELESS, &[]).await.unwrap();
    assert!(rows.iter().all(|row| row.get::<_, Uuid>(0) == cx.tenant_id().uuid()), "rows of another tenant");
    let rows = node.fetch(cx, &note::WHO, &[]).await.unwrap();
    assert_eq!(rows[0].get::<_, &str>(0), cx.tenant_id().uuid().to_string(), "the identity of another tenant");
}

/// Rows, audit and jobs came together or not at all, for every tenant.
async fn assert_whole(platform: &TestPlatform, tenant: &TenantEntry) {
    let place = tenant.placement.as_ref().unwrap();
    let client = platform.admin(&place.database).await;
    let row = client
        .query_one(
            &format!(
                "select (select count(*) from \"{0}\".note n where n.tenant_id = $1 and n.id <> $1),
                    (select count(*) from \"{0}\".note n join cloister.audit a on a.resource_id = n.id::text
                        and a.tenant_id = n.tenant_id where n.tenant_id = $1),
                    (select count(*) from cloister.audit where tenant_id = $1),
                    (select count(*) from cloister.outbox where tenant_id = $1 and kind = 'test.job'),
                    (select count(*) from \"{0}\".note where body = 'never'),
                    (select count(*) from \"{0}\".note n where n.tenant_id = $1 and n.body = 'once'),
                    (select count(*) from cloister.idempotency_key k where k.tenant_id = $1 and k.status = 201)",
                place.schema
            ),
            &[&tenant.id.uuid()],
        )
        .await
        .unwrap();
    let counts: Vec<i64> = (0..7).map(|at| row.get(at)).collect();
    assert!(counts[..4].iter().all(|n| *n == counts[0]), "{}: half a unit of work: {counts:?}", tenant.slug);
    assert_eq!(counts[4], 0, "{}: a unit of work that was not committed", tenant.slug);
    assert_eq!(counts[5], counts[6], "{}: half a unit of work with a key", tenant.slug);
}

const SESSIONS: &str = "select count(*) filter (where state like 'idle in transaction%'),
        (select count(*) from pg_locks l join pg_database d on d.oid = l.database
            where l.locktype = 'advisory' and d.datname like $1)
    from pg_stat_activity where datname like $1 and usename = 'test_application'";

/// Within a second of the last act nobody is inside a transaction, no fence is held and every connection is back.
async fn assert_settles(platform: &TestPlatform) {
    let client = platform.admin("postgres").await;
    let mut seen = (0i64, 0i64);
    let mut status = Vec::new();
    for _ in 0..100 {
        let row = client.query_one(SESSIONS, &[&format!("{}\\_%", platform.prefix)]).await.unwrap();
        seen = (row.get(0), row.get(1));
        status = platform.tenancy.connections();
        if seen == (0, 0) && status.iter().all(|(_, _, pool)| pool.open == pool.idle && pool.open <= pool.budget) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("open transactions and advisory locks: {seen:?}, pools: {status:?}");
}

/// As many callers as there are connections work at once, so every permit came back.
async fn assert_all_permits(platform: &TestPlatform, tenant: &Arc<TenantEntry>) {
    let cx = platform.cx(tenant);
    let began = std::time::Instant::now();
    let all = (0..BUDGET).map(|_| platform.tenancy.fetch(&cx, &note::LINGER, &[&0.4f64]));
    for result in join_all(all).await {
        result.unwrap();
    }
    assert!(began.elapsed() < Duration::from_millis(750), "they waited for each other: {:?}", began.elapsed());
}

async fn platform() -> TestPlatform {
    TestPlatform::with(TestSettings { budget: BUDGET, follow: false, ..TestSettings::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn going_away_at_any_await_leaves_nothing_behind_in_every_tier() {
    let platform = platform().await;
    let tenants = platform.tenant_in_each_tier().await;
    for (at, tenant) in tenants.iter().enumerate() {
        let (cx, next) = (platform.cx(tenant), platform.cx(&tenants[(at + 1) % tenants.len()]));
        for kind in ACTS {
            // A read waits once, for its answer: it was given up before it was sent and after. Where the answer was there before
            // this thread looked for it, it never waited, and is tried again.
            let mut waited = false;
            for _ in 0..ROUNDS {
                let mut needed = None;
                for times in 0..MANY {
                    let done = polled(times, act(&platform.tenancy, &cx, kind)).await;
                    assert_only_mine(&platform.tenancy, &next).await;
                    if done.is_some() {
                        needed = Some(times);
                        break;
                    }
                }
                waited = needed.expect("awaits more often than anything should") >= 2;
                if waited {
                    break;
                }
            }
            assert!(waited, "{kind:?} never waited: nothing was tried");
            assert_settles(&platform).await;
            assert_whole(&platform, tenant).await;
        }
        assert_all_permits(&platform, tenant).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn going_away_under_load_never_shows_one_tenant_to_another() {
    let platform = Arc::new(platform().await);
    let mut tenants = platform.tenant_in_each_tier().await;
    for number in 0..3 {
        tenants.push(platform.tenant(&format!("shared-{number}"), Tier::Shared).await);
        tenants.push(platform.tenant(&format!("schema-{number}"), Tier::Schema).await);
    }
    let over = Arc::new(AtomicBool::new(false));
    let watch = tokio::spawn(watch_budget(platform.clone(), over.clone()));
    let mut callers = Vec::new();
    for (at, tenant) in tenants.iter().enumerate() {
        let (platform, cx) = (platform.clone(), platform.cx(tenant));
        callers.push(tokio::spawn(async move {
            for round in 0..60 {
                // Every caller leaves at another await each time, so that the steps of many meet in every order.
                let times = (round * 7 + at * 5) % 30;
                let _ = polled(times, act(&platform.tenancy, &cx, ACTS[(round + at) % ACTS.len()])).await;
                assert_only_mine(&platform.tenancy, &cx).await;
            }
        }));
    }
    for caller in join_all(callers).await {
        caller.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    watch.await.unwrap();
    assert_settles(&platform).await;
    for tenant in &tenants {
        assert_whole(&platform, tenant).await;
    }
    assert_all_permits(&platform, &tenants[0]).await;
}

/// A caller that leaves while its statement runs for long must not hand its place to another while the server still works
/// for it, nor keep the server working.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_nobody_waits_for_is_stopped_before_its_connection_is_replaced() {
    let platform = Arc::new(platform().await);
    let tenant = platform.tenant("patient", Tier::Shared).await;
    let cx = platform.cx(&tenant);
    let over = Arc::new(AtomicBool::new(false));
    let watch = tokio::spawn(watch_budget(platform.clone(), over.clone()));
    for _ in 0..3 {
        let all = (0..BUDGET).map(|_| platform.tenancy.fetch(&cx, &note::LINGER, &[&20f64]));
        assert!(tokio::time::timeout(Duration::from_millis(100), join_all(all)).await.is_err());
        // Those who come next get connections as soon as the server has let go of the others.
        let began = std::time::Instant::now();
        assert_only_mine(&platform.tenancy, &cx).await;
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }
    over.store(true, Ordering::Relaxed);
    watch.await.unwrap();
    let client = platform.admin("postgres").await;
    let working = "select count(*) from pg_stat_activity where datname like $1 and query like '%pg_sleep%'
        and state = 'active' and usename = 'test_application'";
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let row = client.query_one(working, &[&format!("{}\\_%", platform.prefix)]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 0, "the server still works for callers that left");
}

/// Looks again and again at how many sessions the server has for the application. One that was told to end is listed for a
/// moment longer, so only an excess that lasts counts.
async fn watch_budget(platform: Arc<TestPlatform>, over: Arc<AtomicBool>) {
    let client = platform.admin("postgres").await;
    let count = "select count(*) from pg_stat_activity where datname like $1 and usename = 'test_application'";
    let like = format!("{}\\_%", platform.prefix);
    let (mut most, mut lasting) = (0i64, 0);
    while !over.load(Ordering::Relaxed) {
        let now: i64 = client.query_one(count, &[&like]).await.unwrap().get(0);
        most = most.max(now);
        lasting = if now > i64::try_from(BUDGET).unwrap() { lasting + 1 } else { 0 };
        assert!(lasting < 10, "{now} sessions for a budget of {BUDGET}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(most > 1, "nothing was seen");
}
