//! Endpoints by which an operator enters a tenant and leaves it.

use axum::{
    body::Body,
    http::{Response, StatusCode},
    response::IntoResponse,
};
use cloister_http::{Answer, Caller, Edge, IdempotencyHeader, Listing, Once, Page, PageQuery, Path, Problem, Sort};
use cloister_ids::{OperatorEntryId, TenantId, Uuid};
use cloister_tenancy::{Action, Error};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ENTRY, OPERATOR,
    entry::{Entry, Wish},
    requester, store,
};
use crate::{Service, idempotency};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(operator_entry_list, operator_entry_create))
        .routes(routes!(operator_entry_end))
        .routes(routes!(operator_entry_renew))
}

/// Where to, why, and for how long.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct EntryRequest {
    /// The tenant, by slug or id.
    #[garde(length(chars, min = 1, max = 64))]
    #[schema(min_length = 1, max_length = 64, example = "north")]
    tenant: String,
    /// Why. The tenant's owners read it in a mail and in their audit log.
    #[garde(length(chars, max = 500))]
    #[schema(min_length = 10, max_length = 500, example = "Ticket 4711: the import of classes stops half way.")]
    reason: String,
    /// How long it lasts at most.
    #[garde(range(min = 1, max = 240))]
    #[serde(default = "half_an_hour")]
    #[schema(minimum = 1, maximum = 240, default = 30)]
    minutes: u16,
    /// To change things too, and not only see them.
    #[garde(skip)]
    #[serde(default)]
    elevated: bool,
}

const fn half_an_hour() -> u16 {
    30
}

/// A visit and the token to make it with.
#[derive(Debug, Serialize, ToSchema)]
struct EntryToken {
    /// The visit.
    #[serde(flatten)]
    entry: Entry,
    /// Send it as `Authorization: Bearer …` to the tenant's endpoints.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds the token is good.
    expires_in: i64,
}

/// Which visits.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EntryFilter {
    /// Only to this tenant.
    #[garde(skip)]
    tenant_id: Option<TenantId>,
    /// `true` for those under way alone.
    #[garde(skip)]
    #[serde(default)]
    open: bool,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
pub(super) struct ByAge;

impl Sort for ByAge {
    const ORDERS: &'static [(&'static str, Self)] = &[("age", Self)];
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
pub(super) struct EntryOrder {
    /// `age`: the newest first (as usual); `-age`: the oldest first.
    #[param(pattern = "^-?age$", example = "age")]
    sort: Option<String>,
}

/// A page of them.
pub(super) type EntryPage = Page<Entry>;

/// Cut to what people read, and long enough to be a reason.
fn reason(text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.chars().count() < 10 || text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Error::field(
            "reason",
            "too_short",
            "Say in 10 to 500 characters why: the tenant's owners read it.",
        ));
    }
    Ok(text.to_owned())
}

/// Enter a tenant
///
/// Inside, an operator sees everything, and changes things only when elevated; what is the owner's own stays so. The tenant's
/// owners are told by mail, and everything done stands in their audit log with the reason. The token is good for at most a
/// quarter of an hour: `POST /platform/entries/{id}/renew` gives the next, until the visit ends.
#[utoipa::path(
    post,
    path = "/platform/entries",
    operation_id = "operator_entry_create",
    tag = "Operators",
    params(IdempotencyHeader),
    request_body(content = EntryRequest, example = json!({ "tenant": "north", "minutes": 30, "elevated": false,
        "reason": "Ticket 4711: the import of classes stops half way." })),
    responses((status = 201, description = "Inside.", body = EntryToken, example = json!(token(sample(), "eyJ0…".to_owned(), 900))))
)]
async fn operator_entry_create(
    service: Service,
    caller: Caller,
    once: Once<EntryRequest>,
) -> Result<Response<Body>, Problem> {
    caller.authorize_operator(Action::Create, &ENTRY)?;
    let (by, session) = (requester(&caller)?, service.open_session(&caller).await?);
    let EntryRequest { tenant, reason: why, minutes, elevated } = once.body;
    let wish = Wish { reason: reason(&why)?, tenant: service.find_open_tenant(&tenant)?, minutes, elevated };
    let place = wish.tenant.clone();
    let mut tx = service.control().begin().await?;
    let scope = by.actor.to_string();
    if let Some(earlier) = idempotency::take(&mut tx, &service, &scope, once.key.as_ref()).await? {
        drop(tx);
        // Tokens are not kept: whoever asks again is given the next.
        let known: Entry = serde_json::from_value(earlier.body).map_err(Error::internal)?;
        let (entry, access) = service.stay(&caller, known.id).await?;
        return Ok(idempotency::replayed(opened(&service, entry, access)));
    }
    let (entry, standing) = service.enter(&mut tx, &session, wish, &by).await?;
    let access = service.visit_token(&entry, &standing, &session, &place)?;
    idempotency::keep(&mut tx, &scope, once.key.as_ref(), StatusCode::CREATED, &entry).await?;
    tx.commit().await?;
    Ok(opened(&service, entry, access))
}

