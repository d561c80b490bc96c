//! Limits of tenants, through the router: each has its own, by class, and a share of the node.

use cloister_http::{CrowdLimits, EdgeSettings, Rate, RateSettings};
use cloister_testkit::token;

use crate::{SLOW, house};

fn settings() -> EdgeSettings {
    let rates = RateSettings {
        read: Rate::new(3, 3600),
        write: Rate::new(2, 3600),
        heavy: Rate::new(1, 3600),
        ..RateSettings::default()
    };
    EdgeSettings { rates, ..EdgeSettings::default() }
}

#[tokio::test]
async fn each_tenant_has_its_own_limit_of_each_class() {
    let house = house(settings()).await;
    for left in [2, 1, 0] {
        let seen = house.north("GET", "/api/v1/probe").send().await;
        assert_eq!(seen.status, 200);
        assert_eq!(seen.header("ratelimit-policy"), Some("\"read\";q=3;w=3600"));
        let limit = seen.header("ratelimit").unwrap();
        assert!(limit.starts_with(&format!("\"read\";r={left};t=")), "{limit}");
    }
    let seen = house.north("HEAD", "/api/v1/probe").send().await;
    assert_eq!(seen.status, 429);
    let seen = house.north("GET", "/api/v1/probe").send().await;
    assert_eq!((seen.status, seen.body["code"].as_str()), (429, Some("rate_limited")));
    assert_eq!(seen.body["instance"], "/api/v1/probe");
    assert!(seen.header("ratelimit").unwrap().starts_with("\"read\";r=0;t="));
    let wait: u64 = seen.header("retry-after").unwrap().parse().unwrap();
    assert!((1100..=1200).contains(&wait), "{wait}");
    // However the tenant is addressed, and whoever of it asks.
    let other = token("other", Some(&house.north), &["*"]);
    house.door.call("GET", "/t/north/api/v1/probe").token(&other).refused(429, "rate_limited").await;
    // Other classes and other tenants have their own.
    for _ in 0..2 {
        let seen = house.north("POST", "/api/v1/probe").send().await;
        assert_eq!((seen.status, seen.header("ratelimit-policy")), (200, Some("\"write\";q=2;w=3600")));
    }
    house.north("POST", "/api/v1/probe").refused(429, "rate_limited").await;
    house.south("GET", "/api/v1/probe").expect(200).await;
    // Strangers use up nothing of a tenant's.
    for _ in 0..5 {
        house.door.call("GET", "/api/v1/probe").header("host", "south.localhost").expect(401).await;
    }
    house.south("GET", "/api/v1/probe").expect(200).await;
}

#[tokio::test]
async fn an_endpoint_names_its_class_and_limits_change_while_the_node_runs() {
    let house = house(settings()).await;
    let seen = house.north("GET", "/api/v1/heavy").send().await;
    assert_eq!((seen.status, seen.header("ratelimit")), (200, Some("\"heavy\";r=0;t=3600")));
    let seen = house.north("GET", "/api/v1/heavy").send().await;
    assert_eq!((seen.status, seen.header("ratelimit-policy")), (429, Some("\"heavy\";q=1;w=3600")));
    house.south("GET", "/api/v1/heavy").expect(200).await;
    // An endpoint that asks twice who calls is counted once.
    let seen = house.south("GET", "/api/v1/twice").send().await;
    assert!(seen.header("ratelimit").unwrap().starts_with("\"read\";r=1;"), "{:?}", seen.headers);

    let rates = house.door.edge().rates();
    house.south("GET", "/api/v1/heavy").refused(429, "rate_limited").await;
    rates.set(&RateSettings::UNLIMITED);
    let seen = house.south("GET", "/api/v1/heavy").send().await;
    assert_eq!((seen.status, seen.header("ratelimit")), (200, None));
}

#[tokio::test]
async fn a_tenants_crowd_leaves_room_for_others() {
    let crowd = CrowdLimits { tenant_requests: 1, ..CrowdLimits::default() };
    let house = house(EdgeSettings { crowd, ..EdgeSettings::default() }).await;
    let slow = tokio::spawn(house.north("GET", "/api/v1/slow").send());
    tokio::time::sleep(SLOW / 4).await;
    let busy = house.north("GET", "/api/v1/probe").send().await;
    assert_eq!((busy.status, busy.body["code"].as_str()), (503, Some("tenant_busy")));
    assert_eq!(busy.header("retry-after"), Some("1"));
    house.south("GET", "/api/v1/probe").expect(200).await;
    assert_eq!(slow.await.unwrap().status, 200);
    house.north("GET", "/api/v1/probe").expect(200).await;
    // Who goes away gives the place back, and who is refused later does too.
    let left = tokio::spawn(house.north("GET", "/api/v1/slow").send());
    tokio::time::sleep(SLOW / 4).await;
    left.abort();
    assert!(left.await.unwrap_err().is_cancelled());
    house.north("GET", "/api/v1/probe").expect(200).await;
    house.north("GET", "/api/v1/twice").expect(200).await;
    house.north("GET", "/api/v1/nothing").expect(404).await;
}
