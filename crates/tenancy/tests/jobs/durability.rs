//! What goes wrong: workers that vanish, handlers that fail, panic or hang, and what remains of it in the rows.

use std::time::Duration;

use cloister_tenancy::{Actor, Tier, jobs::JobState};
use serde_json::json;

use crate::workshop::{Shop, Working, named, quick, until};

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_a_vanished_worker_are_taken_again() {
    let shop = Shop::open().await;
    let tenant = shop.platform.tenant("patient", Tier::Shared).await;
    let vanishing = Working::start(shop.platform.second_node().await, quick());
    shop.leave(&tenant, "workshop.sleep", json!({ "ms": 60_000 })).await;
    until("it runs", async || shop.diary.count() == 1).await;
    vanishing.crash().await;
    assert_eq!(shop.only_job().await.state, JobState::Running);

    let working = shop.worker();
    until("it runs again", async || shop.diary.count() == 2).await;
    let job = shop.only_job().await;
    assert_eq!((job.state, job.attempts), (JobState::Running, 2));
    assert_eq!(job.last_error.as_deref(), Some("its worker gave no sign of life"));
    // Longer than a lease: the heartbeat keeps it, so that nobody takes it a third time.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(shop.diary.count(), 2);
    working.crash().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_lost_its_lease_stops_and_changes_nothing() {
    let shop = Shop::open().await;
    let tenant = shop.platform.tenant("stolen", Tier::Shared).await;
    let working = shop.worker();
    shop.leave(&tenant, "workshop.sleep", json!({ "ms": 1500 })).await;
    until("it runs", async || shop.diary.count() == 1).await;
    // Another worker has it now, or so the queue says.
    let client = shop.control().await;
    let stolen = "update job set worker = gen_random_uuid(), attempts = 2, lease_until = now() + interval '1 hour'
        where kind = 'workshop.sleep'";
    client.execute(stolen, &[]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let job = shop.only_job().await;
    assert_eq!((job.state, job.attempts), (JobState::Running, 2));
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_times_double_in_the_row_and_outlive_the_worker() {
    let shop = Shop::open_by_hand().await;
    let tenant = shop.platform.tenant("unlucky", Tier::Shared).await;
    shop.leave(&tenant, "workshop.fail", json!({ "until": 3 })).await;
    let mut full = 100;
    for attempt in 1..3 {
        let before = shop.clock.as_ref().map(cloister_ids::Clock::now).unwrap();
        // A new worker each time: what is waited for is in the row.
        let working = shop.worker();
        until("it failed", async || {
            shop.queue().await.first().is_some_and(|job| job.attempts == attempt && job.state == JobState::Ready)
        })
        .await;
        let job = shop.only_job().await;
        let wait = job.run_at.duration_since(before).as_secs();
        assert!((full / 2..=full).contains(&wait), "attempt {attempt}: {wait} s");
        assert!(job.last_error.unwrap().contains(&format!("attempt {attempt} was to fail")));
        shop.advance(full / 2 - 1);
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(shop.diary.count(), usize::try_from(attempt).unwrap(), "it was tried again too early");
        working.crash().await;
        shop.advance(full / 2 + 2);
        full *= 2;
    }
    let working = shop.worker();
    let jobs = shop.until_all(JobState::Done, 1).await;
    assert_eq!((jobs[0].attempts, shop.diary.count()), (3, 3));
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_too_often_is_kept_among_the_dead_until_somebody_decides() {
    let shop = Shop::open_by_hand().await;
    let tenant = shop.platform.tenant("hopeless", Tier::Shared).await;
    let other = shop.platform.tenant("other", Tier::Shared).await;
    let operator = Actor::Operator("test".into());
    shop.leave_keyed(&tenant, "workshop.fail", json!({}), Some("key")).await;
    let working = shop.worker();
    for attempt in 1..=3 {
        until("it failed", async || shop.diary.count() == attempt).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        shop.advance(1000);
    }
    let dead = shop.until_all(JobState::Dead, 1).await.pop().unwrap();
    assert_eq!(dead.attempts, 3);
    assert!(dead.finished_at.is_some() && dead.last_error.is_some());
    assert_eq!(shop.tenancy().job_counts().await.unwrap().dead, 1);
    let listed = shop.tenancy().dead_jobs(Some(tenant.id), None, 10).await.unwrap();
    assert_eq!(listed.iter().map(|job| job.id).collect::<Vec<_>>(), [dead.id]);
    assert!(shop.tenancy().dead_jobs(Some(other.id), None, 10).await.unwrap().is_empty());
    assert!(shop.tenancy().dead_jobs(None, Some(dead.id), 10).await.unwrap().is_empty());

    // Set going again it has all its attempts before it; and fails as often.
    shop.tenancy().retry_job(&operator, dead.id).await.unwrap();
    for attempt in 4..=6 {
        until("it failed again", async || shop.diary.count() == attempt).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        shop.advance(1000);
    }
    shop.until_all(JobState::Dead, 1).await;
    shop.tenancy().discard_job(&operator, dead.id).await.unwrap();
    assert!(shop.queue().await.is_empty());
    let again = shop.tenancy().discard_job(&operator, dead.id).await.unwrap_err();
    assert_eq!(again.code(), "job_not_dead");
    let client = shop.control().await;
    let audit = "select action from audit where action like 'job.%' order by id";
    let actions: Vec<String> = client.query(audit, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(actions, ["job.retry", "job.discard"]);
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_a_hang_and_a_payload_from_elsewhere_are_failures_like_any_other() {
    let shop = Shop::open_by_hand().await;
    let tenant = shop.platform.tenant("troubled", Tier::Shared).await;
    let working = shop.worker();
    for (kind, words) in [
        ("workshop.panic", "the handler panicked: this handler was to panic"),
        ("workshop.hasty", "not finished within 200ms"),
    ] {
        shop.leave(&tenant, kind, json!({ "ms": 60_000 })).await;
        until("it failed", async || {
            shop.queue().await.iter().any(|job| job.kind == kind && job.state == JobState::Ready && job.attempts == 1)
        })
        .await;
        let job = shop.queue().await.into_iter().find(|job| job.kind == kind).unwrap();
        assert!(job.last_error.as_ref().unwrap().contains(words), "{:?}", job.last_error);
    }
    // No number of attempts would help here.
    shop.leave(&tenant, "workshop.read", json!({ "name": "not a list" })).await;
    until("it is dead", async || shop.tenancy().job_counts().await.unwrap().dead == 1).await;
    // And the worker lives.
    shop.leave(&tenant, "workshop.pass", named("after")).await;
    until("others go on", async || shop.diary.starts().iter().any(|start| start.name == "after")).await;
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_asked_to_stop_finishes_what_it_can_and_gives_back_the_rest() {
    let shop = Shop::open().await;
    let tenant = shop.platform.tenant("closing", Tier::Shared).await;
    let settings = cloister_tenancy::jobs::WorkSettings { drain: Duration::from_millis(700), ..quick() };
    let working = Working::start(shop.tenancy().clone(), settings);
    shop.leave(&tenant, "workshop.sleep", json!({ "ms": 400, "name": "short" })).await;
    shop.leave(&tenant, "workshop.sleep", json!({ "ms": 60_000, "name": "long" })).await;
    until("both run", async || shop.diary.count() == 2).await;
    let asked = std::time::Instant::now();
    working.stop().await;
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    let jobs = shop.queue().await;
    let state = |name: &str| jobs.iter().find(|job| job.payload["name"] == name).map(|job| (job.state, job.attempts));
    assert_eq!(state("short"), Some((JobState::Done, 1)));
    // Not its fault: the attempt does not count.
    assert_eq!(state("long"), Some((JobState::Ready, 0)));
}
