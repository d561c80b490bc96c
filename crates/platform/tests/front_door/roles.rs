//! Roles that a tenant makes for itself.

use std::{sync::Arc, time::Duration};

use cloister_tenancy::TenantEntry;
use serde_json::{Value, json};

use crate::{
    fixture::{House, text},
    members::Someone,
};

struct School {
    house: House,
    north: Arc<TenantEntry>,
    owner: Someone,
    admin: Someone,
}

async fn school() -> School {
    let house = House::with_roster().await;
    let north = house.school("north").await;
    let owner = Someone::new(&house, &north, "owner@north.example", "owner").await;
    let admin = Someone::new(&house, &north, "admin@north.example", "admin").await;
    School { house, north, owner, admin }
}

impl School {
    fn make(&self, by: &Someone, name: &str, inherits: &[&str], permissions: &[&str]) -> cloister_testkit::Call {
        let body = json!({ "name": name, "display_name": name, "inherits": inherits, "permissions": permissions });
        by.call(&self.house, &self.north, "POST", "/tenant/roles").json(body)
    }

    async fn patch(&self, by: &Someone, name: &str, body: Value) -> cloister_testkit::Call {
        let path = format!("/tenant/roles/{name}");
        let now = self.owner.call(&self.house, &self.north, "GET", &path).expect(200).await;
        by.call(&self.house, &self.north, "PATCH", &path)
            .header("if-match", &format!("\"v{}\"", now["version"]))
            .json(body)
    }

    fn delete(&self, by: &Someone, name: &str) -> cloister_testkit::Call {
        by.call(&self.house, &self.north, "DELETE", &format!("/tenant/roles/{name}")).header("if-match", "\"v1\"")
    }
}

