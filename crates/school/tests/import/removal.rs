//! What leaves, what comes back, and how much may leave at once.

use cloister_school::{
    import::{ImportSettings, Outcome},
    oneroster::{File, FileMode},
};
use cloister_tenancy::Tier;

use crate::{
    fixture::{Fixture, bring, counts, dump, issues, platform},
    whole::everything,
};

fn any() -> ImportSettings {
    ImportSettings { removal_threshold: 100, ..ImportSettings::default() }
}

/// Without Kim and all that is hers.
fn without_kim() -> Fixture {
    let mut package = Fixture::school();
    package
        .without(File::Users, "kim")
        .without(File::Roles, "role-kim")
        .without(File::Enrollments, "enr-kim")
        .without(File::Demographics, "kim");
    package
}

#[tokio::test]
async fn who_is_missing_from_a_bulk_file_is_deleted_and_may_come_back() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        bring(&platform, &tenant, &Fixture::school(), &any()).await.unwrap();
        let report = bring(&platform, &tenant, &without_kim(), &any()).await.unwrap();
        assert_eq!(issues(&report), "");
        assert_eq!(
            counts(&report),
            "orgs unchanged 2\nacademicSessions unchanged 2\ncourses unchanged 1\nclasses unchanged 2\n\
             users unchanged 3 removed 1\nroles unchanged 3 removed 1\nenrollments unchanged 2 removed 2\n\
             demographics unchanged 1 removed 1\n"
        );
        let kim = "sourced_id, status, version";
        let person = || dump(&platform, &tenant, "person", kim);
        assert_eq!(person().await[1], "kim|tobedeleted|2");
        assert_eq!(
            dump(&platform, &tenant, "enrollment", kim).await[..2],
            ["enr-kim-b|tobedeleted|2", "enr-kim|tobedeleted|2"]
        );
        assert_eq!(dump(&platform, &tenant, "demographics", "status, birth_date").await[1], "tobedeleted|2010-03-01");

        // Gone is gone: again changes nothing.
        let before = everything(&platform, &tenant).await;
        bring(&platform, &tenant, &without_kim(), &any()).await.unwrap();
        assert_eq!(everything(&platform, &tenant).await, before);

        let report = bring(&platform, &tenant, &Fixture::school(), &any()).await.unwrap();
        assert!(counts(&report).contains("users changed 1 unchanged 3\n"), "{}", counts(&report));
        assert!(counts(&report).contains("demographics changed 1 unchanged 1\n"), "{}", counts(&report));
        assert_eq!(person().await[1], "kim|active|3");
    }
}

#[tokio::test]
async fn files_that_are_absent_change_nothing_and_demographics_follow_their_person() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    bring(&platform, &tenant, &Fixture::school(), &any()).await.unwrap();
    let mut users = Fixture::new(cloister_school::oneroster::Version::V1_2, "bulk");
    users.files.insert(File::Users, without_kim().files[&File::Users].clone());
    let report = bring(&platform, &tenant, &users, &any()).await.unwrap();
    assert_eq!(counts(&report), "users unchanged 3 removed 1\ndemographics removed 1\n");
    assert_eq!(report.files[1].mode, FileMode::Absent);
    assert_eq!(dump(&platform, &tenant, "enrollment", "status").await, ["active"; 4]);
    assert_eq!(dump(&platform, &tenant, "demographics", "birth_date, status").await[1], "2010-03-01|tobedeleted");

    users.files.insert(File::Users, Fixture::school().files[&File::Users].clone());
    let report = bring(&platform, &tenant, &users, &any()).await.unwrap();
    assert_eq!(counts(&report), "users changed 1 unchanged 3\n");
    assert_eq!(
        dump(&platform, &tenant, "demographics", "birth_date, status, version").await,
        ["2010-02-28|active|1", "2010-03-01|active|3"]
    );
}

