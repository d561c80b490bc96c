//! Custom fields: fields of the tenant's own on persons, organisations, courses and classes, typed and checked.

mod api;
mod store;
mod value;
mod value_api;
mod value_store;

use cloister_http::{Edge, IdempotencyKey, IfMatch, MergePatch, Versioned, invalid};
use cloister_ids::CustomFieldId;
use cloister_tenancy::{
    Action, Changes, ConstraintRule, Error, OpContext, Resource, Result, Tenancy, TenantTx, sql::Statement,
};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

pub use value::{CUSTOM_VALUE, CustomValues};

use crate::{
    record::{Metadata, Record, Status, check_change, check_new},
    rules::{TEXT, at_most, clean, distinct, small},
    scope::authorize_change,
    search_key,
    vocabulary::{CustomResource, CustomType},
};

/// What permissions are about.
pub const CUSTOM_FIELD: Resource = Resource { module: crate::MODULE, name: "custom_field" };

/// Every statement about custom fields and their values.
pub(crate) const STATEMENTS: [&[&Statement]; 2] = [store::STATEMENTS, value_store::STATEMENTS];

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[ConstraintRule {
    constraint: "custom_field_name_key",
    field: "name",
    code: "name_taken",
    message: "Records of this kind have a field of this name already, perhaps a deleted one.",
}];

/// The routes of this resource and of values.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    api::routes().merge(value_api::routes())
}

/// Characters of a name.
const NAME: usize = 63;
/// Choices of one field, and characters of each.
const CHOICES: usize = 100;
const CHOICE: usize = 255;

/// What is known of a custom field: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomFieldFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// Which kind of record has it. Never changes.
    #[garde(skip)]
    pub resource: CustomResource,
    /// What programs call it: small letters, digits and underscores, a letter first. Never changes.
    #[garde(length(chars, max = NAME), custom(for_programs))]
    #[schema(min_length = 1, max_length = 63, pattern = "^[a-z][a-z0-9_]*$", example = "bus_line")]
    pub name: String,
    /// What people call it.
    #[garde(length(chars, max = TEXT), custom(clean))]
    #[schema(min_length = 1, max_length = 512, example = "Bus line")]
    pub title: String,
    /// What its values are. Never changes.
    #[garde(skip)]
    #[serde(rename = "type")]
    pub kind: CustomType,
    /// What there is to choose from, where the type is `choice`; otherwise none.
    #[garde(custom(at_most(CHOICES)), custom(distinct), inner(length(chars, max = CHOICE), custom(clean)))]
    #[serde(default)]
    #[schema(max_items = 100, example = json!(["North", "South"]))]
    pub choices: Vec<String>,
    /// Whether every record must have a value, the next time that values are entered.
    #[garde(skip)]
    #[serde(default)]
    pub required: bool,
    /// Whether records are found by it: texts and choices can be.
    #[garde(skip)]
    #[serde(default)]
    pub searchable: bool,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// A custom field as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CustomField {
    /// Which one.
    pub id: CustomFieldId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: CustomFieldFields,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl Versioned for CustomField {
    fn version(&self) -> i64 {
        self.record.version
    }
}

impl CustomFieldFields {
    /// The title as it is searched and sorted.
    fn title_search(&self) -> String {
        search_key::of(&self.title)
    }

    /// Rules between its fields.
    fn check(&self) -> Result<()> {
        let is_choice = self.kind == CustomType::CHOICE;
        if is_choice == self.choices.is_empty() {
            let message = "A field of the type `choice` has choices, and no other has any.";
            return Err(Error::field("choices", "choices_mismatch", message));
        }
        if self.searchable && !is_choice && self.kind != CustomType::TEXT {
            let message = "Records are found by texts and choices only.";
            return Err(Error::field("searchable", "type_not_searchable", message));
        }
        Ok(())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "rules are handed value and context by reference")]
