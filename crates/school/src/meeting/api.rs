//! Endpoints about meetings.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Query,
    Sort, Tagged,
};
use cloister_ids::{ClassId, ClassPeriodId, MeetingId, PersonId, RoomId};
use cloister_tenancy::Action;
use garde::Validate;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{MEETING, Meeting, MeetingFields, WrittenMeeting, sample, sample_fields, store, written_sample};
use crate::{
    day_time::DayOfWeek,
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter},
    rules::plausible,
    scope::Sight,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(meeting_list, meeting_create)).routes(routes!(
        meeting_read,
        meeting_update,
        meeting_delete
    ))
}

/// Which meetings.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MeetingFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only of this class.
    #[garde(skip)]
    class_id: Option<ClassId>,
    /// Only in this period.
    #[garde(skip)]
    class_period_id: Option<ClassPeriodId>,
    /// Only in this room.
    #[garde(skip)]
    room_id: Option<RoomId>,
    /// Only those that name this teacher, of classes whose places one may see.
    #[garde(skip)]
    teacher_id: Option<PersonId>,
    /// Only on this day of the week.
    #[garde(skip)]
    #[param(inline)]
    day_of_week: Option<DayOfWeek>,
    /// Only those in force on this day.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-10-01")]
    on: Option<Date>,
}

/// Whether a meeting may stand against others.
#[derive(Debug, Clone, Copy, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Strictness {
    /// Refuse the meeting if the same class, room or teacher has another one at the same time.
    #[garde(skip)]
    strict: Option<bool>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum MeetingSort {
    CreatedAt,
    DateLastModified,
}

impl Sort for MeetingSort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("created_at", Self::CreatedAt), ("date_last_modified", Self::DateLastModified)];
}

impl Order for MeetingSort {
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
struct MeetingOrder {
    /// `created_at` (as usual) or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(created_at|date_last_modified)$", example = "-date_last_modified")]
    sort: Option<String>,
}

/// A page of them.
type MeetingPage = Page<Meeting>;
/// Changes to one.
type MeetingPatch = MergePatch<MeetingFields>;

/// List meetings
///
/// A page of them, by age unless another order is asked for. For the meetings of a class, person or room with their times, ask
/// for a timetable.
#[utoipa::path(
    get,
    path = "/meetings",
    operation_id = "meeting_list",
    tag = "School",
    params(StatusParameter, MeetingFilter, MeetingOrder, PageQuery),
    responses((status = 200, description = "A page of meetings.", body = MeetingPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn meeting_list(op: Op, listing: Listing<MeetingFilter, MeetingSort>) -> Result<Answer<MeetingPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    cx.authorize(Action::Read, &MEETING)?;
    let (tenant, what, filter) = (cx.tenant_id(), MEETING.name, &listing.filter);
    // Whom a teacher teaches is told by places: nobody learns more of that than otherwise.
    let sight = if filter.teacher_id.is_some() { Sight::All.through_places(cx)? } else { Sight::All };
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?,
        class_id: filter.class_id,
        class_period_id: filter.class_period_id,
        room_id: filter.room_id,
        teacher_id: filter.teacher_id,
        day_of_week: filter.day_of_week,
        on: filter.on,
    };
    let rows = match listing.sort {
        MeetingSort::CreatedAt => store::list_by_age(tenancy, cx, &sight, &selection).await?,
        MeetingSort::DateLastModified => store::list_by_change(tenancy, cx, &sight, &selection).await?,
    };
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            MeetingSort::CreatedAt => Key::Id,
            MeetingSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Create a meeting
///
/// Where something stands against it, it is made all the same, and the answer says what; with `strict`, it is refused.
#[utoipa::path(
    post,
    path = "/meetings",
    operation_id = "meeting_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(Strictness, IdempotencyHeader),
    request_body(content = MeetingFields, example = json!(sample_fields())),
    responses((status = 201, description = "The meeting, and what stands against it.", body = WrittenMeeting,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(written_sample())))
)]
async fn meeting_create(
    op: Op,
    Query(Strictness { strict }): Query<Strictness>,
    once: Once<MeetingFields>,
) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &MEETING)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body, strict.unwrap_or_default()).await;
    op.created(tx, once.key, made).await
}

/// Read a meeting
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/meetings/{id}",
    operation_id = "meeting_read",
    tag = "School",
    params(("id" = MeetingId, Path, description = "Which one.")),
    responses((status = 200, description = "The meeting.", body = Meeting,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn meeting_read(op: Op, Path(id): Path<MeetingId>) -> Result<Tagged<Meeting>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change a meeting
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back.
#[utoipa::path(
    patch,
    path = "/meetings/{id}",
    operation_id = "meeting_update",
    tag = "School",
    params(("id" = MeetingId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\""), Strictness),
    request_body(content = MeetingPatch, example = json!({ "end_date": "2026-02-01" })),
    responses((status = 200, description = "The meeting as it is now, and what stands against it.", body = WrittenMeeting,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(written_sample())))
)]
async fn meeting_update(
    op: Op,
    Path(id): Path<MeetingId>,
    known: IfMatch,
    Query(Strictness { strict }): Query<Strictness>,
    patch: MeetingPatch,
) -> Result<Tagged<WrittenMeeting>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch, strict.unwrap_or_default()).await?))
}

/// Delete a meeting
///
/// It stays readable, with the status `tobedeleted`. To say that it ended, set its `end_date` instead.
#[utoipa::path(
    delete,
    path = "/meetings/{id}",
    operation_id = "meeting_delete",
    tag = "School",
    params(("id" = MeetingId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn meeting_delete(op: Op, Path(id): Path<MeetingId>, known: IfMatch) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
