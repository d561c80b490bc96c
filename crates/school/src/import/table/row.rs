//! What a row of a table says about a record, and what differs from the record that is there.

use serde_json::{Map, Value, json};

use super::{
    lookup::Lookup,
    mapping::{Binding, Origin, Plan, TableMapping},
    report::TableIssue,
    resource::{Beside, Field, Kind},
    sheet::{Cell, SheetRow},
    value,
};
use crate::import::{DayOrMonth, FieldChange, shown::cut};

/// What a row says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Said {
    /// Values by field; null for a field that is emptied. `id` is among them where there is a column for it.
    pub(super) fields: Map<String, Value>,
    /// One part each: what is said of its fields.
    pub(super) parts: Map<String, Value>,
    /// What is kept beside the record, and what is said of its fields; null for a field that is emptied.
    pub(super) beside: Map<String, Value>,
}

/// How cells are read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) plan: &'a Plan,
    pub(super) mapping: &'a TableMapping,
    pub(super) lookup: &'a Lookup,
    pub(super) order: Option<&'a DayOrMonth>,
}

impl Reading<'_> {
    /// Reads a row; all that is wrong with it where something is.
    pub(super) fn row(&self, row: &SheetRow, columns: usize) -> Result<Said, Vec<TableIssue>> {
        let (mut said, mut issues) = (Said::default(), Vec::new());
        if row.cells.iter().skip(columns).any(|cell| !cell.is_empty()) {
            let message = "This row has more cells than there are columns. Is a separator missing its quotes?";
            issues.push(TableIssue::error("row_too_long", None, None, message));
        }
        for binding in &self.plan.bindings {
            let cell = match &binding.origin {
                Origin::Column(at) => row.cells.get(*at).unwrap_or(&Cell::Empty),
                Origin::Constant(cell) => cell,
            };
            match self.cell(binding, cell) {
                Ok(Some(value)) => said.say(binding, value),
                Ok(None) if self.mapping.clear_empty && matches!(binding.origin, Origin::Column(_)) => {
                    said.clear(binding);
                }
                Ok(None) => {}
                Err((code, message)) => {
                    let typed = value::text(cell);
                    let typed = Some(typed.as_str()).filter(|typed| !typed.is_empty());
                    issues.push(TableIssue::error(code, Some(binding.called.clone()), typed, message));
                }
            }
        }
        if issues.is_empty() { Ok(said) } else { Err(issues) }
    }

    fn cell(&self, binding: &Binding, cell: &Cell) -> Result<Option<Value>, value::Fault> {
        let name = match &binding.part {
            Some(part) => format!("{}.{part}", binding.field),
            None => binding.field.clone(),
        };
        let typed = value::text(cell);
        let meant = self.mapping.words.get(&name).and_then(|words| words.get(&typed)).map(|word| Cell::text(word));
        let value = value::value(meant.as_ref().unwrap_or(cell), &binding.kind, self.order)?;
        let (Some(value), Some(by)) = (&value, &binding.by) else { return Ok(value) };
        let refer = |list: &str, typed: &Value| {
            self.lookup.refer(list, by, typed.as_str().unwrap_or_default()).map(Value::String)
        };
        match (&binding.kind, value) {
            (Kind::Reference(list), typed) => refer(list, typed).map(Some),
            (Kind::List(kind), Value::Array(items)) => match &**kind {
                Kind::Reference(list) => {
                    let ids = items.iter().map(|typed| refer(list, typed)).collect::<Result<Vec<_>, _>>();
                    ids.map(|ids| Some(Value::Array(ids)))
                }
                _ => Ok(Some(Value::Array(items.clone()))),
            },
            (_, value) => Ok(Some(value.clone())),
        }
    }
}

impl Said {
    fn say(&mut self, binding: &Binding, value: Value) {
        match &binding.part {
            None => drop(self.fields.insert(binding.field.clone(), value)),
            Some(part) => {
                let all = if binding.beside { &mut self.beside } else { &mut self.parts };
                let whole = all.entry(&binding.field).or_insert_with(|| json!({}));
                whole[part] = value;
            }
        }
    }

