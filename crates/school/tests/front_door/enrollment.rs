//! Places in classes: no two of a person with one role overlap.

use std::time::Duration;

use cloister_tenancy::Tier;
use cloister_testkit::{Call, FrontDoor};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{Office, http_modules, id, mistakes, platform};

fn place(class: &Value, person: &Value, role: &str, begin: Option<&str>, end: Option<&str>) -> Value {
    json!({"class_id": class["id"], "person_id": person["id"], "role": role, "begin_date": begin, "end_date": end})
}

#[tokio::test]
async fn places_do_not_overlap() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let frame = office.frame().await;
        let (mila, ben) = (office.person("Mila", "Okafor").await, office.person("Ben", "Okafor").await);
        let class = &frame.class;
        let student = |person: &Value, begin, end| place(class, person, "student", begin, end);
        let fall = student(&mila, Some("2025-09-01"), Some("2026-01-01"));
        let fall = office.make("enrollments", fall).await;
        assert_eq!(fall["school_id"], frame.school["id"], "the school of the class");
        for (begin, end) in [
            (None, None),
            (Some("2025-12-31"), None),
            (None, Some("2025-09-02")),
            (Some("2025-10-01"), Some("2025-10-02")),
            (Some("2025-08-01"), Some("2026-08-01")),
        ] {
            let body = student(&mila, begin, end);
            office.call("POST", "enrollments").json(body).refused(409, "enrollment_overlaps").await;
        }
        // Another role, another person, and the days beside are free.
        office.make("enrollments", place(class, &mila, "proctor", None, None)).await;
        office.make("enrollments", student(&ben, None, None)).await;
        office.make("enrollments", student(&mila, None, Some("2025-09-01"))).await;
        let spring = office.make("enrollments", student(&mila, Some("2026-01-01"), None)).await;

        let change = |record: &Value, patch: Value| {
            office.change("PATCH", &format!("enrollments/{}", id(record)), record).json(patch)
        };
        change(&spring, json!({"begin_date": "2025-12-31"})).refused(409, "enrollment_overlaps").await;
        change(&spring, json!({"begin_date": null})).refused(409, "enrollment_overlaps").await;
        let later = change(&spring, json!({"begin_date": "2026-02-01"})).expect(200).await;
        let refusal = change(&later, json!({"person_id": ben["id"]})).expect(422).await;
        assert_eq!(mistakes(&refusal), [("person_id", "enrollment_moved")]);
        change(&later, json!({"role": "proctor"})).refused(409, "enrollment_overlaps").await;

        // A deleted place is not in the way, until it is brought back.
        let address = format!("enrollments/{}", id(&fall));
        office.change("DELETE", &address, &fall).expect(204).await;
        office.make("enrollments", student(&mila, Some("2025-10-01"), Some("2025-11-01"))).await;
        let gone = office.read(&address).await;
        change(&gone, json!({"status": "active"})).refused(409, "enrollment_overlaps").await;
    }
}

/// Through a proxy that holds everything back, so that all look before any has committed.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_wins() {
    let (platform, _) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let proxy = platform.proxy(Duration::from_millis(20)).await;
    let door = FrontDoor::new(&platform.node_on(&platform.through(&proxy)).await, &http_modules());
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let person = office.person("Mila", "Okafor").await;
    let at_once = async |calls: Vec<Call>| {
        let tries: JoinSet<u16> = calls.into_iter().map(|call| async move { call.send().await.status }).collect();
        let mut statuses = tries.join_all().await;
        statuses.sort_unstable();
        statuses
    };
    // Opens the connections.
    assert_eq!(at_once(vec![office.call("GET", "orgs"); 8]).await, [200; 8]);
    let begins = |day: u8| {
        let begin = format!("2025-09-{day:02}");
        office.call("POST", "enrollments").json(place(&frame.class, &person, "student", Some(&begin), None))
    };
    assert_eq!(at_once((1..=8).map(begins).collect()).await, [201, 409, 409, 409, 409, 409, 409, 409]);
    let [first] = office.list("enrollments").await.try_into().unwrap();

    // Two places with days between them: each may grow into these, not both.
    let change = |record: &Value, patch: Value| {
        office.change("PATCH", &format!("enrollments/{}", id(record)), record).json(patch)
    };
    let first = change(&first, json!({"begin_date": "2025-09-01", "end_date": "2025-10-01"})).expect(200).await;
    let second = place(&frame.class, &person, "student", Some("2026-01-01"), None);
    let second = office.make("enrollments", second).await;
    // Prepares the statements on each connection.
    assert_eq!(at_once(vec![change(&first, json!({})); 8]).await, [200; 8]);
    let grow =
        vec![change(&first, json!({"end_date": "2025-12-01"})), change(&second, json!({"begin_date": "2025-11-01"}))];
    assert_eq!(at_once(grow).await, [200, 409]);
}

#[tokio::test]
async fn a_list_is_narrowed_by_class_person_role_school_and_day() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Database).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let other = json!({"title": "Algebra B", "class_type": "scheduled", "course_id": frame.course["id"],
        "school_id": frame.district["id"], "term_ids": [frame.term["id"]]});
    let other = office.make("classes", other).await;
    let (mila, tom) = (office.person("Mila", "Okafor").await, office.person("Tom", "Berg").await);
    let a = office.make("enrollments", place(&frame.class, &mila, "student", Some("2025-09-01"), Some("2026-01-01")));
    let a = a.await["id"].clone();
    let b = office.make("enrollments", place(&other, &mila, "student", Some("2026-01-01"), None)).await["id"].clone();
    let c = office.make("enrollments", place(&frame.class, &tom, "teacher", None, None)).await["id"].clone();
    let (class, person, school) = (id(&frame.class), id(&mila), id(&frame.school));
    for (query, wanted) in [
        (String::new(), vec![&a, &b, &c]),
        ("?sort=-created_at".to_owned(), vec![&c, &b, &a]),
        ("?sort=-date_last_modified&limit=2".to_owned(), vec![&c, &b]),
        (format!("?class_id={class}"), vec![&a, &c]),
        (format!("?person_id={person}"), vec![&a, &b]),
        (format!("?class_id={class}&person_id={person}"), vec![&a]),
        (format!("?class_id={class}&role=teacher"), vec![&c]),
        (format!("?school_id={school}"), vec![&a, &c]),
        ("?on=2025-12-31".to_owned(), vec![&a, &c]),
        ("?on=2026-01-01".to_owned(), vec![&b, &c]),
        (format!("?person_id={person}&on=2025-01-01"), vec![]),
    ] {
        let items = office.list(&format!("enrollments{query}")).await;
        let found: Vec<&Value> = items.iter().map(|item| &item["id"]).collect();
        assert_eq!(found, wanted, "{query}");
    }
    let classes = office.list(&format!("classes?person_id={person}")).await;
    assert_eq!(classes.len(), 2);
    for query in ["on=today", "on=0001-01-01", "role=pupil", "class_id=cls_1", "status=deleted"] {
        office.call("GET", &format!("enrollments?{query}")).refused(400, "query_invalid").await;
    }
}
