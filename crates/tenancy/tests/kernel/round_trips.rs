//! How often a node speaks to PostgreSQL: counted by a proxy that holds each burst back, so that what is sent without
//! waiting for an answer counts once.

use std::{sync::Arc, time::Duration};

use cloister_tenancy::{Action, OpContext, Tenancy, TenantEntry, Tier};
use cloister_testkit::{NOTE, Proxy, TestPlatform, TestSettings, note};
use serde_json::json;

use crate::isolation::fresh;

/// Long enough that a client under load has sent everything it sends without waiting.
const HOLD: Duration = Duration::from_millis(15);

async fn behind_a_proxy(platform: &TestPlatform) -> (Proxy, Tenancy) {
    let proxy = platform.proxy(HOLD).await;
    let node = platform.node_on(&platform.through(&proxy)).await;
    (proxy, node)
}

async fn read(node: &Tenancy, cx: &OpContext) {
    assert!(!node.fetch(cx, &note::LIST, &[]).await.unwrap().is_empty());
}

async fn read_twice_at_once(node: &Tenancy, cx: &OpContext) {
    let rows = node.fetch_all(cx, &[(&note::LIST, &[]), (&note::COUNT, &[])]).await.unwrap();
    assert!(!rows[0].is_empty());
    assert_eq!(rows[1].len(), 1);
}

async fn write_with_audit_and_job(node: &Tenancy, cx: &OpContext) {
    let id = fresh();
    let mut tx = node.write(cx).await.unwrap();
    tx.query(&note::INSERT, &[&id, &"body", &None::<String>]).await.unwrap();
    tx.audit(Action::Create, &NOTE, Some(id), Some(json!({ "body": "body" })));
    tx.enqueue("test.job", json!({ "note": id }), None, None).unwrap();
    tx.commit().await.unwrap();
}

/// Bursts of `act`, after it was done once so that statements are prepared and connections open.
async fn cost(proxy: &Proxy, act: impl AsyncFn()) -> usize {
    act().await;
    proxy.take_bursts();
    act().await;
    proxy.take_bursts()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_read_is_one_round_trip_in_every_tier() {
    let platform = TestPlatform::start().await;
    let tenants = platform.tenant_in_each_tier().await;
    let (proxy, node) = behind_a_proxy(&platform).await;
    for tenant in &tenants {
        let cx = platform.cx(tenant);
        assert_eq!(cost(&proxy, async || read(&node, &cx).await).await, 1, "fetch, {}", tenant.slug);
        assert_eq!(cost(&proxy, async || read_twice_at_once(&node, &cx).await).await, 1, "fetch_all, {}", tenant.slug);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_with_its_audit_row_and_job_is_two_round_trips_in_every_tier() {
    let platform = TestPlatform::start().await;
    let tenants = platform.tenant_in_each_tier().await;
    let (proxy, node) = behind_a_proxy(&platform).await;
    for tenant in &tenants {
        let cx = platform.cx(tenant);
        let written = cost(&proxy, async || write_with_audit_and_job(&node, &cx).await).await;
        assert_eq!(written, 2, "{}", tenant.slug);
        let nothing = cost(&proxy, async || node.write(&cx).await.unwrap().commit().await.unwrap()).await;
        assert_eq!(nothing, 0, "a unit of work in which nothing is done, {}", tenant.slug);
    }
}

async fn alternate(node: &Tenancy, platform: &TestPlatform, tenants: &[Arc<TenantEntry>]) {
    for tenant in tenants {
        read(node, &platform.cx(tenant)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_taking_turns_cost_one_round_trip_each_while_every_schema_has_a_connection() {
    let platform = TestPlatform::start().await;
    for tier in [Tier::Shared, Tier::Schema, Tier::Database] {
        let mut tenants = Vec::new();
        for number in 1..=3 {
            tenants.push(platform.tenant(&format!("{tier}-{number}"), tier).await);
        }
        let (proxy, node) = behind_a_proxy(&platform).await;
        assert_eq!(cost(&proxy, async || alternate(&node, &platform, &tenants).await).await, 3, "{tier}");
    }
}

/// A connection that has to go and stand in another schema says so within the same burst: what it costs is a new plan.
#[tokio::test(flavor = "multi_thread")]
async fn more_schemas_than_connections_cost_no_further_round_trip() {
    let platform = TestPlatform::with(TestSettings { budget: 1, ..TestSettings::default() }).await;
    for tier in [Tier::Shared, Tier::Schema] {
        let mut tenants = Vec::new();
        for number in 1..=3 {
            tenants.push(platform.tenant(&format!("{tier}-{number}"), tier).await);
        }
        let (proxy, node) = behind_a_proxy(&platform).await;
        assert_eq!(cost(&proxy, async || alternate(&node, &platform, &tenants).await).await, 3, "{tier}");
        let write = async || {
            for tenant in &tenants {
                write_with_audit_and_job(&node, &platform.cx(tenant)).await;
            }
        };
        assert_eq!(cost(&proxy, write).await, 6, "{tier}, writing");
    }
}
