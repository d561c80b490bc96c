//! What somebody changes while an import compares is not overwritten.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use cloister_school::{
    import::{ImportReport, ImportSettings, Observer, Outcome, Phase, import},
    oneroster::File,
};
use cloister_tenancy::{ErrorKind, Result, TenantEntry};
use cloister_testkit::TestPlatform;

use crate::{
    fixture::{Fixture, bring, counts, dump, platform},
    whole::everything,
};

/// Writes a record, as somebody at the next desk does, when the import is about to write.
struct Desk<'a> {
    platform: &'a TestPlatform,
    tenant: Arc<TenantEntry>,
    /// Table, `sourced_id` and what is set.
    writes: Mutex<Option<[&'static str; 3]>>,
}

impl Observer for Desk<'_> {
    fn progress(&self, phase: Phase, step: u64, _: u64, _: &'static str) {
        if (phase, step) != (Phase::Merging, 1) {
            return;
        }
        let Some([table, sourced_id, set]) = self.writes.lock().unwrap().take() else { return };
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                let placement = self.tenant.placement.as_ref().unwrap();
                let client = self.platform.admin(&placement.database).await;
                let text = format!(
                    "update \"{}\".{table} set {set}, version = version + 1 where tenant_id = $1 and sourced_id = $2",
                    placement.schema
                );
                assert_eq!(client.execute(&text, &[&self.tenant.id, &sourced_id]).await.unwrap(), 1);
            });
        });
    }
}

