//! A request that names different tenants is refused, and the tenant whose token was used can read it in its audit log.

use std::time::{Duration, Instant};

use cloister_tenancy::{TenantEntry, Tier};
use cloister_testkit::{TestPlatform, token};
use serde_json::{Value, json};

use crate::platform;

const PERSONS: &str = "/api/v1/persons";

/// Past all walls: actor, resource and changes of each row about a mismatch.
async fn rows(platform: &TestPlatform, tenant: &TenantEntry) -> Vec<(String, String, Value)> {
    let admin = platform.admin(&tenant.placement.as_ref().unwrap().database).await;
    let text = "select actor, resource, changes from cloister.audit
        where tenant_id = $1 and action = 'tenant_mismatch' order by id";
    let rows = admin.query(text, &[&tenant.id.uuid()]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

async fn wait_for(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done().await {
        assert!(Instant::now() < deadline, "{what} did not happen in time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn times(rows: &[(String, String, Value)]) -> u64 {
    rows.iter().map(|(_, _, changes)| changes["times"].as_u64().unwrap()).sum()
}

#[tokio::test]
async fn it_is_audited_where_the_token_belongs_and_nowhere_else() {
    let (platform, door) = platform().await;
    let tenants = platform.tenant_in_each_tier().await;
    let other = platform.tenant("other", Tier::Shared).await;
    for tenant in &tenants {
        let mine = token("curious", Some(tenant), &["*"]);
        let named = |host: &str| door.call("GET", PERSONS).header("host", host).token(&mine);
        named(&format!("{}.localhost", tenant.slug)).expect(200).await;
        let theirs = named("other.localhost").refused(403, "tenant_mismatch").await;
        let nobodys = named("nobody.localhost").refused(403, "tenant_mismatch").await;
        assert_eq!(theirs["detail"], nobodys["detail"], "whether it exists is not told");
    }
    for tenant in &tenants {
        wait_for("both attempts in the audit", async || times(&rows(&platform, tenant).await) == 2).await;
        let rows = rows(&platform, tenant).await;
        let (actor, resource, changes) = &rows[0];
        assert_eq!((actor.as_str(), resource.as_str()), ("account:curious", "tenancy.request"));
        let first = json!({"host": "other.localhost", "path": null, "header": null, "token": tenant.id.to_string()});
        assert_eq!(changes["named"][0], first, "{changes}");
    }
    assert_eq!(rows(&platform, &other).await, vec![]);
}

#[tokio::test]
async fn who_has_no_tenant_is_audited_by_the_platform_and_a_stranger_writes_nothing() {
    let (platform, door) = platform().await;
    let north = platform.tenant("north", Tier::Shared).await;
    let south = platform.tenant("south", Tier::Schema).await;
    let control = platform.admin(&format!("{}_control", platform.prefix)).await;
    let text = "select tenant_id is null, actor from control.audit where action = 'tenant_mismatch'";
    let contradiction = || door.call("GET", PERSONS).header("host", "north.localhost").header("x-tenant-id", "south");

    contradiction().refused(403, "tenant_mismatch").await;
    contradiction().token("forged").refused(403, "tenant_mismatch").await;
    contradiction().token(&token("roaming", None, &["*"])).refused(403, "tenant_mismatch").await;
    wait_for("a row", async || !control.query(text, &[]).await.unwrap().is_empty()).await;
    let rows_there = control.query(text, &[]).await.unwrap();
    let seen: Vec<(bool, &str)> = rows_there.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(seen, [(true, "account:roaming")]);
    for tenant in [&north, &south] {
        assert_eq!(rows(&platform, tenant).await, vec![]);
    }
}

#[tokio::test]
async fn a_flood_is_answered_at_once_and_becomes_few_rows() {
    let (platform, door) = platform().await;
    let north = platform.tenant("north", Tier::Schema).await;
    platform.tenant("south", Tier::Shared).await;
    // Nothing can be written until this is over.
    let mut admin = platform.admin(&north.placement.as_ref().unwrap().database).await;
    let held = admin.transaction().await.unwrap();
    held.batch_execute("lock table cloister.audit in access exclusive mode").await.unwrap();
    let begun = Instant::now();
    let try_as = async |actor: &str| {
        let call = door.call("GET", PERSONS).header("host", "south.localhost");
        call.token(&token(actor, Some(&north), &["*"])).refused(403, "tenant_mismatch").await;
    };
    try_as("first").await;
    let waiting = "select count(*) from pg_locks where relation = 'cloister.audit'::regclass and not granted";
    wait_for("the first row at the lock", async || held.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 1)
        .await;
    for _ in 0..300 {
        try_as("persistent").await;
    }
    for actor in 0..100 {
        try_as(&actor.to_string()).await;
    }
    let taken = begun.elapsed();
    assert!(taken < Duration::from_secs(4), "401 refusals took {taken:?}");
    held.rollback().await.unwrap();

    // The first one, then the sixty-four callers that fitted, one row each.
    wait_for("every caller kept", async || rows(&platform, &north).await.len() >= 65).await;
    let rows = rows(&platform, &north).await;
    assert_eq!(rows.len(), 65);
    let persistent = rows.iter().find(|(actor, _, _)| actor == "account:persistent").unwrap();
    assert_eq!(persistent.2["times"], 300);
}
