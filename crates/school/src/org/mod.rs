//! Organisations: districts, schools, departments, one above the other.

mod api;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, MergePatch, Versioned};
use cloister_ids::OrgId;
use cloister_tenancy::{
    Action, Changes, ConstraintRule, Error, ErrorKind, OpContext, Resource, Result, Tenancy, TenantTx,
};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use store::STATEMENTS;

use crate::{
    record::{Metadata, Record, Status, check_change, check_new},
    rules::{SOURCED_ID, TEXT, clean, small},
    search_key,
    vocabulary::OrgType,
};

/// What permissions are about.
pub const ORG: Resource = Resource { module: crate::MODULE, name: "org" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[
    ConstraintRule {
        constraint: "org_sourced_id_key",
        field: "sourced_id",
        code: "sourced_id_taken",
        message: "Another organisation has this sourced_id.",
    },
    ConstraintRule {
        constraint: "org_parent_fkey",
        field: "parent_id",
        code: "org_unknown",
        message: "There is no such organisation.",
    },
];

/// What is known of an organisation: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrgFields {
    /// Its name in the system that feeds it, unique within the tenant; its own id where none is given. Never changes.
    #[garde(inner(length(chars, max = SOURCED_ID), custom(clean)))]
    #[schema(max_length = 255, example = "school-017")]
    pub sourced_id: Option<String>,
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// Its name.
    #[garde(length(chars, max = TEXT), custom(clean))]
    #[schema(min_length = 1, max_length = 512, example = "Lindgren Primary School")]
    pub name: String,
    /// District, school, department and so on.
    #[garde(skip)]
    #[serde(rename = "type")]
    pub kind: OrgType,
    /// A number or code that authorities know it by.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512, example = "0417")]
    pub identifier: Option<String>,
    /// The organisation above it.
    #[garde(skip)]
    pub parent_id: Option<OrgId>,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// An organisation as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Org {
    /// Which one.
    pub id: OrgId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: OrgFields,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl Versioned for Org {
    fn version(&self) -> i64 {
        self.record.version
    }
}

impl OrgFields {
    /// The name as it is searched and sorted.
    fn name_search(&self) -> String {
        search_key::of(&self.name)
    }

    fn head(&self) -> (Option<&str>, Status) {
        (self.sourced_id.as_deref(), self.status)
    }
}

/// Makes an organisation, as part of `tx`. Two round trips with the commit.
async fn create(tx: &mut TenantTx, key: Option<&IdempotencyKey>, mut fields: OrgFields) -> Result<Org> {
    tx.cx().authorize(Action::Create, &ORG)?;
    check_new(fields.status)?;
    let id = OrgId::generate(tx.cx().clock());
    fields.sourced_id.get_or_insert_with(|| id.to_string());
    let org = Org { id, fields, record: Record::new(tx.cx()) };
    store::insert(tx, key, &org).await?;
    tx.audit(Action::Create, &ORG, id, None);
    Ok(org)
}

/// One organisation, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: OrgId) -> Result<Org> {
    cx.authorize(Action::Read, &ORG)?;
    store::get(tenancy, cx, id).await
}

/// Changes an organisation that is still as the caller knows it. Two round trips.
///
/// Two changes at the very same moment can make a circle of parents: whoever walks upwards must end at a place seen before.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: OrgId,
    known: &IfMatch,
    patch: &MergePatch<OrgFields>,
) -> Result<Org> {
    cx.authorize(Action::Update, &ORG)?;
    let mut tx = tenancy.write(cx).await?;
    let new_parent = patch.changes()["parent_id"].as_str().and_then(|id| id.parse().ok());
    let (before, below) = store::lock(&mut tx, id, new_parent).await?;
    known.check(&before)?;
    let mut fields = patch.apply(&before.fields)?;
    check_change(before.fields.head(), fields.head())?;
    fields.sourced_id.clone_from(&before.fields.sourced_id);
    if below {
        return Err(Error::field("parent_id", "parent_below", "An organisation cannot stand below itself."));
    }
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    let changes = Changes::between(&before.fields, &fields)?;
    let after = Org { id, fields, record: before.record.changed(cx) };
    tx.audit(Action::Update, &ORG, id, Some(changes.into()));
    store::update(tx, &after).await?;
    Ok(after)
}

/// Deletes an organisation that is still as the caller knows it and to which nothing belongs. Two round trips.
///
/// What is made at the very same moment is not seen. It then belongs to a deleted organisation, which is readable still.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: OrgId, known: &IfMatch) -> Result<()> {
    cx.authorize(Action::Delete, &ORG)?;
    let mut tx = tenancy.write(cx).await?;
    let (before, in_use) = store::lock_to_delete(&mut tx, id).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    if in_use {
        return Err(Error::new(
            ErrorKind::Conflict,
            "org_in_use",
            "Organisations, courses, classes or roles belong to this organisation. Delete or move them first.",
        ));
    }
    tx.audit(Action::Delete, &ORG, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> OrgFields {
    OrgFields {
        sourced_id: Some("school-017".to_owned()),
        status: Status::Active,
        name: "Lindgren Primary School".to_owned(),
        kind: OrgType::SCHOOL,
        identifier: Some("0417".to_owned()),
        parent_id: None,
        metadata: Metadata::default(),
    }
}

fn sample() -> Org {
    Org { id: crate::sample_id(), fields: sample_fields(), record: Record::sample() }
}
