//! Lists.

use cloister_ids::Uuid;
use cloister_tenancy::{Action, Tier};
use cloister_testkit::{operator, operator_token, token};
use serde_json::{Value, json};

use crate::{AUDIT, afters, house, items, note};

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_reads_its_own_log_and_no_other_in_every_tier() {
    let (platform, door) = house().await;
    let tenants = platform.tenant_in_each_tier().await;
    for tenant in &tenants {
        let slug = tenant.slug.to_string();
        note(&platform, tenant, "ada", Action::Create, 1, &slug).await;
        note(&platform, tenant, "ada", Action::Update, 1, &format!("{slug} again")).await;
    }
    for tenant in &tenants {
        let slug = tenant.slug.to_string();
        let page = door.within(tenant, "GET", AUDIT).expect(200).await;
        assert_eq!(afters(&page), [format!("{slug} again").as_str(), &slug]);
        let newest = items(&page)[0];
        assert_eq!(newest["actor"], "account:ada");
        assert_eq!(newest["client"], "192.0.2.7");
        assert_eq!(newest["resource"], "notebook.note");
        assert_eq!(newest["resource_id"], Uuid::from_u128(1).to_string());
        assert!(newest["request_id"].as_str().unwrap().starts_with("req_"));
        assert_eq!(newest["changes"], json!({ "body": { "before": "=1+1", "after": format!("{slug} again") } }));
    }
    let (north, south) = (&tenants[0], &tenants[1]);
    door.call("GET", AUDIT)
        .header("host", &format!("{}.localhost", south.slug))
        .token(&token("ada", Some(north), &["*"]))
        .refused(403, "tenant_mismatch")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_read_it_is_told_that_there_is_none() {
    let (platform, door) = house().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    for address in [AUDIT, "/api/v1/audit/export"] {
        let call = || door.call("GET", address).header("host", "north.localhost");
        call().refused(401, "unauthenticated").await;
        for permissions in [&[][..], &["school.*"], &["platform.audit.update"], &["platform.audit.read:self"]] {
            let seen = call().token(&token("eve", Some(&tenant), permissions)).send().await;
            assert!(matches!(seen.status, 403 | 404), "{permissions:?}: {} {}", seen.status, seen.text);
            assert!(!seen.text.contains("items"), "{}", seen.text);
        }
        call().token(&token("ada", Some(&tenant), &["platform.audit.read"])).send().await;
    }
    let seen = door.within(&tenant, "GET", AUDIT).expect(200).await;
    assert_eq!(items(&seen).len(), 1, "the one export that was allowed: {seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_filtered_and_its_pages_follow_each_other() {
    let (platform, door) = house().await;
    let tenant = platform.tenant("north", Tier::Schema).await;
    for at in 0..10u128 {
        let actor = if at % 3 == 0 { "ada" } else { "bob" };
        let action = if at % 2 == 0 { Action::Create } else { Action::Update };
        note(&platform, &tenant, actor, action, at / 5, &at.to_string()).await;
    }
    let list = async |query: &str| door.within(&tenant, "GET", &format!("{AUDIT}?{query}")).expect(200).await;
    let everything = list("").await;
    assert_eq!(afters(&everything), ["9", "8", "7", "6", "5", "4", "3", "2", "1", "0"]);
    assert_eq!(afters(&list("sort=-newest").await), ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    assert_eq!(afters(&list("actor=account:ada").await), ["9", "6", "3", "0"]);
    assert_eq!(afters(&list("action=update").await), ["9", "7", "5", "3", "1"]);
    assert_eq!(afters(&list("actor=account:ada&action=update&sort=-newest").await), ["3", "9"]);
    assert_eq!(afters(&list("resource=notebook.other").await), [""; 0]);
    let first = Uuid::from_u128(0);
    assert_eq!(afters(&list(&format!("resource_id={first}")).await), ["4", "3", "2", "1", "0"]);
    assert_eq!(afters(&list(&format!("resource_id={first}&actor=account:ada")).await), ["3", "0"]);
    let request = items(&everything)[4]["request_id"].as_str().unwrap();
    assert_eq!(afters(&list(&format!("request_id={request}")).await), ["5"]);
    let at = |place: usize| items(&everything)[place]["at"].as_str().unwrap().to_owned();
    assert_eq!(afters(&list(&format!("from={}&to={}", at(7), at(3))).await), ["5", "4", "3", "2"]);

    for sort in ["newest", "-newest"] {
        let (mut seen, mut cursor): (Vec<String>, Option<String>) = (Vec::new(), None);
        loop {
            let more = cursor.map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
            let page = list(&format!("limit=3&sort={sort}{more}")).await;
            seen.extend(afters(&page).iter().map(|after| (*after).to_owned()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        if sort == "newest" {
            seen.reverse();
        }
        assert_eq!(seen, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    }
    for query in ["limit=0", "from=yesterday", "request_id=acc_1", "colour=red", "actor=", "sort=oldest"] {
        door.within(&tenant, "GET", &format!("{AUDIT}?{query}")).refused(400, "query_invalid").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_read_what_was_done_to_tenants() {
    let (platform, door) = house().await;
    let (north, south) = (platform.tenant("north", Tier::Shared).await, platform.tenant("south", Tier::Shared).await);
    operator::suspend(&platform.tenancy, north.id).await;
    let call = |query: &str| door.call("GET", &format!("/api/v1/platform/audit?{query}")).header("host", "localhost");
    let ada = operator_token("ada", &["platform.audit.read"]);
    let page = call("").token(&ada).expect(200).await;
    let acts: Vec<&Value> = items(&page).iter().map(|entry| &entry["action"]).collect();
    assert_eq!(acts[0], "tenant.suspend");
    assert_eq!(items(&page)[0]["tenant_id"], north.id.to_string());
    assert_eq!(items(&page)[0]["reason"], "a test");
    for (query, count) in [
        (format!("tenant_id={}", north.id), 3),
        (format!("tenant_id={}&action=tenant.suspend", south.id), 0),
        (format!("resource_id={}", north.id), 3),
        ("actor=operator:test&limit=2".to_owned(), 2),
        ("action=tenant.create&sort=-newest".to_owned(), 2),
    ] {
        assert_eq!(items(&call(&query).token(&ada).expect(200).await).len(), count, "{query}");
    }
    // Nobody else has such an address.
    call("").refused(401, "unauthenticated").await;
    call("").token(&operator_token("eve", &["platform.mail.read"])).refused(404, "not_found").await;
    call("").token(&token("eve", None, &["*"])).refused(404, "not_found").await;
    call("").token(&token("eve", Some(&north), &["*"])).refused(404, "not_found").await;
}
