//! How often the endpoints speak to PostgreSQL: a read once, a write twice.

use std::time::Duration;

use cloister_testkit::FrontDoor;
use serde_json::json;

use crate::{COMPONENTS, companies, fields, http_modules, platform};

#[tokio::test(flavor = "multi_thread")]
async fn a_read_is_one_round_trip_and_a_write_two_in_every_tier() {
    let (platform, _) = platform().await;
    let companies = companies(&platform).await;
    let proxy = platform.proxy(Duration::from_millis(15)).await;
    let node = platform.node_on(&platform.through(&proxy)).await;
    let door = FrontDoor::new(&node, &http_modules());
    for company in companies {
        // The first time prepares statements; the second is the measure.
        for time in 1..=2 {
            let trips = |what: &str, allowed: usize| {
                let seen = proxy.take_bursts();
                assert!(time == 1 || seen == allowed, "{what} in {}: {seen} round trips", company.slug);
            };
            let create = door.within(&company, "POST", COMPONENTS).header("idempotency-key", &format!("key-{time}"));
            proxy.take_bursts();
            let made = create.json(fields(&format!("shop-{time}"), "Shop")).expect(201).await;
            trips("a creation with its key", 2);
            let address = format!("{COMPONENTS}/{}", made["id"].as_str().unwrap());
            door.within(&company, "GET", &address).expect(200).await;
            trips("a read", 1);
            door.within(&company, "GET", &format!("{COMPONENTS}?q=sh")).expect(200).await;
            trips("a list", 1);
            let change = door.within(&company, "PATCH", &address).header("if-match", "\"v1\"");
            change.json(json!({"name": "Web Shop"})).expect(200).await;
            trips("a change", 2);
            door.within(&company, "DELETE", &address).header("if-match", "\"v2\"").expect(204).await;
            trips("a deletion", 2);
            door.call("GET", COMPONENTS).header("host", "nobody.localhost").expect(404).await;
            door.within(&company, "GET", "/api/v1/nothing").expect(404).await;
            trips("a refusal from memory", 0);
        }
    }
}
