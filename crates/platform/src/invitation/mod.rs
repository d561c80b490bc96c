//! Invitations: somebody is asked by mail to join a tenant, with roles, and says yes by a link.

mod accept_api;
mod api;
mod bulk_api;
mod list;
mod send;
pub(crate) mod store;

use cloister_http::Versioned;
use cloister_ids::{AccountId, InvitationId, PersonId, TenantId};
use cloister_tenancy::{ConstraintRule, Error, ErrorKind, Resource, sql::Row};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

/// What permissions about invitations are about.
pub(crate) const INVITATION: Resource = Resource { module: crate::MODULE, name: "invitation" };

/// How long a link is good.
const LIFE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[ConstraintRule {
    constraint: "invitation_open_key",
    field: "email",
    code: "already_invited",
    message: "Somebody with this address is invited already. Send that invitation again instead.",
}];

/// The routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<cloister_http::Edge> {
    api::routes().merge(bulk_api::routes()).merge(accept_api::routes())
}

/// What has become of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum InvitationState {
    /// Nobody has answered it yet.
    Open,
    /// Somebody has said yes.
    Accepted,
    /// It was taken back.
    Revoked,
    /// Its time is over.
    Expired,
}

impl InvitationState {
    const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted => "accepted",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }

    fn read(word: &str, expires_at: Timestamp, now: Timestamp) -> Self {
        match word {
            "open" if expires_at > now => Self::Open,
            "accepted" => Self::Accepted,
            "revoked" => Self::Revoked,
            _ => Self::Expired,
        }
    }
}

/// Somebody who was asked to join.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Invitation {
    /// Which one.
    id: InvitationId,
    /// Where the link went.
    #[schema(example = "noor@north.example")]
    email: String,
    /// Their name, as whoever invited them wrote it.
    #[schema(example = "Noor Haddad")]
    display_name: Option<String>,
    /// Names of the roles they get.
    #[schema(example = json!(["teacher"]))]
    roles: Vec<String>,
    /// The person of the roster that they are.
    person_id: Option<PersonId>,
    /// What has become of it.
    state: InvitationState,
    /// When the last mail was written.
    sent_at: Timestamp,
    /// How many were.
    #[schema(example = 1)]
    sent_times: i32,
    /// Until when the link is good.
    expires_at: Timestamp,
    /// When they said yes.
    accepted_at: Option<Timestamp>,
    /// The account that they said yes with.
    account_id: Option<AccountId>,
    /// Grows with every change; the ETag.
    #[schema(example = 1)]
    version: i64,
    /// When they were first invited.
    created_at: Timestamp,
    /// By whom.
    #[schema(example = "account:acc_019b8d244e807c3e9d0a5f2b7c61e4a8")]
    created_by: String,
    /// When this was last changed.
    updated_at: Timestamp,
    /// By whom.
    updated_by: String,
    #[serde(skip)]
    tenant: TenantId,
    /// The mails of the last hour.
    #[serde(skip)]
    sent_lately: Vec<Timestamp>,
}

impl Versioned for Invitation {
    fn version(&self) -> i64 {
        self.version
    }
}

impl Invitation {
    /// As it is at this moment.
    fn read(row: &Row, now: Timestamp) -> Self {
        let expires_at = row.get("expires_at");
        Self {
            id: row.get("id"),
            email: row.get("email"),
            display_name: row.get("display_name"),
            roles: row.get("roles"),
            person_id: row.get("person_id"),
            state: InvitationState::read(row.get("state"), expires_at, now),
            sent_at: row.get("sent_at"),
            sent_times: row.get("sent_times"),
            expires_at,
            accepted_at: row.get("accepted_at"),
            account_id: row.get("account_id"),
            version: row.get("version"),
            created_at: row.get("created_at"),
            created_by: row.get("created_by"),
            updated_at: row.get("updated_at"),
            updated_by: row.get("updated_by"),
            tenant: row.get("tenant_id"),
            sent_lately: row.get("sent_lately"),
        }
    }
}

/// The one answer to a link that is not good, whatever the cause.
fn link_over() -> Error {
    let message = "This link was used, is too old, was taken back, or was replaced by a newer one. Ask who invited you for another.";
    Error::new(ErrorKind::Malformed, "link_over", message)
}
