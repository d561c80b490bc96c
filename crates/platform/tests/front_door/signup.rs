//! Signing up: from a stranger's wish to an owner who is signed in.

mod operators;
mod refusals;
mod walk;

use std::{future::pending, time::Duration};

use cloister_http::EdgeSettings;
use cloister_platform::{
    PlatformSettings,
    mail::{Mail, Outbox, Selection},
    signup::SignupSettings,
};
use cloister_tenancy::{Actor, jobs::WorkSettings};
use cloister_testkit::{Call, Seen};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::fixture::{House, PASSWORD, text};

/// A house where strangers may sign up for this.
async fn offering(signups: SignupSettings) -> House {
    House::open_with(PlatformSettings { signups, ..PlatformSettings::default() }, EdgeSettings::default()).await
}

/// What a node does beside the requests, until dropped.
fn at_work(house: &House) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let tenancy = house.platform.tenancy.clone();
    tasks.spawn(async move { tenancy.work(WorkSettings::default(), pending()).await.unwrap() });
    let tenancy = house.platform.tenancy.clone();
    tasks.spawn(async move {
        loop {
            tenancy.tend_workflows().await.unwrap();
            let beat = tokio::time::sleep(Duration::from_millis(500));
            tokio::select! {
                () = beat => {}
                () = tenancy.workflow_recorded() => {}
            }
        }
    });
    tasks
}

fn wish(slug: &str, email: &str) -> Value {
    json!({ "name": "North High School", "slug": slug, "email": email })
}

fn sign_up(house: &House, body: Value) -> Call {
    house.at(None, "POST", "/api/v1/signups").json(body)
}

fn verify(house: &House, body: Value) -> Call {
    house.at(None, "POST", "/api/v1/signups/verify").json(body)
}

fn with_password(token: &str) -> Value {
    json!({ "token": token, "display_name": "Ada North", "password": PASSWORD })
}

async fn status(house: &House, created: &Value) -> Value {
    house.at(None, "GET", text(created, "status_url")).expect(200).await
}

/// Waits until something holds of a sign-up.
async fn until(house: &House, created: &Value, holds: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..400 {
        let now = status(house, created).await;
        if holds(&now) {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("waited in vain: {:#}", status(house, created).await);
}

async fn mails(house: &House, to: &str) -> Vec<Mail> {
    let all = Selection { state: None, tenant: None, oldest_first: false, after: None, limit: 100 };
    let mails = Outbox::of(&house.service).list(all).await.unwrap();
    mails.into_iter().filter(|mail| mail.recipient == to).collect()
}

/// The token of the latest mail to this address.
async fn token(house: &House, to: &str) -> String {
    let mail = mails(house, to).await.into_iter().next().unwrap_or_else(|| panic!("no mail to {to}"));
    let by = Actor::Operator("test".into());
    let body = Outbox::of(&house.service).read(mail.id, &by).await.unwrap().text.unwrap();
    let link = "http://localhost:8080/confirm-sign-up#token=";
    let at = body.find(link).unwrap_or_else(|| panic!("{body}"));
    body[at + link.len()..].chars().take(43).collect()
}

/// Name and state of each step.
fn steps(status: &Value) -> Vec<String> {
    let steps = status["steps"].as_array().unwrap_or_else(|| panic!("no steps in {status}"));
    steps.iter().map(|step| format!("{} {}", text(step, "name"), text(step, "state"))).collect()
}

/// Which fields are at fault, with their codes.
fn faults(body: &Value) -> Vec<(&str, &str)> {
    let errors = body["errors"].as_array().unwrap_or_else(|| panic!("no errors in {body}"));
    errors.iter().map(|error| (text(error, "field"), text(error, "code"))).collect()
}

fn assert_status(seen: &Seen, status: u16) {
    assert_eq!(seen.status, status, "{}", seen.body);
}
