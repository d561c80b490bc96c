//! What guardians and students see of each resource: all that is about their own, and nothing that is about anybody else.
//!
//! Every operation of the API document that makes something about a student is used once for each child: an own one, one who has
//! left, one whose data a court keeps from the guardian, one whose relation is over or has not begun, and somebody else's. Then a
//! guardian and two students ask every operation that reads. A new resource is in it at once; one of which nothing could be made,
//! or of which the rightful see nothing, fails the test.

use std::collections::BTreeMap;

use cloister_http::openapi;
use cloister_ids::{AccountId, SystemClock};
use cloister_tenancy::TenantEntry;
use cloister_testkit::{FrontDoor, Seen};
use serde_json::{Value, json};

use crate::{
    Office,
    house::{link, permissions, signed_in},
    http_modules, id,
    photos::png,
    unhurried_platform,
};

/// The children of a guardian and somebody else's: name, what the contact says, whether the guardian sees them today.
const CHILDREN: [(&str, &str, bool); 9] = [
    ("Own", r"{}", true),
    ("Left", r#"{"custody": "shared"}"#, true),
    ("Supervised", r#"{"custody": "restricted", "child_data_access": true}"#, true),
    ("Restricted", r#"{"custody": "restricted"}"#, false),
    ("Withheld", r#"{"custody": "full", "child_data_access": false}"#, false),
    ("Lost", r#"{"custody": "none"}"#, false),
    ("Over", r#"{"custody": "full", "begin_date": "2010-01-01", "end_date": "2020-01-01"}"#, false),
    ("Soon", r#"{"custody": "full", "begin_date": "2150-01-01"}"#, false),
    ("Other", "", false),
];

/// What is not made for each child here, and why.
const NOT_MADE: [(&str, &str); 4] = [
    ("/api/v1/contacts", "made by hand: they are what this is about"),
    ("/api/v1/person_merges", "makes one of two persons"),
    ("/api/v1/roster/imports", "brings in a whole roster"),
    ("/api/v1/meetings", "is about who teaches, and told to everybody"),
];

/// What is made about a child and not shown to whoever acts for it, or to the child: the list, to whom not, and why.
const NOT_SHOWN: [(&str, &[&str], &str); 2] = [
    (
        "/api/v1/staff_assignments",
        &["guardian", "student"],
        "posts are the office's; who teaches a class is seen there",
    ),
    ("/api/v1/contacts", &["student"], "who may see a child's data is between the school and the adults"),
];

/// Fields that say whom something is about.
const ABOUT: [&str; 2] = ["student_id", "person_id"];

/// Something that was made about a child.
struct Made {
    folder: String,
    child: &'static str,
    id: String,
}

/// An operation of the document.
struct Operation {
    method: String,
    path: String,
    queries: Vec<String>,
    example: Value,
}

fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(openapi(&http_modules())).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let queries = parameters.iter().filter(|one| one["in"] == "query");
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                queries: queries.map(|one| one["name"].as_str().unwrap().to_owned()).collect(),
                example: operation["requestBody"]["content"]["application/json"]["example"].clone(),
            });
        }
    }
    operations
}

fn kind(text: &str) -> Option<&str> {
    let (kind, rest) = text.split_once('_')?;
    (kind.len() == 3 && rest.len() == 26 && rest.bytes().all(|b| b.is_ascii_alphanumeric())).then_some(kind)
}

/// The example with ids of what there is, and names that nobody has yet.
fn fill(example: &Value, things: &BTreeMap<String, String>, number: usize) -> Value {
    match example {
        Value::String(text) => match kind(text) {
            Some(kind) => things.get(kind).map_or(Value::Null, |id| json!(id)),
            None => example.clone(),
        },
        Value::Array(items) => {
            items.iter().map(|item| fill(item, things, number)).filter(|one| !one.is_null()).collect()
        }
        Value::Object(fields) => {
            let filled = fields.iter().map(|(name, value)| {
                let value = match (name.as_str(), value.as_str()) {
                    ("supersedes_id" | "parent_id", _) => Value::Null,
                    ("sourced_id" | "username" | "name" | "short_name" | "room_number" | "identifier", Some(text)) => {
                        json!(format!("{text}{number}").to_lowercase())
                    }
                    _ => fill(value, things, number),
                };
                (name.clone(), value)
            });
            filled.collect()
        }
        other => other.clone(),
    }
}

/// Whether it says, at any depth, whom it is about.
fn is_about_somebody(example: &Value) -> bool {
    match example {
        Value::Object(fields) => fields.iter().any(|(name, value)| {
            ABOUT.contains(&name.as_str()) && value.as_str().and_then(kind) == Some("per") || is_about_somebody(value)
        }),
        Value::Array(items) => items.iter().any(is_about_somebody),
        _ => false,
    }
}

/// A school with these children and something of each kind about each of them.
struct School<'a> {
    office: Office<'a>,
    children: BTreeMap<&'static str, String>,
    guardian: Value,
    /// Another adult, who acts for the own child.
    second: Value,
    made: Vec<Made>,
    operations: Vec<Operation>,
}

impl<'a> School<'a> {
    async fn new(door: &'a FrontDoor, tenant: &'a TenantEntry) -> Self {
        let office = Office { door, tenant };
        let frame = office.frame().await;
        let guardian = office.person("Gus", "Adult").await;
        let second = office.person("Ines", "Adult").await;
        let mut things = BTreeMap::new();
        for thing in [&frame.school, &frame.term, &frame.course, &frame.class] {
            things.insert(kind(id(thing)).unwrap().to_owned(), id(thing).to_owned());
        }
        let mut school =
            Self { office, children: BTreeMap::new(), guardian, second, made: Vec::new(), operations: operations() };
        for (name, terms, _) in CHILDREN {
            let end = (name == "Left").then_some("2026-01-10");
            let role =
                json!([{"role": "student", "role_type": "primary", "org_id": frame.school["id"], "end_date": end}]);
            let body = json!({"given_name": name, "family_name": "Child", "roles": role});
            let child = school.office.make("persons", body).await;
            let place = json!({"class_id": frame.class["id"], "person_id": child["id"], "role": "student",
                "begin_date": "2025-09-01", "end_date": end});
            let place = school.office.make("enrollments", place).await;
            school.keep("/api/v1/enrollments", name, &place);
            school.children.insert(name, id(&child).to_owned());
            if let Ok(Value::Object(terms)) = serde_json::from_str(terms) {
                let mut contact =
                    json!({"student_id": child["id"], "contact_id": school.guardian["id"], "relation": "parent"});
                contact.as_object_mut().unwrap().extend(terms);
                let contact = school.office.make("contacts", contact).await;
                school.keep("/api/v1/contacts", name, &contact);
            }
        }
        school.furnish(things).await;
        let own =
            json!({"student_id": school.children["Own"], "contact_id": school.second["id"], "relation": "parent"});
        school.office.make("contacts", own).await;
        school
    }

    fn keep(&mut self, folder: &str, child: &'static str, made: &Value) {
        self.made.push(Made { folder: folder.to_owned(), child, id: id(made).to_owned() });
    }

    /// Makes what nobody is the subject of once, and everything else for each child, in whatever order they need each other.
    async fn furnish(&mut self, mut things: BTreeMap<String, String>) {
        let left_out = |path: &str| path.contains('{') || NOT_MADE.iter().any(|(folder, _)| *folder == path);
        let makers: Vec<(String, Value)> = (self.operations.iter())
            .filter(|one| one.method == "POST" && !left_out(&one.path) && !one.example.is_null())
            .filter(|one| !["/api/v1/enrollments", "/api/v1/persons"].contains(&one.path.as_str()))
            .map(|one| (one.path.clone(), one.example.clone()))
            .map(|(path, mut example)| {
                // One incident, in which each child has a part.
                if path == "/api/v1/discipline_incidents" {
                    example["participants"] = json!([]);
                }
                (path, example)
            })
            .collect();
        let mut wanted: Vec<(String, Value, Option<&'static str>)> = Vec::new();
        for (path, example) in makers {
            if is_about_somebody(&example) {
                wanted.extend(CHILDREN.iter().map(|(child, ..)| (path.clone(), example.clone(), Some(*child))));
            } else {
                wanted.push((path, example, None));
            }
        }
        let (mut number, mut refused) = (0, Vec::new());
        loop {
            let before = wanted.len();
            let mut still = Vec::new();
            refused.clear();
            for (path, example, child) in wanted {
                number += 1;
                let subject = child.map_or_else(|| id(&self.guardian).to_owned(), |child| self.children[child].clone());
                things.insert("per".to_owned(), subject);
                let body = fill(&example, &things, number);
                let seen = self.office.call("POST", path.trim_start_matches("/api/v1/")).json(body).send().await;
                if seen.status == 201 {
                    match child {
                        Some(child) => self.keep(&path, child, &seen.body),
                        None => {
                            drop(things.insert(kind(id(&seen.body)).unwrap().to_owned(), id(&seen.body).to_owned()));
                        }
                    }
                } else {
                    refused.push(format!("{path} for {child:?}: {}", seen.text));
                    still.push((path, example, child));
                }
            }
            wanted = still;
            if wanted.len() == before {
                break;
            }
        }
        refused.retain(|text| text.contains("Some("));
        assert!(refused.is_empty(), "not made: {}", refused.join("\n"));
        self.puts(&things).await;
    }

    /// What is a part of a child, such as demographics.
    async fn puts(&self, things: &BTreeMap<String, String>) {
        for operation in self.operations.iter().filter(|one| one.method == "PUT" && !one.example.is_null()) {
            let Some(part) = operation.path.strip_prefix("/api/v1/persons/{id}/") else { continue };
            // These are parts that were made with the child.
            if ["roles", "agents", "custom_values"].contains(&part) {
                continue;
            }
            for child in self.children.values() {
                let call = self.office.call("PUT", &format!("persons/{child}/{part}"));
                let seen = call.json(fill(&operation.example, things, 0)).send().await;
                assert!(seen.status < 300, "{part}: {}", seen.text);
            }
        }
        for child in self.children.values() {
            let call = self.office.call("PUT", &format!("persons/{child}/photo"));
            call.file("image/png", png(600, 800)).expect(200).await;
        }
    }
}

/// Somebody who asks, and whose data they may see.
struct Asker {
    who: &'static str,
    role: &'static str,
    token: String,
    own: Vec<&'static str>,
}

impl School<'_> {
    async fn ask(&self, asker: &Asker, path: &str) -> Seen {
        self.office.call("GET", path.trim_start_matches("/api/v1/")).token(&asker.token).send().await
    }

    /// Ids that must not be heard.
    fn foreign<'s>(&'s self, asker: &'s Asker) -> impl Iterator<Item = &'s str> {
        let children = self.children.iter().filter(|(name, _)| !asker.own.contains(name)).map(|(_, id)| id.as_str());
        let made = self.made.iter().filter(|made| !asker.own.contains(&made.child)).map(|made| made.id.as_str());
        children.chain(made).chain([id(&self.second)])
    }

    fn heard(&self, asker: &Asker, path: &str, seen: &Seen, faults: &mut Vec<String>) {
        // What was asked for may be said again.
        if let Some(word) = self.foreign(asker).find(|word| !path.contains(word) && seen.text.contains(word)) {
            let whose = self.children.iter().find(|(_, id)| id == &word).map(|(name, _)| *name);
            let whose = whose.or_else(|| self.made.iter().find(|made| made.id == word).map(|made| made.child));
            faults.push(format!("{} hears of {whose:?} by {path}: {}", asker.who, seen.text));
        }
    }

    /// Every list, whole and asked for each child.
    async fn lists(&self, asker: &Asker, faults: &mut Vec<String>) -> usize {
        let mut rightful = 0;
        for list in self.operations.iter().filter(|one| one.method == "GET" && !one.path.contains('{')) {
            if !list.queries.iter().any(|name| name == "cursor") {
                continue;
            }
            let path = format!("{}?limit=200", list.path);
            let seen = self.ask(asker, &path).await;
            self.heard(asker, &path, &seen, faults);
            for filter in list.queries.iter().filter(|name| ABOUT.contains(&name.as_str())) {
                for (child, of_child) in &self.children {
                    let path = format!("{path}&{filter}={of_child}");
                    let found = self.ask(asker, &path).await;
                    self.heard(asker, &path, &found, faults);
                    let items = found.body["items"].as_array().map_or(0, Vec::len);
                    if items > 0 && !asker.own.contains(child) && is_narrowed(&found.body, of_child) {
                        faults.push(format!("{} finds {child} by {path}: {}", asker.who, found.text));
                    }
                }
            }
            let not_shown = NOT_SHOWN.iter().any(|(path, to, _)| *path == list.path && to.contains(&asker.role));
            for made in self.made.iter().filter(|made| made.folder == list.path && asker.own.contains(&made.child)) {
                if not_shown {
                    if seen.text.contains(&made.id) {
                        faults.push(format!(
                            "{} finds {} in {path}: it is on the list of what is not shown",
                            asker.who, made.id
                        ));
                    }
                    continue;
                }
                rightful += 1;
                if !seen.text.contains(&made.id) {
                    faults.push(format!("{} does not find {} of {} in {path}", asker.who, made.id, made.child));
                }
                let path = format!("{}/{}", made.folder, made.id);
                let one = self.ask(asker, &path).await;
                if one.status != 200 {
                    faults
                        .push(format!("{} lists {path} of {} and cannot read it: {}", asker.who, made.child, one.text));
                }
            }
        }
        rightful
    }

    /// Everything that is about one thing, of each child.
    async fn ones(&self, asker: &Asker, faults: &mut Vec<String>) {
        for operation in self.operations.iter().filter(|one| one.method == "GET") {
            let Some((folder, rest)) = operation.path.split_once("/{id}") else { continue };
            if rest.contains('{') {
                continue;
            }
            let made = self.made.iter().filter(|made| made.folder == folder).map(|made| (made.child, made.id.as_str()));
            let persons = self.children.iter().filter(|_| folder == "/api/v1/persons");
            for (child, of) in made.chain(persons.map(|(name, id)| (*name, id.as_str()))) {
                let path = format!("{folder}/{of}{rest}");
                let seen = self.ask(asker, &path).await;
                self.heard(asker, &path, &seen, faults);
                if !asker.own.contains(&child) && seen.status != 404 {
                    faults.push(format!("{} asks for {path} of {child}: {}", asker.who, seen.text));
                }
                let shown = [String::new(), "/photo".to_owned()].map(|part| format!("/api/v1/persons/{of}{part}"));
                if asker.own.contains(&child) && shown.contains(&path) && seen.status != 200 {
                    faults.push(format!("{} may not see {path} of {child}: {}", asker.who, seen.text));
                }
            }
        }
    }
}

/// Whether items say that they are about this child: lists that everybody sees may be asked for what a child has to do with.
fn is_narrowed(body: &Value, child: &str) -> bool {
    let mut items = body["items"].as_array().into_iter().flatten();
    items.any(|item| ABOUT.iter().any(|field| item[field] == child) || item["id"] == child)
}

#[tokio::test(flavor = "multi_thread")]
async fn guardians_and_students_see_exactly_their_own_in_every_tier() {
    let (platform, door) = unhurried_platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let school = School::new(&door, &tenant).await;
        let mut askers = Vec::new();
        let guardian = CHILDREN.iter().filter(|(_, _, sees)| *sees).map(|(name, ..)| *name).collect();
        for (who, role, person, own) in [
            ("the guardian", "guardian", school.guardian.clone(), guardian),
            ("the student", "student", json!({"id": school.children["Own"]}), vec!["Own"]),
            ("the former student", "student", json!({"id": school.children["Left"]}), vec!["Left"]),
            ("the child of nobody here", "student", json!({"id": school.children["Other"]}), vec!["Other"]),
        ] {
            let account = AccountId::generate(&SystemClock);
            link(&platform, &tenant, &person, account).await;
            askers.push(Asker { who, role, token: signed_in(account, &tenant, &permissions(role)), own });
        }
        let mut faults = Vec::new();
        for made in &school.made {
            // It is there for whoever may see all.
            school.office.read(&format!("{}/{}", made.folder.trim_start_matches("/api/v1/"), made.id)).await;
        }
        for asker in &askers {
            let rightful = school.lists(asker, &mut faults).await;
            assert!(rightful >= 4 * asker.own.len(), "{} was shown {rightful} of their own", asker.who);
            school.ones(asker, &mut faults).await;
        }
        assert!(faults.is_empty(), "{}:\n{}", tenant.slug, faults.join("\n"));
    }
}
