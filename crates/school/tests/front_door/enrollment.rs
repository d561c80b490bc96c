//! Places in classes: no two of a person with one role overlap.

use cloister_tenancy::Tier;
use serde_json::{Value, json};

use crate::{Office, id, mistakes, platform};

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

#[tokio::test]
async fn of_many_at_once_one_wins() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let person = office.person("Mila", "Okafor").await;
    let mut tries = tokio::task::JoinSet::new();
    for day in 1..=12 {
        let begin = format!("2025-09-{day:02}");
        let body = place(&frame.class, &person, "student", Some(&begin), None);
        let call = office.call("POST", "enrollments").json(body);
        tries.spawn(async move { call.send().await.status });
    }
    let mut statuses = tries.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [&[201][..], &[409; 11]].concat());
    assert_eq!(office.list("enrollments").await.len(), 1);
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
