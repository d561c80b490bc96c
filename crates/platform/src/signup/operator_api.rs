//! Endpoints about sign-ups for operators of the platform: what became of them, and what to do where a tenant could not be
//! made.

use axum::{
    body::Body,
    http::{Response, StatusCode},
    response::IntoResponse,
};
use cloister_http::{
    Answer, Caller, Edge, IdempotencyHeader, IdempotencyKey, Listing, Once, Page, PageQuery, Path, Problem, Sort,
};
use cloister_ids::{AccountId, SignupId, TenantId, Uuid};
use cloister_tenancy::{
    Action, ControlTx, Error, ErrorKind, PlatformRecord, Requester, Result, Status, Tier, sql::Row,
};
use garde::Validate;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{SIGNUP, SignupState, store};
use crate::{Service, idempotency};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(signup_list)).routes(routes!(signup_retry)).routes(routes!(signup_abandon))
}

/// A sign-up as operators see it.
#[derive(Debug, Serialize, ToSchema)]
struct Signup {
    /// Which one.
    id: SignupId,
    /// Where it is.
    state: SignupState,
    /// The address that was given.
    #[schema(example = "head@north.example")]
    email: String,
    /// The tenant's name on pages.
    #[schema(example = "North High School")]
    name: String,
    /// Its name in addresses.
    #[schema(example = "north")]
    slug: String,
    /// What kind of organisation it is.
    #[schema(example = "school")]
    kind: String,
    /// How its rows are kept apart.
    tier: Tier,
    /// The network it came from.
    #[schema(example = "203.0.113.0/24")]
    network: Option<String>,
    /// The tenant; null when it is gone.
    tenant_id: Option<TenantId>,
    /// Where the tenant is in its life.
    tenant_status: Option<Status>,
    /// Who confirmed it.
    account_id: Option<AccountId>,
    /// What is being done to the tenant has failed, and waits for an operator.
    #[schema(example = true)]
    failed: bool,
    /// Why.
    #[schema(example = "region_unknown: No cluster serves the region north.")]
    error: Option<String>,
    /// When it was asked for.
    created_at: Timestamp,
    /// When it was confirmed.
    verified_at: Option<Timestamp>,
    /// It is removed then, unless it is confirmed.
    expires_at: Timestamp,
}

impl Signup {
    fn of(row: &Row) -> Result<Self> {
        let status = row.get::<_, Option<&str>>("tenant_status").map(str::parse);
        Ok(Self {
            id: row.get("id"),
            state: row.get::<_, &str>("state").parse().map_err(Error::internal)?,
            email: row.get("email"),
            name: row.get("display_name"),
            slug: row.get("slug"),
            kind: row.get("kind"),
            tier: row.get::<_, &str>("tier").parse().map_err(Error::internal)?,
            network: row.get("client_address"),
            tenant_id: row.get("tenant_id"),
            tenant_status: status.transpose().map_err(Error::internal)?,
            account_id: row.get("account_id"),
            failed: row.get("failed"),
            error: row.get("error"),
            created_at: row.get("created_at"),
            verified_at: row.get("verified_at"),
            expires_at: row.get("expires_at"),
        })
    }
}

/// Which sign-ups.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SignupFilter {
    /// Only in this state.
    #[garde(skip)]
    state: Option<SignupState>,
    /// Only those that wait for an operator, or only the others.
    #[garde(skip)]
    failed: Option<bool>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
struct ByAge;

impl Sort for ByAge {
    const ORDERS: &'static [(&'static str, Self)] = &[("age", Self)];
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct SignupOrder {
    /// `age`: the newest first (as usual); `-age`: the oldest first.
    #[param(pattern = "^-?age$", example = "age")]
    sort: Option<String>,
}

/// Why an operator does something.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignupAct {
    /// In a sentence, for the audit log.
    #[garde(inner(length(chars, min = 1, max = 500)))]
    #[schema(min_length = 1, max_length = 500, example = "The cluster is back.")]
    reason: Option<String>,
}

/// A page of them.
type SignupPage = Page<Signup>;

