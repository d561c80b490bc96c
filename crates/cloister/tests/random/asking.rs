//! Everything that can be asked, from the API document: a new operation is asked without anybody remembering.

use std::collections::BTreeMap;

use cloister_tenancy::TenantEntry;
use cloister_testkit::{FrontDoor, Seen};
use serde_json::{Value, json};

/// Acts that would end the asking itself.
const LEFT_OUT: &[&str] = &["session_sign_out", "session_end_others", "password_change", "mfa_begin", "session_switch"];

/// The API document, which is checked against the program elsewhere.
fn document() -> Value {
    serde_json::from_str(include_str!("../../../../openapi/cloister.json")).unwrap()
}

/// Somebody signed in to a tenant.
pub(crate) struct Asker<'a> {
    pub(crate) door: &'a FrontDoor,
    pub(crate) tenant: &'a TenantEntry,
    pub(crate) token: &'a str,
}

/// An answer to a question, without what was said in the question.
#[derive(Debug)]
pub(crate) struct Heard {
    #[expect(dead_code, reason = "for whoever reads what a failure shows")]
    pub(crate) question: String,
    pub(crate) status: u16,
    pub(crate) text: String,
}

/// Ids, or names, by the path of the list they stand in.
pub(crate) type Ids = BTreeMap<String, Vec<String>>;

impl Asker<'_> {
    async fn ask(&self, method: &str, path: &str, body: Option<Value>, said: &[&str]) -> Heard {
        let host = format!("{}.localhost", self.tenant.slug);
        let mut call = self.door.call(method, path).header("host", &host).token(self.token);
        if method != "GET" {
            call = call.header("if-match", "\"v1\"");
        }
        if let Some(body) = body {
            call = call.json(body);
        }
        let Seen { status, headers, text, .. } = call.send().await;
        // What somebody says may be said back to them.
        let whole = said.iter().fold(format!("{headers:?} {text}"), |text, said| text.replace(said, ""));
        Heard { question: format!("{method} {path}"), status, text: whole }
    }

    /// What is in the lists of this tenant.
    pub(crate) async fn ids(&self) -> Ids {
        let mut found = Ids::new();
        for path in document()["paths"].as_object().unwrap().keys() {
            let Some((list, _)) = path.split_once("/{") else { continue };
            if found.contains_key(list) {
                continue;
            }
            let host = format!("{}.localhost", self.tenant.slug);
            let seen = self.door.call("GET", list).header("host", &host).token(self.token).send().await;
            let items = seen.body["items"].as_array().cloned().unwrap_or_default();
            let names =
                items.iter().filter_map(|item| item["id"].as_str().or(item["name"].as_str()).map(str::to_owned));
            found.insert(list.to_owned(), names.collect());
        }
        found
    }

    /// Asks everything: every list and record, with every filter, about its own ids and about `ids` of somebody else; and every
    /// act on the latter, which is to be refused. `words` are searched for: beginnings of what must not be found.
    pub(crate) async fn everything(&self, own: &Ids, foreign: &Ids, words: &[String]) -> Vec<Heard> {
        let mut heard = Vec::new();
        for path in ["/healthz", "/readyz", "/metrics", "/api/docs", "/api/v1/openapi.json", "/brand.css"] {
            heard.push(self.ask("GET", path, None, &[]).await);
        }
        for (path, item) in document()["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let name = operation["operationId"].as_str().unwrap_or_default();
                if !LEFT_OUT.contains(&name) {
                    self.operation(&method.to_uppercase(), path, operation, (own, foreign, words), &mut heard).await;
                }
            }
        }
        heard
    }

    async fn operation(
        &self,
        method: &str,
        path: &str,
        operation: &Value,
        (own, foreign, words): (&Ids, &Ids, &[String]),
        heard: &mut Vec<Heard>,
    ) {
        let example = &operation["requestBody"]["content"]["application/json"]["example"];
        let body = (!example.is_null()).then(|| with_ids(example, foreign));
        // Ids alone: to strike out whatever was said could strike out what must be heard.
        let body_says = body.iter().flat_map(texts).filter(|text| foreign.values().any(|ids| ids.contains(text)));
        let body_says: Vec<String> = body_says.collect();
        let paths: Vec<(String, Option<String>)> = match path.split_once("/{") {
            None => vec![(path.to_owned(), None)],
            Some((list, rest)) => {
                let (name, tail) = rest.split_once('}').unwrap_or_default();
                let kept_in = list_of(list, name);
                // Whatever else the path names, such as a day, is what the document shows.
                let tail = parameters(operation).fold(tail.to_owned(), |tail, parameter| {
                    let shown = parameter["example"].as_str().unwrap_or("nothing");
                    tail.replace(&format!("{{{}}}", parameter["name"].as_str().unwrap_or_default()), shown)
                });
                let of = |ids: &Ids| ids.get(&kept_in).cloned().unwrap_or_default();
                // Its own are only read: nothing may be missing when the next is asked.
                let ids = if method == "GET" { [of(own), of(foreign)].concat() } else { of(foreign) };
                let ids = if ids.is_empty() { vec!["nothing".to_owned()] } else { ids };
                ids.into_iter().map(|id| (format!("{list}/{id}{tail}"), Some(id))).collect()
            }
        };
        for (path, id) in paths {
            let mut said: Vec<&str> = body_says.iter().map(String::as_str).collect();
            said.extend(id.as_deref());
            heard.push(self.ask(method, &path, body.clone(), &said).await);
            if method != "GET" {
                continue;
            }
            for parameter in parameters(operation) {
                let Some(name) = parameter["name"].as_str().filter(|_| parameter["in"] == "query") else { continue };
                let ids = foreign.values().flatten().filter(|_| name.ends_with("id") && !words.is_empty());
                for word in words.iter().chain(ids) {
                    let mut said = said.clone();
                    said.extend(Some(word.as_str()).filter(|word| word.contains('_')));
                    heard.push(self.ask(method, &format!("{path}?{name}={word}"), None, &said).await);
                }
            }
        }
    }
}

fn parameters(operation: &Value) -> impl Iterator<Item = &Value> {
    operation["parameters"].as_array().into_iter().flatten()
}

/// The list in which a path's first parameter stands: the path's own, or that of another kind, such as of `class_id`.
fn list_of(own: &str, parameter: &str) -> String {
    let Some(kind) = parameter.strip_suffix("_id") else { return own.to_owned() };
    let reads = format!("{kind}_read");
    let document = document();
    let mut paths = document["paths"].as_object().unwrap().iter();
    let path = paths.find(|(_, item)| item["get"]["operationId"] == *reads).map(|(path, _)| path.as_str());
    path.and_then(|path| path.split_once("/{")).map_or(own, |(list, _)| list).to_owned()
}

/// An example in which every id is one of somebody else's, of the same kind where there is one.
fn with_ids(example: &Value, foreign: &Ids) -> Value {
    match example {
        Value::String(text) => {
            let kind = text.split_once('_').map_or("", |(kind, _)| kind);
            let of_kind = |id: &&String| id.split_once('_').is_some_and(|(of, _)| of == kind);
            let found = foreign.values().flatten().find(of_kind).filter(|id| id.len() == text.len());
            json!(found.unwrap_or(text))
        }
        Value::Array(items) => items.iter().map(|item| with_ids(item, foreign)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), with_ids(value, foreign))).collect())
        }
        other => other.clone(),
    }
}

/// Every text within a value.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}
