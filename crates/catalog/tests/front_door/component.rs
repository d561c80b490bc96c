//! The life of a component, and who may not touch it.

use cloister_tenancy::Tier;
use cloister_testkit::token;
use serde_json::json;

use crate::{COMPONENTS, companies, fields, platform};

#[tokio::test]
async fn a_component_lives_alike_in_every_tier() {
    let (platform, door) = platform().await;
    for company in companies(&platform).await {
        let mut body = fields("payment-gateway", "Payment Gateway");
        body["owner"] = json!("team-payments");
        body["metadata"] = json!({"on_call": "+1 555 0100", "slo": {"p99": 0.2}});
        let made = door.within(&company, "POST", COMPONENTS).json(body).send().await;
        assert_eq!(made.status, 201, "{}", made.body);
        assert_eq!(made.header("etag"), Some("\"v1\""));
        let address = made.header("location").unwrap().to_owned();
        assert_eq!(address, format!("{COMPONENTS}/{}", made.body["id"].as_str().unwrap()));
        assert_eq!(made.body["created_by"], "account:tester");

        let read = door.within(&company, "GET", &address).send().await;
        assert_eq!((read.status, read.header("etag"), &read.body), (200, Some("\"v1\""), &made.body));

        let patch = json!({
            "lifecycle": "deprecated", "owner": null, "metadata": {"on_call": null, "slo": {"p50": 0.1}}
        });
        let change = door.within(&company, "PATCH", &address).json(patch);
        change.clone().refused(428, "precondition_required").await;
        change.clone().header("if-match", "\"v7\"").refused(412, "version_mismatch").await;
        let changed = change.clone().header("if-match", "\"v1\"").send().await;
        assert_eq!((changed.status, changed.header("etag")), (200, Some("\"v2\"")), "{}", changed.body);
        assert_eq!(changed.body["lifecycle"], "deprecated");
        assert_eq!(changed.body["owner"], json!(null));
        assert_eq!(changed.body["metadata"], json!({"slo": {"p99": 0.2, "p50": 0.1}}));
        assert_eq!(door.within(&company, "GET", &address).expect(200).await, changed.body);
        change.header("if-match", "\"v1\"").refused(412, "version_mismatch").await;

        let delete = door.within(&company, "DELETE", &address);
        delete.clone().refused(428, "precondition_required").await;
        delete.clone().header("if-match", "\"v1\"").refused(412, "version_mismatch").await;
        delete.clone().header("if-match", "\"v2\"").expect(204).await;
        delete.header("if-match", "\"v2\"").refused(404, "not_found").await;
        door.within(&company, "GET", &address).refused(404, "not_found").await;
        assert_eq!(door.within(&company, "GET", COMPONENTS).expect(200).await["items"], json!([]));
    }
}

#[tokio::test]
async fn a_change_of_nothing_leaves_the_version() {
    let (platform, door) = platform().await;
    let company = platform.tenant_of("forge", "company", Tier::Shared).await;
    let made = door.within(&company, "POST", COMPONENTS).json(fields("a", "A")).expect(201).await;
    let address = format!("{COMPONENTS}/{}", made["id"].as_str().unwrap());
    let same = door.within(&company, "PATCH", &address).header("if-match", "\"v1\"").json(json!({"name": "A"}));
    assert_eq!(same.expect(200).await, made);
}

