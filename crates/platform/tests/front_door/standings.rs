//! Background work that somebody asked for: it is done with what they may do by then.

use std::sync::Arc;

use cloister_ids::AccountId;
use cloister_tenancy::{Asker, PermissionSet, Result, TenantEntry};
use serde_json::{Value, json};

use crate::{
    fixture::{House, text},
    members::Someone,
    operators::{REASON, inside, operator},
};

fn asker(actor: &str, account: AccountId, visit: &Value) -> Asker {
    let all = json!({ "actor": format!("{actor}:{account}"), "account": account, "session": null, "client": null,
        "permissions": ["*"], "visit": visit });
    serde_json::from_value(all).unwrap()
}

async fn may(house: &House, tenant: &Arc<TenantEntry>, asker: &Asker) -> Result<PermissionSet> {
    let cx = house.platform.cx(tenant);
    house.platform.tenancy.in_the_name_of(&cx, asker).await.map(|cx| cx.permissions().clone())
}

fn has(permissions: &PermissionSet, text: &str) -> bool {
    permissions.iter().any(|granted| granted == text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_may_do_later_what_their_roles_are_by_then() {
    let house = House::with_roster().await;
    let north = house.school("north").await;
    let owner = Someone::new(&house, &north, "owner@north.example", "owner").await;
    let ada = asker("account", house.member(&north, "ada@north.example", "admin").await, &Value::Null);
    let first = may(&house, &north, &ada).await.unwrap();
    assert!(has(&first, "platform.member.update"), "{first:?}");
    let member = owner.find(&house, &north, "ada@north.example").await;
    owner.patch(&house, &north, &member, json!({ "roles": ["teacher"] })).await.expect(200).await;
    let second = may(&house, &north, &ada).await.unwrap();
    assert!(!has(&second, "platform.member.update") && !second.is_empty(), "{second:?}");
    owner.remove(&house, &north, &member).await.expect(204).await;
    assert_eq!(may(&house, &north, &ada).await.unwrap_err().code(), "membership_required");
    let south = house.school("south").await;
    let stranger = asker("account", house.member(&south, "cy@south.example", "owner").await, &Value::Null);
    assert_eq!(may(&house, &north, &stranger).await.unwrap_err().code(), "membership_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_may_do_later_what_their_visit_allows_while_it_lasts() {
    let house = House::with_roster().await;
    let north = house.school("north").await;
    let (account, token) = operator(&house, "sam@platform.example", "admin").await;
    let visit = |reason: &str, elevated: bool| json!({ "reason": reason, "elevated": elevated });
    let sam = asker("operator", account, &visit(REASON, true));
    assert_eq!(may(&house, &north, &sam).await.unwrap_err().code(), "entry_over");
    let entry = inside(&house, &token, "north", true).await;
    let inside = may(&house, &north, &sam).await.unwrap();
    assert!(has(&inside, "platform.member.*") && !has(&inside, "*"), "{inside:?}");
    for other in [visit(REASON, false), visit("Something else altogether.", true)] {
        let error = may(&house, &north, &asker("operator", account, &other)).await.unwrap_err();
        assert_eq!(error.code(), "entry_over", "{other}");
    }
    let path = format!("/api/v1/platform/entries/{}", text(&entry, "id"));
    house.at(None, "DELETE", &path).token(&token).expect(204).await;
    assert_eq!(may(&house, &north, &sam).await.unwrap_err().code(), "entry_over");
}
