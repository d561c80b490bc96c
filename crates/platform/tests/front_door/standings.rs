//! Background work that somebody asked for: it is done with what they may do by then.

use std::sync::Arc;

use cloister_ids::{AccountId, SessionId, SystemClock};
use cloister_tenancy::{Asker, PermissionSet, Result, TenantEntry};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    fixture::{House, text},
    members::Someone,
    operators::{REASON, inside, operator},
};

fn asker(actor: &str, account: AccountId, session: &Value, visit: &Value) -> Asker {
    let all = json!({ "actor": format!("{actor}:{account}"), "account": account, "session": session, "client": null,
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
    let member = async |tenant, email, role| {
        asker("account", house.member(tenant, email, role).await, &Value::Null, &Value::Null)
    };
    let ada = member(&north, "ada@north.example", "admin").await;
    let first = may(&house, &north, &ada).await.unwrap();
    assert!(has(&first, "platform.member.update"), "{first:?}");
    let ada_there = owner.find(&house, &north, "ada@north.example").await;
    owner.patch(&house, &north, &ada_there, json!({ "roles": ["teacher"] })).await.expect(200).await;
    let second = may(&house, &north, &ada).await.unwrap();
    assert!(!has(&second, "platform.member.update") && !second.is_empty(), "{second:?}");
    owner.remove(&house, &north, &ada_there).await.expect(204).await;
    assert_eq!(may(&house, &north, &ada).await.unwrap_err().code(), "membership_required");
    let south = house.school("south").await;
    let stranger = member(&south, "cy@south.example", "owner").await;
    assert_eq!(may(&house, &north, &stranger).await.unwrap_err().code(), "membership_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_done_for_a_session_that_was_taken_away() {
    let house = House::with_roster().await;
    let north = house.school("north").await;
    let ada = house.member(&north, "ada@north.example", "owner").await;
    let eve = house.member(&north, "eve@north.example", "owner").await;
    let sign_in = async || house.sign_in(Some(&north), "ada@north.example").await;
    let (here, there, stolen, left) = (sign_in().await, sign_in().await, sign_in().await, sign_in().await);
    let by = |account, session: &Value| asker("account", account, &session["session_id"], &Value::Null);
    for session in [&here, &there, &stolen, &left] {
        assert!(!may(&house, &north, &by(ada, session)).await.unwrap().is_empty());
    }
    let end = |which: &str| {
        let call = house.at(Some(&north), "DELETE", &format!("/api/v1/sessions/{which}"));
        call.token(text(&here, "access_token"))
    };
    end(text(&there, "session_id")).expect(204).await;
    let refresh = || {
        let call = house.at(Some(&north), "POST", "/api/v1/sessions/refresh");
        call.json(json!({ "refresh_token": stolen["refresh_token"] }))
    };
    refresh().expect(200).await;
    refresh().refused(401, "session_ended").await;
    end("current").expect(204).await;
    assert!(
        !may(&house, &north, &by(ada, &here)).await.unwrap().is_empty(),
        "what one asked for goes on when one goes home"
    );
    let unknown = json!({ "session_id": SessionId::generate(&SystemClock) });
    for (account, session) in [(ada, &there), (ada, &stolen), (ada, &unknown), (eve, &left)] {
        let error = may(&house, &north, &by(account, session)).await.unwrap_err();
        assert_eq!(error.code(), "session_ended", "{session}");
    }
    // Time alone takes nothing away: work may wait for longer than a session lasts.
    house.pass(SignedDuration::from_hours(24 * 40));
    refresh().refused(401, "session_ended").await;
    let token = text(&left, "access_token");
    house.at(Some(&north), "GET", "/api/v1/account").token(token).refused(401, "token_expired").await;
    assert!(!may(&house, &north, &by(ada, &left)).await.unwrap().is_empty());
    // Nor does it when the session that was used longest ago ends for one too many.
    let control = house.platform.admin(&format!("{}_control", house.platform.prefix)).await;
    let ended = "update control.session set ended_at = now(), ended_because = 'expired' where id = $1";
    let id: SessionId = text(&left, "session_id").parse().unwrap();
    assert_eq!(control.execute(ended, &[&id.uuid()]).await.unwrap(), 1);
    assert!(!may(&house, &north, &by(ada, &left)).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_may_do_later_what_their_visit_allows_while_it_lasts() {
    let house = House::with_roster().await;
    let (north, south) = (house.school("north").await, house.school("south").await);
    let (account, token) = operator(&house, "sam@platform.example", "admin").await;
    let (other, _) = operator(&house, "kim@platform.example", "admin").await;
    let by = |account, entry: &Value| {
        let visit = json!({ "entry": entry["id"], "reason": entry["reason"], "elevated": entry["elevated"] });
        asker("operator", account, &Value::Null, &visit)
    };
    let first = inside(&house, &token, "north", true).await;
    let allowed = may(&house, &north, &by(account, &first)).await.unwrap();
    assert!(has(&allowed, "platform.member.*") && !has(&allowed, "*"), "{allowed:?}");
    for (tenant, account) in [(&north, other), (&south, account)] {
        let error = may(&house, tenant, &by(account, &first)).await.unwrap_err();
        assert_eq!(error.code(), "entry_over", "another operator, and another tenant");
    }
    let looking = inside(&house, &token, "north", false).await;
    let allowed = may(&house, &north, &by(account, &looking)).await.unwrap();
    assert!(!has(&allowed, "platform.member.*") && !allowed.is_empty(), "{allowed:?}");
    let path = format!("/api/v1/platform/entries/{}", text(&first, "id"));
    house.at(None, "DELETE", &path).token(&token).expect(204).await;
    // Entering again for the same reason is another visit, which did not ask for what the first one left behind.
    let again = inside(&house, &token, "north", true).await;
    assert_eq!(again["reason"], json!(REASON));
    assert_eq!(may(&house, &north, &by(account, &first)).await.unwrap_err().code(), "entry_over");
    assert!(!may(&house, &north, &by(account, &again)).await.unwrap().is_empty());
    house.pass(SignedDuration::from_mins(31));
    assert_eq!(may(&house, &north, &by(account, &again)).await.unwrap_err().code(), "entry_over");
}
