//! Whole packages in every tier.

use cloister_school::{
    import::{ImportSettings, Outcome},
    oneroster::File,
};
use serde_json::Value;

use crate::fixture::{Fixture, bring, counts, dump, issues, platform};

/// Every table of the roster with every column.
const TABLES: &[&str] = &[
    "org",
    "academic_session",
    "course",
    "class",
    "class_term",
    "person",
    "person_role",
    "contact",
    "enrollment",
    "demographics",
];

/// Every record, whole.
pub(crate) async fn everything(
    platform: &cloister_testkit::TestPlatform,
    tenant: &cloister_tenancy::TenantEntry,
) -> Vec<String> {
    let mut all = Vec::new();
    for table in TABLES {
        let rows = dump(platform, tenant, table, "t").await;
        all.extend(rows.into_iter().map(|row| format!("{table} {row}")));
    }
    all
}

#[tokio::test]
async fn a_school_comes_in_once_in_every_tier() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let report = bring(&platform, &tenant, &Fixture::school(), &ImportSettings::default()).await.unwrap();
        assert_eq!(issues(&report), "");
        assert_eq!(report.outcome, Outcome::Applied);
        assert_eq!(
            counts(&report),
            "orgs created 2\nacademicSessions created 2\ncourses created 1\nclasses created 2\nusers created 4\n\
             roles created 4\nenrollments created 4\ndemographics created 2\n"
        );
        let people = dump(&platform, &tenant, "person", "sourced_id, name_search, user_ids, grades, version").await;
        assert_eq!(
            people,
            [
                "grace|scholar grace|[]|{}|1",
                "kim|lukasz kim|[]|{09}|1",
                "sam|oneill sam|[]|{09}|1",
                "tina|tutor tina|[{\"type\": \"LDAP\", \"identifier\": \"tina\"}, {\"type\": \"SIS\", \"identifier\": \
                 \"7\"}]|{}|1",
            ]
        );
        let agents = "(select p.sourced_id from person p where p.id = t.student_id), \
                      (select p.sourced_id from person p where p.id = t.contact_id), relation, status, source, version";
        let agents = agents.replace("from person", &format!("from \"{}\".person", schema(&tenant)));
        assert_eq!(
            dump(&platform, &tenant, "contact", &agents).await,
            [
                "kim|grace|guardian|active|import|1",
                "kim|sam|other|active|import|1",
                "sam|grace|guardian|active|import|1",
            ]
        );
        assert_eq!(dump(&platform, &tenant, "class_term", "1").await.len(), 3);
        let enrollments = dump(&platform, &tenant, "enrollment", "sourced_id, role, is_primary, begin_date, end_date");
        assert_eq!(enrollments.await[3], "enr-tina|teacher|t|2025-08-01|2026-07-01");

        let before = everything(&platform, &tenant).await;
        let again = bring(&platform, &tenant, &Fixture::school(), &ImportSettings::default()).await.unwrap();
        assert_eq!(
            counts(&again),
            "orgs unchanged 2\nacademicSessions unchanged 2\ncourses unchanged 1\nclasses unchanged 2\nusers unchanged 4\n\
             roles unchanged 4\nenrollments unchanged 4\ndemographics unchanged 2\n"
        );
        assert_eq!(everything(&platform, &tenant).await, before);
        let audit = audited(&platform, &tenant).await;
        assert_eq!(audit.len(), 2);
        assert_eq!(audit[0]["files"]["users"]["created"], 4);
        assert_eq!(audit[1]["files"]["users"]["unchanged"], 4);
    }
}

fn schema(tenant: &cloister_tenancy::TenantEntry) -> &str {
    &tenant.placement.as_ref().unwrap().schema
}

