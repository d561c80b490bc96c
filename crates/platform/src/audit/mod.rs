//! Audit: what was done, by whom, in what capacity and why, as a tenant reads it of itself and an operator of the platform.

mod api;
mod export;
mod export_api;
mod filter;
mod platform_store;
mod store;

use cloister_ids::{AccountId, AuditId, RequestId, TenantId, Uuid};
use cloister_tenancy::{AuditSealer, Resource, Result};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use platform_store::STATEMENTS as CONTROL_STATEMENTS;
pub(crate) use store::STATEMENTS;

use crate::{Keyring, Purpose};

/// What permissions are about.
pub(crate) const AUDIT: Resource = Resource { module: crate::MODULE, name: "audit" };

/// Logs are sealed under the installation's key.
impl AuditSealer for Keyring {
    fn mac(&self, parts: &[&[u8]]) -> Result<[u8; 32]> {
        Self::mac(self, Purpose::Audit, parts)
    }
}

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    /// Which entry.
    pub(crate) id: AuditId,
    /// When.
    pub(crate) at: Timestamp,
    /// Who did it.
    #[schema(example = "account:acc_01h455vb4pex5vsknk084sn02q")]
    pub(crate) actor: String,
    /// Their account.
    pub(crate) account_id: Option<AccountId>,
    /// In what capacity, where it was not their own: an operator on a visit.
    #[schema(example = "operator")]
    pub(crate) acting_as: Option<String>,
    /// What they did.
    #[schema(example = "update")]
    pub(crate) action: String,
    /// The kind of thing they did it to.
    #[schema(example = "school.person")]
    pub(crate) resource: Option<String>,
    /// Which one.
    #[schema(example = "per_01h455vb4pex5vsknk084sn02q")]
    pub(crate) resource_id: Option<String>,
    /// Where the request came from.
    #[schema(example = "192.0.2.7")]
    pub(crate) client: Option<String>,
    /// The request.
    pub(crate) request_id: Option<RequestId>,
    /// Why, where a reason was asked for.
    pub(crate) reason: Option<String>,
    /// What was before and after, without secrets.
    #[schema(value_type = Option<Object>, example = json!({"name": {"before": "Shop", "after": "Web Shop"}}))]
    pub(crate) changes: Option<Value>,
}

/// Something that was done on the platform.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct PlatformAuditEntry {
    /// What.
    #[serde(flatten)]
    pub(crate) entry: AuditEntry,
    /// The tenant it concerns, if one.
    pub(crate) tenant_id: Option<TenantId>,
}

/// Which entries: those that fit everything that is given.
#[derive(Debug, Clone, Default)]
struct Wanted {
    actor: Option<String>,
    action: Option<String>,
    resource: Option<String>,
    resource_id: Option<String>,
    request: Option<RequestId>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

/// A part of a log, in the order of its entries' ids, which is that of their making.
#[derive(Debug, Clone)]
struct Selection {
    wanted: Wanted,
    /// Only ids between these two.
    above: Uuid,
    below: Uuid,
    descending: bool,
    limit: i64,
}

/// An entry's id is made shortly before or after the time it tells; that of an entry about a workflow, when the workflow is
/// asked for, which may take a day. The ids bound what is looked at, and the time decides.
const EARLIER: SignedDuration = SignedDuration::from_hours(24);
const LATER: SignedDuration = SignedDuration::from_hours(1);

/// Below every id made at this time or later.
fn first_id(at: Timestamp) -> Uuid {
    let millis = u128::try_from(at.as_millisecond()).unwrap_or(0);
    Uuid::from_u128(millis << 80)
}

impl Selection {
    fn new(wanted: Wanted, after: Option<AuditId>, descending: bool, limit: i64) -> Self {
        let earliest = wanted.from.map(|from| first_id(from.saturating_sub(EARLIER).unwrap_or(Timestamp::UNIX_EPOCH)));
        let latest = wanted.to.map(|to| first_id(to.saturating_add(LATER).unwrap_or(Timestamp::MAX)));
        let (mut above, mut below) = (earliest.unwrap_or(Uuid::nil()), latest.unwrap_or(Uuid::max()));
        match after.map(AuditId::uuid) {
            Some(after) if descending => below = below.min(after),
            Some(after) => above = above.max(after),
            None => {}
        }
        Self { wanted, above, below, descending, limit }
    }
}

fn sample() -> AuditEntry {
    let id = |low: u128| Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_0000 + low);
    AuditEntry {
        id: AuditId::from_uuid(id(1)),
        at: Timestamp::constant(1_767_603_600, 0),
        actor: format!("account:{}", AccountId::from_uuid(id(2))),
        account_id: Some(AccountId::from_uuid(id(2))),
        acting_as: None,
        action: "update".to_owned(),
        resource: Some("catalog.component".to_owned()),
        resource_id: Some(cloister_ids::ComponentId::from_uuid(id(3)).to_string()),
        client: Some("192.0.2.7".to_owned()),
        request_id: Some(RequestId::from_uuid(id(4))),
        reason: None,
        changes: Some(serde_json::json!({ "name": { "before": "Shop", "after": "Web Shop" } })),
    }
}
