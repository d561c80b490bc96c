//! Health: what is told is kept sealed, who sees it, and that whoever saw it is written down.

use cloister_ids::{AccountId, SystemClock};
use cloister_tenancy::{TenantEntry, Tier};
use cloister_testkit::{Proxy, TestPlatform, operator};
use serde_json::{Value, json};

use crate::{Office, health_sight::entries, house::link, http_modules, id, mistakes, platform};

/// A word that nothing else holds.
pub(crate) const CANARY: &str = "zebrafish";

pub(crate) const PATHS: [&str; 5] = ["allergies", "health_conditions", "medications", "immunizations", "health_visits"];

/// Path, body with the canary in every text, and a patch.
pub(crate) fn kinds(student: &str) -> Vec<(&'static str, Value, Value)> {
    let c = CANARY;
    let meta = json!({ "x": c });
    vec![
        (
            "allergies",
            json!({"student_id": student, "recorded_date": "2025-09-01", "alert": true, "substance": c, "code": c,
                "reaction": c, "severity": "severe", "action_plan": c, "notes": c, "metadata": meta}),
            json!({"substance": format!("{c} eggs"), "end_date": "2026-01-01", "code": null}),
        ),
        (
            "health_conditions",
            json!({"student_id": student, "recorded_date": "2025-09-02", "alert": true, "name": c, "code": c,
                "code_system": c, "severity": "mild", "onset_date": "2019-01-01", "action_plan": c, "notes": c, "metadata": meta}),
            json!({"name": format!("{c} fever"), "alert": false, "onset_date": null}),
        ),
        (
            "medications",
            json!({"student_id": student, "begin_date": "2025-09-03", "end_date": "2026-09-03", "name": c, "dose": c,
                "route": "oral", "schedule": c, "given_at_school": true, "authorised_by": c,
                "authorisation_document": c, "notes": c, "metadata": meta}),
            json!({"dose": format!("two {c}"), "end_date": null}),
        ),
        (
            "immunizations",
            json!({"student_id": student, "date": "2025-09-04", "vaccine": c, "vaccine_code": c, "dose_number": 2,
                "lot_number": c, "provider": c, "notes": c, "metadata": meta}),
            json!({"dose_number": null, "lot_number": null, "exemption": "medical"}),
        ),
        (
            "health_visits",
            json!({"student_id": student, "date": "2025-09-05", "time": "10:05", "complaint": c, "treatment": c,
                "outcome": "rested", "seen_by": c, "guardian_informed_at": "2025-09-05T10:20:00Z",
                "guardian_informed_how": c, "notes": c, "metadata": meta}),
            json!({"outcome": "sent_home", "time": null}),
        ),
    ]
}

/// Everything that the tenant's database holds in its tables, as text, with what is binary as hexadecimal digits.
async fn everything(platform: &TestPlatform, tenant: &TenantEntry) -> String {
    let place = tenant.placement.as_ref().unwrap();
    let client = platform.admin(&place.database).await;
    let tables = "select format('%I.%I', table_schema, table_name) from information_schema.tables
        where table_schema in ($1, 'cloister') and table_type = 'BASE TABLE'";
    let mut all = String::new();
    for row in client.query(tables, &[&&*place.schema]).await.unwrap() {
        let text = format!("select coalesce(string_agg(t::text, ' '), '') from {} t", row.get::<_, String>(0));
        all.push_str(&client.query_one(&text, &[]).await.unwrap().get::<_, String>(0));
    }
    all
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_is_nowhere_in_clear_in_every_tier() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let mila = office.person("Mila", "Okafor").await;
        for (path, body, patch) in kinds(id(&mila)) {
            let call = office.call("POST", path).header("idempotency-key", &format!("k-{path}")).json(body.clone());
            let made = call.clone().expect(201).await;
            // Sent again, the kept answer is opened.
            assert_eq!(call.expect(201).await, made, "{path}");
            for (field, value) in body.as_object().unwrap() {
                assert_eq!(made[field], *value, "{path} {field}");
            }
            let address = format!("{path}/{}", id(&made));
            assert_eq!(office.read(&address).await, made, "{path}");
            let changed = office.change("PATCH", &address, &made).json(patch.clone()).expect(200).await;
            for (field, value) in patch.as_object().unwrap() {
                assert_eq!(changed[field], *value, "{path} {field}");
            }
            assert_eq!(office.read(&address).await, changed, "{path}");
            let same = office.change("PATCH", &address, &changed).json(patch).expect(200).await;
            assert_eq!(same, changed, "{path}");
            office.change("DELETE", &address, &changed).expect(204).await;
            let gone = office.read(&address).await;
            assert_eq!((&gone["status"], &gone["version"]), (&json!("tobedeleted"), &json!(3)), "{path}");
            office.change("PATCH", &address, &gone).json(json!({"status": "active"})).expect(200).await;
        }
        let all = everything(&platform, &tenant).await;
        assert!(all.contains("Okafor") && all.contains("substance"), "the look found too little");
        assert!(!all.contains(CANARY) && !all.contains(&hex(CANARY)), "in {}", tenant.tier);
        // The control plane neither.
        let control = platform.admin(&format!("{}_control", platform.prefix)).await;
        let audit = "select count(*) from control.audit where changes::text like '%zebrafish%'";
        assert_eq!(control.query_one(audit, &[]).await.unwrap().get::<_, i64>(0), 0);
    }
}

