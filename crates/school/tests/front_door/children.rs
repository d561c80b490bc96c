//! A school with children for whom a guardian acts in different ways, and something of each kind about each of them.
//!
//! Every operation of the API document that makes something about a student is used once for each child: an own one, one who has
//! left, one whose data a court keeps from the guardian, one whose relation is over or has not begun, and somebody else's. A new
//! resource is in it at once; one of which nothing could be made fails the tests.

use std::collections::BTreeMap;

use cloister_http::openapi;
use cloister_tenancy::TenantEntry;
use cloister_testkit::FrontDoor;
use serde_json::{Value, json};

use crate::{Frame, Office, http_modules, id, photos::png};

/// The children of a guardian and somebody else's: name, what the contact says, whether the guardian sees them today.
pub(crate) const CHILDREN: [(&str, &str, bool); 9] = [
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

/// Fields that say whom something is about.
pub(crate) const ABOUT: [&str; 2] = ["student_id", "person_id"];

/// Something that was made about a child.
pub(crate) struct Made {
    pub(crate) folder: String,
    pub(crate) child: &'static str,
    pub(crate) id: String,
}

/// An operation of the document.
pub(crate) struct Operation {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) queries: Vec<String>,
    /// By what its list can be put in order.
    pub(crate) orders: Vec<String>,
    example: Value,
}

fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(openapi(&http_modules())).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let queries = || parameters.iter().filter(|one| one["in"] == "query");
            // A pattern such as `^-?(name|title)$`.
            let orders = queries().find(|one| one["name"] == "sort").map(|sort| {
                let words = sort["schema"]["pattern"].as_str().unwrap().trim_start_matches("^-?").trim_end_matches('$');
                words.trim_matches(['(', ')']).split('|').map(str::to_owned).collect()
            });
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                queries: queries().map(|one| one["name"].as_str().unwrap().to_owned()).collect(),
                orders: orders.unwrap_or_default(),
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
pub(crate) struct School<'a> {
    pub(crate) office: Office<'a>,
    pub(crate) frame: Frame,
    pub(crate) children: BTreeMap<&'static str, String>,
    pub(crate) guardian: Value,
    /// Another adult, who acts for the own child.
    pub(crate) second: Value,
    pub(crate) made: Vec<Made>,
    pub(crate) operations: Vec<Operation>,
}

impl<'a> School<'a> {
    pub(crate) async fn new(door: &'a FrontDoor, tenant: &'a TenantEntry) -> Self {
        let office = Office { door, tenant };
        let frame = office.frame().await;
        let guardian = office.person("Gus", "Adult").await;
        let second = office.person("Ines", "Adult").await;
        let mut things = BTreeMap::new();
        for thing in [&frame.school, &frame.term, &frame.course, &frame.class] {
            things.insert(kind(id(thing)).unwrap().to_owned(), id(thing).to_owned());
        }
        let (class, lindgren) = (frame.class["id"].clone(), frame.school["id"].clone());
        let mut school = Self {
            office,
            frame,
            children: BTreeMap::new(),
            guardian,
            second,
            made: Vec::new(),
            operations: operations(),
        };
        for (name, terms, _) in CHILDREN {
            let end = (name == "Left").then_some("2026-01-10");
            let role = json!([{"role": "student", "role_type": "primary", "org_id": lindgren, "end_date": end}]);
            let body = json!({"given_name": name, "family_name": "Child", "roles": role});
            let child = school.office.make("persons", body).await;
            let place = json!({"class_id": class, "person_id": child["id"], "role": "student",
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
