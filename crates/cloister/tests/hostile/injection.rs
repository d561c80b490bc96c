//! SQL and other languages in every place of the document that takes a text.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{
    bystander::Bystander,
    document::{self, Operation, with_text},
    house::{Faults, House, request},
    node::Node,
    snapshot::{self, Whose, same},
    wire::percent,
};

/// Texts that would be obeyed where a statement, a template or a path is glued together. One waits, which shows.
const TEXTS: &[&str] = &[
    "' OR '1'='1",
    "'; DROP TABLE person; --",
    "1); SELECT pg_sleep(20); --",
    "\\'; SET cloister.tenant_id = '00000000-0000-0000-0000-000000000000'; --",
    "%' UNION SELECT display_name FROM control.tenant --",
    "$1",
    "{{7*7}}${7*7}<script>alert(1)</script>",
    "../../../etc/passwd",
    "north\r\nX-Injected: 1",
];

/// Texts that a body may hold besides: what PostgreSQL cannot keep, and what turns writing round.
const BODY_TEXTS: &[&str] = &["'; DROP TABLE person; --", "\0", "\u{202e}\u{feff}\u{10ffff}", "=cmd|'/C calc'!A0"];

/// No answer takes as long as the statement that waits.
const PATIENCE: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn what_looks_like_a_statement_is_a_text_everywhere() {
    let mut node = Node::start("sql", UNLIMITED);
    let mut house = House::enter(node.address).await;
    let neighbours = snapshot::neighbours(&node.prefix, "north").await;
    let (before, all_before) =
        (snapshot::take(&node.prefix, &neighbours).await, snapshot::take(&node.prefix, &Whose::All).await);
    let bystander = Bystander::begin(node.address).await;
    let document = document::read();
    let operations = document::operations(&document);
    let mut faults = Faults::default();

    // In addresses and headers nothing of this is ever right: not even north's own rows change.
    for operation in &operations {
        for (what, text) in by_address(operation, &document, &house) {
            ask(&house, &operation.id, &what, &text, &mut faults).await;
        }
    }
    faults.end();
    same(&all_before, &snapshot::take(&node.prefix, &Whose::All).await, "texts in addresses and headers");
    house.owner_again().await;

    // In a body such a text may be somebody's name. It is kept as it is, or refused; what others have stays.
    let mut faults = Faults::default();
    let mut sent = 0;
    for operation in &operations {
        let Some(body) = &operation.body else { continue };
        let path = operation.path_of_nothing(&document);
        for text in BODY_TEXTS {
            for changed in with_text(body, text) {
                let token = token(operation, &house);
                let headers = [("If-Match", "\"v1\"")];
                let said = request(
                    &operation.method.to_uppercase(),
                    &at(operation, &path),
                    token,
                    &headers,
                    Some(&changed.to_string()),
                );
                ask(&house, &operation.id, &format!("a body with {text:?}: {changed}"), &said, &mut faults).await;
                sent += 1;
            }
        }
        if operation.path.contains("/sessions") || operation.path.contains("/account") {
            house.owner_again().await;
        }
    }
    faults.end();
    assert!(sent > 500, "{sent} bodies alone");
    // What was made is north's and the operator's own. What the neighbours have is as it was.
    same(&before, &snapshot::take(&node.prefix, &neighbours).await, "texts in bodies");
    bystander.end().await;
    node.is_unharmed();
    node.stop().await;
}

/// Settings of a node whose limits by rate are not what is looked at.
pub(crate) const UNLIMITED: &[(&str, &str)] = &[
    ("CLOISTER_HTTP_RATES_READ", "unlimited"),
    ("CLOISTER_HTTP_RATES_WRITE", "unlimited"),
    ("CLOISTER_HTTP_RATES_HEAVY", "unlimited"),
    ("CLOISTER_HTTP_RATES_SIGN_IN", "unlimited"),
    ("CLOISTER_HTTP_RATES_SIGN_UP", "unlimited"),
    ("CLOISTER_HTTP_RATES_NAME_CHECK", "unlimited"),
    ("CLOISTER_HTTP_RATES_VISITOR", "unlimited"),
    ("CLOISTER_HTTP_RATES_REFUSED", "unlimited"),
];

fn token<'a>(operation: &Operation, house: &'a House) -> &'a str {
    if operation.is_for_operators() { &house.operator } else { &house.owner }
}

fn at(operation: &Operation, path: &str) -> String {
    if operation.is_for_operators() { path.to_owned() } else { format!("/t/north{path}") }
}

/// Every place in the operation's address and headers, with every text.
fn by_address(operation: &Operation, document: &Value, house: &House) -> Vec<(String, String)> {
    let method = operation.method.to_uppercase();
    let body = operation.body.as_ref().map(|_| "{}");
    let usual = operation.path_of_nothing(document);
    let mut all = Vec::new();
    for text in TEXTS {
        let escaped = percent(text.as_bytes());
        let token = token(operation, house);
        let mut add = |what: String, path: &str, headers: &[(&str, &str)]| {
            all.push((what, request(&method, &at(operation, path), token, headers, body)));
        };
        if !operation.in_path.is_empty() {
            add(format!("a path with {text:?}"), &operation.path_with(&escaped), &[]);
        }
        for name in &operation.in_query {
            add(format!("{name}={text:?}"), &format!("{usual}?{name}={escaped}"), &[]);
        }
        // Line ends are another chapter's: here a header is one.
        let plain = text.replace("\r\n", " ");
        for name in &operation.in_header {
            add(format!("{name}: {plain:?}"), &usual, &[(name, &plain)]);
        }
    }
    all
}

async fn ask(house: &House, id: &str, what: &str, said: &str, faults: &mut Faults) {
    let asked = Instant::now();
    let heard = house.send(said).await;
    faults.look(&format!("{id}, {what}"), &heard);
    assert!(asked.elapsed() < PATIENCE, "{id}, {what}: somebody waited {:?}", asked.elapsed());
}
