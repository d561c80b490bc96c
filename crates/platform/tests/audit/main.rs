//! Audit logs through the front door: read, filtered, exported, each by those who may.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, and says why")]

mod export;
mod listing;
mod plans;

use std::sync::Arc;

use cloister_http::HttpModule;
use cloister_ids::Uuid;
use cloister_platform::{Keyring, Platform, PlatformSettings};
use cloister_tenancy::{Action, Actor, Module, TenantEntry};
use cloister_testkit::{FrontDoor, NOTE, Notebook, TestPlatform, TestSettings};
use serde_json::{Value, json};

const AUDIT: &str = "/api/v1/audit";

/// A platform with a door whose tokens say themselves what they may.
async fn house() -> (TestPlatform, FrontDoor) {
    let room = Platform::new();
    let modules: Vec<Arc<dyn Module>> = vec![Arc::new(room.clone()), Arc::new(Notebook)];
    let platform = TestPlatform::with(TestSettings { modules, ..TestSettings::default() }).await;
    room.open(platform.control.clone(), Keyring::new([7; 32]), PlatformSettings::default()).await.unwrap();
    let http: Vec<Arc<dyn HttpModule>> = vec![Arc::new(room)];
    let door = FrontDoor::new(&platform.tenancy, &http);
    (platform, door)
}

/// Notes that `actor` did something to a thing, from an address.
async fn note(platform: &TestPlatform, tenant: &Arc<TenantEntry>, actor: &str, action: Action, on: u128, to: &str) {
    let cx = platform.tenancy.background(tenant.clone(), Actor::Account(actor.into()));
    let mut tx = platform.tenancy.write(&cx.coming_from(Some("192.0.2.7".parse().unwrap()))).await.unwrap();
    let changes = json!({ "body": { "before": "=1+1", "after": to } });
    tx.audit(action, &NOTE, Some(Uuid::from_u128(on)), Some(changes));
    tx.commit().await.unwrap();
}

fn items(page: &Value) -> Vec<&Value> {
    page["items"].as_array().unwrap().iter().collect()
}

/// What each entry of a page says was written.
fn afters(page: &Value) -> Vec<&str> {
    items(page).iter().map(|entry| entry["changes"]["body"]["after"].as_str().unwrap_or("")).collect()
}
