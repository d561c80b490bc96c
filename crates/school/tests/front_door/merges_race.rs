//! A merge and a writer at the same time: whoever comes second sees what the first has done.

use std::time::{Duration, Instant};

use cloister_tenancy::{TenantEntry, Tier};
use cloister_testkit::TestPlatform;
use serde_json::{Value, json};

use crate::{Office, id, merges_kept::Merging, mistakes, platform};

/// The database id of a record.
fn uuid<K: cloister_ids::Kind>(record: &Value) -> cloister_ids::Uuid {
    id(record).parse::<cloister_ids::Id<K>>().unwrap().uuid()
}

/// Until somebody in this database waits for a lock that another holds.
async fn somebody_waits(platform: &TestPlatform, tenant: &TenantEntry) {
    let client = platform.admin(&tenant.placement.as_ref().unwrap().database).await;
    let text = "select exists (select from pg_locks where not granted and locktype in ('transactionid', 'tuple'))";
    let deadline = Instant::now() + Duration::from_secs(20);
    while !client.query_one(text, &[]).await.unwrap().get::<_, bool>(0) {
        assert!(Instant::now() < deadline, "nobody waits");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_court_took_while_the_merge_began_is_not_merged_away_in_every_tier() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let merging = Merging { office: &office };
        let student = office.person("Mila", "Child").await;
        let (kept, merged) = (office.person("Gus", "Adult").await, office.person("Guss", "Adult").await);
        merging.contact(&student, &kept, json!({})).await;
        let contact = merging.contact(&student, &merged, json!({})).await;
        // As a change of the contact: the student is locked, then the contact is written.
        let placement = tenant.placement.as_ref().unwrap();
        let mut client = platform.admin(&placement.database).await;
        let tx = client.transaction().await.unwrap();
        let schema = &placement.schema;
        let lock = format!("select from \"{schema}\".person where tenant_id = $1 and id = $2 for no key update");
        tx.execute(&lock, &[&tenant.id, &uuid::<cloister_ids::kind::Person>(&student)]).await.unwrap();
        let merge = merging.call(&kept, &merged);
        let decision = async {
            somebody_waits(&platform, &tenant).await;
            let write = format!(
                "update \"{schema}\".contact set custody = 'none', version = version + 1 where tenant_id = $1 and id = $2"
            );
            tx.execute(&write, &[&tenant.id, &uuid::<cloister_ids::kind::Contact>(&contact)]).await.unwrap();
            tx.commit().await.unwrap();
        };
        let (answer, ()) = tokio::join!(merge.send(), decision);
        assert_eq!((answer.status, &answer.body["code"]), (409, &json!("contacts_differ")), "{}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_entered_while_somebody_leaves_waits_and_is_refused() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let other = office.person("Ada", "Okafor").await;
    for (path, field) in [
        ("academic_records", "student_id"),
        ("staff_assignments", "person_id"),
        ("enrollments", "person_id"),
        ("contacts", "student_id"),
        ("contacts", "contact_id"),
    ] {
        let person = office.person("Milla", "Okafor").await;
        let mut body = match path {
            "academic_records" => json!({"school_name": "B", "school_year": 2023}),
            "staff_assignments" => json!({"org_id": frame.school["id"], "staff_classification": "other",
                "begin_date": "2024-08-01"}),
            "enrollments" => json!({"class_id": frame.class["id"], "role": "student"}),
            _ => json!({"student_id": other["id"], "contact_id": other["id"], "relation": "parent"}),
        };
        body[field] = person["id"].clone();
        let placement = tenant.placement.as_ref().unwrap();
        let mut client = platform.admin(&placement.database).await;
        let tx = client.transaction().await.unwrap();
        let leave = format!(
            "update \"{}\".person set status = 'tobedeleted' where tenant_id = $1 and id = $2",
            placement.schema
        );
        tx.execute(&leave, &[&tenant.id, &uuid::<cloister_ids::kind::Person>(&person)]).await.unwrap();
        let call = office.call("POST", path).json(body);
        let gone = async {
            somebody_waits(&platform, &tenant).await;
            tx.commit().await.unwrap();
        };
        let (answer, ()) = tokio::join!(call.send(), gone);
        assert_eq!(mistakes(&answer.body), [(field, "person_deleted")], "{path} {}", answer.body);
    }
}
