//! The life of each kind of record, alike in every tier.

use cloister_tenancy::Tier;
use serde_json::{Value, json};

use crate::{Frame, Office, id, mistakes, platform};

/// Path, body of a creation, and a patch, for each kind of record that is a list of its own.
fn kinds(frame: &Frame, person: &Value) -> Vec<(&'static str, Value, Value)> {
    let school = &frame.school["id"];
    vec![
        (
            "orgs",
            json!({"name": "East Campus", "type": "ext:campus", "identifier": "E1", "parent_id": school,
                "metadata": {"region": "east"}}),
            json!({"name": "West Campus", "identifier": null}),
        ),
        (
            "academic_sessions",
            json!({"title": "Period 1", "type": "gradingPeriod", "start_date": "2025-09-01", "end_date": "2025-10-15",
                "school_year": 2026, "parent_id": frame.term["id"]}),
            json!({"end_date": "2025-10-20", "parent_id": null}),
        ),
        (
            "courses",
            json!({"title": "Biology", "course_code": "BIO", "org_id": school, "school_year_id": frame.term["id"],
                "grades": ["08", "09"], "subjects": ["science"], "subject_codes": ["301"]}),
            json!({"grades": ["09"], "subject_codes": [], "school_year_id": null}),
        ),
        (
            "classes",
            json!({"title": "Biology B", "class_code": "BIO-B", "class_type": "homeroom", "location": "Room 3",
                "course_id": frame.course["id"], "school_id": school, "term_ids": [frame.term["id"]],
                "periods": ["1", "2"]}),
            json!({"location": null, "periods": []}),
        ),
        (
            "persons",
            json!({"given_name": "Ana", "family_name": "Núñez", "preferred_given_name": "Anita", "username": "ana",
                "enabled_user": false, "email": "ana@school.example", "grades": ["09"], "primary_org_id": school,
                "user_ids": [{"type": "LDAP", "identifier": "anunez"}], "agent_ids": [person["id"]],
                "roles": [{"role": "student", "role_type": "primary", "org_id": school, "begin_date": "2025-09-01"}]}),
            json!({"preferred_given_name": null, "phone": "+1 555 0111", "grades": []}),
        ),
        (
            "enrollments",
            json!({"class_id": frame.class["id"], "person_id": person["id"], "role": "teacher", "primary": true,
                "begin_date": "2025-09-01"}),
            json!({"end_date": "2026-01-10", "primary": null}),
        ),
    ]
}

/// The same for kinds that have no name in the standard.
fn unnamed_kinds(frame: &Frame, person: &Value, other: &Value) -> Vec<(&'static str, Value, Value)> {
    let contact = (
        "contacts",
        json!({"student_id": person["id"], "contact_id": other["id"], "relation": "father", "legal_guardian": true,
            "custody": "shared", "contact_priority": 2, "contact_by_mail": false, "begin_date": "2025-09-01",
            "contact_restrictions": "Picks up on Fridays only.", "metadata": {"seat": "b"}}),
        json!({"custody": "restricted", "contact_priority": null, "contact_restrictions": null,
            "end_date": "2030-07-01"}),
    );
    vec![
        contact,
        (
            "families",
            json!({"name": "Ericsson", "home_language": "sv", "member_ids": [person["id"], other["id"]]}),
            json!({"name": "Ericsson and Berg", "home_language": null, "member_ids": [other["id"]]}),
        ),
        (
            "staff_assignments",
            json!({"person_id": person["id"], "org_id": frame.school["id"], "position_title": "School Nurse",
                "staff_classification": "nurse", "full_time_equivalency": 0.3333, "begin_date": "2025-08-01"}),
            json!({"full_time_equivalency": null, "position_title": null, "end_date": "2026-07-01"}),
        ),
        (
            "academic_records",
            json!({"student_id": person["id"], "school_name": "Birch Lane Primary", "school_year": 2024,
                "grade_level": "02", "result": "transferred", "credits_earned": 3.125, "begin_date": "2023-09-01"}),
            json!({"result": "ext:moved abroad", "credits_earned": null, "grade_point_average": 3.7,
                "org_id": frame.school["id"], "notes": "Papers asked for."}),
        ),
        (
            "student_school_associations",
            json!({"student_id": person["id"], "school_id": frame.school["id"], "entry_date": "2025-08-18",
                "entry_grade_level": "05", "entry_type": "reentry", "primary_school": false,
                "repeat_grade_indicator": true, "next_year_grade_level": "06", "metadata": {"seat": "b"}}),
            json!({"entry_grade_level": null, "next_year_school_id": frame.district["id"], "exit_withdraw_date":
                "2026-07-01", "exit_withdraw_type": "ext:military", "exit_withdraw_reason": "Called up."}),
        ),
        (
            "custom_fields",
            json!({"resource": "person", "name": "bus_line", "title": "Bus line", "type": "choice",
                "choices": ["North", "South"], "searchable": true}),
            json!({"title": "Line of the bus", "choices": ["North"], "required": true, "searchable": false}),
        ),
    ]
}

