//! Who acts for whom: what custody, access and dates let somebody see, and what keeps to itself.

use std::sync::Arc;

use cloister_ids::ManualClock;
use cloister_school::School;
use cloister_tenancy::{Module, NewTenant, Tier};
use cloister_testkit::{TestPlatform, TestSettings};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    Office,
    house::{Accounts, House},
    id, mistakes, platform,
};

/// What the guardian Gus is answered about Mila: 200 or 404, everywhere alike.
async fn sees(house: &House<'_>, wanted: u16, why: &str) {
    let mila = format!("persons/{}", house.person("Mila"));
    for path in [
        mila.clone(),
        format!("{mila}/siblings"),
        format!("{mila}/roles"),
        format!("{mila}/agents"),
        format!("enrollments/{}", house.place("Mila")),
        format!("contacts/{}", house.contact("Gus")),
    ] {
        let seen = house.by("guardian", "GET", &path).send().await;
        assert_eq!(seen.status, wanted, "{path} {why}");
    }
    for year in house.office.list(&format!("academic_records?student_id={}", house.person("Mila"))).await {
        let path = format!("academic_records/{}", id(&year));
        assert_eq!(house.by("guardian", "GET", &path).send().await.status, wanted, "{path} {why}");
    }
    let all = ["school.demographics.read:own_children".to_owned(), "school.class.read:own_children".to_owned()];
    for path in [format!("{mila}/demographics"), format!("classes/{}", id(&house.frame.class))] {
        assert_eq!(house.with("guardian", &all, "GET", &path).send().await.status, wanted, "{path} {why}");
    }
    for (list, mine) in [("persons", 1), ("enrollments", 0), ("contacts", 0), ("academic_records", 0)] {
        let page = house.by("guardian", "GET", list).expect(200).await;
        let found = page["items"].as_array().unwrap().len();
        assert_eq!(found, mine + usize::from(wanted == 200), "{list} {why}");
    }
    let of_gus = house.by("guardian", "GET", &format!("persons/{}/agents", house.person("Gus"))).expect(200).await;
    assert_eq!(of_gus["agent_of"].as_array().unwrap().is_empty(), wanted == 404, "{why}");
}

