//! What a merge must not lose or decide, and in which order merges are taken back.

use cloister_tenancy::Tier;
use serde_json::{Value, json};

use crate::{
    Office, id,
    photos::png,
    platform,
    timetable::{Places, meeting},
};

/// Merges and takes back, by their records.
pub(crate) struct Merging<'a> {
    pub(crate) office: &'a Office<'a>,
}

impl Merging<'_> {
    pub(crate) fn call(&self, kept: &Value, merged: &Value) -> cloister_testkit::Call {
        self.office.call("POST", "person_merges").json(json!({"kept_id": kept["id"], "merged_id": merged["id"]}))
    }

    pub(crate) async fn merge(&self, kept: &Value, merged: &Value) -> Value {
        self.call(kept, merged).expect(201).await
    }

    pub(crate) fn undo(&self, merge: &Value) -> cloister_testkit::Call {
        self.office.change("DELETE", &format!("person_merges/{}", id(merge)), merge)
    }

    pub(crate) async fn contact(&self, student: &Value, contact: &Value, rest: Value) -> Value {
        let mut body = json!({"student_id": student["id"], "contact_id": contact["id"], "relation": "parent"});
        body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        self.office.make("contacts", body).await
    }

    pub(crate) async fn place(&self, class: &Value, person: &Value, begin: Option<&str>, end: Option<&str>) -> Value {
        let body = json!({"class_id": class["id"], "person_id": person["id"], "role": "student", "begin_date": begin,
            "end_date": end});
        self.office.make("enrollments", body).await
    }

    /// The ids of what is in a list of things of a person.
    pub(crate) async fn of(&self, path: &str, person: &Value) -> Vec<String> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let field = if path.starts_with("academic") { "student_id" } else { "person_id" };
        let list = self.office.list(&format!("{path}{separator}{field}={}", id(person))).await;
        let mut ids: Vec<String> = list.iter().map(|one| id(one).to_owned()).collect();
        ids.sort();
        ids
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_two_contacts_say_differently_somebody_decides_first_in_every_tier() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let merging = Merging { office: &office };
        let gus = office.person("Gus", "Adult").await;
        for said in [
            json!({"end_date": "2025-06-30"}),
            json!({"begin_date": "2025-06-30"}),
            json!({"custody": "none"}),
            json!({"custody": "restricted"}),
            json!({"child_data_access": false}),
            json!({"contact_restrictions": "Fridays only."}),
            json!({"legal_guardian": true}),
            json!({"lives_with": false}),
            json!({"emergency_contact": true}),
            json!({"primary_contact": true}),
            json!({"contact_priority": 1}),
            json!({"contact_by_call": false}),
            json!({"contact_by_sms": false}),
            json!({"contact_by_email": false}),
            json!({"contact_by_mail": false}),
        ] {
            let (kept, merged) = (office.person("Mila", "Child").await, office.person("Milla", "Child").await);
            merging.contact(&kept, &gus, json!({})).await;
            let other = merging.contact(&merged, &gus, said.clone()).await;
            merging.call(&kept, &merged).refused(409, "contacts_differ").await;
            merging.call(&merged, &kept).refused(409, "contacts_differ").await;
            // Deleted by the office, and there for the other: that differs above all.
            let path = format!("contacts/{}", id(&other));
            office.change("DELETE", &path, &other).expect(204).await;
            merging.call(&kept, &merged).refused(409, "contacts_differ").await;
        }
        // Two guardians who are contacts of one child are as much in question as two children of one guardian.
        let child = office.person("Pia", "Child").await;
        let (kept, merged) = (office.person("Hal", "Adult").await, office.person("Hall", "Adult").await);
        merging.contact(&child, &kept, json!({})).await;
        let other = merging.contact(&child, &merged, json!({"custody": "none"})).await;
        merging.call(&kept, &merged).refused(409, "contacts_differ").await;
        let path = format!("contacts/{}", id(&other));
        office.change("PATCH", &path, &other).json(json!({"custody": null})).expect(200).await;
        let merge = merging.merge(&kept, &merged).await;
        merging.undo(&merge).expect(204).await;

        // Deleted for both.
        let (kept, merged) = (office.person("Quin", "Child").await, office.person("Quinn", "Child").await);
        for (child, said) in [(&kept, json!({})), (&merged, json!({"custody": "none"}))] {
            let contact = merging.contact(child, &gus, said).await;
            office.change("DELETE", &format!("contacts/{}", id(&contact)), &contact).expect(204).await;
        }
        let merge = merging.merge(&kept, &merged).await;
        merging.undo(&merge).expect(204).await;
    }
}

