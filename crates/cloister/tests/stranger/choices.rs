//! What a list may be asked for: its orders, its filters, and values for them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    ask::kind_of,
    document::{Operation, Query},
};

/// Values of one filter that are looked through for one that finds something.
const MOST_VALUES: usize = 40;
/// What a list is known to have, and what is known to be in the tenant.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) items: Vec<Value>,
    pub(crate) ids: BTreeSet<String>,
}

/// The words for its orders.
pub(crate) fn sorts(operation: &Operation) -> Vec<String> {
    let sort = operation.queries.iter().find(|query| query.name == "sort");
    let pattern = sort.and_then(|sort| sort.schema["pattern"].as_str()).unwrap_or_default();
    let words = pattern.trim_start_matches("^-?").trim_end_matches('$').trim_matches(['(', ')']);
    assert!(!words.is_empty(), "{} is a list without orders", operation.id);
    words.split('|').map(str::to_owned).collect()
}

pub(crate) fn filters(operation: &Operation) -> impl Iterator<Item = &Query> {
    operation.queries.iter().filter(|query| !["sort", "limit", "cursor"].contains(&query.name.as_str()))
}

/// What a filter may be asked for: what is in the list, words of the document, ids of what there is.
pub(crate) fn values(operation: &Operation, query: &Query, known: &Known) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |value: &Value| match value {
        Value::String(text) => found.push(text.clone()),
        Value::Number(number) => found.push(number.to_string()),
        _ => {}
    };
    let singular = |field: &str| field.strip_suffix('s').is_some_and(|one| one == query.name);
    for item in &known.items {
        for (field, value) in item.as_object().into_iter().flatten() {
            match value {
                Value::Array(values) if singular(field) => values.iter().for_each(|value| {
                    // Roles of a person have names.
                    add(value);
                    add(&value["role"]);
                }),
                value if *field == query.name => add(value),
                _ => {}
            }
        }
    }
    if query.name == "q" {
        for field in ["family_name", "title", "name", "display_name", "slug", "room_number"] {
            let texts = known.items.iter().filter_map(|item| item[field].as_str());
            found.extend(texts.map(|text| text.chars().take_while(char::is_ascii_alphanumeric).take(3).collect()));
        }
    }
    query.schema["enum"].as_array().into_iter().flatten().for_each(|word| {
        found.extend(word.as_str().map(str::to_owned));
    });
    found.extend(query.example.as_str().map(str::to_owned));
    found.extend(query.example.as_i64().map(|number| number.to_string()));
    match (query.schema["format"].as_str(), query.schema["type"].as_str()) {
        (Some("date"), _) => found.push("2026-01-15".to_owned()),
        (Some("date-time"), _) if query.name == "from" => found.push("2020-01-01T00:00:00Z".to_owned()),
        (Some("date-time"), _) => found.push("2100-01-01T00:00:00Z".to_owned()),
        (_, Some("boolean")) => found.extend(["true", "false"].map(str::to_owned)),
        _ => {}
    }
    let kind = operation.filters.iter().find(|(name, _)| *name == query.name).map(|(_, kind)| kind.as_str());
    if query.name.ends_with("id") {
        found.extend(known.ids.iter().filter(|id| kind.is_none_or(|kind| kind_of(id) == Some(kind))).cloned());
    }
    found.retain(|value| !value.is_empty());
    let mut seen = BTreeSet::new();
    found.retain(|value| seen.insert(value.clone()));
    found.truncate(MOST_VALUES);
    found
}
