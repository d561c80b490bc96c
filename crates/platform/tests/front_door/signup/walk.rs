//! The way in: asked for, watched, confirmed, entered.

use std::time::{Duration, Instant};

use cloister_http::{ServerLimits, serve};
use cloister_platform::signup;
use cloister_tenancy::Tier;
use cloister_testkit::{document_faults, operator};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::{
    assert_status, at_work, mails, offering, sign_up, status, steps, token, until, verify, wish, with_password,
};
use crate::fixture::{House, text};

/// Reads events over a socket until the stream ends.
async fn watch(house: &House, path: &str) -> Vec<Value> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let door = house.door.clone();
    let serving = tokio::spawn(async move {
        serve(listener, door.router(), door.edge(), ServerLimits::default(), std::future::pending()).await
    });
    let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut events = Vec::new();
    let mut lines = stream.lines();
    let read = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some(data) = line.strip_prefix("data: ") {
                events.push(serde_json::from_str(data).unwrap());
            } else if line.starts_with("HTTP/1.1") {
                assert!(line.starts_with("HTTP/1.1 200 "), "{line}");
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), read).await.unwrap();
    serving.abort();
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_becomes_an_owner() {
    let house = House::open().await;
    // The first of everything prepares statements.
    sign_up(&house, wish("warm", "warm@north.example")).expect(202).await;
    let began = Instant::now();
    let seen = sign_up(&house, wish("north", "head@north.example")).send().await;
    let took = began.elapsed();
    assert_status(&seen, 202);
    assert!(took < Duration::from_millis(500), "{took:?}");
    let created = seen.body.clone();
    let url = text(&created, "status_url");
    assert_eq!(seen.header("location"), Some(url));
    assert_eq!(url.rsplit('/').next().unwrap().len(), 22, "{url}");
    assert_eq!(created["tenant"], json!({ "slug": "north", "address": "http://north.localhost:8080" }));

    let before = status(&house, &created).await;
    assert_eq!(
        (text(&before, "state"), &before["ready"], text(&before, "needs")),
        ("unverified", &json!(false), "verify_email")
    );
    assert_eq!(
        steps(&before),
        [
            "place running",
            "prepare waiting",
            "open waiting",
            "seed waiting",
            "activate waiting",
            "verify_email waiting"
        ]
    );
    let watching = {
        let (house, path) = (&house, format!("{url}/events"));
        async move { watch(house, &path).await }
    };
    let working = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        at_work(&house)
    };
    let (events, _working) = tokio::join!(watching, working);
    assert!(events.len() >= 2, "{events:#?}");
    assert_eq!(steps(&events[0]), steps(&before));
    let last = events.last().unwrap();
    assert_eq!((&last["ready"], &last["failed"], text(last, "needs")), (&json!(true), &json!(false), "verify_email"));
    assert_eq!(
        steps(last),
        ["place done", "prepare done", "open done", "seed done", "activate done", "verify_email waiting"]
    );
    assert!(last["steps"][0]["at"].is_string(), "{last:#}");

    let written = mails(&house, "head@north.example").await;
    assert_eq!(written.iter().map(|mail| mail.template.as_str()).collect::<Vec<_>>(), ["signup_verify"]);
    let token = token(&house, "head@north.example").await;
    let confirmed = verify(&house, with_password(&token)).expect(200).await;
    assert_eq!(confirmed["id"], created["id"]);
    let after = status(&house, &created).await;
    assert_eq!((text(&after, "state"), &after["needs"]), ("verified", &Value::Null));
    assert_eq!(steps(&after).last().unwrap(), "verify_email done");

    house.platform.tenancy.refresh_registry().await.unwrap();
    let north = house.platform.tenancy.registry().by_slug("north").unwrap();
    let signed_in = house.sign_in(Some(&north), "head@north.example").await;
    assert_eq!(signed_in["account"]["id"], confirmed["account_id"]);
    assert_eq!((&signed_in["tenant"]["slug"], &signed_in["tenant"]["roles"]), (&json!("north"), &json!(["owner"])));
    let account = house.at(Some(&north), "GET", "/api/v1/account").token(text(&signed_in, "access_token"));
    assert!(account.expect(200).await["email_verified_at"].is_string());
    assert_noted(&house, &north).await;
}

