//! Two records that are one person: what goes over, what is set aside, and that all of it comes back.

use cloister_ids::{AccountId, SystemClock};
use cloister_tenancy::Tier;
use serde_json::{Value, json};

use crate::{
    Frame, Office,
    house::{Accounts, House, link},
    id, mistakes, platform,
};

/// Everything about two children and their mother, but for what every change changes.
async fn everything(office: &Office<'_>, persons: &[&Value]) -> Value {
    let mut all = Vec::new();
    for path in ["enrollments", "contacts", "families", "staff_assignments", "academic_records"] {
        all.extend(office.list(&format!("{path}?status=all&limit=200")).await);
    }
    for person in persons {
        all.push(office.read(&format!("persons/{}", id(person))).await);
        let seen = office.call("GET", &format!("persons/{}/demographics", id(person))).send().await;
        all.push(json!({"of": id(person), "status": seen.status, "sex": seen.body["sex"]}));
        let values = office.read(&format!("persons/{}/custom_values", id(person))).await;
        all.push(json!({"of": id(person), "values": values["values"]}));
    }
    for record in &mut all {
        for field in ["version", "updated_at", "updated_by", "date_last_modified", "source"] {
            record.as_object_mut().unwrap().remove(field);
        }
        if let Some(roles) = record["roles"].as_array_mut() {
            roles.sort_by_key(|role| id(role).to_owned());
        }
    }
    Value::Array(all)
}

