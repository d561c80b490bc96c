//! Which column is taken for which field: what was asked for, and what its name suggests.

use std::collections::BTreeMap;

use cloister_tenancy::Result;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    report::TableIssue,
    resource::{Beside, Field, Kind, Resource, Resources},
    sheet::{Cell, Sheet, refused},
};
use crate::{import::shown::cut_to, search_key};

/// How a table is read. All of it may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TableMapping {
    /// What columns are taken for, by their names in the file: `given_name`; `school_id:name` for a school that is found by its
    /// name; `roles.role` for a part; null to leave one out. A column that is not named here is taken for what its name suggests.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, Option<String>>,
    /// Values that every row has, by field.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub constants: BTreeMap<String, String>,
    /// The fields by which a row finds the record that it is about. Without one, every row makes a record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Vec<String>>,
    /// What is written in the file, and what it means, by field.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub words: BTreeMap<String, BTreeMap<String, String>>,
    /// An empty cell empties the field. Without it, an empty cell says nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub clear_empty: bool,
    /// The sheet of a workbook; the first where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
}

/// Fields by which a record is found again where nothing else is said, the best first.
const KEYS: &[&str] = &["id", "sourced_id", "identifier", "username", "course_code", "class_code"];

/// Names of columns that are told where another was meant.
const TOLD: usize = 10;
/// Characters of each.
const TOLD_LETTERS: usize = 40;

/// Names that people give to columns, in normal form, and what they mean where there is such a field.
const SYNONYMS: &[(&str, &str)] = &[
    ("first_name", "given_name"),
    ("firstname", "given_name"),
    ("forename", "given_name"),
    ("vorname", "given_name"),
    ("prenom", "given_name"),
    ("nombre", "given_name"),
    ("last_name", "family_name"),
    ("lastname", "family_name"),
    ("surname", "family_name"),
    ("nachname", "family_name"),
    ("familienname", "family_name"),
    ("nom", "family_name"),
    ("apellidos", "family_name"),
    ("e_mail", "email"),
    ("mail", "email"),
    ("email_address", "email"),
    ("telephone", "phone"),
    ("telefon", "phone"),
    ("mobile", "sms"),
    ("handy", "sms"),
    ("student_number", "identifier"),
    ("student_no", "identifier"),
    ("schulernummer", "identifier"),
    ("number", "identifier"),
    ("grade", "grades"),
    ("room", "room_number"),
    ("raum", "room_number"),
    ("start", "begin_date"),
    ("from", "begin_date"),
    ("until", "end_date"),
    ("datum", "date"),
    ("date_of_birth", "birth_date"),
    ("birthday", "birth_date"),
    ("dob", "birth_date"),
    ("geburtsdatum", "birth_date"),
    ("geschlecht", "sex"),
    ("gender", "sex"),
    ("titel", "title"),
];

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Origin {
    Column(usize),
    Constant(Cell),
}

/// A column, or a constant, and the field it is taken for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Binding {
    pub(super) origin: Origin,
    /// What it is called in the report.
    pub(super) called: String,
    pub(super) field: String,
    /// Of a part: which field of it.
    pub(super) part: Option<String>,
    /// The part is one of what is kept beside the record.
    pub(super) beside: bool,
    pub(super) kind: Kind,
    /// Of a reference: by what its record is found.
    pub(super) by: Option<String>,
    pub(super) nullable: bool,
}

/// How the rows of a table become records.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) bindings: Vec<Binding>,
    /// The field `id` may be among them, which is no field of a creation.
    pub(super) key: Vec<String>,
    /// Columns and what they were taken for.
    pub(super) taken: Vec<(String, Option<String>)>,
    pub(super) issues: Vec<TableIssue>,
}

/// A name in normal form: letters and digits, with one underscore between words.
fn normal(name: &str) -> String {
    let plain = search_key::of(&name.replace(['_', '-', '.', '/', '('], " "));
    plain.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
}

