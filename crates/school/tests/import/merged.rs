//! Packages that go on naming both records of a person who was merged.

use std::sync::Arc;

use cloister_http::HttpModule;
use cloister_ids::{PersonId, Uuid};
use cloister_school::{
    School,
    import::ImportSettings,
    oneroster::{File, Version},
};
use cloister_tenancy::TenantEntry;
use cloister_testkit::{FrontDoor, TestPlatform};
use serde_json::{Value, json};

use crate::{
    fixture::{Fixture, bring, counts, dump, issues, platform},
    whole::everything,
};

/// The school with Sam twice: `sam2` has guardians, a class and demographics that `sam` has not, and others that he has.
fn twice() -> Fixture {
    let mut package = Fixture::school();
    package
        .without(File::Demographics, "sam")
        .add(File::Users, "fay,,,true,fay,,Fay,Adult,,,,,,,,,,,,,,")
        .add(File::Users, "gil,,,true,gil,,Gil,Adult,,,,,,,,,,,,,,")
        .add(File::Users, "sam2,,,true,sam2,,Sammy,O'Neill,,,,,,\"grace,fay,gil\",09,,,,,,school,")
        .add(File::Roles, "role-sam2,,,sam2,primary,student,2025-08-01,2026-07-01,school,")
        .add(File::Roles, "role-sam2-aide,,,sam2,secondary,aide,,,school,")
        .add(File::Enrollments, "enr-sam2,,,class-a,school,sam2,student,false,2025-08-01,2026-07-01")
        .add(File::Enrollments, "enr-sam2-b,,,class-b,school,sam2,student,false,,")
        .add(File::Demographics, "sam2,,,2010-02-28,other,,true,,,,,false,NZ,,Wellington,");
    package
}

/// The same a day later: whoever feeds it has entered more about the second record.
fn next_day() -> Fixture {
    let mut package = twice();
    package
        .add(File::Users, "lee,,,true,lee,,Lee,New,,,,,,\"sam2,sam\",09,,,,,,school,")
        .add(File::Roles, "role-sam2-new,,,sam2,primary,student,,,district,")
        .add(File::Classes, "class-c,,,Algebra C,09,algebra,C,scheduled,,school,year,,,")
        .add(File::Enrollments, "enr-sam2-c,,,class-c,school,sam2,student,false,,");
    package
}

/// Whoever writes in a school beside the packages that come in.
pub(crate) struct Office<'a> {
    door: FrontDoor,
    platform: &'a TestPlatform,
    tenant: &'a Arc<TenantEntry>,
}

impl<'a> Office<'a> {
    pub(crate) fn new(platform: &'a TestPlatform, tenant: &'a Arc<TenantEntry>) -> Self {
        let modules: Vec<Arc<dyn HttpModule>> = vec![Arc::new(School)];
        Self { door: FrontDoor::new(&platform.tenancy, &modules), platform, tenant }
    }

    fn call(&self, method: &str, path: &str) -> cloister_testkit::Call {
        self.door.within(self.tenant, method, &format!("/api/v1/{path}"))
    }

    pub(crate) async fn person(&self, sourced_id: &str) -> String {
        let rows = dump(self.platform, self.tenant, "person", "sourced_id, id").await;
        let uuid: Uuid =
            rows.iter().find_map(|row| row.strip_prefix(&format!("{sourced_id}|"))).unwrap().parse().unwrap();
        PersonId::from_uuid(uuid).to_string()
    }

    pub(crate) async fn contact(&self, student: &str, contact: &str) -> Value {
        let path = format!("contacts?status=all&student_id={student}&contact_id={contact}");
        let page = self.call("GET", &path).expect(200).await;
        page["items"][0].clone()
    }

    /// Changes a contact, or deletes it.
    pub(crate) async fn decide(&self, contact: &Value, patch: Option<Value>) {
        let path = format!("contacts/{}", contact["id"].as_str().unwrap());
        let version = format!("\"v{}\"", contact["version"]);
        let call = self.call(if patch.is_some() { "PATCH" } else { "DELETE" }, &path).header("if-match", &version);
        match patch {
            Some(patch) => drop(call.json(patch).expect(200).await),
            None => drop(call.expect(204).await),
        }
    }
}

