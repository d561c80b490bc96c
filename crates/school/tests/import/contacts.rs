//! Agents of a package beside the contacts that the school keeps itself.

use cloister_school::{import::ImportSettings, oneroster::File};
use cloister_tenancy::TenantEntry;
use cloister_testkit::TestPlatform;

use crate::{
    fixture::{Fixture, bring, counts, dump, issues, platform},
    whole::everything,
};

async fn run(platform: &TestPlatform, tenant: &TenantEntry, change: &str, pair: [&str; 2]) {
    let placement = tenant.placement.as_ref().unwrap();
    let client = platform.admin(&placement.database).await;
    let schema = &placement.schema;
    let text = format!(
        "update \"{schema}\".contact set {change} where tenant_id = $1
            and student_id = (select id from \"{schema}\".person where tenant_id = $1 and sourced_id = $2)
            and contact_id = (select id from \"{schema}\".person where tenant_id = $1 and sourced_id = $3)"
    );
    assert_eq!(client.execute(&text, &[&tenant.id, &pair[0], &pair[1]]).await.unwrap(), 1);
}

#[tokio::test]
async fn what_was_decided_here_no_package_undoes() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let settings = ImportSettings::default();
        bring(&platform, &tenant, &Fixture::school(), &settings).await.unwrap();
        // As a change through the API leaves them: one without custody, one deleted.
        run(&platform, &tenant, "source = 'manual', custody = 'none'", ["kim", "grace"]).await;
        run(&platform, &tenant, "source = 'manual', status = 'tobedeleted'", ["sam", "grace"]).await;
        let before = everything(&platform, &tenant).await;
        for settings in [ImportSettings::default(), ImportSettings { adopt: true, ..ImportSettings::default() }] {
            let report = bring(&platform, &tenant, &Fixture::school(), &settings).await.unwrap();
            assert_eq!(issues(&report), "");
            assert!(counts(&report).contains("users unchanged 4\n"), "{}", counts(&report));
            assert_eq!(everything(&platform, &tenant).await, before);
        }
        // Nor does one that no longer names them.
        let mut fewer = Fixture::school();
        fewer.change(File::Users, "\"grace,sam\"", "sam").change(File::Users, "grace,09", ",09");
        let report = bring(&platform, &tenant, &fewer, &settings).await.unwrap();
        assert!(counts(&report).contains("users unchanged 4\n"), "{}", counts(&report));
        assert_eq!(everything(&platform, &tenant).await, before);
    }
}

#[tokio::test]
async fn a_package_ends_and_renews_what_packages_brought_and_touches_nothing_else_of_it() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let settings = ImportSettings::default();
        bring(&platform, &tenant, &Fixture::school(), &settings).await.unwrap();
        let mut without = Fixture::school();
        without.change(File::Users, "\"grace,sam\"", "sam");
        let report = bring(&platform, &tenant, &without, &settings).await.unwrap();
        assert!(counts(&report).contains("users changed 1 unchanged 3\n"), "{}", counts(&report));
        let states = async || dump(&platform, &tenant, "contact", "relation, status, source, version").await;
        assert_eq!(
            states().await,
            ["guardian|active|import|1", "guardian|tobedeleted|import|2", "other|active|import|1"]
        );
        bring(&platform, &tenant, &Fixture::school(), &settings).await.unwrap();
        assert_eq!(states().await, ["guardian|active|import|1", "guardian|active|import|3", "other|active|import|1"]);
    }
}
