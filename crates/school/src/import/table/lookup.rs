//! Records that are there, found by what a table says of them.

use std::collections::{BTreeSet, HashMap};

use axum::http::Method;
use cloister_http::Inside;
use cloister_tenancy::{OpContext, Result};
use serde_json::{Map, Value};

use super::{
    mapping::{Binding, Plan},
    resource::{Kind, Resource, Resources},
    sheet::refused,
};

/// Records of one list that are looked through.
const RECORDS: usize = 200_000;
/// Records of a page.
const PAGE: usize = 200;

/// What is kept of a record.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) id: String,
    pub(super) active: bool,
    fields: Map<String, Value>,
}

/// Lists as they were before the first row, and what the rows added.
pub(super) struct Lookup {
    lists: HashMap<String, List>,
}

#[derive(Default)]
struct List {
    wanted: BTreeSet<String>,
    records: Vec<Known>,
    /// By the fields and their values.
    indexes: HashMap<(Vec<String>, String), Vec<usize>>,
    keys: Vec<Vec<String>>,
}

/// Between the values of a key of several fields.
const BETWEEN: char = '\u{1f}';

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_lowercase(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The values of these fields as one text; none when one is missing.
pub(super) fn joined(fields: &Map<String, Value>, key: &[String]) -> Option<String> {
    let values: Vec<String> = key.iter().map(|name| fields.get(name).map(shown).unwrap_or_default()).collect();
    (!values.is_empty() && values.iter().all(|value| !value.is_empty())).then(|| values.join(&BETWEEN.to_string()))
}

impl List {
    fn add(&mut self, record: &Value, has_status: bool) {
        let Some(id) = record["id"].as_str() else { return };
        let fields = self.wanted.iter().map(|name| (name.clone(), record[name].clone())).collect();
        let known = Known { id: id.to_owned(), active: !has_status || record["status"] == "active", fields };
        let at = self.records.len();
        for key in &self.keys {
            if let Some(value) = joined(&known.fields, key) {
                self.indexes.entry((key.clone(), value)).or_default().push(at);
            }
        }
        self.records.push(known);
    }
}

impl Lookup {
    /// Reads what the plan needs to find.
    pub(super) async fn load(
        inside: &Inside,
        cx: &OpContext,
        resources: &Resources,
        resource: &Resource,
        plan: &Plan,
    ) -> Result<Self> {
        let mut lists: HashMap<String, List> = HashMap::new();
        let mut want = |list: &str, key: Vec<String>| {
            let list = lists.entry(list.to_owned()).or_default();
            list.wanted.extend(key.iter().cloned());
            if !list.keys.contains(&key) {
                list.keys.push(key);
            }
        };
        if !plan.key.is_empty() && !plan.is_by_id() {
            want(&resource.name, plan.key.clone());
        }
        for Binding { kind, by, .. } in &plan.bindings {
            let inner = match kind {
                Kind::List(kind) => kind,
                kind => kind,
            };
            if let (Kind::Reference(list), Some(by)) = (inner, by) {
                want(list, vec![by.clone()]);
            }
        }
        for (name, list) in &mut lists {
            let has_status = resources.get(name).is_some_and(|known| known.has_status);
            each(inside, cx, name, has_status, |record| list.add(record, has_status)).await?;
        }
        Ok(Self { lists })
    }

    /// Those of a list whose fields have these values.
    pub(super) fn find(&self, list: &str, key: &[String], value: &str) -> Vec<&Known> {
        let Some(list) = self.lists.get(list) else { return Vec::new() };
        let places = list.indexes.get(&(key.to_vec(), value.to_owned())).map(Vec::as_slice).unwrap_or_default();
        places.iter().map(|at| &list.records[*at]).collect()
    }

    /// The record that a reference means: by a field, one that counts.
    pub(super) fn refer(
        &self,
        list: &str,
        by: &str,
        typed: &str,
    ) -> std::result::Result<String, (&'static str, String)> {
        let found = self.find(list, &[by.to_owned()], &typed.trim().to_lowercase());
        let mut counting = found.iter().filter(|known| known.active);
        match (counting.next(), counting.next()) {
            (Some(one), None) => Ok(one.id.clone()),
            (None, _) => Err((
                "reference_unknown",
                format!("There is nothing in {list} with this {by}. Enter it first, or mend it here."),
            )),
            (Some(_), Some(_)) => Err((
                "reference_ambiguous",
                format!("Several in {list} have this {by}. Use something that only one has, such as its id."),
            )),
        }
    }

    /// Notes what a row made, for the rows behind it.
    pub(super) fn made(&mut self, resource: &Resource, record: &Value) {
        if let Some(list) = self.lists.get_mut(&resource.name) {
            list.add(record, resource.has_status);
        }
    }
}

/// Every record of a list, page by page.
pub(super) async fn each(
    inside: &Inside,
    cx: &OpContext,
    list: &str,
    has_status: bool,
    of: impl FnMut(&Value),
) -> Result<()> {
    if pages(inside, cx, (list, has_status), RECORDS / PAGE, of).await? {
        return Ok(());
    }
    let message = format!(
        "There are more than {RECORDS} {list}, too many to find one among. Refer to them by id, and bring new ones in without a key."
    );
    Err(refused("table_list_too_long", message))
}

/// The first so many pages of a list. Whether that is all of it.
pub(super) async fn pages(
    inside: &Inside,
    cx: &OpContext,
    (list, has_status): (&str, bool),
    most: usize,
    mut of: impl FnMut(&Value),
) -> Result<bool> {
    let status = if has_status { "&status=all" } else { "" };
    let mut cursor = String::new();
    for _ in 0..most {
        let path = format!("/{list}?limit={PAGE}{status}{cursor}");
        let page = inside.call(cx, Method::GET, &path, None, None).await?;
        page["items"].as_array().into_iter().flatten().for_each(&mut of);
        match page["next_cursor"].as_str() {
            // Cursors are made of letters that need no escape.
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(true),
        }
    }
    Ok(false)
}
