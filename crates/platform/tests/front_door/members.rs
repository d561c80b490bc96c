//! Who belongs to a tenant, who may change that, and how fast it counts.

use std::{sync::Arc, time::Duration};

use cloister_tenancy::TenantEntry;
use cloister_testkit::Call;
use serde_json::{Value, json};

use crate::fixture::{House, text};

/// Somebody signed in.
pub(crate) struct Someone {
    pub(crate) token: String,
    pub(crate) refresh: String,
}

impl Someone {
    pub(crate) async fn sign_in(house: &House, tenant: &TenantEntry, email: &str) -> Self {
        let seen = house.sign_in(Some(tenant), email).await;
        Self { token: text(&seen, "access_token").to_owned(), refresh: text(&seen, "refresh_token").to_owned() }
    }

    pub(crate) async fn new(house: &House, tenant: &TenantEntry, email: &str, role: &str) -> Self {
        house.member(tenant, email, role).await;
        Self::sign_in(house, tenant, email).await
    }

    pub(crate) fn call(&self, house: &House, tenant: &TenantEntry, method: &str, path: &str) -> Call {
        house.at(Some(tenant), method, &format!("/api/v1{path}")).token(&self.token)
    }

    /// The member of this address, as this one sees them.
    pub(crate) async fn find(&self, house: &House, tenant: &TenantEntry, email: &str) -> Value {
        let page = self.call(house, tenant, "GET", &format!("/tenant/members?q={email}")).expect(200).await;
        assert_eq!(page["items"].as_array().map(Vec::len), Some(1), "{page}");
        page["items"][0].clone()
    }

    pub(crate) async fn patch(&self, house: &House, tenant: &TenantEntry, member: &Value, body: Value) -> Call {
        let path = format!("/tenant/members/{}", text(member, "id"));
        let now = self.call(house, tenant, "GET", &path).expect(200).await;
        self.call(house, tenant, "PATCH", &path).header("if-match", &format!("\"v{}\"", now["version"])).json(body)
    }

    pub(crate) async fn remove(&self, house: &House, tenant: &TenantEntry, member: &Value) -> Call {
        let path = format!("/tenant/members/{}", text(member, "id"));
        let now = self.call(house, tenant, "GET", &path).expect(200).await;
        self.call(house, tenant, "DELETE", &path).header("if-match", &format!("\"v{}\"", now["version"]))
    }
}

struct School {
    house: House,
    north: Arc<TenantEntry>,
    owner: Someone,
    admin: Someone,
}

