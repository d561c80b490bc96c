//! Another tenant's records do not exist, nor do those that one may not see.

use cloister_tenancy::Tier;
use cloister_testkit::token;
use serde_json::{Value, json};

use crate::{Office, id, mistakes, platform};

/// Path of each record of a filled school, with a patch for it.
async fn addresses(office: &Office<'_>) -> Vec<(String, Value)> {
    let frame = office.frame().await;
    let person = office.person("Mila", "Okafor").await;
    let place = json!({"class_id": frame.class["id"], "person_id": person["id"], "role": "student"});
    let place = office.make("enrollments", place).await;
    let parent = office.person("Ada", "Okafor").await;
    let contact = json!({"student_id": person["id"], "contact_id": parent["id"], "relation": "mother"});
    let contact = office.make("contacts", contact).await;
    let family = office.make("families", json!({"name": "Okafor", "member_ids": [person["id"]]})).await;
    let post = json!({"person_id": parent["id"], "org_id": frame.school["id"], "staff_classification": "teacher",
        "begin_date": "2025-08-01"});
    let post = office.make("staff_assignments", post).await;
    let year = json!({"student_id": person["id"], "school_name": "Birch Lane Primary", "school_year": 2024});
    let year = office.make("academic_records", year).await;
    let document = json!({"person_id": person["id"], "document_type": "report", "title": "Report"});
    let document = office.make("documents", document).await;
    let merge =
        json!({"kept_id": office.person("A", "Berg").await["id"], "merged_id": office.person("B", "Berg").await["id"]});
    let merge = office.make("person_merges", merge).await;
    let field = json!({"resource": "person", "name": "bus", "title": "Bus", "type": "text"});
    let field = office.make("custom_fields", field).await;
    let demographics = format!("persons/{}/demographics", id(&person));
    office.call("PUT", &demographics).json(json!({"sex": "female"})).expect(200).await;
    vec![
        (format!("orgs/{}", id(&frame.school)), json!({"name": "Mine"})),
        (format!("academic_sessions/{}", id(&frame.term)), json!({"title": "Mine"})),
        (format!("courses/{}", id(&frame.course)), json!({"title": "Mine"})),
        (format!("classes/{}", id(&frame.class)), json!({"title": "Mine"})),
        (format!("persons/{}", id(&person)), json!({"given_name": "Mine"})),
        (format!("contacts/{}", id(&contact)), json!({"custody": "full"})),
        (format!("families/{}", id(&family)), json!({"name": "Mine"})),
        (format!("staff_assignments/{}", id(&post)), json!({"staff_classification": "nurse"})),
        (format!("academic_records/{}", id(&year)), json!({"school_year": 2023})),
        (format!("documents/{}", id(&document)), json!({"title": "Mine"})),
        (format!("custom_fields/{}", id(&field)), json!({"title": "Mine"})),
        (format!("persons/{}/custom_values", id(&person)), json!({"values": {}})),
        (format!("orgs/{}/custom_values", id(&frame.school)), json!({"values": {}})),
        (format!("courses/{}/custom_values", id(&frame.course)), json!({"values": {}})),
        (format!("classes/{}/custom_values", id(&frame.class)), json!({"values": {}})),
        (format!("person_merges/{}", id(&merge)), json!({})),
        (format!("persons/{}/siblings", id(&person)), json!({})),
        (format!("enrollments/{}", id(&place)), json!({"role": "teacher"})),
        (format!("persons/{}/roles", id(&person)), json!({"roles": []})),
        (format!("persons/{}/agents", id(&person)), json!({"agent_ids": []})),
        (demographics, json!({"sex": "male"})),
    ]
}

fn methods(path: &str) -> &'static [&'static str] {
    if path.starts_with("person_merges") {
        return &["GET", "DELETE"];
    }
    match path.rsplit('/').next() {
        Some("siblings") => &["GET"],
        Some("roles" | "agents" | "custom_values") => &["GET", "PUT"],
        Some("demographics") => &["GET", "PUT", "DELETE"],
        _ => &["GET", "PATCH", "DELETE"],
    }
}

#[tokio::test]
async fn another_tenants_records_do_not_exist() {
    let (platform, door) = platform().await;
    let tenants = platform.tenant_in_each_tier().await;
    let stranger = platform.tenant("stranger", Tier::Shared).await;
    let stranger = Office { door: &door, tenant: &stranger };
    for tenant in &tenants {
        let office = Office { door: &door, tenant };
        for (path, patch) in addresses(&office).await {
            let before = office.read(&path).await;
            for method in methods(&path) {
                let call = stranger.call(method, &path).header("if-match", "\"v1\"");
                let call = if matches!(*method, "PATCH" | "PUT") { call.json(patch.clone()) } else { call };
                call.refused(404, "not_found").await;
            }
            assert_eq!(office.read(&path).await, before, "{path}");
        }
    }
    for path in [
        "orgs",
        "academic_sessions",
        "courses",
        "classes",
        "persons",
        "contacts",
        "families",
        "staff_assignments",
        "enrollments",
    ] {
        assert_eq!(stranger.list(&format!("{path}?status=all")).await, Vec::<Value>::new(), "{path}");
    }
}

