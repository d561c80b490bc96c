//! Made-up districts, small ones always and a large one when asked for (`CLOISTER_TEST_LARGE=1`).

use std::sync::Arc;

use cloister_school::{
    import::{ImportReport, ImportSettings, Outcome, import},
    oneroster::{Limits, Mode, Package},
    sample::{self, SampleSettings, SampleSummary},
};
use cloister_tenancy::{TenantEntry, Tier};
use cloister_testkit::TestPlatform;

use crate::fixture::{counts, issues, platform};

fn made_up(seed: u64, students: u32) -> (SampleSummary, Package) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sample.zip");
    let summary = sample::write(&SampleSettings::new(seed, students), &path).unwrap();
    (summary, Package::open(&path, Limits::default()).unwrap())
}

async fn bring(platform: &TestPlatform, tenant: &Arc<TenantEntry>, package: Package) -> ImportReport {
    let settings = ImportSettings { mode: Mode::Strict, removal_threshold: 100, ..ImportSettings::default() };
    let report = import(&platform.tenancy, &platform.cx(tenant), package, &settings, &()).await.unwrap();
    assert_eq!((report.outcome, issues(&report)), (Outcome::Applied, String::new()));
    report
}

fn expected(summary: &SampleSummary, word: &str) -> String {
    let SampleSummary { orgs, academic_sessions, courses, classes, users, roles, enrollments, demographics, .. } =
        summary;
    format!(
        "orgs {word} {orgs}\nacademicSessions {word} {academic_sessions}\ncourses {word} {courses}\n\
         classes {word} {classes}\nusers {word} {users}\nroles {word} {roles}\nenrollments {word} {enrollments}\n\
         demographics {word} {demographics}\n"
    )
}

#[tokio::test]
async fn a_district_comes_in_whole_in_every_tier_and_once() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        for word in ["created", "unchanged"] {
            let (summary, package) = made_up(1, 150);
            let report = bring(&platform, &tenant, package).await;
            assert_eq!(counts(&report), expected(&summary, word));
        }
    }
}

#[tokio::test]
async fn statistics_that_know_nothing_of_a_tenant_do_not_make_it_wait() {
    if std::env::var_os("CLOISTER_TEST_LARGE").is_none() {
        return;
    }
    let platform = platform().await;
    let known = platform.tenant("known", Tier::Shared).await;
    bring(&platform, &known, made_up(1, 500).1).await;
    // From here on the planner believes that there is one tenant, and few rows of any other.
    let database = &known.placement.as_ref().unwrap().database;
    let client = platform.admin(database).await;
    let text = "do $$ declare name text; begin
        for name in select relname from pg_class where relnamespace = 'shared'::regnamespace and relkind = 'r' loop
            execute format('alter table shared.%I set (autovacuum_enabled = off)', name);
        end loop; end $$; analyze";
    client.batch_execute(text).await.unwrap();
    let unknown = platform.tenant("unknown", Tier::Shared).await;
    // Thirty thousand places; then the same district, and then one in which everybody is somebody else.
    for (seed, word) in [(1, Some("created")), (1, Some("unchanged")), (2, None), (2, Some("unchanged"))] {
        let (summary, package) = made_up(seed, 4_000);
        let report = bring(&platform, &unknown, package).await;
        if let Some(word) = word {
            assert!(counts(&report).contains(&format!("users {word} {}", summary.users)), "{}", counts(&report));
        }
        assert!(report.milliseconds.checking < 10_000, "{:?}", report.milliseconds);
        assert!(report.milliseconds.merging < 20_000, "{:?}", report.milliseconds);
    }
}
