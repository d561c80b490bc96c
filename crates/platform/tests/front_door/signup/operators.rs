//! What operators see and mend: a tenant that could not be made is tried again, or given up.

use cloister_platform::signup::SignupSettings;
use cloister_testkit::Call;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};

use super::{at_work, mails, offering, sign_up, status, steps, until, wish};
use crate::fixture::{House, by, person, text};

/// A house whose new tenants are to be where no cluster is.
async fn nowhere() -> House {
    offering(SignupSettings { region: "nowhere".to_owned(), ..SignupSettings::default() }).await
}

async fn operator(house: &House, role: &str) -> String {
    let email = format!("{role}@platform.example");
    house.service.make_operator(&person(&email), role, &by()).await.unwrap();
    text(&house.sign_in(None, &email).await, "access_token").to_owned()
}

fn act(house: &House, signup: &Value, what: &str) -> Call {
    let path = format!("/api/v1/platform/signups/{}/{what}", text(signup, "id"));
    house.at(None, "POST", &path).json(json!({ "reason": "A test." }))
}

async fn execute(house: &House, text: &str) {
    let control = house.platform.admin(&format!("{}_control", house.platform.prefix)).await;
    control.batch_execute(text).await.unwrap();
}

async fn failed(house: &House, slug: &str) -> Value {
    let created = sign_up(house, wish(slug, &format!("head@{slug}.example"))).expect(202).await;
    let now = until(house, &created, |now| now["failed"] == true).await;
    assert_eq!(steps(&now)[0], "place failed");
    assert_eq!((&now["ready"], text(&now, "state")), (&json!(false), "unverified"));
    assert!(text(&now, "message").contains("We are looking at it"), "{now:#}");
    assert!(!now.to_string().contains("nowhere"), "the person is not told what happens inside: {now:#}");
    created
}

#[tokio::test]
async fn a_failed_tenant_is_seen_and_tried_again() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let house = nowhere().await;
    let _working = at_work(&house);
    let created = failed(&house, "north").await;
    let support = operator(&house, "support").await;
    let list = async |query: &str| {
        let path = format!("/api/v1/platform/signups{query}");
        house.at(None, "GET", &path).token(&support).expect(200).await["items"].as_array().unwrap().clone()
    };
    let seen = list("?failed=true").await;
    assert_eq!((seen.len(), &seen[0]["id"], text(&seen[0], "tenant_status")), (1, &created["id"], "failed"));
    assert!(text(&seen[0], "error").contains("nowhere"), "{:#}", seen[0]);
    assert!(list("?failed=false").await.is_empty() && list("?state=verified").await.is_empty());

    let service = house.service.clone();
    let following = tokio::spawn(async move { service.follow().await });
    let shown = async |line: &str| {
        for _ in 0..100 {
            if metrics.render().contains(line) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("no {line} in {}", metrics.render());
    };
    shown("cloister_signups_failed 1").await;
    following.abort();

    execute(&house, "update control.tenant set region = 'local' where slug = 'north'").await;
    let retry = || act(&house, &created, "retry").token(&support).header("idempotency-key", "once");
    let answer = retry().expect(202).await;
    assert_eq!((&answer["failed"], text(&answer, "tenant_status")), (&json!(false), "preparing"));
    let now = until(&house, &created, |now| now["ready"] == true).await;
    assert_eq!(now["message"], Value::Null);
    assert_eq!(retry().expect(202).await, answer, "the same answer for the same key");
    act(&house, &created, "retry").token(&support).refused(409, "nothing_failed").await;
    act(&house, &created, "abandon").token(&support).refused(409, "nothing_failed").await;
    let service = house.service.clone();
    let following = tokio::spawn(async move { service.follow().await });
    shown("cloister_signups_failed 0").await;
    following.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hopeless_one_is_given_up_and_its_name_is_free_again() {
    let house = nowhere().await;
    let _working = at_work(&house);
    let created = failed(&house, "north").await;
    let admin = operator(&house, "admin").await;
    let answer = act(&house, &created, "abandon").token(&admin).expect(202).await;
    assert_eq!(text(&answer, "state"), "abandoned");
    let now = status(&house, &created).await;
    assert_eq!((text(&now, "state"), &now["failed"], &now["needs"]), ("abandoned", &json!(true), &Value::Null));
    for _ in 0..200 {
        if house.at(None, "GET", "/api/v1/slugs/north").expect(200).await["available"] == true {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    let code = mails(&house, "head@north.example").await;
    assert!(code.is_empty(), "the mail went with the tenant");
    assert_eq!(text(&status(&house, &created).await, "state"), "abandoned");
    sign_up(&house, wish("north", "again@north.example")).expect(202).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_operators_see_them_and_only_some_mend_them() {
    let house = nowhere().await;
    let _working = at_work(&house);
    let created = failed(&house, "north").await;
    let south = house.school("south").await;
    house.member(&south, "ada@south.example", "owner").await;
    let (inside, outside) =
        (house.sign_in(Some(&south), "ada@south.example").await, house.sign_in(None, "ada@south.example").await);
    let viewer = operator(&house, "viewer").await;
    let list = || house.at(None, "GET", "/api/v1/platform/signups");
    list().refused(401, "unauthenticated").await;
    for token in [text(&inside, "access_token"), text(&outside, "access_token")] {
        list().token(token).refused(404, "not_found").await;
        act(&house, &created, "retry").token(token).refused(404, "not_found").await;
        act(&house, &created, "abandon").token(token).refused(404, "not_found").await;
    }
    list().token(&viewer).expect(200).await;
    act(&house, &created, "retry").token(&viewer).refused(403, "permission_denied").await;
    act(&house, &created, "abandon").token(&viewer).refused(403, "permission_denied").await;
    let admin = operator(&house, "admin").await;
    let nobody = json!({ "id": "sup_01jd4kqvm6e8x9t3c5z7b2n0fa" });
    act(&house, &nobody, "retry").token(&admin).refused(404, "not_found").await;
}