#[tokio::test]
async fn a_sealed_value_opens_in_its_own_row_alone() {
    let (platform, door) = platform().await;
    let (north, south) = (platform.tenant("north", Tier::Shared).await, platform.tenant("south", Tier::Shared).await);
    let office = Office { door: &door, tenant: &north };
    let mila = office.person("Mila", "Okafor").await;
    let mut made = Vec::new();
    for substance in ["Peanuts", "Eggs"] {
        let body = json!({"student_id": mila["id"], "recorded_date": "2025-09-01", "substance": substance});
        made.push(office.make("allergies", body).await);
    }
    let theirs = Office { door: &door, tenant: &south };
    let other = theirs.person("Tom", "Berg").await;
    let body = json!({"student_id": other["id"], "recorded_date": "2025-09-01", "substance": "Milk"});
    let other = theirs.make("allergies", body).await;
    let client = platform.admin(&north.placement.as_ref().unwrap().database).await;
    let uuid = |record: &Value| id(record).parse::<cloister_ids::AllergyId>().unwrap().uuid();
    let copy = "update shared.allergy set sealed = (select sealed from shared.allergy where id = $2) where id = $1";
    let keep = "create temporary table kept as select id, sealed from shared.allergy";
    client.batch_execute(keep).await.unwrap();
    let back = "update shared.allergy a set sealed = k.sealed from kept k where k.id = a.id";
    for (to, from) in [(&made[0], &made[1]), (&made[1], &other)] {
        client.execute(copy, &[&uuid(to), &uuid(from)]).await.unwrap();
        let refusal = office.call("GET", &format!("allergies/{}", id(to))).expect(500).await;
        let text = refusal.to_string();
        assert!(!text.contains("Eggs") && !text.contains("Milk") && !text.contains("sealed"), "{text}");
        office.call("GET", "allergies").expect(500).await;
        client.batch_execute(back).await.unwrap();
        office.read(&format!("allergies/{}", id(to))).await;
    }
    // Nor in the table of another kind.
    let condition = json!({"student_id": mila["id"], "recorded_date": "2025-09-01", "name": "Asthma"});
    let condition = office.make("health_conditions", condition).await;
    let swap = "update shared.health_condition set sealed = (select sealed from shared.allergy where id = $1)
        where tenant_id = $2";
    client.execute(swap, &[&uuid(&made[0]), &north.id.uuid()]).await.unwrap();
    office.call("GET", &format!("health_conditions/{}", id(&condition))).expect(500).await;
}

#[tokio::test]
async fn they_are_found_by_student_and_day_and_in_order() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let (mila, tom) = (office.person("Mila", "Okafor").await, office.person("Tom", "Okafor").await);
        let make = async |student: &Value, day: &str| {
            let body = json!({"student_id": student["id"], "date": day, "complaint": day});
            office.make("health_visits", body).await["id"].clone()
        };
        let a = make(&mila, "2025-10-02").await;
        let b = make(&tom, "2025-10-01").await;
        let c = make(&mila, "2025-10-03").await;
        for (query, wanted) in [
            (String::new(), vec![&b, &a, &c]),
            ("?sort=-date".to_owned(), vec![&c, &a, &b]),
            ("?sort=-date_last_modified&limit=2".to_owned(), vec![&c, &b]),
            (format!("?student_id={}", id(&mila)), vec![&a, &c]),
            (format!("?student_id={}&sort=-date_last_modified", id(&mila)), vec![&c, &a]),
            ("?from=2025-10-02".to_owned(), vec![&a, &c]),
            ("?until=2025-10-02".to_owned(), vec![&b]),
        ] {
            let items = office.list(&format!("health_visits{query}")).await;
            assert_eq!(items.iter().map(|item| &item["id"]).collect::<Vec<_>>(), wanted, "{query}");
        }
        let first = office.read("health_visits?limit=2").await;
        let next = format!("health_visits?limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
        assert_eq!(office.list(&next).await.iter().map(|item| &item["id"]).collect::<Vec<_>>(), [&c]);
    }
}

