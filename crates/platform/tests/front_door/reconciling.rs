//! A member is a person of the roster in two databases: tied by a job, compared by another.

use std::{sync::Arc, time::Duration};

use cloister_ids::{AccountId, PersonId, Uuid};
use cloister_tenancy::TenantEntry;
use serde_json::{Value, json};

use crate::{
    fixture::{House, text},
    members::Someone,
    roster::{account_of, enrol, remove, tie},
};

async fn until(house: &House, tenant: &Arc<TenantEntry>, pupil: Uuid, account: Option<AccountId>) {
    for _ in 0..200 {
        if account_of(house, tenant, pupil).await == account {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{pupil} carries {:?} and not {account:?}", account_of(house, tenant, pupil).await);
}

fn account(card: &Value) -> AccountId {
    text(card, "account_id").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_carries_the_account_as_long_as_the_membership_lasts() {
    let house = House::with_roster().await;
    let north = house.school("north").await;
    let admin = Someone::new(&house, &north, "admin@north.example", "admin").await;
    let pupil = enrol(&house, &north, None).await;
    let person = PersonId::from_uuid(pupil);
    let make = |username: &str, person: PersonId| {
        let body = json!({ "username": username, "display_name": "Mei", "roles": ["teacher"], "person_id": person });
        admin.call(&house, &north, "POST", "/tenant/members").json(body)
    };
    let card = make("mei", person).expect(201).await;
    assert_eq!(account_of(&house, &north, pupil).await, None, "not before the job");
    let working = house.work();
    until(&house, &north, pupil, Some(account(&card))).await;
    make("mei2", person).refused(409, "person_taken").await;
    let cards = json!({ "roles": ["teacher"], "items": [{ "display_name": "Mei", "person_id": person }] });
    let refused = admin.call(&house, &north, "POST", "/tenant/members/cards").json(cards);
    let refused = refused.refused(422, "validation_failed").await;
    assert_eq!(refused["errors"][0]["field"], "items[0].person_id");

    let path = format!("/tenant/members/{}", text(&card, "id"));
    let member = admin.call(&house, &north, "GET", &path).expect(200).await;
    assert_eq!(member["person_id"], json!(person));
    admin.remove(&house, &north, &member).await.expect(204).await;
    until(&house, &north, pupil, None).await;

    // Somebody who leaves the roster before the job runs is nobody there, and the tenant is told.
    working.abort();
    let leaver = enrol(&house, &north, None).await;
    let card = make("nobody", PersonId::from_uuid(leaver)).expect(201).await;
    remove(&house, &north, leaver).await;
    let working = house.work();
    let log = house.log(&north, "member.forget_person").await;
    assert_eq!(log[0]["changes"]["account_id"], card["account_id"]);
    let path = format!("/tenant/members/{}", text(&card, "id"));
    let member = admin.call(&house, &north, "GET", &path).expect(200).await;
    assert_eq!(member["person_id"], Value::Null);
    working.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_mended_both_ways_and_told() {
    let house = House::with_roster().await;
    let north = house.school("north").await;
    let admin = Someone::new(&house, &north, "admin@north.example", "admin").await;
    let (lost, stale, wrong, same) = (
        enrol(&house, &north, None).await,
        enrol(&house, &north, Some(AccountId::generate(&house.clock))).await,
        enrol(&house, &north, None).await,
        enrol(&house, &north, None).await,
    );
    let make = async |username: &str, person: Option<Uuid>| {
        let person = person.map(PersonId::from_uuid);
        let body = json!({ "username": username, "display_name": "M", "roles": ["teacher"], "person_id": person });
        account(&admin.call(&house, &north, "POST", "/tenant/members").json(body).expect(201).await)
    };
    let (of_lost, of_wrong, of_same) =
        (make("a", Some(lost)).await, make("b", Some(wrong)).await, make("c", Some(same)).await);
    let working = house.work();
    for (pupil, account) in [(lost, of_lost), (wrong, of_wrong), (same, of_same)] {
        until(&house, &north, pupil, Some(account)).await;
    }
    // As after a restore of the tenant's database: one tie is lost, one is another's.
    tie(&house, &north, lost, None).await;
    tie(&house, &north, wrong, Some(of_same)).await;
    // As after a restore of the control plane: a member whose person is not known there any more.
    let recalled = enrol(&house, &north, None).await;
    let of_recalled = make("d", None).await;
    tie(&house, &north, recalled, Some(of_recalled)).await;

    house.service.reconcile_accounts(north.id).await.unwrap();
    until(&house, &north, lost, Some(of_lost)).await;
    until(&house, &north, wrong, Some(of_wrong)).await;
    until(&house, &north, stale, None).await;
    assert_eq!(account_of(&house, &north, same).await, Some(of_same));
    let page = admin.call(&house, &north, "GET", "/tenant/members?q=d").expect(200).await;
    let found = page["items"].as_array().unwrap().iter().find(|item| item["account_id"] == json!(of_recalled));
    assert_eq!(found.unwrap()["person_id"], json!(PersonId::from_uuid(recalled)));
    assert_eq!(account_of(&house, &north, recalled).await, Some(of_recalled));
    let told = house.log_of(&north, "member.reconcile", 4).await;
    let mut told: Vec<&str> = told.iter().map(|entry| text(entry, "resource_id")).collect();
    told.sort_unstable();
    let mut wanted = [lost, stale, wrong, recalled].map(|pupil| pupil.to_string());
    wanted.sort_unstable();
    assert_eq!(told, wanted);

    // A second time there is nothing to mend.
    house.service.reconcile_accounts(north.id).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(house.log_of(&north, "member.reconcile", 4).await.len(), 4);
    working.abort();
}
