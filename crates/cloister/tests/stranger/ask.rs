//! A request that can be sent by anybody, from anywhere, and be made to ask for something that is nowhere.

use std::sync::Arc;

use bytes::Bytes;
use cloister_ids::{RequestId, SystemClock};
use cloister_testkit::{FrontDoor, Seen};
use serde_json::{Value, json};

use crate::document::Operation;

/// Where a request is sent, and what else names a tenant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    /// The host; the installation's own where there is none.
    pub(crate) host: Option<String>,
    /// Before the path: `/t/north`.
    pub(crate) prefix: String,
    /// `X-Tenant-ID`.
    pub(crate) header: Option<String>,
}

impl Place {
    /// The tenant's own host.
    pub(crate) fn host(slug: &str) -> Self {
        Self { host: Some(format!("{slug}.localhost")), ..Self::default() }
    }

    /// The same with the header.
    pub(crate) fn and_header(self, header: &str) -> Self {
        Self { header: Some(header.to_owned()), ..self }
    }

    /// The installation's own host, with the tenant in the path.
    pub(crate) fn path(slug: &str) -> Self {
        Self { prefix: format!("/t/{slug}"), ..Self::default() }
    }
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) operation: Arc<Operation>,
    /// Values of the parameters in the path, in its order.
    pub(crate) params: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
    /// In place of a body: a file, and its media type.
    pub(crate) file: Option<(&'static str, Bytes)>,
    /// Where its rightful sender sends it.
    pub(crate) place: Place,
}

/// A part of a request that points at something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Spot {
    Param(usize),
    Query(usize),
    /// A JSON pointer.
    Body(String),
}

/// The kind of an id: `per` of `per_01ke6j8km0fgz9t2jz5dy63s58`.
pub(crate) fn kind_of(text: &str) -> Option<&str> {
    let (kind, rest) = text.split_once('_')?;
    let is_id =
        kind.len() == 3 && rest.len() == 26 && rest.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
    is_id.then_some(kind)
}

/// An id of this kind that nothing has.
pub(crate) fn nowhere(kind: &str) -> String {
    format!("{kind}_{}", RequestId::generate(&SystemClock).bare())
}

/// Something of the same shape that means nothing: an id of the kind, or letters in place of letters.
pub(crate) fn shaped_like(text: &str) -> String {
    if let Some(kind) = kind_of(text) {
        return nowhere(kind);
    }
    let noise = RequestId::generate(&SystemClock).bare();
    // Its end is what is random.
    let mut noise = noise.bytes().rev().cycle().map(|b| char::from(b'a' + b % 26));
    text.chars().map(|c| if c.is_ascii_alphanumeric() { noise.next().unwrap() } else { c }).collect()
}

impl Ask {
    /// Its address, with path and query.
    pub(crate) fn address(&self) -> String {
        let mut path = self.operation.path.clone();
        for (name, value) in self.operation.names.iter().zip(&self.params) {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        for (at, (name, value)) in self.query.iter().enumerate() {
            path.push_str(if at == 0 { "?" } else { "&" });
            path.push_str(&format!("{name}={value}"));
        }
        path
    }

    /// Sends it with a token, to another place than its own where one is given.
    pub(crate) async fn send(&self, door: &FrontDoor, token: Option<&str>, place: Option<&Place>) -> Seen {
        let place = place.unwrap_or(&self.place);
        let path = format!("{}{}", place.prefix, self.address());
        let mut call = door.call(&self.operation.method, &path);
        call = call.header("host", place.host.as_deref().unwrap_or("localhost"));
        if let Some(tenant) = &place.header {
            call = call.header("x-tenant-id", tenant);
        }
        for (name, value) in &self.headers {
            call = call.header(name, value);
        }
        if let Some(token) = token {
            call = call.token(token);
        }
        if let Some(body) = &self.body {
            call = call.json(body.clone());
        }
        if let Some((media_type, file)) = &self.file {
            call = call.file(media_type, file.clone());
        }
        call.send().await
    }

    /// Everything in it that points at something: ids, and these words.
    pub(crate) fn spots(&self, words: &[String]) -> Vec<(Spot, String)> {
        let points = |text: &str| kind_of(text).is_some() || words.iter().any(|word| word == text);
        let mut spots = Vec::new();
        for (at, value) in self.params.iter().enumerate() {
            if points(value) {
                spots.push((Spot::Param(at), value.clone()));
            }
        }
        for (at, (_, value)) in self.query.iter().enumerate() {
            if points(value) {
                spots.push((Spot::Query(at), value.clone()));
            }
        }
        if let Some(body) = &self.body {
            walk(body, "", &mut |at, text| {
                if points(text) {
                    spots.push((Spot::Body(at.to_owned()), text.to_owned()));
                }
            });
        }
        spots
    }

    /// The same with another text at this spot.
    pub(crate) fn with(&self, spot: &Spot, text: &str) -> Self {
        let mut ask = self.clone();
        match spot {
            Spot::Param(at) => text.clone_into(&mut ask.params[*at]),
            Spot::Query(at) => text.clone_into(&mut ask.query[*at].1),
            Spot::Body(at) => *ask.body.as_mut().unwrap().pointer_mut(at).unwrap() = json!(text),
        }
        ask
    }

    /// The same, asked about things that are nowhere.
    pub(crate) fn about_nothing(&self, words: &[String]) -> Self {
        self.spots(words).iter().fold(self.clone(), |ask, (spot, text)| ask.with(spot, &shaped_like(text)))
    }

    /// It names something in its address.
    pub(crate) fn names_something(&self, words: &[String]) -> bool {
        self.spots(words).iter().any(|(spot, _)| !matches!(spot, Spot::Body(_)))
    }
}

/// Visits every text in a body, with its JSON pointer.
fn walk(value: &Value, at: &str, visit: &mut impl FnMut(&str, &str)) {
    match value {
        Value::String(text) => visit(at, text),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &format!("{at}/{index}"), visit);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                walk(field, &format!("{at}/{name}"), visit);
            }
        }
        _ => {}
    }
}