fn for_programs(text: &str, (): &()) -> garde::Result {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(allowed) {
        return Ok(());
    }
    Err(invalid("name_invalid", "Use small letters a to z, digits and underscores, and a letter first."))
}

/// Makes a custom field, as part of `tx`. Two round trips with the commit.
async fn create(tx: &mut TenantTx, key: Option<&IdempotencyKey>, fields: CustomFieldFields) -> Result<CustomField> {
    tx.cx().authorize(Action::Create, &CUSTOM_FIELD)?;
    check_new(fields.status)?;
    fields.check()?;
    let id = CustomFieldId::generate(tx.cx().clock());
    let made = CustomField { id, fields, record: Record::new(tx.cx()) };
    store::insert(tx, key, &made).await?;
    tx.audit(Action::Create, &CUSTOM_FIELD, id, None);
    Ok(made)
}

/// One custom field, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: CustomFieldId) -> Result<CustomField> {
    cx.authorize(Action::Read, &CUSTOM_FIELD)?;
    store::get(tenancy, cx, id).await
}

/// Changes a custom field that is still as the caller knows it. Two round trips.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: CustomFieldId,
    known: &IfMatch,
    patch: &MergePatch<CustomFieldFields>,
) -> Result<CustomField> {
    authorize_change(cx, Action::Update, &CUSTOM_FIELD, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let before = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    let fields = patch.apply(&before.fields)?;
    check_change((None, before.fields.status), (None, fields.status))?;
    for (field, stays) in [
        ("resource", fields.resource == before.fields.resource),
        ("name", fields.name == before.fields.name),
        ("type", fields.kind == before.fields.kind),
    ] {
        if !stays {
            let message = "What is of another kind, or called otherwise, is another custom field.";
            return Err(Error::field(field, "custom_field_fixed", message));
        }
    }
    fields.check()?;
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    let changes = Changes::between(&before.fields, &fields)?;
    let after = CustomField { id, fields, record: before.record.changed(cx) };
    tx.audit(Action::Update, &CUSTOM_FIELD, id, Some(changes.into()));
    store::update(tx, &after).await?;
    Ok(after)
}

/// Deletes a custom field that is still as the caller knows it. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: CustomFieldId, known: &IfMatch) -> Result<()> {
    authorize_change(cx, Action::Delete, &CUSTOM_FIELD, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let before = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    tx.audit(Action::Delete, &CUSTOM_FIELD, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> CustomFieldFields {
    CustomFieldFields {
        status: Status::Active,
        resource: CustomResource::PERSON,
        name: "bus_line".to_owned(),
        title: "Bus line".to_owned(),
        kind: CustomType::CHOICE,
        choices: vec!["North".to_owned(), "South".to_owned()],
        required: false,
        searchable: true,
        metadata: Metadata::default(),
    }
}

fn sample() -> CustomField {
    CustomField { id: crate::sample_id(), fields: sample_fields(), record: Record::sample() }
}

#[cfg(test)]
mod tests {
    use super::{CustomFieldFields, for_programs, sample_fields};
    use crate::vocabulary::CustomType;

    #[test]
    fn names_are_for_programs() {
        for (text, accepted) in
            [("a", true), ("bus_line_2", true), ("2nd", false), ("_a", false), ("Bus", false), ("a-b", false)]
        {
            assert_eq!(for_programs(text, &()).is_ok(), accepted, "{text}");
        }
    }

    #[test]
    fn only_a_choice_has_choices_and_only_texts_are_searched() {
        let field = |kind, choices: &[&str], searchable| CustomFieldFields {
            kind,
            choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
            searchable,
            ..sample_fields()
        };
        assert!(field(CustomType::CHOICE, &["a"], true).check().is_ok());
        assert!(field(CustomType::CHOICE, &[], false).check().is_err());
        assert!(field(CustomType::TEXT, &["a"], false).check().is_err());
        assert!(field(CustomType::TEXT, &[], true).check().is_ok());
        assert!(field(CustomType::DATE, &[], true).check().is_err());
    }
}