#[tokio::test]
async fn every_record_lives_alike_in_every_tier() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let frame = office.frame().await;
        let person = office.person("Astrid", "Ericsson").await;
        let other = office.person("Ada", "Ericsson").await;
        for (path, body, patch) in kinds(&frame, &person).into_iter().chain(unnamed_kinds(&frame, &person, &other)) {
            lives(&office, path, &body, &patch).await;
        }
    }
}

async fn lives(office: &Office<'_>, path: &str, body: &Value, patch: &Value) {
    let made = office.call("POST", path).json(body.clone()).send().await;
    assert_eq!((made.status, made.header("etag")), (201, Some("\"v1\"")), "{path}: {}", made.body);
    let made = made.body;
    let is_named = made["sourced_id"].is_string();
    assert!(!is_named || made["sourced_id"] == made["id"], "{path}");
    assert_eq!((&made["status"], &made["source"]), (&json!("active"), &json!("manual")), "{path}");
    for (field, value) in body.as_object().unwrap() {
        match field.as_str() {
            // Completed by ids.
            "roles" => assert_eq!(made["roles"][0]["role"], value[0]["role"]),
            _ => assert_eq!(made[field], *value, "{path} {field}"),
        }
    }
    let address = format!("{path}/{}", id(&made));
    let read = office.call("GET", &address).send().await;
    assert_eq!((read.status, read.header("etag"), &read.body), (200, Some("\"v1\""), &made), "{path}");
    assert!(office.list(path).await.iter().any(|item| item["id"] == made["id"]), "{path}");
    if is_named {
        let found = office.list(&format!("{path}?sourced_id={}", id(&made))).await;
        assert_eq!((found.len(), &found[0]["id"]), (1, &made["id"]), "{path}");
    }

    let change = office.call("PATCH", &address).json(patch.clone());
    change.clone().refused(428, "precondition_required").await;
    change.clone().header("if-match", "\"v9\"").refused(412, "version_mismatch").await;
    let changed = change.clone().header("if-match", "\"v1\"").expect(200).await;
    assert_eq!(changed["version"], 2, "{path}");
    for (field, value) in patch.as_object().unwrap() {
        assert_eq!(changed[field], *value, "{path} {field}");
    }
    assert_eq!(office.read(&address).await, changed, "{path}");
    // Once more the same is no change.
    assert_eq!(change.header("if-match", "\"v2\"").expect(200).await, changed, "{path}");

    if is_named {
        let renamed = office.change("PATCH", &address, &changed).json(json!({"sourced_id": "other"}));
        assert_eq!(mistakes(&renamed.expect(422).await), [("sourced_id", "sourced_id_fixed")], "{path}");
    }
    let deleted = office.change("PATCH", &address, &changed).json(json!({"status": "tobedeleted"}));
    assert_eq!(mistakes(&deleted.expect(422).await), [("status", "status_not_deleted_here")], "{path}");

    let delete = office.call("DELETE", &address);
    delete.clone().refused(428, "precondition_required").await;
    delete.clone().header("if-match", "\"v1\"").refused(412, "version_mismatch").await;
    delete.header("if-match", "\"v2\"").expect(204).await;
    let gone = office.read(&address).await;
    assert_eq!((&gone["status"], &gone["version"]), (&json!("tobedeleted"), &json!(3)), "{path}");
    // Again is no change.
    office.change("DELETE", &address, &gone).expect(204).await;
    assert_eq!(office.read(&address).await["version"], 3, "{path}");
    for (query, shown) in [("", false), ("?status=active", false), ("?status=tobedeleted", true), ("?status=all", true)]
    {
        let items = office.list(&format!("{path}{query}")).await;
        assert_eq!(items.iter().any(|item| item["id"] == made["id"]), shown, "{path}{query}");
    }
    office.change("PATCH", &address, &gone).json(patch.clone()).refused(409, "record_deleted").await;
    let back = office.change("PATCH", &address, &gone).json(json!({"status": "active"})).expect(200).await;
    assert_eq!((&back["status"], &back["version"]), (&json!("active"), &json!(4)), "{path}");
    assert!(office.list(path).await.iter().any(|item| item["id"] == made["id"]), "{path}");
}

