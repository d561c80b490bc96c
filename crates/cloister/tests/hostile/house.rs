//! The people of the house, and what every answer must be.

use std::net::SocketAddr;

use serde_json::json;

use crate::wire::{Answer, Heard, send};

/// Of everybody in the demonstration.
const PASSWORD: &str = "blue lanterns over quiet water";

/// Names of the neighbours, which no request that is sent to north ever says.
const NEIGHBOURS: &[&str] = &["Lakeside Academy", "Schule Seefeld", "Harbour Works", "Crane control"];

/// Words from the inside, which no answer holds.
const INSIDE: &[&str] = &[
    "panicked",
    "SQLSTATE",
    "syntax error",
    "tokio_postgres",
    "server closed the connection",
    "pg_catalog",
    "RUST_",
    ".rs:",
];

/// Who asks.
#[derive(Clone)]
pub(crate) struct House {
    pub(crate) address: SocketAddr,
    /// Of north's owner.
    pub(crate) owner: String,
    /// Of the operator.
    pub(crate) operator: String,
}

impl House {
    pub(crate) async fn enter(address: SocketAddr) -> Self {
        let owner = sign_in(address, "/t/north", "owner@north.example").await;
        let operator = sign_in(address, "", "operator@platform.example").await;
        Self { address, owner, operator }
    }

    /// Signs in anew: for after requests that end sessions.
    pub(crate) async fn owner_again(&mut self) {
        self.owner = sign_in(self.address, "/t/north", "owner@north.example").await;
    }

    pub(crate) async fn send(&self, bytes: impl AsRef<[u8]>) -> Heard {
        send(self.address, bytes.as_ref()).await
    }
}

/// An access token, by the way that people take.
pub(crate) async fn sign_in(address: SocketAddr, at: &str, email: &str) -> String {
    let body = json!({ "email": email, "password": PASSWORD }).to_string();
    let said = request("POST", &format!("{at}/api/v1/sessions"), "none", &[], Some(&body));
    let heard = send(address, said.as_bytes());
    let Heard::Answer(answer) = heard.await else { panic!("nobody can sign in") };
    answer.json()["access_token"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned()
}

/// A request as a well-behaved client writes it. `none` is nobody's token.
pub(crate) fn request(method: &str, path: &str, token: &str, headers: &[(&str, &str)], body: Option<&str>) -> String {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    if token != "none" {
        text += &format!("Authorization: Bearer {token}\r\n");
    }
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    if let Some(body) = body {
        text += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    } else {
        text += "\r\n";
    }
    text
}

/// What is wrong with an answer to somebody who means harm; nothing when it is a refusal, or an answer that is due.
pub(crate) fn fault(heard: &Heard) -> Option<String> {
    let Heard::Answer(answer) = heard else { return None };
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    if answer.status >= 500 {
        return Some(format!("a failure: {}", answer.text()));
    }
    if let Some(name) = NEIGHBOURS.iter().find(|name| text.contains(**name)) {
        return Some(format!("a neighbour's {name}: {text}"));
    }
    if answer.status < 400 {
        return None;
    }
    if let Some(word) = INSIDE.iter().find(|word| text.contains(**word)) {
        return Some(format!("{word} from the inside: {text}"));
    }
    if answer.header("x-injected").is_some() {
        return Some(format!("a header of the attacker's: {}", answer.text()));
    }
    (!is_refusal(answer)).then(|| format!("no clear refusal: {}", answer.text()))
}

/// A problem with a stable code; or, to what is no HTTP at all, a bare status.
fn is_refusal(answer: &Answer) -> bool {
    if answer.body.is_empty() {
        return matches!(answer.status, 400 | 431);
    }
    let code = answer.code();
    answer.header("content-type") == Some("application/problem+json")
        && code.len() > 2
        && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit())
        && answer.json()["status"] == answer.status
}

/// Faults found, each with what was sent: told together at the end.
#[derive(Default)]
pub(crate) struct Faults(Vec<String>);

impl Faults {
    /// Notes what is wrong with an answer.
    pub(crate) fn look(&mut self, what: &str, heard: &Heard) {
        if let Some(fault) = fault(heard) {
            self.0.push(format!("{what}: {}", fault.chars().take(600).collect::<String>()));
        }
    }

    /// The same, and it must be one of these, each as [`Heard::brief`] has it; joined by `|`.
    pub(crate) fn expect(&mut self, what: &str, heard: &Heard, expected: &str) {
        self.look(what, heard);
        if !expected.split('|').any(|one| one == heard.brief()) {
            self.0.push(format!("{what}: {} where {expected} would be right", heard.brief()));
        }
    }

    pub(crate) fn end(self) {
        let (count, shown) = (self.0.len(), self.0.iter().take(40).cloned().collect::<Vec<_>>().join("\n"));
        assert!(count == 0, "{count} faults\n{shown}");
    }
}