    fn clear(&mut self, binding: &Binding) {
        if binding.beside && binding.nullable {
            self.say(binding, Value::Null);
        }
        if binding.part.is_some() || binding.field == "id" {
            return;
        }
        let nothing = match &binding.kind {
            Kind::List(_) => json!([]),
            _ if binding.nullable => Value::Null,
            // What must have a value keeps the one it has.
            _ => return,
        };
        self.fields.insert(binding.field.clone(), nothing);
    }

    /// The body of a creation.
    pub(super) fn body(&self) -> Value {
        let mut body = self.fields.clone();
        body.remove("id");
        body.retain(|_, value| !value.is_null());
        for (field, part) in &self.parts {
            body.insert(field.clone(), json!([part]));
        }
        Value::Object(body)
    }

    /// What is to be changed in a record that is there: the patch, and the fields as they were.
    pub(super) fn differs(&self, record: &Value, active: bool) -> (Map<String, Value>, Map<String, Value>) {
        let (mut patch, mut before) = (Map::new(), Map::new());
        let mut change = |name: &str, value: Value| {
            before.insert(name.to_owned(), record[name].clone());
            patch.insert(name.to_owned(), value);
        };
        for (name, value) in &self.fields {
            if name != "id" && !same(value, &record[name]) {
                change(name, value.clone());
            }
        }
        // A row about a record that was deleted brings it back, unless it says otherwise.
        if !active && !self.fields.contains_key("status") {
            change("status", json!("active"));
        }
        for (name, part) in &self.parts {
            let there = record[name].as_array().cloned().unwrap_or_default();
            let wanted = part.as_object().into_iter().flatten();
            let has = |known: &Value| wanted.clone().all(|(field, value)| same(value, &known[field]));
            if !there.iter().any(has) {
                let mut all = there;
                all.push(part.clone());
                change(name, Value::Array(all));
            }
        }
        (patch, before)
    }
}

/// What is to be put beside a record in place of what is there; nothing where that is so already.
pub(super) fn put(said: &Value, there: &Value, beside: &Beside) -> Option<Value> {
    let said = said.as_object()?;
    let there = beside.inner(there);
    if said.iter().all(|(name, value)| same(value, &there[name])) {
        return None;
    }
    let value = |field: &Field| said.get(&field.name).unwrap_or(&there[&field.name]).clone();
    let all = beside.fields.iter().map(|field| (field.name.clone(), value(field)));
    Some(beside.outer(Value::Object(all.filter(|(_, value)| !value.is_null()).collect())))
}

impl Beside {
    /// The fields of what is there.
    pub(super) fn inner<'a>(&self, there: &'a Value) -> &'a Value {
        self.within.as_ref().map_or(there, |within| &there[within])
    }

    fn outer(&self, fields: Value) -> Value {
        match &self.within {
            Some(within) => json!({ within: fields }),
            None => fields,
        }
    }

    /// What was there, as it can be put again; none where nothing was.
    pub(super) fn before(&self, there: &Value) -> Option<Value> {
        let known = self.inner(there).as_object()?;
        let all = self.fields.iter().filter_map(|field| Some((field.name.clone(), known.get(&field.name)?.clone())));
        Some(self.outer(Value::Object(all.filter(|(_, value)| !value.is_null()).collect())))
    }
}

/// Numbers are compared as numbers: 1 and 1.0 are the same.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (one, other) => one == other,
    }
}

/// The fields of a patch one by one, as they were and as they become. Long values are cut.
pub(super) fn told(patch: &Map<String, Value>, before: &Map<String, Value>) -> Vec<FieldChange> {
    let change = |(name, after): (&String, &Value)| FieldChange {
        field: name.clone(),
        before: before.get(name).map(cut).unwrap_or_default(),
        after: cut(after),
    };
    patch.iter().map(change).collect()
}

/// What people know a record by.
pub(super) fn label(record: &Value) -> Option<String> {
    let text = |name: &str| record[name].as_str().filter(|text| !text.is_empty());
    if let (Some(given), Some(family)) = (text("given_name"), text("family_name")) {
        return Some(format!("{given} {family}"));
    }
    ["title", "name", "room_number", "short_name", "school_name", "date"].into_iter().find_map(text).map(str::to_owned)
}