fn permissions(role: &Value, of: &str) -> Vec<String> {
    role[of].as_array().unwrap().iter().map(|permission| text(permission, "permission").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_listed_with_what_they_allow() {
    let school = school().await;
    let School { house, north, owner, admin } = &school;
    let made = school.make(admin, "librarian", &["teacher"], &["roster.pupil.update"]).header("idempotency-key", "k");
    let seen = made.clone().send().await;
    assert_eq!((seen.status, seen.header("etag")), (201, Some("\"v1\"")), "{}", seen.body);
    assert_eq!(seen.header("location"), Some("/api/v1/tenant/roles/librarian"));
    let again = made.send().await;
    assert_eq!((again.status, &again.body["id"]), (201, &seen.body["id"]));
    assert_eq!(permissions(&seen.body, "permissions"), ["roster.pupil.update"]);
    assert_eq!(
        permissions(&seen.body, "effective_permissions"),
        ["roster.pupil.read:own_classes", "roster.pupil.update"]
    );
    assert_eq!(
        seen.body["effective_permissions"][0]["scope"],
        json!({ "name": "own_classes", "title": "own classes" })
    );
    house.member(north, "lib@north.example", "librarian").await;
    let all = owner.call(house, north, "GET", "/tenant/roles").expect(200).await;
    let names: Vec<(&str, &Value, &Value)> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|role| (text(role, "name"), &role["is_own"], &role["members"]))
        .collect();
    let (yes, no, none, one) = (json!(true), json!(false), json!(0), json!(1));
    assert_eq!(
        names,
        [
            ("owner", &no, &one),
            ("admin", &no, &one),
            ("teacher", &no, &none),
            ("examiner", &no, &none),
            ("librarian", &yes, &one)
        ]
    );
    let teacher = owner.call(house, north, "GET", "/tenant/roles/teacher").expect(200).await;
    assert_eq!((&teacher["display_name"], &teacher["id"]), (&json!("Teacher"), &Value::Null));
    // Whoever may not see roles learns of none; and of another tenant's neither.
    let librarian = Someone::sign_in(house, north, "lib@north.example").await;
    librarian.call(house, north, "GET", "/tenant/roles").refused(404, "not_found").await;
    let south = house.school("south").await;
    let other = Someone::new(house, &south, "owner@south.example", "owner").await;
    other.call(house, &south, "GET", "/tenant/roles/librarian").refused(404, "not_found").await;
    let delete = other.call(house, &south, "DELETE", "/tenant/roles/librarian").header("if-match", "\"v1\"");
    delete.refused(404, "not_found").await;
    let known = owner.call(house, north, "GET", "/tenant/permissions").expect(200).await;
    let known = permissions(&known, "items");
    assert!(
        known.contains(&"platform.member.read".to_owned())
            && known.contains(&"roster.pupil.read:own_classes".to_owned())
    );
    assert!(
        known.iter().all(|permission| !permission.starts_with("platform.mail")),
        "those are the operators': {known:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_makes_no_sense_is_refused() {
    let school = school().await;
    let School { owner, .. } = &school;
    school.make(owner, "a", &[], &[]).expect(201).await;
    for (name, inherits, allowed, field, code) in [
        ("Teacher", &[][..], &[][..], "name", "name_invalid"),
        ("1a", &[], &[], "name", "name_invalid"),
        ("teacher", &[], &[], "name", "name_taken"),
        ("owner", &[], &[], "name", "name_taken"),
        ("b", &["wizard"], &[], "inherits[0]", "unknown_role"),
        ("b", &["a", "owner"], &[], "inherits[1]", "owner_inherited"),
        ("b", &["b"], &[], "inherits[0]", "circle"),
        ("b", &[], &["*"], "permissions[0]", "unknown_permission"),
        ("b", &[], &["roster.*"], "permissions[0]", "unknown_permission"),
        ("b", &[], &["roster.pupil.fly"], "permissions[0]", "unknown_permission"),
        ("b", &[], &["roster.pupil.read:everywhere"], "permissions[0]", "unknown_permission"),
        ("b", &[], &["roster.pupil.update:own_classes"], "permissions[0]", "unknown_permission"),
        ("b", &[], &["notebook.note.read"], "permissions[0]", "unknown_permission"),
    ] {
        let refused = school.make(owner, name, inherits, allowed).refused(422, "validation_failed").await;
        let error = &refused["errors"][0];
        assert_eq!((&error["field"], &error["code"]), (&json!(field), &json!(code)), "{name} {inherits:?} {allowed:?}");
    }
    school.make(owner, "a", &[], &[]).refused(409, "role_exists").await;
    // A circle over several, and one step too many.
    for step in 1..=9 {
        let above = if step == 1 { "a".to_owned() } else { format!("r{}", step - 1) };
        school.make(owner, &format!("r{step}"), &[&above], &[]).expect(201).await;
    }
    let circle = school.patch(owner, "a", json!({ "inherits": ["r9"] })).await.refused(422, "validation_failed").await;
    assert_eq!(circle["errors"][0]["code"], "circle");
    school.make(owner, "r10", &["r9"], &[]).expect(201).await;
    let deep = school.make(owner, "r11", &["r10"], &[]).refused(422, "validation_failed").await;
    assert_eq!(deep["errors"][0]["code"], "too_deep");
    // A longer way above makes those below too deep as well.
    school.make(owner, "top", &[], &[]).expect(201).await;
    let deep = school.patch(owner, "a", json!({ "inherits": ["top"] })).await.refused(422, "validation_failed").await;
    assert_eq!(deep["errors"][0]["code"], "too_deep");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_a_role_that_may_do_more_than_they() {
    let school = school().await;
    let School { house, north, owner, admin } = &school;
    school.make(admin, "marker", &[], &["roster.mark.update"]).refused(403, "rights_exceeded").await;
    school.make(admin, "marker", &["examiner"], &[]).refused(403, "rights_exceeded").await;
    school.make(admin, "helper", &[], &["roster.pupil.read"]).expect(201).await;
    for body in [json!({ "permissions": ["roster.mark.update"] }), json!({ "inherits": ["examiner"] })] {
        school.patch(admin, "helper", body).await.refused(403, "rights_exceeded").await;
    }
    school.make(owner, "marker", &["examiner"], &[]).expect(201).await;
    // By a role that somebody else made, neither.
    school.patch(admin, "helper", json!({ "inherits": ["marker"] })).await.refused(403, "rights_exceeded").await;
    let me = admin.find(house, north, "admin@north.example").await;
    admin.patch(house, north, &me, json!({ "roles": ["admin", "marker"] })).await.refused(403, "rights_exceeded").await;
    // What is above one is not taken apart either.
    school.patch(admin, "marker", json!({ "inherits": [] })).await.refused(403, "rights_exceeded").await;
    school.delete(admin, "marker").refused(403, "rights_exceeded").await;
    school.delete(owner, "marker").expect(204).await;
    for name in ["teacher", "owner"] {
        school.patch(owner, name, json!({ "display_name": "X" })).await.refused(409, "role_declared").await;
        school.delete(owner, name).refused(409, "role_declared").await;
    }
    // Whoever may not, is told so.
    school.make(owner, "reader", &[], &["platform.role.read"]).expect(201).await;
    let reader = Someone::new(house, north, "reader@north.example", "reader").await;
    school.make(&reader, "mine", &[], &[]).refused(403, "permission_denied").await;
    school.patch(&reader, "reader", json!({ "display_name": "X" })).await.refused(403, "permission_denied").await;
    school.delete(&reader, "reader").refused(403, "permission_denied").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_role_counts_for_all_who_have_it_at_once() {
    let school = school().await;
    let School { house, north, owner, admin } = &school;
    school.make(owner, "keeper", &[], &["platform.member.read"]).expect(201).await;
    let keeper = Someone::new(house, north, "keep@north.example", "keeper").await;
    let (service, door) = house.second_node().await;
    let following = tokio::spawn(async move { service.follow().await });
    keeper.call(house, north, "GET", "/tenant/members").expect(200).await;
    let there = || door.call("GET", "/api/v1/tenant/members").header("host", "north.localhost").token(&keeper.token);
    there().expect(200).await;
    // A new name changes nothing about rights.
    school.patch(owner, "keeper", json!({ "display_name": "Keeper" })).await.expect(200).await;
    keeper.call(house, north, "GET", "/tenant/members").expect(200).await;
    let after = school.patch(owner, "keeper", json!({ "permissions": [] })).await.expect(200).await;
    assert_eq!((&after["version"], &after["permissions"]), (&json!(3), &json!([])));
    keeper.call(house, north, "GET", "/tenant/members").refused(401, "token_outdated").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    there().refused(401, "token_outdated").await;
    let renew = |who: &Someone| {
        let body = json!({ "refresh_token": who.refresh });
        house.at(Some(north), "POST", "/api/v1/sessions/refresh").json(body).expect(200)
    };
    let renewed = renew(&keeper).await;
    let again = house.at(Some(north), "GET", "/api/v1/tenant/members").token(text(&renewed, "access_token"));
    again.refused(404, "not_found").await;
    // Everybody of the tenant gets a new token, and has what they had.
    let renewed = renew(admin).await;
    house.at(Some(north), "GET", "/api/v1/tenant/members").token(text(&renewed, "access_token")).expect(200).await;
    following.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_in_use_stays() {
    let school = school().await;
    let School { house, north, owner, .. } = &school;
    school.make(owner, "base", &[], &[]).expect(201).await;
    school.make(owner, "heir", &["base"], &[]).expect(201).await;
    house.member(north, "one@north.example", "heir").await;
    let refused = school.delete(owner, "heir").refused(409, "role_in_use").await;
    assert!(text(&refused, "detail").starts_with("1 members"), "{refused}");
    school.delete(owner, "base").refused(409, "role_in_use").await;
    let member = owner.find(house, north, "one@north.example").await;
    owner.remove(house, north, &member).await.expect(204).await;
    let body = json!({ "email": "two@north.example", "roles": ["heir"] });
    let invited = owner.call(house, north, "POST", "/tenant/invitations").json(body).expect(201).await;
    school.delete(owner, "heir").refused(409, "role_in_use").await;
    let path = format!("/tenant/invitations/{}", text(&invited, "id"));
    owner.call(house, north, "DELETE", &path).expect(204).await;
    owner
        .call(house, north, "DELETE", "/tenant/roles/heir")
        .header("if-match", "\"v9\"")
        .refused(412, "version_mismatch")
        .await;
    school.delete(owner, "heir").expect(204).await;
    school.delete(owner, "base").expect(204).await;
    school.delete(owner, "base").refused(404, "not_found").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_makes_a_hundred_roles_and_no_more() {
    let school = school().await;
    let School { house, north, owner, .. } = &school;
    school.make(owner, "first", &[], &[]).expect(201).await;
    let control = house.platform.admin(&format!("{}_control", house.platform.prefix)).await;
    let more = "insert into control.custom_role (id, tenant_id, name, display_name, created_at, created_by, updated_at, updated_by)
        select gen_random_uuid(), tenant_id, name || n, display_name, created_at, created_by, updated_at, updated_by
        from control.custom_role, generate_series(2, 100) n where tenant_id = $1";
    assert_eq!(control.execute(more, &[&north.id.uuid()]).await.unwrap(), 99);
    school.make(owner, "last", &[], &[]).refused(409, "too_many_roles").await;
    school.delete(owner, "first").expect(204).await;
    school.make(owner, "last", &[], &[]).expect(201).await;
}