#[tokio::test]
async fn a_sourced_id_is_taken_once_for_each_kind() {
    let (platform, door) = platform().await;
    let (tenant, other) = (platform.tenant("north", Tier::Shared).await, platform.tenant("south", Tier::Shared).await);
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let person = office.person("Astrid", "Ericsson").await;
    for (path, mut body, _) in kinds(&frame, &person) {
        body["sourced_id"] = json!("one/1");
        office.make(path, body.clone()).await;
        if path == "enrollments" {
            body["begin_date"] = json!("2030-01-01");
            body["end_date"] = json!("2031-01-01");
            body["role"] = json!("proctor");
            body["primary"] = json!(null);
        }
        office.call("POST", path).json(body).refused(409, "sourced_id_taken").await;
    }
    // Another tenant's are neither in the way nor betrayed.
    let org = json!({"name": "Theirs", "type": "school", "sourced_id": "one/1"});
    Office { door: &door, tenant: &other }.make("orgs", org).await;
}

#[tokio::test]
async fn wrong_values_are_named() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let person = office.person("Astrid", "Ericsson").await;
    let kinds = kinds(&frame, &person);
    let long = "x".repeat(513);
    let school = id(&frame.school).to_owned();
    for (path, field, value, fault, code) in [
        ("orgs", "name", json!(" "), "name", "blank"),
        ("orgs", "name", json!(long), "name", "too_long"),
        ("orgs", "name", json!("a\nb"), "name", "control_character"),
        ("orgs", "name", json!(null), "name", "wrong_type"),
        ("orgs", "type", json!("scool"), "type", "invalid_value"),
        ("orgs", "parent_id", json!("per_01jd4kqvm6e8x9t3c5z7b2n0fa"), "parent_id", "invalid_value"),
        ("orgs", "parent_id", json!("org_01jd4kqvm6e8x9t3c5z7b2n0fa"), "parent_id", "org_unknown"),
        ("orgs", "sourced_id", json!("x".repeat(256)), "sourced_id", "too_long"),
        ("orgs", "status", json!("gone"), "status", "unknown_value"),
        ("orgs", "status", json!("tobedeleted"), "status", "status_not_new"),
        ("orgs", "metadata", json!([1]), "metadata", "wrong_type"),
        ("orgs", "metadata", json!({"x": "x".repeat(17_000)}), "metadata", "too_large"),
        ("orgs", "version", json!(4), "version", "unknown_field"),
        ("orgs", "tenant_id", json!("x"), "tenant_id", "unknown_field"),
        ("academic_sessions", "end_date", json!("2025-09-01"), "end_date", "end_not_after_begin"),
        ("academic_sessions", "end_date", json!("2025-13-01"), "end_date", "invalid_value"),
        ("academic_sessions", "start_date", json!("0025-09-01"), "start_date", "date_implausible"),
        ("academic_sessions", "start_date", json!("-005000-09-01"), "start_date", "date_implausible"),
        ("academic_sessions", "school_year", json!(26), "school_year", "too_small"),
        (
            "academic_sessions",
            "parent_id",
            json!("ses_01jd4kqvm6e8x9t3c5z7b2n0fa"),
            "parent_id",
            "academic_session_unknown",
        ),
        ("courses", "org_id", json!("org_01jd4kqvm6e8x9t3c5z7b2n0fa"), "org_id", "org_unknown"),
        (
            "courses",
            "school_year_id",
            json!("ses_01jd4kqvm6e8x9t3c5z7b2n0fa"),
            "school_year_id",
            "academic_session_unknown",
        ),
        ("courses", "subject_codes", json!(["1", "2"]), "subject_codes", "subject_codes_mismatch"),
        ("courses", "grades", json!([""]), "grades[0]", "blank"),
        ("classes", "course_id", json!("crs_01jd4kqvm6e8x9t3c5z7b2n0fa"), "course_id", "course_unknown"),
        ("classes", "school_id", json!("org_01jd4kqvm6e8x9t3c5z7b2n0fa"), "school_id", "org_unknown"),
        ("classes", "term_ids", json!([]), "term_ids", "too_few"),
        ("classes", "term_ids", json!([id(&frame.term), id(&frame.term)]), "term_ids", "given_twice"),
        ("classes", "term_ids", json!(["ses_01jd4kqvm6e8x9t3c5z7b2n0fa"]), "term_ids", "academic_session_unknown"),
        ("classes", "class_type", json!("homerom"), "class_type", "invalid_value"),
        ("persons", "family_name", json!(""), "family_name", "blank"),
        ("persons", "primary_org_id", json!("org_01jd4kqvm6e8x9t3c5z7b2n0fa"), "primary_org_id", "org_unknown"),
        ("persons", "agent_ids", json!(["per_01jd4kqvm6e8x9t3c5z7b2n0fa"]), "agent_ids", "person_unknown"),
        ("persons", "agent_ids", json!([id(&person), id(&person)]), "agent_ids", "given_twice"),
        (
            "persons",
            "roles",
            json!([{"role": "pupil", "role_type": "primary", "org_id": school}]),
            "roles[0].role",
            "invalid_value",
        ),
        (
            "persons",
            "roles",
            json!([{"role": "student", "role_type": "main", "org_id": school}]),
            "roles[0].role_type",
            "invalid_value",
        ),
        (
            "persons",
            "roles",
            json!([{"role": "student", "role_type": "primary",
            "org_id": "org_01jd4kqvm6e8x9t3c5z7b2n0fa"}]),
            "roles",
            "org_unknown",
        ),
        (
            "persons",
            "roles",
            json!([{"id": "rol_01jd4kqvm6e8x9t3c5z7b2n0fa", "role": "student",
            "role_type": "primary", "org_id": school}]),
            "roles[0].id",
            "role_unknown",
        ),
        ("persons", "user_ids", json!([{"type": "LDAP"}]), "user_ids[0].identifier", "missing"),
        ("persons", "account_id", json!("acc_01jd4kqvm6e8x9t3c5z7b2n0fa"), "account_id", "unknown_field"),
        ("enrollments", "class_id", json!("cls_01jd4kqvm6e8x9t3c5z7b2n0fa"), "class_id", "class_unknown"),
        ("enrollments", "person_id", json!("per_01jd4kqvm6e8x9t3c5z7b2n0fa"), "person_id", "person_unknown"),
        ("enrollments", "school_id", json!("org_01jd4kqvm6e8x9t3c5z7b2n0fa"), "school_id", "org_unknown"),
        ("enrollments", "end_date", json!("2025-08-31"), "end_date", "end_not_after_begin"),
        ("enrollments", "role", json!("student"), "primary", "primary_not_teacher"),
    ] {
        let (_, body, _) = kinds.iter().find(|(kind, ..)| *kind == path).unwrap();
        let mut body = body.clone();
        body[field] = value;
        let refusal = office.call("POST", path).json(body.clone()).refused(422, "validation_failed").await;
        assert!(mistakes(&refusal).contains(&(fault, code)), "{path} {body}: {refusal}");
    }
    for path in ["orgs", "academic_sessions", "courses", "classes", "persons", "enrollments"] {
        let refusal = office.call("POST", path).json(json!({})).refused(422, "validation_failed").await;
        assert_eq!(mistakes(&refusal)[0].1, "missing", "{path}: {refusal}");
    }
    let nul = json!({"name": "a", "type": "school", "metadata": {"x": "\u{0}"}});
    office.call("POST", "orgs").json(nul).refused(422, "text_invalid").await;
    let rows = office.list("courses").await;
    assert_eq!(rows.len(), 1, "a refused creation left something: {rows:?}");
}

