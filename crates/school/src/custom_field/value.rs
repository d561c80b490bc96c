//! Values of custom fields: what one record has in them. They are read and replaced together, and their version is the record's.

use std::collections::BTreeMap;

use cloister_http::{IfMatch, Versioned};
use cloister_ids::{ClassId, CourseId, CustomFieldId, OrgId, PersonId, Uuid};
use cloister_tenancy::{Action, Error, FieldError, OpContext, Resource, Result, Tenancy};
use garde::Validate;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::value_store as store;
use crate::{
    listing::Position,
    rules::{clean, plausible},
    scope::authorize_change,
    search_key,
    vocabulary::{CustomResource, CustomType},
};

/// What permissions are about. Apart from the records, because what a school writes down in fields of its own may be for fewer.
pub const CUSTOM_VALUE: Resource = Resource { module: crate::MODULE, name: "custom_value" };

/// Characters of a text.
const LONGEST: usize = 2000;
/// Fields of one kind of record that can be given at once.
const MOST: usize = 500;

/// Whose values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Person(PersonId),
    Org(OrgId),
    Course(CourseId),
    Class(ClassId),
}

impl Owner {
    pub(super) fn uuid(self) -> Uuid {
        match self {
            Self::Person(id) => id.uuid(),
            Self::Org(id) => id.uuid(),
            Self::Course(id) => id.uuid(),
            Self::Class(id) => id.uuid(),
        }
    }

    pub(super) fn resource(self) -> CustomResource {
        match self {
            Self::Person(_) => CustomResource::PERSON,
            Self::Org(_) => CustomResource::ORG,
            Self::Course(_) => CustomResource::COURSE,
            Self::Class(_) => CustomResource::CLASS,
        }
    }

    /// As texts name it.
    pub(super) fn text(resource: &str, id: Uuid) -> String {
        match resource {
            "person" => PersonId::from_uuid(id).to_string(),
            "org" => OrgId::from_uuid(id).to_string(),
            "course" => CourseId::from_uuid(id).to_string(),
            _ => ClassId::from_uuid(id).to_string(),
        }
    }
}

/// The custom values of a record.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CustomValues {
    /// Of the record; the ETag.
    #[schema(example = 1)]
    pub version: i64,
    /// By the names of their fields: texts, numbers, days, or true and false.
    #[schema(value_type = Object)]
    pub values: BTreeMap<String, Value>,
}

impl Versioned for CustomValues {
    fn version(&self) -> i64 {
        self.version
    }
}

/// The custom values that a record shall have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WantedValues {
    /// All of them by the names of their fields.
    #[garde(skip)]
    #[schema(value_type = Object)]
    pub(super) values: Map<String, Value>,
}

/// A record that has a value in a searchable field.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct CustomMatch {
    /// Which record.
    #[schema(example = "per_01jd4kqvm6e8x9t3c5z7b2n0fa")]
    pub(super) record_id: String,
    /// Its value.
    #[schema(example = "North")]
    pub(super) value: String,
}

/// What values must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) id: CustomFieldId,
    pub(super) name: String,
    pub(super) kind: CustomType,
    pub(super) choices: Vec<String>,
    pub(super) required: bool,
    pub(super) searchable: bool,
}

/// A value as it is kept: one of the four is there.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Kept {
    pub(super) text: Option<String>,
    pub(super) number: Option<f64>,
    pub(super) date: Option<Date>,
    pub(super) boolean: Option<bool>,
    pub(super) search: Option<String>,
}

impl Kept {
    pub(super) fn value(self) -> Value {
        match self {
            Self { text: Some(text), .. } => json!(text),
            Self { number: Some(number), .. } => json!(number),
            Self { date: Some(date), .. } => json!(date),
            Self { boolean, .. } => json!(boolean),
        }
    }
}

