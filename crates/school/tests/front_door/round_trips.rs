//! How often an endpoint speaks to PostgreSQL: once to read, at most twice to write.

use std::time::Duration;

use cloister_ids::{AccountId, SystemClock};
use cloister_tenancy::Tier;
use cloister_testkit::{Call, FrontDoor, Proxy, TestPlatform};
use serde_json::{Value, json};

use crate::{
    Office,
    attendance::{Codes, DAY, entry, place, register},
    house::{link, signed_in},
    http_modules, id, platform,
};

/// Long enough that a node under load has sent everything it sends without waiting.
const HOLD: Duration = Duration::from_millis(15);

async fn behind_a_proxy(platform: &TestPlatform) -> (Proxy, FrontDoor) {
    let proxy = platform.proxy(HOLD).await;
    let node = platform.node_on(&platform.through(&proxy)).await;
    (proxy, FrontDoor::new(&node, &http_modules()))
}

/// Round trips of a call, after another like it has opened the connection and prepared its statements.
async fn cost(proxy: &Proxy, status: u16, warm: Call, call: Call) -> (Value, usize) {
    warm.expect(status).await;
    proxy.take_bursts();
    let body = call.expect(status).await;
    (body, proxy.take_bursts())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_is_one_and_a_write_two() {
    let (platform, _) = platform().await;
    for tier in [Tier::Shared, Tier::Schema] {
        let tenant = platform.tenant(&format!("in-{tier}"), tier).await;
        let (proxy, door) = behind_a_proxy(&platform).await;
        let office = Office { door: &door, tenant: &tenant };
        let frame = office.frame().await;
        let mother = office.person("Ada", "Okafor").await;
        let role = json!([{"role": "student", "role_type": "primary", "org_id": frame.school["id"]}]);
        let body = |n: u8| json!({"given_name": n.to_string(), "family_name": "Okafor", "roles": role, "agent_ids": [mother["id"]]});
        let post = |n: u8| office.call("POST", "persons").json(body(n));
        let (person, trips) = cost(&proxy, 201, post(1), post(2)).await;
        assert_eq!(trips, 2, "a person with roles and agents");
        let keyed = |n: u8| post(n).header("idempotency-key", &format!("{tier}-{n}"));
        assert_eq!(cost(&proxy, 201, keyed(3), keyed(4)).await.1, 2, "the same with a key");

        let person_path = format!("persons/{}", id(&person));
        let place = |who: &Value| {
            let body = json!({"class_id": frame.class["id"], "person_id": who["id"], "role": "student"});
            office.call("POST", "enrollments").json(body)
        };
        let (placed, trips) = cost(&proxy, 201, place(&mother), place(&person)).await;
        assert_eq!(trips, 2, "a place that overlaps no other");
        let put = office.call("PUT", &format!("{person_path}/demographics")).json(json!({"sex": "female"}));
        put.clone().expect(200).await;
        let again = |version: &str| put.clone().header("if-match", version);
        let (_, trips) = cost(&proxy, 200, again("\"v1\""), again("\"v2\"")).await;
        assert_eq!(trips, 2, "demographics");

        for path in [
            "orgs".to_owned(),
            format!("contacts?student_id={}", id(&person)),
            "families".to_owned(),
            "staff_assignments".to_owned(),
            "academic_records".to_owned(),
            "custom_fields".to_owned(),
            "person_merges".to_owned(),
            format!("{person_path}/siblings"),
            format!("{person_path}/custom_values"),
            "persons?role=student&q=okaf".to_owned(),
            format!("persons?class_id={}", id(&frame.class)),
            format!("classes/{}", id(&frame.class)),
            person_path.clone(),
            format!("{person_path}/agents"),
            format!("{person_path}/demographics"),
            format!("enrollments/{}", id(&placed)),
        ] {
            let get = office.call("GET", &path);
            assert_eq!(cost(&proxy, 200, get.clone(), get).await.1, 1, "{path}");
        }

        // The reader's person is found by the statement that reads.
        let account = AccountId::generate(&SystemClock);
        link(&platform, &tenant, &person, account).await;
        for (path, status, permission) in [
            ("persons".to_owned(), 200, "school.person.read:self"),
            (format!("persons?class_id={}", id(&frame.class)), 200, "school.*:self"),
            (person_path.clone(), 200, "school.person.read:self"),
            (format!("{person_path}/agents"), 200, "school.person.read:self"),
            (format!("{person_path}/demographics"), 200, "school.demographics.read:self"),
            (format!("persons/{}", id(&mother)), 404, "school.person.read:self"),
            ("contacts".to_owned(), 200, "school.contact.read:own_children"),
            ("academic_records".to_owned(), 200, "school.academic_record.read:self"),
            ("staff_assignments".to_owned(), 200, "school.staff_assignment.read:self"),
            (format!("{person_path}/siblings"), 200, "school.person.read:self"),
            ("enrollments".to_owned(), 200, "school.enrollment.read:self"),
            (format!("enrollments/{}", id(&placed)), 200, "school.enrollment.read:self"),
            (format!("classes?person_id={}", id(&person)), 200, "school.*:self"),
        ] {
            let get = office.call("GET", &path).token(&signed_in(account, &tenant, &[permission.to_owned()]));
            assert_eq!(cost(&proxy, status, get.clone(), get).await.1, 1, "{path} within {permission}");
        }

        let contact = |who: &Value| {
            let body = json!({"student_id": mother["id"], "contact_id": who["id"], "relation": "relative"});
            office.call("POST", "contacts").json(body)
        };
        let (one, other) = (office.person("Cy", "Berg").await, office.person("Dot", "Berg").await);
        let (related, trips) = cost(&proxy, 201, contact(&one), contact(&other)).await;
        assert_eq!(trips, 2, "a contact");
        let contact_path = format!("contacts/{}", id(&related));

        let class_path = format!("classes/{}", id(&frame.class));
        let org_path = format!("orgs/{}", id(&frame.school));
        let place_path = format!("enrollments/{}", id(&placed));
        for (path, one, other) in [
            (&person_path, json!({"roles": []}), json!({"roles": role, "agent_ids": []})),
            (&class_path, json!({"location": "Room 1"}), json!({"location": "Room 2"})),
            (&org_path, json!({"parent_id": null}), json!({"parent_id": frame.district["id"]})),
            (&place_path, json!({"end_date": "2026-01-01"}), json!({"end_date": null})),
            (&contact_path, json!({"custody": "none"}), json!({"custody": null})),
        ] {
            let version = office.read(path).await["version"].as_i64().unwrap();
            let patch = |version: i64, body: Value| {
                office.call("PATCH", path).header("if-match", &format!("\"v{version}\"")).json(body)
            };
            patch(version, one.clone()).expect(200).await;
            patch(version + 1, other.clone()).expect(200).await;
            let (_, trips) = cost(&proxy, 200, patch(version + 2, one), patch(version + 3, other)).await;
            assert_eq!(trips, 2, "{path}");
        }
        let gone = office.person("Di", "Berg").await;
        let other = office.person("Bo", "Berg").await;
        let delete = |record: &Value| office.change("DELETE", &format!("persons/{}", id(record)), record);
        assert_eq!(cost(&proxy, 204, delete(&other), delete(&gone)).await.1, 2, "delete");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attendance_is_read_in_one_and_recorded_in_two() {
    let (platform, _) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let (proxy, door) = behind_a_proxy(&platform).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let codes = Codes::new(&office).await;
    let students = [office.person("Ada", "Aho").await, office.person("Ben", "Berg").await];
    for student in &students {
        place(&office, &frame.class, student, "student").await;
    }
    let take = |version: &str, code: &Value| {
        let entries: Vec<Value> = students.iter().map(|student| entry(student, code)).collect();
        let put = office.call("PUT", &register(&frame.class, DAY)).json(json!({"entries": entries}));
        put.header("if-match", version)
    };
    take("\"v0\"", &codes.present).expect(200).await;
    let (_, trips) = cost(&proxy, 200, take("\"v1\"", &codes.absent), take("\"v2\"", &codes.present)).await;
    assert_eq!(trips, 2, "a register of two, of which both are corrected");
    let record = |student: &Value| {
        let body = json!({"student_id": student["id"], "school_id": frame.school["id"], "date": DAY,
            "code_id": codes.absent["id"]});
        office.call("POST", "attendance_events").json(body)
    };
    assert_eq!(cost(&proxy, 201, record(&students[0]), record(&students[1])).await.1, 2, "an event");
    let ask = |student: &Value| {
        let body = json!({"student_id": student["id"], "begin_date": "2025-10-06", "end_date": "2025-10-08",
            "reason": "Wedding"});
        office.call("POST", "absence_requests").json(body)
    };
    assert_eq!(cost(&proxy, 201, ask(&students[0]), ask(&students[1])).await.1, 2, "an absence request");
    for path in [
        register(&frame.class, DAY),
        "attendance_registers".to_owned(),
        "attendance_registers/missing".to_owned(),
        "attendance_events".to_owned(),
        "attendance_rates".to_owned(),
        format!("classes/{}/attendance_rate", id(&frame.class)),
        "absence_requests".to_owned(),
        format!("timetable?class_id={}", id(&frame.class)),
        "timetable/conflicts".to_owned(),
    ] {
        let get = office.call("GET", &path);
        assert_eq!(cost(&proxy, 200, get.clone(), get).await.1, 1, "{path}");
    }
}
