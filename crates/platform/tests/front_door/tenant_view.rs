//! A tenant's own view: its profile, and what it has chosen.

use cloister_testkit::Call;
use serde_json::{Value, json};

use crate::{
    fixture::{House, PASSWORD, text},
    operators::{noted, work},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_changes_its_profile_and_not_what_the_platform_decides() {
    let house = House::open().await;
    let (north, south) = (house.school("north").await, house.school("south").await);
    house.member(&north, "ada@north.example", "admin").await;
    house.member(&south, "eve@south.example", "owner").await;
    let working = work(&house);
    let ada = house.sign_in(Some(&north), "ada@north.example").await;
    let call = |method: &str| house.at(Some(&north), method, "/api/v1/tenant").token(text(&ada, "access_token"));
    let seen = call("GET").send().await;
    assert_eq!((seen.status, &seen.body["slug"], &seen.body["tier"]), (200, &json!("north"), &json!("shared")));
    let tag = seen.header("etag").unwrap().to_owned();
    let change = |tag: &str, body: Value| call("PATCH").header("if-match", tag).json(body);
    for (field, value) in [
        ("slug", json!("west")),
        ("plan", json!("large")),
        ("status", json!("deleted")),
        ("maintenance", json!(true)),
        ("display_name", json!("")),
        ("display_name", Value::Null),
        ("contact_email", json!("nobody")),
        ("time_zone", json!("Mars/Base")),
        ("locale", json!("german!")),
    ] {
        let refused = change(&tag, json!({ field: value })).refused(422, "validation_failed").await;
        assert_eq!(refused["errors"][0]["field"], field);
    }
    call("PATCH").json(json!({ "locale": "de" })).refused(428, "precondition_required").await;
    let body = json!({ "display_name": "North House", "contact_email": "office@north.example", "locale": "de-CH" });
    let changed = change(&tag, body.clone()).expect(200).await;
    assert_eq!((&changed["display_name"], &changed["plan"]), (&json!("North House"), &seen.body["plan"]));
    change(&tag, body).refused(412, "version_mismatch").await;
    let entry = house.platform.tenancy.registry().by_slug("north").unwrap();
    assert_eq!((&*entry.display_name, &*entry.locale), ("North House", "de-CH"), "every request knows at once");
    let note = &noted(&house, &north, "tenant.update").await[0];
    assert_eq!(note["changes"]["locale"], json!({ "before": "en", "after": "de-CH" }));
    assert_eq!(note["acting_as"], Value::Null);
    let eve = house.sign_in(Some(&south), "eve@south.example").await;
    let other = house.at(Some(&north), "GET", "/api/v1/tenant").token(text(&eve, "access_token"));
    other.refused(403, "tenant_mismatch").await;
    working.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_stand_beside_their_defaults_and_hold_within_bounds() {
    let house = House::open().await;
    let north = house.school("north").await;
    house.member(&north, "ada@north.example", "owner").await;
    let working = work(&house);
    let ada = house.sign_in(Some(&north), "ada@north.example").await;
    let call = |method: &str| -> Call {
        house.at(Some(&north), method, "/api/v1/tenant/settings").token(text(&ada, "access_token"))
    };
    let seen = call("GET").send().await;
    let usual = json!({ "default": 10, "value": 10, "overridden": false });
    assert_eq!((seen.status, &seen.body["settings"]["password_min_length"]), (200, &usual));
    assert_eq!(seen.body["settings"]["week_starts_on"]["value"], "monday");
    let first = seen.header("etag").unwrap().to_owned();
    let change = |tag: &str, body: Value| call("PATCH").header("if-match", tag).json(body);
    for (key, value, code) in [
        ("password_min_length", json!(7), "invalid_value"),
        ("password_min_length", json!("12"), "invalid_value"),
        ("password_min_strength", json!(1), "invalid_value"),
        ("password_min_strength", json!(5), "invalid_value"),
        ("session_idle_minutes", json!(1.5), "invalid_value"),
        ("second_factor_roles", json!(["juggler"]), "invalid_value"),
        ("second_factor_roles", json!("owner"), "invalid_value"),
        ("week_starts_on", json!("friday"), "invalid_value"),
        ("brand", json!({}), "unknown_field"),
        ("min_length", json!(9), "unknown_field"),
    ] {
        let refused = change(&first, json!({ key: value })).refused(422, "validation_failed").await;
        assert_eq!((&refused["errors"][0]["field"], &refused["errors"][0]["code"]), (&json!(key), &json!(code)));
    }
    call("PATCH").json(json!({})).refused(428, "precondition_required").await;
    let body = json!({ "password_min_length": 40, "week_starts_on": "sunday", "second_factor_roles": ["admin"] });
    let changed = change(&first, body.clone()).send().await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    let own = json!({ "default": 10, "value": 40, "overridden": true });
    assert_eq!(changed.body["settings"]["password_min_length"], own);
    change(&first, body.clone()).refused(412, "version_mismatch").await;
    let tag = changed.header("etag").unwrap().to_owned();
    assert_eq!(change(&tag, body).expect(200).await["version"], changed.body["version"], "nothing changed");
    let note = &noted(&house, &north, "settings.update").await[0];
    assert_eq!(note["changes"]["password_min_length"], json!({ "before": null, "after": 40 }));
    // The rule holds at the door.
    let sign_in = json!({ "email": "ada@north.example", "password": PASSWORD });
    let asked = house.at(Some(&north), "POST", "/api/v1/sessions").json(sign_in).expect(201).await;
    assert_eq!((&asked["tenant"], &asked["needs"]), (&Value::Null, &json!("password_too_weak_here")));
    let back = change(&tag, json!({ "password_min_length": null })).expect(200).await;
    assert_eq!(
        (&back["settings"]["password_min_length"], &back["settings"]["week_starts_on"]["value"]),
        (&usual, &json!("sunday"))
    );
    assert_eq!(house.sign_in(Some(&north), "ada@north.example").await["tenant"]["slug"], "north");
    working.abort();
}
