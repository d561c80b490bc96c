//! Examples of what changes, for people who look before they agree.

use std::collections::HashMap;

use cloister_tenancy::{
    Result, TenantTx,
    sql::{Parameters, Row},
};
use serde::Serialize;
use serde_json::Value;

use super::store::{Entity, class, person};
use crate::oneroster::File;

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is new.
    Created,
    /// It differs, or counts again.
    Changed,
    /// It is marked as deleted.
    Removed,
}

/// A record that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// What becomes of it.
    pub change: Change,
    /// Its name in the system that feeds it.
    pub sourced_id: Option<String>,
    /// What people know it by: a name or a title.
    pub label: Option<String>,
    /// Of one that differs: in what.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
}

/// A field that differs. Of demographics it is told which, and not what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// Its name, as in the API.
    pub field: String,
    /// What it was.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub before: Value,
    /// What it becomes.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub after: Value,
}

/// The first `count` of each kind of change among the records of a file.
pub(super) async fn examples(tx: &mut TenantTx, entity: &Entity, count: u16) -> Result<Vec<Example>> {
    let count = i64::from(count);
    let with: &Parameters<'_> = &[&count];
    let mut examples: Vec<Example> =
        tx.query(entity.image.examples, with).await?.iter().map(|row| example(row, entity)).collect();
    let (parts, statement) = match entity.file {
        File::Classes => ("terms", &class::term::SHOWN),
        File::Users => ("agents", &person::agent::SHOWN),
        _ => return Ok(examples),
    };
    // Its parts lie in tables of their own. They may be all that differs, and are told of whatever else does.
    let changed = examples.iter().filter(|example| example.change == Change::Changed);
    let changed: Vec<&str> = changed.filter_map(|example| example.sourced_id.as_deref()).collect();
    let rows = tx.query(statement, &[&changed]).await?;
    let shown: HashMap<&str, (Value, Value)> = rows
        .iter()
        .map(|row| {
            let ids = |name: &str| Value::from(row.get::<_, Vec<String>>(name));
            (row.get("sourced_id"), (ids("before"), ids("after")))
        })
        .collect();
    for example in examples.iter_mut().filter(|example| example.change == Change::Changed) {
        let both = example.sourced_id.as_deref().and_then(|id| shown.get(id));
        if let Some((before, after)) = both.filter(|(before, after)| before != after) {
            let (before, after) = (before.clone(), after.clone());
            example.fields.push(FieldChange { field: parts.to_owned(), before, after });
        }
    }
    Ok(examples)
}

fn example(row: &Row, entity: &Entity) -> Example {
    let change = match row.get::<_, &str>("what") {
        "created" => Change::Created,
        "changed" => Change::Changed,
        _ => Change::Removed,
    };
    let (before, after): (Option<Value>, Option<Value>) = (row.get("before"), row.get("after"));
    let shown = after.as_ref().or(before.as_ref());
    Example {
        change,
        sourced_id: row.get("sourced_id"),
        label: shown.and_then(label),
        fields: match (&before, &after) {
            (Some(before), Some(after)) => differences(before, after, entity),
            _ => Vec::new(),
        },
    }
}

fn label(record: &Value) -> Option<String> {
    let text = |name: &str| record[name].as_str();
    let whole = text("name").or(text("title")).map(str::to_owned);
    whole.or_else(|| Some(format!("{} {}", text("given_name")?, text("family_name")?)))
}

fn differences(before: &Value, after: &Value, entity: &Entity) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    let shows = entity.file != File::Demographics;
    let mut differs = |field: &str, before: &Value, after: &Value| {
        let told = |value: &Value| if shows { value.clone() } else { Value::Null };
        changes.push(FieldChange { field: field.to_owned(), before: told(before), after: told(after) });
    };
    // What is written is active, and kept by imports.
    for (field, becomes) in [("status", "active"), ("source", "import")] {
        if before[field] != becomes {
            differs(field, &before[field], &Value::from(becomes));
        }
    }
    let own = entity.image.fields.iter().filter(|field| !field.ends_with("_search"));
    for field in own.copied().chain(["metadata"]) {
        if before[field] != after[field] {
            differs(field, &before[field], &after[field]);
        }
    }
    changes
}
