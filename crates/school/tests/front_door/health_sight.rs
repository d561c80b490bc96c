//! Health: who sees what, and that whoever saw it is written down.

use cloister_tenancy::Tier;
use serde_json::{Value, json};

use crate::{
    Office,
    health::{CANARY, PATHS, kinds},
    house::{Accounts, House, permissions},
    id, platform,
};

/// The access log.
pub(crate) async fn entries(office: &Office<'_>, query: &str) -> Vec<Value> {
    office.list(&format!("access_log_entries?limit=200&{query}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_record_that_is_shown_leaves_an_entry_in_every_tier() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    for tenant in platform.tenant_in_each_tier().await {
        let house = House::new(&platform, &door, &tenant, &accounts).await;
        let (office, mila, quin) = (&house.office, house.person("Mila"), house.person("Quin"));
        let mut made = Vec::new();
        for (path, body, _) in kinds(mila).into_iter().chain(kinds(quin)) {
            made.push((path, office.make(path, body).await));
        }
        let by_making = entries(office, &format!("student_id={mila}")).await;
        assert_eq!(by_making.len(), 5);
        assert!(by_making.iter().all(|entry| entry["action"] == "create"));
        let account = accounts.of("guardian").to_string();
        let of_gus = async || entries(office, &format!("account_id={account}")).await;
        let before = of_gus().await.len();
        for (path, record) in &made {
            let own = record["student_id"] == mila;
            let (known, wanted) = (of_gus().await.len(), if own { 200 } else { 404 });
            let seen = house.by("guardian", "GET", &format!("{path}/{}", id(record))).send().await;
            assert_eq!(seen.status, wanted, "{path}");
            let now = of_gus().await;
            assert_eq!(now.len(), known + usize::from(own), "{path}");
            if own {
                let last = now.last().unwrap();
                assert_eq!(last["resource_id"], record["id"]);
                assert_eq!((&last["student_id"], &last["action"]), (&json!(mila), &json!("read")));
                assert_eq!(last["actor"], json!(format!("account:{account}")));
            }
        }
        assert_eq!(of_gus().await.len(), before + 5);
        // A list of n leaves n, and a page no more than it shows.
        for path in PATHS {
            let known = entries(office, "").await.len();
            assert_eq!(office.list(path).await.len(), 2);
            assert_eq!(entries(office, "").await.len(), known + 2, "{path}");
            office.list(&format!("{path}?limit=1")).await;
            assert_eq!(entries(office, "").await.len(), known + 3, "{path}");
            let table = office.call("GET", path).header("accept", "text/csv").send().await;
            assert_eq!((table.status, table.text.matches(CANARY).count() > 1), (200, true), "{path}");
            assert_eq!(entries(office, "").await.len(), known + 5, "{path}");
            let none = office.list(&format!("{path}?from=2030-01-01")).await;
            assert_eq!((none.len(), entries(office, "").await.len()), (0, known + 5), "{path}");
        }
        // A change shows the record too, even one that changes nothing.
        let (path, record) = &made[0];
        let known = entries(office, "").await.len();
        let address = format!("{path}/{}", id(record));
        office.change("PATCH", &address, record).json(json!({})).expect(200).await;
        office.change("PATCH", &address, record).json(json!({"notes": "x"})).expect(200).await;
        let now = entries(office, "").await;
        assert_eq!(now.len(), known + 2);
        assert_eq!(now.last().unwrap()["action"], "update");
        let one_kind = entries(office, "resource=school.immunization&sort=-at").await;
        assert!(!one_kind.is_empty() && one_kind.iter().all(|entry| entry["resource"] == "school.immunization"));
        let both = entries(office, &format!("student_id={mila}&account_id={account}")).await;
        assert_eq!(both.len(), 5);
        let at = |entry: &Value| entry["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        for time in [at(&now[0]), at(&now[now.len() / 2]), at(&now[now.len() - 1])] {
            for (bound, within) in [("from", true), ("until", false)] {
                let mut wanted = now.clone();
                wanted.retain(|entry| (at(entry) >= time) == within);
                assert_eq!(entries(office, &format!("{bound}={time}")).await, wanted);
                wanted.reverse();
                assert_eq!(entries(office, &format!("{bound}={time}&sort=-at")).await, wanted);
            }
        }
        // Nobody else reads it.
        for (role, wanted) in [("owner", 200), ("admin", 200), ("staff", 404), ("teacher", 404), ("guardian", 404)] {
            assert_eq!(house.by(role, "GET", "access_log_entries").send().await.status, wanted, "{role}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_noted_is_not_shown() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let mila = office.person("Mila", "Okafor").await;
    let mut made = Vec::new();
    for (path, body, _) in kinds(id(&mila)) {
        made.push((path, office.make(path, body).await));
    }
    let client = platform.admin(&tenant.placement.as_ref().unwrap().database).await;
    client.batch_execute("revoke insert on shared.access_log_entry from test_application").await.unwrap();
    for (path, record) in &made {
        for path in [(*path).to_owned(), format!("{path}/{}", id(record)), "health_alerts".to_owned()] {
            let seen = office.call("GET", &path).send().await;
            assert!(seen.status == 500 && !seen.text.contains(CANARY), "{path}: {}", seen.text);
        }
    }
    client.batch_execute("grant insert on shared.access_log_entry to test_application").await.unwrap();
    // And what was noted stays: the application's login neither changes nor removes it.
    client.batch_execute("set role test_application; select count(*) from shared.access_log_entry").await.unwrap();
    for attempt in ["update shared.access_log_entry set actor = 'nobody'", "delete from shared.access_log_entry"] {
        let refused = client.batch_execute(attempt).await.unwrap_err();
        assert_eq!(refused.code().map(tokio_postgres::error::SqlState::code), Some("42501"), "{attempt}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sees_what_is_theirs_in_every_tier() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    for tenant in platform.tenant_in_each_tier().await {
        let house = House::new(&platform, &door, &tenant, &accounts).await;
        let mut made = Vec::new();
        for name in ["Mila", "Quin"] {
            for (path, body, _) in kinds(house.person(name)) {
                made.push((name, path, house.office.make(path, body).await));
            }
        }
        for (role, of_own, of_other, listed) in [
            ("owner", 200, 200, Some(2)),
            ("admin", 200, 200, Some(2)),
            ("nurse", 200, 200, Some(2)),
            ("staff", 404, 404, None),
            ("teacher", 404, 404, None),
            ("guardian", 200, 404, Some(1)),
            ("student", 200, 404, Some(1)),
        ] {
            let by = |method: &str, path: &str| {
                let account = if role == "nurse" { "staff" } else { role };
                house.with(account, &permissions(role), method, path)
            };
            for (name, path, record) in &made {
                let address = format!("{path}/{}", id(record));
                let wanted = if *name == "Mila" { of_own } else { of_other };
                assert_eq!(by("GET", &address).send().await.status, wanted, "{role} {path} of {name}");
                let keeps = listed == Some(2);
                for method in ["PATCH", "DELETE"] {
                    let wanted = match (keeps, wanted) {
                        (true, _) => 412,
                        (false, 200) => 403,
                        (false, other) => other,
                    };
                    let call = by(method, &address).header("if-match", "\"v999\"");
                    let call = if method == "PATCH" { call.json(json!({})) } else { call };
                    assert_eq!(call.send().await.status, wanted, "{role} {method} {path} of {name}");
                }
            }
            for path in PATHS {
                let seen = by("GET", path).send().await;
                assert_eq!(seen.body["items"].as_array().map(Vec::len), listed, "{role} {path}");
                let seen = by("GET", &format!("{path}?student_id={}", house.person("Quin"))).send().await;
                let wanted = listed.map(|listed| usize::from(listed == 2));
                assert_eq!(seen.body["items"].as_array().map(Vec::len), wanted, "{role} {path}");
            }
        }
        // Custody that is restricted shows nothing.
        let path = format!("contacts/{}", house.contact("Gus"));
        let contact = house.office.read(&path).await;
        house.office.change("PATCH", &path, &contact).json(json!({"custody": "restricted"})).expect(200).await;
        for (_, path, record) in &made {
            house.by("guardian", "GET", &format!("{path}/{}", id(record))).refused(404, "not_found").await;
            let page = house.by("guardian", "GET", path).expect(200).await;
            assert_eq!(page["items"], json!([]), "{path}");
        }
        // A role of the school's own may be narrowed to own classes.
        let aide = ["school.medication.read:own_classes".to_owned()];
        let page = house.with("teacher", &aide, "GET", "medications").expect(200).await;
        assert_eq!(page["items"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn teachers_are_told_what_they_must_know_of_those_they_teach() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", Tier::Shared).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    // What a colleague in the same class must avoid is between them and the health office.
    let beside = json!({"class_id": house.frame.class["id"], "person_id": house.person("Cole"), "role": "teacher"});
    house.office.make("enrollments", beside).await;
    for name in ["Mila", "Quin", "Cole"] {
        for (what, body) in [
            (
                "allergies",
                json!({"substance": "Peanuts", "action_plan": "Pen", "severity": "severe", "alert": true, "notes": CANARY, "reaction": CANARY}),
            ),
            ("allergies", json!({"substance": "Cats"})),
            ("allergies", json!({"substance": "Milk", "alert": true, "end_date": "2025-09-02"})),
            ("health_conditions", json!({"name": "Asthma", "alert": true, "code": CANARY})),
        ] {
            let mut body = body;
            body["student_id"] = json!(house.person(name));
            body["recorded_date"] = json!("2025-09-01");
            house.office.make(what, body).await;
        }
    }
    let known = entries(&house.office, "").await.len();
    let page = house.by("teacher", "GET", "health_alerts").expect(200).await;
    let alerts = page["items"].as_array().unwrap();
    assert!(alerts.iter().all(|alert| alert["student_id"] == house.person("Mila")), "{page}");
    let told: Vec<_> = alerts
        .iter()
        .map(|alert| (&alert["kind"], &alert["name"], &alert["action_plan"], &alert["severity"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!("allergy"), &json!("Peanuts"), &json!("Pen"), &json!("severe")),
            (&json!("health_condition"), &json!("Asthma"), &Value::Null, &Value::Null),
        ]
    );
    assert!(!page.to_string().contains(CANARY), "{page}");
    let now = entries(&house.office, "sort=-at").await;
    assert_eq!(now.len(), known + 2);
    assert_eq!(now[0]["resource"], "school.health_alert");
    for (role, wanted) in [("staff", 404), ("guardian", 404), ("student", 404), ("owner", 200), ("admin", 200)] {
        assert_eq!(house.by(role, "GET", "health_alerts").send().await.status, wanted, "{role}");
    }
    // A page at a time, in both directions.
    for sort in ["created_at", "-created_at"] {
        let whole = house.office.list(&format!("health_alerts?sort={sort}")).await;
        assert_eq!(whole.len(), 6);
        let (mut parts, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = house.office.read(&format!("health_alerts?sort={sort}&limit=1{cursor}")).await;
            parts.extend(page["items"].as_array().unwrap().clone());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(parts, whole);
    }
    let of_quin = house.office.list(&format!("health_alerts?student_id={}", house.person("Quin"))).await;
    assert_eq!(of_quin.len(), 2);
    let none =
        house.by("teacher", "GET", &format!("health_alerts?student_id={}", house.person("Quin"))).expect(200).await;
    assert_eq!(none["items"], json!([]));
}
