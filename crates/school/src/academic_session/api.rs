//! Endpoints about academic sessions.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::AcademicSessionId;
use cloister_tenancy::Action;
use garde::Validate;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ACADEMIC_SESSION, AcademicSession, AcademicSessionFields, sample, sample_fields, store};
use crate::{
    listing::{Key, Order, Position, RecordFilter, Span, StatusFilter, prefix},
    rules::{SOURCED_ID, plausible, searchable},
    vocabulary::SessionType,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(academic_session_list, academic_session_create)).routes(routes!(
        academic_session_read,
        academic_session_update,
        academic_session_delete
    ))
}

/// Which academic sessions.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AcademicSessionFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    #[garde(inner(length(chars, max = SOURCED_ID)))]
    #[param(ignore)]
    sourced_id: Option<String>,
    /// Only of this kind.
    #[garde(skip)]
    #[serde(rename = "type")]
    kind: Option<SessionType>,
    /// Only of the school year that ends in this year.
    #[garde(inner(range(min = 1900, max = 2200)))]
    #[param(minimum = 1900, maximum = 2200, example = 2026)]
    school_year: Option<i32>,
    /// Only those that are directly a part of this one.
    #[garde(skip)]
    parent_id: Option<AcademicSessionId>,
    /// Only those under way on this day.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-10-01")]
    on: Option<Date>,
    /// Only those whose title begins with this; case and accents do not matter.
    #[garde(inner(length(chars, max = 100), custom(searchable)))]
    #[param(min_length = 1, max_length = 100, example = "fall")]
    q: Option<String>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum AcademicSessionSort {
    StartDate,
    Title,
    DateLastModified,
}

impl Sort for AcademicSessionSort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("start_date", Self::StartDate), ("title", Self::Title), ("date_last_modified", Self::DateLastModified)];
}

impl Order for AcademicSessionSort {
    fn key(self) -> Key {
        match self {
            Self::StartDate => Key::DATE,
            Self::Title => Key::TEXT,
            Self::DateLastModified => Key::TIME,
        }
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct AcademicSessionOrder {
    /// `start_date` (as usual), `title` or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(start_date|title|date_last_modified)$", example = "-date_last_modified")]
    sort: Option<String>,
}

/// A page of them.
type AcademicSessionPage = Page<AcademicSession>;
/// Changes to one.
type AcademicSessionPatch = MergePatch<AcademicSessionFields>;

/// List academic sessions
///
/// A page of them, by first day unless another order is asked for.
#[utoipa::path(
    get,
    path = "/academic_sessions",
    operation_id = "academic_session_list",
    tag = "School",
    params(RecordFilter, AcademicSessionFilter, AcademicSessionOrder, PageQuery),
    responses((status = 200, description = "A page of academic sessions.", body = AcademicSessionPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn academic_session_list(
    op: Op,
    listing: Listing<AcademicSessionFilter, AcademicSessionSort>,
) -> Result<Answer<AcademicSessionPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    cx.authorize(Action::Read, &ACADEMIC_SESSION)?;
    let (tenant, what, filter) = (cx.tenant_id(), ACADEMIC_SESSION.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?,
        kind: filter.kind.clone(),
        school_year: filter.school_year,
        parent_id: filter.parent_id,
        on: filter.on,
        title: prefix(filter.q.as_deref()),
    };
    let rows = match (&filter.sourced_id, listing.sort) {
        (Some(sourced_id), _) => store::by_sourced_id(tenancy, cx, sourced_id).await?,
        (None, AcademicSessionSort::StartDate) => store::list_by_start(tenancy, cx, &selection).await?,
        (None, AcademicSessionSort::Title) => store::list_by_title(tenancy, cx, &selection).await?,
        (None, AcademicSessionSort::DateLastModified) => store::list_by_change(tenancy, cx, &selection).await?,
    };
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            AcademicSessionSort::StartDate => Key::Date(last.fields.start_date),
            AcademicSessionSort::Title => Key::Text(last.fields.title_search()),
            AcademicSessionSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Create an academic session
#[utoipa::path(
    post,
    path = "/academic_sessions",
    operation_id = "academic_session_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = AcademicSessionFields, example = json!(sample_fields())),
    responses((status = 201, description = "The academic session.", body = AcademicSession,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn academic_session_create(op: Op, once: Once<AcademicSessionFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &ACADEMIC_SESSION)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read an academic session
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/academic_sessions/{id}",
    operation_id = "academic_session_read",
    tag = "School",
    params(("id" = AcademicSessionId, Path, description = "Which one.")),
    responses((status = 200, description = "The academic session.", body = AcademicSession,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn academic_session_read(op: Op, Path(id): Path<AcademicSessionId>) -> Result<Tagged<AcademicSession>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change an academic session
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back.
#[utoipa::path(
    patch,
    path = "/academic_sessions/{id}",
    operation_id = "academic_session_update",
    tag = "School",
    params(("id" = AcademicSessionId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = AcademicSessionPatch, example = json!({ "end_date": "2026-02-01" })),
    responses((status = 200, description = "The academic session as it is now.", body = AcademicSession,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn academic_session_update(
    op: Op,
    Path(id): Path<AcademicSessionId>,
    known: IfMatch,
    patch: AcademicSessionPatch,
) -> Result<Tagged<AcademicSession>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete an academic session
///
/// It stays readable, with the status `tobedeleted`. Refused while something belongs to it.
#[utoipa::path(
    delete,
    path = "/academic_sessions/{id}",
    operation_id = "academic_session_delete",
    tag = "School",
    params(("id" = AcademicSessionId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn academic_session_delete(
    op: Op,
    Path(id): Path<AcademicSessionId>,
    known: IfMatch,
) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
