//! What ends before its end leaves nothing, and two do not run at once.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use cloister_school::{
    import::{ImportSettings, Observer, Outcome, Phase, import},
    oneroster::{File, Limits, Package},
    sample::{self, SampleSettings},
};
use cloister_tenancy::{ErrorKind, Identity, PermissionSet, Tier};
use cloister_testkit::TestPlatform;

use crate::{
    fixture::{Fixture, bring, counts, dump, issues, platform},
    whole::{audited, everything},
};

#[tokio::test]
async fn a_dry_run_says_what_would_change_and_changes_nothing() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let dry = ImportSettings { dry_run: true, ..ImportSettings::default() };
        let report = bring(&platform, &tenant, &Fixture::school(), &dry).await.unwrap();
        assert_eq!(report.outcome, Outcome::DryRun);
        assert!(counts(&report).contains("users created 4\n"), "{}", counts(&report));
        assert_eq!(everything(&platform, &tenant).await.len(), 0);
        assert_eq!(audited(&platform, &tenant).await.len(), 0);
        bring(&platform, &tenant, &Fixture::school(), &ImportSettings::default()).await.unwrap();
        let before = everything(&platform, &tenant).await;
        let mut package = Fixture::school();
        package.change(File::Users, "Kim", "Kimberley").without(File::Demographics, "kim");
        let report =
            bring(&platform, &tenant, &package, &ImportSettings { removal_threshold: 100, ..dry }).await.unwrap();
        assert_eq!(issues(&report), "");
        assert!(counts(&report).contains("users changed 1 unchanged 3\n"), "{}", counts(&report));
        assert_eq!(everything(&platform, &tenant).await, before);
    }
}

/// Ends the import's own connection from outside when it comes to `at`.
pub(crate) struct Killer<'a> {
    pub(crate) platform: &'a TestPlatform,
    pub(crate) database: String,
    pub(crate) at: (Phase, u64),
    pub(crate) done: AtomicBool,
}

impl Observer for Killer<'_> {
    fn progress(&self, phase: Phase, step: u64, _: u64, _: &'static str) {
        if (phase, step) == self.at && !self.done.swap(true, Ordering::SeqCst) {
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(async {
                    let client = self.platform.admin(&self.database).await;
                    let text = "select pg_terminate_backend(pid, 5000) from pg_stat_activity
                        where datname = current_database() and usename = 'test_application' and state like 'idle in%'";
                    client.execute(text, &[]).await.unwrap();
                });
            });
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_step_it_leaves_nothing_and_can_be_done_again() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Database).await;
    let database = tenant.placement.as_ref().unwrap().database.to_string();
    let steps = [
        (Phase::Checking, 1),
        (Phase::Checking, 9),
        (Phase::Checking, 20),
        (Phase::Merging, 1),
        (Phase::Merging, 5),
        (Phase::Merging, 8),
    ];
    for at in steps {
        let killer = Killer { platform: &platform, database: database.clone(), at, done: AtomicBool::new(false) };
        let package = Fixture::school().open();
        let ended =
            import(&platform.tenancy, &platform.cx(&tenant), package, &ImportSettings::default(), &killer).await;
        assert!(killer.done.load(Ordering::SeqCst), "{at:?} never came");
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Unavailable, "{at:?}");
        assert_eq!(everything(&platform, &tenant).await.len(), 0, "{at:?}");
        assert_eq!(audited(&platform, &tenant).await.len(), 0, "{at:?}");
    }
    let report = bring(&platform, &tenant, &Fixture::school(), &ImportSettings::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Applied);
}

fn large() -> Package {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sample.zip");
    sample::write(&SampleSettings::new(1, 400), &path).unwrap();
    Package::open(&path, Limits::default()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn given_up_at_any_moment_it_leaves_nothing() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let mut ended_early = 0;
    for wait in [1, 20, 60, 120, 200, 300, 450] {
        let cx = platform.cx(&tenant);
        let settings = ImportSettings { dry_run: true, ..ImportSettings::default() };
        let work = import(&platform.tenancy, &cx, large(), &settings, &());
        if tokio::time::timeout(Duration::from_millis(wait), work).await.is_err() {
            ended_early += 1;
        }
        assert_eq!(everything(&platform, &tenant).await.len(), 0, "{wait} ms");
    }
    assert!(ended_early > 1);
    let report =
        import(&platform.tenancy, &platform.cx(&tenant), large(), &ImportSettings::default(), &()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Applied);
    assert_eq!(dump(&platform, &tenant, "demographics", "1").await.len(), 400);
}

/// Begins a second import when the first comes to its merge.
struct Second<'a>(&'a TestPlatform, std::sync::Mutex<Option<cloister_tenancy::Error>>);

impl Observer for Second<'_> {
    fn progress(&self, phase: Phase, step: u64, _: u64, _: &'static str) {
        if (phase, step) == (Phase::Merging, 3) {
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(async {
                    let north = self.0.tenancy.registry().by_slug("north").unwrap();
                    let south = self.0.tenancy.registry().by_slug("south").unwrap();
                    let settings = ImportSettings::default();
                    let refused = bring(self.0, &north, &Fixture::school(), &settings).await.unwrap_err();
                    // Another tenant of the same table is not concerned.
                    bring(self.0, &south, &Fixture::school(), &settings).await.unwrap();
                    *self.1.lock().unwrap() = Some(refused);
                });
            });
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_imports_into_one_tenant_do_not_run_at_once() {
    let platform = platform().await;
    let north = platform.tenant("north", Tier::Shared).await;
    platform.tenant("south", Tier::Shared).await;
    let second = Second(&platform, std::sync::Mutex::default());
    let package = Fixture::school().open();
    import(&platform.tenancy, &platform.cx(&north), package, &ImportSettings::default(), &second).await.unwrap();
    let refused = second.1.into_inner().unwrap().unwrap();
    assert_eq!((refused.code(), refused.kind()), ("import_running", ErrorKind::Unavailable));
    bring(&platform, &north, &Fixture::school(), &ImportSettings::default()).await.unwrap();
}

#[tokio::test]
async fn only_who_may_import_imports() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    for (permission, kind) in [
        ("school.person.*", Some(ErrorKind::Forbidden)),
        ("catalog.*", Some(ErrorKind::Forbidden)),
        ("school.roster.import", None),
    ] {
        let actor = cloister_tenancy::Actor::Account("ada".into());
        let identity = std::sync::Arc::new(Identity::new(actor, None, PermissionSet::new([permission])));
        let request = cloister_ids::RequestId::generate(&**platform.tenancy.clock());
        let cx = platform.tenancy.context(tenant.clone(), &identity, request, None).unwrap();
        let ended = import(&platform.tenancy, &cx, Fixture::school().open(), &ImportSettings::default(), &()).await;
        assert_eq!(ended.err().map(|error| error.kind()), kind, "{permission}");
    }
    assert_eq!(dump(&platform, &tenant, "person", "created_by").await, ["account:ada"; 4]);
}
