//! Endpoints about bell schedules.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::{BellScheduleId, OrgId};
use cloister_tenancy::Action;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{BELL_SCHEDULE, BellSchedule, BellScheduleFields, sample, sample_fields, store};
use crate::{
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter, prefix},
    rules::searchable,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(bell_schedule_list, bell_schedule_create)).routes(routes!(
        bell_schedule_read,
        bell_schedule_update,
        bell_schedule_delete
    ))
}

/// Which bell schedules.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct BellScheduleFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only of this school.
    #[garde(skip)]
    school_id: Option<OrgId>,
    /// Only those whose name begins with this; case and accents do not matter.
    #[garde(inner(length(chars, max = 100), custom(searchable)))]
    #[param(min_length = 1, max_length = 100, example = "a")]
    q: Option<String>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum BellScheduleSort {
    Name,
    DateLastModified,
}

impl Sort for BellScheduleSort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("name", Self::Name), ("date_last_modified", Self::DateLastModified)];
}

impl Order for BellScheduleSort {
    fn key(self) -> Key {
        match self {
            Self::Name => Key::TEXT,
            Self::DateLastModified => Key::TIME,
        }
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct BellScheduleOrder {
    /// `name` (as usual) or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(name|date_last_modified)$", example = "-date_last_modified")]
    sort: Option<String>,
}

/// A page of them.
type BellSchedulePage = Page<BellSchedule>;
/// Changes to one.
type BellSchedulePatch = MergePatch<BellScheduleFields>;

/// List bell schedules
///
/// A page of them, by name unless another order is asked for.
#[utoipa::path(
    get,
    path = "/bell_schedules",
    operation_id = "bell_schedule_list",
    tag = "School",
    params(StatusParameter, BellScheduleFilter, BellScheduleOrder, PageQuery),
    responses((status = 200, description = "A page of bell schedules.", body = BellSchedulePage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn bell_schedule_list(
    op: Op,
    listing: Listing<BellScheduleFilter, BellScheduleSort>,
) -> Result<Answer<BellSchedulePage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    cx.authorize(Action::Read, &BELL_SCHEDULE)?;
    let (tenant, what, filter) = (cx.tenant_id(), BELL_SCHEDULE.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?,
        school_id: filter.school_id,
        name: prefix(filter.q.as_deref()),
    };
    let rows = match listing.sort {
        BellScheduleSort::Name => store::list_by_name(tenancy, cx, &selection).await?,
        BellScheduleSort::DateLastModified => store::list_by_change(tenancy, cx, &selection).await?,
    };
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            BellScheduleSort::Name => Key::Text(last.fields.name_search()),
            BellScheduleSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Create a bell schedule
#[utoipa::path(
    post,
    path = "/bell_schedules",
    operation_id = "bell_schedule_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = BellScheduleFields, example = json!(sample_fields())),
    responses((status = 201, description = "The bell schedule.", body = BellSchedule,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn bell_schedule_create(op: Op, once: Once<BellScheduleFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &BELL_SCHEDULE)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read a bell schedule
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/bell_schedules/{id}",
    operation_id = "bell_schedule_read",
    tag = "School",
    params(("id" = BellScheduleId, Path, description = "Which one.")),
    responses((status = 200, description = "The bell schedule.", body = BellSchedule,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn bell_schedule_read(op: Op, Path(id): Path<BellScheduleId>) -> Result<Tagged<BellSchedule>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change a bell schedule
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back.
#[utoipa::path(
    patch,
    path = "/bell_schedules/{id}",
    operation_id = "bell_schedule_update",
    tag = "School",
    params(("id" = BellScheduleId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = BellSchedulePatch, example = json!({ "name": "Assembly day" })),
    responses((status = 200, description = "The bell schedule as it is now.", body = BellSchedule,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn bell_schedule_update(
    op: Op,
    Path(id): Path<BellScheduleId>,
    known: IfMatch,
    patch: BellSchedulePatch,
) -> Result<Tagged<BellSchedule>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete a bell schedule
///
/// It stays readable, with the status `tobedeleted`. Refused while days of the calendar follow it.
#[utoipa::path(
    delete,
    path = "/bell_schedules/{id}",
    operation_id = "bell_schedule_delete",
    tag = "School",
    params(("id" = BellScheduleId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn bell_schedule_delete(op: Op, Path(id): Path<BellScheduleId>, known: IfMatch) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