#[tokio::test]
async fn a_key_is_unique_while_its_component_lives() {
    let (platform, door) = platform().await;
    let company = platform.tenant_of("forge", "company", Tier::Shared).await;
    let other = platform.tenant_of("other", "company", Tier::Shared).await;
    let made = door.within(&company, "POST", COMPONENTS).json(fields("shop", "Shop")).expect(201).await;
    door.within(&company, "POST", COMPONENTS).json(fields("shop", "Second")).refused(409, "key_taken").await;
    // Another tenant's keys are another tenant's: they are neither in the way nor betrayed.
    door.within(&other, "POST", COMPONENTS).json(fields("shop", "Shop")).expect(201).await;
    let second = door.within(&company, "POST", COMPONENTS).json(fields("second", "Second")).expect(201).await;
    let address = |component: &serde_json::Value| format!("{COMPONENTS}/{}", component["id"].as_str().unwrap());
    let rename = door.within(&company, "PATCH", &address(&second)).header("if-match", "\"v1\"");
    rename.json(json!({"key": "shop"})).refused(409, "key_taken").await;
    door.within(&company, "DELETE", &address(&made)).header("if-match", "\"v1\"").expect(204).await;
    door.within(&company, "POST", COMPONENTS).json(fields("shop", "Again")).expect(201).await;
}

#[tokio::test]
async fn values_out_of_bounds_are_named() {
    let (platform, door) = platform().await;
    let company = platform.tenant_of("forge", "company", Tier::Shared).await;
    let long = "x".repeat(201);
    let large = json!({"text": "x".repeat(17_000)});
    for (field, value, code) in [
        ("key", json!("Payment Gateway"), "invalid_format"),
        ("key", json!("a--b"), "invalid_format"),
        ("key", json!("-a"), "invalid_format"),
        ("key", json!("x".repeat(64)), "too_long"),
        ("key", json!(null), "wrong_type"),
        ("name", json!(""), "too_short"),
        ("name", json!(" \u{200b}\t "), "blank"),
        ("name", json!(long), "too_long"),
        ("name", json!(7), "wrong_type"),
        ("kind", json!("robot"), "unknown_value"),
        ("lifecycle", json!("Production"), "unknown_value"),
        ("repository_url", json!("javascript:alert(1)"), "invalid_format"),
        ("repository_url", json!("https://"), "invalid_format"),
        ("metadata", json!([]), "wrong_type"),
        ("metadata", large, "too_large"),
        ("tenant_id", json!("ten_01jd4kqvm6e8x9t3c5z7b2n0fa"), "unknown_field"),
        ("version", json!(7), "unknown_field"),
    ] {
        let mut body = fields("shop", "Shop");
        body[field] = value;
        let refused =
            door.within(&company, "POST", COMPONENTS).json(body.clone()).refused(422, "validation_failed").await;
        let errors = refused["errors"].as_array().unwrap();
        assert!(errors.iter().any(|e| e["field"] == field && e["code"] == code), "{body}: {refused}");
    }
    let mut body = fields("shop", "Shop");
    body["metadata"] = json!({"text": "\u{0}"});
    door.within(&company, "POST", COMPONENTS).json(body).refused(422, "text_invalid").await;
    let mut body = fields("shop", "Shop\u{0}");
    body["description"] = json!("fine");
    door.within(&company, "POST", COMPONENTS).json(body).refused(422, "text_invalid").await;
    assert_eq!(door.within(&company, "GET", COMPONENTS).expect(200).await["items"], json!([]));
}

#[tokio::test]
async fn another_tenants_component_does_not_exist() {
    let (platform, door) = platform().await;
    let companies = companies(&platform).await;
    let stranger = platform.tenant_of("stranger", "company", Tier::Shared).await;
    for company in &companies {
        let made = door.within(company, "POST", COMPONENTS).json(fields("shop", "Shop")).expect(201).await;
        let address = format!("{COMPONENTS}/{}", made["id"].as_str().unwrap());
        door.within(company, "GET", &address).expect(200).await;
        let nowhere = format!("{COMPONENTS}/cmp_01jd4kqvm6e8x9t3c5z7b2n0fa");
        for method in ["GET", "PATCH", "DELETE"] {
            let ask = |path: &str| {
                let call = door.within(&stranger, method, path).header("if-match", "\"v1\"");
                if method == "PATCH" { call.json(json!({"name": "Mine"})) } else { call }
            };
            let mut there = ask(&address).refused(404, "not_found").await;
            let mut nothing = ask(&nowhere).refused(404, "not_found").await;
            // Not a word tells the one from the other.
            for answer in [&mut there, &mut nothing] {
                answer["instance"].take();
                answer["request_id"].take();
            }
            assert_eq!(there, nothing);
        }
        assert_eq!(door.within(company, "GET", &address).expect(200).await, made);
    }
    assert_eq!(door.within(&stranger, "GET", COMPONENTS).expect(200).await["items"], json!([]));
}

