//! Endpoints about absence requests.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Json, Listing, Once, Op, Page, PageQuery, Path, Problem, Sort, Tagged,
};
use cloister_ids::{AbsenceRequestId, PersonId};
use cloister_tenancy::Action;
use garde::Validate;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ABSENCE_REQUEST, AbsenceDecision, AbsenceRequest, AbsenceRequestFields, RequestState, sample, sample_decision,
    sample_fields, store,
};
use crate::{
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter},
    rules::plausible,
    scope::Sight,
    scopes::OWN_CHILDREN,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(absence_request_list, absence_request_create))
        .routes(routes!(absence_request_read, absence_request_withdraw))
        .routes(routes!(absence_request_decide))
}

/// Which absence requests.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AbsenceRequestFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only in this state.
    #[garde(skip)]
    #[param(inline)]
    state: Option<RequestState>,
    /// Only of this student.
    #[garde(skip)]
    student_id: Option<PersonId>,
    /// Only absences that last until this day or longer.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-09-01")]
    from: Option<Date>,
    /// Only absences that begin before this day.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-10-01")]
    until: Option<Date>,
}

/// The order of the list.
#[derive(Debug, Clone, Copy)]
enum AbsenceRequestSort {
    BeginDate,
}

impl Sort for AbsenceRequestSort {
    const ORDERS: &'static [(&'static str, Self)] = &[("begin_date", Self::BeginDate)];
}

impl Order for AbsenceRequestSort {
    fn key(self) -> Key {
        Key::DATE
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct AbsenceRequestOrder {
    /// `begin_date` (as usual); with `-` in front from the last to the first.
    #[param(pattern = "^-?begin_date$", example = "-begin_date")]
    sort: Option<String>,
}

/// A page of them.
type AbsenceRequestPage = Page<AbsenceRequest>;

/// List absence requests
///
/// A page of those one may see, by first day.
#[utoipa::path(
    get,
    path = "/absence_requests",
    operation_id = "absence_request_list",
    tag = "School",
    params(StatusParameter, AbsenceRequestFilter, AbsenceRequestOrder, PageQuery),
    responses((status = 200, description = "A page of absence requests.", body = AbsenceRequestPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn absence_request_list(
    op: Op,
    listing: Listing<AbsenceRequestFilter, AbsenceRequestSort>,
) -> Result<Answer<AbsenceRequestPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    let sight = Sight::of(cx, &ABSENCE_REQUEST)?;
    let (tenant, what, filter) = (cx.tenant_id(), ABSENCE_REQUEST.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?.on_days(None, filter.until),
        state: filter.state,
        from: filter.from,
        until: filter.until,
        student_id: filter.student_id,
    };
    let rows = store::list_by_begin(tenancy, cx, &sight, &selection).await?;
    Ok(Answer(
        listing
            .page(tenant, what, rows, |last| Position { key: Key::Date(last.fields.begin_date), id: last.id.uuid() }),
    ))
}

/// Ask for an absence
///
/// A guardian for own children, the office for anybody.
#[utoipa::path(
    post,
    path = "/absence_requests",
    operation_id = "absence_request_create",
    tag = "School",
    params(IdempotencyHeader),
    request_body(content = AbsenceRequestFields, example = json!(sample_fields())),
    responses((status = 201, description = "The absence request.", body = AbsenceRequest,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn absence_request_create(op: Op, once: Once<AbsenceRequestFields>) -> Result<Response<Body>, Problem> {
    Sight::to(&op.cx, Action::Create, &ABSENCE_REQUEST, &[OWN_CHILDREN])?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read an absence request
#[utoipa::path(
    get,
    path = "/absence_requests/{id}",
    operation_id = "absence_request_read",
    tag = "School",
    params(("id" = AbsenceRequestId, Path, description = "Which one.")),
    responses((status = 200, description = "The absence request.", body = AbsenceRequest,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn absence_request_read(op: Op, Path(id): Path<AbsenceRequestId>) -> Result<Tagged<AbsenceRequest>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Decide an absence request
///
/// Once. Approved, the absence is recorded on each day with instruction of which nothing is recorded yet; where the calendar says
/// nothing of a day, on Monday to Friday.
#[utoipa::path(
    put,
    path = "/absence_requests/{id}/decision",
    operation_id = "absence_request_decide",
    tag = "School",
    params(("id" = AbsenceRequestId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = AbsenceDecision, example = json!(sample_decision())),
    responses((status = 200, description = "The absence request as it is now.", body = AbsenceRequest,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn absence_request_decide(
    op: Op,
    Path(id): Path<AbsenceRequestId>,
    known: IfMatch,
    Json(decision): Json<AbsenceDecision>,
) -> Result<Tagged<AbsenceRequest>, Problem> {
    Ok(Tagged(super::decide(&op.tenancy, &op.cx, id, &known, decision).await?))
}

/// Take an absence request back
///
/// While nobody decided it. It stays readable for the office, with the status `tobedeleted`.
#[utoipa::path(
    delete,
    path = "/absence_requests/{id}",
    operation_id = "absence_request_withdraw",
    tag = "School",
    params(("id" = AbsenceRequestId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is taken back."))
)]
async fn absence_request_withdraw(
    op: Op,
    Path(id): Path<AbsenceRequestId>,
    known: IfMatch,
) -> Result<StatusCode, Problem> {
    super::withdraw(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
