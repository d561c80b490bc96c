//! Tenants as operators administer them: every act answers at once and is watched until it is done.

use std::time::{Duration, Instant};

use cloister_testkit::Call;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    fixture::{House, text},
    operators::{noted, noted_by_platform, operator, work},
};

const TENANTS: &str = "/api/v1/platform/tenants";

struct Office<'a> {
    house: &'a House,
    token: String,
}

impl<'a> Office<'a> {
    async fn open(house: &'a House) -> Self {
        let (_, token) = operator(house, "ann@platform.example", "admin").await;
        Self { house, token }
    }

    fn call(&self, method: &str, path: &str) -> Call {
        self.house.at(None, method, path).token(&self.token)
    }

    fn ask(&self, tenant: &str, act: &str, body: Value) -> Call {
        self.call("POST", &format!("{TENANTS}/{tenant}/{act}")).json(body)
    }

    /// Looks at a workflow until it is over.
    async fn watch(&self, accepted: &Value) -> Value {
        let path = format!("/api/v1/platform/workflows/{}", text(accepted, "workflow_id"));
        let begun = Instant::now();
        loop {
            drop(self.house.platform.tenancy.tend_workflows().await);
            let now = self.call("GET", &path).expect(200).await;
            if now["state"] != "running" {
                return now;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{now}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn tag(&self, tenant: &str) -> String {
        let seen = self.call("GET", &format!("{TENANTS}/{tenant}")).send().await;
        seen.header("etag").unwrap_or_else(|| panic!("{}", seen.body)).to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_made_listed_and_changed() {
    let house = House::open().await;
    let office = Office::open(&house).await;
    let working = work(&house);
    let body = json!({ "slug": "west", "display_name": "West High", "kind": "school", "tier": "schema",
        "locale": "de-CH", "time_zone": "Europe/Zurich" });
    let create = |body: &Value| office.call("POST", TENANTS).json(body.clone());
    let seen = create(&body).header("idempotency-key", "one").send().await;
    assert_eq!(seen.status, 202, "{}", seen.body);
    let location = format!("/api/v1/platform/workflows/{}", text(&seen.body, "workflow_id"));
    assert_eq!(seen.header("location"), Some(location.as_str()));
    let again = create(&body).header("idempotency-key", "one").send().await;
    assert_eq!((again.status, &again.body, again.header("location")), (202, &seen.body, Some(location.as_str())));
    create(&body).refused(409, "slug_taken").await;
    for (field, value) in [
        ("slug", json!("www")),
        ("slug", json!("West")),
        ("kind", json!("circus")),
        ("tier", json!("none")),
        ("time_zone", json!("Mars/Base")),
        ("locale", json!("german!")),
    ] {
        let mut body = body.clone();
        body[field] = value;
        let refused = create(&body).refused(422, "validation_failed").await;
        assert_eq!(refused["errors"][0]["field"], field);
    }
    let done = office.watch(&seen.body).await;
    assert_eq!((&done["state"], &done["kind"]), (&json!("done"), &json!("provision")));
    assert!(done["steps"].as_array().unwrap().iter().all(|step| step["is_done"] == true), "{done}");
    office.ask(text(&seen.body, "tenant_id"), "provision", json!({})).refused(409, "nothing_failed").await;
    office.ask(text(&seen.body, "tenant_id"), "abandon", json!({})).refused(409, "tenant_state_conflict").await;

    house.school("north").await;
    house.school("south").await;
    let slugs = async |query: &str| {
        let page = office.call("GET", &format!("{TENANTS}?{query}")).expect(200).await;
        let items = page["items"].as_array().unwrap().iter().map(|item| text(item, "slug").to_owned());
        (items.collect::<Vec<_>>().join(" "), page["next_cursor"].clone())
    };
    let (first, cursor) = slugs("limit=2").await;
    assert_eq!(
        (first.as_str(), slugs(&format!("limit=2&cursor={}", cursor.as_str().unwrap())).await.0.as_str()),
        ("north south", "west")
    );
    assert_eq!(slugs("sort=-slug").await.0, "west south north");
    assert_eq!(slugs("tier=schema").await.0, "west");
    assert_eq!(slugs("q=high").await.0, "west");
    assert_eq!(slugs("q=NO").await.0, "north");
    assert_eq!(slugs("status=suspended").await.0, "");

    let id = text(&seen.body, "tenant_id");
    let tag = office.tag(id).await;
    let change =
        |tag: &str, body: Value| office.call("PATCH", &format!("{TENANTS}/{id}")).header("if-match", tag).json(body);
    let body = json!({ "plan": "large", "trial_end_date": "2027-01-31", "maintenance": true, "maintenance_message": "Back at six." });
    let changed = change(&tag, body.clone()).expect(200).await;
    assert_eq!((&changed["plan"], &changed["trial_end_date"]), (&json!("large"), &json!("2027-01-31")));
    change(&tag, body.clone()).refused(412, "version_mismatch").await;
    office.call("PATCH", &format!("{TENANTS}/{id}")).json(body.clone()).refused(428, "precondition_required").await;
    let tag = office.tag(id).await;
    change(&tag, json!({ "slug": "east" })).refused(422, "validation_failed").await;
    change(&tag, json!({ "trial_start_date": "2027-02-01" })).refused(422, "validation_failed").await;
    let unchanged = change(&tag, json!({ "plan": "large" })).expect(200).await;
    assert_eq!(unchanged["version"], changed["version"]);
    // Its people are told at once, on this node and with the message.
    let west = house.platform.tenancy.registry().by_slug("west").unwrap();
    let closed = west.admit().unwrap_err().error();
    assert_eq!((closed.code(), closed.message()), ("tenant_maintenance", "Back at six."));
    change(&tag, json!({ "maintenance": false, "maintenance_message": null })).expect(200).await;
    // Two notes, in whatever order the jobs were done.
    let begun = Instant::now();
    let note = loop {
        let notes = noted(&house, &west, "tenant.update").await;
        if let Some(note) = notes.iter().find(|note| note["changes"]["plan"]["after"] == "large") {
            break note.clone();
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{notes:?}");
    };
    assert_eq!(text(&note, "acting_as"), "operator");
    assert!(text(&note, "actor").starts_with("operator:acc_"));
    let unknown = cloister_ids::TenantId::from_uuid(cloister_ids::Uuid::nil());
    office.call("GET", &format!("{TENANTS}/{unknown}")).refused(404, "not_found").await;
    working.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_tenants_people_are_refused_on_every_node_until_it_is_resumed() {
    let house = House::open().await;
    let north = house.school("north").await;
    house.member(&north, "ada@north.example", "owner").await;
    let office = Office::open(&house).await;
    let working = work(&house);
    let ada = house.sign_in(Some(&north), "ada@north.example").await;
    let (node, door) = house.second_node().await;
    let tenancy = door.edge().tenancy().clone();
    let following = tokio::spawn(async move { tokio::join!(node.follow(), tenancy.follow()) });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let there = async || {
        let call = door.call("GET", "/api/v1/tenant").header("host", "north.localhost");
        call.token(text(&ada, "access_token")).send().await
    };
    assert_eq!(there().await.status, 200);
    let id = north.id.to_string();
    office.ask(&id, "suspend", json!({})).refused(422, "validation_failed").await;
    let reason = "The invoice of March is not paid.";
    let once = || office.ask(&id, "suspend", json!({ "reason": reason })).header("idempotency-key", "s").expect(202);
    let asked = once().await;
    assert_eq!(once().await, asked);
    office.ask(&id, "resume", json!({})).refused(409, "tenant_busy").await;
    assert_eq!(office.watch(&asked).await["state"], "done");
    let begun = Instant::now();
    while there().await.body["code"] != "tenant_suspended" {
        assert!(begun.elapsed() < Duration::from_secs(1), "{}", there().await.body);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let shown = office.call("GET", &format!("{TENANTS}/{id}")).expect(200).await;
    assert_eq!((&shown["status"], &shown["suspended_reason"]), (&json!("suspended"), &json!(reason)));
    let (_, support) = operator(&house, "sam@platform.example", "support").await;
    let enter = house.at(None, "POST", "/api/v1/platform/entries").token(&support);
    enter.json(json!({ "tenant": "north", "reason": reason })).refused(403, "tenant_suspended").await;
    let asked = office.ask(&id, "resume", json!({ "reason": "Paid." })).expect(202).await;
    assert_eq!(office.watch(&asked).await["state"], "done");
    let begun = Instant::now();
    while there().await.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(6), "{}", there().await.body);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(text(&noted(&house, &north, "tenant.suspend").await[0], "reason"), reason);
    assert_eq!(text(&noted(&house, &north, "tenant.resume").await[0], "reason"), "Paid.");
    let of_platform = noted_by_platform(&house, "tenant.suspend").await;
    assert_eq!((of_platform.len(), text(&of_platform[0], "reason")), (1, reason));
    following.abort();
    working.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_is_refused_while_members_exist_and_removal_takes_the_name() {
    let house = House::open().await;
    let north = house.school("north").await;
    house.member(&north, "ada@north.example", "owner").await;
    house.member(&north, "bea@north.example", "admin").await;
    let office = Office::open(&house).await;
    let id = north.id.to_string();
    let delete = async |query: &str| {
        let tag = office.tag(&id).await;
        office.call("DELETE", &format!("{TENANTS}/{id}{query}")).header("if-match", &tag)
    };
    office.call("DELETE", &format!("{TENANTS}/{id}")).refused(428, "precondition_required").await;
    let refused = delete("").await.refused(409, "members_exist").await;
    assert!(text(&refused, "detail").starts_with("2 accounts"), "{refused}");
    delete("?confirm=south").await.refused(422, "validation_failed").await;
    delete("?grace_days=4000").await.refused(400, "query_invalid").await;
    office.ask(&id, "purge", json!({ "confirm": "north" })).refused(409, "tenant_state_conflict").await;
    assert_eq!(house.platform.tenancy.tenant(north.id).await.unwrap().workflow, None, "nothing was begun");
    let asked = delete("?confirm=north&grace_days=10&reason=Closed").await.expect(202).await;
    assert_eq!(office.watch(&asked).await["kind"], "delete");
    let shown = office.call("GET", &format!("{TENANTS}/{id}")).expect(200).await;
    assert_eq!(shown["status"], "deleted");
    assert!(shown["purge_after"].is_string());
    // Within the days of grace it comes back with everybody.
    let asked = office.ask(&id, "resume", json!({})).expect(202).await;
    office.watch(&asked).await;
    house.sign_in(Some(&north), "ada@north.example").await;
    let asked = delete("?confirm=north").await.expect(202).await;
    office.watch(&asked).await;
    office.ask(&id, "purge", json!({})).refused(422, "validation_failed").await;
    let wrong = office.ask(&id, "purge", json!({ "confirm": "North" })).refused(422, "validation_failed").await;
    assert_eq!(wrong["errors"][0]["code"], "confirm_mismatch");
    let asked = office.ask(&id, "purge", json!({ "confirm": "north", "reason": "In writing." })).expect(202).await;
    assert_eq!(office.watch(&asked).await["state"], "done");
    office.call("GET", &format!("{TENANTS}/{id}")).refused(404, "not_found").await;
    // A tenant without members goes without its name.
    let south = house.school("south").await;
    let tag = office.tag(&south.id.to_string()).await;
    office.call("DELETE", &format!("{TENANTS}/{}", south.id)).header("if-match", &tag).expect(202).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_own_limits_hold_at_once_and_for_nobody_else() {
    let house = House::open().await;
    let office = Office::open(&house).await;
    let (north, south) = (house.school("north").await, house.school("south").await);
    house.member(&north, "ada@north.example", "owner").await;
    house.member(&south, "eve@south.example", "owner").await;
    let ada = house.sign_in(Some(&north), "ada@north.example").await;
    let eve = house.sign_in(Some(&south), "eve@south.example").await;
    let path = format!("{TENANTS}/{}", north.id);
    let change = async |limits: Value| {
        let tag = office.tag(&north.id.to_string()).await;
        office.call("PATCH", &path).header("if-match", &tag).json(json!({ "limits": limits })).send().await
    };
    for (limits, code) in [
        (json!({ "reed": "1/1s" }), "unknown_limit"),
        (json!({ "read": "often" }), "rate_invalid"),
        (json!({ "read": 5 }), "wrong_type"),
    ] {
        let seen = change(limits).await;
        assert_eq!((seen.status, seen.body["errors"][0]["code"].as_str()), (422, Some(code)), "{}", seen.body);
    }
    assert_eq!(change(json!({ "read": "2/1h" })).await.body["limits"], json!({ "read": "2/1h" }));
    let look = |tenant, who: &Value| house.at(tenant, "GET", "/api/v1/tenant").token(text(who, "access_token")).send();
    let begun = Instant::now();
    let seen = loop {
        let seen = look(Some(&*north), &ada).await;
        if seen.status != 200 || begun.elapsed() > Duration::from_secs(5) {
            break seen;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!((seen.status, seen.header("ratelimit-policy")), (429, Some("\"read\";q=2;w=3600")), "{}", seen.body);
    assert_eq!(look(Some(&*south), &eve).await.status, 200);
    // Null takes it back, and the installation's holds.
    assert_eq!(change(json!({ "read": null })).await.body["limits"], json!({}));
    let begun = Instant::now();
    while look(Some(&*north), &ada).await.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(5), "the common limit does not come back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_export_the_platforms_log_and_that_is_noted() {
    let house = House::open().await;
    let office = Office::open(&house).await;
    let north = house.school("north").await;
    // An export is of what was done before it.
    house.pass(SignedDuration::from_secs(1));
    let path = format!("/api/v1/platform/audit/export?tenant_id={}", north.id);
    let seen = office.call("GET", &path).send().await;
    assert_eq!((seen.status, seen.header("content-type")), (200, Some("text/csv; charset=utf-8")));
    let lines: Vec<&str> = seen.text.lines().collect();
    assert!(lines[0].ends_with(",changes,tenant_id"), "{}", seen.text);
    assert!(lines[1..].iter().all(|line| line.ends_with(&north.id.to_string())) && lines.len() > 2, "{}", seen.text);
    house.pass(SignedDuration::from_secs(1));
    let all = office.call("GET", "/api/v1/platform/audit/export?format=ndjson").send().await;
    assert!(all.text.lines().any(|line| line.contains("\"audit.export\"")), "{}", all.text);
    let (_, viewer) = operator(&house, "vic@platform.example", "viewer").await;
    house.at(None, "GET", &path).token(&viewer).expect(200).await;
    house.member(&north, "ada@north.example", "owner").await;
    let ada = house.sign_in(Some(&north), "ada@north.example").await;
    house.at(None, "GET", &path).token(text(&ada, "access_token")).refused(404, "not_found").await;
}