fn opened(service: &Service, entry: Entry, access: String) -> Response<Body> {
    let seconds = seconds_left(service, &entry);
    (StatusCode::CREATED, Answer(token(entry, access, seconds))).into_response()
}

fn seconds_left(service: &Service, entry: &Entry) -> i64 {
    let left = entry.expires_at.duration_since(service.tenancy().clock().now());
    left.min(crate::token::LIFETIME).as_secs()
}

fn token(entry: Entry, access_token: String, expires_in: i64) -> EntryToken {
    EntryToken { entry, access_token, token_type: "Bearer", expires_in }
}

/// Stay in a tenant
///
/// The next token of a visit that is under way. It does not make the visit longer.
#[utoipa::path(
    post,
    path = "/platform/entries/{id}/renew",
    operation_id = "operator_entry_renew",
    tag = "Operators",
    params(("id" = OperatorEntryId, Path, description = "Which one.")),
    responses((status = 200, description = "The visit, with another token.", body = EntryToken,
        example = json!(token(sample(), "eyJ0…".to_owned(), 900))))
)]
async fn operator_entry_renew(
    service: Service,
    caller: Caller,
    Path(id): Path<OperatorEntryId>,
) -> Result<Answer<EntryToken>, Problem> {
    caller.authorize_operator(Action::Update, &ENTRY)?;
    let (entry, access) = service.stay(&caller, id).await?;
    let seconds = seconds_left(&service, &entry);
    Ok(Answer(token(entry, access, seconds)))
}

/// List visits
///
/// One's own; an admin sees everybody's.
#[utoipa::path(
    get,
    path = "/platform/entries",
    operation_id = "operator_entry_list",
    tag = "Operators",
    params(EntryFilter, EntryOrder, PageQuery),
    responses((status = 200, description = "A page of visits.", body = EntryPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn operator_entry_list(
    service: Service,
    caller: Caller,
    listing: Listing<EntryFilter, ByAge>,
) -> Result<Answer<EntryPage>, Problem> {
    caller.authorize_operator(Action::Read, &ENTRY)?;
    let EntryFilter { tenant_id, open } = listing.filter;
    // The list is nobody's in particular.
    let nobody = TenantId::from_uuid(Uuid::nil());
    let selection = store::Selection {
        account: own_alone(&caller),
        tenant: tenant_id,
        open_at: open.then(|| service.tenancy().clock().now()),
        oldest_first: listing.descending,
        after: listing.after(nobody, ENTRY.name)?,
        limit: listing.limit(),
    };
    let entries = store::entries(service.control(), selection).await?;
    Ok(Answer(listing.page(nobody, ENTRY.name, entries, |last| last.id)))
}

/// Leave a tenant
///
/// The visit's tokens are refused on every node within a second. One that is over stays so.
#[utoipa::path(
    delete,
    path = "/platform/entries/{id}",
    operation_id = "operator_entry_end",
    tag = "Operators",
    params(("id" = OperatorEntryId, Path, description = "Which one.")),
    responses((status = 204, description = "It is over."))
)]
async fn operator_entry_end(
    service: Service,
    caller: Caller,
    Path(id): Path<OperatorEntryId>,
) -> Result<StatusCode, Problem> {
    caller.authorize_operator(Action::Delete, &ENTRY)?;
    service.leave(own_alone(&caller), id, &requester(&caller)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whose visits the caller is kept to: none in particular for who may see all operators.
fn own_alone(caller: &Caller) -> Option<cloister_ids::AccountId> {
    caller.identity.account.filter(|_| !caller.identity.operator.allow(Action::Read, &OPERATOR))
}

pub(super) fn sample() -> Entry {
    let id = |last: u128| Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_e400 + last);
    Entry {
        id: OperatorEntryId::from_uuid(id(1)),
        tenant_id: TenantId::from_uuid(id(2)),
        tenant: "north".to_owned(),
        account_id: cloister_ids::AccountId::from_uuid(id(3)),
        operator: "Sam Operator".to_owned(),
        reason: "Ticket 4711: the import of classes stops half way.".to_owned(),
        elevated: false,
        created_at: jiff::Timestamp::constant(1_767_603_600, 0),
        expires_at: jiff::Timestamp::constant(1_767_605_400, 0),
        ended_at: None,
    }
}
