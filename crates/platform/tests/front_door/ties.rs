//! One account to one person: who cannot be tied, and how a tie is made, changed and ended later.

use std::time::Duration;

use cloister_ids::{AccountId, PersonId, Uuid};
use cloister_testkit::Call;
use serde_json::{Value, json};

use crate::{
    fixture::{person, text},
    invitations::{School, school},
    roster::{account_of, enrol, remove, tie},
};

impl School {
    async fn pupil(&self) -> (Uuid, PersonId) {
        let pupil = enrol(&self.house, &self.north, None).await;
        (pupil, PersonId::from_uuid(pupil))
    }

    fn make(&self, username: &str, person: Option<PersonId>) -> Call {
        let body = json!({ "username": username, "display_name": "Mei", "roles": ["teacher"], "person_id": person });
        self.admin.call(&self.house, &self.north, "POST", "/tenant/members").json(body)
    }

    fn cards(&self, persons: &[PersonId]) -> Call {
        let items: Vec<Value> = persons.iter().map(|id| json!({ "display_name": "Mei", "person_id": id })).collect();
        let body = json!({ "roles": ["teacher"], "items": items });
        self.admin.call(&self.house, &self.north, "POST", "/tenant/members/cards").json(body)
    }

    fn invite_as(&self, person: PersonId) -> Call {
        let body = json!({ "email": "noor@north.example", "roles": ["teacher"], "person_id": person });
        self.admin.call(&self.house, &self.north, "POST", "/tenant/invitations").json(body)
    }

    async fn read(&self, card: &Value) -> Value {
        let path = format!("/tenant/members/{}", text(card, "id"));
        self.admin.call(&self.house, &self.north, "GET", &path).expect(200).await
    }

    async fn change(&self, card: &Value, patch: Value) -> Call {
        let member = self.read(card).await;
        let path = format!("/tenant/members/{}", text(card, "id"));
        let call = self.admin.call(&self.house, &self.north, "PATCH", &path);
        call.header("if-match", &format!("\"v{}\"", member["version"])).json(patch)
    }

