//! What sign-up refuses, and in which words.

use std::time::Duration;

use cloister_http::{EdgeSettings, Rate, RateSettings, ServerLimits, serve};
use cloister_platform::{PlatformSettings, signup::SignupSettings};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{assert_status, faults, mails, offering, sign_up, token, verify, wish, with_password};
use crate::fixture::{House, PASSWORD, text};

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_is_named_at_once() {
    let house = House::open().await;
    let body = json!({
        "name": " ", "slug": "No Name", "email": "nobody", "kind": "circus", "tier": "database", "locale": "x!",
        "time_zone": "Moon/Sea"
    });
    let refused = sign_up(&house, body).refused(422, "validation_failed").await;
    let mut found = faults(&refused);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("email", "email_invalid"),
            ("kind", "unknown_kind"),
            ("locale", "locale"),
            ("name", "length"),
            ("slug", "slug_invalid"),
            ("tier", "tier_not_offered"),
            ("time_zone", "time_zone"),
        ]
    );
    let refused = sign_up(&house, wish("admin", "a@north.example")).refused(422, "validation_failed").await;
    assert_eq!(faults(&refused), [("slug", "slug_reserved")]);
    sign_up(&house, wish("north", "a@north.example")).expect(202).await;
    let refused = sign_up(&house, wish("north", "b@north.example")).refused(409, "slug_taken").await;
    assert_eq!(faults(&refused), [("slug", "slug_taken")]);
    assert!(mails(&house, "b@north.example").await.is_empty(), "nothing of it was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_free_or_others_are_told() {
    let house = House::open().await;
    let ask = async |slug: &str| house.at(None, "GET", &format!("/api/v1/slugs/{slug}")).expect(200).await;
    let free = json!({ "slug": "north", "available": true, "reason": null, "suggestions": [] });
    assert_eq!(ask("north").await, free);
    for slug in ["north", "north-2"] {
        sign_up(&house, wish(slug, "a@north.example")).expect(202).await;
    }
    let taken = ask("north").await;
    assert_eq!((&taken["available"], text(&taken, "reason")), (&json!(false), "taken"));
    assert_eq!(taken["suggestions"], json!(["north-school", "north-3", "north-4"]));
    let reserved = ask("www").await;
    assert_eq!((text(&reserved, "reason"), &reserved["suggestions"][0]), ("reserved", &json!("www-school")));
    let invalid = ask("North%20High").await;
    assert_eq!((text(&invalid, "reason"), &invalid["suggestions"][0]), ("invalid", &json!("north-high")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_works_once_and_for_two_days() {
    let house = House::open().await;
    let created = sign_up(&house, wish("north", "head@north.example")).expect(202).await;
    let good = token(&house, "head@north.example").await;
    verify(&house, with_password("nonsense")).refused(400, "link_over").await;
    // Neither the secret of the status address nor another purpose's token is one.
    let status = text(&created, "status_url").rsplit('/').next().unwrap();
    verify(&house, with_password(status)).refused(400, "link_over").await;
    let reset = json!({ "token": good, "password": PASSWORD });
    house.at(None, "POST", "/api/v1/password-resets/confirm").json(reset).refused(400, "link_over").await;
    // What is refused leaves the link as it was.
    let bare = verify(&house, json!({ "token": good })).refused(422, "validation_failed").await;
    assert_eq!(faults(&bare), [("display_name", "missing"), ("password", "missing")]);
    let weak = json!({ "token": good, "display_name": "Ada", "password": "north north north" });
    let weak = verify(&house, weak).refused(422, "validation_failed").await;
    assert_eq!(faults(&weak)[0].0, "password");
    let first = verify(&house, with_password(&good)).header("idempotency-key", "k-1").expect(200).await;
    verify(&house, with_password(&good)).refused(400, "link_over").await;
    let again = verify(&house, with_password(&good)).header("idempotency-key", "k-1").send().await;
    assert_status(&again, 200);
    assert_eq!((&again.body, again.header("idempotency-replayed")), (&first, Some("true")));

    sign_up(&house, wish("south", "head@south.example")).expect(202).await;
    let late = token(&house, "head@south.example").await;
    house.pass(SignedDuration::from_hours(48));
    verify(&house, with_password(&late)).refused(400, "link_over").await;
    for secret in ["short", &"A".repeat(22), &"A".repeat(43), "verify/events"] {
        house.at(None, "GET", &format!("/api/v1/signups/{secret}")).refused(404, "not_found").await;
    }
    house.at(None, "GET", &format!("/api/v1/signups/{}/events", "A".repeat(22))).refused(404, "not_found").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_brings_the_same_answer_and_the_database_has_no_secret() {
    let house = House::open().await;
    let ask = |body: Value| sign_up(&house, body).header("idempotency-key", "k-1");
    let first = ask(wish("north", "head@north.example")).expect(202).await;
    let again = ask(wish("north", "head@north.example")).send().await;
    assert_status(&again, 202);
    assert_eq!((&again.body, again.header("idempotency-replayed")), (&first, Some("true")));
    ask(wish("south", "head@north.example")).refused(409, "idempotency_key_used").await;
    assert_eq!(mails(&house, "head@north.example").await.len(), 1);
    let (status, code) =
        (text(&first, "status_url").rsplit('/').next().unwrap(), token(&house, "head@north.example").await);
    let traces = house.platform.traces(&[status, &code]).await;
    assert!(traces.is_empty(), "{traces:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_nobody_confirms_is_not_written_to_without_end() {
    let house = offering(SignupSettings { for_address: 2, ..SignupSettings::default() }).await;
    for slug in ["north", "south"] {
        sign_up(&house, wish(slug, "head@north.example")).expect(202).await;
    }
    let seen = sign_up(&house, wish("west", "HEAD@north.example")).send().await;
    assert_status(&seen, 429);
    assert_eq!((text(&seen.body, "code"), seen.header("retry-after")), ("too_many_signups", Some("3600")));
    sign_up(&house, wish("west", "other@north.example")).expect(202).await;
    // Who confirms one may go on, and so may everybody tomorrow.
    let token = token(&house, "head@north.example").await;
    verify(&house, with_password(&token)).expect(200).await;
    sign_up(&house, wish("east", "head@north.example")).expect(202).await;
    sign_up(&house, wish("middle", "head@north.example")).refused(429, "too_many_signups").await;
    house.pass(SignedDuration::from_hours(24));
    sign_up(&house, wish("middle", "head@north.example")).expect(202).await;
}

/// A server that believes where requests say they come from.
async fn server(house: &House) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let door = house.door.clone();
    tokio::spawn(async move {
        serve(listener, door.router(), door.edge(), ServerLimits::default(), std::future::pending()).await
    });
    address
}

/// Status and code of the answer to a request from this client.
async fn ask(server: std::net::SocketAddr, line: &str, from: &str, body: &Value) -> (u16, String) {
    let body = body.to_string();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {from}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(Duration::from_secs(20), stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let code = answer.split("\"code\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    (status, code.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_signs_up_only_so_often() {
    let edge = EdgeSettings {
        trusted_proxies: vec!["127.0.0.1".parse().unwrap()],
        rates: RateSettings { sign_up: Rate::new(3, 3600), name_check: Rate::new(2, 3600), ..RateSettings::default() },
        ..EdgeSettings::default()
    };
    let signups = SignupSettings { of_network: 2, ..SignupSettings::default() };
    let house = House::open_with(PlatformSettings { signups, ..PlatformSettings::default() }, edge).await;
    let server = server(&house).await;
    let up = async |slug: &str, from: &str| {
        ask(server, "POST /api/v1/signups", from, &wish(slug, &format!("{slug}@north.example"))).await
    };
    assert_eq!(up("one", "203.0.113.7").await.0, 202);
    // Addresses of one network count together in the database, and apart at the edge.
    assert_eq!(up("two", "203.0.113.8").await.0, 202);
    assert_eq!(up("three", "203.0.113.9").await, (429, "too_many_signups".to_owned()));
    assert_eq!(up("three", "198.51.100.1").await.0, 202);
    for _ in 0..2 {
        assert_eq!(up("one", "198.51.100.1").await.0, 409);
    }
    assert_eq!(up("four", "198.51.100.1").await, (429, "rate_limited".to_owned()));
    let check = async || ask(server, "GET /api/v1/slugs/north", "203.0.113.7", &Value::Null).await;
    assert_eq!((check().await.0, check().await.0), (200, 200));
    assert_eq!(check().await, (429, "rate_limited".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_control_plane_one_is_told_when_to_come_back() {
    let house = House::open().await;
    let created = sign_up(&house, wish("north", "head@north.example")).expect(202).await;
    let code = token(&house, "head@north.example").await;
    let proxy = house.platform.proxy(Duration::ZERO).await;
    let (_, door) = house.node_through(&proxy).await;
    let call = |method: &str, path: &str| door.call(method, path).header("host", "localhost");
    call("GET", text(&created, "status_url")).expect(200).await;
    proxy.cut();
    for asked in [
        call("POST", "/api/v1/signups").json(wish("south", "head@south.example")),
        call("POST", "/api/v1/signups/verify").json(with_password(&code)),
        call("GET", text(&created, "status_url")),
        call("GET", &format!("{}/events", text(&created, "status_url"))),
        call("GET", "/api/v1/slugs/south"),
    ] {
        let seen = asked.send().await;
        assert_status(&seen, 503);
        assert_eq!((text(&seen.body, "code"), seen.header("retry-after")), ("temporarily_unavailable", Some("30")));
        assert!(text(&seen.body, "detail").contains("works again later"), "{}", seen.body);
    }
    proxy.admit();
    call("GET", text(&created, "status_url")).expect(200).await;
}
