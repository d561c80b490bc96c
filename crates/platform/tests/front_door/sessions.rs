//! Sessions: renewed, listed, ended, and told to every node.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::fixture::{House, PASSWORD, cookie, text};

async fn refresh(house: &House, answer: &Value) -> cloister_testkit::Seen {
    let body = json!({ "refresh_token": text(answer, "refresh_token") });
    house.at(None, "POST", "/api/v1/sessions/refresh").json(body).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_works_once_and_its_second_use_ends_the_session() {
    let house = House::open().await;
    let north = house.school("north").await;
    house.member(&north, "ada@north.example", "owner").await;
    let first = house.sign_in(Some(&north), "ada@north.example").await;
    let other = house.sign_in(Some(&north), "ada@north.example").await;
    let second = refresh(&house, &first).await;
    assert_eq!(second.status, 200, "{}", second.body);
    assert_eq!(second.body["session_id"], first["session_id"]);
    assert_eq!(second.body["tenant"]["slug"], "north");
    // Whoever uses the first again has stolen it, or was stolen from.
    assert_eq!(refresh(&house, &first).await.body["code"], "session_ended");
    let look =
        |answer: &Value| house.at(Some(&north), "GET", "/api/v1/account").token(text(answer, "access_token")).send();
    assert_eq!(look(&second.body).await.body["code"], "session_ended");
    assert_eq!(refresh(&house, &second.body).await.body["code"], "session_ended");
    assert_eq!(look(&other).await.status, 200, "other sessions go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_when_it_is_not_used_and_in_any_case_one_day() {
    let house = House::open().await;
    let north = house.school("north").await;
    house.member(&north, "ada@north.example", "owner").await;
    let mut answer = house.sign_in(Some(&north), "ada@north.example").await;
    let idle = house.sign_in(Some(&north), "ada@north.example").await;
    for _ in 0..40 {
        house.pass(SignedDuration::from_hours(18));
        let seen = refresh(&house, &answer).await;
        if seen.status != 200 {
            answer = Value::Null;
            break;
        }
        answer = seen.body;
    }
    assert!(answer.is_null(), "a session that is used every day ends after a month");
    assert_eq!(refresh(&house, &idle).await.body["code"], "session_ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_with_their_device_and_ended_one_by_one_or_all() {
    let house = House::open().await;
    let north = house.school("north").await;
    house.member(&north, "ada@north.example", "owner").await;
    house.member(&north, "eve@north.example", "owner").await;
    let body = json!({ "email": "ada@north.example", "password": PASSWORD });
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let sign_in = |agent: &str| {
        house.at(Some(&north), "POST", "/api/v1/sessions").header("user-agent", agent).json(body.clone()).expect(201)
    };
    let (here, there, third) = (sign_in(firefox).await, sign_in("curl/8.5.0").await, sign_in("curl/8.5.0").await);
    let eve = house.sign_in(Some(&north), "eve@north.example").await;
    let token = text(&here, "access_token");
    let list = || async { house.at(Some(&north), "GET", "/api/v1/sessions").token(token).expect(200).await };
    let listed = list().await;
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.len(), 3);
    let current: Vec<_> = items.iter().filter(|item| item["is_current"] == true).collect();
    assert_eq!((current.len(), text(current[0], "device")), (1, "Firefox on Linux"));
    let end = |id: &str| house.at(Some(&north), "DELETE", &format!("/api/v1/sessions/{id}")).token(token);
    end(text(&there, "session_id")).expect(204).await;
    end(text(&there, "session_id")).refused(404, "not_found").await;
    end(text(&eve, "session_id")).refused(404, "not_found").await;
    let look =
        |answer: &Value| house.at(Some(&north), "GET", "/api/v1/account").token(text(answer, "access_token")).send();
    assert_eq!(look(&there).await.body["code"], "session_ended");
    assert_eq!(look(&third).await.status, 200);
    house.at(Some(&north), "DELETE", "/api/v1/sessions").token(token).expect(204).await;
    assert_eq!(look(&third).await.body["code"], "session_ended");
    assert_eq!(look(&here).await.status, 200);
    assert_eq!(look(&eve).await.status, 200);
    house.at(Some(&north), "DELETE", "/api/v1/sessions/current").token(token).expect(204).await;
    assert_eq!(look(&here).await.body["code"], "session_ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_and_losing_a_role_reach_the_other_nodes_within_a_second() {
    let house = House::open().await;
    let north = house.school("north").await;
    house.member(&north, "ada@north.example", "owner").await;
    let (out, changed) = (
        house.sign_in(Some(&north), "ada@north.example").await,
        house.sign_in(Some(&north), "ada@north.example").await,
    );
    let (other, door) = house.second_node().await;
    let following = tokio::spawn(async move { other.follow().await });
    let look = async |answer: &Value| {
        let call = door.call("GET", "/api/v1/account").header("host", "north.localhost");
        call.token(text(answer, "access_token")).send().await
    };
    let until = async |answer: &Value, code: &str| {
        let begun = Instant::now();
        loop {
            let seen = look(answer).await;
            if seen.body["code"] == code {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(1), "{code}: {}", seen.body);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    // Until the listener is there, it reads every five seconds.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(look(&out).await.status, 200);
    let call = house.at(Some(&north), "DELETE", "/api/v1/sessions/current").token(text(&out, "access_token"));
    call.expect(204).await;
    until(&out, "session_ended").await;
    assert_eq!(look(&changed).await.status, 200);
    house.member(&north, "ada@north.example", "admin").await;
    until(&changed, "token_outdated").await;
    // Renewed, it says what is true now.
    let renewed = refresh(&house, &changed).await.body;
    assert_eq!(renewed["tenant"]["roles"], json!(["admin", "owner"]));
    assert_eq!(look(&renewed).await.status, 200);
    following.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_holds_a_cookie_of_one_host_and_is_brought_to_another() {
    let house = House::open().await;
    let (north, south) = (house.school("north").await, house.school("south").await);
    house.member(&north, "ada@example.org", "owner").await;
    house.member(&south, "ada@example.org", "admin").await;
    let body = json!({ "email": "ada@example.org", "password": PASSWORD, "cookie": true });
    let page = |method: &str, path: &str, tenant: Option<&cloister_tenancy::TenantEntry>| {
        let host = tenant.map_or_else(|| "localhost".to_owned(), |tenant| format!("{}.localhost", tenant.slug));
        house.at(tenant, method, path).header("origin", &format!("http://{host}:8080"))
    };
    // Another site's page cannot make a browser sign in.
    house.at(None, "POST", "/api/v1/sessions").json(body.clone()).refused(403, "origin_refused").await;
    let seen = page("POST", "/api/v1/sessions", None).json(body).send().await;
    assert_eq!(seen.status, 201, "{}", seen.body);
    assert!(seen.body.get("access_token").is_none() && seen.body.get("refresh_token").is_none());
    let common = cookie(&seen);
    assert!(seen.header("set-cookie").unwrap().contains("Secure; HttpOnly; SameSite=Lax"));
    house.at(None, "GET", "/api/v1/account").header("cookie", &common).expect(200).await;
    house.at(Some(&north), "GET", "/api/v1/account").header("cookie", &common).refused(401, "session_ended").await;
    // With a cookie, an unsafe request must come from the host's own pages.
    let code = json!({ "tenant": "north" });
    let other = house.at(None, "POST", "/api/v1/sessions/handover").header("origin", "https://evil.example");
    other.header("cookie", &common).json(code.clone()).refused(403, "origin_refused").await;
    let made = page("POST", "/api/v1/sessions/handover", None).header("cookie", &common).json(code).expect(201).await;
    assert_eq!(made["host"], "north.localhost");
    let redeem = |tenant| {
        page("POST", "/api/v1/sessions/handover/redeem", Some(tenant)).json(json!({ "code": text(&made, "code") }))
    };
    let seen = redeem(&*north).send().await;
    assert_eq!((seen.status, seen.body["tenant"]["slug"].as_str()), (200, Some("north")), "{}", seen.body);
    let there = cookie(&seen);
    house.at(Some(&north), "GET", "/api/v1/account").header("cookie", &there).expect(200).await;
    redeem(&*north).refused(401, "code_invalid").await;
    // Carried to another place, a code is used up.
    let code = json!({ "tenant": "south" });
    let made = page("POST", "/api/v1/sessions/handover", None).header("cookie", &common).json(code).expect(201).await;
    let body = json!({ "code": text(&made, "code") });
    let elsewhere = page("POST", "/api/v1/sessions/handover/redeem", Some(&north)).json(body.clone());
    elsewhere.refused(401, "code_invalid").await;
    let late = page("POST", "/api/v1/sessions/handover/redeem", Some(&south)).json(body);
    late.refused(401, "code_invalid").await;
    // Signing out at one host ends the session at all.
    let out = page("DELETE", "/api/v1/sessions/current", Some(&north)).header("cookie", &there).send().await;
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    house.at(None, "GET", "/api/v1/account").header("cookie", &common).refused(401, "session_ended").await;
}

/// A node that has not seen a cookie asks the control plane whose it is, and there it says of which host it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_that_is_read_anew_is_good_on_its_own_host_alone() {
    let house = House::open().await;
    let north = house.school("north").await;
    house.member(&north, "ada@example.org", "owner").await;
    let body = json!({ "email": "ada@example.org", "password": PASSWORD, "cookie": true });
    let page = house.at(None, "POST", "/api/v1/sessions").header("origin", "http://localhost:8080");
    let browser = cookie(&page.json(body).send().await);
    let (_, door) = house.second_node().await;
    let look = |host: &str| door.call("GET", "/api/v1/account").header("host", host).header("cookie", &browser);
    look("north.localhost").refused(401, "session_ended").await;
    look("localhost").expect(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_for_a_tenant_that_is_not_known_is_good_nowhere() {
    let house = House::open().await;
    let north = house.school("north").await;
    house.member(&north, "ada@north.example", "owner").await;
    house
        .service
        .make_operator(&crate::fixture::person("ada@north.example"), "admin", &crate::fixture::by())
        .await
        .unwrap();
    let answer = house.sign_in(Some(&north), "ada@north.example").await;
    // A node that has not heard of the tenant yet.
    let client = house.platform.admin(&format!("{}_control", house.platform.prefix)).await;
    let unheard =
        "insert into control.tenant (id, slug, display_name, kind, status, tier, plan, region, locale, time_zone,
            generation, created_at, created_by, updated_at, updated_by)
        select $1, 'unheard', 'x', kind, 'pending', tier, plan, region, locale, time_zone, 0, now(), 'x', now(), 'x'
        from control.tenant limit 1";
    let id = cloister_ids::TenantId::generate(&house.clock);
    client.execute(unheard, &[&id.uuid()]).await.unwrap();
    client.execute("update control.refresh_token set tenant_id = $1", &[&id.uuid()]).await.unwrap();
    let seen = refresh(&house, &answer).await;
    assert_eq!((seen.status, seen.body["code"].as_str()), (404, Some("tenant_unknown")), "{}", seen.body);
}