async fn child(office: &Office<'_>, frame: &Frame, name: &str, role: &str) -> Value {
    let role = json!([{"role": role, "role_type": "primary", "org_id": frame.school["id"]}]);
    office.make("persons", json!({"given_name": name, "family_name": "Okafor", "roles": role})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_moves_what_is_about_one_and_its_undo_puts_everything_back_in_every_tier() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let frame = office.frame().await;
        let other = json!({"title": "Biology B", "class_type": "scheduled", "course_id": frame.course["id"],
            "school_id": frame.school["id"], "term_ids": [frame.term["id"]]});
        let other = office.make("classes", other).await;
        let kept = child(&office, &frame, "Mila", "student").await;
        let merged = child(&office, &frame, "Milla", "student").await;
        let (ada, ben) = (office.person("Ada", "Okafor").await, office.person("Ben", "Okafor").await);
        // A second role, which the one who stays has not.
        let record = office.read(&format!("persons/{}", id(&merged))).await;
        let mut roles = record["roles"].clone();
        let aide = json!({"role": "aide", "role_type": "secondary", "org_id": frame.school["id"]});
        roles.as_array_mut().unwrap().push(aide);
        let address = format!("persons/{}", id(&merged));
        office.change("PATCH", &address, &record).json(json!({"roles": roles})).expect(200).await;
        for (class, person) in [(&frame.class, &kept), (&frame.class, &merged), (&other, &merged)] {
            let place = json!({"class_id": class["id"], "person_id": person["id"], "role": "student"});
            office.make("enrollments", place).await;
        }
        for (student, contact) in [(&kept, &ada), (&merged, &ada), (&merged, &ben)] {
            let body = json!({"student_id": student["id"], "contact_id": contact["id"], "relation": "parent"});
            office.make("contacts", body).await;
        }
        office.make("families", json!({"name": "Both", "member_ids": [kept["id"], merged["id"]]})).await;
        office.make("families", json!({"name": "One", "member_ids": [merged["id"]]})).await;
        let post = json!({"person_id": merged["id"], "org_id": frame.school["id"], "staff_classification": "other",
            "begin_date": "2025-08-01"});
        office.make("staff_assignments", post).await;
        let year = json!({"student_id": merged["id"], "school_name": "Birch Lane Primary", "school_year": 2024});
        office.make("academic_records", year).await;
        let field = json!({"resource": "person", "name": "bus", "title": "Bus", "type": "text", "searchable": true});
        office.make("custom_fields", field).await;
        let record = office.read(&address).await;
        let bus = json!({"values": {"bus": "North"}});
        office.change("PUT", &format!("{address}/custom_values"), &record).json(bus).expect(200).await;
        office.call("PUT", &format!("{address}/demographics")).json(json!({"sex": "female"})).expect(200).await;
        let account = AccountId::generate(&SystemClock);
        link(&platform, &tenant, &merged, account).await;
        let persons = [&kept, &merged, &ada, &ben];
        let before = everything(&office, &persons).await;

        let body = json!({"kept_id": kept["id"], "merged_id": merged["id"], "reason": "Entered twice."});
        let merge = office.make("person_merges", body).await;
        let stays = office.read(&format!("persons/{}", id(&kept))).await;
        assert_eq!(stays["account_id"], json!(account.to_string()));
        let words: Vec<&Value> = stays["roles"].as_array().unwrap().iter().map(|role| &role["role"]).collect();
        assert_eq!(words, ["student", "aide"], "the second student role is set aside");
        let mut agents = [ada["id"].clone(), ben["id"].clone()];
        agents.sort_by_key(|agent| agent.as_str().unwrap().to_owned());
        assert_eq!(stays["agent_ids"], json!(agents));
        let gone = office.read(&address).await;
        assert_eq!((&gone["status"], &gone["account_id"]), (&json!("tobedeleted"), &Value::Null));
        let of = |path: &str| format!("{path}?person_id={}", id(&kept));
        assert_eq!(office.list(&of("enrollments")).await.len(), 2);
        assert_eq!(office.list(&of("families")).await.len(), 2);
        assert_eq!(office.list(&of("staff_assignments")).await.len(), 1);
        assert_eq!(office.list(&format!("contacts?student_id={}", id(&kept))).await.len(), 2);
        let facts = office.read(&format!("persons/{}/demographics", id(&kept))).await;
        assert_eq!(facts["sex"], "female");
        let values = office.read(&format!("persons/{}/custom_values", id(&kept))).await;
        assert_eq!(values["values"], json!({"bus": "North"}));
        for path in ["enrollments", "families", "staff_assignments"] {
            assert_eq!(office.list(&format!("{path}?person_id={}", id(&merged))).await, Vec::<Value>::new(), "{path}");
        }
        // Two roles, two places, two contacts, two families, a post, a year, a custom value, demographics.
        assert_eq!(merge["row_count"], 12);

        let path = format!("person_merges/{}", id(&merge));
        office.call("DELETE", &path).refused(428, "precondition_required").await;
        office.call("DELETE", &path).header("if-match", "\"v9\"").refused(412, "version_mismatch").await;
        office.change("DELETE", &path, &merge).expect(204).await;
        assert_eq!(everything(&office, &persons).await, before);
        let undone = office.read(&path).await;
        assert_eq!((&undone["status"], &undone["version"]), (&json!("tobedeleted"), &json!(2)));
        // Once more is no change, and the two can be merged again.
        office.change("DELETE", &path, &undone).expect(204).await;
        assert_eq!(office.read(&path).await["version"], 2);
        let body = json!({"kept_id": merged["id"], "merged_id": kept["id"]});
        let again = office.make("person_merges", body).await;
        let path = format!("person_merges/{}", id(&again));
        office.change("DELETE", &path, &again).expect(204).await;
        assert_eq!(everything(&office, &persons).await, before);
    }
}

#[tokio::test]
async fn a_guardian_is_merged_with_all_their_children() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", Tier::Shared).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    // Gus is Mila's, Hal is Quin's: they are one man.
    let body = json!({"kept_id": house.person("Gus"), "merged_id": house.person("Hal")});
    let before = house.office.read(&format!("persons/{}", house.person("Quin"))).await;
    let merge = house.office.make("person_merges", body).await;
    assert_eq!(house.names("guardian", "persons").await, ["Gus", "Mila", "Quin"]);
    let after = house.office.read(&format!("persons/{}", house.person("Quin"))).await;
    assert_eq!(after["agent_ids"], json!([house.person("Gus")]));
    assert!(after["version"].as_i64() > before["version"].as_i64(), "whose agent is another");
    house.office.change("DELETE", &format!("person_merges/{}", id(&merge)), &merge).expect(204).await;
    assert_eq!(house.names("guardian", "persons").await, ["Gus", "Mila"]);
}

