//! Records that no import made.

use cloister_ids::{AccountId, PersonId, SystemClock, Uuid};
use cloister_school::{
    import::ImportSettings,
    oneroster::{File, Version},
    person::link_account,
};
use cloister_tenancy::{TenantEntry, Tier};
use cloister_testkit::TestPlatform;

use crate::{
    fixture::{Fixture, bring, counts, dump, issues, platform},
    whole::everything,
};

/// As if somebody had entered these records here.
async fn enter(platform: &TestPlatform, tenant: &TenantEntry, table: &str, sourced_id: &str) {
    let placement = tenant.placement.as_ref().unwrap();
    let client = platform.admin(&placement.database).await;
    let text = format!(
        "update \"{}\".{table} set source = 'manual' where tenant_id = $1 and sourced_id = $2",
        placement.schema
    );
    assert_eq!(client.execute(&text, &[&tenant.id, &sourced_id]).await.unwrap(), 1);
}

#[tokio::test]
async fn a_package_neither_changes_nor_removes_them_and_may_refer_to_them() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        bring(&platform, &tenant, &Fixture::school(), &ImportSettings::default()).await.unwrap();
        enter(&platform, &tenant, "person", "sam").await;
        enter(&platform, &tenant, "person", "grace").await;
        let before = everything(&platform, &tenant).await;
        let mut package = Fixture::school();
        // One would be changed, the other removed; a class and a role still lead to them.
        package.change(File::Users, "Sam,O'Neill", "Samuel,Scholar").without(File::Users, "grace");
        let report = bring(&platform, &tenant, &package, &ImportSettings::default()).await.unwrap();
        assert_eq!(
            issues(&report),
            "warning record_kept users.csv:3 sourcedId = sam | nothing; or take such records over, and imports keep them \
             from then on\n"
        );
        assert!(counts(&report).contains("users unchanged 2 kept 1\nroles unchanged 4\n"), "{}", counts(&report));
        assert_eq!(everything(&platform, &tenant).await, before);

        // A delta that deletes one of them does not.
        let mut delta = Fixture::new(Version::V1_2, "delta");
        delta.rows(File::Users, &["sam,tobedeleted,2025-10-01T12:00:00Z,true,sam,,Sam,O'Neill,,,,,,,,,,,,,,"]);
        let report = bring(&platform, &tenant, &delta, &ImportSettings::default()).await.unwrap();
        assert_eq!(counts(&report), "users kept 1\n");
        assert_eq!(everything(&platform, &tenant).await, before);

        let adopt = ImportSettings { adopt: true, ..ImportSettings::default() };
        let report = bring(&platform, &tenant, &package, &adopt).await.unwrap();
        assert_eq!(issues(&report), "");
        assert!(counts(&report).contains("users changed 1 unchanged 2\n"), "{}", counts(&report));
        assert_eq!(
            dump(&platform, &tenant, "person", "sourced_id, given_name, source, status").await,
            [
                "grace|Grace|manual|active",
                "kim|Kim|import|active",
                "sam|Samuel|import|active",
                "tina|Tina|import|active"
            ]
        );
        // Taken over, it leaves with its row.
        let mut delta = Fixture::new(Version::V1_2, "delta");
        delta.rows(File::Users, &["grace,tobedeleted,2025-10-01T12:00:00Z,true,sam,,Sam,O'Neill,,,,,,,,,,,,,,"]);
        let report = bring(&platform, &tenant, &delta, &adopt).await.unwrap();
        assert_eq!(counts(&report), "users removed 1\n");
    }
}

#[tokio::test]
async fn an_account_stays_tied_to_its_person_whatever_is_imported() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        bring(&platform, &tenant, &Fixture::school(), &ImportSettings::default()).await.unwrap();
        let sam = dump(&platform, &tenant, "person", "sourced_id, id").await;
        let sam: Uuid = sam.iter().find_map(|row| row.strip_prefix("sam|")).unwrap().parse().unwrap();
        let account = AccountId::generate(&SystemClock);
        let mut tx = platform.tenancy.write(&platform.cx(&tenant)).await.unwrap();
        assert!(link_account(&mut tx, PersonId::from_uuid(sam), account).await.unwrap());
        tx.commit().await.unwrap();
        let tied = async || {
            let rows = dump(&platform, &tenant, "person", "sourced_id, account_id, given_name, status").await;
            rows.into_iter().find(|row| row.starts_with("sam|")).unwrap()
        };
        let (mut changed, mut without) = (Fixture::school(), Fixture::school());
        changed.change(File::Users, "Sam,O'Neill", "Samuel,Scholar");
        without.without(File::Users, "sam").without(File::Roles, "role-sam").without(File::Enrollments, "enr-sam");
        without.without(File::Demographics, "sam").change(File::Users, "\"grace,sam\"", "grace");
        let all = ImportSettings { adopt: true, removal_threshold: 100, ..ImportSettings::default() };
        for (package, given, status) in [
            (&changed, "Samuel", "active"),
            (&Fixture::school(), "Sam", "active"),
            (&without, "Sam", "tobedeleted"),
            (&changed, "Samuel", "active"),
        ] {
            let report = bring(&platform, &tenant, package, &all).await.unwrap();
            assert_eq!(issues(&report), "");
            assert_eq!(tied().await, format!("sam|{}|{given}|{status}", account.uuid()));
        }
    }
}

#[tokio::test]
async fn a_primary_role_that_somebody_entered_stays_the_primary_one() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    bring(&platform, &tenant, &Fixture::school(), &ImportSettings::default()).await.unwrap();
    enter(&platform, &tenant, "person_role", "role-tina").await;
    let mut package = Fixture::school();
    package.change(File::Roles, "role-tina,", "role-tina-too,");
    for _ in 0..2 {
        let report = bring(&platform, &tenant, &package, &ImportSettings::default()).await.unwrap();
        assert_eq!(
            issues(&report),
            "warning primary_role_kept roles.csv:2 roleType = primary | secondary, or no longer role-tina\n"
        );
        assert_eq!(
            dump(&platform, &tenant, "person_role", "sourced_id, role_type, version, source").await[3..],
            ["role-tina-too|secondary|1|import", "role-tina|primary|1|manual"]
        );
    }
}
