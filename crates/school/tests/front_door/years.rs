//! Times at schools, students who leave, and moves between classes.

use std::time::Duration;

use cloister_school::School;
use cloister_tenancy::{Module, Tier};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    Frame, Office,
    house::{Accounts, House},
    http_modules, id, mistakes, platform,
};

const PATH: &str = "student_school_associations";

fn time(school: &Value, student: &Value, entry: &str) -> Value {
    json!({"student_id": student["id"], "school_id": school["id"], "entry_date": entry, "entry_grade_level": "05",
        "entry_type": "original"})
}

fn withdraw(office: &Office<'_>, of: &Value, on: &str, how: &str) -> cloister_testkit::Call {
    let body = json!({"exit_withdraw_date": on, "exit_withdraw_type": how, "exit_withdraw_reason": "Said so."});
    office.call("POST", &format!("{PATH}/{}/withdraw", id(of))).json(body)
}

fn take_back(office: &Office<'_>, of: &Value) -> cloister_testkit::Call {
    office.call("POST", &format!("{PATH}/{}/withdraw/undo", id(of))).json(json!({}))
}

/// A place as student from September on.
async fn place(office: &Office<'_>, class: &Value, student: &Value, begin: &str) -> Value {
    let body = json!({"class_id": class["id"], "person_id": student["id"], "role": "student", "begin_date": begin});
    office.make("enrollments", body).await
}

async fn second_class(office: &Office<'_>, frame: &Frame, title: &str) -> Value {
    let body = json!({"title": title, "class_type": "scheduled", "course_id": frame.course["id"],
        "school_id": frame.school["id"], "term_ids": [frame.term["id"]]});
    office.make("classes", body).await
}

#[tokio::test]
async fn times_at_a_school_do_not_overlap_and_are_listed() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let frame = office.frame().await;
        let (mila, ben) = (office.person("Mila", "Okafor").await, office.person("Ben", "Okafor").await);
        let mut first = time(&frame.school, &mila, "2024-09-01");
        first["exit_withdraw_date"] = json!("2025-07-01");
        first["exit_withdraw_type"] = json!("promoted");
        let first = office.make(PATH, first).await;
        assert_eq!(
            (first["primary_school"].as_bool(), first["repeat_grade_indicator"].as_bool()),
            (Some(true), Some(false))
        );
        for (entry, exit) in [("2025-06-30", None), ("2024-01-01", None), ("2024-01-01", Some("2024-09-02"))] {
            let mut body = time(&frame.school, &mila, entry);
            body["exit_withdraw_date"] = json!(exit);
            office.call("POST", PATH).json(body).refused(409, "student_school_association_overlaps").await;
        }
        let second = office.make(PATH, time(&frame.school, &mila, "2025-07-01")).await;
        // Another school and another student are free.
        office.make(PATH, time(&frame.district, &mila, "2025-07-01")).await;
        office.make(PATH, time(&frame.school, &ben, "2025-09-01")).await;
        let change = |record: &Value, patch: Value| {
            office.change("PATCH", &format!("{PATH}/{}", id(record)), record).json(patch)
        };
        change(&second, json!({"entry_date": "2025-06-30"})).refused(409, "student_school_association_overlaps").await;
        let moved = change(&second, json!({"school_id": frame.district["id"]})).expect(422).await;
        assert_eq!(mistakes(&moved), [("school_id", "student_school_association_moved")]);
        let second = change(&second, json!({"next_year_grade_level": "06"})).expect(200).await;
        assert_eq!(second["next_year_grade_level"], "06");

        let count = async |query: &str| office.list(&format!("{PATH}?{query}")).await.len();
        let (school, student) = (id(&frame.school), id(&mila));
        assert_eq!(count("").await, 4);
        assert_eq!(count(&format!("school_id={school}")).await, 3);
        assert_eq!(count(&format!("school_id={school}&student_id={student}")).await, 2);
        assert_eq!(count(&format!("school_id={school}&on=2025-08-01")).await, 1);
        assert_eq!(count("entry_grade_level=05&on=2025-09-01").await, 3);
        assert_eq!(count("entry_grade_level=06").await, 0);
        assert_eq!(count("exit_withdraw_type=promoted&sort=-date_last_modified").await, 1);

        office.change("DELETE", &format!("{PATH}/{}", id(&first)), &first).expect(204).await;
        let mut instead = time(&frame.school, &mila, "2024-12-01");
        instead["exit_withdraw_date"] = json!("2025-07-01");
        office.make(PATH, instead).await;
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_time_is_told() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let mila = office.person("Mila", "Okafor").await;
    for (field, value, code) in [
        ("entry_date", json!("0020-01-01"), "date_implausible"),
        ("entry_grade_level", json!(" "), "blank"),
        ("exit_withdraw_date", json!("2025-09-01"), "end_not_after_begin"),
        ("exit_withdraw_type", json!("moved"), "exit_date_missing"),
        ("exit_withdraw_reason", json!("x"), "exit_date_missing"),
        ("student_id", frame.school["id"].clone(), ""),
        ("student_id", json!("per_0000000000000000000000000a"), ""),
        ("next_year_school_id", json!("org_01ke6j8km0fgz9t2jz5dy63s58"), "org_unknown"),
    ] {
        let mut body = time(&frame.school, &mila, "2025-09-01");
        body[field] = value.clone();
        let seen = office.call("POST", PATH).json(body).send().await;
        assert!(matches!(seen.status, 400 | 422), "{field} {value}: {}", seen.text);
        if !code.is_empty() {
            assert_eq!(mistakes(&seen.body), [(field, code)], "{value}");
        }
    }
    let made = office.make(PATH, time(&frame.school, &mila, "2025-09-01")).await;
    let refusal = withdraw(&office, &made, "2025-09-01", "moved").expect(422).await;
    assert_eq!(mistakes(&refusal), [("exit_withdraw_date", "end_not_after_begin")]);
    withdraw(&office, &made, "2025-10-01", "eaten").expect(422).await;
    take_back(&office, &made).refused(409, "not_withdrawn").await;
    withdraw(&office, &json!({"id": "ssa_01ke6j8km0fgz9t2jz5dy63s58"}), "2025-10-01", "moved")
        .refused(404, "not_found")
        .await;
}

