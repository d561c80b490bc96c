//! Endpoints about attendance events.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, Once, Op, Page, PageQuery, Path, Problem, Sort, Tagged,
};
use cloister_ids::{AttendanceEventId, ClassId, OrgId, PersonId};
use cloister_tenancy::Action;
use garde::Validate;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ATTENDANCE_EVENT, AttendanceEvent, AttendanceEventFields, AttendanceSight, list_store, sample, sample_fields,
};
use crate::{
    attendance_code::Direction,
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter},
    rules::plausible,
    vocabulary::AttendanceCategory,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(attendance_event_list, attendance_event_create))
        .routes(routes!(attendance_event_read, attendance_event_delete))
        .routes(routes!(attendance_event_history))
}

/// Which attendance events.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AttendanceEventFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only of this student.
    #[garde(skip)]
    student_id: Option<PersonId>,
    /// Only of this class. What was said of the whole day is of no class.
    #[garde(skip)]
    class_id: Option<ClassId>,
    /// Only of this school.
    #[garde(skip)]
    school_id: Option<OrgId>,
    /// Only from this day on.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-09-01")]
    from: Option<Date>,
    /// Only before this day.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-10-01")]
    until: Option<Date>,
    /// Only of this category.
    #[garde(skip)]
    category: Option<AttendanceCategory>,
    /// Only of students who count as being at school, or as not.
    #[garde(skip)]
    #[param(inline)]
    direction: Option<Direction>,
    /// Only what was said of the whole day, or only what was said of classes.
    #[garde(skip)]
    whole_day: Option<bool>,
    /// With those that were corrected since.
    #[garde(skip)]
    history: Option<bool>,
}

/// The order of the list.
#[derive(Debug, Clone, Copy)]
enum AttendanceEventSort {
    Date,
}

impl Sort for AttendanceEventSort {
    const ORDERS: &'static [(&'static str, Self)] = &[("date", Self::Date)];
}

impl Order for AttendanceEventSort {
    fn key(self) -> Key {
        Key::DATE
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct AttendanceEventOrder {
    /// `date` (as usual); with `-` in front from the last day to the first.
    #[param(pattern = "^-?date$", example = "-date")]
    sort: Option<String>,
}

/// A page of them.
type AttendanceEventPage = Page<AttendanceEvent>;

/// What was said, and what was said before.
#[derive(Debug, Serialize, ToSchema)]
struct AttendanceEventHistory {
    /// Newest first: the first counts, unless it was taken back.
    items: Vec<AttendanceEvent>,
}

/// List attendance events
///
/// A page of those one may see, by day. Those that were corrected are left out unless `history` is asked for.
#[utoipa::path(
    get,
    path = "/attendance_events",
    operation_id = "attendance_event_list",
    tag = "School",
    params(StatusParameter, AttendanceEventFilter, AttendanceEventOrder, PageQuery),
    responses((status = 200, description = "A page of attendance events.", body = AttendanceEventPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn attendance_event_list(
    op: Op,
    listing: Listing<AttendanceEventFilter, AttendanceEventSort>,
) -> Result<Answer<AttendanceEventPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    let sight = AttendanceSight::of(cx)?;
    let (tenant, what, filter) = (cx.tenant_id(), ATTENDANCE_EVENT.name, &listing.filter);
    let selection = list_store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?.on_days(filter.from, filter.until),
        from: filter.from,
        until: filter.until,
        school_id: filter.school_id,
        student_id: filter.student_id,
        class_id: filter.class_id,
        category: filter.category.clone(),
        direction: filter.direction,
        whole_day: filter.whole_day,
        history: filter.history.unwrap_or_default(),
    };
    let rows = list_store::list_by_date(tenancy, cx, &sight, &selection).await?;
    Ok(Answer(
        listing.page(tenant, what, rows, |last| Position { key: Key::Date(last.fields.date), id: last.id.uuid() }),
    ))
}

/// Record or correct attendance
///
/// Of one student, for the whole day or a class. What is recorded is never changed: to correct it, record anew and name the
/// event that counts in `supersedes_id`. The attendance of a whole class is taken at once with its register.
#[utoipa::path(
    post,
    path = "/attendance_events",
    operation_id = "attendance_event_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = AttendanceEventFields, example = json!(sample_fields())),
    responses((status = 201, description = "The attendance event.", body = AttendanceEvent,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn attendance_event_create(op: Op, once: Once<AttendanceEventFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &ATTENDANCE_EVENT)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read an attendance event
///
/// One that was corrected or taken back too: `superseded_at` and `status` tell.
#[utoipa::path(
    get,
    path = "/attendance_events/{id}",
    operation_id = "attendance_event_read",
    tag = "School",
    params(("id" = AttendanceEventId, Path, description = "Which one.")),
    responses((status = 200, description = "The attendance event.", body = AttendanceEvent,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn attendance_event_read(op: Op, Path(id): Path<AttendanceEventId>) -> Result<Tagged<AttendanceEvent>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Read the history of an attendance event
///
/// All that was ever recorded of the same student, day, class and period: at most 200 events, newest first.
#[utoipa::path(
    get,
    path = "/attendance_events/{id}/history",
    operation_id = "attendance_event_history",
    tag = "School",
    params(("id" = AttendanceEventId, Path, description = "Which one.")),
    responses((status = 200, description = "What was recorded.", body = AttendanceEventHistory,
        example = json!({ "items": [sample()] })))
)]
async fn attendance_event_history(
    op: Op,
    Path(id): Path<AttendanceEventId>,
) -> Result<Answer<AttendanceEventHistory>, Problem> {
    Ok(Answer(AttendanceEventHistory { items: super::history(&op.tenancy, &op.cx, id).await? }))
}

/// Take an attendance event back
///
/// As if nothing had been recorded. It stays readable, with the status `tobedeleted`. What it had corrected stays corrected.
#[utoipa::path(
    delete,
    path = "/attendance_events/{id}",
    operation_id = "attendance_event_delete",
    tag = "School",
    params(("id" = AttendanceEventId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is taken back."))
)]
async fn attendance_event_delete(
    op: Op,
    Path(id): Path<AttendanceEventId>,
    known: IfMatch,
) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
