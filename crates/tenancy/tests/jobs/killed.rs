//! A relay or worker killed between two databases' commits doubles no effect and loses none.
#![cfg(feature = "failpoints")]

use std::{
    os::unix::process::ExitStatusExt,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use cloister_ids::SystemClock;
use cloister_tenancy::{Tier, jobs::JobState};
use cloister_testkit::{NOTE, TestPlatform};
use serde_json::json;

use crate::workshop::{Diary, Shop, Working, quick, test_settings, until};

const PREFIX: &str = "CLOISTER_TEST_PREFIX";

/// Not a test of its own: the process that is killed.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_to_be_killed() {
    let Ok(prefix) = std::env::var(PREFIX) else { return };
    let diary = Arc::new(Diary::default());
    let tenancy = TestPlatform::attach(&prefix, &test_settings(&diary, Arc::new(SystemClock))).await;
    let working = Working::start(tenancy, quick());
    tokio::time::sleep(Duration::from_secs(30)).await;
    working.stop().await;
    panic!("the kill point was never reached");
}

/// Starts a node that kills itself at `place`, and waits until it has.
async fn kill_a_node(prefix: &str, place: &str) {
    let status = tokio::task::spawn_blocking({
        let (prefix, place) = (prefix.to_owned(), place.to_owned());
        move || {
            Command::new(std::env::current_exe().unwrap())
                .args(["killed::a_node_to_be_killed", "--exact"])
                .env(PREFIX, prefix)
                .env("CLOISTER_KILL_AT", place)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap()
        }
    })
    .await
    .unwrap();
    assert_eq!(status.signal(), Some(9), "{place}: {status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_effect_happens_once_wherever_a_node_is_killed() {
    let shop = Shop::open().await;
    let tenants = shop.platform.tenant_in_each_tier().await;
    let places = [
        "relay/before_insert",
        "relay/after_insert",
        "relay/after_delete",
        "worker/after_fetch",
        "worker/before_done",
        "worker/before_done:2",
        "worker/after_done",
    ];
    let mut expected = 0;
    for place in places {
        for tenant in &tenants {
            shop.leave(tenant, "workshop.note", json!({})).await;
        }
        expected += 1;
        kill_a_node(&shop.platform.prefix, place).await;
        // The next node finds whatever that one left behind.
        let node = Working::start(shop.platform.second_node().await, quick());
        shop.until_all(JobState::Done, expected * tenants.len()).await;
        for tenant in &tenants {
            assert_eq!(shop.notes(tenant).await, i64::try_from(expected).unwrap(), "{place}: {}", tenant.slug);
            assert_eq!(shop.outbox(tenant).await, 0, "{place}: {}", tenant.slug);
        }
        node.stop().await;
    }
    let running = "select coalesce(sum(running), 0)::bigint from job_lane";
    let counted: i64 = shop.control().await.query_one(running, &[]).await.unwrap().get(0);
    assert_eq!(counted, 0, "a lane believes that something still runs in it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_kills_every_worker_is_put_among_the_dead() {
    let shop = Shop::open().await;
    let tenant = shop.platform.tenant("poisoned", Tier::Shared).await;
    shop.leave(&tenant, "workshop.hasty", json!({ "ms": 0 })).await;
    for _ in 0..3 {
        kill_a_node(&shop.platform.prefix, "worker/before_done").await;
    }
    let node = Working::start(shop.platform.second_node().await, quick());
    let dead = shop.until_all(JobState::Dead, 1).await;
    assert_eq!(dead[0].attempts, 3);
    assert_eq!(dead[0].last_error.as_deref(), Some("its worker gave no sign of life"));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_whose_keeper_is_killed_is_kept_by_the_next() {
    let shop = Shop::open().await;
    let entry = cloister_tenancy::jobs::CronEntry {
        name: "minutely".to_owned(),
        tenant: None,
        kind: "workshop.pass".to_owned(),
        payload: json!({}),
        schedule: "* * * * *".to_owned(),
        time_zone: "UTC".to_owned(),
        enabled: true,
    };
    shop.tenancy().schedule(&entry).await.unwrap();
    let client = shop.control().await;
    let due = "update cron set next_at = now() - interval '1 second' where name = 'minutely'";
    client.execute(due, &[]).await.unwrap();
    kill_a_node(&shop.platform.prefix, "cron/before_commit").await;
    assert!(shop.queue().await.is_empty(), "half of it was kept");
    let node = Working::start(shop.platform.second_node().await, quick());
    until("it is done", async || shop.queue().await.iter().any(|job| job.state == JobState::Done)).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_whose_sealer_is_killed_is_sealed_whole_by_the_next() {
    let shop = Shop::open().await;
    let tenants = shop.platform.tenant_in_each_tier().await;
    let mut entries = 0;
    for place in ["seal/sealed", "seal/followed", "seal/sealed:2", "seal/followed:2"] {
        for tenant in &tenants {
            let mut tx = shop.tenancy().write(&shop.platform.cx(tenant)).await.unwrap();
            tx.audit_act("note.pin", &NOTE, None, None);
            tx.audit_act("note.unpin", &NOTE, None, None);
            tx.commit().await.unwrap();
        }
        entries += 2;
        kill_a_node(&shop.platform.prefix, place).await;
        let node = Working::start(shop.platform.second_node().await, quick());
        for tenant in &tenants {
            until("everything is sealed", async || {
                let report = shop.tenancy().verify_audit(tenant.id).await.unwrap().unwrap();
                assert!(report.finding.is_none(), "{place}: {}: {:?}", tenant.slug, report.finding);
                report.sound == entries
            })
            .await;
        }
        let control = shop.control().await;
        for tenant in &tenants {
            let head = "select seq from audit_head where chain = $1";
            until("the control plane knows of the end", async || {
                let known: i64 = control.query_one(head, &[&tenant.id.uuid()]).await.unwrap().get(0);
                known == entries
            })
            .await;
        }
        node.stop().await;
    }
}
