//! Files that come alone: what they refer to is looked up among the tenant's own records. And records of every kind that leave.

use cloister_school::{
    import::{Change, ImportSettings, Outcome, last, take_back},
    oneroster::{File, Version},
};
use cloister_tenancy::Tier;

use crate::{
    fixture::{Fixture, bring, counts, dump, issues, platform},
    whole::everything,
};

fn any() -> ImportSettings {
    ImportSettings { removal_threshold: 100, ..ImportSettings::default() }
}

/// A file of the school with other records that refer to the same ones.
fn alone(file: File) -> Fixture {
    let mut package = Fixture::new(Version::V1_2, "delta");
    let rows = &Fixture::school().files[&file];
    let more = |row: &String| format!("more-{}", row.replacen(",,,", ",active,2025-10-01T12:00:00Z,", 1));
    // One role of a person is the primary one.
    package.files.insert(file, rows.iter().map(|row| more(row).replace(",primary,", ",secondary,")).collect());
    package
}

#[tokio::test]
async fn a_file_alone_refers_to_what_the_tenant_has_and_to_nothing_of_anothers() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let other = platform.tenant("south", Tier::Shared).await;
    bring(&platform, &tenant, &Fixture::school(), &any()).await.unwrap();
    for (file, rows) in Fixture::school().files {
        let package = alone(file);
        let report = bring(&platform, &other, &package, &any()).await.unwrap();
        assert!(report.outcome == Outcome::Refused && issues(&report).contains("reference_unknown"), "{file:?}");
        let report = bring(&platform, &tenant, &package, &any()).await.unwrap();
        assert_eq!(report.outcome, Outcome::Applied, "{file:?}: {}", issues(&report));
        assert_eq!(counts(&report), format!("{} created {}\n", file.name(), rows.len()), "{}", issues(&report));
    }
    let roles = "sourced_id, role_type";
    let before = dump(&platform, &tenant, "person_role", roles).await;
    // In 1.1 the roles of a user come with the user.
    let mut users = Fixture::new(Version::V1_1, "delta");
    users.rows(
        File::Users,
        &["una,active,2025-10-01T12:00:00Z,true,\"school,district\",teacher,una,,Una,Usher,,,,,,sam,,"],
    );
    let report = bring(&platform, &other, &users, &any()).await.unwrap();
    assert!(issues(&report).contains("reference_unknown"), "{}", issues(&report));
    let report = bring(&platform, &tenant, &users, &any()).await.unwrap();
    assert_eq!(issues(&report), "");
    assert_eq!(dump(&platform, &tenant, "person_role", roles).await.len(), before.len() + 2);
    assert!(dump(&platform, &other, "person", "1").await.is_empty());
}

#[tokio::test]
async fn records_of_every_kind_leave_when_a_whole_package_lacks_them() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let mut more = Fixture::school();
        more.add(File::Orgs, "annex,,,Annex,school,18,district")
            .add(File::AcademicSessions, "spring,,,Spring,term,2026-01-05,2026-06-30,year,2026")
            .add(File::Courses, "logic,,,year,Logic,LOG,09,school,,")
            .add(File::Classes, "class-c,,,Logic C,09,logic,C,scheduled,,school,\"year,spring\",,,")
            .add(File::Roles, "role-more,,,tina,secondary,aide,,,district,");
        bring(&platform, &tenant, &more, &any()).await.unwrap();
        // A role that goes to somebody else changes both.
        more.change(File::Roles, "role-more,,,tina", "role-more,,,grace");
        let report = bring(&platform, &tenant, &more, &any()).await.unwrap();
        assert_eq!(issues(&report), "");
        assert_eq!(
            dump(&platform, &tenant, "person", "sourced_id, version").await,
            ["grace|2", "kim|1", "sam|1", "tina|2"]
        );
        let dry = ImportSettings { dry_run: true, examples: 5, ..any() };
        let report = bring(&platform, &tenant, &Fixture::school(), &dry).await.unwrap();
        for (file, gone) in [
            (File::Orgs, "annex"),
            (File::AcademicSessions, "spring"),
            (File::Courses, "logic"),
            (File::Classes, "class-c"),
        ] {
            let shown = &report.files.iter().find(|one| one.file == file).unwrap().examples;
            let shown: Vec<_> = shown.iter().map(|one| (one.change, one.sourced_id.as_deref())).collect();
            assert_eq!(shown, [(Change::Removed, Some(gone))]);
        }
        let report = bring(&platform, &tenant, &Fixture::school(), &any()).await.unwrap();
        assert_eq!(issues(&report), "");
        for left in ["orgs", "academicSessions", "courses", "classes", "roles"] {
            let line = counts(&report).lines().find(|line| line.starts_with(left)).map(str::to_owned);
            assert!(line.as_ref().is_some_and(|line| line.ends_with("removed 1")), "{line:?}");
        }
        for (table, gone) in
            [("org", "annex"), ("academic_session", "spring"), ("course", "logic"), ("class", "class-c")]
        {
            let rows = dump(&platform, &tenant, table, "sourced_id, status").await;
            assert!(rows.contains(&format!("{gone}|tobedeleted")), "{rows:?}");
        }
        // Brought back, they go again when that is taken back, and with them what came in for the first time.
        let left = everything(&platform, &tenant).await;
        more.add(File::Courses, "ethics,,,year,Ethics,ETH,09,annex,,")
            .add(File::Classes, "class-d,,,Ethics D,09,ethics,D,scheduled,,annex,spring,,,");
        let report = bring(&platform, &tenant, &more, &any()).await.unwrap();
        assert_eq!(issues(&report), "");
        let cx = platform.cx(&tenant);
        let run = last(&platform.tenancy, &cx).await.unwrap().unwrap();
        take_back(&platform.tenancy, &cx, run.id, false).await.unwrap();
        let counting = |rows: &[String]| rows.iter().filter(|row| row.contains(",active,")).count();
        assert_eq!(counting(&everything(&platform, &tenant).await), counting(&left));
    }
}
