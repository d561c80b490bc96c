//! Rows that cannot be right: each is named, and nothing changes; or they are left out, when somebody says so.

use cloister_school::{
    import::{ImportSettings, Outcome},
    oneroster::{File, Mode},
};
use cloister_tenancy::Tier;

use crate::{
    fixture::{Fixture, bring, counts, dump, issues, platform},
    whole::{audited, everything},
};

/// Faults of many kinds, in rows and between them.
fn faulty() -> Fixture {
    let mut package = Fixture::school();
    package
        .add(File::Orgs, "annex,,,Annex,school,,nowhere")
        .add(File::Courses, "art,,,last-year,Art,ART,09,school,,")
        .add(File::Courses, "music,,,year,Music,MUS,09,conservatory,,")
        .add(File::Classes, "class-m,,,Music A,09,music,M,scheduled,,school,year,,,")
        .add(File::Classes, "class-t,,,Algebra T,09,algebra,T,scheduled,,school,\"year,winter\",,,")
        // The same name, and another person.
        .add(File::Users, "sam,,,true,other,,Other,Person,,,,,,,09,,,,,,school,")
        .add(File::Users, "lee,,,perhaps,lee,,Lee,Scholar,,,,,,,09,,,,,,school,")
        .add(File::Users, "ann,,,true,ann,,Ann,Scholar,,,,,,nanny,09,,,,,,school,")
        .add(File::Roles, "role-lee,,,lee,primary,student,,,school,")
        .add(File::Roles, "role-ann,,,ann,primary,student,2025-08-01,2024-08-01,school,")
        .add(File::Enrollments, "enr-m,,,class-m,school,kim,student,false,,")
        .add(File::Enrollments, "enr-x,,,class-x,school,ghost,student,false,,")
        .add(File::Demographics, "ghost,,,2010-02-28,other,,,,,,,,,,,");
    package
}

const FAULTS: &str = "\
error reference_unknown orgs.csv:4 parentSourcedId = nowhere | the sourcedId of a row of orgs.csv
error reference_unknown courses.csv:3 schoolYearSourcedId = last-year | the sourcedId of a row of academicSessions.csv
error reference_unknown courses.csv:4 orgSourcedId = conservatory | the sourcedId of a row of orgs.csv
warning reference_refused classes.csv:4 courseSourcedId = music | that row mended
error reference_unknown classes.csv:5 termSourcedIds = winter | the sourcedId of a row of academicSessions.csv
warning reference_refused users.csv:4 agentSourcedIds = sam | that row mended
error sourced_id_repeated users.csv:6 sourcedId = sam | each sourcedId once; this one is on line 3 too
error boolean_invalid users.csv:7 enabledUser = perhaps | true or false
error reference_unknown users.csv:8 agentSourcedIds = nanny | the sourcedId of a row of users.csv
warning reference_refused roles.csv:3 userSourcedId = sam | that row mended
warning reference_refused roles.csv:6 userSourcedId = lee | that row mended
error period_reversed roles.csv:7 endDate = 2024-08-01 | a date after 2025-08-01
warning reference_refused enrollments.csv:3 userSourcedId = sam | that row mended
warning reference_refused enrollments.csv:6 classSourcedId = class-m | that row mended
error reference_unknown enrollments.csv:7 classSourcedId = class-x | the sourcedId of a row of classes.csv
error reference_unknown enrollments.csv:7 userSourcedId = ghost | the sourcedId of a row of users.csv
warning reference_refused demographics.csv:2 sourcedId = sam | that row mended
error reference_unknown demographics.csv:4 sourcedId = ghost | the sourcedId of a row of users.csv
";

#[tokio::test]
async fn every_bad_row_is_named_and_nothing_changes() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        for mode in [Mode::Lenient, Mode::Strict] {
            let settings = ImportSettings { mode, ..ImportSettings::default() };
            let report = bring(&platform, &tenant, &faulty(), &settings).await.unwrap();
            assert_eq!(report.outcome, Outcome::Refused);
            assert_eq!(report.refusal.as_ref().unwrap().code, "package_has_errors");
            assert_eq!(issues(&report), FAULTS);
            assert_eq!((report.errors, report.warnings), (11, 7));
            assert_eq!(everything(&platform, &tenant).await, [""; 0]);
            assert_eq!(audited(&platform, &tenant).await.len(), 0);
        }
    }
}