#[tokio::test]
async fn nothing_stands_above_itself() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let Frame { district, school, term, .. } = office.frame().await;
    let patch = |record: &Value, kind: &str, parent: &Value| {
        office.change("PATCH", &format!("{kind}/{}", id(record)), record).json(json!({"parent_id": parent["id"]}))
    };
    for parent in [&district, &school] {
        let refusal = patch(&district, "orgs", parent).expect(422).await;
        assert_eq!(mistakes(&refusal), [("parent_id", "parent_below")]);
    }
    let refusal = patch(&term, "academic_sessions", &term).expect(422).await;
    assert_eq!(mistakes(&refusal), [("parent_id", "parent_below")]);
    let unknown = json!({"id": "org_01jd4kqvm6e8x9t3c5z7b2n0fa"});
    assert_eq!(mistakes(&patch(&school, "orgs", &unknown).expect(422).await), [("parent_id", "org_unknown")]);
}

#[tokio::test]
async fn what_others_hang_on_is_not_deleted() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Database).await;
    let office = Office { door: &door, tenant: &tenant };
    let Frame { district, school, term, course, class } = office.frame().await;
    let person = office.person("Astrid", "Ericsson").await;
    let place = json!({"class_id": class["id"], "person_id": person["id"], "role": "student"});
    let place = office.make("enrollments", place).await;
    let delete = |path: &str, record: &Value| office.change("DELETE", &format!("{path}/{}", id(record)), record);
    delete("orgs", &district).refused(409, "org_in_use").await;
    delete("orgs", &school).refused(409, "org_in_use").await;
    delete("academic_sessions", &term).refused(409, "academic_session_in_use").await;
    delete("courses", &course).refused(409, "course_in_use").await;
    // A term that only a class is held in.
    let body = json!({"title": "Spring 2026", "type": "term", "start_date": "2026-02-01", "end_date": "2026-07-01",
        "school_year": 2026});
    let spring = office.make("academic_sessions", body).await;
    let body = json!({"title": "Algebra B", "class_type": "scheduled", "course_id": course["id"],
        "school_id": school["id"], "term_ids": [spring["id"]]});
    let held = office.make("classes", body).await;
    delete("academic_sessions", &spring).refused(409, "academic_session_in_use").await;
    delete("classes", &held).expect(204).await;
    delete("academic_sessions", &spring).expect(204).await;
    // A class takes the places in it along.
    delete("classes", &class).expect(204).await;
    assert_eq!(office.read(&format!("enrollments/{}", id(&place))).await["status"], "tobedeleted");
    delete("courses", &course).expect(204).await;
    delete("academic_sessions", &term).expect(204).await;
    delete("orgs", &school).expect(204).await;
    delete("orgs", &district).expect(204).await;
}

