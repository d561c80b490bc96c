//! A component: a piece of software that a company runs, builds or depends on.
#![expect(clippy::trivially_copy_pass_by_ref, reason = "rules are handed their (empty) context by reference")]

mod api;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, MergePatch, Versioned, invalid, search_key, words};
use cloister_ids::ComponentId;
use cloister_tenancy::{Action, Changes, ConstraintRule, OpContext, Resource, Result, Tenancy, TenantTx};
use garde::Validate;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use store::STATEMENTS;

/// What permissions are about.
pub(crate) const COMPONENT: Resource = Resource { module: crate::MODULE, name: "component" };

/// What refused constraints mean. Those that the rules below check first are left out: reaching one would be our mistake.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[ConstraintRule {
    constraint: "component_key",
    field: "key",
    code: "key_taken",
    message: "Another component has this key.",
}];

words! {
    /// What sort of thing a component is.
    pub enum ComponentKind {
        /// Runs and answers.
        Service = "service",
        /// Is built into others.
        Library = "library",
        /// Is looked at.
        Website = "website",
        /// Something else.
        Other = "other",
    }
}

words! {
    /// How far along a component is.
    pub enum Lifecycle {
        /// May change or vanish.
        Experimental = "experimental",
        /// Relied upon.
        Production = "production",
        /// To be replaced.
        Deprecated = "deprecated",
    }
}

/// What people say about a component: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ComponentFields {
    /// The name in addresses and files: lower-case letters, digits and single hyphens; unique within the tenant.
    #[garde(length(chars, min = 1, max = 63), custom(key_word))]
    #[schema(min_length = 1, max_length = 63, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", example = "payment-gateway")]
    pub key: String,
    /// The name on pages.
    #[garde(length(chars, min = 1, max = 200), custom(not_blank))]
    #[schema(min_length = 1, max_length = 200, example = "Payment Gateway")]
    pub name: String,
    /// What it does, in plain text.
    #[garde(inner(length(chars, max = 4000)))]
    #[schema(max_length = 4000, example = "Takes card payments for the web shop.")]
    pub description: Option<String>,
    /// What sort of thing it is.
    #[garde(skip)]
    pub kind: ComponentKind,
    /// How far along it is.
    #[garde(skip)]
    pub lifecycle: Lifecycle,
    /// Who answers for it: a team or a person.
    #[garde(inner(length(chars, max = 200)))]
    #[schema(max_length = 200, example = "team-payments")]
    pub owner: Option<String>,
    /// Where its source is: an http or https address.
    #[garde(inner(length(chars, max = 2000), custom(web_address)))]
    #[schema(max_length = 2000, format = "uri", example = "https://git.example/shop/payment-gateway")]
    pub repository_url: Option<String>,
    /// Anything else worth keeping: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object, example = json!({"on_call": "+1 555 0100"}))]
    pub metadata: Map<String, Value>,
}

/// A component as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Component {
    /// Which one.
    pub id: ComponentId,
    /// What people say about it.
    #[serde(flatten)]
    pub fields: ComponentFields,
    /// Grows with every change; the ETag.
    #[schema(example = 1)]
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    #[schema(example = "account:ada")]
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// By whom.
    #[schema(example = "account:ada")]
    pub updated_by: String,
}

impl Versioned for Component {
    fn version(&self) -> i64 {
        self.version
    }
}

impl ComponentFields {
    /// The name as it is searched and sorted.
    fn name_search(&self) -> String {
        search_key(&self.name)
    }
}

fn key_word(text: &str, (): &()) -> garde::Result {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if text.split('-').all(word) {
        return Ok(());
    }
    Err(invalid("invalid_format", "Use lower-case letters, digits and single hyphens between them."))
}

fn not_blank(text: &str, (): &()) -> garde::Result {
    if search_key(text).is_empty() { Err(invalid("blank", "Use at least one visible character.")) } else { Ok(()) }
}

fn web_address(text: &str, (): &()) -> garde::Result {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let whole = |rest: &str| {
        !rest.is_empty() && !rest.starts_with('/') && !rest.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    if rest.is_some_and(whole) {
        return Ok(());
    }
    Err(invalid("invalid_format", "Use an address that begins with https:// or http://."))
}

/// Bytes of JSON.
const MAX_METADATA: usize = 16 * 1024;

fn small(metadata: &Map<String, Value>, (): &()) -> garde::Result {
    let length = serde_json::to_vec(metadata).map_or(usize::MAX, |bytes| bytes.len());
    if length <= MAX_METADATA {
        return Ok(());
    }
    Err(invalid("too_large", format!("Use at most {MAX_METADATA} bytes of JSON.")))
}

/// Makes a component, as part of `tx`. Two round trips with the commit.
async fn create(tx: &mut TenantTx, key: Option<&IdempotencyKey>, fields: ComponentFields) -> Result<Component> {
    tx.cx().authorize(Action::Create, &COMPONENT)?;
    let now = tx.cx().clock().now();
    let by = tx.cx().actor().to_string();
    let component = Component {
        id: ComponentId::generate(tx.cx().clock()),
        fields,
        version: 1,
        created_at: now,
        created_by: by.clone(),
        updated_at: now,
        updated_by: by,
    };
    store::insert(tx, key, &component).await?;
    tx.audit(Action::Create, &COMPONENT, component.id, None);
    Ok(component)
}

/// One component. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: ComponentId) -> Result<Component> {
    cx.authorize(Action::Read, &COMPONENT)?;
    store::get(tenancy, cx, id).await
}

/// Changes a component that is still as the caller knows it. Two round trips.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: ComponentId,
    known: &IfMatch,
    patch: &MergePatch<ComponentFields>,
) -> Result<Component> {
    cx.authorize(Action::Update, &COMPONENT)?;
    let mut tx = tenancy.write(cx).await?;
    let before = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    let fields = patch.apply(&before.fields)?;
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    let changes = Changes::between(&before.fields, &fields)?;
    let after = Component {
        fields,
        version: before.version + 1,
        updated_at: cx.clock().now(),
        updated_by: cx.actor().to_string(),
        ..before
    };
    tx.audit(Action::Update, &COMPONENT, id, Some(changes.into()));
    store::update(tx, &after).await?;
    Ok(after)
}

/// Hides a component that is still as the caller knows it; its key is free again. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: ComponentId, known: &IfMatch) -> Result<()> {
    cx.authorize(Action::Delete, &COMPONENT)?;
    let mut tx = tenancy.write(cx).await?;
    let before = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    tx.audit(Action::Delete, &COMPONENT, id, None);
    store::delete(tx, id, before.version + 1, cx.clock().now(), &cx.actor().to_string()).await
}
