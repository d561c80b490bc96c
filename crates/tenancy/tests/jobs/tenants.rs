//! Jobs of tenants that are shut, gone, or forgotten in time.

use std::{sync::Arc, time::Duration};

use cloister_ids::TenantId;
use cloister_tenancy::{
    Actor, Tenancy, Tier,
    jobs::{JobState, WorkSettings},
};
use serde_json::json;

use crate::workshop::{Shop, Working, named, quick, until};

async fn suspend(tenancy: &Tenancy, tenant: TenantId) {
    let by = Actor::Operator("test".into());
    let workflow = tenancy.suspend_tenant(tenant, Some("unpaid"), &by).await.unwrap();
    tenancy.finish(workflow, &|_| {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_a_suspended_tenant_wait_until_it_is_open_again() {
    let shop = Shop::open_by_hand().await;
    let tenant = shop.platform.tenant("unpaid", Tier::Shared).await;
    let other = shop.platform.tenant("paid", Tier::Shared).await;
    for _ in 0..10 {
        shop.leave(&tenant, "workshop.note", json!({})).await;
    }
    suspend(shop.tenancy(), tenant.id).await;
    let working = shop.worker();
    shop.leave(&other, "workshop.pass", named("other")).await;
    until("the others go on", async || shop.diary.starts().iter().any(|start| start.name == "other")).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(shop.diary.count(), 1, "a job of a suspended tenant ran");
    let waiting: Vec<_> = shop.queue().await.into_iter().filter(|job| job.tenant == Some(tenant.id)).collect();
    assert_eq!(waiting.len(), 10);
    assert!(waiting.iter().all(|job| job.state == JobState::Ready && job.attempts == 0), "{waiting:#?}");

    let by = Actor::Operator("test".into());
    let workflow = shop.tenancy().resume_tenant(tenant.id, Some("paid"), &by).await.unwrap();
    shop.tenancy().finish(workflow, &|_| {}).await.unwrap();
    shop.until_all(JobState::Done, 11).await;
    assert_eq!(shop.notes(&tenant).await, 10);
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_found_its_tenant_shut_does_not_hold_it_back_once_it_is_open() {
    let shop = Shop::open_by_hand().await;
    let tenant = shop.platform.tenant("paying", Tier::Shared).await;
    shop.leave(&tenant, "workshop.note", json!({})).await;
    suspend(shop.tenancy(), tenant.id).await;
    // Between the look at the tenant and the hold, whoever gives a job back waits for a lock of ours.
    let ours = shop.control().await;
    let waits = "
        create function wait_for_test() returns trigger language plpgsql as $$ begin
            perform pg_advisory_xact_lock(4711);
            return new;
        end $$;
        create trigger wait_for_test before update on job for each row
            when (old.state = 'running' and new.state = 'ready') execute function wait_for_test();
        select pg_advisory_lock(4711);";
    ours.batch_execute(waits).await.unwrap();
    let working = shop.worker();
    let waiting = "select exists (select from pg_locks where locktype = 'advisory' and objid = 4711 and not granted)";
    until("it was found shut", async || ours.query_one(waiting, &[]).await.unwrap().get(0)).await;
    let by = Actor::Operator("test".into());
    let workflow = shop.tenancy().resume_tenant(tenant.id, Some("paid"), &by).await.unwrap();
    shop.tenancy().finish(workflow, &|_| {}).await.unwrap();
    ours.batch_execute("select pg_advisory_unlock(4711)").await.unwrap();
    // The clock stands still: the lane would wait for ever.
    shop.until_all(JobState::Done, 1).await;
    assert_eq!((shop.notes(&tenant).await, shop.only_job().await.attempts), (1, 1));
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_waits_in_its_own_tenants_lane_and_not_behind_anothers() {
    let shop = Shop::open().await;
    let busy = shop.platform.tenant("busy", Tier::Shared).await;
    let modest = shop.platform.tenant("modest", Tier::Shared).await;
    for _ in 0..30 {
        shop.leave(&busy, "workshop.pass", named("one of many")).await;
    }
    shop.leave(&modest, "workshop.pass", named("the only one")).await;
    // All are carried to the queue before any is done.
    let nobody = WorkSettings { concurrency: 0, ..quick() };
    let carrying = Working::start(shop.tenancy().clone(), nobody);
    until("all wait", async || shop.queue().await.len() == 31).await;
    carrying.stop().await;
    assert_eq!(shop.diary.count(), 0);
    let working = Working::start(shop.tenancy().clone(), WorkSettings { concurrency: 1, ..quick() });
    until("all are done", async || shop.diary.count() == 31).await;
    working.stop().await;
    let place = shop.diary.starts().iter().position(|start| start.name == "the only one").unwrap();
    assert!(place < 5, "{place} jobs of a busy tenant came first");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_a_tenant_that_is_gone_are_dropped() {
    let shop = Shop::open().await;
    let tenant = shop.platform.tenant("gone", Tier::Shared).await;
    let later = shop.tenancy().clock().now() + jiff::SignedDuration::from_hours(1);
    let mut tx = shop.tenancy().write(&shop.platform.cx(&tenant)).await.unwrap();
    tx.enqueue("workshop.pass", json!({}), None, Some(later)).unwrap();
    tx.enqueue("workshop.pass", json!({}), None, None).unwrap();
    tx.commit().await.unwrap();
    // Gone without leave, as after a purge whose jobs came too late.
    let client = shop.control().await;
    client.execute("delete from placement where tenant_id = $1", &[&tenant.id.uuid()]).await.unwrap();
    client.execute("delete from workflow where tenant_id = $1", &[&tenant.id.uuid()]).await.unwrap();
    client.execute("delete from tenant where id = $1", &[&tenant.id.uuid()]).await.unwrap();
    let node = shop.platform.second_node().await;
    let keeper = shop.platform.tenant("keeper", Tier::Shared).await;
    let working = crate::workshop::Working::start(node, crate::workshop::quick());
    shop.leave(&keeper, "workshop.pass", named("kept")).await;
    let jobs = shop.until_all(JobState::Done, 1).await;
    assert_eq!(jobs[0].tenant, Some(keeper.id));
    assert!(shop.diary.starts().iter().all(|start| start.tenant == Some(keeper.id)));
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_needs_any_more_is_forgotten() {
    let shop = Shop::open_by_hand().await;
    let tenant = shop.platform.tenant("old", Tier::Schema).await;
    let working = shop.worker();
    for _ in 0..3 {
        shop.leave(&tenant, "workshop.note", json!({})).await;
    }
    shop.until_all(JobState::Done, 3).await;
    let jobs = shop.queue().await;
    // One of them is among the dead although its effect was had, as after a crash in its last attempt.
    let client = shop.control().await;
    client.execute("update job set state = 'dead' where id = $1", &[&jobs[0].id.uuid()]).await.unwrap();
    let inside = shop.platform.admin(&tenant.placement.as_ref().unwrap().database).await;
    let deliveries =
        async || -> i64 { inside.query_one("select count(*) from cloister.inbox", &[]).await.unwrap().get(0) };
    assert_eq!(deliveries().await, 3);
    shop.advance(6 * 86_400);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!((shop.queue().await.len(), deliveries().await), (3, 3), "forgotten too early");
    shop.advance(2 * 86_400);
    until("the old is forgotten", async || shop.queue().await.len() == 1 && deliveries().await == 1).await;
    let job = shop.only_job().await;
    assert_eq!((job.id, job.state), (jobs[0].id, JobState::Dead));
    // Run again, it finds its effect.
    shop.tenancy().retry_job(&Actor::Operator("test".into()), job.id).await.unwrap();
    shop.until_all(JobState::Done, 1).await;
    assert_eq!(shop.notes(&tenant).await, 3);
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_does_is_done_in_its_own_name() {
    let shop = Shop::open().await;
    let tenant: Arc<_> = shop.platform.tenant("named", Tier::Shared).await;
    let working = shop.worker();
    shop.leave(&tenant, "workshop.pass", named("who")).await;
    shop.until_all(JobState::Done, 1).await;
    assert_eq!(shop.diary.starts()[0].tenant, Some(tenant.id));
    assert_eq!(shop.diary.starts()[0].job, shop.only_job().await.id);
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_purged_tenant_stays_in_the_queue() {
    let shop = Shop::open_by_hand().await;
    let tenant = shop.platform.tenant("leaving", Tier::Database).await;
    let working = shop.worker();
    shop.leave(&tenant, "workshop.pass", json!({})).await;
    shop.leave(&tenant, "workshop.fail", json!({})).await;
    until("one is done and one waits", async || shop.diary.count() == 2).await;
    let by = Actor::Operator("test".into());
    let deleting = shop.tenancy().delete_tenant(tenant.id, None, None, &by).await.unwrap();
    shop.tenancy().finish(deleting, &|_| {}).await.unwrap();
    let purging = shop.tenancy().purge_tenant(tenant.id, None, &by).await.unwrap();
    shop.tenancy().finish(purging, &|_| {}).await.unwrap();
    assert!(shop.queue().await.is_empty());
    let lanes = "select count(*) from job_lane where lane = $1";
    let lanes: i64 = shop.control().await.query_one(lanes, &[&tenant.id.uuid()]).await.unwrap().get(0);
    assert_eq!(lanes, 0);
    working.stop().await;
}