async fn school() -> School {
    let house = House::with_roster().await;
    let north = house.school("north").await;
    let owner = Someone::new(&house, &north, "owner@north.example", "owner").await;
    let admin = Someone::new(&house, &north, "admin@north.example", "admin").await;
    School { house, north, owner, admin }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_listed_found_and_paged() {
    let School { house, north, owner, .. } = school().await;
    for name in ["c", "b", "a"] {
        house.member(&north, &format!("{name}@north.example"), "teacher").await;
    }
    let south = house.school("south").await;
    house.member(&south, "z@south.example", "teacher").await;
    let list = |query: &str| owner.call(&house, &north, "GET", &format!("/tenant/members{query}")).expect(200);
    let emails = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|item| text(item, "email").to_owned()).collect()
    };
    assert_eq!(emails(&list("").await).len(), 5);
    let of_role = list("?role=teacher&sort=created_at").await;
    assert_eq!(emails(&of_role), ["c@north.example", "b@north.example", "a@north.example"]);
    let newest = list("?role=teacher&sort=-created_at&limit=2").await;
    assert_eq!(emails(&newest), ["a@north.example", "b@north.example"]);
    let next = text(&newest, "next_cursor");
    let rest = list(&format!("?role=teacher&sort=-created_at&limit=2&cursor={next}")).await;
    assert_eq!((emails(&rest), &rest["next_cursor"]), (vec!["c@north.example".to_owned()], &Value::Null));
    // All have the same name: pages by name go on by id, and nobody is left out.
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = list(&format!("?limit=2{cursor}")).await;
        seen.extend(emails(&page));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    seen.sort();
    assert_eq!(seen.len(), 5);
    assert!(emails(&list("?q=OWNER").await) == ["owner@north.example"]);
    assert_eq!(emails(&list("?q=somebody&role=admin").await), ["admin@north.example"]);
    assert!(emails(&list("?q=z@south").await).is_empty() && emails(&list("?status=suspended").await).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_other_tenants_learn_nothing_of_members() {
    let School { house, north, owner, .. } = school().await;
    let south = house.school("south").await;
    let other = Someone::new(&house, &south, "owner@south.example", "owner").await;
    let teacher = Someone::new(&house, &north, "tom@north.example", "teacher").await;
    let tom = owner.find(&house, &north, "tom@north.example").await;
    let path = format!("/tenant/members/{}", text(&tom, "id"));
    house.at(Some(&north), "GET", "/api/v1/tenant/members").refused(401, "unauthenticated").await;
    teacher.call(&house, &north, "GET", "/tenant/members").refused(404, "not_found").await;
    teacher.call(&house, &north, "GET", &path).refused(404, "not_found").await;
    // Another tenant's member is as unknown as one that never was.
    let unknown = "/tenant/members/mbr_019b8d244e807c3e9d0a5f2b7c61e4a8";
    let without_request = |mut problem: Value| {
        for key in ["request_id", "instance"] {
            problem.as_object_mut().unwrap().remove(key);
        }
        problem
    };
    for (method, body) in [("GET", None), ("PATCH", Some(json!({ "status": "suspended" }))), ("DELETE", None)] {
        let ask = |path: &str| {
            let call = other.call(&house, &south, method, path).header("if-match", "\"v1\"");
            body.clone().map_or(call.clone(), |body| call.json(body)).refused(404, "not_found")
        };
        assert_eq!(without_request(ask(&path).await), without_request(ask(unknown).await));
    }
    let reset = other.call(&house, &south, "POST", &format!("{path}/password-reset"));
    reset.refused(404, "not_found").await;
    teacher.call(&house, &north, "GET", "/account").expect(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_counts_on_every_node_within_a_second_and_stands_in_the_log() {
    let School { house, north, owner, .. } = school().await;
    let tom = Someone::new(&house, &north, "tom@north.example", "admin").await;
    let (service, door) = house.second_node().await;
    let following = {
        let service = service.clone();
        tokio::spawn(async move { service.follow().await })
    };
    service_ready(&door, &tom).await;
    let member = owner.find(&house, &north, "tom@north.example").await;
    let stale = owner.call(&house, &north, "PATCH", &format!("/tenant/members/{}", text(&member, "id")));
    stale.clone().json(json!({ "roles": ["teacher"] })).refused(428, "precondition_required").await;
    stale.header("if-match", "\"v9\"").json(json!({ "roles": ["teacher"] })).refused(412, "version_mismatch").await;
    for (body, field, code) in [
        (json!({ "roles": ["wizard"] }), "roles[0]", "unknown_role"),
        (json!({ "roles": ["teacher", "teacher"] }), "roles[1]", "duplicate_role"),
        (json!({ "roles": [] }), "roles", "too_short"),
        (json!({ "email": "x" }), "email", "unknown_field"),
    ] {
        let refused = owner.patch(&house, &north, &member, body).await.refused(422, "validation_failed").await;
        assert_eq!((&refused["errors"][0]["field"], &refused["errors"][0]["code"]), (&json!(field), &json!(code)));
    }
    let after = owner.patch(&house, &north, &member, json!({ "roles": ["teacher"] })).await.expect(200).await;
    assert_eq!((&after["roles"], &after["version"]), (&json!(["teacher"]), &json!(2)));
    // Nothing changed, nothing happened.
    let same = owner.patch(&house, &north, &member, json!({ "roles": ["teacher"] })).await.expect(200).await;
    assert_eq!(same["version"], 2);
    tom.call(&house, &north, "GET", "/tenant/members").refused(401, "token_outdated").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let there = door.call("GET", "/api/v1/tenant/members").header("host", "north.localhost").token(&tom.token);
    there.refused(401, "token_outdated").await;
    // The session stays: renewing brings a token with what is left.
    let renewed = house.at(Some(&north), "POST", "/api/v1/sessions/refresh");
    let renewed = renewed.json(json!({ "refresh_token": tom.refresh })).expect(200).await;
    let members = house.at(Some(&north), "GET", "/api/v1/tenant/members").token(text(&renewed, "access_token"));
    members.refused(404, "not_found").await;
    // Suspended, nothing is renewed, and nobody signs in.
    let again = text(&renewed, "refresh_token");
    owner.patch(&house, &north, &member, json!({ "status": "suspended" })).await.expect(200).await;
    let account = house.at(Some(&north), "GET", "/api/v1/account").token(text(&renewed, "access_token"));
    account.refused(401, "token_outdated").await;
    let renewed = house.at(Some(&north), "POST", "/api/v1/sessions/refresh").json(json!({ "refresh_token": again }));
    renewed.refused(403, "membership_required").await;
    let body = json!({ "email": "tom@north.example", "password": crate::fixture::PASSWORD });
    house.at(Some(&north), "POST", "/api/v1/sessions").json(body).refused(403, "membership_required").await;
    following.abort();
    let working = house.work();
    let log = house.log_of(&north, "member.update", 2).await;
    assert_eq!(log[0]["changes"]["roles"], json!({ "before": ["admin"], "after": ["teacher"] }), "{log:?}");
    assert_eq!(log[1]["changes"]["status"], json!({ "before": "active", "after": "suspended" }));
    assert_eq!(log[0]["resource_id"], member["id"]);
    working.abort();
}

/// The other node knows the token before it is outdated.
async fn service_ready(door: &cloister_testkit::FrontDoor, tom: &Someone) {
    let there = door.call("GET", "/api/v1/tenant/members").header("host", "north.localhost").token(&tom.token);
    there.expect(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_more_than_they_have_nor_touches_who_has_more() {
    let School { house, north, owner, admin } = school().await;
    house.member(&north, "tom@north.example", "teacher").await;
    house.member(&north, "exa@north.example", "examiner").await;
    let tom = admin.find(&house, &north, "tom@north.example").await;
    let examiner = admin.find(&house, &north, "exa@north.example").await;
    let chief = admin.find(&house, &north, "owner@north.example").await;
    let me = admin.find(&house, &north, "admin@north.example").await;
    let patch = |who: Value, body: Value| {
        let (house, north, admin) = (&house, &north, &admin);
        async move { admin.patch(house, north, &who, body).await }
    };
    // To others and to oneself.
    for who in [&tom, &me] {
        patch(who.clone(), json!({ "roles": ["admin", "owner"] })).await.refused(403, "owner_required").await;
        patch(who.clone(), json!({ "roles": ["admin", "examiner"] })).await.refused(403, "rights_exceeded").await;
    }
    // Who has more is not changed, shut out or removed by who has less.
    patch(chief.clone(), json!({ "roles": ["teacher"] })).await.refused(403, "owner_required").await;
    patch(chief.clone(), json!({ "status": "suspended" })).await.refused(403, "owner_required").await;
    admin.remove(&house, &north, &chief).await.refused(403, "owner_required").await;
    patch(examiner.clone(), json!({ "status": "suspended" })).await.refused(403, "rights_exceeded").await;
    admin.remove(&house, &north, &examiner).await.refused(403, "rights_exceeded").await;
    // What is narrowed is within what is not.
    patch(tom.clone(), json!({ "roles": ["admin", "teacher"] })).await.expect(200).await;
    owner.patch(&house, &north, &tom, json!({ "roles": ["examiner"] })).await.expect(200).await;
    owner.patch(&house, &north, &examiner, json!({ "roles": ["owner"] })).await.expect(200).await;
    // The same for making members.
    let make = |roles: Value| {
        let body = json!({ "username": "mei", "display_name": "Mei", "roles": roles });
        admin.call(&house, &north, "POST", "/tenant/members").json(body)
    };
    make(json!(["owner"])).refused(403, "owner_required").await;
    make(json!(["examiner"])).refused(403, "rights_exceeded").await;
    let cards = json!({ "roles": ["examiner"], "items": [{ "display_name": "Mei" }] });
    admin.call(&house, &north, "POST", "/tenant/members/cards").json(cards).refused(403, "rights_exceeded").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_owner_stays() {
    let School { house, north, owner, .. } = school().await;
    let me = owner.find(&house, &north, "owner@north.example").await;
    owner.patch(&house, &north, &me, json!({ "roles": ["admin"] })).await.refused(409, "last_owner").await;
    owner.patch(&house, &north, &me, json!({ "status": "suspended" })).await.refused(409, "last_owner").await;
    owner.remove(&house, &north, &me).await.refused(409, "last_owner").await;
    let second = Someone::new(&house, &north, "two@north.example", "owner").await;
    let two = owner.find(&house, &north, "two@north.example").await;
    // One who is shut out is no owner to rely on.
    owner.patch(&house, &north, &two, json!({ "status": "suspended" })).await.expect(200).await;
    owner.remove(&house, &north, &me).await.refused(409, "last_owner").await;
    owner.patch(&house, &north, &two, json!({ "status": "active" })).await.expect(200).await;
    drop(second);
    let second = Someone::sign_in(&house, &north, "two@north.example").await;
    // Both at once: one of them stays.
    let (first, other) = (owner.remove(&house, &north, &me).await, second.remove(&house, &north, &two).await);
    let (first, other) = tokio::join!(first.send(), other.send());
    let mut outcomes = [first.status, other.status];
    outcomes.sort_unstable();
    assert!(matches!(outcomes, [204, 409 | 401]), "{} {}", first.body, other.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_membership_ends_and_the_account_goes_on_elsewhere() {
    let School { house, north, owner, .. } = school().await;
    let south = house.school("south").await;
    let tom = Someone::new(&house, &north, "tom@north.example", "teacher").await;
    house
        .service
        .make_member(
            south.id,
            &crate::fixture::person("tom@north.example"),
            &["teacher".to_owned()],
            &crate::fixture::by(),
        )
        .await
        .unwrap();
    let member = owner.find(&house, &north, "tom@north.example").await;
    owner.remove(&house, &north, &member).await.expect(204).await;
    tom.call(&house, &north, "GET", "/account").refused(401, "token_outdated").await;
    let refresh =
        house.at(Some(&north), "POST", "/api/v1/sessions/refresh").json(json!({ "refresh_token": tom.refresh }));
    refresh.refused(403, "membership_required").await;
    house.sign_in(Some(&south), "tom@north.example").await;
    let gone = format!("/tenant/members/{}", text(&member, "id"));
    owner.call(&house, &north, "GET", &gone).refused(404, "not_found").await;
}
