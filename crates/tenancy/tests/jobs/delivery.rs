//! From a tenant's transaction to the handler: everything arrives, nothing twice, and one broken database stops no other.

use std::time::Duration;

use cloister_ids::{DatabaseId, SystemClock};
use cloister_tenancy::{
    Tier,
    jobs::{JobState, NewJob, WorkSettings},
};
use serde_json::json;

use crate::workshop::{Shop, Working, named, quick, until};

#[tokio::test(flavor = "multi_thread")]
async fn jobs_left_in_every_tier_are_done_once() {
    let shop = Shop::open().await;
    let tenants = shop.platform.tenant_in_each_tier().await;
    let working = shop.worker();
    // The relay has listed the databases by now.
    tokio::time::sleep(Duration::from_millis(300)).await;
    for tenant in &tenants {
        for _ in 0..5 {
            shop.leave(tenant, "workshop.note", json!({})).await;
        }
    }
    let jobs = shop.until_all(JobState::Done, 15).await;
    assert!(jobs.iter().all(|job| job.attempts == 1), "{jobs:#?}");
    for tenant in &tenants {
        assert_eq!(shop.notes(tenant).await, 5, "{}", tenant.slug);
        assert_eq!(shop.outbox(tenant).await, 0, "{}", tenant.slug);
    }
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_transaction_that_did_not_commit_does_not_exist() {
    let shop = Shop::open().await;
    let tenant = shop.platform.tenant("undecided", Tier::Shared).await;
    let mut tx = shop.tenancy().write(&shop.platform.cx(&tenant)).await.unwrap();
    tx.enqueue("workshop.pass", json!({}), None, None).unwrap();
    tx.rollback().await.unwrap();
    let working = shop.worker();
    shop.leave(&tenant, "workshop.pass", named("decided")).await;
    shop.until_all(JobState::Done, 1).await;
    assert_eq!(shop.diary.starts()[0].name, "decided");
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_too_large_is_refused_and_the_rest_of_the_work_goes_on() {
    let shop = Shop::open().await;
    let tenant = shop.platform.tenant("burdened", Tier::Shared).await;
    let large = || json!({ "text": "x".repeat(64 * 1024) });
    let mut tx = shop.tenancy().write(&shop.platform.cx(&tenant)).await.unwrap();
    assert_eq!(tx.enqueue("workshop.pass", large(), None, None).unwrap_err().code(), "job_payload_too_large");
    let key = Some("k".repeat(201));
    assert_eq!(tx.enqueue("workshop.pass", json!({}), key, None).unwrap_err().code(), "job_key_too_long");
    tx.enqueue("workshop.pass", json!({}), None, None).unwrap();
    tx.commit().await.unwrap();
    assert_eq!(shop.outbox(&tenant).await, 1);
    let job = NewJob { kind: "workshop.pass", tenant: None, payload: large(), unique_key: None, run_at: None };
    assert_eq!(shop.tenancy().enqueue(job).await.unwrap_err().code(), "job_payload_too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_without_a_hint_is_found_by_looking() {
    let shop = Shop::open().await;
    let tenants = shop.platform.tenant_in_each_tier().await;
    for tenant in &tenants {
        shop.leave(tenant, "workshop.pass", json!({})).await;
    }
    // The hint stays in the memory of the node that committed; another one carries.
    let working = Working::start(shop.platform.second_node().await, quick());
    shop.until_all(JobState::Done, 3).await;
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_reached_stops_no_other() {
    let shop = Shop::open().await;
    let client = shop.control().await;
    // Ten tenants whose databases are not there, listed before the one that is.
    for at in 0..10 {
        let gone = shop.platform.tenant(&format!("gone-{at}"), Tier::Shared).await;
        let id = DatabaseId::generate(&SystemClock);
        client
            .execute(
                "insert into database (id, cluster_id, name, purpose, created_at)
                 select $1, id, $2, 'single', now() from cluster",
                &[&id.uuid(), &format!("a_missing_{at}")],
            )
            .await
            .unwrap();
        let update = "update placement set database_id = $1 where tenant_id = $2";
        client.execute(update, &[&id.uuid(), &gone.id.uuid()]).await.unwrap();
    }
    let tenant = shop.platform.tenant("reachable", Tier::Shared).await;
    let working = shop.worker();
    for round in 1..=3 {
        let left = std::time::Instant::now();
        shop.leave(&tenant, "workshop.pass", json!({})).await;
        shop.until_all(JobState::Done, round).await;
        assert!(left.elapsed() < Duration::from_secs(2), "{:?}", left.elapsed());
    }
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_job_of_a_key_is_dropped_while_the_first_waits() {
    let shop = Shop::open().await;
    let tenant = shop.platform.tenant("keyed", Tier::Shared).await;
    let other = shop.platform.tenant("keyed-too", Tier::Shared).await;
    for (whose, kind, key) in [
        (&tenant, "workshop.alone", Some("report")),
        (&tenant, "workshop.alone", Some("report")),
        (&tenant, "workshop.alone", Some("another")),
        (&tenant, "workshop.pass", Some("report")),
        (&other, "workshop.alone", Some("report")),
        (&tenant, "workshop.pass", None),
        (&tenant, "workshop.pass", None),
    ] {
        shop.leave_keyed(whose, kind, json!({ "ms": 1500 }), key).await;
    }
    let relaying = Working::start(shop.tenancy().clone(), WorkSettings { concurrency: 0, ..quick() });
    until("all are carried", async || shop.outbox(&tenant).await == 0).await;
    relaying.stop().await;
    let first = shop.until_all(JobState::Ready, 6).await.remove(0);

    // While it runs, one more may wait behind it, and only one.
    let working = shop.worker();
    until("the first of the key runs", async || shop.tenancy().job(first.id).await.unwrap().state == JobState::Running)
        .await;
    for _ in 0..3 {
        shop.leave_keyed(&tenant, "workshop.alone", json!({ "ms": 0 }), Some("report")).await;
    }
    shop.until_all(JobState::Done, 7).await;
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_has_jobs_of_its_own() {
    let shop = Shop::open().await;
    let job = |key: Option<&str>| NewJob {
        kind: "workshop.pass",
        tenant: None,
        payload: named("platform"),
        unique_key: key.map(str::to_owned),
        run_at: None,
    };
    assert!(shop.tenancy().enqueue(job(Some("once"))).await.unwrap().is_some());
    assert!(shop.tenancy().enqueue(job(Some("once"))).await.unwrap().is_none());
    let unknown = NewJob { kind: "nobody.knows", ..job(None) };
    assert!(shop.tenancy().enqueue(unknown).await.is_err());
    let working = shop.worker();
    shop.until_all(JobState::Done, 1).await;
    assert_eq!(shop.diary.starts()[0].tenant, None);
    working.stop().await;
}