#[tokio::test]
async fn bad_values_are_refused_and_never_repeated() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let mila = office.person("Mila", "Okafor").await;
    let kinds = kinds(id(&mila));
    let long = format!("{CANARY}{}", "x".repeat(2001));
    let nobody = json!("per_01jd4kqvm6e8x9t3c5z7b2n0fa");
    for (path, field, value, fault, code) in [
        ("allergies", "student_id", nobody.clone(), "student_id", "person_unknown"),
        ("allergies", "substance", json!(" "), "substance", "blank"),
        ("allergies", "substance", json!(null), "substance", "wrong_type"),
        ("allergies", "reaction", json!(long), "reaction", "too_long"),
        ("allergies", "severity", json!("zebrafish"), "severity", "unknown_value"),
        ("allergies", "end_date", json!("2025-09-01"), "end_date", "end_not_after_begin"),
        ("allergies", "recorded_date", json!("0025-09-01"), "recorded_date", "date_implausible"),
        ("allergies", "status", json!("tobedeleted"), "status", "status_not_new"),
        ("allergies", "sealed", json!("x"), "sealed", "unknown_field"),
        ("allergies", "metadata", json!({"x": "x".repeat(17_000)}), "metadata", "too_large"),
        ("health_conditions", "student_id", nobody.clone(), "student_id", "person_unknown"),
        ("health_conditions", "name", json!("a\nb"), "name", "control_character"),
        ("health_conditions", "code", json!("x".repeat(65)), "code", "too_long"),
        ("health_conditions", "onset_date", json!("2025-13-01"), "onset_date", "invalid_value"),
        ("medications", "student_id", nobody.clone(), "student_id", "person_unknown"),
        ("medications", "name", json!(""), "name", "blank"),
        ("medications", "route", json!("by post"), "route", "unknown_value"),
        ("medications", "end_date", json!("2025-09-03"), "end_date", "end_not_after_begin"),
        ("immunizations", "student_id", nobody.clone(), "student_id", "person_unknown"),
        ("immunizations", "dose_number", json!(0), "dose_number", "too_small"),
        ("immunizations", "exemption", json!("religious"), "dose_number", "exempt"),
        ("immunizations", "vaccine", json!(7), "vaccine", "wrong_type"),
        ("health_visits", "student_id", nobody, "student_id", "person_unknown"),
        ("health_visits", "time", json!("25:00"), "time", "invalid_value"),
        ("health_visits", "guardian_informed_at", json!(null), "guardian_informed_at", "informed_at_missing"),
        ("health_visits", "outcome", json!("dead"), "outcome", "unknown_value"),
    ] {
        let (_, body, _) = kinds.iter().find(|(kind, ..)| *kind == path).unwrap();
        let mut body = body.clone();
        body[field] = value;
        let refusal = office.call("POST", path).json(body).refused(422, "validation_failed").await;
        assert!(mistakes(&refusal).contains(&(fault, code)), "{path} {field}: {refusal}");
    }
    for (path, body, _) in &kinds {
        let made = office.make(path, body.clone()).await;
        let other = office.person("Tom", "Berg").await;
        let address = format!("{path}/{}", id(&made));
        let moved = office.change("PATCH", &address, &made).json(json!({"student_id": other["id"]})).expect(422).await;
        assert_eq!(mistakes(&moved), [("student_id", "health_record_moved")], "{path}");
        office.call("PATCH", &address).json(json!({})).refused(428, "precondition_required").await;
        office.call("POST", path).json(json!({})).refused(422, "validation_failed").await;
        office.call("GET", &format!("{path}?from=x")).expect(400).await;
        office.call("GET", &format!("{path}?q=peanuts")).expect(400).await;
        let list = office.list(path).await;
        assert_eq!(list.len(), 1, "a refused creation left something: {path}");
    }
    office.call("GET", "access_log_entries?from=x").expect(400).await;
    office.call("GET", "access_log_entries?status=all").expect(400).await;
    office.call("GET", "health_alerts?student_id=x").expect(400).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_takes_health_along_and_its_undo_brings_it_back() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let (kept, merged) = (office.person("Mila", "Okafor").await, office.person("Milla", "Okafor").await);
        for (path, body, _) in kinds(id(&merged)) {
            office.make(path, body).await;
        }
        let merge = office.make("person_merges", json!({"kept_id": kept["id"], "merged_id": merged["id"]})).await;
        assert_eq!(merge["row_count"], 5);
        for path in PATHS {
            let items = office.list(&format!("{path}?student_id={}", id(&kept))).await;
            assert_eq!(items.len(), 1, "{path}");
            assert!(items[0].to_string().contains(CANARY), "{path}");
            assert!(office.list(&format!("{path}?student_id={}", id(&merged))).await.is_empty(), "{path}");
        }
        // What was seen under the other record is found with the one that stays, in either order.
        let found = async |person: &Value| {
            for order in ["at", "-at"] {
                let seen = entries(&office, &format!("student_id={}&sort={order}", id(person))).await;
                assert!(seen.iter().any(|entry| entry["student_id"] == merged["id"]), "{seen:?}");
            }
        };
        found(&kept).await;
        // So it is when that one becomes part of a third.
        let third = office.person("Mia", "Okafor").await;
        let further = office.make("person_merges", json!({"kept_id": third["id"], "merged_id": kept["id"]})).await;
        found(&third).await;
        office.change("DELETE", &format!("person_merges/{}", id(&further)), &further).expect(204).await;
        office.change("DELETE", &format!("person_merges/{}", id(&merge)), &merge).expect(204).await;
        for path in PATHS {
            let items = office.list(&format!("{path}?student_id={}", id(&merged))).await;
            assert!(items.len() == 1 && items[0].to_string().contains(CANARY), "{path}");
        }
    }
}

