//! Made-up districts, small ones always and a large one when asked for (`CLOISTER_TEST_LARGE=1`).

use std::{sync::Arc, time::Duration};

use cloister_school::{
    import::{ImportReport, ImportSettings, Outcome, import},
    oneroster::{File, Limits, Mode, Package},
    sample::{self, SampleSettings, SampleSummary},
};
use cloister_tenancy::{TenantEntry, Tier};
use cloister_testkit::TestPlatform;

use crate::{
    fixture::{counts, issues, platform},
    round_trip::take_out,
};

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

/// Takes statistics of the tables that this tenant is in, for the last time: from here on the planner believes that there are
/// few rows of any other.
async fn stop_looking(platform: &TestPlatform, tenant: &TenantEntry) {
    let placement = tenant.placement.as_ref().unwrap();
    let text = format!(
        "do $$ declare name text; begin
        for name in select relname from pg_class where relnamespace = '{0}'::regnamespace and relkind = 'r' loop
            execute format('alter table {0}.%I set (autovacuum_enabled = off)', name);
        end loop; end $$; analyze",
        placement.schema
    );
    platform.admin(&placement.database).await.batch_execute(&text).await.unwrap();
}

#[tokio::test]
async fn what_just_came_in_goes_out_before_anybody_has_counted_it() {
    let platform = platform().await;
    let known = platform.tenant("known", Tier::Shared).await;
    bring(&platform, &known, made_up(2, 20).1).await;
    stop_looking(&platform, &known).await;
    let new = platform.tenant("new", Tier::Shared).await;
    let alone = platform.tenant("alone", Tier::Schema).await;
    stop_looking(&platform, &alone).await;
    for tenant in [new, alone] {
        let (summary, package) = made_up(1, 3_000);
        bring(&platform, &tenant, package).await;
        let patience = Duration::from_mins(1);
        let out = tokio::time::timeout(patience, take_out(&platform, &tenant)).await;
        let (out, _) = out.unwrap_or_else(|_| panic!("it is not out of {} after {patience:?}", tenant.tier));
        let users = out.files.iter().find(|file| file.file == File::Users).unwrap();
        assert_eq!(users.rows, summary.users, "{}", tenant.tier);
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
    stop_looking(&platform, &known).await;
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
