//! Endpoints about timetables.

use cloister_http::{Answer, Edge, Listing, Op, Page, PageQuery, Problem, Query, Sort};
use cloister_ids::{ClassId, OrgId, PersonId, RoomId};
use cloister_tenancy::Action;
use garde::Validate;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Of, Timetable, sample};
use crate::{
    listing::{Key, Order, Position, Span},
    meeting::{MEETING, MeetingConflicts, conflict::page_sample, conflict_store},
    rules::plausible,
    scope::today,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(timetable_read)).routes(routes!(timetable_conflicts))
}

/// Whose timetable, and when.
#[derive(Debug, Clone, Copy, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TimetableFilter {
    /// That of this class.
    #[garde(skip)]
    class_id: Option<ClassId>,
    /// That of this person: of the classes in which they have a place on the day.
    #[garde(skip)]
    person_id: Option<PersonId>,
    /// That of this room.
    #[garde(skip)]
    room_id: Option<RoomId>,
    /// As it is on this day; today, where none is given.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-10-01")]
    on: Option<Date>,
    /// Only what is held on that very day, by its calendar and bell schedule.
    #[garde(skip)]
    day_only: Option<bool>,
}

/// Of which school.
#[derive(Debug, Clone, Copy, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ConflictFilter {
    /// Only of classes of this school.
    #[garde(skip)]
    school_id: Option<OrgId>,
}

/// The order of the list.
#[derive(Debug, Clone, Copy)]
enum ConflictSort {
    CreatedAt,
}

impl Sort for ConflictSort {
    const ORDERS: &'static [(&'static str, Self)] = &[("created_at", Self::CreatedAt)];
}

impl Order for ConflictSort {
    fn key(self) -> Key {
        Key::Id
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct ConflictOrder {
    /// `created_at` (as usual), that of the older meeting; with `-` in front from the newest to the oldest.
    #[param(pattern = "^-?created_at$", example = "-created_at")]
    sort: Option<String>,
}

/// A page of them.
type MeetingConflictsPage = Page<MeetingConflicts>;

/// Read a timetable
///
/// Of one class, person or room: the meetings in force, by day and time. Of a person one sees what one sees of their places.
#[utoipa::path(
    get,
    path = "/timetable",
    operation_id = "timetable_read",
    tag = "School",
    params(TimetableFilter),
    responses((status = 200, description = "The timetable.", body = Timetable, example = json!(sample())))
)]
async fn timetable_read(
    op: Op,
    Query(TimetableFilter { class_id, person_id, room_id, on, day_only }): Query<TimetableFilter>,
) -> Result<Answer<Timetable>, Problem> {
    let of = Of::one(class_id, person_id, room_id)?;
    let on = on.unwrap_or_else(|| today(&op.cx));
    Ok(Answer(super::read(&op.tenancy, &op.cx, of, on, day_only.unwrap_or_default()).await?))
}

/// List the conflicts of the timetable
///
/// Meetings at the same time of the same class, in the same room or with the same teacher. Each conflict is told once, with the
/// older of the two meetings. A page looks through as many meetings as `limit` says and holds those that others stand against: it
/// may be short or empty and still have a `next_cursor`. Go on until there is none.
#[utoipa::path(
    get,
    path = "/timetable/conflicts",
    operation_id = "timetable_conflicts",
    tag = "School",
    params(ConflictFilter, ConflictOrder, PageQuery),
    responses((status = 200, description = "A page of meetings that others stand against.", body = MeetingConflictsPage,
        example = json!({ "items": [page_sample()], "next_cursor": null })))
)]
async fn timetable_conflicts(
    op: Op,
    listing: Listing<ConflictFilter, ConflictSort>,
) -> Result<Answer<MeetingConflictsPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    // Who makes the timetable sees what stands against it.
    cx.authorize(Action::Update, &MEETING)?;
    let (tenant, what) = (cx.tenant_id(), "timetable_conflict");
    let span = Span::of(&listing, None, tenant, what)?;
    let rows = conflict_store::list(tenancy, cx, &span, listing.filter.school_id).await?;
    let page = listing.page(tenant, what, rows, |last| Position { key: Key::Id, id: last.meeting_id.uuid() });
    let items = page.items.into_iter().filter(|meeting| !meeting.conflicts.is_empty()).collect();
    Ok(Answer(Page { items, next_cursor: page.next_cursor }))
}