/// List sign-ups
#[utoipa::path(
    get,
    path = "/platform/signups",
    operation_id = "signup_list",
    tag = "Sign-up",
    params(SignupFilter, SignupOrder, PageQuery),
    responses((status = 200, description = "A page of sign-ups.", body = SignupPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn signup_list(
    caller: Caller,
    service: Service,
    listing: Listing<SignupFilter, ByAge>,
) -> Result<Answer<SignupPage>, Problem> {
    caller.authorize_operator(Action::Read, &SIGNUP)?;
    // The list is nobody's in particular.
    let nobody = TenantId::from_uuid(Uuid::nil());
    let (statement, start) =
        if listing.descending { (&store::LIST_OLDEST, Uuid::nil()) } else { (&store::LIST_NEWEST, Uuid::max()) };
    let after: SignupId = listing.after(nobody, SIGNUP.name)?.unwrap_or_else(|| SignupId::from_uuid(start));
    let (state, failed) = (listing.filter.state.map(SignupState::word), listing.filter.failed);
    let rows = service.control().run(statement, &[&after, &state, &failed, &listing.limit()]).await?;
    let signups = rows.iter().map(Signup::of).collect::<Result<Vec<_>>>()?;
    Ok(Answer(listing.page(nobody, SIGNUP.name, signups, |last| last.id)))
}

/// Try again to make a tenant
///
/// That was signed up for and could not be made. It goes on with the step that failed.
#[utoipa::path(
    post,
    path = "/platform/signups/{id}/retry",
    operation_id = "signup_retry",
    tag = "Sign-up",
    params(("id" = SignupId, Path, description = "Which one."), IdempotencyHeader),
    request_body(content = SignupAct, example = json!({ "reason": "The cluster is back." })),
    responses((status = 202, description = "It is being made again.", body = Signup, example = json!(sample())))
)]
async fn signup_retry(
    caller: Caller,
    service: Service,
    Path(id): Path<SignupId>,
    Once { body, key }: Once<SignupAct>,
) -> Result<Response<Body>, Problem> {
    caller.authorize_operator(Action::Update, &SIGNUP)?;
    act(&caller, &service, id, &body, key.as_ref(), Act::Retry).await
}

/// Give up a tenant that could not be made
///
/// What was made of it is removed, and its name is free again.
#[utoipa::path(
    post,
    path = "/platform/signups/{id}/abandon",
    operation_id = "signup_abandon",
    tag = "Sign-up",
    params(("id" = SignupId, Path, description = "Which one."), IdempotencyHeader),
    request_body(content = SignupAct, example = json!({ "reason": "Nobody answers under this address." })),
    responses((status = 202, description = "It is being removed.", body = Signup, example = json!(sample())))
)]
async fn signup_abandon(
    caller: Caller,
    service: Service,
    Path(id): Path<SignupId>,
    Once { body, key }: Once<SignupAct>,
) -> Result<Response<Body>, Problem> {
    caller.authorize_operator(Action::Delete, &SIGNUP)?;
    act(&caller, &service, id, &body, key.as_ref(), Act::Abandon).await
}

/// What an operator does about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Retry,
    Abandon,
}

async fn act(
    caller: &Caller,
    service: &Service,
    id: SignupId,
    body: &SignupAct,
    key: Option<&IdempotencyKey>,
    act: Act,
) -> Result<Response<Body>, Problem> {
    let scope = caller.identity.actor.to_string();
    let mut tx = service.control().begin().await?;
    if let Some(earlier) = idempotency::take(&mut tx, service, &scope, key).await? {
        return Ok(earlier.into_response());
    }
    let before = one(&mut tx, &store::LOCK, id).await?;
    let tenant = before.tenant_id.filter(|_| before.failed).ok_or_else(|| {
        Error::new(ErrorKind::Conflict, "nothing_failed", "No workflow of this sign-up's tenant has failed.")
    })?;
    let action = match act {
        Act::Retry => {
            tx.retry_workflow(tenant).await?;
            "signup.retry"
        }
        Act::Abandon => {
            tx.abandon_provisioning(tenant).await?;
            tx.query(&store::ABANDON, &[&id]).await?;
            "signup.abandon"
        }
    };
    let by = Requester {
        actor: caller.identity.actor.clone(),
        account: caller.identity.account,
        client: caller.visitor.client,
        request: Some(caller.visitor.request),
    };
    tx.audit(PlatformRecord::new(by, action, SIGNUP).of(tenant).on(id).because(body.reason.as_deref()));
    let now = one(&mut tx, &store::GET, id).await?;
    idempotency::keep(&mut tx, &scope, key, StatusCode::ACCEPTED, &now).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Answer(now)).into_response())
}

async fn one(tx: &mut ControlTx, statement: &'static cloister_tenancy::sql::Statement, id: SignupId) -> Result<Signup> {
    Signup::of(tx.query(statement, &[&id]).await?.first().ok_or_else(Error::not_found)?)
}

fn sample() -> Signup {
    let id = Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_e4a8);
    Signup {
        id: SignupId::from_uuid(id),
        state: SignupState::Unverified,
        email: "head@north.example".to_owned(),
        name: "North High School".to_owned(),
        slug: "north".to_owned(),
        kind: "school".to_owned(),
        tier: Tier::Shared,
        network: Some("203.0.113.0/24".to_owned()),
        tenant_id: Some(TenantId::from_uuid(id)),
        tenant_status: Some(Status::Failed),
        account_id: None,
        failed: true,
        error: Some("region_unknown: No cluster serves the region north.".to_owned()),
        created_at: Timestamp::constant(1_767_603_600, 0),
        verified_at: None,
        expires_at: Timestamp::constant(1_768_208_400, 0),
    }
}
