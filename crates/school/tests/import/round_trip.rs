//! What comes in goes out, and what went out comes in again: into another school, in another tier, the same to the byte.

use std::{
    collections::BTreeMap,
    io::{Read as _, Seek as _},
    sync::Arc,
};

use cloister_school::{
    export::{ExportSummary, export},
    import::{ImportReport, ImportSettings, Outcome, import},
    oneroster::{File, Limits, Mode, Package},
    sample::{self, SampleSettings},
};
use cloister_tenancy::{TenantEntry, Tier};
use cloister_testkit::TestPlatform;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use crate::{
    any_roster::{AnyRoster, any_roster},
    fixture::{Fixture, bring, counts, issues, platform},
    published::published,
};

/// The roster as a package.
pub(crate) async fn take_out(platform: &TestPlatform, tenant: &Arc<TenantEntry>) -> (ExportSummary, Vec<u8>) {
    let target = tempfile::tempfile().unwrap();
    let (summary, mut file) = export(&platform.tenancy, &platform.cx(tenant), target, &()).await.unwrap();
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    assert_eq!(summary.bytes, bytes.len() as u64);
    (summary, bytes)
}

/// Brings a package in by the letter.
async fn bring_strictly(platform: &TestPlatform, tenant: &Arc<TenantEntry>, bytes: Vec<u8>) -> ImportReport {
    let package = Package::from_archive(Box::new(std::io::Cursor::new(bytes)), Limits::default()).unwrap();
    let settings = ImportSettings { mode: Mode::Strict, removal_threshold: 100, ..ImportSettings::default() };
    let report = import(&platform.tenancy, &platform.cx(tenant), package, &settings, &()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Applied, "{}", issues(&report));
    assert_eq!((report.errors, report.repairs.len()), (0, 0), "{}", issues(&report));
    report
}

/// The files of a package by name.
fn files(bytes: Vec<u8>) -> BTreeMap<String, String> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut files = BTreeMap::new();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).unwrap();
        let name = file.name().unwrap().into_owned();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        files.insert(name, text);
    }
    files
}

#[tokio::test]
async fn a_district_goes_through_every_tier_and_stays_the_same_to_the_byte() {
    let platform = platform().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sample.zip");
    sample::write(&SampleSettings::new(5, 160), &path).unwrap();
    let mut package = std::fs::read(&path).unwrap();
    let given = files(package.clone());
    let mut first = None;
    for tenant in platform.tenant_in_each_tier().await {
        bring_strictly(&platform, &tenant, package).await;
        let (summary, bytes) = take_out(&platform, &tenant).await;
        assert!(summary.files.iter().all(|file| file.left_out == 0), "{summary:?}");
        // Row by row what the district sent, though in another order.
        for (name, text) in files(bytes.clone()) {
            let sorted = |text: &str| {
                let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                lines.sort_unstable();
                lines.retain(|line| !line.starts_with("source."));
                lines
            };
            assert_eq!(sorted(&text), sorted(&given[&name]), "{name} in {}", tenant.tier);
        }
        let before = first.get_or_insert_with(|| bytes.clone());
        assert!(*before == bytes, "{} makes another package", tenant.tier);
        // The same again: nothing in it hangs on when it is made, or on what it is made of.
        let again = bring_strictly(&platform, &tenant, bytes.clone()).await;
        assert!(!counts(&again).contains("created") && !counts(&again).contains(" changed "), "{}", counts(&again));
        assert!(take_out(&platform, &tenant).await.1 == bytes);
        package = bytes;
    }
}

#[tokio::test]
async fn a_package_has_what_the_standard_asks_for_and_no_more() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Schema).await;
    bring(&platform, &tenant, &Fixture::school(), &ImportSettings::default()).await.unwrap();
    let (_, bytes) = take_out(&platform, &tenant).await;
    let files = files(bytes);
    let manifest: Vec<&str> = files["manifest.csv"].lines().collect();
    assert_eq!(manifest[..3], ["propertyName,value", "manifest.version,1.0", "oneroster.version,1.2"]);
    assert_eq!(manifest.iter().filter(|line| line.starts_with("file.")).count(), 21);
    for file in File::ALL {
        let there = files.contains_key(file.file_name());
        assert_eq!(there, file.is_roster(), "{file:?}");
        let mode = if there { "bulk" } else { "absent" };
        assert!(manifest.contains(&format!("file.{},{mode}", file.name()).as_str()), "{file:?}");
    }
    assert!(files.values().all(|text| !text.contains('\r') && text.ends_with('\n')));
    assert_eq!(
        files["users.csv"],
        "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,\
         sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,preferredGivenName,preferredMiddleName,\
         preferredFamilyName,primaryOrgSourcedId,pronouns\n\
         grace,,,false,grace,,Grace,Scholar,,,,,,,,,,,,,,\n\
         kim,,,true,kim,,Kim,Łukasz,,,,,,grace,09,,,,,,school,\n\
         sam,,,true,sam,,Sam,O'Neill,,,,,,grace,09,,,,,,school,they/them\n\
         tina,,,true,tina,\"{LDAP:tina},{SIS:7}\",Tina,Tutor,,,tina@school.example,,,,,,,,,,school,\n"
    );
    assert_eq!(
        files["classes.csv"].lines().nth(1).unwrap(),
        "class-a,,,Algebra A,09,algebra,A,scheduled,Room 1,school,\"autumn,year\",Mathematics,MATH,1"
    );
}