/// Each child has a year at another school behind them.
async fn add_years(house: &House<'_>) {
    for name in ["Mila", "Quin"] {
        let year = json!({"student_id": house.person(name), "school_name": "Birch Lane", "school_year": 2024});
        house.office.make("academic_records", year).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn custody_and_access_decide_what_a_guardian_sees_in_every_tier() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    for tenant in platform.tenant_in_each_tier().await {
        let house = House::new(&platform, &door, &tenant, &accounts).await;
        add_years(&house).await;
        let path = format!("contacts/{}", house.contact("Gus"));
        for (custody, access, wanted) in [
            (None, None, 200),
            (None, Some(true), 200),
            (None, Some(false), 404),
            (Some("full"), None, 200),
            (Some("full"), Some(false), 404),
            (Some("shared"), None, 200),
            (Some("shared"), Some(true), 200),
            (Some("restricted"), None, 404),
            (Some("restricted"), Some(true), 200),
            (Some("restricted"), Some(false), 404),
            (Some("none"), None, 404),
            (Some("none"), Some(false), 404),
        ] {
            let contact = house.office.read(&path).await;
            let change = json!({"custody": custody, "child_data_access": access});
            house.office.change("PATCH", &path, &contact).json(change).expect(200).await;
            sees(&house, wanted, &format!("{custody:?} {access:?}")).await;
        }
        // Where nothing is decided, parents and guardians see the child, and no neighbour who is called in an emergency.
        for (relation, legal_guardian, custody, access, wanted) in [
            ("other", None, None, None, 404),
            ("relative", None, None, None, 404),
            ("grandparent", None, None, None, 404),
            ("stepparent", None, None, None, 404),
            ("ext:neighbour", None, None, None, 404),
            ("other", Some(true), None, None, 200),
            ("other", None, Some("shared"), None, 200),
            ("other", None, None, Some(true), 200),
            ("parent", None, None, None, 200),
            ("mother", None, None, None, 200),
            ("father", Some(false), None, None, 404),
            ("father", None, None, None, 200),
            ("guardian", None, None, None, 200),
        ] {
            let contact = house.office.read(&path).await;
            let change = json!({"relation": relation, "legal_guardian": legal_guardian, "custody": custody,
                "child_data_access": access, "emergency_contact": true});
            house.office.change("PATCH", &path, &contact).json(change).expect(200).await;
            let seen = house.by("guardian", "GET", &format!("persons/{}", house.person("Mila"))).send().await;
            assert_eq!(seen.status, wanted, "{relation} {legal_guardian:?} {custody:?} {access:?}");
        }
        let contact = house.office.read(&path).await;
        let none = json!({"custody": "none", "legal_guardian": null});
        house.office.change("PATCH", &path, &contact).json(none).expect(200).await;
        // Never both.
        let contact = house.office.read(&path).await;
        let both = json!({"custody": "none", "child_data_access": true});
        let refusal = house.office.change("PATCH", &path, &contact).json(both).expect(422).await;
        assert_eq!(mistakes(&refusal), [("child_data_access", "access_without_custody")]);

        // The other parent's custody is another matter, and the child is taught all the same.
        let ines = house.office.read(&format!("contacts/{}", house.contact("Ines"))).await;
        assert_eq!(ines["custody"], Value::Null);
        let known = house.by("teacher", "GET", &path).expect(200).await;
        assert_eq!((&known["custody"], &known["contact_given_name"]), (&json!("none"), &json!("Gus")));
        // Whoever has no custody acts for nobody: a teacher is not given their number by mistake.
        let told = house.by("teacher", "GET", &format!("persons/{}/agents", house.person("Mila"))).expect(200).await;
        let names: Vec<&Value> = told["agents"].as_array().unwrap().iter().map(|agent| &agent["given_name"]).collect();
        assert_eq!(names, ["Ines"]);
        // The office sees them still.
        let told = house.office.read(&format!("persons/{}/agents", house.person("Mila"))).await;
        assert_eq!(told["agents"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_relation_counts_from_its_first_day_to_the_day_before_its_end() {
    let clock = ManualClock::new("2025-10-14T23:00:00Z".parse::<Timestamp>().unwrap());
    let modules: Vec<Arc<dyn Module>> = vec![Arc::new(School)];
    let settings = TestSettings { modules, clock: Arc::new(clock.clone()), ..TestSettings::default() };
    let platform = TestPlatform::with(settings).await;
    let door = cloister_testkit::FrontDoor::new(&platform.tenancy, &crate::http_modules());
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", Tier::Shared).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    add_years(&house).await;
    let path = format!("contacts/{}", house.contact("Gus"));
    for (begin, end, wanted) in [
        (Some("2025-10-15"), None, 404),
        (Some("2025-10-14"), None, 200),
        (None, Some("2025-10-14"), 404),
        (None, Some("2025-10-15"), 200),
    ] {
        let contact = house.office.read(&path).await;
        let change = json!({"begin_date": begin, "end_date": end});
        house.office.change("PATCH", &path, &contact).json(change).expect(200).await;
        sees(&house, wanted, &format!("{begin:?} {end:?}")).await;
    }
    // The day passes.
    clock.advance(SignedDuration::from_hours(2));
    sees(&house, 404, "after its end").await;
}

#[tokio::test]
async fn a_day_ends_where_the_school_is() {
    // In Auckland it is the 15th already, in Los Angeles still the 14th.
    let clock = ManualClock::new("2025-10-15T03:00:00Z".parse::<Timestamp>().unwrap());
    let modules: Vec<Arc<dyn Module>> = vec![Arc::new(School)];
    let settings = TestSettings { modules, clock: Arc::new(clock.clone()), ..TestSettings::default() };
    let platform = TestPlatform::with(settings).await;
    let door = cloister_testkit::FrontDoor::new(&platform.tenancy, &crate::http_modules());
    let accounts = Accounts::new();
    for (slug, zone, first, last) in [("west", "America/Los_Angeles", 200, 404), ("east", "Pacific/Auckland", 404, 200)]
    {
        let new = NewTenant::new(slug.parse().unwrap(), "Somewhere", "school", Tier::Shared);
        let tenant = platform.make(&NewTenant { time_zone: zone.to_owned(), ..new }).await;
        let house = House::new(&platform, &door, &tenant, &accounts).await;
        add_years(&house).await;
        let path = format!("contacts/{}", house.contact("Gus"));
        for (begin, end, wanted) in [(None, Some("2025-10-15"), first), (Some("2025-10-15"), None, last)] {
            let contact = house.office.read(&path).await;
            let change = json!({"begin_date": begin, "end_date": end});
            house.office.change("PATCH", &path, &contact).json(change).expect(200).await;
            sees(&house, wanted, &format!("{zone} {begin:?} {end:?}")).await;
        }
    }
}

#[tokio::test]
async fn what_staff_must_know_of_a_contact_is_not_told_to_the_contact() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    for tenant in platform.tenant_in_each_tier().await {
        let house = House::new(&platform, &door, &tenant, &accounts).await;
        let path = format!("contacts/{}", house.contact("Gus"));
        let contact = house.office.read(&path).await;
        let change = json!({"contact_restrictions": "Do not tell him the new address.",
            "metadata": {"shelter": "Rose House"}});
        house.office.change("PATCH", &path, &contact).json(change).expect(200).await;
        for (role, told) in [("staff", true), ("teacher", true), ("guardian", false)] {
            let one = house.by(role, "GET", &path).expect(200).await;
            assert_eq!(one["contact_restrictions"].is_string(), told, "{role}");
            assert_eq!(one["metadata"]["shelter"].is_string(), told, "{role}");
            let all = house.by(role, "GET", "contacts").expect(200).await;
            let all = all["items"].as_array().unwrap();
            let gus = all.iter().find(|item| item["id"] == contact["id"]).unwrap();
            assert_eq!(gus["contact_restrictions"].is_string(), told, "{role}");
            assert_eq!(gus["metadata"]["shelter"].is_string(), told, "{role}");
        }
    }
}

#[tokio::test]
async fn a_teacher_does_not_see_who_acts_for_a_colleague() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", Tier::Shared).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    let place = json!({"class_id": house.frame.class["id"], "person_id": house.person("Cole"), "role": "teacher"});
    house.office.make("enrollments", place).await;
    // From when he went to school here himself.
    let contact = json!({"student_id": house.person("Cole"), "contact_id": house.person("Hal"), "relation": "parent"});
    let contact = house.office.make("contacts", contact).await;
    house.by("teacher", "GET", &format!("persons/{}", house.person("Cole"))).expect(200).await;
    house.by("teacher", "GET", &format!("contacts/{}", id(&contact))).refused(404, "not_found").await;
    let told = house.by("teacher", "GET", &format!("persons/{}/agents", house.person("Cole"))).expect(200).await;
    assert_eq!(told["agents"], json!([]));
}

#[tokio::test]
async fn a_former_students_records_stay_with_their_guardian_while_the_relation_does() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", Tier::Schema).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    add_years(&house).await;
    let mila = format!("persons/{}", house.person("Mila"));
    let child = house.office.read(&mila).await;
    let mut roles = child["roles"].clone();
    roles[0]["end_date"] = json!("2020-01-01");
    house.office.change("PATCH", &mila, &child).json(json!({"roles": roles})).expect(200).await;
    let place = format!("enrollments/{}", house.place("Mila"));
    let record = house.office.read(&place).await;
    house.office.change("PATCH", &place, &record).json(json!({"end_date": "2020-01-01"})).expect(200).await;
    // The teacher's sight ends with the place, the guardian's does not.
    house.by("teacher", "GET", &mila).refused(404, "not_found").await;
    house.by("teacher", "GET", &format!("contacts/{}", house.contact("Gus"))).refused(404, "not_found").await;
    sees(&house, 200, "a former student").await;
    let path = format!("contacts/{}", house.contact("Gus"));
    let contact = house.office.read(&path).await;
    house.office.change("PATCH", &path, &contact).json(json!({"end_date": "2020-01-01"})).expect(200).await;
    sees(&house, 404, "of age").await;
}

#[tokio::test]
async fn one_contact_of_two_persons_which_agents_show_and_change() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let frame = office.frame().await;
        let role = json!([{"role": "guardian", "role_type": "primary", "org_id": frame.school["id"]}]);
        let guardian = json!({"given_name": "Ada", "family_name": "Okafor", "roles": role});
        let (child, guardian) = (office.person("Mila", "Okafor").await, office.make("persons", guardian).await);
        let body = json!({"student_id": child["id"], "contact_id": guardian["id"], "relation": "mother"});
        let contact = office.make("contacts", body.clone()).await;
        for by_default in ["contact_by_call", "contact_by_sms", "contact_by_email", "contact_by_mail"] {
            assert_eq!(contact[by_default], true);
        }
        assert_eq!((&contact["primary_contact"], &contact["custody"]), (&json!(false), &Value::Null));
        office.call("POST", "contacts").json(body).refused(409, "contact_exists").await;

        // The child's own version grew: who acts for her is part of her.
        let address = format!("persons/{}", id(&child));
        let read = office.read(&address).await;
        assert_eq!((&read["version"], &read["agent_ids"]), (&json!(2), &json!([guardian["id"]])));

        // Taken away as an agent the contact is deleted, and what was known of it is found again.
        let path = format!("contacts/{}", id(&contact));
        let restricted = json!({"custody": "restricted", "contact_restrictions": "Never alone."});
        office.change("PATCH", &path, &contact).json(restricted).expect(200).await;
        assert_eq!(office.read(&address).await["version"], 2, "the child's agents are the same");
        let agents = |record: &Value, agents: Value| {
            office.change("PUT", &format!("{address}/agents"), record).json(json!({"agent_ids": agents}))
        };
        let none = agents(&read, json!([])).expect(200).await;
        let gone = office.read(&path).await;
        assert_eq!((&gone["status"], &gone["version"]), (&json!("tobedeleted"), &json!(3)));
        agents(&none, json!([guardian["id"]])).expect(200).await;
        let back = office.read(&path).await;
        assert_eq!((&back["status"], &back["custody"]), (&json!("active"), &json!("restricted")));
        assert_eq!((&back["relation"], &back["contact_restrictions"]), (&json!("mother"), &json!("Never alone.")));

        // A new agent is what their roles say.
        let other = office.person("Ben", "Okafor").await;
        let record = office.read(&address).await;
        agents(&record, json!([guardian["id"], other["id"]])).expect(200).await;
        let [theirs] = office.list(&format!("contacts?contact_id={}", id(&other))).await.try_into().unwrap();
        assert_eq!((&theirs["relation"], &theirs["source"]), (&json!("other"), &json!("manual")));
        let second = json!({"given_name": "Tom", "family_name": "Okafor", "agent_ids": [guardian["id"]]});
        let second = office.make("persons", second).await;
        let [theirs] = office.list(&format!("contacts?student_id={}", id(&second))).await.try_into().unwrap();
        assert_eq!(theirs["relation"], "guardian");

        // Student and contact stay.
        let moved = office.change("PATCH", &path, &back).json(json!({"student_id": second["id"]})).expect(422).await;
        assert_eq!(mistakes(&moved), [("student_id", "contact_moved")]);
        let own = json!({"student_id": child["id"], "contact_id": child["id"], "relation": "other"});
        let refusal = office.call("POST", "contacts").json(own).expect(422).await;
        assert_eq!(mistakes(&refusal), [("contact_id", "contact_is_self")]);
    }
}