#[tokio::test]
async fn another_tenants_records_cannot_be_pointed_at() {
    let (platform, door) = platform().await;
    let (north, south) = (platform.tenant("north", Tier::Shared).await, platform.tenant("south", Tier::Shared).await);
    let (north, south) = (Office { door: &door, tenant: &north }, Office { door: &door, tenant: &south });
    let (theirs, ours) = (north.frame().await, south.frame().await);
    let (stranger, pupil) = (north.person("Ben", "Okafor").await, south.person("Mila", "Okafor").await);
    let parent = south.person("Ada", "Okafor").await;
    let role = |org: &Value| json!([{"role": "student", "role_type": "primary", "org_id": org["id"]}]);
    let names = json!({"given_name": "A", "family_name": "B"});
    let with = |mut body: Value, field: &str, value: Value| {
        body[field] = value;
        body
    };
    let course = json!({"title": "C", "org_id": ours.school["id"]});
    let class = json!({"title": "C", "class_type": "homeroom", "course_id": ours.course["id"],
        "school_id": ours.school["id"], "term_ids": [ours.term["id"]]});
    let place = json!({"class_id": ours.class["id"], "person_id": pupil["id"], "role": "student"});
    let contact = json!({"student_id": pupil["id"], "contact_id": parent["id"], "relation": "mother"});
    let year = json!({"student_id": pupil["id"], "school_name": "S", "school_year": 2024});
    let post = json!({"person_id": pupil["id"], "org_id": ours.school["id"], "staff_classification": "teacher",
        "begin_date": "2025-08-01"});
    let org = json!({"name": "O", "type": "school"});
    let session = json!({"title": "S", "type": "term", "start_date": "2025-09-01", "end_date": "2026-01-01",
        "school_year": 2026});
    for (path, body, field) in [
        ("orgs", with(org, "parent_id", theirs.school["id"].clone()), "parent_id"),
        ("academic_sessions", with(session, "parent_id", theirs.term["id"].clone()), "parent_id"),
        ("courses", with(course.clone(), "org_id", theirs.school["id"].clone()), "org_id"),
        ("courses", with(course, "school_year_id", theirs.term["id"].clone()), "school_year_id"),
        ("classes", with(class.clone(), "course_id", theirs.course["id"].clone()), "course_id"),
        ("classes", with(class.clone(), "school_id", theirs.school["id"].clone()), "school_id"),
        ("classes", with(class, "term_ids", json!([theirs.term["id"]])), "term_ids"),
        ("persons", with(names.clone(), "primary_org_id", theirs.school["id"].clone()), "primary_org_id"),
        ("persons", with(names.clone(), "agent_ids", json!([stranger["id"]])), "agent_ids"),
        ("persons", with(names, "roles", role(&theirs.school)), "roles"),
        ("families", json!({"name": "F", "member_ids": [stranger["id"]]}), "member_ids"),
        ("documents", json!({"person_id": stranger["id"], "document_type": "report", "title": "Report"}), "person_id"),
        ("academic_records", with(year.clone(), "student_id", stranger["id"].clone()), "student_id"),
        ("academic_records", with(year, "org_id", theirs.school["id"].clone()), "org_id"),
        ("staff_assignments", with(post.clone(), "person_id", stranger["id"].clone()), "person_id"),
        ("staff_assignments", with(post, "org_id", theirs.school["id"].clone()), "org_id"),
        ("contacts", with(contact.clone(), "student_id", stranger["id"].clone()), "student_id"),
        ("contacts", with(contact, "contact_id", stranger["id"].clone()), "contact_id"),
        ("enrollments", with(place.clone(), "class_id", theirs.class["id"].clone()), "class_id"),
        ("enrollments", with(place.clone(), "person_id", stranger["id"].clone()), "person_id"),
        ("enrollments", with(place, "school_id", theirs.school["id"].clone()), "school_id"),
    ] {
        let refusal = south.call("POST", path).json(body).refused(422, "validation_failed").await;
        assert_eq!(mistakes(&refusal)[0].0, field, "{path}: {refusal}");
        assert!(mistakes(&refusal)[0].1.ends_with("_unknown"), "{path}: {refusal}");
    }
}

#[tokio::test]
async fn what_one_may_not_see_does_not_exist() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    for (path, patch) in addresses(&office).await {
        let resource = match path.split('/').next() {
            _ if path.ends_with("custom_values") => "custom_value",
            Some("orgs") => "org",
            Some("academic_sessions") => "academic_session",
            Some("courses") => "course",
            Some("classes") => "class",
            Some("contacts") => "contact",
            Some("families") => "family",
            Some("staff_assignments") => "staff_assignment",
            Some("academic_records") => "academic_record",
            Some("documents") => "document",
            Some("person_merges") => "person_merge",
            Some("custom_fields") => "custom_field",
            Some("enrollments") => "enrollment",
            _ if path.ends_with("demographics") => "demographics",
            _ => "person",
        };
        let nobody = token("nobody", Some(&tenant), &["catalog.*"]);
        let reader = token("reader", Some(&tenant), &[&format!("school.{resource}.read")]);
        for method in methods(&path) {
            let call = |token: &str| {
                let call = office.call(method, &path).token(token).header("if-match", "\"v1\"");
                if matches!(*method, "PATCH" | "PUT") { call.json(patch.clone()) } else { call }
            };
            call(&nobody).refused(404, "not_found").await;
            if *method == "GET" {
                call(&reader).expect(200).await;
            } else {
                call(&reader).refused(403, "permission_denied").await;
            }
        }
    }
    let nobody = token("nobody", Some(&tenant), &[]);
    for path in [
        "orgs",
        "academic_sessions",
        "courses",
        "classes",
        "persons",
        "contacts",
        "families",
        "staff_assignments",
        "enrollments",
    ] {
        office.call("GET", path).token(&nobody).refused(404, "not_found").await;
    }
}

#[tokio::test]
async fn a_company_has_no_school() {
    let (platform, door) = platform().await;
    let company = platform.tenant_of("forge", "company", Tier::Shared).await;
    let office = Office { door: &door, tenant: &company };
    for path in ["orgs", "persons", "classes", "enrollments"] {
        office.call("GET", path).refused(404, "not_found").await;
    }
    office.call("POST", "orgs").json(json!({"name": "A", "type": "school"})).refused(404, "not_found").await;
}