#[tokio::test]
async fn what_a_court_took_stays_taken_and_a_merge_can_be_taken_back_in_every_tier() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office::new(&platform, &tenant);
        let settings = ImportSettings::default();
        let adopt = ImportSettings { adopt: true, ..ImportSettings::default() };
        let report = bring(&platform, &tenant, &twice(), &settings).await.unwrap();
        assert_eq!(issues(&report), "");
        let (sam, twin, fay) = (office.person("sam").await, office.person("sam2").await, office.person("fay").await);
        // The office writes down what a court decided.
        let contact = office.contact(&twin, &fay).await;
        office.decide(&contact, Some(json!({"custody": "none"}))).await;
        let before = everything(&platform, &tenant).await;
        let body = json!({"kept_id": sam, "merged_id": twin});
        let merge = office.call("POST", "person_merges").json(body).expect(201).await;
        let merged = everything(&platform, &tenant).await;
        for settings in [&settings, &adopt, &settings] {
            let report = bring(&platform, &tenant, &twice(), settings).await.unwrap();
            assert_eq!(counts(&report).matches("changed").count(), counts(&report).matches("unchanged").count());
            assert_eq!(everything(&platform, &tenant).await, merged);
        }
        // A delta that says of the second record that it is there, or that it is not, says nothing of either.
        for status in ["active", "tobedeleted"] {
            let mut delta = Fixture::new(Version::V1_2, "delta");
            let row = format!(
                "sam2,{status},2025-10-01T12:00:00Z,true,sam2,,Samuel,O'Neill,,,,,,\"grace,fay\",09,,,,,,school,"
            );
            delta.rows(File::Users, &[&row]);
            bring(&platform, &tenant, &delta, &settings).await.unwrap();
            assert_eq!(everything(&platform, &tenant).await, merged);
        }
        let access = office.contact(&sam, &fay).await;
        assert_eq!((&access["custody"], &access["status"]), (&json!("none"), &json!("active")));
        assert_eq!(office.contact(&twin, &fay).await, Value::Null);

        let undo = format!("person_merges/{}", merge["id"].as_str().unwrap());
        office.call("DELETE", &undo).header("if-match", "\"v1\"").expect(204).await;
        // The package then finds everything as it was; versions and times went on.
        let report = bring(&platform, &tenant, &twice(), &settings).await.unwrap();
        assert_eq!(issues(&report), "");
        assert_eq!(everything(&platform, &tenant).await.len(), before.len(), "as many records as before, of each kind");
        assert!(!counts(&report).contains("kept"), "{}", counts(&report));
    }
}

#[tokio::test]
async fn what_is_new_about_the_second_record_is_about_the_one_that_stayed() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office::new(&platform, &tenant);
        let settings = ImportSettings::default();
        bring(&platform, &tenant, &twice(), &settings).await.unwrap();
        let (sam, twin) = (office.person("sam").await, office.person("sam2").await);
        // The first merge is followed by another: the last who stayed is meant.
        let third =
            office.call("POST", "persons").json(json!({"given_name": "S", "family_name": "O"})).expect(201).await;
        let third = third["id"].as_str().unwrap();
        for (kept, merged) in [(third, twin.as_str()), (sam.as_str(), third)] {
            let body = json!({"kept_id": kept, "merged_id": merged});
            office.call("POST", "person_merges").json(body).expect(201).await;
        }
        bring(&platform, &tenant, &next_day(), &settings).await.unwrap();
        let of = |table: &'static str, columns: &'static str| dump(&platform, &tenant, table, columns);
        let uuid = sam.parse::<PersonId>().unwrap().uuid();
        let places = of("enrollment", "sourced_id, person_id, status").await;
        assert!(places.contains(&format!("enr-sam2-c|{uuid}|active")), "{places:#?}");
        assert!(places.contains(&format!("enr-sam2-b|{uuid}|active")), "{places:#?}");
        assert!(!places.contains(&format!("enr-sam2|{uuid}|active")), "{places:#?}");
        let roles = of("person_role", "sourced_id, person_id, role_type, status").await;
        assert!(roles.contains(&format!("role-sam2-new|{uuid}|secondary|active")), "{roles:#?}");
        let lee = office.person("lee").await.parse::<PersonId>().unwrap().uuid();
        let contacts = of("contact", "student_id, contact_id, status").await;
        let of_lee: Vec<&String> = contacts.iter().filter(|contact| contact.starts_with(&lee.to_string())).collect();
        assert_eq!(of_lee, [&format!("{lee}|{uuid}|active")]);
        // And the next day nothing is new.
        let all = everything(&platform, &tenant).await;
        bring(&platform, &tenant, &next_day(), &settings).await.unwrap();
        assert_eq!(everything(&platform, &tenant).await, all);
        // What the package says of the one who stayed comes in, and takes away nobody who came from the second record.
        let mut renamed = next_day();
        renamed.change(File::Users, "Sam,O'Neill", "Samuel,O'Neill");
        let report = bring(&platform, &tenant, &renamed, &settings).await.unwrap();
        assert!(counts(&report).contains("users changed 1 "), "{}", counts(&report));
        for guardian in ["fay", "gil"] {
            let contact = office.contact(&sam, &office.person(guardian).await).await;
            assert_eq!(contact["status"], "active", "{guardian}");
        }
    }
}
