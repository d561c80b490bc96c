//! Packages that others published, where they are at hand.

use std::path::{Path, PathBuf};

use cloister_school::{
    import::{ImportReport, ImportSettings, Outcome, import},
    oneroster::{Limits, Mode, Package},
};
use cloister_tenancy::{TenantEntry, Tier};
use cloister_testkit::TestPlatform;

use crate::fixture::{counts, issues, platform};

/// The folder beside the workspace, or nothing on a machine without it.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(crate) fn published(folder: &str) -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    // A worktree lies one level deeper than a clone.
    let places = ["../../../shared/data", "../../../../shared/data"].map(|place| here.join(place).join(folder));
    let found = places.into_iter().find(|path| path.is_dir());
    if found.is_none() {
        eprintln!("skipped: ../shared/data/{folder} is not here");
    }
    found
}

async fn bring(platform: &TestPlatform, tenant: &std::sync::Arc<TenantEntry>, path: &Path, mode: Mode) -> ImportReport {
    let package = Package::open(path, Limits::default()).unwrap();
    let settings = ImportSettings { mode, removal_threshold: 100, ..ImportSettings::default() };
    import(&platform.tenancy, &platform.cx(tenant), package, &settings, &()).await.unwrap()
}

#[tokio::test]
async fn sound_packages_come_in_and_unsound_ones_do_not() {
    let Some(folder) = published("oneroster-1.2") else { return };
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Schema).await;
    let bulk = "valid-02-rostering-bulk-package.zip";
    let mut told = String::new();
    for name in [bulk, bulk, "valid-03-rostering-delta-package.zip", "valid-08-full-bulk-package.zip"] {
        let report = bring(&platform, &tenant, &folder.join(name), Mode::Strict).await;
        assert_eq!(issues(&report), "", "{name}");
        assert_eq!(report.outcome, Outcome::Applied, "{name}");
        told += &[&name[..8], "\n", &counts(&report)].concat();
    }
    let same = "orgs unchanged 2\nacademicSessions unchanged 2\ncourses unchanged 1\nclasses unchanged 1\n\
                users unchanged 2\nroles unchanged 2\nenrollments unchanged 1\ndemographics unchanged 1\n";
    let new = same.replace("unchanged", "created");
    assert_eq!(told, format!("valid-02\n{new}valid-02\n{same}valid-03\n{same}valid-08\n{same}"));
    for name in [
        "invalid-01-missing-manifest.zip",
        "invalid-05-manifest-marks-present-file-absent.zip",
        "invalid-06-CSV-quote-failure.zip",
        "invalid-10-bulk-lifecycle-status-failure.zip",
        "invalid-13-missing-target-file-failure.zip",
    ] {
        let report = bring(&platform, &tenant, &folder.join(name), Mode::Strict).await;
        assert_eq!(report.outcome, Outcome::Refused, "{name}");
    }
}

#[tokio::test]
async fn files_that_only_look_like_the_standard_are_refused() {
    let Some(folder) = published("sds-2.1") else { return };
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let report = bring(&platform, &tenant, &folder, Mode::Lenient).await;
    assert_eq!(report.outcome, Outcome::Refused);
    assert!(issues(&report).contains("header_column_required classes.csv:1 classType"), "{}", issues(&report));
}