#[tokio::test]
async fn without_the_bad_rows_the_rest_comes_in_and_nobody_leaves_for_a_bad_row() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        bring(&platform, &tenant, &Fixture::school(), &ImportSettings::default()).await.unwrap();
        let settings = ImportSettings { skip_bad_rows: true, ..ImportSettings::default() };
        let report = bring(&platform, &tenant, &faulty(), &settings).await.unwrap();
        assert_eq!(report.outcome, Outcome::Applied);
        assert_eq!(issues(&report), FAULTS);
        assert_eq!(
            counts(&report),
            "orgs created 1 unchanged 2\nacademicSessions unchanged 2\ncourses created 1 unchanged 1 skipped 1\n\
             classes unchanged 2 skipped 2\nusers created 1 changed 1 unchanged 2 skipped 3\nroles unchanged 3 skipped 3\n\
             enrollments unchanged 3 skipped 3\ndemographics unchanged 1 skipped 2\n"
        );
        // Sam, whose two rows contradict each other, is as he was, with all that is his. Who acts for Kim is not clear any more.
        assert_eq!(
            dump(&platform, &tenant, "person", "sourced_id, status, given_name, version").await,
            ["ann|active|Ann|1", "grace|active|Grace|1", "kim|active|Kim|2", "sam|active|Sam|1", "tina|active|Tina|1"]
        );
        assert_eq!(dump(&platform, &tenant, "enrollment", "status").await, ["active"; 4]);
        assert_eq!(dump(&platform, &tenant, "person_role", "status").await, ["active"; 4]);
        assert_eq!(dump(&platform, &tenant, "demographics", "status").await, ["active"; 2]);
        let before = everything(&platform, &tenant).await;
        bring(&platform, &tenant, &faulty(), &settings).await.unwrap();
        assert_eq!(everything(&platform, &tenant).await, before);
    }
}

#[tokio::test]
async fn a_row_that_cannot_even_be_named_keeps_everybody_of_its_file() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    bring(&platform, &tenant, &Fixture::school(), &ImportSettings::default()).await.unwrap();
    let mut package = Fixture::school();
    // A row with a field too many: its values may be in the wrong columns, so it has no name.
    package
        .change(File::Users, "kim,,,true,kim", "kim,,,,true,kim")
        .without(File::Users, "grace")
        .without(File::Roles, "role-grace");
    let settings = ImportSettings { skip_bad_rows: true, removal_threshold: 100, ..ImportSettings::default() };
    let report = bring(&platform, &tenant, &package, &settings).await.unwrap();
    assert_eq!(
        counts(&report),
        "orgs unchanged 2\nacademicSessions unchanged 2\ncourses unchanged 1\nclasses unchanged 2\n\
         users unchanged 2 skipped 1\nroles unchanged 3 removed 1\nenrollments unchanged 4\ndemographics unchanged 2\n"
    );
    assert_eq!(dump(&platform, &tenant, "person", "status").await, ["active"; 4]);
    // A tenant that never heard of Kim cannot tell whether she is in the row that could not be read.
    let south = platform.tenant("south", Tier::Shared).await;
    let report = bring(&platform, &south, &package, &settings).await.unwrap();
    assert_eq!(issues(&report).matches("warning reference_refused").count(), 5, "{}", issues(&report));
    assert!(!issues(&report).contains("reference_unknown"), "{}", issues(&report));
}

#[tokio::test]
async fn a_row_that_is_there_twice_is_mended_or_refused() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let mut package = Fixture::school();
    package.add(File::Enrollments, "enr-sam,,,class-a,school,sam,student,false,2025-08-01,2026-07-01");
    let strict = ImportSettings { mode: Mode::Strict, ..ImportSettings::default() };
    let report = bring(&platform, &tenant, &package, &strict).await.unwrap();
    assert_eq!(
        issues(&report),
        "error sourced_id_repeated enrollments.csv:6 sourcedId = enr-sam | each sourcedId once; this one is on line 3 too\n"
    );
    let report = bring(&platform, &tenant, &package, &ImportSettings::default()).await.unwrap();
    assert_eq!(issues(&report), "");
    assert!(counts(&report).contains("enrollments created 4\n"), "{}", counts(&report));
    let repairs: Vec<_> = report.repairs.iter().map(|repair| (repair.code, repair.count, repair.first.line)).collect();
    assert_eq!(repairs, [("row_repeated", 1, Some(6))]);
}

