//! The catalog through the front door, on a real PostgreSQL, in every tier.
#![expect(clippy::unwrap_used, reason = "a test that meets nothing where something must be has failed")]

mod component;
mod document;
mod health;
mod listing;
mod repeating;
mod resolution;
mod round_trips;
mod tables;

use std::sync::Arc;

use cloister_catalog::Catalog;
use cloister_http::HttpModule;
use cloister_tenancy::{Module, TenantEntry, Tier};
use cloister_testkit::{FrontDoor, TestPlatform, TestSettings};
use serde_json::{Value, json};

const COMPONENTS: &str = "/api/v1/components";

fn http_modules() -> Vec<Arc<dyn HttpModule>> {
    vec![Arc::new(Catalog)]
}

async fn platform() -> (TestPlatform, FrontDoor) {
    let modules: Vec<Arc<dyn Module>> = vec![Arc::new(cloister_testkit::Notebook), Arc::new(Catalog)];
    let platform = TestPlatform::with(TestSettings { modules, ..TestSettings::default() }).await;
    let door = FrontDoor::new(&platform.tenancy, &http_modules());
    (platform, door)
}

/// A company in each tier.
async fn companies(platform: &TestPlatform) -> Vec<Arc<TenantEntry>> {
    let mut companies = Vec::new();
    for tier in Tier::ALL {
        companies.push(platform.tenant_of(&format!("forge-{tier}"), "company", *tier).await);
    }
    companies
}

fn fields(key: &str, name: &str) -> Value {
    json!({ "key": key, "name": name, "kind": "service", "lifecycle": "production" })
}
