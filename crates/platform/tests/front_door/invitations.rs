//! Somebody is asked to join, and says yes.

use std::{sync::Arc, time::Duration};

use cloister_ids::{AccountId, PersonId};
use cloister_platform::mail::{Outbox, Selection};
use cloister_tenancy::{Actor, TenantEntry};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    fixture::{House, PASSWORD, text},
    members::Someone,
    roster::{account_of, enrol},
};

/// A school with a roster, and its administrator.
pub(crate) struct School {
    pub(crate) house: House,
    pub(crate) north: Arc<TenantEntry>,
    pub(crate) admin: Someone,
}

pub(crate) async fn school() -> School {
    let house = House::with_roster().await;
    let north = house.school("north").await;
    let admin = Someone::new(&house, &north, "admin@north.example", "admin").await;
    School { house, north, admin }
}

impl School {
    fn invite(&self, body: Value) -> cloister_testkit::Call {
        self.admin.call(&self.house, &self.north, "POST", "/tenant/invitations").json(body)
    }

    fn accept(&self, body: Value) -> cloister_testkit::Call {
        self.house.at(None, "POST", "/api/v1/invitations/accept").json(body)
    }

    fn look(&self, token: &str) -> cloister_testkit::Call {
        self.house.at(None, "POST", "/api/v1/invitations/look").json(json!({ "token": token }))
    }

