//! Families: those who belong together, as the school sees it. Who is whose parent, and who sees whom, is told by contacts alone.

mod api;
mod sibling;
mod sibling_store;
mod store;

use cloister_http::{Edge, IdempotencyKey, IfMatch, MergePatch, Versioned};
use cloister_ids::{FamilyId, PersonId};
use cloister_tenancy::{
    Action, Changes, ConstraintRule, OpContext, Resource, Result, Tenancy, TenantTx, sql::Statement,
};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    presence_store::{check_present, named_in},
    record::{Metadata, Record, Status, check_change, check_new},
    rules::{TEXT, at_most, clean, distinct, small},
    scope::authorize_change,
    search_key,
};

/// What permissions are about.
pub const FAMILY: Resource = Resource { module: crate::MODULE, name: "family" };

/// Every statement about families.
pub(crate) const STATEMENTS: [&[&Statement]; 2] = [store::STATEMENTS, sibling_store::STATEMENTS];

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[ConstraintRule {
    constraint: "family_member_person_fkey",
    field: "member_ids",
    code: "person_unknown",
    message: "There is no such person.",
}];

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    api::routes().merge(sibling::routes())
}

/// Members of one family.
const MEMBERS: usize = 50;

/// What is known of a family: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FamilyFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// What the school calls it.
    #[garde(length(chars, max = TEXT), custom(clean))]
    #[schema(min_length = 1, max_length = 512, example = "Okafor")]
    pub name: String,
    /// The language that is spoken at home.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(min_length = 1, max_length = 512, example = "en")]
    pub home_language: Option<String>,
    /// Who belongs to it, children and adults, in the order of their ids.
    #[garde(custom(at_most(MEMBERS)), custom(distinct))]
    #[serde(default)]
    #[schema(max_items = 50)]
    pub member_ids: Vec<PersonId>,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// A family as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Family {
    /// Which one.
    pub id: FamilyId,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: FamilyFields,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl Versioned for Family {
    fn version(&self) -> i64 {
        self.record.version
    }
}

impl FamilyFields {
    /// The name as it is searched and sorted.
    fn name_search(&self) -> String {
        search_key::of(&self.name)
    }
}

/// Makes a family, as part of `tx`. Two round trips with the commit.
async fn create(tx: &mut TenantTx, key: Option<&IdempotencyKey>, mut fields: FamilyFields) -> Result<Family> {
    tx.cx().authorize(Action::Create, &FAMILY)?;
    check_new(fields.status)?;
    fields.member_ids.sort_unstable();
    let id = FamilyId::generate(tx.cx().clock());
    let made = Family { id, fields, record: Record::new(tx.cx()) };
    store::insert(tx, key, &made).await?;
    tx.audit(Action::Create, &FAMILY, id, None);
    Ok(made)
}

/// One family, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: FamilyId) -> Result<Family> {
    cx.authorize(Action::Read, &FAMILY)?;
    store::get(tenancy, cx, id).await
}

/// Changes a family that is still as the caller knows it. Two round trips.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: FamilyId,
    known: &IfMatch,
    patch: &MergePatch<FamilyFields>,
) -> Result<Family> {
    authorize_change(cx, Action::Update, &FAMILY, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let named = named_in(&patch.changes(), "member_ids", MEMBERS);
    let (before, persons) = store::lock(&mut tx, id, &named).await?;
    known.check(&before)?;
    let mut fields = patch.apply(&before.fields)?;
    check_change((None, before.fields.status), (None, fields.status))?;
    fields.member_ids.sort_unstable();
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    for member in fields.member_ids.iter().filter(|member| !before.fields.member_ids.contains(member)) {
        check_present(&persons, *member, "member_ids")?;
    }
    let changes = Changes::between(&before.fields, &fields)?.showing_only(&["status"]);
    let members = before.fields.member_ids.clone();
    let after = Family { id, fields, record: before.record.changed(cx) };
    tx.audit(Action::Update, &FAMILY, id, Some(changes.into()));
    store::update(tx, &members, &after).await?;
    Ok(after)
}

/// Deletes a family that is still as the caller knows it. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: FamilyId, known: &IfMatch) -> Result<()> {
    authorize_change(cx, Action::Delete, &FAMILY, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (before, _) = store::lock(&mut tx, id, &[]).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    tx.audit(Action::Delete, &FAMILY, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> FamilyFields {
    FamilyFields {
        status: Status::Active,
        name: "Okafor".to_owned(),
        home_language: Some("en".to_owned()),
        member_ids: vec![crate::sample_id()],
        metadata: Metadata::default(),
    }
}

fn sample() -> Family {
    Family { id: crate::sample_id(), fields: sample_fields(), record: Record::sample() }
}