#[tokio::test]
async fn a_class_changes_its_terms() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Schema).await;
    let office = Office { door: &door, tenant: &tenant };
    let Frame { class, term, .. } = office.frame().await;
    let spring = json!({"title": "Spring 2026", "type": "term", "start_date": "2026-02-01", "end_date": "2026-07-01",
        "school_year": 2026});
    let spring = office.make("academic_sessions", spring).await;
    let address = format!("classes/{}", id(&class));
    let both = office.change("PATCH", &address, &class).json(json!({"term_ids": [spring["id"], term["id"]]}));
    let both = both.expect(200).await;
    assert_eq!(both["term_ids"], json!([term["id"], spring["id"]]), "in the order of their ids");
    let one = office.change("PATCH", &address, &both).json(json!({"term_ids": [spring["id"]]})).expect(200).await;
    assert_eq!(office.read(&address).await, one);
    assert_eq!(office.list(&format!("classes?term_id={}", id(&term))).await.len(), 0);
    assert_eq!(office.list(&format!("classes?term_id={}", id(&spring))).await.len(), 1);
}

#[tokio::test]
async fn a_creation_sent_twice_happens_once() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Schema).await;
    let office = Office { door: &door, tenant: &tenant };
    let frame = office.frame().await;
    let person = office.person("Astrid", "Ericsson").await;
    let other = office.person("Ada", "Ericsson").await;
    for (path, body, _) in kinds(&frame, &person).into_iter().chain(unnamed_kinds(&frame, &person, &other)) {
        let before = office.list(path).await.len();
        let call = office.call("POST", path).header("idempotency-key", &format!("key-{path}")).json(body);
        let (first, second) = (call.clone().expect(201).await, call.expect(201).await);
        assert_eq!(first, second, "{path}");
        assert_eq!(office.list(path).await.len(), before + 1, "{path}");
    }
}