#[tokio::test]
async fn a_withdrawal_ends_all_places_there_and_is_taken_back_whole() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let frame = office.frame().await;
        let mila = office.person("Mila", "Okafor").await;
        let other = second_class(&office, &frame, "Biology").await;
        let later = second_class(&office, &frame, "Chemistry").await;
        let there = office.make(PATH, time(&frame.school, &mila, "2025-09-01")).await;
        let open = place(&office, &frame.class, &mila, "2025-09-01").await;
        let over = place(&office, &other, &mila, "2025-09-01").await;
        let ended = json!({"end_date": "2025-10-01"});
        let over = office.change("PATCH", &format!("enrollments/{}", id(&over)), &over).json(ended).expect(200).await;
        let to_come = place(&office, &later, &mila, "2025-12-01").await;
        let place_of = async |record: &Value| {
            let seen = office.read(&format!("enrollments/{}", id(record))).await;
            (seen["status"].as_str().unwrap().to_owned(), seen["end_date"].as_str().map(str::to_owned))
        };
        let day = |day: &str| Some(day.to_owned());
        let active = |end: Option<String>| ("active".to_owned(), end);

        let keyed = || withdraw(&office, &there, "2025-11-03", "moved").header("idempotency-key", "out");
        let out = keyed().expect(200).await;
        assert_eq!(out["exit_withdraw_type"], "moved");
        let admin = platform.admin(&tenant.placement.as_ref().unwrap().database).await;
        let told = "select count(*) from cloister.audit where tenant_id = $1 and changes::text like '%Said so.%'";
        let told: i64 = admin.query_one(told, &[&tenant.id.uuid()]).await.unwrap().get(0);
        assert_eq!(told, 0, "why somebody left is no matter of the audit log");
        assert_eq!(keyed().expect(200).await, out, "once");
        withdraw(&office, &there, "2025-11-04", "moved").refused(409, "already_withdrawn").await;
        assert_eq!(place_of(&open).await, active(day("2025-11-03")));
        assert_eq!(place_of(&over).await, active(day("2025-10-01")), "history stays");
        assert_eq!(place_of(&to_come).await.0, "tobedeleted");

        let back = take_back(&office, &there).expect(200).await;
        assert_eq!((&back["exit_withdraw_date"], &back["exit_withdraw_type"]), (&Value::Null, &Value::Null));
        assert_eq!(office.read(&format!("{PATH}/{}", id(&there))).await, back);
        assert_eq!(place_of(&open).await, active(None));
        assert_eq!(place_of(&over).await, active(day("2025-10-01")));
        assert_eq!(place_of(&to_come).await, active(None));
        take_back(&office, &there).refused(409, "not_withdrawn").await;

        // Another place in the same class stands against it, as long as it is there.
        withdraw(&office, &there, "2025-11-03", "moved").expect(200).await;
        let instead = place(&office, &frame.class, &mila, "2025-11-10").await;
        take_back(&office, &there).refused(409, "withdrawal_places_changed").await;
        office.change("DELETE", &format!("enrollments/{}", id(&instead)), &instead).expect(204).await;
        take_back(&office, &there).expect(200).await;

        // So does what was changed since.
        withdraw(&office, &there, "2025-11-03", "transferred").expect(200).await;
        let changed = office.read(&format!("enrollments/{}", id(&open))).await;
        let patch = json!({"end_date": "2025-11-01"});
        office.change("PATCH", &format!("enrollments/{}", id(&open)), &changed).json(patch).expect(200).await;
        take_back(&office, &there).refused(409, "withdrawal_places_changed").await;
        let again = office.make(PATH, time(&frame.school, &mila, "2026-01-01")).await;
        take_back(&office, &there).refused(409, "student_school_association_overlaps").await;
        office.change("DELETE", &format!("{PATH}/{}", id(&again)), &again).expect(204).await;
        let out = office.read(&format!("{PATH}/{}", id(&there))).await;
        let patch = json!({"exit_withdraw_reason": "Another one."});
        office.change("PATCH", &format!("{PATH}/{}", id(&there)), &out).json(patch).expect(200).await;
        take_back(&office, &there).refused(409, "withdrawal_changed_since").await;
    }
}

