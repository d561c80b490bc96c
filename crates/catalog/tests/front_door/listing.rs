//! Lists: filters, orders, search and pages.

use std::sync::Arc;

use cloister_tenancy::{TenantEntry, Tier};
use cloister_testkit::FrontDoor;
use serde_json::Value;

use crate::{COMPONENTS, companies, fields, platform};

const NAMES: [&str; 9] = ["Zeta", "alpha", "Älpha", "Beta", "beta", "Gamma", "École", "Straße", "payments \u{10fffd}"];

async fn fill(door: &FrontDoor, company: &TenantEntry) {
    for (at, name) in NAMES.iter().enumerate() {
        let mut body = fields(&format!("key-{at}"), name);
        if at % 3 == 0 {
            body["kind"] = "library".into();
        }
        if at % 2 == 0 {
            body["lifecycle"] = "experimental".into();
        }
        door.within(company, "POST", COMPONENTS).json(body).expect(201).await;
    }
}

fn names(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

async fn all(door: &FrontDoor, company: &TenantEntry, query: &str, limit: usize) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("{COMPONENTS}?limit={limit}{query}{cursor}");
        let page = door.within(company, "GET", &path).expect(200).await;
        let mut here = names(&page);
        assert!(here.len() <= limit);
        found.append(&mut here);
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
        assert!(found.len() <= NAMES.len(), "the pages never end");
    }
}

#[tokio::test]
async fn pages_of_any_size_hold_every_row_once_and_in_order_in_every_tier() {
    let (platform, door) = platform().await;
    for company in companies(&platform).await {
        fill(&door, &company).await;
        let by_name = all(&door, &company, "", 200).await;
        assert_eq!(
            by_name,
            ["alpha", "Älpha", "Beta", "beta", "École", "Gamma", "payments \u{10fffd}", "Straße", "Zeta"]
        );
        let by_age = all(&door, &company, "&sort=created_at", 200).await;
        assert_eq!(by_age, NAMES);
        for limit in [1, 2, 4, 9] {
            assert_eq!(all(&door, &company, "", limit).await, by_name);
            assert_eq!(all(&door, &company, "&sort=created_at", limit).await, by_age);
            for (order, upwards) in [("-name", &by_name), ("-created_at", &by_age)] {
                let mut downwards = all(&door, &company, &format!("&sort={order}"), limit).await;
                downwards.reverse();
                assert_eq!(&downwards, upwards, "{order} {limit}");
            }
        }
    }
}

#[tokio::test]
async fn filters_and_search_narrow_the_list() {
    let (platform, door) = platform().await;
    let company = platform.tenant_of("forge", "company", Tier::Schema).await;
    fill(&door, &company).await;
    for (query, found) in [
        ("&q=al", &["alpha", "Älpha"][..]),
        ("&q=%C3%84LPHA", &["alpha", "Älpha"]),
        ("&q=eco", &["École"]),
        ("&q=pay", &["payments \u{10fffd}"]),
        ("&q=%25", &[]),
        ("&q=_eta", &[]),
        ("&q=nothing", &[]),
        ("&kind=library", &["Beta", "École", "Zeta"]),
        ("&kind=library&sort=-name", &["Zeta", "École", "Beta"]),
        ("&kind=website", &[]),
        ("&kind=library&lifecycle=experimental", &["École", "Zeta"]),
        ("&q=bet&sort=-created_at", &["beta", "Beta"]),
    ] {
        for limit in [1, 200] {
            assert_eq!(all(&door, &company, query, limit).await, found, "{query}");
        }
    }
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_list_alone() {
    let (platform, door) = platform().await;
    let company = platform.tenant_of("forge", "company", Tier::Shared).await;
    let other: Arc<TenantEntry> = platform.tenant_of("other", "company", Tier::Shared).await;
    fill(&door, &company).await;
    fill(&door, &other).await;
    let page = door.within(&company, "GET", &format!("{COMPONENTS}?limit=2")).expect(200).await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let with = |tenant: &TenantEntry, query: &str| door.within(tenant, "GET", &format!("{COMPONENTS}?{query}"));
    with(&company, &format!("cursor={cursor}")).expect(200).await;
    with(&other, &format!("cursor={cursor}")).refused(400, "cursor_invalid").await;
    with(&company, &format!("cursor={cursor}&sort=-name")).refused(400, "cursor_invalid").await;
    with(&company, &format!("cursor={cursor}&sort=created_at")).refused(400, "cursor_invalid").await;
    with(&company, &format!("cursor=A{cursor}")).refused(400, "cursor_invalid").await;
    with(&company, "cursor=").refused(400, "cursor_invalid").await;
    for query in ["limit=0", "limit=1000", "sort=owner", "colour=red", "kind=robot", "q="] {
        with(&company, query).refused(400, "query_invalid").await;
    }
}
