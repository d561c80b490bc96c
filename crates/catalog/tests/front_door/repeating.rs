//! Creations that are sent more than once.

use cloister_tenancy::Tier;
use cloister_testkit::token;
use serde_json::json;

use crate::{COMPONENTS, companies, fields, platform};

#[tokio::test]
async fn the_same_key_and_body_give_the_same_answer_in_every_tier() {
    let (platform, door) = platform().await;
    for company in companies(&platform).await {
        let create = door.within(&company, "POST", COMPONENTS).header("idempotency-key", "one");
        let first = create.clone().json(fields("shop", "Shop")).send().await;
        assert_eq!((first.status, first.header("idempotency-replayed")), (201, None), "{}", first.body);
        let again = create.clone().json(fields("shop", "Shop")).send().await;
        assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")));
        assert_eq!(again.body, first.body);
        for name in ["etag", "location", "content-type"] {
            assert_eq!(again.header(name), first.header(name), "{name}");
        }
        create.clone().json(fields("other", "Other")).refused(422, "idempotency_key_reused").await;
        let page = door.within(&company, "GET", COMPONENTS).expect(200).await;
        assert_eq!(page["items"].as_array().unwrap().len(), 1);
        // Somebody else's key of the same name is another key.
        let other = create.token(&token("other", Some(&company), &["*"]));
        other.json(fields("theirs", "Theirs")).expect(201).await;
    }
}

#[tokio::test]
async fn a_refused_creation_leaves_its_key_unused() {
    let (platform, door) = platform().await;
    let company = platform.tenant_of("forge", "company", Tier::Shared).await;
    door.within(&company, "POST", COMPONENTS).json(fields("shop", "Shop")).expect(201).await;
    let create = door.within(&company, "POST", COMPONENTS).header("idempotency-key", "one");
    create.clone().json(fields("shop", "Second")).refused(409, "key_taken").await;
    create.json(fields("second", "Second")).expect(201).await;
}

#[tokio::test]
async fn sent_many_times_at_once_it_happens_once() {
    let (platform, door) = platform().await;
    let company = platform.tenant_of("forge", "company", Tier::Database).await;
    let mut sent = Vec::new();
    for _ in 0..12 {
        let call = door.within(&company, "POST", COMPONENTS).header("idempotency-key", "one");
        sent.push(tokio::spawn(call.json(fields("shop", "Shop")).send()));
    }
    let mut bodies = Vec::new();
    for task in sent {
        let seen = task.await.unwrap();
        assert!(seen.status == 201 || seen.status == 409, "{}: {}", seen.status, seen.body);
        if seen.status == 409 {
            assert_eq!(seen.body["code"], "idempotency_key_in_use");
        } else {
            bodies.push(seen.body);
        }
    }
    assert!(!bodies.is_empty() && bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    let page = door.within(&company, "GET", COMPONENTS).expect(200).await;
    assert_eq!(page["items"], json!([bodies[0]]));
}