#[tokio::test]
async fn what_other_systems_say_of_any_record_goes_out_with_it() {
    let platform = platform().await;
    let mut package = Fixture::school();
    for (number, file) in File::ALL.iter().copied().filter(|file| file.is_roster()).enumerate() {
        package.extend(file, &[&format!("code{number}")]);
        for row in package.files.get_mut(&file).unwrap() {
            row.push_str(&format!(",of {}", file.name()));
        }
    }
    let mut first = None;
    for tenant in platform.tenant_in_each_tier().await {
        bring(&platform, &tenant, &package, &ImportSettings::default()).await.unwrap();
        let files = files(take_out(&platform, &tenant).await.1);
        for (number, file) in File::ALL.iter().copied().filter(|file| file.is_roster()).enumerate() {
            let lines: Vec<&str> = files[file.file_name()].lines().collect();
            assert!(lines[0].ends_with(&format!(",metadata.code{number}")), "{file:?}: {lines:?}");
            let value = format!(",of {}", file.name());
            assert!(lines.len() > 1 && lines[1..].iter().all(|line| line.ends_with(&value)), "{file:?}: {lines:?}");
        }
        assert!(*first.get_or_insert_with(|| files.clone()) == files, "{} makes another package", tenant.tier);
    }
}

#[tokio::test]
async fn an_empty_school_is_a_manifest_alone() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let (_, bytes) = take_out(&platform, &tenant).await;
        assert_eq!(files(bytes.clone()).into_keys().collect::<Vec<_>>(), ["manifest.csv"]);
        bring_strictly(&platform, &tenant, bytes).await;
    }
}

#[tokio::test]
async fn what_leads_to_deleted_records_or_counts_on_no_day_is_left_out_and_counted() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let mut package = Fixture::school();
        package
            .add(File::Enrollments, "enr-never,,,class-a,school,grace,student,false,2025-09-01,2025-09-01")
            .add(File::AcademicSessions, "never,,,Never,term,2025-09-01,2025-09-01,year,2026")
            .add(File::Classes, "class-c,,,Never held,09,algebra,,scheduled,,school,never,,,")
            .add(File::Enrollments, "enr-c,,,class-c,school,sam,student,,,");
        let report = bring(&platform, &tenant, &package, &ImportSettings::default()).await.unwrap();
        assert_eq!(report.outcome, Outcome::Applied, "{}", issues(&report));
        let mut delta = Fixture::new(cloister_school::oneroster::Version::V1_2, "delta");
        let gone = |id: &str, columns: usize| format!("{id},tobedeleted,2026-01-01T00:00:00Z{}", ",".repeat(columns));
        delta
            .rows(File::Users, &[&gone("grace", 19)])
            .rows(File::Classes, &[&gone("class-b", 11)])
            .rows(File::Orgs, &[&gone("district", 4)]);
        let report = bring(&platform, &tenant, &delta, &ImportSettings::default()).await.unwrap();
        assert_eq!(report.outcome, Outcome::Applied, "{}", issues(&report));
        let (summary, bytes) = take_out(&platform, &tenant).await;
        let left_out: Vec<_> = summary.files.iter().map(|file| (file.file.name(), file.rows, file.left_out)).collect();
        assert_eq!(
            left_out,
            [
                ("orgs", 1, 0),
                ("academicSessions", 2, 1),
                ("courses", 1, 0),
                ("classes", 1, 1),
                ("users", 3, 0),
                ("roles", 3, 1),
                ("enrollments", 3, 3),
                ("demographics", 2, 0),
            ],
            "{}",
            tenant.tier
        );
        let text = files(bytes.clone());
        // The school lost the district above it, and the children Grace.
        assert!(text["orgs.csv"].ends_with("school,,,North School,school,17,\n"), "{}", text["orgs.csv"]);
        assert!(!text.values().any(|text| text.contains("grace") || text.contains("never")));
        let other = platform.tenant(&format!("other-{}", tenant.tier), Tier::Shared).await;
        bring_strictly(&platform, &other, bytes.clone()).await;
        assert!(take_out(&platform, &other).await.1 == bytes);
    }
}

