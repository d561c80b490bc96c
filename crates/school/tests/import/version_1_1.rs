//! Packages of OneRoster 1.1, where roles come with their users.

use cloister_school::{
    import::{ImportSettings, Outcome},
    oneroster::{File, Version},
};
use cloister_tenancy::Tier;

use crate::{
    fixture::{Fixture, bring, counts, dump, issues, platform},
    whole::everything,
};

/// The school in the words of 1.1.
fn school() -> Fixture {
    let mut package = Fixture::school();
    package.version = Version::V1_1;
    package.files.remove(&File::Roles);
    package.rows(
        File::Users,
        &[
            "tina,,,true,\"school,district\",teacher,tina,,Tina,Tutor,,,,,,,,",
            "sam,,,true,school,student,sam,,Sam,O'Neill,,,,,,grace,09,",
            "kim,,,true,school,student,kim,,Kim,Łukasz,,,,,,\"grace,sam\",09,",
            "grace,,,false,school,guardian,grace,,Grace,Scholar,,,,,,,,",
        ],
    );
    package
}

fn any() -> ImportSettings {
    ImportSettings { removal_threshold: 100, ..ImportSettings::default() }
}

const ROLES: &str = "sourced_id, role, role_type, status";

#[tokio::test]
async fn roles_come_and_go_with_their_users() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let report = bring(&platform, &tenant, &school(), &any()).await.unwrap();
        assert_eq!(issues(&report), "");
        assert!(counts(&report).contains("users created 4\nroles created 5\n"), "{}", counts(&report));
        let derived: Vec<_> =
            report.files.iter().filter(|file| file.derived).map(|file| (file.name.as_str(), file.rows)).collect();
        assert_eq!(derived, [("users.csv", 5)]);
        assert_eq!(
            dump(&platform, &tenant, "person_role", ROLES).await,
            [
                "grace:school:guardian|guardian|primary|active",
                "kim:school:student|student|primary|active",
                "sam:school:student|student|primary|active",
                "tina:district:teacher|teacher|primary|active",
                "tina:school:teacher|teacher|primary|active"
            ]
        );
        let before = everything(&platform, &tenant).await;
        bring(&platform, &tenant, &school(), &any()).await.unwrap();
        assert_eq!(everything(&platform, &tenant).await, before);

        // In a delta the roles that follow a user are all of that user's, and nobody else's.
        let mut delta = Fixture::new(Version::V1_1, "delta");
        delta.rows(File::Users, &["tina,active,2025-10-01T12:00:00Z,true,school,aide,tina,,Tina,Tutor,,,,,,,,"]);
        let report = bring(&platform, &tenant, &delta, &any()).await.unwrap();
        assert_eq!(counts(&report), "users changed 1\nroles created 1 removed 2\n");
        assert_eq!(
            dump(&platform, &tenant, "person_role", ROLES).await[3..],
            [
                "tina:district:teacher|teacher|primary|tobedeleted",
                "tina:school:aide|aide|primary|active",
                "tina:school:teacher|teacher|primary|tobedeleted"
            ]
        );
        let mut delta = Fixture::new(Version::V1_1, "delta");
        delta.rows(File::Users, &["grace,tobedeleted,2025-10-01T12:00:00Z,,,,,,,,,,,,,,,"]);
        let report = bring(&platform, &tenant, &delta, &any()).await.unwrap();
        assert_eq!(counts(&report), "users removed 1\nroles removed 1\n");

        let mut package = school();
        package.without(File::Users, "kim").without(File::Enrollments, "enr-kim").without(File::Demographics, "kim");
        let report = bring(&platform, &tenant, &package, &any()).await.unwrap();
        assert!(counts(&report).contains("users changed 2 unchanged 1 removed 1\n"), "{}", counts(&report));
        assert!(counts(&report).contains("roles changed 3 unchanged 1 removed 2\n"), "{}", counts(&report));
    }
}

#[tokio::test]
async fn an_unknown_organisation_is_a_fault_of_the_users_row() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    bring(&platform, &tenant, &school(), &any()).await.unwrap();
    let mut package = school();
    package.change(File::Users, "kim,,,true,school", "kim,,,true,\"school,annex\"");
    let report = bring(&platform, &tenant, &package, &any()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Refused);
    assert_eq!(
        issues(&report),
        "error reference_unknown users.csv:4 orgSourcedIds = annex | the sourcedId of a row of orgs.csv\n\
         warning reference_refused enrollments.csv:4 userSourcedId = kim | that row mended\n\
         warning reference_refused enrollments.csv:5 userSourcedId = kim | that row mended\n\
         warning reference_refused demographics.csv:3 sourcedId = kim | that row mended\n"
    );
    // Without the row she stays as she is, roles and places and all.
    let before = everything(&platform, &tenant).await;
    let settings = ImportSettings { skip_bad_rows: true, ..any() };
    let report = bring(&platform, &tenant, &package, &settings).await.unwrap();
    assert!(
        counts(&report).contains("users unchanged 3 skipped 1\nroles unchanged 4 skipped 2\n"),
        "{}",
        counts(&report)
    );
    assert_eq!(everything(&platform, &tenant).await, before);
}

#[tokio::test]
async fn what_1_1_has_no_column_for_stays() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    bring(&platform, &tenant, &Fixture::school(), &any()).await.unwrap();
    let report = bring(&platform, &tenant, &school(), &any()).await.unwrap();
    assert_eq!(issues(&report), "");
    // The roles of 1.2 had names of their own; those of 1.1 take their places.
    assert!(counts(&report).contains("roles created 5 removed 4\n"), "{}", counts(&report));
    assert_eq!(
        dump(&platform, &tenant, "person", "sourced_id, pronouns").await,
        ["grace", "kim", "sam|they/them", "tina"]
    );
}
