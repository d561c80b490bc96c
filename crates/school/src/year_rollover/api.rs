//! Endpoints about year rollovers.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Class, Edge, IdempotencyHeader, IfMatch, Listing, Once, Op, Page, PageQuery, Path, Problem, Sort, Tagged,
};
use cloister_ids::{OrgId, YearRolloverId};
use cloister_tenancy::Action;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    YEAR_ROLLOVER, YearRollover, YearRolloverFields, read,
    run::{self, RolloverApply},
    sample, sample_fields, store,
    undo::{self, RolloverUndo},
};
use crate::{
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter},
    scope::authorize_change,
};

/// The routes of rollovers themselves.
pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(year_rollover_list, year_rollover_create))
        .routes(routes!(year_rollover_read, year_rollover_delete))
        .routes(routes!(year_rollover_apply))
        .routes(routes!(year_rollover_undo))
}

/// Which year rollovers.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct YearRolloverFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only those of this school.
    #[garde(skip)]
    school_id: Option<OrgId>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum YearRolloverSort {
    CreatedAt,
    DateLastModified,
}

impl Sort for YearRolloverSort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("created_at", Self::CreatedAt), ("date_last_modified", Self::DateLastModified)];
}

impl Order for YearRolloverSort {
    fn key(self) -> Key {
        match self {
            Self::CreatedAt => Key::Id,
            Self::DateLastModified => Key::TIME,
        }
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct YearRolloverOrder {
    /// `created_at` (as usual) or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(created_at|date_last_modified)$", example = "-date_last_modified")]
    sort: Option<String>,
}

/// A page of them.
type YearRolloverPage = Page<YearRollover>;

/// List year rollovers
///
/// Plans, and what was made of them, by age unless another order is asked for.
#[utoipa::path(
    get,
    path = "/year_rollovers",
    operation_id = "year_rollover_list",
    tag = "School",
    params(StatusParameter, YearRolloverFilter, YearRolloverOrder, PageQuery),
    responses((status = 200, description = "A page of year rollovers.", body = YearRolloverPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn year_rollover_list(
    op: Op,
    listing: Listing<YearRolloverFilter, YearRolloverSort>,
) -> Result<Answer<YearRolloverPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    cx.authorize(Action::Read, &YEAR_ROLLOVER)?;
    let (tenant, what, filter) = (cx.tenant_id(), YEAR_ROLLOVER.name, &listing.filter);
    let selection =
        store::Selection { span: Span::of(&listing, filter.status, tenant, what)?, school_id: filter.school_id };
    let rows = match listing.sort {
        YearRolloverSort::CreatedAt => store::list_by_age(tenancy, cx, &selection).await?,
        YearRolloverSort::DateLastModified => store::list_by_change(tenancy, cx, &selection).await?,
    };
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            YearRolloverSort::CreatedAt => Key::Id,
            YearRolloverSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Plan a year rollover
///
/// Says what happens to each student who is at the school when the year ends, and changes nothing else. A student goes to the grade or
/// school that their record names for the next year; otherwise to the grade that follows on theirs, or graduates. Who cannot be
/// decided is `undecided`, with a problem. See the students of the rollover; decide them otherwise; then apply it, or delete it.
#[utoipa::path(
    post,
    path = "/year_rollovers",
    operation_id = "year_rollover_create",
    tag = "School",
    params(IdempotencyHeader),
    request_body(content = YearRolloverFields, example = json!(sample_fields())),
    responses((status = 201, description = "The plan.", body = YearRollover,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn year_rollover_create(op: Op, once: Once<YearRolloverFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &YEAR_ROLLOVER)?;
    op.limit(Class::Heavy)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read a year rollover
///
/// How it stands and how far it is, with the number of students for each outcome. A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/year_rollovers/{id}",
    operation_id = "year_rollover_read",
    tag = "School",
    params(("id" = YearRolloverId, Path, description = "Which one.")),
    responses((status = 200, description = "The year rollover.", body = YearRollover,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn year_rollover_read(op: Op, Path(id): Path<YearRolloverId>) -> Result<Tagged<YearRollover>, Problem> {
    Ok(Tagged(read(&op.tenancy, &op.cx, id).await?))
}

/// Delete the plan of a year rollover
///
/// It stays readable, with the status `tobedeleted`. One that was applied cannot be deleted.
#[utoipa::path(
    delete,
    path = "/year_rollovers/{id}",
    operation_id = "year_rollover_delete",
    tag = "School",
    params(("id" = YearRolloverId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn year_rollover_delete(op: Op, Path(id): Path<YearRolloverId>, known: IfMatch) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Apply a year rollover
///
/// A job does what was planned; read the rollover to see how far it is. Refused where records were changed since the plan, or where
/// students are undecided, unless `leave_undecided` says that these stay as they are. One that failed half way goes on.
#[utoipa::path(
    post,
    path = "/year_rollovers/{id}/apply",
    operation_id = "year_rollover_apply",
    tag = "School",
    params(("id" = YearRolloverId, Path, description = "Which one."), IdempotencyHeader),
    request_body(content = RolloverApply, example = json!({ "leave_undecided": true })),
    responses((status = 200, description = "The year rollover, which is under way.", body = YearRollover,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn year_rollover_apply(
    op: Op,
    Path(id): Path<YearRolloverId>,
    once: Once<RolloverApply>,
) -> Result<Response<Body>, Problem> {
    authorize_change(&op.cx, Action::Update, &YEAR_ROLLOVER, read(&op.tenancy, &op.cx, id)).await?;
    op.limit(Class::Heavy)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let done = run::apply(&mut tx, once.key.as_ref(), id, once.body).await;
    op.done(tx, once.key, done).await
}

/// Take a year rollover back
///
/// The year that ended goes on, and the next one counts no more. Refused where what it wrote was changed since, unless
/// `keep_changed` says that such students are to stay as they are now.
#[utoipa::path(
    post,
    path = "/year_rollovers/{id}/undo",
    operation_id = "year_rollover_undo",
    tag = "School",
    params(("id" = YearRolloverId, Path, description = "Which one."), IdempotencyHeader),
    request_body(content = RolloverUndo, example = json!({ "keep_changed": false })),
    responses((status = 200, description = "The year rollover, which was taken back.", body = YearRollover,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn year_rollover_undo(
    op: Op,
    Path(id): Path<YearRolloverId>,
    once: Once<RolloverUndo>,
) -> Result<Response<Body>, Problem> {
    authorize_change(&op.cx, Action::Update, &YEAR_ROLLOVER, read(&op.tenancy, &op.cx, id)).await?;
    op.limit(Class::Heavy)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let done = undo::undo(&mut tx, once.key.as_ref(), id, once.body).await;
    op.done(tx, once.key, done).await
}
