//! Tenants that are being made or removed, and databases that cannot be entered, hide nothing.

use cloister_tenancy::{Depth, Finding, Tier};
use cloister_testkit::{TestPlatform, admin_server, operator, schema_faults};

fn told(findings: &[Finding]) -> Vec<(&str, &str)> {
    findings.iter().map(|finding| (finding.code.as_str(), finding.object.as_str())).collect()
}

async fn with_tenants() -> TestPlatform {
    let platform = TestPlatform::start().await;
    assert_eq!(schema_faults(&platform).await, []);
    platform
}

fn place(platform: &TestPlatform, tier: Tier) -> (String, String) {
    let tenant = platform.tenancy.registry().by_slug(&format!("checks-schema-{tier}")).unwrap();
    let place = tenant.placement.clone().unwrap();
    (place.database.to_string(), place.schema.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_where_a_tenant_is_made_or_removed_is_judged() {
    let platform = with_tenants().await;
    let control = platform.admin(&format!("{}_control", platform.prefix)).await;
    for status in ["failed", "purging", "preparing"] {
        let deleted = if status == "purging" { "now()" } else { "null" };
        let text = format!("update control.tenant set status = '{status}', deleted_at = {deleted}");
        control.batch_execute(&text).await.unwrap();
        assert_eq!(schema_faults(&platform).await, [], "{status}: nothing is wrong with what is there");
        let (shared, _) = place(&platform, Tier::Shared);
        let shared = platform.admin(&shared).await;
        // Somebody of whom the registry knows nothing is let into the shared tables.
        shared
            .batch_execute(
                "insert into cloister.fence (tenant_id, schema_name, epoch, state, changed_at)
                 values ('0190a000-0000-7000-8000-000000000001', 'shared', 1, 'open', now())",
            )
            .await
            .unwrap();
        let expected = [("fence_open_elsewhere", "shared"), ("row_of_no_tenant", "cloister.fence")];
        assert_eq!(told(&schema_faults(&platform).await), expected, "{status}");
        shared
            .batch_execute("delete from cloister.fence where tenant_id = '0190a000-0000-7000-8000-000000000001'")
            .await
            .unwrap();
        for tier in [Tier::Schema, Tier::Database] {
            let (database, schema) = place(&platform, tier);
            let admin = platform.admin(&database).await;
            let view = format!(
                "set role test_owner; create view \"{schema}\".leak as select * from \"{schema}\".note; reset role"
            );
            admin.batch_execute(&view).await.unwrap();
            let found = schema_faults(&platform).await;
            assert!(
                found.iter().any(|finding| finding.database == database && finding.object.contains("leak")),
                "{status} {tier}: {found:#?}"
            );
            admin.batch_execute(&format!("drop view \"{schema}\".leak")).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_tenants_database_is_told_of_and_one_that_cannot_be_entered_hides_no_other() {
    let platform = with_tenants().await;
    let server = admin_server().connect("postgres").await.unwrap();
    let copy = format!("{}_t_copy", platform.prefix);
    server.batch_execute(&format!("create database \"{copy}\"")).await.unwrap();
    let proof = platform.tenancy.prove(Depth::Catalog, &()).await.unwrap();
    server.batch_execute(&format!("drop database \"{copy}\"")).await.unwrap();
    assert!(told(&proof.findings).contains(&("database_unknown", &copy)), "{:#?}", proof.findings);

    let (database, _) = place(&platform, Tier::Database);
    let (other, schema) = place(&platform, Tier::Schema);
    let other = platform.admin(&other).await;
    let view = format!("set role test_owner; create view \"{schema}\".leak as select * from \"{schema}\".note");
    other.batch_execute(&view).await.unwrap();
    server.batch_execute(&format!("alter database \"{database}\" allow_connections false")).await.unwrap();
    let found = schema_faults(&platform).await;
    server.batch_execute(&format!("alter database \"{database}\" allow_connections true")).await.unwrap();
    assert!(told(&found).contains(&("database_unreachable", &database)), "{found:#?}");
    assert!(found.iter().any(|finding| finding.object.contains("leak")), "{found:#?}");
}

/// A tenant is announced as suspended before its fence closes, and a writer that stays can keep it from closing.
#[tokio::test(flavor = "multi_thread")]
async fn a_fence_left_open_behind_a_suspended_tenant_is_told_of_and_none_is_turned_back() {
    let platform = with_tenants().await;
    let control = platform.admin(&format!("{}_control", platform.prefix)).await;
    let (database, schema) = place(&platform, Tier::Database);
    let admin = platform.admin(&database).await;
    let slug = "where slug = 'checks-schema-database'";
    let expected = [("fence_differs", schema.as_str())];
    for status in ["suspended", "active"] {
        control.batch_execute(&format!("update control.tenant set status = '{status}' {slug}")).await.unwrap();
        let found = schema_faults(&platform).await;
        assert_eq!(told(&found), expected, "{status}");
        admin.batch_execute(&found[0].mend).await.unwrap();
        assert_eq!(schema_faults(&platform).await, [], "{status}");
    }
    admin.batch_execute("update cloister.fence set epoch = epoch + 1").await.unwrap();
    let found = schema_faults(&platform).await;
    assert_eq!(told(&found), expected, "the registry is an old copy");
    assert!(found[0].mend.starts_with("-- the registry is behind"), "{found:#?}");
    let tenant = platform.tenancy.registry().by_slug("checks-schema-database").unwrap();
    operator::suspend(&platform.tenancy, tenant.id).await;
    operator::resume(&platform.tenancy, tenant.id).await;
    assert_eq!(schema_faults(&platform).await, [], "suspended and resumed, both are anew");
}