/// Both audit logs have it: the platform's at once, the tenant's by a job.
async fn assert_noted(house: &House, tenant: &cloister_tenancy::TenantEntry) {
    let control = house.platform.admin(&format!("{}_control", house.platform.prefix)).await;
    let actions = "select action from control.audit where tenant_id = $1 and action <> 'mail.read' order by action";
    let rows = control.query(actions, &[&tenant.id.uuid()]).await.unwrap();
    let actions: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(actions, ["signup.create", "signup.verify", "tenant.activate", "tenant.create"]);
    let shared = house.platform.admin(&format!("{}_shared", house.platform.prefix)).await;
    let own = "select count(*) from cloister.audit where tenant_id = $1 and action = 'signup.verify'";
    for _ in 0..200 {
        if shared.query_one(own, &[&tenant.id.uuid()]).await.unwrap().get::<_, i64>(0) == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the tenant's own audit log does not have it");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_an_account_gets_the_same_answer_and_signs_in_to_confirm() {
    let house = House::open().await;
    let south = house.school("south").await;
    let ada = house.member(&south, "ada@south.example", "admin").await;
    house.member(&south, "eve@south.example", "admin").await;
    let known = sign_up(&house, wish("north", " Ada@south.example")).send().await;
    let unknown = sign_up(&house, wish("north-2", "new@south.example")).send().await;
    assert_status(&known, 202);
    let shape = |seen: &cloister_testkit::Seen| seen.body.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!((known.status, shape(&known)), (unknown.status, shape(&unknown)));
    assert_eq!(steps(&status(&house, &known.body).await), steps(&status(&house, &unknown.body).await));
    assert_eq!(mails(&house, "Ada@south.example").await[0].template, "signup_existing");

    let token = token(&house, "Ada@south.example").await;
    verify(&house, with_password(&token)).refused(401, "sign_in_to_confirm").await;
    let eve = house.sign_in(None, "eve@south.example").await;
    let other = verify(&house, json!({ "token": token })).token(text(&eve, "access_token"));
    other.refused(401, "sign_in_to_confirm").await;
    verify(&house, json!({ "token": token })).token("nonsense").refused(401, "sign_in_to_confirm").await;
    let own = house.sign_in(None, "ada@south.example").await;
    let confirmed = verify(&house, json!({ "token": token })).token(text(&own, "access_token")).expect(200).await;
    assert_eq!(text(&confirmed, "account_id"), ada.to_string());
    // The password is the one from before.
    let _working = at_work(&house);
    until(&house, &known.body, |now| now["ready"] == true).await;
    house.platform.tenancy.refresh_registry().await.unwrap();
    let north = house.platform.tenancy.registry().by_slug("north").unwrap();
    let signed_in = house.sign_in(Some(&north), "ada@south.example").await;
    assert_eq!(signed_in["tenants"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_makes_no_difference_to_the_work_that_is_done() {
    let house = House::open().await;
    let south = house.school("south").await;
    house.member(&south, "ada@south.example", "admin").await;
    let proxy = house.platform.proxy(Duration::from_millis(1)).await;
    let (_, door) = house.node_through(&proxy).await;
    let mut trips = Vec::new();
    for (slug, email) in [
        ("warm-1", "ada@south.example"),
        ("warm-2", "new@south.example"),
        ("north-1", "ada@south.example"),
        ("north-2", "new@south.example"),
    ] {
        proxy.take_bursts();
        let call = door.call("POST", "/api/v1/signups").header("host", "localhost").json(wish(slug, email));
        call.expect(202).await;
        trips.push(proxy.take_bursts());
    }
    assert_eq!(trips[2], trips[3], "{trips:?}");
    assert!(trips[2] <= 12, "{trips:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_another_tier_nothing_is_made_before_the_address_is_confirmed() {
    let settings = signup::SignupSettings { tiers: vec![Tier::Shared, Tier::Schema], ..Default::default() };
    let house = offering(settings).await;
    let _working = at_work(&house);
    let mut body = wish("north", "head@north.example");
    body["tier"] = json!("schema");
    let created = sign_up(&house, body).expect(202).await;
    // Whoever else asks finds the name taken.
    sign_up(&house, wish("north", "other@north.example")).refused(409, "slug_taken").await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    let before = status(&house, &created).await;
    assert_eq!(
        steps(&before),
        [
            "verify_email waiting",
            "place waiting",
            "prepare waiting",
            "open waiting",
            "seed waiting",
            "activate waiting"
        ]
    );
    let control = house.platform.admin(&format!("{}_control", house.platform.prefix)).await;
    let workflows = "select count(*) from control.workflow";
    assert_eq!(control.query_one(workflows, &[]).await.unwrap().get::<_, i64>(0), 0);
    let token = token(&house, "head@north.example").await;
    verify(&house, with_password(&token)).expect(200).await;
    let after = until(&house, &created, |now| now["ready"] == true).await;
    assert!(steps(&after).iter().all(|step| step.ends_with(" done")), "{after:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_confirms_is_removed_and_its_name_is_free_again() {
    let settings = signup::SignupSettings { tiers: vec![Tier::Shared, Tier::Schema], ..Default::default() };
    let house = offering(settings).await;
    let tenancy = &house.platform.tenancy;
    let mut reserved = wish("south", "head@south.example");
    reserved["tier"] = json!("schema");
    let reserved = sign_up(&house, reserved).expect(202).await;
    let (made, kept) = {
        let _working = at_work(&house);
        let made = sign_up(&house, wish("north", "head@north.example")).expect(202).await;
        let kept = sign_up(&house, wish("west", "head@west.example")).expect(202).await;
        until(&house, &made, |now| now["ready"] == true).await;
        let token = token(&house, "head@west.example").await;
        verify(&house, with_password(&token)).expect(200).await;
        until(&house, &kept, |now| now["ready"] == true).await;
        (made, kept)
    };
    let late = token(&house, "head@north.example").await;
    house.service.schedule_upkeep().await.unwrap();
    house.pass(SignedDuration::from_hours(6 * 24));
    let _working = at_work(&house);
    tenancy.keep_schedule().await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(text(&status(&house, &made).await, "state"), "unverified", "six days are not seven");
    house.pass(SignedDuration::from_hours(24));
    // Before the job comes round it is over already.
    assert_eq!(text(&status(&house, &made).await, "state"), "expired");
    verify(&house, with_password(&late)).refused(400, "link_over").await;
    tenancy.keep_schedule().await.unwrap();
    let is_free = async |slug: &str| {
        let check = house.at(None, "GET", &format!("/api/v1/slugs/{slug}")).expect(200).await;
        check["available"] == true
    };
    for slug in ["north", "south"] {
        let mut rounds = 0;
        while !is_free(slug).await {
            rounds += 1;
            assert!(rounds < 400, "{slug} is still taken");
            tenancy.purge_due().await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    for over in [&made, &reserved] {
        let now = status(&house, over).await;
        assert_eq!((text(&now, "state"), &now["ready"], &now["needs"]), ("expired", &json!(false), &Value::Null));
    }
    assert_eq!(text(&status(&house, &kept).await, "state"), "verified");
    assert!(!is_free("west").await);
    sign_up(&house, wish("north", "again@north.example")).expect(202).await;
    // A month later nobody knows of it any more.
    house.pass(SignedDuration::from_hours(31 * 24));
    tenancy.keep_schedule().await.unwrap();
    for _ in 0..200 {
        if house.at(None, "GET", text(&made, "status_url")).send().await.status == 404 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it is still remembered");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_told_how_ones_own_tenant_stands_in_whatever_state_it_is() {
    let house = House::open().await;
    let created = sign_up(&house, wish("north", "head@north.example")).expect(202).await;
    let token = token(&house, "head@north.example").await;
    verify(&house, with_password(&token)).expect(200).await;
    house.platform.tenancy.refresh_registry().await.unwrap();
    let north = house.platform.tenancy.registry().by_slug("north").unwrap();
    let own = house.sign_in(None, "head@north.example").await;
    let own = text(&own, "access_token");
    let ask = || house.at(Some(&north), "GET", "/api/v1/tenant/status");
    let now = ask().token(own).expect(200).await;
    assert_eq!((text(&now, "status"), &now["ready"]), ("pending", &json!(false)));
    assert_eq!(steps(&now)[0], "place running");
    house.at(Some(&north), "GET", "/api/v1/account").token(own).refused(503, "tenant_not_ready").await;
    let by_header = house.at(None, "GET", "/api/v1/tenant/status").token(own);
    by_header.clone().header("x-tenant-id", "north").expect(200).await;
    by_header.refused(400, "tenant_required").await;

    let _working = at_work(&house);
    until(&house, &created, |now| now["ready"] == true).await;
    operator::suspend(&house.platform.tenancy, north.id).await;
    let now = ask().token(own).expect(200).await;
    assert_eq!((text(&now, "status"), &now["ready"]), ("suspended", &json!(false)));

    let south = house.school("south").await;
    house.member(&south, "eve@south.example", "admin").await;
    let eve = house.sign_in(None, "eve@south.example").await;
    ask().token(text(&eve, "access_token")).refused(404, "not_found").await;
    ask().refused(401, "unauthenticated").await;
    operator::delete(&house.platform.tenancy, north.id).await;
    ask().token(own).refused(404, "tenant_unknown").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_routes_are_described() {
    let modules: Vec<std::sync::Arc<dyn cloister_http::HttpModule>> =
        vec![std::sync::Arc::new(cloister_platform::Platform::new())];
    let document = serde_json::to_value(cloister_http::openapi(&modules)).unwrap();
    let own: Vec<String> = document_faults(&document)
        .into_iter()
        .filter(|fault| ["(signup_", "(slug_", "(tenant_status"].iter().any(|id| fault.contains(id)))
        .collect();
    assert_eq!(own, Vec::<String>::new());
}