#[tokio::test]
async fn a_roster_of_1_1_goes_out_as_1_2() {
    let platform = platform().await;
    let (one, other) = (platform.tenant("one", Tier::Shared).await, platform.tenant("other", Tier::Schema).await);
    let mut package = Fixture::new(cloister_school::oneroster::Version::V1_1, "bulk");
    package
        .rows(File::Orgs, &["school a,,,North School,school,17,"])
        .rows(File::Users, &["sam,,,true,school a,student,sam,,Sam,O'Neill,,,,,,,09,"]);
    let report = bring(&platform, &one, &package, &ImportSettings::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Applied, "{}", issues(&report));
    let (_, bytes) = take_out(&platform, &one).await;
    let org = "school_a-";
    let text = files(bytes.clone());
    // Ids that the standard does not have become such, wherever they stand.
    assert!(text["orgs.csv"].lines().nth(1).unwrap().starts_with(org), "{}", text["orgs.csv"]);
    assert!(text["roles.csv"].lines().nth(1).unwrap().starts_with("sam_school_a_student-"), "{}", text["roles.csv"]);
    assert!(text["roles.csv"].contains(&format!(",primary,student,,,{org}")), "{}", text["roles.csv"]);
    bring_strictly(&platform, &other, bytes.clone()).await;
    assert!(take_out(&platform, &other).await.1 == bytes);
}

#[tokio::test]
async fn published_packages_go_out_as_they_came_in() {
    let Some(folder) = published("oneroster-1.2") else { return };
    let platform = platform().await;
    for (at, name) in ["valid-02-rostering-bulk-package.zip", "valid-08-full-bulk-package.zip"].iter().enumerate() {
        let given = std::fs::read(folder.join(name)).unwrap();
        let one = platform.tenant(&format!("one-{at}"), Tier::Shared).await;
        let other = platform.tenant(&format!("other-{at}"), Tier::Schema).await;
        bring_strictly(&platform, &one, given).await;
        let (_, bytes) = take_out(&platform, &one).await;
        bring_strictly(&platform, &other, bytes.clone()).await;
        assert!(take_out(&platform, &other).await.1 == bytes, "{name}");
    }
}

#[tokio::test]
async fn it_is_noted_who_took_it_out() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let (_, bytes) = take_out(&platform, &tenant).await;
    assert!(!bytes.is_empty());
    let client = platform.admin(&tenant.placement.as_ref().unwrap().database).await;
    let text = "select action, resource, changes::text from cloister.audit where tenant_id = $1";
    let noted = client.query(text, &[&tenant.id]).await.unwrap();
    let noted: Vec<_> =
        noted.iter().map(|row| (row.get::<_, String>(0), row.get::<_, String>(1), row.get::<_, String>(2))).collect();
    assert!(
        noted.contains(&(
            "export".to_owned(),
            "school.roster".to_owned(),
            "{\"format\": \"oneroster\", \"version\": \"1.2\"}".to_owned()
        )),
        "{noted:?}"
    );
}

/// Goes through two schools; says what is wrong.
async fn there_and_back(platform: &TestPlatform, roster: &AnyRoster, number: usize) -> Result<(), String> {
    let one = platform.tenant(&format!("one-{number}"), Tier::Shared).await;
    let other = platform.tenant(&format!("other-{number}"), Tier::Schema).await;
    let settings = ImportSettings { mode: Mode::Strict, ..ImportSettings::default() };
    let report = bring(platform, &one, &roster.package(), &settings).await.map_err(|error| error.to_string())?;
    if report.outcome != Outcome::Applied {
        return Err(format!("what was drawn is no package: {}", issues(&report)));
    }
    let (summary, bytes) = take_out(platform, &one).await;
    if summary.files.iter().any(|file| file.left_out > 0) {
        return Err(format!("not all of it went out: {summary:?}"));
    }
    bring_strictly(platform, &other, bytes.clone()).await;
    let again = take_out(platform, &other).await.1;
    if again == bytes { Ok(()) } else { Err(format!("{:?}\nbecame\n{:?}", files(bytes), files(again))) }
}

#[test]
fn any_roster_goes_out_comes_in_and_goes_out_the_same() {
    let cases = if std::env::var_os("CLOISTER_TEST_LARGE").is_some() { 200 } else { 12 };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let platform = runtime.block_on(platform());
    let number = std::cell::Cell::new(0);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 100, ..Config::default() };
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let outcome = TestRunner::new_with_rng(config, random).run(&any_roster(), |roster| {
        number.set(number.get() + 1);
        runtime.block_on(there_and_back(&platform, &roster, number.get())).map_err(TestCaseError::fail)
    });
    let _inside = runtime.enter();
    drop(platform);
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
