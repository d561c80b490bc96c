//! How PostgreSQL answers: within one tenant always, and by an index where there are many entries.

use std::sync::Arc;

use cloister_http::{HttpModule, openapi};
use cloister_platform::Platform;
use cloister_tenancy::{Module, Tier, sql::Statement};
use cloister_testkit::{check_statements, document_faults};
use serde_json::Value;
use tokio_postgres::Client;

use crate::house;

#[test]
fn its_endpoints_are_described() {
    let http: Vec<Arc<dyn HttpModule>> = vec![Arc::new(Platform::new())];
    let document = serde_json::to_value(openapi(&http)).unwrap();
    let faults: Vec<String> =
        document_faults(&document).into_iter().filter(|fault| fault.to_lowercase().contains("audit")).collect();
    assert_eq!(faults, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_keep_to_the_tenant() {
    let (platform, _door) = house().await;
    let modules: [Arc<dyn Module>; 1] = [Arc::new(Platform::new())];
    check_statements(&platform, &modules).await;
}

fn scans(plan: &Value) -> Vec<String> {
    let here = [&plan["Node Type"], &plan["Index Name"]].map(|value| value.as_str().unwrap_or_default().to_owned());
    let below = plan["Plans"].as_array().into_iter().flatten().flat_map(scans);
    std::iter::once(here.join(" ").trim().to_owned()).chain(below).collect()
}

async fn plan(client: &Client, statement: &Statement) -> Vec<String> {
    let parameters = client.prepare(statement.sql()).await.unwrap().params().len();
    client.batch_execute(&format!("prepare planned as {}", statement.sql())).await.unwrap();
    let nulls = vec!["null"; parameters].join(", ");
    let row = client.query_one(&format!("explain (format json) execute planned({nulls})"), &[]).await.unwrap();
    client.batch_execute("deallocate planned").await.unwrap();
    scans(&row.get::<_, Value>(0)[0]["Plan"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_walked_to_by_an_index_beside_row_security() {
    let (platform, _door) = house().await;
    let north = platform.tenant("north", Tier::Shared).await;
    let south = platform.tenant("south", Tier::Shared).await;
    let database = north.placement.as_ref().unwrap().database.to_string();
    let admin = platform.admin(&database).await;
    for tenant in [&north, &south] {
        let fill = "insert into cloister.audit (tenant_id, id, at, actor, action, resource, resource_id, request_id)
            select $1, gen_random_uuid(), now() - n * interval '1 minute', 'account:' || n % 500, 'update', 'school.person',
                'per_' || n % 5000, gen_random_uuid() from generate_series(1, 40000) n";
        admin.execute(fill, &[&tenant.id.uuid()]).await.unwrap();
    }
    admin.batch_execute("analyze cloister.audit").await.unwrap();
    // As requests do it: behind the policy, with a plan that is kept.
    let client = platform.cluster.application.connect(&database).await.unwrap();
    let settings = "set search_path = shared; set plan_cache_mode = force_generic_plan";
    client.batch_execute(settings).await.unwrap();
    let module = Platform::new();
    for (name, index) in [
        ("LIST", "audit_pkey"),
        ("LIST_DESC", "audit_pkey"),
        ("LIST_BY_ACTOR", "audit_actor"),
        ("LIST_BY_ACTOR_DESC", "audit_actor"),
        ("LIST_BY_SUBJECT", "audit_subject"),
        ("LIST_BY_SUBJECT_DESC", "audit_subject"),
    ] {
        let full = format!("audit::store::{name}");
        let mut all = module.statements().iter().flat_map(|list| list.iter().copied());
        let statement = all.find(|statement| statement.name().ends_with(&full)).unwrap();
        let seen = plan(&client, statement).await;
        let walked = seen.iter().any(|node| node.starts_with("Index Scan") && node.ends_with(index));
        let sorted = seen.iter().any(|node| node.contains("Sort") || node.contains("Seq Scan"));
        assert!(walked && !sorted, "{name}: {seen:?}");
    }
}
