//! Endpoints about operators. For admins alone.

use axum::{
    body::Body,
    http::{Response, StatusCode, header},
    response::IntoResponse,
};
use cloister_http::{
    Answer, Caller, Edge, IdempotencyHeader, IfMatch, Json, Listing, Once, Page, PageQuery, Path, Problem, Sort, Tagged,
};
use cloister_ids::{AccountId, TenantId, Uuid};
use cloister_tenancy::Action;
use garde::Validate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    OPERATOR,
    account::{self, Operator, OperatorRole},
    requester, store,
};
use crate::{Service, account::check_email, idempotency};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(operator_list, operator_create)).routes(routes!(
        operator_read,
        operator_update,
        operator_delete
    ))
}

/// Who becomes an operator.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOperator {
    /// The address of an account that exists.
    #[garde(length(chars, min = 3, max = 254))]
    #[schema(min_length = 3, max_length = 254, example = "sam@platform.example")]
    email: String,
    /// What they may do.
    #[garde(skip)]
    role: OperatorRole,
}

/// What may be changed.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct OperatorChange {
    /// What they may do from now on.
    #[garde(skip)]
    role: OperatorRole,
}

/// No filter.
#[derive(Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
struct Everybody {}

#[derive(Debug, Clone, Copy)]
struct ByAge;

impl Sort for ByAge {
    const ORDERS: &'static [(&'static str, Self)] = &[("age", Self)];
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct OperatorOrder {
    /// `age`: the oldest account first (as usual); `-age`: the newest first.
    #[param(pattern = "^-?age$", example = "age")]
    sort: Option<String>,
}

type OperatorPage = Page<Operator>;

/// List operators
#[utoipa::path(
    get,
    path = "/platform/operators",
    operation_id = "operator_list",
    tag = "Operators",
    params(OperatorOrder, PageQuery),
    responses((status = 200, description = "A page of operators.", body = OperatorPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn operator_list(
    service: Service,
    caller: Caller,
    listing: Listing<Everybody, ByAge>,
) -> Result<Answer<OperatorPage>, Problem> {
    caller.authorize_operator(Action::Read, &OPERATOR)?;
    let nobody = TenantId::from_uuid(Uuid::nil());
    let after: Option<AccountId> = listing.after(nobody, OPERATOR.name)?;
    let statement = if listing.descending { &store::OPERATORS_DESC } else { &store::OPERATORS };
    let rows = service.control().run(statement, &[&after, &listing.limit()]).await?;
    let operators = rows.iter().map(store::operator).collect::<Result<Vec<_>, _>>()?;
    Ok(Answer(listing.page(nobody, OPERATOR.name, operators, |last| last.id)))
}

/// Make an operator
///
/// Of an account that exists. Its next token says so: until then it renews the one it has.
#[utoipa::path(
    post,
    path = "/platform/operators",
    operation_id = "operator_create",
    tag = "Operators",
    params(IdempotencyHeader),
    request_body(content = NewOperator, example = json!({ "email": "sam@platform.example", "role": "support" })),
    responses((status = 201, description = "The operator.", body = Operator,
        headers(("Location" = String, description = "Its address.")), example = json!(sample())))
)]
async fn operator_create(service: Service, caller: Caller, once: Once<NewOperator>) -> Result<Response<Body>, Problem> {
    caller.authorize_operator(Action::Create, &OPERATOR)?;
    check_email("email", &once.body.email)?;
    let by = requester(&caller)?;
    let (scope, key) = (by.actor.to_string(), once.key.as_ref());
    let mut tx = service.control().begin().await?;
    if let Some(earlier) = idempotency::take(&mut tx, &service, &scope, key).await? {
        return Ok(earlier.into_response());
    }
    let made = service.appoint(&mut tx, &once.body.email, once.body.role, &by).await?;
    idempotency::keep(&mut tx, &scope, key, StatusCode::CREATED, &made).await?;
    tx.commit().await?;
    let location = format!("/api/v1/platform/operators/{}", made.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Tagged(made)).into_response())
}

/// Read an operator
#[utoipa::path(
    get,
    path = "/platform/operators/{id}",
    operation_id = "operator_read",
    tag = "Operators",
    params(("id" = AccountId, Path, description = "The account.")),
    responses((status = 200, description = "The operator.", body = Operator,
        headers(("ETag" = String, description = "Its version.")), example = json!(sample())))
)]
async fn operator_read(
    service: Service,
    caller: Caller,
    Path(id): Path<AccountId>,
) -> Result<Tagged<Operator>, Problem> {
    caller.authorize_operator(Action::Read, &OPERATOR)?;
    Ok(Tagged(service.operator(id).await?))
}

/// Change an operator's role
///
/// Their sessions end, so that no token of the old role is good for longer than a second. The last admin stays one.
#[utoipa::path(
    patch,
    path = "/platform/operators/{id}",
    operation_id = "operator_update",
    tag = "Operators",
    params(("id" = AccountId, Path, description = "The account."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = OperatorChange, example = json!({ "role": "viewer" })),
    responses((status = 200, description = "The operator as it is now.", body = Operator,
        headers(("ETag" = String, description = "Its version.")), example = json!(sample())))
)]
async fn operator_update(
    service: Service,
    caller: Caller,
    Path(id): Path<AccountId>,
    known: IfMatch,
    Json(body): Json<OperatorChange>,
) -> Result<Tagged<Operator>, Problem> {
    caller.authorize_operator(Action::Update, &OPERATOR)?;
    let by = requester(&caller)?;
    let mut tx = service.control().begin().await?;
    let before = account::lock(&mut tx, id).await?;
    known.check(&before)?;
    if before.role == body.role {
        return Ok(Tagged(before));
    }
    let outdated = service.reappoint(&mut tx, &before, Some(body.role), &by).await?;
    tx.commit().await?;
    service.forget_operator(outdated);
    Ok(Tagged(Operator { role: body.role, version: before.version + 1, ..before }))
}

/// Take an operator's role away
///
/// The account stays, without any right to the platform. Its sessions end. The last admin stays one.
#[utoipa::path(
    delete,
    path = "/platform/operators/{id}",
    operation_id = "operator_delete",
    tag = "Operators",
    params(("id" = AccountId, Path, description = "The account."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "An operator no longer."))
)]
async fn operator_delete(
    service: Service,
    caller: Caller,
    Path(id): Path<AccountId>,
    known: IfMatch,
) -> Result<StatusCode, Problem> {
    caller.authorize_operator(Action::Delete, &OPERATOR)?;
    let by = requester(&caller)?;
    let mut tx = service.control().begin().await?;
    let before = account::lock(&mut tx, id).await?;
    known.check(&before)?;
    let outdated = service.reappoint(&mut tx, &before, None, &by).await?;
    tx.commit().await?;
    service.forget_operator(outdated);
    Ok(StatusCode::NO_CONTENT)
}

fn sample() -> Operator {
    Operator {
        id: AccountId::from_uuid(Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_e4a8)),
        email: Some("sam@platform.example".to_owned()),
        display_name: "Sam Operator".to_owned(),
        role: OperatorRole::Support,
        is_active: true,
        has_second_factor: true,
        version: 1,
        created_at: jiff::Timestamp::constant(1_767_603_600, 0),
    }
}
