//! A person has one primary role in an organisation.

use cloister_school::{
    import::{ImportSettings, Outcome},
    oneroster::{File, Mode, Version},
};
use cloister_tenancy::Tier;

use crate::fixture::{Fixture, bring, dump, issues, platform};

const ROLES: &str = "sourced_id, role, role_type, status";

#[tokio::test]
async fn a_second_one_is_secondary_or_an_error() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let mut package = Fixture::school();
    package.add(File::Roles, "role-tina-2,,,tina,primary,counselor,,,school,");
    let strict = ImportSettings { mode: Mode::Strict, ..ImportSettings::default() };
    let report = bring(&platform, &tenant, &package, &strict).await.unwrap();
    assert_eq!(
        issues(&report),
        "error primary_role_repeated roles.csv:6 roleType = primary | secondary; line 2 is the primary role of this person there\n"
    );
    for _ in 0..2 {
        let report = bring(&platform, &tenant, &package, &ImportSettings::default()).await.unwrap();
        assert_eq!((report.outcome, report.repairs[0].code), (Outcome::Applied, "primary_role_repeated"));
        assert_eq!(
            dump(&platform, &tenant, "person_role", "sourced_id, role_type, version").await[3..],
            ["role-tina-2|secondary|1", "role-tina|primary|1"]
        );
    }
}

#[tokio::test]
async fn roles_change_places() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let mut package = Fixture::school();
        package
            .add(File::Roles, "role-tina-2,,,tina,secondary,counselor,,,school,")
            .add(File::Roles, "role-tina-3,,,tina,primary,aide,,,district,");
        bring(&platform, &tenant, &package, &ImportSettings::default()).await.unwrap();
        let mut package = Fixture::school();
        package
            .without(File::Roles, "role-tina")
            // The two primary ones change organisations, and a new one takes what a third leaves.
            .add(File::Roles, "role-tina,,,tina,primary,teacher,,,district,")
            .add(File::Roles, "role-tina-2,,,tina,primary,counselor,,,school,")
            .add(File::Roles, "role-tina-3,,,tina,secondary,aide,,,school,");
        let report = bring(&platform, &tenant, &package, &ImportSettings::default()).await.unwrap();
        assert_eq!(issues(&report), "");
        assert_eq!(
            dump(&platform, &tenant, "person_role", "sourced_id, role_type, version").await[3..],
            ["role-tina-2|primary|2", "role-tina-3|secondary|2", "role-tina|primary|2"]
        );
        // One leaves, another takes its place.
        let mut package = Fixture::school();
        package.without(File::Roles, "role-tina").add(File::Roles, "role-tina-4,,,tina,primary,principal,,,school,");
        let settings = ImportSettings { removal_threshold: 100, ..ImportSettings::default() };
        let report = bring(&platform, &tenant, &package, &settings).await.unwrap();
        assert_eq!(issues(&report), "");
        assert_eq!(
            dump(&platform, &tenant, "person_role", ROLES).await[3..],
            [
                "role-tina-2|counselor|primary|tobedeleted",
                "role-tina-3|aide|secondary|tobedeleted",
                "role-tina-4|principal|primary|active",
                "role-tina|teacher|primary|tobedeleted"
            ]
        );
    }
}

#[tokio::test]
async fn a_delta_does_not_push_aside_what_it_does_not_name() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    bring(&platform, &tenant, &Fixture::school(), &ImportSettings::default()).await.unwrap();
    let mut delta = Fixture::new(Version::V1_2, "delta");
    delta.rows(File::Roles, &["role-new,active,2025-10-01T12:00:00Z,tina,primary,principal,,,school,"]);
    let strict = ImportSettings { mode: Mode::Strict, ..ImportSettings::default() };
    let report = bring(&platform, &tenant, &delta, &strict).await.unwrap();
    assert_eq!(
        issues(&report),
        "error primary_role_repeated roles.csv:2 roleType = primary | secondary; role-tina is the primary role of this person there\n"
    );
    // It takes the place when it names who had it.
    delta.add(File::Roles, "role-tina,active,2025-10-01T12:00:00Z,tina,secondary,teacher,2025-08-01,,school,");
    let report = bring(&platform, &tenant, &delta, &strict).await.unwrap();
    assert_eq!(issues(&report), "");
    let roles = dump(&platform, &tenant, "person_role", "sourced_id, role_type").await;
    assert_eq!((roles[2].as_str(), roles[4].as_str()), ("role-new|primary", "role-tina|secondary"));
}