#[tokio::test]
async fn what_a_merge_must_not_decide_it_refuses() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", Tier::Schema).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    let office = &house.office;
    let merge = |kept: &str, merged: &str| {
        office.call("POST", "person_merges").json(json!({"kept_id": kept, "merged_id": merged}))
    };
    let (mila, quin) = (house.person("Mila"), house.person("Quin"));
    let nobody = "per_01jd4kqvm6e8x9t3c5z7b2n0fa";
    for (kept, merged, told) in [
        (mila, mila, ("merged_id", "merged_with_self")),
        (mila, nobody, ("merged_id", "person_unknown")),
        (nobody, mila, ("kept_id", "person_unknown")),
    ] {
        assert_eq!(mistakes(&merge(kept, merged).expect(422).await), [told]);
    }
    // Both sign in.
    merge(mila, house.person("Gus")).refused(409, "both_have_accounts").await;
    // Both are in Ines's care, in different custody.
    let contact = json!({"student_id": quin, "contact_id": house.person("Ines"), "relation": "mother",
        "custody": "none"});
    let contact = office.make("contacts", contact).await;
    merge(mila, quin).refused(409, "contacts_differ").await;
    let path = format!("contacts/{}", id(&contact));
    office.change("PATCH", &path, &contact).json(json!({"custody": null})).expect(200).await;
    let first = merge(mila, quin).expect(201).await;
    // Deleted by the merge, so not to be merged again.
    assert_eq!(mistakes(&merge(mila, quin).expect(422).await), [("merged_id", "person_deleted")]);
    // The later one first.
    let other = office.person("Mimi", "Child").await;
    let second = merge(id(&other), mila).expect(201).await;
    let undo = |merge: &Value| office.change("DELETE", &format!("person_merges/{}", id(merge)), merge);
    undo(&first).refused(409, "merged_again").await;
    undo(&second).expect(204).await;
    undo(&first).expect(204).await;
    assert_eq!(office.list("person_merges").await.len(), 0);
    let all = office.list(&format!("person_merges?status=all&person_id={mila}&sort=-created_at")).await;
    assert_eq!(all.iter().map(id).collect::<Vec<_>>(), [id(&second), id(&first)]);

    // The office sees merges, and makes none.
    let call = |role: &str, method: &str, path: &str| house.by(role, method, path).header("if-match", "\"v2\"");
    let body = json!({"kept_id": mila, "merged_id": quin});
    for (role, read, write, undo) in
        [("staff", 200, 403, 403), ("teacher", 404, 403, 404), ("guardian", 404, 403, 404), ("student", 404, 403, 404)]
    {
        let path = format!("person_merges/{}", id(&first));
        assert_eq!(call(role, "GET", &path).send().await.status, read, "{role}");
        assert_eq!(house.by(role, "POST", "person_merges").json(body.clone()).send().await.status, write, "{role}");
        assert_eq!(call(role, "DELETE", &path).send().await.status, undo, "{role}");
    }
}

#[tokio::test]
async fn another_tenants_persons_cannot_be_merged_and_a_merge_sent_twice_happens_once() {
    let (platform, door) = platform().await;
    let (north, south) = (platform.tenant("north", Tier::Shared).await, platform.tenant("south", Tier::Shared).await);
    let (north, south) = (Office { door: &door, tenant: &north }, Office { door: &door, tenant: &south });
    let (ours, twice) = (north.person("Mila", "Okafor").await, north.person("Milla", "Okafor").await);
    let theirs = south.person("Mila", "Okafor").await;
    let refusal = north.call("POST", "person_merges").json(json!({"kept_id": ours["id"], "merged_id": theirs["id"]}));
    assert_eq!(mistakes(&refusal.expect(422).await), [("merged_id", "person_unknown")]);
    let body = json!({"kept_id": ours["id"], "merged_id": twice["id"]});
    let call = north.call("POST", "person_merges").header("idempotency-key", "one").json(body);
    let (first, second) = (call.clone().expect(201).await, call.expect(201).await);
    assert_eq!(first, second);
    assert_eq!(north.list("person_merges").await.len(), 1);
    let path = format!("person_merges/{}", id(&first));
    south.call("GET", &path).refused(404, "not_found").await;
    south.call("DELETE", &path).header("if-match", "\"v1\"").refused(404, "not_found").await;
}