#[tokio::test]
async fn a_school_has_no_catalog() {
    let (platform, door) = platform().await;
    let school = platform.tenant("north", Tier::Shared).await;
    door.within(&school, "GET", COMPONENTS).refused(404, "not_found").await;
    door.within(&school, "POST", COMPONENTS).json(fields("a", "A")).refused(404, "not_found").await;
}

#[tokio::test]
async fn permissions_decide_and_what_may_not_be_seen_does_not_exist() {
    let (platform, door) = platform().await;
    let company = platform.tenant_of("forge", "company", Tier::Shared).await;
    let made = door.within(&company, "POST", COMPONENTS).json(fields("shop", "Shop")).expect(201).await;
    let address = format!("{COMPONENTS}/{}", made["id"].as_str().unwrap());
    let ask = |permissions: &[&str], method: &str, path: &str| {
        let call = door.within(&company, method, path).token(&token("reader", Some(&company), permissions));
        let call = call.header("if-match", "\"v1\"");
        match method {
            "POST" => call.json(fields("other", "Other")),
            "PATCH" => call.json(json!({"name": "Mine"})),
            _ => call,
        }
    };
    let reader = &["catalog.component.read"][..];
    ask(reader, "GET", &address).expect(200).await;
    ask(reader, "GET", COMPONENTS).expect(200).await;
    for (method, path) in [("POST", COMPONENTS), ("PATCH", &address), ("DELETE", &address)] {
        ask(reader, method, path).refused(403, "permission_denied").await;
    }
    for (method, path) in [("GET", address.as_str()), ("GET", COMPONENTS), ("PATCH", &address), ("DELETE", &address)] {
        ask(&["school.*"], method, path).refused(404, "not_found").await;
    }
    ask(&["catalog.component.create"], "POST", COMPONENTS).expect(201).await;
}

#[tokio::test]
async fn every_write_leaves_an_audit_entry() {
    let (platform, door) = platform().await;
    let company = platform.tenant_of("forge", "company", Tier::Shared).await;
    let made = door.within(&company, "POST", COMPONENTS).json(fields("shop", "Shop")).expect(201).await;
    let address = format!("{COMPONENTS}/{}", made["id"].as_str().unwrap());
    let patch = json!({"name": "Web Shop"});
    door.within(&company, "PATCH", &address).header("if-match", "\"v1\"").json(patch.clone()).expect(200).await;
    // Refused writes leave nothing.
    door.within(&company, "PATCH", &address).header("if-match", "\"v1\"").json(patch.clone()).expect(412).await;
    door.within(&company, "DELETE", &address).header("if-match", "\"v2\"").expect(204).await;
    let placement = company.placement.clone().unwrap();
    let admin = platform.admin(&placement.database).await;
    let rows =
        admin.query("select action, actor, resource, changes from cloister.audit order by id", &[]).await.unwrap();
    let seen: Vec<(String, serde_json::Value)> = rows
        .iter()
        .filter(|row| row.get::<_, &str>("resource") == "catalog.component")
        .inspect(|row| assert_eq!(row.get::<_, &str>("actor"), "account:tester"))
        .map(|row| (row.get("action"), row.get::<_, Option<serde_json::Value>>("changes").unwrap_or_default()))
        .collect();
    let changes = json!({"name": {"before": "Shop", "after": "Web Shop"}});
    let wanted = [("create", json!(null)), ("update", changes), ("delete", json!(null))];
    assert_eq!(seen, wanted.map(|(action, changes)| (action.to_owned(), changes)));
}