#[tokio::test]
async fn a_contact_that_was_deleted_goes_with_the_child_and_comes_back() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let merging = Merging { office: &office };
    let (kept, merged, gus) =
        (office.person("Mila", "Child").await, office.person("Milla", "Child").await, office.person("Gus", "A").await);
    let contact = merging.contact(&merged, &gus, json!({})).await;
    let path = format!("contacts/{}", id(&contact));
    office.change("DELETE", &path, &contact).expect(204).await;
    let merge = merging.merge(&kept, &merged).await;
    let there = office.read(&path).await;
    assert_eq!((&there["student_id"], &there["status"]), (&kept["id"], &json!("tobedeleted")));
    merging.undo(&merge).expect(204).await;
    let back = office.read(&path).await;
    assert_eq!((&back["student_id"], &back["status"]), (&merged["id"], &json!("tobedeleted")));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_day_in_a_class_and_no_primary_role_is_lost_in_every_tier() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let merging = Merging { office: &office };
        let frame = office.frame().await;
        let (fall, spring, summer) = (Some("2025-09-01"), Some("2026-02-01"), Some("2026-07-01"));
        // What the merged one has, what the one who stays has, and whether the latter has all days of the former.
        for (m, k, covered) in [
            ((fall, None), (spring, None), false),
            ((fall, summer), (fall, spring), false),
            ((None, None), (fall, None), false),
            ((None, None), (None, summer), false),
            ((spring, None), (fall, None), true),
            ((fall, spring), (fall, summer), true),
            ((fall, spring), (None, None), true),
            ((None, None), (None, None), true),
        ] {
            let (kept, merged) = (office.person("Mila", "Child").await, office.person("Milla", "Child").await);
            let own = merging.place(&frame.class, &merged, m.0, m.1).await;
            let there = merging.place(&frame.class, &kept, k.0, k.1).await;
            if !covered {
                merging.call(&kept, &merged).refused(409, "places_differ").await;
                continue;
            }
            let merge = merging.merge(&kept, &merged).await;
            assert_eq!(merging.of("enrollments", &kept).await, [id(&there)]);
            merging.undo(&merge).expect(204).await;
            assert_eq!(merging.of("enrollments", &merged).await, [id(&own)]);
        }
        // One after the other they are both kept.
        let (kept, merged) = (office.person("Mila", "Child").await, office.person("Milla", "Child").await);
        merging.place(&frame.class, &merged, fall, spring).await;
        merging.place(&frame.class, &kept, spring, None).await;
        merging.merge(&kept, &merged).await;
        assert_eq!(merging.of("enrollments", &kept).await.len(), 2);

        // A primary role beside a secondary one, and a longer one beside a shorter one.
        let with = async |name: &str, kind: &str, begin: &str| {
            let role =
                json!([{"role": "student", "role_type": kind, "org_id": frame.school["id"], "begin_date": begin}]);
            office.make("persons", json!({"given_name": name, "family_name": "Child", "roles": role})).await
        };
        for (m, k, roles) in [
            (("primary", "2025-09-01"), ("secondary", "2025-09-01"), vec!["primary", "secondary"]),
            (("primary", "2025-09-01"), ("primary", "2026-02-01"), vec!["primary", "secondary"]),
            (("primary", "2026-02-01"), ("primary", "2025-09-01"), vec!["primary"]),
            (("secondary", "2026-02-01"), ("primary", "2025-09-01"), vec!["primary"]),
        ] {
            let (kept, merged) = (with("Kim", k.0, k.1).await, with("Kimm", m.0, m.1).await);
            let merge = merging.merge(&kept, &merged).await;
            let of = async |person: &Value| {
                let record = office.read(&format!("persons/{}", id(person))).await;
                let roles = record["roles"].as_array().unwrap();
                roles.iter().map(|role| role["role_type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
            };
            assert_eq!(of(&kept).await, roles, "{m:?} {k:?}");
            merging.undo(&merge).expect(204).await;
            assert_eq!((of(&merged).await, of(&kept).await), (vec![m.0.to_owned()], vec![k.0.to_owned()]));
        }
    }
}

