//! The example of a body made good for one place: ids of things that are there, and names that nobody has yet.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::ask::kind_of;

/// One thing of each kind of id.
pub(crate) type Things = BTreeMap<String, String>;

/// Fields whose values are given once in a tenant, or once at all.
const GIVEN_ONCE: [&str; 6] = ["sourced_id", "username", "slug", "key", "identifier", "email"];

/// The body, with the ids of `things`, none where there is nothing of the kind, and `number` in what must be new.
pub(crate) fn fill(example: &Value, things: &Things, number: u64) -> Value {
    match example {
        Value::String(text) => match kind_of(text) {
            Some(kind) => things.get(kind).map_or(Value::Null, |id| json!(id)),
            None => example.clone(),
        },
        Value::Array(items) => {
            let filled = items.iter().map(|item| (item, fill(item, things, number)));
            filled.filter(|(item, filled)| item.is_null() || !filled.is_null()).map(|(_, filled)| filled).collect()
        }
        Value::Object(fields) => {
            let fill = |name: &String, value: &Value| match value {
                Value::String(text) if GIVEN_ONCE.contains(&name.as_str()) && kind_of(text).is_none() => {
                    json!(new(text, number))
                }
                value => fill(value, things, number),
            };
            fields.iter().map(|(name, value)| (name.clone(), fill(name, value))).collect()
        }
        other => other.clone(),
    }
}

/// A name like this one that nobody has.
pub(crate) fn new(text: &str, number: u64) -> String {
    match text.split_once('@') {
        Some((name, domain)) => format!("{name}.{number}@{domain}"),
        None => format!("{text}-{number}"),
    }
}