async fn bring_beside(
    platform: &TestPlatform,
    tenant: &Arc<TenantEntry>,
    package: &Fixture,
    writes: [&'static str; 3],
) -> Result<ImportReport> {
    let desk = Desk { platform, tenant: tenant.clone(), writes: Mutex::new(Some(writes)) };
    let settings = ImportSettings { removal_threshold: 100, ..ImportSettings::default() };
    let ended = import(&platform.tenancy, &platform.cx(tenant), package.open(), &settings, &desk).await;
    assert!(desk.writes.lock().unwrap().is_none(), "it never came to its merge");
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_meanwhile_stays_and_the_package_is_compared_again_in_every_tier() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        bring(&platform, &tenant, &Fixture::school(), &ImportSettings::default()).await.unwrap();
        let mut package = Fixture::school();
        package.change(File::Users, "Sam,O'Neill", "Samuel,O'Neill").without(File::Enrollments, "enr-kim-b");
        for (writes, columns, there) in [
            // One that the package changes, one that it removes, and a place of its own.
            (["person", "sam", "phone = '555'"], "sourced_id, given_name, phone", "sam|Sam|555"),
            (["enrollment", "enr-kim-b", "is_primary = true"], "sourced_id, status, is_primary", "enr-kim-b|active|t"),
        ] {
            let refused = bring_beside(&platform, &tenant, &package, writes).await.unwrap_err();
            assert_eq!((refused.code(), refused.kind()), ("roster_changed", ErrorKind::Unavailable), "{writes:?}");
            let rows = dump(&platform, &tenant, writes[0], columns).await;
            assert!(rows.iter().any(|row| row == there), "{}: {there} in {rows:#?}", tenant.tier);
        }
        // Nothing else was written either: no other record has moved on.
        let versions = dump(&platform, &tenant, "person", "sourced_id, version").await;
        assert_eq!(versions, ["grace|1", "kim|1", "sam|2", "tina|1"], "{}", tenant.tier);

        // What the package does not touch stands in nobody's way.
        let report = bring_beside(&platform, &tenant, &package, ["person", "tina", "phone = '556'"]).await.unwrap();
        assert_eq!(report.outcome, Outcome::Applied);
        assert!(counts(&report).contains("users changed 1 unchanged 3\n"), "{}", counts(&report));
        let people = dump(&platform, &tenant, "person", "sourced_id, given_name, phone").await;
        assert_eq!(people, ["grace|Grace", "kim|Kim", "sam|Samuel", "tina|Tina|556"], "{}", tenant.tier);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_not_yet_committed_is_waited_for() {
    let platform = platform().await;
    let tenant = platform.tenant("north", cloister_tenancy::Tier::Database).await;
    bring(&platform, &tenant, &Fixture::school(), &ImportSettings::default()).await.unwrap();
    let placement = tenant.placement.as_ref().unwrap();
    let mut client = platform.admin(&placement.database).await;
    let text = format!(
        "update \"{}\".person set phone = '555', version = version + 1 where tenant_id = $1 and sourced_id = 'sam'",
        placement.schema
    );
    let writing = client.transaction().await.unwrap();
    assert_eq!(writing.execute(&text, &[&tenant.id]).await.unwrap(), 1);
    let importing = {
        let (tenancy, cx) = (platform.tenancy.clone(), platform.cx(&tenant));
        let mut package = Fixture::school();
        package.change(File::Users, "Sam,O'Neill", "Samuel,O'Neill");
        tokio::spawn(async move { import(&tenancy, &cx, package.open(), &ImportSettings::default(), &()).await })
    };
    let watcher = platform.admin(&placement.database).await;
    let waits = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    while watcher.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        assert!(!importing.is_finished(), "it did not wait");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    writing.commit().await.unwrap();
    assert_eq!(importing.await.unwrap().unwrap_err().code(), "roster_changed");
    let people = dump(&platform, &tenant, "person", "sourced_id, given_name, phone").await;
    assert!(people.contains(&"sam|Sam|555".to_owned()), "{people:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_left_meanwhile_gets_a_place_in_every_tier() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let settings = ImportSettings::default();
        bring(&platform, &tenant, &Fixture::school(), &settings).await.unwrap();
        for (file, row, who) in [
            (File::Enrollments, "enr-new,,,class-b,school,tina,teacher,false,,", "tina"),
            (File::Roles, "role-new,,,tina,secondary,aide,,,school,", "tina"),
            (File::Demographics, "tina,,,1980-03-01,female,,,,,,,,,,,", "tina"),
            (File::Users, "lee,,,true,lee,,Lee,New,,,,,,tina,09,,,,,,school,", "tina"),
            (File::Users, "sam,,,true,sam,,Sam,O'Neill,,,,,,\"grace,tina\",09,,,,,,school,they/them", "tina"),
        ] {
            let mut package = Fixture::school();
            if row.starts_with("sam,") {
                package.without(File::Users, "sam,");
            }
            package.add(file, row);
            let before = everything(&platform, &tenant).await;
            let leaves = "status = 'tobedeleted', account_id = null";
            let refused = bring_beside(&platform, &tenant, &package, ["person", who, leaves]).await.unwrap_err();
            assert_eq!(refused.code(), "roster_changed", "{}: {row}", tenant.tier);
            let after = everything(&platform, &tenant).await;
            assert_eq!(after.len(), before.len(), "{}: nothing was made of {row}", tenant.tier);
            // Brought back by hand, as it was: the next row finds the same.
            let placement = tenant.placement.as_ref().unwrap();
            let text = format!(
                "update \"{}\".person set status = 'active' where tenant_id = $1 and sourced_id = $2",
                placement.schema
            );
            let client = platform.admin(&placement.database).await;
            assert_eq!(client.execute(&text, &[&tenant.id, &who]).await.unwrap(), 1);
        }
        // Who was gone before is no surprise: the package brings them back, with what it has for them.
        let placement = tenant.placement.as_ref().unwrap();
        let client = platform.admin(&placement.database).await;
        let text = format!(
            "update \"{}\".person set status = 'tobedeleted' where tenant_id = $1 and sourced_id = 'tina'",
            placement.schema
        );
        assert_eq!(client.execute(&text, &[&tenant.id]).await.unwrap(), 1);
        let mut package = Fixture::school();
        package.add(File::Enrollments, "enr-new,,,class-b,school,tina,teacher,false,,");
        let report = bring(&platform, &tenant, &package, &settings).await.unwrap();
        assert_eq!(report.outcome, Outcome::Applied, "{}", tenant.tier);
        assert!(counts(&report).contains("enrollments created 1"), "{}: {}", tenant.tier, counts(&report));
    }
}
