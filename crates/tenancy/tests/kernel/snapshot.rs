//! A tenant as it was at one moment, while others write.

use cloister_tenancy::{Actor, TenantSnapshot};
use cloister_testkit::{TestPlatform, note, operator};

use crate::isolation::{count, fresh, write_note};

async fn counted(snapshot: &mut TenantSnapshot) -> i64 {
    snapshot.query(&note::COUNT, &[]).await.unwrap()[0].get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stays_as_it_was_and_shows_no_other_tenant_in_every_tier() {
    let platform = TestPlatform::start().await;
    for tenant in &platform.tenant_in_each_tier().await {
        let neighbour = platform.tenant(&format!("beside-{}", tenant.tier), tenant.tier).await;
        let (cx, other) = (platform.cx(tenant), platform.cx(&neighbour));
        write_note(&platform.tenancy, &other, "theirs").await;
        write_note(&platform.tenancy, &cx, "before").await;
        let before = count(&platform.tenancy, &cx).await;
        // Nothing is read yet: the moment is when it was begun.
        let mut snapshot = platform.tenancy.snapshot(&cx).await.unwrap();
        write_note(&platform.tenancy, &cx, "after").await;
        assert_eq!(counted(&mut snapshot).await, before, "{}", tenant.tier);
        write_note(&platform.tenancy, &cx, "later").await;
        assert_eq!(counted(&mut snapshot).await, before, "{}", tenant.tier);
        let rows = snapshot.query(&note::LIST, &[]).await.unwrap();
        assert!(rows.iter().all(|row| row.get::<_, &str>("body") != "theirs"), "{}", tenant.tier);
        // What leaves the tenant out of its conditions finds no more.
        let careless = snapshot.query(&note::CARELESS, &[]).await.unwrap();
        assert_eq!(i64::try_from(careless.len()).unwrap(), before, "{}", tenant.tier);
        snapshot.end().await.unwrap();
        assert_eq!(count(&platform.tenancy, &cx).await, before + 2, "{}", tenant.tier);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_cannot_write() {
    let platform = TestPlatform::start().await;
    for tenant in &platform.tenant_in_each_tier().await {
        let cx = platform.cx(tenant);
        let before = count(&platform.tenancy, &cx).await;
        let mut snapshot = platform.tenancy.snapshot(&cx).await.unwrap();
        let refused = snapshot.query(&note::INSERT, &[&fresh(), &"one", &None::<String>]).await.unwrap_err();
        assert!(refused.log().contains("25006"), "{}: {}", tenant.tier, refused.log());
        drop(snapshot);
        // And the connection that was refused writes for the next caller.
        write_note(&platform.tenancy, &cx, "written").await;
        assert_eq!(count(&platform.tenancy, &cx).await, before + 1, "{}", tenant.tier);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fence_stands_before_it() {
    let platform = TestPlatform::start().await;
    for tenant in platform.tenant_in_each_tier().await {
        // It never listens, so it knows of nothing that happens from here on.
        let stale = platform.second_node().await;
        let before = stale.registry().by_id(tenant.id).unwrap();
        let cx = stale.background(before, Actor::Account("tester".into()));
        stale.snapshot(&cx).await.unwrap().end().await.unwrap();
        operator::suspend(&platform.tenancy, tenant.id).await;
        let refused = stale.snapshot(&cx).await.expect_err("a snapshot of a suspended tenant");
        assert_eq!(refused.code(), "tenant_suspended", "{}", tenant.tier);
        operator::resume(&platform.tenancy, tenant.id).await;
        // Still what it believed two epochs ago: it finds out and goes on.
        stale.snapshot(&cx).await.unwrap().end().await.unwrap();
    }
}