#[tokio::test]
async fn bad_values_are_refused_with_what_would_be_right() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let (child, mother) = (office.person("Mila", "Okafor").await, office.person("Ada", "Okafor").await);
    let whole = json!({"student_id": child["id"], "contact_id": mother["id"], "relation": "mother"});
    for (field, value, code) in [
        ("contact_priority", json!(0), "out_of_range"),
        ("contact_priority", json!(101), "out_of_range"),
        ("contact_restrictions", json!(" "), "blank"),
        ("contact_restrictions", json!("x".repeat(2001)), "too_long"),
        ("end_date", json!("2025-09-01"), "end_not_after_begin"),
        ("begin_date", json!("0020-09-01"), "date_implausible"),
    ] {
        let mut body = whole.clone();
        body["begin_date"] = json!("2025-09-01");
        body[field] = value.clone();
        let refusal = office.call("POST", "contacts").json(body).expect(422).await;
        let told = mistakes(&refusal);
        assert!(told.iter().any(|(at, _)| *at == field), "{field} {value}: {refusal}");
        // The words of bounds are the edge's own; the rules' are ours.
        assert!(told.iter().any(|(_, is)| *is == code) || ["out_of_range", "too_long"].contains(&code), "{refusal}");
    }
    for (field, value) in [
        ("relation", json!("aunt")),
        ("custody", json!("sole")),
        ("student_id", json!("cls_01jd4kqvm6e8x9t3c5z7b2n0fa")),
        ("unknown", json!(1)),
    ] {
        let mut body = whole.clone();
        body[field] = value;
        let status = office.call("POST", "contacts").json(body).send().await.status;
        assert!(matches!(status, 400 | 422), "{field}: {status}");
    }
    office.make("contacts", whole).await;
}

