//! Accounts that a tenant manages: from the printed card to a password of one's own, and to their end.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::{
    fixture::{House, text},
    members::Someone,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_pupil_signs_in_by_card_and_chooses_a_password_first() {
    let house = House::with_roster().await;
    let (north, south) = (house.school("north").await, house.school("south").await);
    let admin = Someone::new(&house, &north, "admin@north.example", "admin").await;
    let body = json!({ "username": "Mei.Tanaka", "display_name": "Mei Tanaka", "roles": ["teacher"] });
    let make = || admin.call(&house, &north, "POST", "/tenant/members").json(body.clone());
    let seen = make().header("idempotency-key", "k1").send().await;
    assert_eq!(seen.status, 201, "{}", seen.body);
    let card = seen.body.clone();
    assert_eq!(seen.header("location"), Some(&*format!("/api/v1/tenant/members/{}", text(&card, "id"))));
    assert_eq!(card["sign_in_url"], "http://north.localhost:8080");
    // Sent again, nothing is made, and the password is not told a second time.
    let again = make().header("idempotency-key", "k1").send().await;
    assert_eq!((again.status, &again.body["id"], &again.body["first_password"]), (201, &card["id"], &Value::Null));
    make().refused(409, "username_taken").await;

    let first = text(&card, "first_password").to_owned();
    let sign_in = |password: &str| json!({ "username": "mei.tanaka", "password": password });
    let at = |tenant, password: &str| house.at(tenant, "POST", "/api/v1/sessions").json(sign_in(password));
    at(Some(&south), &first).refused(401, "credentials_invalid").await;
    at(None, &first).refused(422, "validation_failed").await;
    let inside = at(Some(&north), &first).expect(201).await;
    assert_eq!((&inside["needs"], &inside["tenant"]), (&json!("password_expired"), &Value::Null));
    let token = text(&inside, "access_token");
    // Signed in, and not let in.
    house.at(Some(&north), "GET", "/api/v1/tenant/members").token(token).refused(404, "not_found").await;
    let change = json!({ "current_password": first, "new_password": "nine loud geese before noon" });
    house.at(Some(&north), "POST", "/api/v1/account/password").token(token).json(change).expect(204).await;
    at(Some(&north), &first).refused(401, "credentials_invalid").await;
    let inside = at(Some(&north), "nine loud geese before noon").expect(201).await;
    assert_eq!((&inside["needs"], &inside["tenant"]["slug"]), (&Value::Null, &json!("north")));

    // A new card ends what is open, and asks again.
    let path = format!("/tenant/members/{}", text(&card, "id"));
    let reset = admin.call(&house, &north, "POST", &format!("{path}/password-reset")).expect(200).await;
    let old = house.at(Some(&north), "GET", "/api/v1/account").token(text(&inside, "access_token"));
    old.refused(401, "session_ended").await;
    at(Some(&north), "nine loud geese before noon").refused(401, "credentials_invalid").await;
    let inside = at(Some(&north), text(&reset, "first_password")).expect(201).await;
    assert_eq!(inside["needs"], "password_expired");

    // The account ends with the membership.
    let member = admin.call(&house, &north, "GET", &path).expect(200).await;
    admin.remove(&house, &north, &member).await.expect(204).await;
    let over = house.at(Some(&north), "GET", "/api/v1/account").token(text(&inside, "access_token"));
    over.refused(401, "session_ended").await;
    at(Some(&north), text(&reset, "first_password")).refused(401, "credentials_invalid").await;
    make().expect(201).await;
    let working = house.work();
    let log = house.log(&north, "member.delete").await;
    assert_eq!(log[0]["changes"]["account_ended"], true);
    let all = format!("{:?}", house.log(&north, "member.create").await);
    assert!(!all.contains(&first), "no password in the log");
    working.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_printed_password_is_only_for_accounts_of_the_tenant_and_within_ones_rights() {
    let house = House::with_roster().await;
    let north = house.school("north").await;
    let owner = Someone::new(&house, &north, "owner@north.example", "owner").await;
    let admin = Someone::new(&house, &north, "admin@north.example", "admin").await;
    let me = admin.find(&house, &north, "admin@north.example").await;
    let reset = |member: &Value| format!("/tenant/members/{}/password-reset", text(member, "id"));
    admin.call(&house, &north, "POST", &reset(&me)).refused(409, "account_not_managed").await;
    let body = json!({ "username": "exa", "display_name": "Exa", "roles": ["examiner"] });
    let examiner = owner.call(&house, &north, "POST", "/tenant/members").json(body).expect(201).await;
    // Else whoever sets a password could sign in with it, as somebody who may do more.
    admin.call(&house, &north, "POST", &reset(&examiner)).refused(403, "rights_exceeded").await;
    owner.call(&house, &north, "POST", &reset(&examiner)).expect(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_for_many_have_usernames_of_their_own() {
    let house = House::with_roster().await;
    let north = house.school("north").await;
    let admin = Someone::new(&house, &north, "admin@north.example", "admin").await;
    let make = |items: Value| {
        let body = json!({ "roles": ["teacher"], "items": items });
        admin.call(&house, &north, "POST", "/tenant/members/cards").json(body)
    };
    let names = |cards: &Value| -> Vec<String> {
        cards["items"].as_array().unwrap().iter().map(|card| text(card, "username").to_owned()).collect()
    };
    let first = make(json!([
        { "display_name": "Mei Tanaka" }, { "display_name": "Mei Tanaka" }, { "display_name": "Tom", "username": "Tom" },
        { "display_name": "Tom" }, { "display_name": "李" }
    ]));
    let first = first.header("idempotency-key", "k").expect(201).await;
    assert_eq!(names(&first), ["mei.tanaka", "mei.tanaka2", "Tom", "tom2", "member"]);
    let passwords: HashSet<&str> =
        first["items"].as_array().unwrap().iter().map(|card| text(card, "first_password")).collect();
    assert_eq!(passwords.len(), 5);
    let second = make(json!([{ "display_name": "Mei Tanaka" }, { "display_name": "Tom 2" }])).expect(201).await;
    assert_eq!(names(&second), ["mei.tanaka3", "tom.2"]);
    for (items, field, code) in [
        (
            json!([{ "display_name": "A" }, { "display_name": "B", "username": "TOM" }]),
            "items[1].username",
            "username_taken",
        ),
        (
            json!([{ "display_name": "A", "username": "x" }, { "display_name": "B", "username": "X" }]),
            "items[1].username",
            "username_taken",
        ),
        (json!([{ "display_name": "A", "username": "a@b" }]), "items[0].username", "username_invalid"),
        (json!([{ "display_name": " " }]), "items[0].display_name", "blank"),
        (json!([]), "items", "too_short"),
        (json!(vec![json!({ "display_name": "A" }); 201]), "items", "too_long"),
    ] {
        let refused = make(items).refused(422, "validation_failed").await;
        assert_eq!((&refused["errors"][0]["field"], &refused["errors"][0]["code"]), (&json!(field), &json!(code)));
    }
    // All or none.
    let page = admin.call(&house, &north, "GET", "/tenant/members?role=teacher&limit=50").expect(200).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_a_tenant_manages_belongs_nowhere_else_whatever_a_row_says() {
    let house = House::with_roster().await;
    let (north, south) = (house.school("north").await, house.school("south").await);
    let admin = Someone::new(&house, &north, "admin@north.example", "admin").await;
    let body = json!({ "username": "mei", "display_name": "Mei Tanaka", "roles": ["teacher"] });
    let card = admin.call(&house, &north, "POST", "/tenant/members").json(body).expect(201).await;
    let client = house.platform.admin(&format!("{}_control", house.platform.prefix)).await;
    let account: cloister_ids::AccountId = text(&card, "account_id").parse().unwrap();
    let plant = "insert into control.membership (id, account_id, tenant_id, roles, created_at, created_by, updated_at, updated_by)
        values ($1, $1, $2, '{owner}', now(), 'x', now(), 'x')";
    client.execute(plant, &[&account.uuid(), &south.id.uuid()]).await.unwrap();
    client
        .execute("update control.account set must_change_password = false where id = $1", &[&account.uuid()])
        .await
        .unwrap();
    let sign_in = json!({ "username": "mei", "password": text(&card, "first_password") });
    let inside = house.at(Some(&north), "POST", "/api/v1/sessions").json(sign_in).expect(201).await;
    let slugs: Vec<_> = inside["tenants"].as_array().unwrap().iter().map(|place| text(place, "slug")).collect();
    assert_eq!(slugs, ["north"]);
    let switch = house.at(None, "POST", "/api/v1/sessions/switch").token(text(&inside, "access_token"));
    switch.json(json!({ "tenant": "south" })).refused(404, "not_found").await;
    // Nor by a credential that somebody bent.
    let bend = "update control.refresh_token set tenant_id = $1";
    client.execute(bend, &[&south.id.uuid()]).await.unwrap();
    let body = json!({ "refresh_token": text(&inside, "refresh_token") });
    house.at(None, "POST", "/api/v1/sessions/refresh").json(body).refused(403, "membership_required").await;
}
