//! Jobs that come again: once at each time, however many nodes look, and by the clock on the wall.

use std::{sync::Arc, time::Duration};

use cloister_ids::ManualClock;
use cloister_tenancy::{
    Tier,
    jobs::{CronEntry, JobState},
};
use cloister_testkit::TestPlatform;
use serde_json::json;

use crate::workshop::{Diary, Shop, named, test_settings, until};

fn entry(name: &str, schedule: &str, time_zone: &str) -> CronEntry {
    CronEntry {
        name: name.to_owned(),
        tenant: None,
        kind: "workshop.pass".to_owned(),
        payload: named(name),
        schedule: schedule.to_owned(),
        time_zone: time_zone.to_owned(),
        enabled: true,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_look_at_once_put_each_job_in_once() {
    let shop = Shop::open_by_hand().await;
    let nodes = [shop.platform.second_node().await, shop.platform.second_node().await];
    for at in 0..20 {
        shop.tenancy().schedule(&entry(&format!("entry {at}"), "0 * * * *", "UTC")).await.unwrap();
    }
    for round in 1..=5 {
        shop.advance(3600);
        let mut racing = Vec::new();
        for _ in 0..4 {
            for node in &nodes {
                let node = node.clone();
                racing.push(tokio::spawn(async move { node.keep_schedule().await.unwrap() }));
            }
        }
        let mut due = 0;
        for race in racing {
            due += race.await.unwrap();
        }
        assert_eq!(due, 20, "round {round}");
        // Taken, so that the next of the same name is not dropped for the sake of this one.
        let client = shop.control().await;
        assert_eq!(shop.queue().await.len(), 20 * round);
        let done = "update job set state = 'done', finished_at = now() where state = 'ready'";
        client.execute(done, &[]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_comes_once() {
    let shop = Shop::open_by_hand().await;
    shop.tenancy().schedule(&entry("hourly", "0 * * * *", "UTC")).await.unwrap();
    shop.advance(30 * 86_400);
    assert_eq!(shop.tenancy().keep_schedule().await.unwrap(), 1);
    assert_eq!(shop.tenancy().keep_schedule().await.unwrap(), 0);
    // While that one waits, the next is not put behind it.
    shop.advance(7200);
    assert_eq!(shop.tenancy().keep_schedule().await.unwrap(), 1);
    assert_eq!(shop.queue().await.len(), 1);
    let now = shop.tenancy().clock().now();
    let status = shop.tenancy().scheduled(None, 10).await.unwrap();
    assert_eq!(status.len(), 1);
    assert!(status[0].next_at > now && status[0].next_at.duration_since(now) <= jiff::SignedDuration::from_hours(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_of_day_is_kept_when_clocks_change() {
    // Two days before Berlin sets its clocks forward.
    let clock = ManualClock::new("2026-03-27T12:00:00Z".parse().unwrap());
    let diary = Arc::new(Diary::default());
    let platform = TestPlatform::with(test_settings(&diary, Arc::new(clock.clone()))).await;
    let tenancy = &platform.tenancy;
    tenancy.schedule(&entry("morning", "0 7 * * *", "Europe/Berlin")).await.unwrap();
    tenancy.schedule(&entry("night", "30 2 * * *", "Europe/Berlin")).await.unwrap();
    let client = platform.admin(&format!("{}_control", platform.prefix)).await;
    let mut came = Vec::new();
    for _ in 0..(4 * 24 * 2) {
        clock.advance(jiff::SignedDuration::from_mins(30));
        if tenancy.keep_schedule().await.unwrap() > 0 {
            let rows = client
                .query("delete from control.job where kind = 'workshop.pass' returning run_at, payload", &[])
                .await
                .unwrap();
            for row in rows {
                let payload: serde_json::Value = row.get("payload");
                came.push(format!("{} {}", payload["name"], row.get::<_, jiff::Timestamp>("run_at")));
            }
        }
    }
    assert_eq!(
        came,
        [
            "\"night\" 2026-03-28T01:30:00Z",
            "\"morning\" 2026-03-28T06:00:00Z",
            "\"night\" 2026-03-29T01:00:00Z",
            "\"morning\" 2026-03-29T05:00:00Z",
            "\"night\" 2026-03-30T00:30:00Z",
            "\"morning\" 2026-03-30T05:00:00Z",
            "\"night\" 2026-03-31T00:30:00Z",
            "\"morning\" 2026-03-31T05:00:00Z",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_of_a_tenant_is_done_for_it_until_it_is_struck() {
    let shop = Shop::open_by_hand().await;
    let tenant = shop.platform.tenant("regular", Tier::Shared).await;
    let nightly = CronEntry { tenant: Some(tenant.id), ..entry("nightly", "0 2 * * *", "Asia/Tokyo") };
    shop.tenancy().schedule(&nightly).await.unwrap();
    let before = shop.tenancy().scheduled(None, 10).await.unwrap();
    // Again the same: nothing moves.
    shop.advance(60);
    shop.tenancy().schedule(&nightly).await.unwrap();
    assert_eq!(shop.tenancy().scheduled(None, 10).await.unwrap(), before);
    let working = shop.worker();
    shop.advance(86_400);
    until("it is done", async || shop.diary.count() == 1).await;
    assert_eq!(shop.diary.starts()[0].tenant, Some(tenant.id));
    shop.until_all(JobState::Done, 1).await;
    assert!(shop.tenancy().unschedule(Some(tenant.id), "nightly").await.unwrap());
    assert!(!shop.tenancy().unschedule(Some(tenant.id), "nightly").await.unwrap());
    shop.advance(86_400);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(shop.diary.count(), 1);
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_cannot_be_followed_is_refused() {
    let shop = Shop::open().await;
    for (wrong, code) in [
        (entry("", "0 * * * *", "UTC"), "name_invalid"),
        (entry("a", "whenever", "UTC"), "schedule_invalid"),
        (entry("a", "0 * * * *", "Nowhere/Land"), "time_zone_unknown"),
        (CronEntry { kind: "nobody.knows".to_owned(), ..entry("a", "0 * * * *", "UTC") }, "job_kind_unknown"),
        (CronEntry { payload: json!({}), ..entry("a", &"0,".repeat(200), "UTC") }, "schedule_invalid"),
    ] {
        let refused = shop.tenancy().schedule(&wrong).await.unwrap_err();
        assert_eq!(refused.fields()[0].code, code, "{wrong:?}");
    }
}
