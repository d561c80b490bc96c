//! The control plane taken away: who is signed in goes on, who is not is told to come back.

use std::time::{Duration, Instant};

use cloister_testkit::Call;
use jiff::SignedDuration;
use serde_json::json;

use crate::fixture::{House, PASSWORD, cookie, text};

/// Asks until the answer has this status: a node needs a moment to see what happened.
async fn until(status: u16, call: impl Fn() -> Call) {
    let begun = Instant::now();
    loop {
        let seen = call().send().await;
        if seen.status == status {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(15), "{}: {}", seen.status, seen.body);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_in_people_go_on_while_the_control_plane_is_away() {
    let house = House::open().await;
    let north = house.school("north").await;
    house.member(&north, "ada@north.example", "owner").await;
    let service = house.service.clone();
    let following = tokio::spawn(async move { service.follow().await });
    let answer = house.sign_in(Some(&north), "ada@north.example").await;
    let body = json!({ "email": "ada@north.example", "password": PASSWORD, "cookie": true });
    let page = || house.at(Some(&north), "POST", "/api/v1/sessions").header("origin", "http://north.localhost:8080");
    let browser = cookie(&page().json(body).send().await);
    let by_token = || house.at(Some(&north), "GET", "/api/v1/audit").token(text(&answer, "access_token"));
    let by_cookie = || house.at(Some(&north), "GET", "/api/v1/audit").header("cookie", &browser);
    by_token().expect(200).await;
    by_cookie().expect(200).await;

    let admin = house.platform.admin("postgres").await;
    let control = format!("{}_control", house.platform.prefix);
    admin.batch_execute(&format!("alter database {control} with allow_connections false")).await.unwrap();
    let cut = "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity where datname = $1";
    admin.query(cut, &[&control]).await.unwrap();

    by_token().expect(200).await;
    by_cookie().expect(200).await;
    let sign_in = || {
        let body = json!({ "email": "ada@north.example", "password": PASSWORD });
        house.at(Some(&north), "POST", "/api/v1/sessions").json(body)
    };
    let seen = sign_in().send().await;
    assert_eq!((seen.status, seen.body["code"].as_str()), (503, Some("temporarily_unavailable")), "{}", seen.body);
    assert!(seen.header("retry-after").is_some());
    // Nobody can renew a token: those that expire meanwhile stay good, but not for ever.
    house.pass(SignedDuration::from_mins(20));
    until(200, by_token).await;
    by_cookie().expect(200).await;
    house.pass(SignedDuration::from_hours(4));
    by_token().refused(401, "token_expired").await;

    admin.batch_execute(&format!("alter database {control} with allow_connections true")).await.unwrap();
    until(201, sign_in).await;
    until(200, by_cookie).await;
    let body = json!({ "refresh_token": text(&answer, "refresh_token") });
    house.at(Some(&north), "POST", "/api/v1/sessions/refresh").json(body).expect(200).await;
    following.abort();
}