/// What a column's name suggests.
pub(super) fn suggestion(resources: &Resources, resource: &Resource, header: &str) -> Option<String> {
    if header.trim() == "id" {
        return Some("id".to_owned());
    }
    if let Some(target) = written_out(resources, resource, header.trim()) {
        return Some(target);
    }
    // A table of ours has the names of fields: what is there to be read only, or looks different in a list, is left out.
    let field = |name: &str| resource.fields.iter().find(|field| field.name == name);
    let name = normal(header);
    if let Some(known) = field(&name) {
        let shown = resource.listed.iter().find(|listed| listed.name == name);
        let same = shown.is_none_or(|shown| shown.kind == known.kind || matches!(known.kind, Kind::Json));
        return (same && !matches!(known.kind, Kind::Parts(_))).then_some(name);
    }
    if resource.listed.iter().any(|listed| listed.name == name) {
        return None;
    }
    let synonym = SYNONYMS.iter().find(|(known, to)| *known == name && field(to).is_some());
    if let Some((_, to)) = synonym {
        return Some((*to).to_owned());
    }
    let known = SYNONYMS.iter().find(|(known, _)| *known == name).map_or(name.as_str(), |(_, to)| to);
    for Beside { name: beside, fields, .. } in &resource.beside {
        if fields.iter().any(|field| field.name == known && field.name != "metadata") {
            return Some(format!("{beside}.{known}"));
        }
    }
    let day = format!("{name}_date");
    if field(&day).is_some() {
        return Some(day);
    }
    references(resources, resource, &name)
}

/// A column may be headed by what it is to be taken for: `roles.role`, `roles.org_id:name`.
fn written_out(resources: &Resources, resource: &Resource, header: &str) -> Option<String> {
    let (path, by) = header.split_once(':').map_or((header, None), |(path, by)| (path, Some(by)));
    if !path.contains('.') && by.is_none() {
        return None;
    }
    let all = resources.shown(resource);
    let field = all.iter().find(|field| field.name == path)?;
    by.is_none_or(|by| field.found_by.iter().any(|known| known == by)).then(|| header.to_owned())
}

/// `school`, `school_name` and `class_code` suggest records of other lists.
fn references(resources: &Resources, resource: &Resource, name: &str) -> Option<String> {
    for field in &resource.fields {
        let Kind::Reference(list) = &field.kind else { continue };
        let base = field.name.trim_end_matches("_id");
        let by = resources.found_by(list);
        if let Some(by) = by.iter().find(|by| name == format!("{base}_{by}") || (name == **by && by.starts_with(base)))
        {
            return Some(format!("{}:{by}", field.name));
        }
        if name == base {
            let usual = ["name", "title", "identifier", "sourced_id"];
            return usual
                .iter()
                .find(|usual| by.iter().any(|by| by == *usual))
                .map(|by| format!("{}:{by}", field.name));
        }
    }
    None
}

/// Takes the columns of a table for fields.
pub(super) fn plan(resources: &Resources, resource: &Resource, mapping: &TableMapping, sheet: &Sheet) -> Result<Plan> {
    if let Some(unknown) = mapping.columns.keys().find(|name| !sheet.headers.contains(name)) {
        // A few: where the first row is one of records, they are what is written there of somebody.
        let named = sheet.headers.iter().filter(|name| !name.is_empty());
        let told: Vec<String> = named.clone().take(TOLD).map(|name| cut_to(name, TOLD_LETTERS)).collect();
        let more = if named.count() > TOLD { " and more" } else { "" };
        let unknown = cut_to(unknown, TOLD_LETTERS);
        let message = format!("There is no column {unknown:?} in this table. It has: {}{more}.", told.join(", "));
        return Err(refused("table_column_unknown", message));
    }
    let mut plan = Plan { bindings: Vec::new(), key: Vec::new(), taken: Vec::new(), issues: Vec::new() };
    for (at, header) in sheet.headers.iter().enumerate().filter(|(_, header)| !header.is_empty()) {
        let target = match mapping.columns.get(header) {
            Some(target) => target.clone(),
            None => {
                let target = suggestion(resources, resource, header).filter(|target| {
                    // What is said is worth more than what is guessed.
                    let field = target.split(':').next().unwrap_or_default();
                    let said = mapping.columns.values().flatten().chain(mapping.constants.keys());
                    !said.into_iter().any(|said| said.split(':').next() == Some(field))
                });
                let ours = resource.listed.iter().any(|listed| listed.name == *header);
                if target.is_none() && !ours {
                    let message = "This column is taken for no field, and was left out.".to_owned();
                    plan.issues.push(TableIssue::warning("column_left_out", 1, Some(header.clone()), message));
                }
                target
            }
        };
        plan.taken.push((header.clone(), target.clone()));
        if let Some(target) = target {
            plan.bind(resources, resource, &target, Origin::Column(at), header)?;
        }
    }
    for (target, value) in &mapping.constants {
        plan.bind(resources, resource, target, Origin::Constant(Cell::text(value)), target)?;
    }
    if plan.bindings.is_empty() {
        let message = format!("No column of this table is taken for a field of {}. Say which is which.", resource.name);
        return Err(refused("table_nothing_mapped", message));
    }
    plan.choose_key(resource, mapping.key.as_deref())?;
    Ok(plan)
}

