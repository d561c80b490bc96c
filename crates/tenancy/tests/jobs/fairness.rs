//! Nobody's backlog delays anybody else, and finding the next jobs is cheap however many wait.

use std::time::{Duration, Instant};

use cloister_ids::{SystemClock, TenantId, Uuid};
use cloister_tenancy::{
    Tier,
    jobs::{JobState, WorkSettings},
};
use serde_json::json;

use crate::workshop::{Shop, Working, flood, named, quick, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_waiting_jobs_of_one_tenant_do_not_delay_another() {
    let shop = Shop::open().await;
    let flooding = shop.platform.tenant("flooding", Tier::Shared).await;
    let modest = shop.platform.tenant("modest", Tier::Shared).await;
    let client = shop.control().await;
    flood(&client, &[flooding.id.uuid()], 100_000, "workshop.sleep", &json!({ "ms": 20 })).await;
    let working = shop.worker();
    until("the flood is being worked off", async || shop.diary.count() > 20).await;

    for round in 0..3 {
        let left = Instant::now();
        shop.leave(&modest, "workshop.pass", named(&format!("round {round}"))).await;
        until("the modest tenant's job starts", async || {
            shop.diary.starts().iter().any(|start| start.name == format!("round {round}"))
        })
        .await;
        let start = shop.diary.starts().into_iter().find(|start| start.name == format!("round {round}")).unwrap();
        let waited = start.at.duration_since(left);
        println!("round {round}: started after {waited:?}");
        assert!(waited < Duration::from_secs(1), "{waited:?}");
    }
    // However many wait, no more than its share runs.
    assert!(shop.diary.most_at_once("workshop.sleep") <= usize::from(WorkSettings::default().lane_cap));
    working.crash().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_jobs_are_found_quickly_among_two_hundred_thousand_of_a_thousand_tenants() {
    let shop = Shop::open().await;
    let client = shop.control().await;
    let tenants: Vec<Uuid> = (0..1000).map(|_| TenantId::generate(&SystemClock).uuid()).collect();
    flood(&client, &tenants, 200, "workshop.pass", &json!({})).await;
    // Planned generally, as prepared statements come to be.
    for text in ["vacuum job", "vacuum job_lane", "set plan_cache_mode = force_generic_plan"] {
        client.batch_execute(text).await.unwrap();
    }
    client
        .batch_execute(&format!("prepare lock_lanes as {}; prepare take as {}", store("LOCK_LANES"), store("TAKE")))
        .await
        .unwrap();
    let mut spent = Vec::new();
    let mut shown: Vec<String> = Vec::new();
    for _ in 0..30 {
        client.batch_execute("begin").await.unwrap();
        let lock = "explain (analyze, format json) execute lock_lanes (now(), 4, 20, 4)";
        let found = client.query_one(lock, &[]).await.unwrap().get::<_, serde_json::Value>(0);
        let lanes: Vec<String> = client
            .query(
                "select lane::text from job_lane where turn_at <= now() and running < 4 order by turn_at limit 20",
                &[],
            )
            .await
            .unwrap()
            .iter()
            .map(|row| row.get(0))
            .collect();
        let take = format!(
            "explain (analyze, format json) execute take ('{{{}}}', 4, 1, now(), gen_random_uuid(), 30000)",
            lanes.join(",")
        );
        let taken = client.query_one(&take, &[]).await.unwrap().get::<_, serde_json::Value>(0);
        client.batch_execute("commit").await.unwrap();
        assert_eq!(taken[0]["Plan"]["Actual Rows"].as_f64(), Some(20.0));
        shown = [&found, &taken].map(|plan| serde_json::to_string_pretty(plan).unwrap()).to_vec();
        let time = |plan: &serde_json::Value| plan[0]["Execution Time"].as_f64().unwrap();
        spent.push(time(&found) + time(&taken));
    }
    spent.sort_by(f64::total_cmp);
    let median = spent[spent.len() / 2];
    println!("fair fetch of 20 among 200,000: median {median:.2} ms, worst {:.2} ms", spent[spent.len() - 1]);
    if std::env::var_os("CLOISTER_TEST_SHOW_PLANS").is_some() {
        println!("{}", shown.join("\n"));
    }
    assert!(median < 5.0, "{median} ms");
}

/// The text of a statement, as the queue's store has it.
fn store(name: &str) -> &'static str {
    let [control, _] = cloister_tenancy::jobs::statements();
    control.iter().find(|s| s.name().ends_with(&format!("::{name}"))).expect("a statement of this name").sql()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_can_be_prepared() {
    let shop = Shop::open().await;
    let [control, outbox] = cloister_tenancy::jobs::statements();
    let client = shop.control().await;
    for statement in control {
        client.prepare(statement.sql()).await.unwrap_or_else(|error| panic!("{}: {error:?}", statement.name()));
    }
    let shared = format!("{}_shared", shop.platform.prefix);
    let client = shop.platform.cluster.system.connect(&shared).await.unwrap();
    client.batch_execute("set search_path = cloister").await.unwrap();
    for statement in outbox {
        client.prepare(statement.sql()).await.unwrap_or_else(|error| panic!("{}: {error:?}", statement.name()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_take_turns() {
    let shop = Shop::open().await;
    let client = shop.control().await;
    let mut tenants = Vec::new();
    for slug in ["a", "b", "c"] {
        tenants.push(shop.platform.tenant(slug, Tier::Shared).await.id);
    }
    let lanes: Vec<Uuid> = tenants.iter().map(|id| id.uuid()).collect();
    flood(&client, &lanes[..1], 60, "workshop.pass", &json!({})).await;
    flood(&client, &lanes[1..], 10, "workshop.pass", &json!({})).await;
    let one_at_a_time = WorkSettings { concurrency: 1, ..quick() };
    let working = Working::start(shop.tenancy().clone(), one_at_a_time);
    until("all are done", async || shop.diary.count() == 80).await;
    working.stop().await;
    // While all three have jobs, each is served once in three.
    let first: Vec<_> = shop.diary.starts().iter().take(30).map(|start| start.tenant.unwrap()).collect();
    for turn in first.chunks(3) {
        for tenant in &tenants {
            assert_eq!(turn.iter().filter(|served| *served == tenant).count(), 1, "{turn:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_with_a_limit_holds_up_no_other_kind_of_its_tenant() {
    let shop = Shop::open().await;
    let tenant = shop.platform.tenant("busy", Tier::Shared).await;
    for _ in 0..12 {
        shop.leave(&tenant, "workshop.alone", json!({ "ms": 60 })).await;
    }
    let working = shop.worker();
    until("the limited kind runs", async || shop.diary.count() > 0).await;
    let left = Instant::now();
    shop.leave(&tenant, "workshop.pass", named("other")).await;
    until("the other kind starts", async || shop.diary.starts().iter().any(|start| start.name == "other")).await;
    assert!(left.elapsed() < Duration::from_millis(500), "{:?}", left.elapsed());
    shop.until_all(JobState::Done, 13).await;
    assert_eq!(shop.diary.most_at_once("workshop.alone"), 1);
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn within_a_tenant_the_urgent_goes_first_and_the_idle_last() {
    let shop = Shop::open().await;
    let tenant = shop.platform.tenant("orderly", Tier::Shared).await;
    for kind in ["workshop.idle", "workshop.pass", "workshop.urgent", "workshop.pass"] {
        shop.leave(&tenant, kind, named(kind)).await;
    }
    // All are in the queue before anybody takes one.
    let relaying = Working::start(shop.tenancy().clone(), WorkSettings { concurrency: 0, ..quick() });
    until("all are carried", async || shop.queue().await.len() == 4).await;
    relaying.stop().await;
    let working = Working::start(shop.tenancy().clone(), WorkSettings { concurrency: 1, ..quick() });
    shop.until_all(JobState::Done, 4).await;
    working.stop().await;
    let order: Vec<_> = shop.diary.starts().iter().map(|start| start.name.clone()).collect();
    assert_eq!(order, ["workshop.urgent", "workshop.pass", "workshop.pass", "workshop.idle"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_share_the_work_and_no_job_runs_twice() {
    let shop = Shop::open().await;
    let client = shop.control().await;
    let mut lanes = Vec::new();
    for at in 0..10 {
        lanes.push(shop.platform.tenant(&format!("tenant-{at}"), Tier::Shared).await.id.uuid());
    }
    flood(&client, &lanes, 200, "workshop.pass", &json!({})).await;
    let begun = Instant::now();
    let mut nodes = Vec::new();
    for _ in 0..3 {
        nodes.push(Working::start(shop.platform.second_node().await, quick()));
    }
    until("all have run", async || shop.diary.count() >= 2000).await;
    let spent = begun.elapsed();
    println!("2,000 jobs of 10 tenants on 3 nodes: {:.0} a second", 2000.0 / spent.as_secs_f64());
    for node in nodes {
        node.stop().await;
    }
    let mut ran: Vec<_> = shop.diary.starts().iter().map(|start| start.job).collect();
    ran.sort();
    ran.dedup();
    assert_eq!((ran.len(), shop.diary.count()), (2000, 2000));
    let left = "select count(*) from job where state <> 'done'";
    assert_eq!(client.query_one(left, &[]).await.unwrap().get::<_, i64>(0), 0);
    let running = "select coalesce(sum(running), 0)::bigint from job_lane";
    assert_eq!(client.query_one(running, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_jobs_of_some_tenants_leave_a_worker_and_a_connection_for_another() {
    let shop = Shop::open().await;
    let client = shop.control().await;
    let mut loud = Vec::new();
    for at in 0..3 {
        loud.push(shop.platform.tenant(&format!("loud-{at}"), Tier::Shared).await.id.uuid());
    }
    let modest = shop.platform.tenant("modest", Tier::Shared).await;
    // Each keeps a worker and a connection for longer than the modest one waits.
    flood(&client, &loud, 100, "workshop.linger", &json!({ "ms": 3000 })).await;
    let working = Working::start(shop.tenancy().clone(), WorkSettings { concurrency: 4, ..quick() });
    until("as many run as may", async || shop.diary.count() >= 3).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    for round in 0..3 {
        let left = Instant::now();
        shop.leave(&modest, "workshop.note", named(&format!("round {round}"))).await;
        until("the modest tenant's job starts", async || {
            shop.diary
                .starts()
                .iter()
                .any(|start| start.tenant == Some(modest.id) && start.name == format!("round {round}"))
        })
        .await;
        assert!(left.elapsed() < Duration::from_secs(1), "{:?}", left.elapsed());
        until("it is done", async || shop.notes(&modest).await == round + 1).await;
        assert!(left.elapsed() < Duration::from_secs(1), "{:?}", left.elapsed());
    }
    working.crash().await;
}