#[tokio::test]
async fn posts_and_years_that_both_have_are_there_once() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Schema).await;
    let office = Office { door: &door, tenant: &tenant };
    let merging = Merging { office: &office };
    let frame = office.frame().await;
    let (kept, merged) = (office.person("Ada", "Okafor").await, office.person("Adda", "Okafor").await);
    for person in [&kept, &merged] {
        for begin in ["2024-08-01", if id(person) == id(&kept) { "2025-08-01" } else { "2023-08-01" }] {
            let post = json!({"person_id": person["id"], "org_id": frame.school["id"], "staff_classification": "other",
                "begin_date": begin, "end_date": "2026-01-01"});
            office.make("staff_assignments", post).await;
        }
        for year in [2024, if id(person) == id(&kept) { 2025 } else { 2023 }] {
            let year = json!({"student_id": person["id"], "school_name": "Birch Lane", "school_year": year});
            office.make("academic_records", year).await;
        }
    }
    let mut before = Vec::new();
    for path in ["staff_assignments", "academic_records"] {
        before.push((merging.of(path, &kept).await, merging.of(path, &merged).await));
    }
    let merge = merging.merge(&kept, &merged).await;
    for path in ["staff_assignments", "academic_records"] {
        assert_eq!(merging.of(path, &kept).await.len(), 3, "{path}");
    }
    merging.undo(&merge).expect(204).await;
    let mut after = Vec::new();
    for path in ["staff_assignments", "academic_records"] {
        after.push((merging.of(path, &kept).await, merging.of(path, &merged).await));
    }
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_photograph_and_values_that_both_have_stay_with_each() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let merging = Merging { office: &office };
    for name in ["bus", "locker"] {
        let field = json!({"resource": "person", "name": name, "title": name, "type": "text"});
        office.make("custom_fields", field).await;
    }
    let (kept, merged) = (office.person("Mila", "Okafor").await, office.person("Milla", "Okafor").await);
    let path = |person: &Value, what: &str| format!("persons/{}/{what}", id(person));
    for (person, values, side) in
        [(&kept, json!({"bus": "North"}), 600), (&merged, json!({"bus": "South", "locker": "7"}), 900)]
    {
        let call = office.change("PUT", &path(person, "custom_values"), person);
        call.json(json!({ "values": values })).expect(200).await;
        office.call("PUT", &path(person, "photo")).file("image/png", png(side, side)).expect(200).await;
    }
    let photo = office.call("GET", &path(&kept, "photo")).send().await.bytes;
    let merge = merging.merge(&kept, &merged).await;
    let values = async |person: &Value| office.read(&path(person, "custom_values")).await["values"].clone();
    assert_eq!(values(&kept).await, json!({"bus": "North", "locker": "7"}));
    assert_eq!(office.call("GET", &path(&kept, "photo")).send().await.bytes, photo);
    merging.undo(&merge).expect(204).await;
    assert_eq!(values(&kept).await, json!({"bus": "North"}));
    assert_eq!(values(&merged).await, json!({"bus": "South", "locker": "7"}));
    assert_eq!(office.call("GET", &path(&kept, "photo")).send().await.bytes, photo);
    assert_eq!(office.call("GET", &path(&merged, "photo")).send().await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn merges_are_taken_back_from_the_last_and_only_while_the_one_who_stayed_is_there_in_every_tier() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let merging = Merging { office: &office };
        let frame = office.frame().await;
        let mut children = Vec::new();
        for name in ["Ann", "Anne", "Annie"] {
            children.push(office.person(name, "Child").await);
        }
        let [kept, one, two] = children.try_into().unwrap();
        let (first_place, second_place) =
            (merging.place(&frame.class, &one, None, None).await, merging.place(&frame.class, &two, None, None).await);
        let first = merging.merge(&kept, &one).await;
        // The place of the first is now theirs, so that of the second is set aside.
        let second = merging.merge(&kept, &two).await;
        assert_eq!(merging.of("enrollments", &kept).await, [id(&first_place)]);
        merging.undo(&first).refused(409, "merged_again").await;
        merging.undo(&second).expect(204).await;
        assert_eq!(merging.of("enrollments", &two).await, [id(&second_place)]);
        // Whoever stayed leaves, and what was moved leaves with them.
        let record = office.read(&format!("persons/{}", id(&kept))).await;
        let path = format!("persons/{}", id(&kept));
        office.change("DELETE", &path, &record).expect(204).await;
        merging.undo(&first).refused(409, "kept_deleted").await;
        let gone = office.read(&path).await;
        office.change("PATCH", &path, &gone).json(json!({"status": "active"})).expect(200).await;
        merging.undo(&first).expect(204).await;
        assert_eq!(merging.of("enrollments", &one).await, [id(&first_place)]);
        assert_eq!(merging.of("enrollments", &kept).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_teacher_is_merged_with_what_they_teach_and_reported() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let merging = Merging { office: &office };
    let places = Places::new(&office, &frame).await;
    let record = async |role: &str| {
        let roles = json!([{"role": role, "role_type": "primary", "org_id": frame.school["id"]}]);
        office.make("persons", json!({"given_name": "Tess", "family_name": "Adult", "roles": roles})).await
    };
    let (kept, merged) = (record("teacher").await, record("counselor").await);
    let place = json!({"class_id": frame.class["id"], "person_id": merged["id"], "role": "teacher"});
    office.make("enrollments", place).await;
    // Each has something to do, in each list.
    let mut made = Vec::new();
    for (who, period) in [(&kept, &places.first), (&merged, &places.second)] {
        let mut taught = meeting(&frame.class, period, &places.room, "wednesday");
        taught["teacher_id"] = who["id"].clone();
        made.push(("meetings", "teacher_id", office.make("meetings", taught).await, who));
        let incident = json!({"school_id": frame.school["id"], "incident_date": "2025-10-14", "description": "A fight.",
            "incident_location": "hallway", "reporter_id": who["id"]});
        let incident = office.make("discipline_incidents", incident).await;
        let to_do = json!({"incident_id": incident["id"], "task": "Call home.", "due_date": "2025-10-20",
            "assigned_to_id": who["id"]});
        made.push(("incident_follow_ups", "assigned_to_id", office.make("incident_follow_ups", to_do).await, who));
        made.push(("discipline_incidents", "reporter_id", incident, who));
    }
    let roles = async |of: &Value| {
        let roles = office.read(&format!("persons/{}/roles", id(of))).await["roles"].as_array().unwrap().clone();
        let mut roles: Vec<_> = roles.iter().map(|role| format!("{} {}", role["role"], role["role_type"])).collect();
        roles.sort();
        roles
    };
    for _ in 0..2 {
        let merge = merging.merge(&kept, &merged).await;
        for (list, field, record, _) in &made {
            assert_eq!(office.read(&format!("{list}/{}", id(record))).await[field], kept["id"], "{list}");
        }
        assert_eq!(roles(&kept).await, [r#""counselor" "secondary""#, r#""teacher" "primary""#]);
        merging.undo(&merge).expect(204).await;
        for (list, field, record, who) in &made {
            assert_eq!(office.read(&format!("{list}/{}", id(record))).await[field], who["id"], "{list}");
        }
        assert_eq!(roles(&merged).await, [r#""counselor" "primary""#]);
    }
}