impl Plan {
    /// A row names its record itself, so nothing has to be looked for.
    pub(super) fn is_by_id(&self) -> bool {
        self.key == ["id"]
    }

    fn bind(
        &mut self,
        resources: &Resources,
        resource: &Resource,
        target: &str,
        origin: Origin,
        called: &str,
    ) -> Result<()> {
        let (path, by) = target.split_once(':').map_or((target, None), |(path, by)| (path, Some(by.to_owned())));
        let (name, part) = path.split_once('.').map_or((path, None), |(name, part)| (name, Some(part.to_owned())));
        if self.bindings.iter().any(|known| known.field == name && known.part == part) {
            let message = format!("More than one column is taken for {path}. Choose one of them.");
            return Err(refused("table_field_repeated", message));
        }
        let beside = resource.beside.iter().find(|known| known.name == name);
        let (kind, nullable) = if path == "id" {
            (Kind::Text, false)
        } else {
            let field = resource.fields.iter().find(|field| field.name == name);
            let field = match (field, &part) {
                (Some(Field { kind: Kind::Parts(parts), .. }), Some(part)) => {
                    parts.iter().find(|known| known.name == *part)
                }
                (Some(field), None) => Some(field),
                _ => beside.and_then(|known| known.fields.iter().find(|field| Some(&field.name) == part.as_ref())),
            };
            let Some(field) = field else {
                let known: Vec<String> = resources.shown(resource).into_iter().map(|field| field.name).collect();
                let message = format!("{} have no field {path:?}. They have: {}.", resource.name, known.join(", "));
                return Err(refused("table_field_unknown", message));
            };
            (field.kind.clone(), field.nullable)
        };
        if let Some(by) = &by {
            let list = match &kind {
                Kind::Reference(list) => Some(list),
                Kind::List(kind) => match &**kind {
                    Kind::Reference(list) => Some(list),
                    _ => None,
                },
                _ => None,
            };
            let found_by = list.map(|list| resources.found_by(list)).unwrap_or_default();
            if !found_by.contains(by) {
                let message = if found_by.is_empty() {
                    format!("{path} is no reference to another record: leave out what is behind the colon.")
                } else {
                    format!("{path} can be found by: {}.", found_by.join(", "))
                };
                return Err(refused("table_reference_unknown", message));
            }
        }
        let field = name.to_owned();
        let beside = beside.is_some();
        self.bindings.push(Binding { origin, called: called.to_owned(), field, part, beside, kind, by, nullable });
        Ok(())
    }

    fn choose_key(&mut self, resource: &Resource, wanted: Option<&[String]>) -> Result<()> {
        let bound = |name: &str| self.bindings.iter().any(|known| known.field == name && known.part.is_none());
        let listed = |name: &str| name == "id" || resource.listed.iter().any(|field| field.name == name);
        let key: Vec<String> = match wanted {
            Some(wanted) => wanted.to_vec(),
            None => KEYS
                .iter()
                .find(|name| bound(name) && listed(name))
                .map(|name| vec![(*name).to_owned()])
                .unwrap_or_default(),
        };
        if let Some(unknown) = key.iter().find(|name| !bound(name) || !listed(name)) {
            let message = format!(
                "Records cannot be found by {unknown:?}: no column is taken for it, or the list does not show it."
            );
            return Err(refused("table_key_unknown", message));
        }
        if key.is_empty() && wanted.is_none() {
            let message = "No column tells which record a row is about, so every row makes a new one. Bring the table in once only, or \
                           name a key.";
            self.issues.push(TableIssue::warning("key_missing", 1, None, message.to_owned()));
        }
        self.key = key;
        Ok(())
    }
}
