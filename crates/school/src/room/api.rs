//! Endpoints about rooms.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::{OrgId, RoomId};
use cloister_tenancy::Action;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ROOM, Room, RoomFields, sample, sample_fields, store};
use crate::{
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter, prefix},
    rules::searchable,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(room_list, room_create)).routes(routes!(room_read, room_update, room_delete))
}

/// Which rooms.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RoomFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only of this school.
    #[garde(skip)]
    school_id: Option<OrgId>,
    /// Only those whose number begins with this; case and accents do not matter.
    #[garde(inner(length(chars, max = 100), custom(searchable)))]
    #[param(min_length = 1, max_length = 100, example = "a")]
    q: Option<String>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum RoomSort {
    RoomNumber,
    DateLastModified,
}

impl Sort for RoomSort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("room_number", Self::RoomNumber), ("date_last_modified", Self::DateLastModified)];
}

impl Order for RoomSort {
    fn key(self) -> Key {
        match self {
            Self::RoomNumber => Key::TEXT,
            Self::DateLastModified => Key::TIME,
        }
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct RoomOrder {
    /// `room_number` (as usual) or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(room_number|date_last_modified)$", example = "-date_last_modified")]
    sort: Option<String>,
}

/// A page of them.
type RoomPage = Page<Room>;
/// Changes to one.
type RoomPatch = MergePatch<RoomFields>;

/// List rooms
///
/// A page of them, by number unless another order is asked for.
#[utoipa::path(
    get,
    path = "/rooms",
    operation_id = "room_list",
    tag = "School",
    params(StatusParameter, RoomFilter, RoomOrder, PageQuery),
    responses((status = 200, description = "A page of rooms.", body = RoomPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn room_list(op: Op, listing: Listing<RoomFilter, RoomSort>) -> Result<Answer<RoomPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    cx.authorize(Action::Read, &ROOM)?;
    let (tenant, what, filter) = (cx.tenant_id(), ROOM.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?,
        school_id: filter.school_id,
        room_number: prefix(filter.q.as_deref()),
    };
    let rows = match listing.sort {
        RoomSort::RoomNumber => store::list_by_room_number(tenancy, cx, &selection).await?,
        RoomSort::DateLastModified => store::list_by_change(tenancy, cx, &selection).await?,
    };
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            RoomSort::RoomNumber => Key::Text(last.fields.room_number_search()),
            RoomSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Create a room
#[utoipa::path(
    post,
    path = "/rooms",
    operation_id = "room_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = RoomFields, example = json!(sample_fields())),
    responses((status = 201, description = "The room.", body = Room,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn room_create(op: Op, once: Once<RoomFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &ROOM)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read a room
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/rooms/{id}",
    operation_id = "room_read",
    tag = "School",
    params(("id" = RoomId, Path, description = "Which one.")),
    responses((status = 200, description = "The room.", body = Room,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn room_read(op: Op, Path(id): Path<RoomId>) -> Result<Tagged<Room>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change a room
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back.
#[utoipa::path(
    patch,
    path = "/rooms/{id}",
    operation_id = "room_update",
    tag = "School",
    params(("id" = RoomId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = RoomPatch, example = json!({ "capacity": 30 })),
    responses((status = 200, description = "The room as it is now.", body = Room,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn room_update(
    op: Op,
    Path(id): Path<RoomId>,
    known: IfMatch,
    patch: RoomPatch,
) -> Result<Tagged<Room>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete a room
///
/// It stays readable, with the status `tobedeleted`. Refused while classes meet in it.
#[utoipa::path(
    delete,
    path = "/rooms/{id}",
    operation_id = "room_delete",
    tag = "School",
    params(("id" = RoomId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn room_delete(op: Op, Path(id): Path<RoomId>, known: IfMatch) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
