//! A member may be wished for as the person of a roster whose id nobody can look up from where members are kept. The wish
//! comes true within the tenant alone.

use cloister_tenancy::{Tier, jobs::WorkSettings};
use serde_json::{Value, json};

use crate::{recipe::prepare, world::World};

async fn read(world: &World, token: &str, host: &str, path: &str) -> Value {
    world.door.call("GET", path).header("host", host).token(token).expect(200).await
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_person_is_tied_to_nobody() {
    let world = World::open(Tier::Shared, &["school"]).await;
    let town = &world.towns[0];
    let (own, other) = (&town.own, &town.other);
    let operation = world.document.operation("member_create").unwrap();
    let mut makers = Vec::new();
    // The rightful tenant's own wish comes true, about another person.
    for (home, person) in [(own, &own.families[0].things["the guardian"]), (other, &own.things["per"])] {
        let mut ready = prepare(&world, operation, home).await.unwrap();
        ready.ask.body.as_mut().unwrap()["person_id"] = json!(person);
        makers.push((home, ready.carry_out(&world).await.unwrap().body));
    }
    let tenancy = world.platform.tenancy.clone();
    let working =
        tokio::spawn(async move { drop(tenancy.work(WorkSettings::default(), std::future::pending()).await) });
    let member = async |at: usize| {
        let (home, made) = &makers[at];
        let path = format!("/api/v1/tenant/members/{}", made["id"].as_str().unwrap());
        read(&world, &home.owner.token(), &home.host(), &path).await
    };
    let mut waited = 0;
    while member(1).await["person_id"] != Value::Null {
        assert!(waited < 400, "the other tenant's member still has a person of the rightful one");
        waited += 1;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    working.abort();
    assert_eq!(member(0).await["person_id"], json!(own.families[0].things["the guardian"]));
    let admin = world.platform.admin(&own.tenant.placement.as_ref().unwrap().database).await;
    let person: cloister_ids::PersonId = own.things["per"].parse().unwrap();
    let text = "select account_id is null from shared.person where tenant_id = $1 and id = $2";
    let row = admin.query_one(text, &[&own.tenant.id.uuid(), &person.uuid()]).await.unwrap();
    assert!(row.get::<_, bool>(0), "the rightful tenant's person carries the other's account");
}
