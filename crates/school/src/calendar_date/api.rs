//! Endpoints about calendar dates.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::{CalendarDateId, OrgId};
use cloister_tenancy::Action;
use garde::Validate;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{CALENDAR_DATE, CalendarDate, CalendarDateFields, sample, sample_fields, store};
use crate::{
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter},
    rules::plausible,
    vocabulary::CalendarEvent,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(calendar_date_list, calendar_date_create)).routes(routes!(
        calendar_date_read,
        calendar_date_update,
        calendar_date_delete
    ))
}

/// Which calendar dates.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CalendarDateFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only of this school.
    #[garde(skip)]
    school_id: Option<OrgId>,
    /// Only from this day on.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-09-01")]
    from: Option<Date>,
    /// Only before this day.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2026-07-01")]
    until: Option<Date>,
    /// Only days that are this.
    #[garde(skip)]
    calendar_event: Option<CalendarEvent>,
    /// Only days with instruction, or only days without.
    #[garde(skip)]
    is_instructional: Option<bool>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum CalendarDateSort {
    Date,
    DateLastModified,
}

impl Sort for CalendarDateSort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("date", Self::Date), ("date_last_modified", Self::DateLastModified)];
}

impl Order for CalendarDateSort {
    fn key(self) -> Key {
        match self {
            Self::Date => Key::DATE,
            Self::DateLastModified => Key::TIME,
        }
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct CalendarDateOrder {
    /// `date` (as usual) or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(date|date_last_modified)$", example = "-date_last_modified")]
    sort: Option<String>,
}

/// A page of them.
type CalendarDatePage = Page<CalendarDate>;
/// Changes to one.
type CalendarDatePatch = MergePatch<CalendarDateFields>;

/// List calendar dates
///
/// A page of them, by day unless another order is asked for.
#[utoipa::path(
    get,
    path = "/calendar_dates",
    operation_id = "calendar_date_list",
    tag = "School",
    params(StatusParameter, CalendarDateFilter, CalendarDateOrder, PageQuery),
    responses((status = 200, description = "A page of calendar dates.", body = CalendarDatePage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn calendar_date_list(
    op: Op,
    listing: Listing<CalendarDateFilter, CalendarDateSort>,
) -> Result<Answer<CalendarDatePage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    cx.authorize(Action::Read, &CALENDAR_DATE)?;
    let (tenant, what, filter) = (cx.tenant_id(), CALENDAR_DATE.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?.on_days(filter.from, filter.until),
        school_id: filter.school_id,
        from: filter.from,
        until: filter.until,
        calendar_event: filter.calendar_event.clone(),
        is_instructional: filter.is_instructional,
    };
    let rows = match listing.sort {
        CalendarDateSort::Date => store::list_by_date(tenancy, cx, &selection).await?,
        CalendarDateSort::DateLastModified => store::list_by_change(tenancy, cx, &selection).await?,
    };
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            CalendarDateSort::Date => Key::Date(last.fields.date),
            CalendarDateSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Create a calendar date
#[utoipa::path(
    post,
    path = "/calendar_dates",
    operation_id = "calendar_date_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = CalendarDateFields, example = json!(sample_fields())),
    responses((status = 201, description = "The calendar date.", body = CalendarDate,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn calendar_date_create(op: Op, once: Once<CalendarDateFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &CALENDAR_DATE)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read a calendar date
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/calendar_dates/{id}",
    operation_id = "calendar_date_read",
    tag = "School",
    params(("id" = CalendarDateId, Path, description = "Which one.")),
    responses((status = 200, description = "The calendar date.", body = CalendarDate,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn calendar_date_read(op: Op, Path(id): Path<CalendarDateId>) -> Result<Tagged<CalendarDate>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change a calendar date
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back.
#[utoipa::path(
    patch,
    path = "/calendar_dates/{id}",
    operation_id = "calendar_date_update",
    tag = "School",
    params(("id" = CalendarDateId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = CalendarDatePatch, example = json!({ "is_instructional": true, "calendar_event": "make_up" })),
    responses((status = 200, description = "The calendar date as it is now.", body = CalendarDate,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn calendar_date_update(
    op: Op,
    Path(id): Path<CalendarDateId>,
    known: IfMatch,
    patch: CalendarDatePatch,
) -> Result<Tagged<CalendarDate>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete a calendar date
///
/// It stays readable, with the status `tobedeleted`. Nothing is known of the day then.
#[utoipa::path(
    delete,
    path = "/calendar_dates/{id}",
    operation_id = "calendar_date_delete",
    tag = "School",
    params(("id" = CalendarDateId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn calendar_date_delete(op: Op, Path(id): Path<CalendarDateId>, known: IfMatch) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
