//! Templates of letters about incidents: texts of a tenant with placeholders, such as `{{student_name}}`, for what is known of the
//! one student that a letter is about. There is no placeholder for anything that could name somebody else.

mod api;
mod placeholder;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, MergePatch, Versioned};
use cloister_ids::IncidentLetterTemplateId;
use cloister_tenancy::{Action, Changes, ConstraintRule, OpContext, Resource, Result, Tenancy, TenantTx};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use placeholder::{Placeholder, fill};
pub(crate) use store::STATEMENTS;

use crate::{
    record::{Metadata, Record, Status, check_change, check_new},
    rules::{TEXT, clean, paragraphs, searchable, small},
    search_key,
};

/// What permissions are about.
pub const INCIDENT_LETTER_TEMPLATE: Resource = Resource { module: crate::MODULE, name: "incident_letter_template" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[ConstraintRule {
    constraint: "incident_letter_template_name_key",
    field: "name",
    code: "name_taken",
    message: "Another incident letter template that counts has this name.",
}];

/// Characters of a template.
const BODY: usize = 8000;

/// What is known of an incident letter template: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentLetterTemplateFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// What the school calls it, unique among the templates that count.
    #[garde(length(chars, max = TEXT), custom(clean), custom(searchable))]
    #[schema(min_length = 1, max_length = 512, example = "Notice to the family")]
    pub name: String,
    /// The text. Placeholders: `student_name`, `student_given_name`, `student_family_name`, `school_name`, `incident_identifier`,
    /// `incident_date`, `incident_time`, `incident_location`, `participation`, `behavior`, `points`, `actions`, `message`, `today`,
    /// each in double braces.
    #[garde(length(chars, max = BODY), custom(paragraphs), custom(placeholder::known))]
    #[schema(
        min_length = 1,
        max_length = 8000,
        example = "To the guardians of {{student_name}}:\n\n{{message}}\n\n{{school_name}}, {{today}}"
    )]
    pub body: String,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// A incident letter template as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct IncidentLetterTemplate {
    /// Which one.
    pub id: IncidentLetterTemplateId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: IncidentLetterTemplateFields,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl Versioned for IncidentLetterTemplate {
    fn version(&self) -> i64 {
        self.record.version
    }
}

impl IncidentLetterTemplateFields {
    /// The name as it is searched and sorted.
    fn name_search(&self) -> String {
        search_key::of(&self.name)
    }
}

/// Makes an incident letter template, as part of `tx`. Two round trips with the commit.
async fn create(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    fields: IncidentLetterTemplateFields,
) -> Result<IncidentLetterTemplate> {
    tx.cx().authorize(Action::Create, &INCIDENT_LETTER_TEMPLATE)?;
    check_new(fields.status)?;
    let template = IncidentLetterTemplate {
        id: IncidentLetterTemplateId::generate(tx.cx().clock()),
        fields,
        record: Record::new(tx.cx()),
    };
    store::insert(tx, key, &template).await?;
    tx.audit(Action::Create, &INCIDENT_LETTER_TEMPLATE, template.id, None);
    Ok(template)
}

/// One incident letter template, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: IncidentLetterTemplateId) -> Result<IncidentLetterTemplate> {
    cx.authorize(Action::Read, &INCIDENT_LETTER_TEMPLATE)?;
    store::get(tenancy, cx, id).await
}

/// Changes an incident letter template that is still as the caller knows it. Two round trips.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: IncidentLetterTemplateId,
    known: &IfMatch,
    patch: &MergePatch<IncidentLetterTemplateFields>,
) -> Result<IncidentLetterTemplate> {
    cx.authorize(Action::Update, &INCIDENT_LETTER_TEMPLATE)?;
    let mut tx = tenancy.write(cx).await?;
    let before = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    let fields = patch.apply(&before.fields)?;
    check_change((None, before.fields.status), (None, fields.status))?;
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    let changes = Changes::between(&before.fields, &fields)?.showing_only(&["status", "name"]);
    let after = IncidentLetterTemplate { id, fields, record: before.record.changed(cx) };
    tx.audit(Action::Update, &INCIDENT_LETTER_TEMPLATE, id, Some(changes.into()));
    store::update(tx, &after).await?;
    Ok(after)
}

/// Deletes an incident letter template that is still as the caller knows it. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: IncidentLetterTemplateId, known: &IfMatch) -> Result<()> {
    cx.authorize(Action::Delete, &INCIDENT_LETTER_TEMPLATE)?;
    let mut tx = tenancy.write(cx).await?;
    let before = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    tx.audit(Action::Delete, &INCIDENT_LETTER_TEMPLATE, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> IncidentLetterTemplateFields {
    IncidentLetterTemplateFields {
        status: Status::Active,
        name: "Notice to the family".to_owned(),
        body: "To the guardians of {{student_name}}:\n\n{{message}}\n\n{{school_name}}, {{today}}".to_owned(),
        metadata: Metadata::default(),
    }
}

fn sample() -> IncidentLetterTemplate {
    IncidentLetterTemplate { id: crate::sample_id(), fields: sample_fields(), record: Record::sample() }
}