#[tokio::test]
async fn a_set_that_would_remove_too_much_is_refused_until_told() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        bring(&platform, &tenant, &Fixture::school(), &any()).await.unwrap();
        let before = everything(&platform, &tenant).await;
        let report = bring(&platform, &tenant, &without_kim(), &ImportSettings::default()).await.unwrap();
        assert_eq!(report.outcome, Outcome::Refused);
        let refusal = report.refusal.unwrap();
        assert_eq!(refusal.code, "removal_threshold_exceeded");
        let over: Vec<_> =
            refusal.removals.iter().map(|over| (over.file, over.removed, over.active, over.percent)).collect();
        assert_eq!(
            over,
            [
                (File::Users, 1, 4, 25.0),
                (File::Roles, 1, 4, 25.0),
                (File::Enrollments, 2, 4, 50.0),
                (File::Demographics, 1, 2, 50.0)
            ]
        );
        assert_eq!(everything(&platform, &tenant).await, before);
        // As much as is allowed is allowed.
        let settings = ImportSettings { removal_threshold: 50, ..ImportSettings::default() };
        let report = bring(&platform, &tenant, &without_kim(), &settings).await.unwrap();
        assert_eq!(report.outcome, Outcome::Applied);
        let none = ImportSettings { removal_threshold: 0, ..ImportSettings::default() };
        let mut package = without_kim();
        let report = bring(&platform, &tenant, &package, &none).await.unwrap();
        assert_eq!(report.outcome, Outcome::Applied);
        package.without(File::Classes, "class-b");
        let report = bring(&platform, &tenant, &package, &none).await.unwrap();
        assert_eq!(report.refusal.unwrap().removals[0].removed, 1);
    }
}

#[tokio::test]
async fn a_delta_changes_what_it_names() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        bring(&platform, &tenant, &Fixture::school(), &any()).await.unwrap();
        let mut delta = Fixture::new(cloister_school::oneroster::Version::V1_2, "delta");
        let at = "2025-10-01T12:00:00.250Z";
        let row = |text: &str| text.replace("AT", at);
        delta
            .rows(
                File::Users,
                &[
                    &row("sam,active,AT,true,samuel,,Sam,O'Neill,,,,,,grace,09,,,,,,school,they/them"),
                    &row("grace,tobedeleted,AT,false,grace,,Grace,Scholar,,,,,,,,,,,,,,"),
                    &row("nobody,tobedeleted,AT,false,nobody,,No,Body,,,,,,,,,,,,,,"),
                ],
            )
            .rows(
                File::Enrollments,
                &[
                    // Refers to records that are not in the package.
                    &row("enr-sam-b,active,AT,class-b,school,sam,student,false,2025-10-01,"),
                    &row("enr-kim-b,tobedeleted,AT,class-b,school,kim,student,false,,"),
                ],
            );
        // A guardian who is deleted by the same package is no longer there to act for somebody.
        let report = bring(&platform, &tenant, &delta, &ImportSettings::default()).await.unwrap();
        assert_eq!(
            issues(&report),
            "error reference_deleted users.csv:2 agentSourcedIds = grace | a record that is active\n"
        );
        delta.change(File::Users, "grace,09", ",09");
        let report = bring(&platform, &tenant, &delta, &ImportSettings::default()).await.unwrap();
        assert_eq!(issues(&report), "");
        assert_eq!(counts(&report), "users changed 1 unchanged 1 removed 1\nenrollments created 1 removed 1\n");
        assert_eq!(
            dump(
                &platform,
                &tenant,
                "person",
                "sourced_id, status, username, date_last_modified = '2025-10-01 12:00:00.25Z'"
            )
            .await,
            ["grace|tobedeleted|grace|t", "kim|active|kim|f", "sam|active|samuel|t", "tina|active|tina|f"]
        );
        assert_eq!(
            dump(&platform, &tenant, "enrollment", "sourced_id, status").await,
            ["enr-kim-b|tobedeleted", "enr-kim|active", "enr-sam-b|active", "enr-sam|active", "enr-tina|active"]
        );
        assert_eq!(dump(&platform, &tenant, "contact", "status").await, ["active", "active", "tobedeleted"]);
        let before = everything(&platform, &tenant).await;
        let report = bring(&platform, &tenant, &delta, &ImportSettings::default()).await.unwrap();
        assert_eq!(counts(&report), "users unchanged 3\nenrollments unchanged 2\n");
        assert_eq!(everything(&platform, &tenant).await, before);
    }
}
