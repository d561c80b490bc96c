//! Endpoints about courses.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::{AcademicSessionId, CourseId, OrgId};
use cloister_tenancy::Action;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{COURSE, Course, CourseFields, sample, sample_fields, store};
use crate::{
    listing::{Key, Order, Position, RecordFilter, Span, StatusFilter, prefix},
    rules::{SOURCED_ID, searchable},
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(course_list, course_create)).routes(routes!(
        course_read,
        course_update,
        course_delete
    ))
}

/// Which courses.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CourseFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    #[garde(inner(length(chars, max = SOURCED_ID)))]
    #[param(ignore)]
    sourced_id: Option<String>,
    /// Only those offered by this organisation.
    #[garde(skip)]
    org_id: Option<OrgId>,
    /// Only those of this school year.
    #[garde(skip)]
    school_year_id: Option<AcademicSessionId>,
    /// Only those whose title begins with this; case and accents do not matter.
    #[garde(inner(length(chars, max = 100), custom(searchable)))]
    #[param(min_length = 1, max_length = 100, example = "alg")]
    q: Option<String>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum CourseSort {
    Title,
    DateLastModified,
}

impl Sort for CourseSort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("title", Self::Title), ("date_last_modified", Self::DateLastModified)];
}

impl Order for CourseSort {
    fn key(self) -> Key {
        match self {
            Self::Title => Key::TEXT,
            Self::DateLastModified => Key::TIME,
        }
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct CourseOrder {
    /// `title` (as usual) or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(title|date_last_modified)$", example = "-date_last_modified")]
    sort: Option<String>,
}

/// A page of them.
type CoursePage = Page<Course>;
/// Changes to one.
type CoursePatch = MergePatch<CourseFields>;

/// List courses
///
/// A page of them, by title unless another order is asked for.
#[utoipa::path(
    get,
    path = "/courses",
    operation_id = "course_list",
    tag = "School",
    params(RecordFilter, CourseFilter, CourseOrder, PageQuery),
    responses((status = 200, description = "A page of courses.", body = CoursePage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn course_list(op: Op, listing: Listing<CourseFilter, CourseSort>) -> Result<Answer<CoursePage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    cx.authorize(Action::Read, &COURSE)?;
    let (tenant, what, filter) = (cx.tenant_id(), COURSE.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?,
        org_id: filter.org_id,
        school_year_id: filter.school_year_id,
        title: prefix(filter.q.as_deref()),
    };
    let rows = match (&filter.sourced_id, listing.sort) {
        (Some(sourced_id), _) => store::by_sourced_id(tenancy, cx, sourced_id).await?,
        (None, CourseSort::Title) => store::list_by_title(tenancy, cx, &selection).await?,
        (None, CourseSort::DateLastModified) => store::list_by_change(tenancy, cx, &selection).await?,
    };
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            CourseSort::Title => Key::Text(last.fields.title_search()),
            CourseSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Create a course
#[utoipa::path(
    post,
    path = "/courses",
    operation_id = "course_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = CourseFields, example = json!(sample_fields())),
    responses((status = 201, description = "The course.", body = Course,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn course_create(op: Op, once: Once<CourseFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &COURSE)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read a course
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/courses/{id}",
    operation_id = "course_read",
    tag = "School",
    params(("id" = CourseId, Path, description = "Which one.")),
    responses((status = 200, description = "The course.", body = Course,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn course_read(op: Op, Path(id): Path<CourseId>) -> Result<Tagged<Course>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change a course
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back.
#[utoipa::path(
    patch,
    path = "/courses/{id}",
    operation_id = "course_update",
    tag = "School",
    params(("id" = CourseId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = CoursePatch, example = json!({ "course_code": "ALG-2", "grades": ["09", "10"] })),
    responses((status = 200, description = "The course as it is now.", body = Course,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn course_update(
    op: Op,
    Path(id): Path<CourseId>,
    known: IfMatch,
    patch: CoursePatch,
) -> Result<Tagged<Course>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete a course
///
/// It stays readable, with the status `tobedeleted`. Refused while there are classes of it.
#[utoipa::path(
    delete,
    path = "/courses/{id}",
    operation_id = "course_delete",
    tag = "School",
    params(("id" = CourseId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn course_delete(op: Op, Path(id): Path<CourseId>, known: IfMatch) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