#[tokio::test]
async fn a_move_ends_one_place_and_begins_another_on_the_day() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let frame = office.frame().await;
        let mila = office.person("Mila", "Okafor").await;
        let other = second_class(&office, &frame, "Algebra B").await;
        let elsewhere = office.make("orgs", json!({"name": "Birch School", "type": "school"})).await;
        let foreign = json!({"title": "Algebra C", "class_type": "scheduled", "course_id": frame.course["id"],
            "school_id": elsewhere["id"], "term_ids": [frame.term["id"]]});
        let foreign = office.make("classes", foreign).await;
        let old = place(&office, &frame.class, &mila, "2025-09-01").await;
        let to = |of: &Value, class: &Value, on: &str| {
            let body = json!({"to_class_id": class["id"], "on": on});
            office.call("POST", &format!("enrollments/{}/move", id(of))).json(body)
        };
        for (class, on, field, code) in [
            (&frame.class, "2025-10-01", "to_class_id", "move_to_same_class"),
            (&foreign, "2025-10-01", "to_class_id", "class_of_other_school"),
            (&json!({"id": "cls_01ke6j8km0fgz9t2jz5dy63s58"}), "2025-10-01", "to_class_id", "class_unknown"),
            (&other, "2025-09-01", "on", "move_before_begin"),
            (&other, "2026-02-01", "on", "move_outside_terms"),
            (&other, "0001-02-01", "on", "date_implausible"),
        ] {
            let refusal = to(&old, class, on).expect(422).await;
            assert_eq!(mistakes(&refusal), [(field, code)], "{on}");
        }
        let keyed = || to(&old, &other, "2025-11-03").header("idempotency-key", "over");
        let moved = keyed().expect(200).await;
        assert_eq!(keyed().expect(200).await, moved);
        let (ended, begun) = (&moved["ended"], &moved["begun"]);
        assert_eq!((&ended["id"], &ended["begin_date"]), (&old["id"], &old["begin_date"]), "history stays");
        assert_eq!(
            (ended["end_date"].as_str(), begun["begin_date"].as_str()),
            (Some("2025-11-03"), Some("2025-11-03"))
        );
        assert_eq!(
            (&begun["class_id"], &begun["end_date"], &begun["role"]),
            (&other["id"], &Value::Null, &json!("student"))
        );
        for one in [ended, begun] {
            assert_eq!(&office.read(&format!("enrollments/{}", id(one))).await, one);
        }
        let refusal = to(ended, &other, "2025-12-01").expect(422).await;
        assert_eq!(mistakes(&refusal), [("on", "move_after_end")]);
        // Back, on a day on which there is a place already.
        place(&office, &frame.class, &mila, "2025-12-01").await;
        to(begun, &frame.class, "2025-11-10").refused(409, "enrollment_overlaps").await;
        assert_eq!(&office.read(&format!("enrollments/{}", id(begun))).await, begun, "nothing of it happened");
        office.change("DELETE", &format!("enrollments/{}", id(begun)), begun).expect(204).await;
        to(begun, &frame.class, "2025-11-10").refused(409, "record_deleted").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_moves_at_once_one_happens() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let mila = office.person("Mila", "Okafor").await;
    let classes = [second_class(&office, &frame, "B").await, second_class(&office, &frame, "C").await];
    for round in 0..4 {
        let old = place(&office, &frame.class, &mila, "2025-09-01").await;
        let mut going = JoinSet::new();
        for class in &classes {
            let body = json!({"to_class_id": class["id"], "on": "2025-11-03"});
            let door = cloister_testkit::FrontDoor::new(&platform.tenancy, &http_modules());
            let call = door.within(&tenant, "POST", &format!("/api/v1/enrollments/{}/move", id(&old))).json(body);
            going.spawn(async move { call.send().await.status });
        }
        let mut told: Vec<u16> = going.join_all().await;
        told.sort_unstable();
        assert_eq!(told, [200, 422], "{round}");
        for place in office.list(&format!("enrollments?person_id={}", id(&mila))).await {
            office.change("DELETE", &format!("enrollments/{}", id(&place)), &place).expect(204).await;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_entries_at_once_one_happens() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    for name in ["A", "B", "C"] {
        let student = office.person(name, "Okafor").await;
        let mut going = JoinSet::new();
        for entry in ["2025-09-01", "2025-10-01"] {
            let door = cloister_testkit::FrontDoor::new(&platform.tenancy, &http_modules());
            let body = time(&frame.school, &student, entry);
            let call = door.within(&tenant, "POST", &format!("/api/v1/{PATH}")).json(body);
            going.spawn(async move { call.send().await.status });
        }
        let mut told: Vec<u16> = going.join_all().await;
        told.sort_unstable();
        assert_eq!(told, [201, 409], "{name}");
    }
}

#[tokio::test]
async fn each_sees_their_own_times_and_a_teacher_only_todays() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let accounts = Accounts::new();
        let house = House::new(&platform, &door, &tenant, &accounts).await;
        let office = &house.office;
        let mut made = Vec::new();
        for name in ["Mila", "Quin"] {
            let mut past = time(&house.frame.school, &house.persons[name], "2020-09-01");
            past["exit_withdraw_date"] = json!("2021-02-01");
            past["exit_withdraw_type"] = json!("expelled");
            made.push(office.make(PATH, past).await);
            made.push(office.make(PATH, time(&house.frame.school, &house.persons[name], "2022-09-01")).await);
        }
        for (role, all, within) in [
            ("owner", 4, vec![0, 1, 2, 3]),
            ("staff", 4, vec![0, 1, 2, 3]),
            ("teacher", 1, vec![1]),
            ("guardian", 2, vec![0, 1]),
            ("student", 2, vec![0, 1]),
        ] {
            let page = house.by(role, "GET", PATH).expect(200).await;
            assert_eq!(page["items"].as_array().unwrap().len(), all, "{role}");
            for (at, record) in made.iter().enumerate() {
                let path = format!("{PATH}/{}", id(record));
                let expected = if within.contains(&at) { 200 } else { 404 };
                assert_eq!(house.by(role, "GET", &path).send().await.status, expected, "{role} {at}");
                let body = json!({"exit_withdraw_date": "2021-01-01", "exit_withdraw_type": "moved"});
                let seen = house.by(role, "POST", &format!("{path}/withdraw")).json(body).send().await;
                let may = ["owner", "staff"].contains(&role);
                assert_eq!(
                    seen.status,
                    if !within.contains(&at) {
                        404
                    } else if may && at % 2 == 0 {
                        409
                    } else if may {
                        422
                    } else {
                        403
                    },
                    "{role} {at}"
                );
            }
        }
        // Custody that ends, ends it.
        let contact = office.read(&format!("contacts/{}", house.contact("Gus"))).await;
        let patch = json!({"custody": "none"});
        office.change("PATCH", &format!("contacts/{}", house.contact("Gus")), &contact).json(patch).expect(200).await;
        let page = house.by("guardian", "GET", PATH).expect(200).await;
        assert_eq!(page["items"], json!([]));
    }
    assert_eq!(School.resources().iter().filter(|resource| resource.name == "year_rollover").count(), 1);
}

#[tokio::test]
async fn times_go_with_a_merge_and_come_back() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let (kept, merged) = (office.person("Mila", "Okafor").await, office.person("Milla", "Okafor").await);
    let mut past = time(&frame.school, &merged, "2020-09-01");
    past["exit_withdraw_date"] = json!("2021-02-01");
    office.make(PATH, past).await;
    office.make(PATH, time(&frame.school, &merged, "2024-09-01")).await;
    office.make(PATH, time(&frame.school, &kept, "2025-09-01")).await;
    let count = async |person: &Value| office.list(&format!("{PATH}?student_id={}", id(person))).await.len();
    let merge = office.make("person_merges", json!({"kept_id": kept["id"], "merged_id": merged["id"]})).await;
    assert_eq!((count(&kept).await, count(&merged).await), (2, 0), "the one that overlaps is set aside");
    office.change("DELETE", &format!("person_merges/{}", id(&merge)), &merge).expect(204).await;
    assert_eq!((count(&kept).await, count(&merged).await), (1, 2));
}