#[tokio::test]
async fn a_list_is_narrowed_by_student_contact_relation_and_day() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Database).await;
    let office = Office { door: &door, tenant: &tenant };
    let mut persons = Vec::new();
    for name in ["Mila", "Tom", "Ada", "Ben"] {
        persons.push(office.person(name, "Okafor").await);
    }
    let [mila, tom, ada, ben] = persons.try_into().unwrap();
    let make = async |student: &Value, contact: &Value, relation: &str, end: Option<&str>| {
        let body = json!({"student_id": student["id"], "contact_id": contact["id"], "relation": relation,
            "end_date": end});
        office.make("contacts", body).await["id"].clone()
    };
    let a = make(&mila, &ada, "mother", None).await;
    let b = make(&tom, &ada, "ext:godmother", None).await;
    let c = make(&mila, &ben, "father", Some("2026-01-01")).await;
    for (query, wanted) in [
        (String::new(), vec![&a, &b, &c]),
        ("?sort=-created_at".to_owned(), vec![&c, &b, &a]),
        ("?sort=-date_last_modified&limit=2".to_owned(), vec![&c, &b]),
        (format!("?student_id={}", id(&mila)), vec![&a, &c]),
        (format!("?contact_id={}", id(&ada)), vec![&a, &b]),
        (format!("?student_id={}&contact_id={}", id(&mila), id(&ben)), vec![&c]),
        ("?relation=ext:godmother".to_owned(), vec![&b]),
        ("?on=2026-01-01".to_owned(), vec![&a, &b]),
        ("?on=2025-12-31".to_owned(), vec![&a, &b, &c]),
    ] {
        let items = office.list(&format!("contacts{query}")).await;
        let found: Vec<&Value> = items.iter().map(|item| &item["id"]).collect();
        assert_eq!(found, wanted, "{query}");
    }
    for query in ["on=today", "relation=aunt", "student_id=con_1", "status=deleted", "sourced_id=a"] {
        office.call("GET", &format!("contacts?{query}")).refused(400, "query_invalid").await;
    }
}
