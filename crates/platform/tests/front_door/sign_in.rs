//! Signing in: where to, as whom, and what strangers learn.

use cloister_testkit::FrontDoor;
use jiff::SignedDuration;
use serde_json::json;

use crate::fixture::{House, PASSWORD, by, person, text};

#[tokio::test(flavor = "multi_thread")]
async fn at_a_tenants_host_one_signs_in_to_that_tenant() {
    let house = House::open().await;
    let (north, south) = (house.school("north").await, house.school("south").await);
    house.member(&north, "ada@north.example", "owner").await;
    let answer = house.sign_in(Some(&north), "Ada@North.example").await;
    assert_eq!(answer["tenant"]["slug"], "north");
    assert_eq!(answer["tenant"]["roles"], json!(["owner"]));
    let token = text(&answer, "access_token");
    house.at(Some(&north), "GET", "/api/v1/account").token(token).expect(200).await;
    // The token names its tenant: at another's door it contradicts the host.
    house.at(Some(&south), "GET", "/api/v1/account").token(token).refused(403, "tenant_mismatch").await;
    // And the tenant it belongs to reads of it.
    let noted = house.log(&north, "tenant_mismatch").await;
    assert_eq!(noted[0]["changes"]["named"][0]["host"], "south.localhost");
    let body = json!({ "email": "ada@north.example", "password": PASSWORD });
    house.at(Some(&south), "POST", "/api/v1/sessions").json(body).refused(403, "membership_required").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn elsewhere_ones_tenants_are_listed_and_one_call_goes_to_each() {
    let house = House::open().await;
    let (north, south) = (house.school("north").await, house.school("south").await);
    house.school("west").await;
    house.member(&north, "ada@example.org", "owner").await;
    house.member(&south, "ada@example.org", "admin").await;
    let answer = house.sign_in(None, "ada@example.org").await;
    assert!(answer["tenant"].is_null());
    let slugs: Vec<_> = answer["tenants"].as_array().unwrap().iter().map(|place| text(place, "slug")).collect();
    assert_eq!(slugs, ["north", "south"]);
    let token = text(&answer, "access_token");
    let switch =
        |tenant: &str| house.at(None, "POST", "/api/v1/sessions/switch").token(token).json(json!({ "tenant": tenant }));
    let there = switch("south").expect(200).await;
    assert_eq!(there["tenant"]["roles"], json!(["admin"]));
    assert_eq!(there["session_id"], answer["session_id"], "the session stays");
    house.at(Some(&south), "GET", "/api/v1/account").token(text(&there, "access_token")).expect(200).await;
    // What one does not belong to does not exist, whether it does or not.
    let foreign = switch("west").refused(404, "not_found").await;
    let nowhere = switch("nowhere").refused(404, "not_found").await;
    assert_eq!(foreign["detail"], nowhere["detail"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_and_wrong_get_the_same_answer() {
    let house = House::open().await;
    let north = house.school("north").await;
    house.member(&north, "ada@north.example", "owner").await;
    let refused = async |email: &str, password: &str| {
        let body = json!({ "email": email, "password": password });
        let mut answer =
            house.at(Some(&north), "POST", "/api/v1/sessions").json(body).refused(401, "credentials_invalid").await;
        answer["request_id"] = json!(null);
        answer
    };
    let wrong = refused("ada@north.example", "not the password").await;
    assert_eq!(wrong, refused("nobody@north.example", "not the password").await);
    assert_eq!(wrong, refused("ada@north.example", "").await);
    // A member of another tenant is no more known here than a stranger, until the password is right.
    let south = house.school("south").await;
    house.member(&south, "eve@south.example", "owner").await;
    assert_eq!(wrong, refused("eve@south.example", "not the password").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_sign_in_is_refused_with_the_field() {
    let house = House::open().await;
    let north = house.school("north").await;
    for (body, status, code) in [
        (json!({ "password": "x" }), 422, "validation_failed"),
        (json!({ "email": "a@b.c", "username": "a", "password": "x" }), 422, "validation_failed"),
        (json!({ "email": "a@b.c" }), 422, "validation_failed"),
        (json!({ "email": "a@b.c", "password": "x", "extra": 1 }), 422, "validation_failed"),
        (json!({ "email": "x".repeat(300), "password": "x" }), 422, "validation_failed"),
    ] {
        house.at(Some(&north), "POST", "/api/v1/sessions").json(body).refused(status, code).await;
    }
    // A username means something only within a tenant.
    let body = json!({ "username": "mei", "password": "x" });
    let seen = house.at(None, "POST", "/api/v1/sessions").json(body).refused(422, "validation_failed").await;
    assert_eq!(seen["errors"][0]["code"], "tenant_required");
    house.at(Some(&north), "GET", "/api/v1/account").refused(401, "unauthenticated").await;
    house.at(Some(&north), "GET", "/api/v1/account").token("a.b.c").refused(401, "token_invalid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_for_a_quarter_of_an_hour_and_only_with_its_signature() {
    let house = House::open().await;
    let north = house.school("north").await;
    house.member(&north, "ada@north.example", "owner").await;
    let answer = house.sign_in(Some(&north), "ada@north.example").await;
    let token = text(&answer, "access_token").to_owned();
    let look = |token: &str| house.at(Some(&north), "GET", "/api/v1/account").token(token);
    look(&token).expect(200).await;
    let mut parts: Vec<&str> = token.split('.').collect();
    let flipped = parts[2].chars().rev().collect::<String>();
    parts[2] = &flipped;
    look(&parts.join(".")).refused(401, "token_invalid").await;
    // {"alg":"none"}, and the same claims.
    look(&format!("eyJhbGciOiJub25lIn0.{}.", parts[1])).refused(401, "token_invalid").await;
    house.pass(SignedDuration::from_secs(899));
    look(&token).expect(200).await;
    house.pass(SignedDuration::from_secs(1));
    look(&token).refused(401, "token_expired").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_published_and_changing_them_signs_nobody_out() {
    let house = House::open().await;
    let north = house.school("north").await;
    house.member(&north, "ada@north.example", "owner").await;
    let before = house.sign_in(Some(&north), "ada@north.example").await;
    let keys = async |door: &FrontDoor| {
        let call = door.call("GET", "/api/v1/.well-known/jwks.json").header("host", "localhost");
        call.expect(200).await["keys"].as_array().unwrap().len()
    };
    assert_eq!(keys(&house.door).await, 1);
    let id = house.service.rotate_signing_key().await.unwrap();
    assert_eq!(keys(&house.door).await, 2);
    let kid = |answer: &serde_json::Value| {
        use base64::Engine;
        let head = text(answer, "access_token").split('.').next().unwrap().to_owned();
        let head = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(head).unwrap();
        serde_json::from_slice::<serde_json::Value>(&head).unwrap()["kid"].as_str().unwrap().to_owned()
    };
    // For a minute the new key is only known; then it signs.
    assert_ne!(kid(&house.sign_in(Some(&north), "ada@north.example").await), id);
    house.pass(SignedDuration::from_secs(61));
    let after = house.sign_in(Some(&north), "ada@north.example").await;
    assert_eq!(kid(&after), id);
    for answer in [&before, &after] {
        house.at(Some(&north), "GET", "/api/v1/account").token(text(answer, "access_token")).expect(200).await;
    }
    // A node that started before the key was made learns of it when it meets it.
    let (_, other) = house.second_node().await;
    let call = other.call("GET", "/api/v1/account").header("host", "north.localhost");
    call.token(text(&after, "access_token")).expect(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_wrong_passwords_lock_whoever_tries_and_nobody_else() {
    let house = House::open().await;
    let north = house.school("north").await;
    house.member(&north, "ada@north.example", "owner").await;
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let sign_in = |agent: &str, password: &str| {
        let body = json!({ "email": "ada@north.example", "password": password });
        house.at(Some(&north), "POST", "/api/v1/sessions").header("user-agent", agent).json(body)
    };
    sign_in(firefox, PASSWORD).expect(201).await;
    for _ in 0..10 {
        sign_in("curl/8.5.0", "not the password").refused(401, "credentials_invalid").await;
    }
    let seen = sign_in("curl/8.5.0", PASSWORD).send().await;
    assert_eq!((seen.status, seen.body["code"].as_str()), (429, Some("sign_in_locked")), "{}", seen.body);
    assert!(seen.header("retry-after").is_some());
    // The person the attacker means goes in, from where they did before.
    sign_in(firefox, PASSWORD).expect(201).await;
    // A name that is nobody's is locked alike: the lock does not tell who has an account.
    for _ in 0..10 {
        let body = json!({ "email": "nobody@north.example", "password": "x" });
        house.at(Some(&north), "POST", "/api/v1/sessions").json(body).refused(401, "credentials_invalid").await;
    }
    let body = json!({ "email": "nobody@north.example", "password": "x" });
    house.at(Some(&north), "POST", "/api/v1/sessions").json(body).refused(429, "sign_in_locked").await;
    house.pass(SignedDuration::from_hours(5));
    sign_in("curl/8.5.0", PASSWORD).expect(201).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_who_must_change_the_password_does_so_first() {
    let house = House::open().await;
    let id = house.service.make_operator(&person("olga@platform.example"), "admin", &by()).await.unwrap();
    let client = house.platform.admin(&format!("{}_control", house.platform.prefix)).await;
    let must = "update control.account set must_change_password = true where id = $1";
    client.execute(must, &[&id.uuid()]).await.unwrap();
    let answer = house.sign_in(None, "olga@platform.example").await;
    assert_eq!(answer["needs"], "password_expired");
    let look = |answer: &serde_json::Value| {
        house.at(None, "GET", "/api/v1/platform/tenants").token(text(answer, "access_token"))
    };
    look(&answer).refused(404, "not_found").await;
    let body = json!({ "current_password": PASSWORD, "new_password": "nine loud geese before noon" });
    let change = house.at(None, "POST", "/api/v1/account/password").token(text(&answer, "access_token"));
    change.json(body).expect(204).await;
    let body = json!({ "refresh_token": text(&answer, "refresh_token") });
    let renewed = house.at(None, "POST", "/api/v1/sessions/refresh").json(body).expect(200).await;
    look(&renewed).expect(200).await;
}