    /// The token of the newest mail to an address.
    async fn token(&self, email: &str) -> String {
        let outbox = Outbox::of(&self.house.service);
        let all = Selection { state: None, tenant: None, oldest_first: false, after: None, limit: 200 };
        let mails = outbox.list(all).await.unwrap();
        let mail = mails.iter().find(|mail| mail.template == "invitation" && mail.recipient == email);
        let mail = mail.unwrap_or_else(|| panic!("no mail to {email}"));
        let whole = outbox.read(mail.id, &Actor::Operator("test".into())).await.unwrap();
        let text = whole.text.unwrap();
        let at = text.find("/invitation#token=").unwrap_or_else(|| panic!("{text}"));
        text[at..].split('=').nth(1).unwrap().chars().take(43).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_new_accepts_once_and_signs_in() {
    let school = school().await;
    let School { house, north, admin } = &school;
    let pupil = enrol(house, north, None).await;
    let person = PersonId::from_uuid(pupil);
    let body =
        json!({ "email": "Noor@north.example", "display_name": "Noor", "roles": ["teacher"], "person_id": person });
    let made = school.invite(body.clone()).header("idempotency-key", "k").send().await;
    assert_eq!((made.status, &made.body["state"]), (201, &json!("open")), "{}", made.body);
    assert!(!made.body.to_string().contains("hash"));
    let again = school.invite(body.clone()).header("idempotency-key", "k").send().await;
    assert_eq!((again.status, &again.body["id"]), (201, &made.body["id"]));
    school.invite(body.clone()).refused(409, "already_invited").await;
    let other = json!({ "email": "other@north.example", "roles": ["teacher"], "person_id": person });
    school.invite(other).refused(409, "person_taken").await;

    let token = school.token("Noor@north.example").await;
    let seen = school.look(&token).expect(200).await;
    assert_eq!((&seen["email"], &seen["has_account"]), (&json!("N…r@north.example"), &json!(false)));
    assert_eq!((&seen["tenant"]["slug"], &seen["roles"]), (&json!("north"), &json!(["teacher"])));
    school.look("nothing").refused(400, "link_over").await;
    // At another tenant's address it is as good as unknown.
    let south = house.school("south").await;
    let elsewhere = house.at(Some(&south), "POST", "/api/v1/invitations/look").json(json!({ "token": token }));
    elsewhere.refused(400, "link_over").await;

    let accept = |password: Option<&str>| {
        let body = match password {
            Some(password) => json!({ "token": token, "password": password }),
            None => json!({ "token": token }),
        };
        house.at(Some(north), "POST", "/api/v1/invitations/accept").json(body)
    };
    let refused = accept(None).refused(422, "validation_failed").await;
    assert_eq!(refused["errors"][0]["field"], "password");
    accept(Some("noor12345")).refused(422, "validation_failed").await;
    // Twice at once: one of them comes first.
    let (first, second) = tokio::join!(accept(Some(PASSWORD)).send(), accept(Some(PASSWORD)).send());
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert!(matches!(statuses, [200, 400 | 401 | 409]), "{} {}", first.body, second.body);
    accept(Some(PASSWORD)).send().await;
    school.look(&token).refused(400, "link_over").await;
    let inside = house.sign_in(Some(north), "noor@north.example").await;
    assert_eq!(inside["tenant"]["roles"], json!(["teacher"]));
    let own = house.at(Some(north), "GET", "/api/v1/account").token(text(&inside, "access_token")).expect(200).await;
    assert!(own["email_verified_at"].is_string() && own["display_name"] == "Noor", "{own}");
    // A teacher may not invite.
    let noor = Someone::sign_in(house, north, "noor@north.example").await;
    noor.call(house, north, "GET", "/tenant/invitations").refused(404, "not_found").await;
    let no = noor.call(house, north, "POST", "/tenant/invitations");
    no.json(json!({ "email": "x@north.example", "roles": ["teacher"] })).refused(403, "permission_denied").await;

    let accepted = admin.call(house, north, "GET", "/tenant/invitations?state=accepted").expect(200).await;
    assert_eq!(accepted["items"][0]["account_id"], own["id"]);
    school.invite(body).refused(409, "already_member").await;
    let path = format!("/tenant/invitations/{}", text(&made.body, "id"));
    admin.call(house, north, "DELETE", &path).refused(409, "invitation_over").await;
    admin.call(house, north, "POST", &format!("{path}/resend")).refused(409, "invitation_over").await;
    let working = house.work();
    let log = house.log(north, "invitation.accept").await;
    let account: AccountId = text(&own, "id").parse().unwrap();
    assert_eq!((&log[0]["resource_id"], &log[0]["account_id"]), (&made.body["id"], &json!(account.uuid())));
    for _ in 0..100 {
        if account_of(house, north, pupil).await.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(json!(account_of(house, north, pupil).await), own["id"]);
    working.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_known_must_be_signed_in_as_themselves() {
    let school = school().await;
    let School { house, north, .. } = &school;
    let south = house.school("south").await;
    let noor = house.member(&south, "noor@north.example", "admin").await;
    house.member(&south, "tom@north.example", "teacher").await;
    school.invite(json!({ "email": "noor@north.example", "roles": ["teacher"] })).expect(201).await;
    let token = school.token("noor@north.example").await;
    assert_eq!(school.look(&token).expect(200).await["has_account"], true);
    let body = json!({ "token": token, "password": "another one of my own", "display_name": "Thief" });
    school.accept(body.clone()).refused(401, "sign_in_to_accept").await;
    let tom = house.sign_in(None, "tom@north.example").await;
    school.accept(body.clone()).token(text(&tom, "access_token")).refused(401, "sign_in_to_accept").await;
    school.accept(body.clone()).token("nonsense").refused(401, "token_invalid").await;
    // Nobody was made, nothing was changed, and the link is still good.
    house.sign_in(Some(&south), "noor@north.example").await;
    let before = json!({ "email": "noor@north.example", "password": PASSWORD });
    house.at(Some(north), "POST", "/api/v1/sessions").json(before).refused(403, "membership_required").await;
    let own = house.sign_in(None, "noor@north.example").await;
    let done = school.accept(json!({ "token": token })).token(text(&own, "access_token")).expect(200).await;
    assert_eq!((&done["account_id"], &done["is_new_account"]), (&json!(noor), &json!(false)));
    let inside = house.sign_in(Some(north), "noor@north.example").await;
    assert_eq!(inside["tenants"].as_array().unwrap().len(), 2);
    assert_eq!(inside["tenant"]["roles"], json!(["teacher"]), "not those of another tenant");
    school.accept(json!({ "token": token })).token(text(&own, "access_token")).refused(400, "link_over").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_die_when_they_are_replaced_taken_back_or_old() {
    let school = school().await;
    let School { house, north, admin } = &school;
    let made = school.invite(json!({ "email": "noor@north.example", "roles": ["teacher"] })).expect(201).await;
    let path = format!("/tenant/invitations/{}", text(&made, "id"));
    let resend = || admin.call(house, north, "POST", &format!("{path}/resend"));
    let first = school.token("noor@north.example").await;
    house.pass(SignedDuration::from_secs(1));
    let sent = resend().expect(200).await;
    assert_eq!((&sent["sent_times"], &sent["version"]), (&json!(2), &json!(2)));
    let second = school.token("noor@north.example").await;
    school.look(&first).refused(400, "link_over").await;
    school.look(&second).expect(200).await;
    house.pass(SignedDuration::from_secs(1));
    resend().expect(200).await;
    let seen = resend().send().await;
    assert_eq!((seen.status, seen.body["code"].as_str()), (429, Some("sent_too_often")));
    assert!(seen.header("retry-after").is_some());
    let third = school.token("noor@north.example").await;
    let days = |days: i64| house.pass(SignedDuration::from_hours(24 * days));
    days(15);
    school.look(&third).refused(400, "link_over").await;
    let accept = json!({ "token": third, "password": PASSWORD, "display_name": "N" });
    school.accept(accept).refused(400, "link_over").await;
    let admin = Someone::sign_in(house, north, "admin@north.example").await;
    let list = |state: &str| admin.call(house, north, "GET", &format!("/tenant/invitations?state={state}")).expect(200);
    assert_eq!(list("expired").await["items"][0]["state"], "expired");
    assert!(list("open").await["items"].as_array().unwrap().is_empty());
    // What is over can be sent again …
    let resend = admin.call(house, north, "POST", &format!("{path}/resend"));
    assert_eq!(resend.expect(200).await["state"], "open");
    let fourth = school.token("noor@north.example").await;
    school.look(&fourth).expect(200).await;
    // … or taken back, and then the address can be invited anew.
    admin.call(house, north, "DELETE", &path).expect(204).await;
    school.look(&fourth).refused(400, "link_over").await;
    let again = json!({ "email": "noor@north.example", "roles": ["teacher"] });
    let again = admin.call(house, north, "POST", "/tenant/invitations").json(again).expect(201).await;
    assert_ne!(again["id"], made["id"]);
    let south = house.school("south").await;
    let other = Someone::new(house, &south, "owner@south.example", "owner").await;
    let path = format!("/tenant/invitations/{}", text(&again, "id"));
    for (method, path) in [("GET", path.clone()), ("DELETE", path.clone()), ("POST", format!("{path}/resend"))] {
        other.call(house, &south, method, &path).refused(404, "not_found").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_invites_to_more_than_they_may() {
    let school = school().await;
    let School { house, north, admin } = &school;
    let owner = Someone::new(house, north, "owner@north.example", "owner").await;
    let to = |roles: Value| json!({ "email": "noor@north.example", "roles": roles });
    school.invite(to(json!(["owner"]))).refused(403, "owner_required").await;
    school.invite(to(json!(["teacher", "examiner"]))).refused(403, "rights_exceeded").await;
    school.invite(to(json!(["wizard"]))).refused(422, "validation_failed").await;
    school.invite(json!({ "email": "noor", "roles": ["teacher"] })).refused(422, "validation_failed").await;
    let bulk = json!({ "list": "noor@north.example", "roles": ["examiner"] });
    admin.call(house, north, "POST", "/tenant/invitations/bulk").json(bulk).refused(403, "rights_exceeded").await;
    let made = owner.call(house, north, "POST", "/tenant/invitations").json(to(json!(["examiner"]))).expect(201).await;
    // Nor sends again what somebody who may has written.
    let path = format!("/tenant/invitations/{}/resend", text(&made, "id"));
    admin.call(house, north, "POST", &path).refused(403, "rights_exceeded").await;
    owner.call(house, north, "POST", &path).expect(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_shut_out_does_not_come_back_by_an_old_link() {
    let school = school().await;
    let School { house, north, admin } = &school;
    school.invite(json!({ "email": "tom@north.example", "roles": ["teacher"] })).expect(201).await;
    let token = school.token("tom@north.example").await;
    house.member(north, "tom@north.example", "teacher").await;
    let tom = house.sign_in(None, "tom@north.example").await;
    let member = admin.find(house, north, "tom@north.example").await;
    admin.patch(house, north, &member, json!({ "status": "suspended" })).await.expect(200).await;
    let accept = school.accept(json!({ "token": token })).token(text(&tom, "access_token"));
    accept.refused(403, "membership_suspended").await;
    let now = admin.find(house, north, "tom@north.example").await;
    assert_eq!(now["status"], "suspended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_list_is_looked_at_and_then_invited() {
    let school = school().await;
    let School { house, north, admin } = &school;
    house.member(north, "member@north.example", "teacher").await;
    school.invite(json!({ "email": "open@north.example", "roles": ["teacher"] })).expect(201).await;
    let list = "Noor Haddad <noor@north.example>\n\ntom@north.example; Tom Berg\nMEMBER@north.example\nopen@north.example\n\
                nobody\nNOOR@north.example\n";
    let bulk = |dry_run: bool| {
        let body = json!({ "list": list, "roles": ["teacher"], "dry_run": dry_run });
        admin.call(house, north, "POST", "/tenant/invitations/bulk").json(body).header("idempotency-key", "k")
    };
    let outcomes = |seen: &Value| -> Vec<(u64, String)> {
        let lines = seen["lines"].as_array().unwrap().iter();
        lines.map(|line| (line["line"].as_u64().unwrap(), text(line, "outcome").to_owned())).collect()
    };
    let told = |first: &str| {
        [(1, first), (3, first), (4, "already_member"), (5, "already_invited"), (6, "invalid"), (7, "already_invited")]
            .map(|(line, outcome)| (line, outcome.to_owned()))
            .to_vec()
    };
    let dry = bulk(true).expect(200).await;
    assert_eq!((outcomes(&dry), &dry["invited"]), (told("will_invite"), &json!(2)));
    assert_eq!(dry["lines"][1]["display_name"], "Tom Berg");
    let open = || async {
        let page =
            admin.call(house, north, "GET", "/tenant/invitations?state=open&sort=-age&limit=1").expect(200).await;
        let next = text(&page, "next_cursor").to_owned();
        let path = format!("/tenant/invitations?state=open&sort=-age&limit=10&cursor={next}");
        let rest = admin.call(house, north, "GET", &path).expect(200).await;
        rest["items"].as_array().unwrap().len() + 1
    };
    let all = admin.call(house, north, "GET", "/tenant/invitations?state=open").expect(200).await;
    assert_eq!(all["items"].as_array().unwrap().len(), 1, "looking wrote nothing");
    let done = bulk(false).expect(201).await;
    assert_eq!(outcomes(&done), told("invited"));
    assert_eq!(bulk(false).expect(201).await, done);
    assert_eq!(open().await, 3);
    for email in ["noor@north.example", "tom@north.example"] {
        school.look(&school.token(email).await).expect(200).await;
    }
    let many = (0..501).map(|at| format!("p{at}@north.example\n")).collect::<String>();
    for list in [many.as_str(), " \n"] {
        let body = json!({ "list": list, "roles": ["teacher"] });
        admin.call(house, north, "POST", "/tenant/invitations/bulk").json(body).refused(422, "validation_failed").await;
    }
    let most = (0..500).map(|at| format!("p{at}@north.example\n")).collect::<String>();
    let body = json!({ "list": most, "roles": ["teacher"] });
    let done = admin.call(house, north, "POST", "/tenant/invitations/bulk").json(body).expect(201).await;
    assert_eq!(done["invited"], 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_sends_only_so_many_invitations_a_day() {
    let school = school().await;
    let School { house, north, .. } = &school;
    school.invite(json!({ "email": "first@north.example", "roles": ["teacher"] })).expect(201).await;
    let control = house.platform.admin(&format!("{}_control", house.platform.prefix)).await;
    let more = "insert into control.invitation (id, tenant_id, email, email_key, roles, hash, state, sent_at, expires_at,
            created_at, created_by, updated_at, updated_by)
        select gen_random_uuid(), tenant_id, n || email_key, n || email_key, roles, sha256(n::text::bytea), state, sent_at,
            expires_at, created_at, created_by, updated_at, updated_by
        from control.invitation, generate_series(2, 2000) n where tenant_id = $1";
    assert_eq!(control.execute(more, &[&north.id.uuid()]).await.unwrap(), 1999);
    let next = || school.invite(json!({ "email": "next@north.example", "roles": ["teacher"] }));
    let seen = next().send().await;
    assert_eq!((seen.status, seen.body["code"].as_str()), (429, Some("invitations_exhausted")));
    assert!(seen.header("retry-after").is_some());
    house.pass(SignedDuration::from_hours(25));
    let admin = Someone::sign_in(house, north, "admin@north.example").await;
    let body = json!({ "email": "next@north.example", "roles": ["teacher"] });
    admin.call(house, north, "POST", "/tenant/invitations").json(body).expect(201).await;
}