impl Field {
    /// The value as it is kept, or what would be right.
    fn keep(&self, value: &Value) -> std::result::Result<Kept, (&'static str, String)> {
        let wrong = |what: &str| ("type_mismatch", format!("Use {what}."));
        let text = || value.as_str().ok_or_else(|| wrong("a text"));
        let mut kept = Kept::default();
        if self.kind == CustomType::TEXT {
            let text = text()?;
            if text.chars().count() > LONGEST {
                return Err(("too_long", format!("Use at most {LONGEST} characters.")));
            }
            clean(text, &())
                .map_err(|_| ("blank", "Use at least one visible character, and no line breaks.".to_owned()))?;
            kept.text = Some(text.to_owned());
        } else if self.kind == CustomType::CHOICE {
            let text = text()?;
            if !self.choices.iter().any(|choice| choice == text) {
                return Err(("unknown_choice", format!("Use one of {}.", self.choices.join(", "))));
            }
            kept.text = Some(text.to_owned());
        } else if self.kind == CustomType::NUMBER {
            kept.number = Some(value.as_f64().filter(|number| number.is_finite()).ok_or_else(|| wrong("a number"))?);
        } else if self.kind == CustomType::DATE {
            let date = value.as_str().and_then(|text| text.parse::<Date>().ok());
            let date = date.filter(|date| plausible(date, &()).is_ok());
            kept.date = Some(date.ok_or_else(|| wrong("a day such as 2025-09-01"))?);
        } else {
            kept.boolean = Some(value.as_bool().ok_or_else(|| wrong("true or false"))?);
        }
        // Also where records are not found by the field yet: it may be made searchable later.
        kept.search = kept.text.as_deref().map(search_key::of);
        Ok(kept)
    }
}

/// What is wanted as it is kept. Every mistake is named.
fn keep(fields: &[Field], wanted: &Map<String, Value>) -> Result<Vec<(CustomFieldId, Kept)>> {
    let mut mistakes = Vec::new();
    let mut mistake = |name: &str, code: &'static str, message: String| {
        mistakes.push(FieldError { field: format!("values.{name}"), code: code.into(), message });
    };
    if wanted.len() > MOST {
        return Err(Error::field("values", "too_many", format!("Name at most {MOST}.")));
    }
    for name in wanted.keys().filter(|name| !fields.iter().any(|field| field.name == **name)) {
        let name: String = name.chars().take(63).collect();
        mistake(&name, "custom_field_unknown", "Records of this kind have no such field.".to_owned());
    }
    let mut kept = Vec::new();
    for field in fields {
        match wanted.get(&field.name).filter(|value| !value.is_null()) {
            Some(value) => match field.keep(value) {
                Ok(value) => kept.push((field.id, value)),
                Err((code, message)) => mistake(&field.name, code, message),
            },
            None if field.required => mistake(&field.name, "required", "This must have a value.".to_owned()),
            None => {}
        }
    }
    if mistakes.is_empty() { Ok(kept) } else { Err(Error::invalid(mistakes)) }
}

/// The values of one record. One round trip.
pub(super) async fn read(tenancy: &Tenancy, cx: &OpContext, of: Owner) -> Result<CustomValues> {
    cx.authorize(Action::Read, &CUSTOM_VALUE)?;
    store::get(tenancy, cx, of).await
}

