//! A forgotten password, a changed one, and an address that is proved.

use std::{future::pending, time::Duration};

use cloister_platform::mail::{Outbox, Selection};
use cloister_tenancy::{Actor, jobs::WorkSettings};
use serde_json::json;

use crate::fixture::{House, PASSWORD, text};

#[tokio::test(flavor = "multi_thread")]
async fn changing_the_password_ends_the_other_sessions() {
    let house = House::open().await;
    let north = house.school("north").await;
    house.member(&north, "ada@north.example", "owner").await;
    let (here, there) = (
        house.sign_in(Some(&north), "ada@north.example").await,
        house.sign_in(Some(&north), "ada@north.example").await,
    );
    let token = text(&here, "access_token");
    let change = |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        house.at(Some(&north), "POST", "/api/v1/account/password").token(token).json(body)
    };
    let wrong = change("wrong", "nine loud geese before noon").refused(422, "validation_failed").await;
    assert_eq!(
        (&wrong["errors"][0]["field"], &wrong["errors"][0]["code"]),
        (&json!("current_password"), &json!("password_wrong"))
    );
    let weak = change(PASSWORD, "password1").refused(422, "validation_failed").await;
    assert_eq!(weak["errors"][0]["field"], "new_password");
    change(PASSWORD, "nine loud geese before noon").expect(204).await;
    house.at(Some(&north), "GET", "/api/v1/account").token(token).expect(200).await;
    let other = house.at(Some(&north), "GET", "/api/v1/account").token(text(&there, "access_token"));
    other.refused(401, "session_ended").await;
    let body = json!({ "email": "ada@north.example", "password": PASSWORD });
    house.at(Some(&north), "POST", "/api/v1/sessions").json(body).refused(401, "credentials_invalid").await;
    let body = json!({ "email": "ada@north.example", "password": "nine loud geese before noon" });
    house.at(Some(&north), "POST", "/api/v1/sessions").json(body).expect(201).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_replaced_by_a_link_that_works_once() {
    let house = House::open().await;
    let north = house.school("north").await;
    house.member(&north, "ada@north.example", "owner").await;
    let signed_in = house.sign_in(Some(&north), "ada@north.example").await;
    let tenancy = house.platform.tenancy.clone();
    let working = tokio::spawn(async move { tenancy.work(WorkSettings::default(), pending()).await });
    let ask = |email: &str| {
        house.at(Some(&north), "POST", "/api/v1/password-resets").json(json!({ "email": email })).expect(202)
    };
    let (known, unknown) = (ask("ada@north.example").await, ask("nobody@north.example").await);
    assert_eq!(known, unknown, "the answer does not tell who has an account");
    let outbox = Outbox::of(&house.service);
    let token = loop {
        let mails = outbox.list(all()).await.unwrap();
        if let Some(mail) = mails.iter().find(|mail| mail.template == "reset_password") {
            assert_eq!(mail.recipient, "ada@north.example");
            let whole = outbox.read(mail.id, &Actor::Operator("test".into())).await.unwrap();
            let text = whole.text.unwrap();
            let at = text.find("http://north.localhost:8080/reset-password#token=").unwrap_or_else(|| panic!("{text}"));
            break text[at..].split('=').nth(1).unwrap().chars().take(43).collect::<String>();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    // Anybody can ask anywhere: where the person does not belong, the mail does not come in that tenant's name.
    let south = house.school("south").await;
    let elsewhere = house.at(Some(&south), "POST", "/api/v1/password-resets");
    elsewhere.json(json!({ "email": "ada@north.example" })).expect(202).await;
    let other = loop {
        let mails = outbox.list(all()).await.unwrap();
        if let Some(mail) = mails.iter().find(|mail| mail.template == "reset_password" && mail.tenant_id.is_none()) {
            break outbox.read(mail.id, &Actor::Operator("test".into())).await.unwrap().text.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(other.contains("http://localhost:8080/reset-password#token="), "{other}");
    let at = other.find("#token=").unwrap();
    // The newer link replaces the older one.
    let older = token;
    let token = other[at + 7..].chars().take(43).collect::<String>();
    let reset = |token: &str, password: &str| {
        let body = json!({ "token": token, "password": password });
        house.at(Some(&north), "POST", "/api/v1/password-resets/confirm").json(body)
    };
    reset("nothing", "nine loud geese before noon").refused(400, "link_over").await;
    reset(&older, "nine loud geese before noon").refused(400, "link_over").await;
    // A password that is refused leaves the link as it was.
    reset(&token, "short").refused(422, "validation_failed").await;
    reset(&token, "nine loud geese before noon").expect(204).await;
    reset(&token, "ten loud geese before noon").refused(400, "link_over").await;
    let old = house.at(Some(&north), "GET", "/api/v1/account").token(text(&signed_in, "access_token"));
    old.refused(401, "session_ended").await;
    let body = json!({ "email": "ada@north.example", "password": "nine loud geese before noon" });
    house.at(Some(&north), "POST", "/api/v1/sessions").json(body).expect(201).await;
    working.abort();
}

fn all() -> Selection {
    Selection { state: None, tenant: None, oldest_first: false, after: None, limit: 50 }
}