#[tokio::test]
async fn parents_in_a_circle_are_found() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let mut package = Fixture::school();
    bring(&platform, &tenant, &package, &ImportSettings::default()).await.unwrap();
    // The district below its own school; the school's row did not change.
    package.change(File::Orgs, "district,,,North District,district,,", "district,,,North District,district,,school");
    package.change(File::AcademicSessions, "2026-07-01,,2026", "2026-07-01,autumn,2026");
    let report = bring(&platform, &tenant, &package, &ImportSettings::default()).await.unwrap();
    assert_eq!(
        issues(&report),
        "error parents_form_circle orgs.csv:2 parentSourcedId = school | a record above, or nothing\n\
         error parents_form_circle academicSessions.csv:2 parentSourcedId = autumn | a record above, or nothing\n"
    );
    let settings = ImportSettings { skip_bad_rows: true, ..ImportSettings::default() };
    bring(&platform, &tenant, &package, &settings).await.unwrap();
    assert_eq!(dump(&platform, &tenant, "org", "sourced_id, parent_id is null").await, ["district|t", "school|f"]);
}

#[tokio::test]
async fn places_that_overlap_are_pointed_out_and_come_in() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let mut package = Fixture::school();
    package
        .add(File::Enrollments, "enr-sam-2,,,class-a,school,sam,student,false,2026-06-30,")
        .add(File::Enrollments, "enr-kim-2,,,class-a,school,kim,student,false,2026-07-01,")
        .add(File::Enrollments, "enr-kim-3,,,class-a,school,kim,teacher,false,,");
    let report = bring(&platform, &tenant, &package, &ImportSettings::default()).await.unwrap();
    assert_eq!(
        issues(&report),
        "warning enrollment_overlaps enrollments.csv:6 beginDate = 2026-06-30 | days on which they have no such place\n"
    );
    assert_eq!(report.outcome, Outcome::Applied);
}

#[tokio::test]
async fn issues_beyond_those_kept_are_counted() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let mut package = Fixture::school();
    for number in 0..30 {
        package.add(File::Enrollments, &format!("more-{number},,,class-x,school,kim,student,false,,"));
    }
    let settings = ImportSettings { issues_kept: 4, ..ImportSettings::default() };
    let report = bring(&platform, &tenant, &package, &settings).await.unwrap();
    assert_eq!((report.issues.len(), report.errors, report.warnings), (4, 30, 0));
    assert_eq!(report.issue_counts[0].count, 30);
}

#[tokio::test]
async fn a_package_that_cannot_be_understood_is_refused_before_its_rows_are_compared() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let mut package = Fixture::school();
    package.files.insert(File::Roles, Vec::new());
    let settings = ImportSettings { mode: Mode::Strict, skip_bad_rows: true, ..ImportSettings::default() };
    let report = bring(&platform, &tenant, &package, &settings).await.unwrap();
    assert_eq!(report.outcome, Outcome::Refused);
    assert!(issues(&report).contains("no_data_rows"), "{}", issues(&report));
    assert_eq!(report.files.len(), 0);
    assert_eq!(everything(&platform, &tenant).await.len(), 0);
}

#[tokio::test]
async fn a_place_that_was_never_taken_comes_in_as_it_is() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let mut package = Fixture::school();
    package
        .add(File::Enrollments, "enr-never,,,class-a,school,sam,student,false,2025-08-01,2025-08-01")
        .add(File::Roles, "role-never,,,sam,secondary,aide,2025-08-01,2025-08-01,school,")
        .add(File::AcademicSessions, "never,,,Never,term,2025-08-01,2025-08-01,year,2026");
    let report = bring(&platform, &tenant, &package, &ImportSettings::default()).await.unwrap();
    assert_eq!((report.outcome, issues(&report)), (Outcome::Applied, String::new()));
    let repaired: Vec<_> = report.repairs.iter().map(|repair| (repair.code, repair.count)).collect();
    assert_eq!(repaired, [("period_empty", 1); 3]);
}

#[tokio::test]
async fn a_manifest_alone_changes_nothing() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    bring(&platform, &tenant, &Fixture::school(), &ImportSettings::default()).await.unwrap();
    let before = everything(&platform, &tenant).await;
    let nothing = Fixture::new(cloister_school::oneroster::Version::V1_2, "bulk");
    let strict = ImportSettings { mode: Mode::Strict, ..ImportSettings::default() };
    let report = bring(&platform, &tenant, &nothing, &strict).await.unwrap();
    assert_eq!((report.outcome, report.files.len(), issues(&report)), (Outcome::Applied, 0, String::new()));
    assert_eq!(everything(&platform, &tenant).await, before);
}
