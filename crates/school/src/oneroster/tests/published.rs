//! Packages that others published, where they are at hand.

use std::path::{Path, PathBuf};

use super::fixture::{listing, read_package};
use crate::oneroster::{Limits, Mode, Package, Row, Settings, Severity};

/// The folder beside the workspace, or nothing on a machine without it.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn published(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(folder);
    // A worktree lies one level deeper than a clone.
    let found = [path.clone(), Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data").join(folder)]
        .into_iter()
        .find(|path| path.is_dir());
    if found.is_none() {
        eprintln!("skipped: {} is not here", path.display());
    }
    found
}

#[test]
fn sound_packages_are_accepted_to_the_letter() {
    let Some(folder) = published("oneroster-1.2") else { return };
    for (name, rows) in [
        ("valid-02-rostering-bulk-package.zip", 12),
        ("valid-03-rostering-delta-package.zip", 12),
        ("valid-08-full-bulk-package.zip", 12),
    ] {
        let package = Package::open(&folder.join(name), Limits::default()).expect("the package opens");
        let (read, report) = read_package(package, &Settings::new(Mode::Strict)).expect("the package reads");
        assert_eq!(listing(&report.findings), "", "{name}");
        assert_eq!(read.len(), rows, "{name}: {read:#?}");
        assert_eq!(report.findings.count(Severity::Info), if name.starts_with("valid-08") { 13 } else { 1 });
    }
}

#[test]
fn unsound_packages_are_refused_for_the_reason_in_their_names() {
    let Some(folder) = published("oneroster-1.2") else { return };
    for (name, code) in [
        ("invalid-01-missing-manifest.zip", "manifest_missing"),
        ("invalid-05-manifest-marks-present-file-absent.zip", "file_marked_absent"),
        ("invalid-06-CSV-quote-failure.zip", "csv_quote"),
        ("invalid-10-bulk-lifecycle-status-failure.zip", "bulk_lifecycle"),
        ("invalid-13-missing-target-file-failure.zip", "target_file_missing"),
    ] {
        let package = Package::open(&folder.join(name), Limits::default()).expect("the package opens");
        let (rows, report) = read_package(package, &Settings::new(Mode::Strict)).expect("the package reads");
        let errors = report.findings.issues().iter().filter(|issue| issue.severity == Severity::Error);
        let codes: Vec<_> = errors.map(|issue| issue.code).collect();
        assert!(codes.contains(&code), "{name}: {codes:?}");
        assert!(rows.iter().all(|row| matches!(row, Row::Rejected(_))), "{name}: {rows:?}");
    }
}

#[test]
fn files_that_only_look_like_the_standard_are_told_what_they_lack() {
    let Some(folder) = published("sds-2.1") else { return };
    let package = Package::open(&folder, Limits::default()).expect("the folder opens");
    let (_, report) = read_package(package, &Settings::new(Mode::Lenient)).expect("the folder reads");
    let text = listing(&report.findings);
    assert!(text.contains("error header_column_required classes.csv:1 classType"), "{text}");
    assert!(!text.contains("P@ssword123"), "{text}");
}