/// What the audit log has of imports.
pub(crate) async fn audited(
    platform: &cloister_testkit::TestPlatform,
    tenant: &cloister_tenancy::TenantEntry,
) -> Vec<Value> {
    let client = platform.admin(&tenant.placement.as_ref().unwrap().database).await;
    let text = "select changes from cloister.audit where tenant_id = $1 and action = 'import' \
                and resource = 'school.roster' order by id";
    client.query(text, &[&tenant.id]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn what_differs_is_changed_and_nothing_else() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let settings = ImportSettings::default();
        bring(&platform, &tenant, &Fixture::school(), &settings).await.unwrap();
        let mut package = Fixture::school();
        package
            .change(File::Orgs, "North School", "North Park School")
            .change(File::AcademicSessions, "2025-12-20", "2025-12-19")
            .change(File::Courses, "\"09,10\"", "09")
            // Other terms, the same class otherwise.
            .change(File::Classes, "\"year,autumn\"", "autumn")
            // One guardian fewer.
            .change(File::Users, "\"grace,sam\"", "grace")
            .add(File::Users, "lee,,,true,lee,,Lee,Scholar,,,,,,grace,09,,,,,,school,")
            // A role that changes; its person's own row does not.
            .change(File::Roles, "role-tina,,,tina,primary,teacher", "role-tina,,,tina,primary,principal")
            .add(File::Roles, "role-lee,,,lee,primary,student,,,school,")
            .change(File::Enrollments, "kim,student,false,,", "kim,student,false,2025-09-01,")
            .change(File::Demographics, "Wellington", "Auckland");
        let report = bring(&platform, &tenant, &package, &settings).await.unwrap();
        assert_eq!(issues(&report), "");
        assert_eq!(
            counts(&report),
            "orgs changed 1 unchanged 1\nacademicSessions changed 1 unchanged 1\ncourses changed 1\n\
             classes changed 1 unchanged 1\nusers created 1 changed 1 unchanged 3\nroles created 1 changed 1 unchanged 3\n\
             enrollments changed 1 unchanged 3\ndemographics changed 1 unchanged 1\n"
        );
        assert_eq!(
            dump(&platform, &tenant, "org", "sourced_id, name_search, version").await[1],
            "school|north park school|2"
        );
        assert_eq!(dump(&platform, &tenant, "class", "sourced_id, version").await, ["class-a|2", "class-b|1"]);
        assert_eq!(dump(&platform, &tenant, "class_term", "1").await.len(), 2);
        assert_eq!(
            dump(&platform, &tenant, "contact", "status, relation, version").await,
            ["active|guardian|1", "active|guardian|1", "active|guardian|1", "tobedeleted|other|2"]
        );
        // Tina's version grew with her role's, which is part of what is read as Tina.
        assert_eq!(
            dump(&platform, &tenant, "person", "sourced_id, version").await,
            ["grace|1", "kim|2", "lee|1", "sam|1", "tina|2"]
        );
        assert_eq!(
            dump(&platform, &tenant, "person_role", "sourced_id, role, version").await,
            [
                "role-grace|guardian|1",
                "role-kim|student|1",
                "role-lee|student|1",
                "role-sam|student|1",
                "role-tina|principal|2"
            ]
        );
    }
}

#[tokio::test]
async fn two_tenants_of_one_table_have_each_their_own_records() {
    let platform = platform().await;
    let north = platform.tenant("north", cloister_tenancy::Tier::Shared).await;
    let south = platform.tenant("south", cloister_tenancy::Tier::Shared).await;
    let settings = ImportSettings::default();
    bring(&platform, &north, &Fixture::school(), &settings).await.unwrap();
    let before = everything(&platform, &north).await;
    let report = bring(&platform, &south, &Fixture::school(), &settings).await.unwrap();
    assert!(counts(&report).starts_with("orgs created 2\n"));
    // A reference to a record that only the other has leads nowhere; a set that lacks what the other has removes nothing there.
    bring(&platform, &north, Fixture::school().add(File::Orgs, "annex,,,Annex,school,,district"), &settings)
        .await
        .unwrap();
    let mut package = Fixture::school();
    package.add(File::Courses, "art,,,year,Art,ART,09,annex,,").without(File::Demographics, "kim");
    let report = bring(&platform, &south, &package, &settings).await.unwrap();
    assert_eq!(
        issues(&report),
        "error reference_unknown courses.csv:3 orgSourcedId = annex | the sourcedId of a row of orgs.csv\n"
    );
    let mut after = everything(&platform, &north).await;
    after.retain(|row| !row.contains("annex"));
    assert_eq!(after, before);
}
