//! A member may be wished for as the person of a roster. The wish comes true within the tenant alone, and another tenant's
//! person is as good as none.

use cloister_tenancy::{Tier, jobs::WorkSettings};
use serde_json::json;

use crate::{recipe::prepare, world::World};

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_person_is_tied_to_nobody() {
    let world = World::open(Tier::Shared, &["school"]).await;
    let town = &world.towns[0];
    let (own, other) = (&town.own, &town.other);
    let operation = world.document.operation("member_create").unwrap();
    let wish = async |home, person: &str| {
        let mut ready = prepare(&world, operation, home).await.unwrap();
        ready.ask.body.as_mut().unwrap()["person_id"] = json!(person);
        ready.carry_out(&world).await
    };
    let person = own.things["per"].as_str();
    let refused = wish(other, person)
        .await
        .map(|seen| seen.body)
        .expect_err("the other tenant has a member who is the rightful one's person");
    assert!(format!("{refused:?}").contains("person_unknown"), "{refused:?}");
    // Somebody whose account the roster alone knows stays theirs.
    let taken = wish(own, &own.families[0].things["the guardian"]).await.map(|seen| seen.body);
    assert!(taken.as_ref().is_err_and(|said| said.contains("person_taken")), "{taken:?}");
    let made = wish(own, person).await.unwrap().body;

    let tenancy = world.platform.tenancy.clone();
    let working =
        tokio::spawn(async move { drop(tenancy.work(WorkSettings::default(), std::future::pending()).await) });
    let admin = world.platform.admin(&own.tenant.placement.as_ref().unwrap().database).await;
    let text = "select account_id from shared.person where tenant_id = $1 and id = $2";
    let account = async |person: &str| {
        let person: cloister_ids::PersonId = person.parse().unwrap();
        let row = admin.query_one(text, &[&own.tenant.id.uuid(), &person.uuid()]).await.unwrap();
        row.get::<_, Option<cloister_ids::Uuid>>(0)
    };
    let mut waited = 0;
    while account(person).await.is_none() {
        assert!(waited < 400, "the rightful tenant's wish does not come true");
        waited += 1;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    working.abort();
    let tied: cloister_ids::AccountId = made["account_id"].as_str().and_then(|id| id.parse().ok()).unwrap();
    assert_eq!(account(person).await, Some(tied.uuid()));
}
