//! Operators: whom they are told of, what they may do inside a tenant, and how they come out again.

use std::{
    future::pending,
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cloister_http::{HttpModule, openapi};
use cloister_ids::AccountId;
use cloister_platform::{
    Platform,
    mail::{Outbox, Selection},
};
use cloister_tenancy::{TenantEntry, jobs::WorkSettings};
use cloister_testkit::{Call, FrontDoor, operator_token};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::fixture::{House, by, person, text};

pub(crate) const REASON: &str = "Ticket 4711: the import stops half way.";

/// Somebody who runs the platform, signed in outside of every tenant.
pub(crate) async fn operator(house: &House, email: &str, role: &str) -> (AccountId, String) {
    let id = house.service.make_operator(&person(email), role, &by()).await.unwrap();
    let answer = house.sign_in(None, email).await;
    (id, text(&answer, "access_token").to_owned())
}

/// Does the jobs that requests leave.
pub(crate) fn work(house: &House) -> JoinHandle<()> {
    let tenancy = house.platform.tenancy.clone();
    tokio::spawn(async move { drop(tenancy.work(WorkSettings::default(), pending()).await) })
}

/// Entries of a tenant's own audit log, once there is one of this action.
pub(crate) async fn noted(house: &House, tenant: &TenantEntry, action: &str) -> Vec<Value> {
    let admin = house.platform.admin(&tenant.placement.as_ref().unwrap().database).await;
    let begun = Instant::now();
    loop {
        let query =
            "select jsonb_build_object('action', action, 'actor', actor, 'acting_as', acting_as, 'reason', reason,
            'changes', changes, 'resource', resource)::text
            from cloister.audit where tenant_id = $1 and action = $2 order by id";
        let rows = admin.query(query, &[&tenant.id.uuid(), &action]).await.unwrap();
        if !rows.is_empty() {
            return rows.iter().map(|row| serde_json::from_str(row.get(0)).unwrap()).collect();
        }
        // A job that found the tenant still shut comes again after a pause that grows.
        assert!(begun.elapsed() < Duration::from_mins(1), "no {action} in the tenant's own audit log");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The same of the platform's.
pub(crate) async fn noted_by_platform(house: &House, action: &str) -> Vec<Value> {
    let admin = house.platform.admin(&format!("{}_control", house.platform.prefix)).await;
    let query =
        "select jsonb_build_object('actor', actor, 'acting_as', acting_as, 'reason', reason, 'changes', changes)::text
        from control.audit where action = $1 order by id";
    let rows = admin.query(query, &[&action]).await.unwrap();
    rows.iter().map(|row| serde_json::from_str(row.get(0)).unwrap()).collect()
}

fn enter(house: &House, token: &str, body: Value) -> Call {
    house.at(None, "POST", "/api/v1/platform/entries").token(token).json(body)
}

/// Inside a tenant, with a token for it.
pub(crate) async fn inside(house: &House, token: &str, tenant: &str, elevated: bool) -> Value {
    let body = json!({ "tenant": tenant, "reason": REASON, "elevated": elevated });
    enter(house, token, body).expect(201).await
}

pub(crate) fn look(house: &House, tenant: &TenantEntry, token: &str) -> Call {
    house.at(Some(tenant), "GET", "/api/v1/tenant").token(token)
}

fn rename(house: &House, tenant: &TenantEntry, token: &str, name: &str) -> Call {
    let call = house.at(Some(tenant), "PATCH", "/api/v1/tenant").token(token);
    call.json(json!({ "display_name": name }))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_enters_by_name_with_a_reason_and_the_owner_sees_it() {
    let house = House::open().await;
    let (north, south) = (house.school("north").await, house.school("south").await);
    house.member(&north, "ada@north.example", "owner").await;
    house.member(&north, "bea@north.example", "admin").await;
    let working = work(&house);
    let (sam, token) = operator(&house, "sam@platform.example", "support").await;
    // Being an operator opens no tenant, however it is named.
    let outside = |method: &str| house.at(None, method, "/api/v1/tenant").header("x-tenant-id", "north").token(&token);
    outside("GET").refused(404, "not_found").await;
    let change = outside("PATCH").header("if-match", "\"v1\"").json(json!({ "display_name": "Mine" }));
    change.refused(404, "not_found").await;
    look(&house, &north, &token).refused(404, "not_found").await;
    // Nor does entering without a reason, for too long, or where nothing is.
    for (body, field) in [
        (json!({ "tenant": "north", "reason": "because" }), "reason"),
        (json!({ "tenant": "north", "reason": "   because      " }), "reason"),
        (json!({ "tenant": "north", "reason": "x".repeat(501) }), "reason"),
        (json!({ "tenant": "north", "reason": REASON, "minutes": 241 }), "minutes"),
        (json!({ "tenant": "north", "reason": REASON, "minutes": 0 }), "minutes"),
        (json!({ "tenant": "north" }), "reason"),
    ] {
        let refused = enter(&house, &token, body).refused(422, "validation_failed").await;
        assert_eq!(refused["errors"][0]["field"], field);
    }
    enter(&house, &token, json!({ "tenant": "nowhere", "reason": REASON })).refused(404, "tenant_unknown").await;

    let visit = inside(&house, &token, "north", false).await;
    let within = text(&visit, "access_token");
    assert_eq!((text(&visit, "tenant"), text(&visit, "operator")), ("north", "Somebody Else"));
    let seen = look(&house, &north, within).send().await;
    assert_eq!((seen.status, seen.body["slug"].as_str()), (200, Some("north")), "{}", seen.body);
    let tag = seen.header("etag").unwrap().to_owned();
    rename(&house, &north, within, "Mine").header("if-match", &tag).refused(403, "permission_denied").await;
    look(&house, &south, within).refused(403, "tenant_mismatch").await;
    // Inside, there is no platform.
    house.at(None, "GET", "/api/v1/platform/tenants").token(within).refused(404, "not_found").await;

    let entered = &noted(&house, &north, "operator.enter").await[0];
    let actor = format!("operator:{sam}");
    assert_eq!((text(entered, "actor"), text(entered, "acting_as")), (actor.as_str(), "operator"));
    assert_eq!(text(entered, "reason"), REASON);
    assert_eq!(noted_by_platform(&house, "operator.enter").await.len(), 1);
    let owner = house.sign_in(Some(&north), "ada@north.example").await;
    for who in [&owner, &house.sign_in(Some(&north), "bea@north.example").await] {
        let call = house.at(Some(&north), "GET", "/api/v1/tenant/operator-entries").token(text(who, "access_token"));
        let listed = call.expect(200).await;
        assert_eq!(listed["items"][0]["id"], visit["id"]);
        assert_eq!((text(&listed["items"][0], "reason"), &listed["items"][1]), (REASON, &Value::Null));
    }
    let mails = Outbox::of(&house.service).list(all()).await.unwrap();
    let told: Vec<_> = mails.iter().filter(|mail| mail.template == "operator_entered").collect();
    assert_eq!(told.iter().map(|mail| mail.recipient.as_str()).collect::<Vec<_>>(), ["ada@north.example"]);

    // Elevated, things can be changed, and the tenant reads by whom and why.
    let elevated = inside(&house, &token, "north", true).await;
    let within = text(&elevated, "access_token");
    rename(&house, &north, within, "North Mended").header("if-match", &tag).expect(200).await;
    let changed = &noted(&house, &north, "tenant.update").await[0];
    assert_eq!((text(changed, "actor"), text(changed, "acting_as")), (actor.as_str(), "operator (elevated)"));
    assert_eq!(
        (text(changed, "reason"), &changed["changes"]["display_name"]["after"]),
        (REASON, &json!("North Mended"))
    );
    for permission in claims(within)["prm"].as_array().unwrap() {
        let permission = permission.as_str().unwrap();
        let words: Vec<_> = permission.split('.').collect();
        assert!(words.len() == 3 && words[1] != "*", "{permission} is the owner's");
        assert!(!["platform.entry", "platform.operator"].contains(&words[..2].join(".").as_str()), "{permission}");
    }
    working.abort();
}

fn claims(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

fn all() -> Selection {
    Selection { state: None, tenant: None, oldest_first: false, after: None, limit: 50 }
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_reaches_the_other_nodes_within_a_second_and_one_can_enter_again() {
    let house = House::open().await;
    let north = house.school("north").await;
    house.member(&north, "ada@north.example", "owner").await;
    let working = work(&house);
    let (_, token) = operator(&house, "sam@platform.example", "support").await;
    let (_, other) = operator(&house, "kim@platform.example", "support").await;
    let owner = house.sign_in(Some(&north), "ada@north.example").await;
    let visit = inside(&house, &token, "north", false).await;
    let (node, door) = house.second_node().await;
    let following = tokio::spawn(async move { node.follow().await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let there = async |door: &FrontDoor, token: &str| {
        door.call("GET", "/api/v1/tenant").header("host", "north.localhost").token(token).send().await
    };
    assert_eq!(there(&door, text(&visit, "access_token")).await.status, 200);
    let entry = format!("/api/v1/platform/entries/{}", text(&visit, "id"));
    let delete = |token: &str| house.at(None, "DELETE", &entry).token(token);
    // It is nobody else's to end, nor to use.
    delete(&other).refused(404, "not_found").await;
    delete(text(&owner, "access_token")).refused(404, "not_found").await;
    house.at(None, "POST", &format!("{entry}/renew")).token(&other).refused(404, "not_found").await;
    delete(&token).expect(204).await;
    let begun = Instant::now();
    assert_eq!(there(&house.door, text(&visit, "access_token")).await.body["code"], "token_outdated");
    loop {
        let seen = there(&door, text(&visit, "access_token")).await;
        if seen.body["code"] == "token_outdated" {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(1), "{}", seen.body);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    house.at(None, "POST", &format!("{entry}/renew")).token(&token).refused(409, "entry_over").await;
    delete(&token).expect(204).await;
    assert_eq!(noted(&house, &north, "operator.leave").await.len(), 1, "it ended once");
    assert_eq!(there(&door, text(&owner, "access_token")).await.status, 200, "nobody else is shut out");
    let again = inside(&house, &token, "north", false).await;
    assert_eq!(there(&door, text(&again, "access_token")).await.status, 200);
    assert_eq!(there(&house.door, text(&again, "access_token")).await.status, 200);
    // The session is the operator's own: when it ends, the visit's token is worth nothing.
    house.at(None, "DELETE", "/api/v1/sessions/current").token(&token).expect(204).await;
    assert_eq!(there(&house.door, text(&again, "access_token")).await.body["code"], "session_ended");
    following.abort();
    working.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_ends_when_its_time_is_over() {
    let house = House::open().await;
    let north = house.school("north").await;
    let working = work(&house);
    let (_, token) = operator(&house, "sam@platform.example", "support").await;
    let body = json!({ "tenant": north.id, "reason": REASON, "minutes": 20 });
    let once = |body: &Value| enter(&house, &token, body.clone()).header("idempotency-key", "one");
    let visit = once(&body).expect(201).await;
    let again = once(&body).send().await;
    assert_eq!((again.status, &again.body["id"]), (201, &visit["id"]), "{}", again.body);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert!(again.body["access_token"].is_string(), "a token is made anew, and never kept");
    once(&json!({ "tenant": "north", "reason": REASON })).refused(409, "idempotency_key_used").await;
    let renew = format!("/api/v1/platform/entries/{}/renew", text(&visit, "id"));
    house.pass(SignedDuration::from_mins(14));
    look(&house, &north, text(&visit, "access_token")).expect(200).await;
    let next = house.at(None, "POST", &renew).token(&token).expect(200).await;
    assert!([359, 360].contains(&next["expires_in"].as_i64().unwrap()), "{next}");
    let second = |visit: &Value| text(visit, "expires_at")[..19].to_owned();
    assert_eq!(second(&next), second(&visit), "renewing makes it no longer");
    house.pass(SignedDuration::from_mins(2));
    look(&house, &north, text(&visit, "access_token")).refused(401, "token_expired").await;
    look(&house, &north, text(&next, "access_token")).expect(200).await;
    house.pass(SignedDuration::from_mins(5));
    look(&house, &north, text(&next, "access_token")).refused(401, "token_expired").await;
    let session = house.sign_in(None, "sam@platform.example").await;
    let call = house.at(None, "POST", &renew).token(text(&session, "access_token"));
    call.refused(409, "entry_over").await;
    let left = &noted(&house, &north, "operator.leave").await[0];
    assert_eq!((text(left, "reason"), &left["changes"]["time_is_over"]), (REASON, &json!(true)));
    working.abort();
}

/// Every operation under `/platform`, about things that are there, with a body that it would take.
fn platform_operations(there: &[(&str, String)]) -> Vec<(String, String, Option<Value>)> {
    let http: Vec<Arc<dyn HttpModule>> = vec![Arc::new(Platform::new())];
    let document = serde_json::to_value(openapi(&http)).unwrap();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if !path.starts_with("/api/v1/platform/") {
                continue;
            }
            let body = &operation["requestBody"]["content"]["application/json"]["example"];
            let id = there.iter().find(|(folder, _)| path.contains(folder)).map(|(_, id)| id.as_str());
            assert!(id.is_some() || !path.contains('{'), "nothing is there for {path}");
            let path = path.replace("{id}", id.unwrap_or_default()).replace("{name}", id.unwrap_or_default());
            found.push((method.to_uppercase(), path, (!body.is_null()).then(|| body.clone())));
        }
    }
    assert!(found.len() > 15, "{found:?}");
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_no_operator_finds_nothing_of_the_platform() {
    let house = House::open().await;
    let (north, south) = (house.school("north").await, house.school("south").await);
    house.member(&north, "ada@north.example", "owner").await;
    let (sam, token) = operator(&house, "sam@platform.example", "support").await;
    let visit = inside(&house, &token, "north", false).await;
    let (_, admin) = operator(&house, "ann@platform.example", "admin").await;
    let mail = Outbox::of(&house.service).list(all()).await.unwrap()[0].id;
    let workflow = house.platform.tenancy.suspend_tenant(south.id, None, &by()).await.unwrap();
    let wish =
        json!({ "name": "West High", "slug": "west", "email": "eve@west.example", "locale": "en", "time_zone": "UTC" });
    house.at(None, "POST", "/api/v1/signups").json(wish).expect(202).await;
    let signups = house.at(None, "GET", "/api/v1/platform/signups").token(&admin).expect(200).await;
    let there = [
        ("/signups/", text(&signups["items"][0], "id").to_owned()),
        ("/tenants/", north.id.to_string()),
        ("/operators/", sam.to_string()),
        ("/entries/", text(&visit, "id").to_owned()),
        ("/workflows/", workflow.to_string()),
        ("/mails/", mail.to_string()),
        ("/plans/", "standard".to_owned()),
    ];
    let (inside, outside) =
        (house.sign_in(Some(&north), "ada@north.example").await, house.sign_in(None, "ada@north.example").await);
    // Somebody who runs the platform, and may do nothing that is asked for.
    let rooms: Vec<Arc<dyn HttpModule>> = vec![Arc::new(house.room.clone())];
    let unsigned = FrontDoor::new(&house.platform.tenancy, &rooms);
    let idle = operator_token(&sam.to_string(), &["platform.nothing.read"]);
    for (method, path, body) in platform_operations(&there) {
        let with = |call: Call| {
            let call = call.header("host", "localhost").header("if-match", "\"v1\"");
            match &body {
                Some(body) => call.json(body.clone()),
                None => call,
            }
        };
        with(unsigned.call(&method, &path)).token(&idle).refused(404, "not_found").await;
        let call = |token: Option<&str>| {
            let call = with(house.door.call(&method, &path));
            match token {
                Some(token) => call.token(token),
                None => call,
            }
        };
        for who in [&inside, &outside] {
            call(Some(text(who, "access_token"))).refused(404, "not_found").await;
        }
        call(None).refused(401, "unauthenticated").await;
        if method == "GET" {
            // It is there for who may see it: the answers above are no accident.
            call(Some(&admin)).expect(200).await;
        }
    }
}

/// Two walls: a token for a tenant claims no operator's permissions, and where a token is for a tenant they are not asked for.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_claims_nothing_of_the_platform_within_a_tenant_only_outside() {
    let house = House::open().await;
    let north = house.school("north").await;
    let (_, outside) = operator(&house, "ann@platform.example", "admin").await;
    // The same person works at the school.
    house.member(&north, "ann@platform.example", "owner").await;
    let within = house.sign_in(Some(&north), "ann@platform.example").await;
    let within = text(&within, "access_token");
    let list = |token: &str| house.at(None, "GET", "/api/v1/platform/tenants").token(token);
    list(&outside).expect(200).await;
    look(&house, &north, within).expect(200).await;
    list(within).refused(404, "not_found").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operator_may_do_what_their_role_says() {
    let house = House::open().await;
    house.school("north").await;
    let (_, viewer) = operator(&house, "vic@platform.example", "viewer").await;
    let (_, support) = operator(&house, "sam@platform.example", "support").await;
    let (_, admin) = operator(&house, "ann@platform.example", "admin").await;
    let body = json!({ "tenant": "north", "reason": REASON });
    enter(&house, &viewer, body.clone()).refused(404, "not_found").await;
    enter(&house, &viewer, json!({ "tenant": "north", "reason": REASON, "elevated": true }))
        .refused(404, "not_found")
        .await;
    let visit = enter(&house, &support, body).expect(201).await;
    let list = async |token: &str, path: &str| {
        let seen = house.at(None, "GET", path).token(token).send().await;
        (seen.status, seen.body["items"].as_array().map_or(0, Vec::len))
    };
    assert_eq!(list(&viewer, "/api/v1/platform/entries").await, (404, 0));
    assert_eq!(list(&support, "/api/v1/platform/entries").await, (200, 1));
    assert_eq!(list(&admin, "/api/v1/platform/entries?open=true").await, (200, 1));
    for token in [&viewer, &support] {
        assert_eq!(list(token, "/api/v1/platform/operators").await, (404, 0));
        assert_eq!(list(token, "/api/v1/platform/tenants").await, (200, 1));
        let new = json!({ "slug": "west", "display_name": "West", "kind": "school", "tier": "shared" });
        let create = house.at(None, "POST", "/api/v1/platform/tenants").token(token).json(new);
        create.refused(403, "permission_denied").await;
    }
    assert_eq!(list(&admin, "/api/v1/platform/operators?sort=-age&limit=2").await, (200, 2));
    // An admin ends anybody's visit.
    let entry = format!("/api/v1/platform/entries/{}", text(&visit, "id"));
    house.at(None, "DELETE", &entry).token(&admin).expect(204).await;
    assert_eq!(list(&support, "/api/v1/platform/entries?open=true").await, (200, 0));
}