/// Replaces the values of a record that is still as the caller knows it.
pub(super) async fn replace(
    tenancy: &Tenancy,
    cx: &OpContext,
    of: Owner,
    known: &IfMatch,
    wanted: &WantedValues,
) -> Result<CustomValues> {
    authorize_change(cx, Action::Update, &CUSTOM_VALUE, read(tenancy, cx, of)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (before, fields) = store::lock(&mut tx, of).await?;
    known.check(&before)?;
    let kept = keep(&fields, &wanted.values)?;
    let named = |id: &CustomFieldId| fields.iter().find(|field| field.id == *id).map(|field| field.name.clone());
    let values: BTreeMap<String, Value> =
        kept.iter().filter_map(|(id, value)| Some((named(id)?, value.clone().value()))).collect();
    if values == before.values {
        tx.rollback().await?;
        return Ok(before);
    }
    let differing = |name: &&String| before.values.get(*name) != values.get(*name);
    let mut names: Vec<&String> = before.values.keys().chain(values.keys()).filter(differing).collect();
    names.sort_unstable();
    names.dedup();
    // What fields of a school's own say is personal as often as not: the audit log has their names alone.
    tx.audit(Action::Update, &CUSTOM_VALUE, Some(of.uuid()), Some(json!({ "fields": names })));
    store::put(tx, of, &kept).await?;
    Ok(CustomValues { version: before.version + 1, values })
}

/// Records that have a value in a searchable field, with where they stand in the list. One round trip.
pub(super) async fn matches(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &store::Selection,
) -> Result<Vec<(CustomMatch, Position)>> {
    store::matches(tenancy, cx, selection).await?.ok_or_else(|| {
        let message = "Records are not found by this field. Make it searchable.";
        Error::field("id", "custom_field_not_searchable", message)
    })
}

pub(super) fn sample_values() -> WantedValues {
    WantedValues { values: [("bus_line".to_owned(), json!("North"))].into_iter().collect() }
}

pub(super) fn match_sample() -> CustomMatch {
    let record = crate::sample_id::<cloister_ids::kind::Person>();
    CustomMatch { record_id: record.to_string(), value: "North".to_owned() }
}

#[cfg(test)]
mod tests {
    use cloister_ids::{CustomFieldId, SystemClock};
    use serde_json::{Value, json};

    use super::{Field, keep};
    use crate::vocabulary::CustomType;

    fn field(name: &str, kind: CustomType, required: bool) -> Field {
        let choices = if kind == CustomType::CHOICE { vec!["North".to_owned()] } else { Vec::new() };
        let id = CustomFieldId::generate(&SystemClock);
        Field { id, name: name.to_owned(), kind, choices, required, searchable: false }
    }

    fn told(fields: &[Field], wanted: &Value) -> Vec<(String, String)> {
        let wanted = wanted.as_object().cloned().unwrap_or_default();
        match keep(fields, &wanted) {
            Ok(_) => Vec::new(),
            Err(error) => error.fields().iter().map(|field| (field.field.clone(), field.code.to_string())).collect(),
        }
    }

    #[test]
    fn values_are_of_their_type() {
        for (kind, good, bad) in [
            (CustomType::TEXT, json!("a"), json!(1)),
            (CustomType::TEXT, json!("a b"), json!(" ")),
            (CustomType::TEXT, json!("é"), json!("a\nb")),
            (CustomType::NUMBER, json!(-1.5), json!("1")),
            (CustomType::DATE, json!("2025-09-01"), json!("2025-02-30")),
            (CustomType::DATE, json!("2025-09-01"), json!("0025-09-01")),
            (CustomType::BOOLEAN, json!(false), json!("false")),
            (CustomType::CHOICE, json!("North"), json!("South")),
        ] {
            let fields = [field("a", kind, false)];
            assert_eq!(told(&fields, &json!({ "a": good })), [], "{good}");
            assert_eq!(told(&fields, &json!({ "a": bad })).len(), 1, "{bad}");
            assert_eq!(told(&fields, &json!({ "a": null })), []);
        }
    }

    #[test]
    fn every_mistake_is_named() {
        let fields = [field("a", CustomType::TEXT, true), field("b", CustomType::NUMBER, false)];
        let mut told = told(&fields, &json!({ "b": "x", "c": 1 }));
        told.sort();
        let codes: Vec<_> = told.iter().map(|(field, code)| (field.as_str(), code.as_str())).collect();
        assert_eq!(
            codes,
            [("values.a", "required"), ("values.b", "type_mismatch"), ("values.c", "custom_field_unknown")]
        );
    }
}