#[tokio::test]
async fn with_a_tenant_its_key_is_destroyed() {
    let (platform, door) = platform().await;
    let (gone, stays) = (platform.tenant("north", Tier::Shared).await, platform.tenant("south", Tier::Shared).await);
    let office = Office { door: &door, tenant: &gone };
    let mila = office.person("Mila", "Okafor").await;
    let body = json!({"student_id": mila["id"], "recorded_date": "2025-09-01", "substance": CANARY});
    office.make("allergies", body).await;
    let control = platform.admin(&format!("{}_control", platform.prefix)).await;
    let keys = "select count(*) from control.data_key where tenant_id = $1";
    let count =
        async |tenant: &TenantEntry| -> i64 { control.query_one(keys, &[&tenant.id.uuid()]).await.unwrap().get(0) };
    assert_eq!((count(&gone).await, count(&stays).await), (1, 1));
    operator::delete(&platform.tenancy, gone.id).await;
    assert_eq!(count(&gone).await, 1, "a deleted tenant can come back");
    operator::purge(&platform.tenancy, gone.id).await;
    assert_eq!((count(&gone).await, count(&stays).await), (0, 1));
    assert!(platform.tenancy.registry().by_id(gone.id).is_none());
}

/// Long enough that a node under load has sent everything it sends without waiting.
const HOLD: std::time::Duration = std::time::Duration::from_millis(15);

#[tokio::test(flavor = "multi_thread")]
async fn a_read_is_two_round_trips_and_a_write_two() {
    let (platform, _) = platform().await;
    for tier in [Tier::Shared, Tier::Database] {
        let tenant = platform.tenant(&format!("in-{tier}"), tier).await;
        let proxy: Proxy = platform.proxy(HOLD).await;
        let node = platform.node_on(&platform.through(&proxy)).await;
        let door = cloister_testkit::FrontDoor::new(&node, &http_modules());
        let office = Office { door: &door, tenant: &tenant };
        let mila = office.person("Mila", "Okafor").await;
        link(&platform, &tenant, &mila, AccountId::generate(&SystemClock)).await;
        let body = json!({"student_id": mila["id"], "recorded_date": "2025-09-01", "substance": "Peanuts"});
        let post = office.call("POST", "allergies").json(body);
        let made = post.clone().expect(201).await;
        let address = format!("allergies/{}", id(&made));
        for (call, status) in [
            (post, 201),
            (office.call("GET", &address), 200),
            (office.call("GET", "allergies"), 200),
            (office.call("GET", "health_alerts"), 200),
        ] {
            call.clone().expect(status).await;
            proxy.take_bursts();
            call.expect(status).await;
            assert_eq!(proxy.take_bursts(), 2);
        }
    }
}