    async fn until(&self, pupil: Uuid, account: Option<AccountId>) {
        for _ in 0..200 {
            if account_of(&self.house, &self.north, pupil).await == account {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{pupil} carries {:?} and not {account:?}", account_of(&self.house, &self.north, pupil).await);
    }

    async fn count(&self) -> usize {
        let page = self.admin.call(&self.house, &self.north, "GET", "/tenant/members?limit=50").expect(200).await;
        page["items"].as_array().unwrap().len()
    }
}

fn account(card: &Value) -> AccountId {
    text(card, "account_id").parse().unwrap()
}

fn mistake(refusal: &Value) -> (&str, &str) {
    (text(&refusal["errors"][0], "field"), text(&refusal["errors"][0], "code"))
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_tied_to_a_person_who_is_not_there() {
    let school = school().await;
    let (left, gone) = school.pupil().await;
    remove(&school.house, &school.north, left).await;
    let south = school.house.school("south").await;
    let elsewhere = PersonId::from_uuid(enrol(&school.house, &south, None).await);
    let nobody = PersonId::generate(&school.house.clock);
    let (_, there) = school.pupil().await;
    let card = school.make("free", None).expect(201).await;
    let count = school.count().await;
    for (person, code) in [(nobody, "person_unknown"), (elsewhere, "person_unknown"), (gone, "person_deleted")] {
        let refusal = school.make("mei", Some(person)).refused(422, "validation_failed").await;
        assert_eq!(mistake(&refusal), ("person_id", code));
        let refusal = school.invite_as(person).refused(422, "validation_failed").await;
        assert_eq!(mistake(&refusal), ("person_id", code));
        let refusal = school.cards(&[there, person]).refused(422, "validation_failed").await;
        assert_eq!(mistake(&refusal), ("items[1].person_id", code));
        let refusal =
            school.change(&card, json!({ "person_id": person })).await.refused(422, "validation_failed").await;
        assert_eq!(mistake(&refusal), ("person_id", code));
    }
    assert_eq!(school.count().await, count);
    let page = school.admin.call(&school.house, &school.north, "GET", "/tenant/invitations").expect(200).await;
    assert_eq!(page["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tie_that_only_the_roster_knows_is_taken_by_nobody() {
    let school = school().await;
    let (pupil, person) = school.pupil().await;
    let first = school.make("first", None).expect(201).await;
    let second = school.make("second", None).expect(201).await;
    tie(&school.house, &school.north, pupil, Some(account(&first))).await;
    school.make("third", Some(person)).refused(409, "person_taken").await;
    school.invite_as(person).refused(409, "person_taken").await;
    let refusal = school.cards(&[person]).refused(422, "validation_failed").await;
    assert_eq!(mistake(&refusal), ("items[0].person_id", "person_taken"));
    school.change(&second, json!({ "person_id": person })).await.refused(409, "person_taken").await;
    assert_eq!(account_of(&school.house, &school.north, pupil).await, Some(account(&first)));
    // Whose it is may say so, and it ends with their membership.
    school.change(&first, json!({ "person_id": person })).await.expect(200).await;
    let member = school.read(&first).await;
    assert_eq!(member["person_id"], json!(person));
    school.admin.remove(&school.house, &school.north, &member).await.expect(204).await;
    school.make("third", Some(person)).expect(201).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_tied_first_stays_tied_when_the_job_comes_late() {
    let school = school().await;
    let (pupil, person) = school.pupil().await;
    let first = school.make("first", None).expect(201).await;
    let second = school.make("second", Some(person)).expect(201).await;
    // Behind the back of the platform, before its job runs.
    tie(&school.house, &school.north, pupil, Some(account(&first))).await;
    let working = school.house.work();
    let log = school.house.log(&school.north, "member.forget_person").await;
    assert_eq!(log[0]["changes"]["account_id"], second["account_id"]);
    assert_eq!(school.read(&first).await["person_id"], json!(person));
    assert_eq!(school.read(&second).await["person_id"], Value::Null);
    assert_eq!(account_of(&school.house, &school.north, pupil).await, Some(account(&first)));
    working.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_membership_without_a_person_ends_what_the_roster_knows_of_it() {
    let school = school().await;
    let (pupil, _) = school.pupil().await;
    let card = school.make("mei", None).expect(201).await;
    tie(&school.house, &school.north, pupil, Some(account(&card))).await;
    let member = school.read(&card).await;
    school.admin.remove(&school.house, &school.north, &member).await.expect(204).await;
    let working = school.house.work();
    school.until(pupil, None).await;
    working.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_tied_later_moved_and_untied() {
    let school = school().await;
    let ((one, first), (two, second)) = (school.pupil().await, school.pupil().await);
    let card = school.make("mei", None).expect(201).await;
    let working = school.house.work();
    let member = school.change(&card, json!({ "person_id": first })).await.expect(200).await;
    assert_eq!((&member["person_id"], &member["roles"]), (&json!(first), &json!(["teacher"])));
    school.until(one, Some(account(&card))).await;
    school.make("mei2", Some(first)).refused(409, "person_taken").await;
    school.change(&card, json!({ "person_id": second })).await.expect(200).await;
    school.until(two, Some(account(&card))).await;
    school.until(one, None).await;
    // Another change leaves it.
    let member = school.change(&card, json!({ "status": "suspended" })).await.expect(200).await;
    assert_eq!(member["person_id"], json!(second));
    let member = school.change(&card, json!({ "person_id": null })).await.expect(200).await;
    assert_eq!(member["person_id"], Value::Null);
    school.until(two, None).await;
    let log = school.house.log_of(&school.north, "member.update", 4).await;
    let told: Vec<&Value> = log.iter().map(|entry| &entry["changes"]).collect();
    assert!(told.iter().any(|changes| changes.to_string().contains(&first.to_string())), "{told:?}");
    // Whom only the roster knew is moved too.
    tie(&school.house, &school.north, one, Some(account(&card))).await;
    school.change(&card, json!({ "person_id": second })).await.expect(200).await;
    school.until(two, Some(account(&card))).await;
    school.until(one, None).await;
    working.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_made_as_a_person_and_known_as_such_at_once() {
    let school = school().await;
    let (pupil, person_id) = school.pupil().await;
    let (service, roles) = (&school.house.service, ["teacher".to_owned()]);
    let cx = school.house.platform.cx(&school.north);
    let new = person("mei@north.example");
    let account = service.make_member_as(&cx, person_id, &new, &roles).await.unwrap();
    let member = school.admin.find(&school.house, &school.north, "mei@north.example").await;
    assert_eq!(member["person_id"], json!(person_id));
    school.make("mei2", Some(person_id)).refused(409, "person_taken").await;
    let other = person("other@north.example");
    let refusal = service.make_member_as(&cx, person_id, &other, &roles).await.unwrap_err();
    assert_eq!(refusal.code(), "person_taken");
    let working = school.house.work();
    school.until(pupil, Some(account)).await;
    working.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_only_the_roster_ties_is_moved_by_the_job_alone() {
    let school = school().await;
    let ((one, _), (two, second)) = (school.pupil().await, school.pupil().await);
    let card = school.make("mei", Some(second)).expect(201).await;
    // As when somebody whom the roster alone knew accepts an invitation as somebody else.
    tie(&school.house, &school.north, one, Some(account(&card))).await;
    let working = school.house.work();
    school.until(two, Some(account(&card))).await;
    assert_eq!(account_of(&school.house, &school.north, one).await, None);
    working.abort();
}
