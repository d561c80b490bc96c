//! The second factor: set up, asked for, used once.

use jiff::SignedDuration;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use crate::fixture::{House, PASSWORD, text};

/// What an app shows now.
fn shown(house: &House, secret: &str) -> String {
    use cloister_ids::Clock;
    let secret = Secret::try_from_base32(secret).unwrap();
    let totp = Builder::new().with_secret(secret).build().unwrap();
    totp.generate(u64::try_from(house.clock.now().as_second()).unwrap()).to_string()
}

async fn set_up(house: &House, token: &str) -> (String, Vec<String>) {
    let made = house.at(None, "POST", "/api/v1/account/mfa").token(token).expect(201).await;
    let secret = text(&made, "secret").to_owned();
    assert!(text(&made, "uri").starts_with("otpauth://totp/Cloister:"));
    house
        .at(None, "POST", "/api/v1/account/mfa/confirm")
        .token(token)
        .json(json!({ "code": "000000" }))
        .refused(422, "validation_failed")
        .await;
    let body = json!({ "code": shown(house, &secret) });
    let codes = house.at(None, "POST", "/api/v1/account/mfa/confirm").token(token).json(body).expect(200).await;
    let codes: Vec<String> =
        codes["recovery_codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    assert_eq!(codes.len(), 10);
    (secret, codes)
}

async fn challenge(house: &House) -> Value {
    let body = json!({ "email": "ada@north.example", "password": PASSWORD });
    let answer = house.at(None, "POST", "/api/v1/sessions").json(body).expect(201).await;
    assert!(answer.get("access_token").is_none(), "the password alone is not enough: {answer}");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_asked_for_and_taken_once() {
    let house = House::open().await;
    let north = house.school("north").await;
    house.member(&north, "ada@north.example", "owner").await;
    let first = house.sign_in(None, "ada@north.example").await;
    let (secret, codes) = set_up(&house, text(&first, "access_token")).await;
    house.pass(SignedDuration::from_secs(60));
    let confirm = |asked: &Value, code: &str| {
        let body = json!({ "challenge": text(asked, "challenge"), "code": code });
        house.at(None, "POST", "/api/v1/sessions/confirm").json(body)
    };
    let asked = challenge(&house).await;
    let code = shown(&house, &secret);
    let answer = confirm(&asked, &code).expect(201).await;
    assert!(answer["access_token"].is_string());
    confirm(&asked, &code).refused(401, "challenge_over").await;
    // The same code does not open another sign-in.
    let asked = challenge(&house).await;
    confirm(&asked, &code).refused(401, "code_invalid").await;
    // A recovery code does, once.
    confirm(&asked, &codes[0].to_uppercase()).expect(201).await;
    let asked = challenge(&house).await;
    confirm(&asked, &codes[0]).refused(401, "code_invalid").await;
    for _ in 0..4 {
        confirm(&asked, "123456").refused(401, "code_invalid").await;
    }
    confirm(&asked, &codes[1]).refused(401, "challenge_over").await;
    let left = house.at(None, "GET", "/api/v1/account/mfa").token(text(&answer, "access_token")).expect(200).await;
    assert_eq!((&left["is_on"], &left["recovery_codes_left"]), (&json!(true), &json!(9)));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_removed_only_with_a_code() {
    let house = House::open().await;
    let north = house.school("north").await;
    house.member(&north, "ada@north.example", "owner").await;
    let first = house.sign_in(None, "ada@north.example").await;
    let token = text(&first, "access_token");
    let (secret, _) = set_up(&house, token).await;
    let again = house.at(None, "POST", "/api/v1/account/mfa").token(token);
    again.refused(409, "mfa_is_on").await;
    house.pass(SignedDuration::from_secs(60));
    let remove =
        |code: &str| house.at(None, "DELETE", "/api/v1/account/mfa").token(token).json(json!({ "code": code }));
    remove("000000").refused(422, "validation_failed").await;
    remove(&shown(&house, &secret)).expect(204).await;
    assert!(house.sign_in(None, "ada@north.example").await["access_token"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_cannot_be_guessed_by_signing_in_again_and_again() {
    let house = House::open().await;
    let north = house.school("north").await;
    house.member(&north, "ada@north.example", "owner").await;
    let first = house.sign_in(None, "ada@north.example").await;
    let (secret, codes) = set_up(&house, text(&first, "access_token")).await;
    house.pass(SignedDuration::from_secs(60));
    let answer = async |code: &str| {
        let asked = challenge(&house).await;
        let body = json!({ "challenge": text(&asked, "challenge"), "code": code });
        house.at(None, "POST", "/api/v1/sessions/confirm").json(body).send().await
    };
    for _ in 0..10 {
        assert_eq!(answer("000000").await.body["code"], "code_invalid");
    }
    // A right one does not help any more, until some time has passed.
    for code in [shown(&house, &secret), codes[0].clone()] {
        let seen = answer(&code).await;
        assert_eq!((seen.status, seen.body["code"].as_str()), (429, Some("sign_in_locked")), "{}", seen.body);
    }
    house.pass(SignedDuration::from_hours(5));
    assert_eq!(answer(&codes[0]).await.status, 201);
}
