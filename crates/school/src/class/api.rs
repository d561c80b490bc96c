//! Endpoints about classes.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::{AcademicSessionId, ClassId, CourseId, OrgId, PersonId};
use cloister_tenancy::Action;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{CLASS, Class, ClassFields, sample, sample_fields, store};
use crate::{
    listing::{Key, Order, Position, RecordFilter, Span, StatusFilter, prefix},
    rules::{SOURCED_ID, searchable},
    scope::Sight,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(class_list, class_create)).routes(routes!(
        class_read,
        class_update,
        class_delete
    ))
}

/// Which classes.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ClassFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    #[garde(inner(length(chars, max = SOURCED_ID)))]
    #[param(ignore)]
    sourced_id: Option<String>,
    /// Only those of this school.
    #[garde(skip)]
    school_id: Option<OrgId>,
    /// Only those of this course.
    #[garde(skip)]
    course_id: Option<CourseId>,
    /// Only those held in this term.
    #[garde(skip)]
    term_id: Option<AcademicSessionId>,
    /// Only those in which this person has a place.
    #[garde(skip)]
    person_id: Option<PersonId>,
    /// Only those whose title begins with this; case and accents do not matter.
    #[garde(inner(length(chars, max = 100), custom(searchable)))]
    #[param(min_length = 1, max_length = 100, example = "alg")]
    q: Option<String>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum ClassSort {
    Title,
    DateLastModified,
}

impl Sort for ClassSort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("title", Self::Title), ("date_last_modified", Self::DateLastModified)];
}

impl Order for ClassSort {
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
struct ClassOrder {
    /// `title` (as usual) or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(title|date_last_modified)$", example = "-date_last_modified")]
    sort: Option<String>,
}

/// A page of them.
type ClassPage = Page<Class>;
/// Changes to one.
type ClassPatch = MergePatch<ClassFields>;

/// List classes
///
/// A page of those one may see, by title unless another order is asked for. Asking for a person's classes takes the
/// permission to read enrollments, too.
#[utoipa::path(
    get,
    path = "/classes",
    operation_id = "class_list",
    tag = "School",
    params(RecordFilter, ClassFilter, ClassOrder, PageQuery),
    responses((status = 200, description = "A page of classes.", body = ClassPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn class_list(op: Op, listing: Listing<ClassFilter, ClassSort>) -> Result<Answer<ClassPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    let mut sight = Sight::of(cx, &CLASS)?;
    if listing.filter.person_id.is_some() {
        sight = sight.through_places(cx)?;
    }
    let (tenant, what, filter) = (cx.tenant_id(), CLASS.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?,
        school_id: filter.school_id,
        course_id: filter.course_id,
        term_id: filter.term_id,
        person_id: filter.person_id,
        title: prefix(filter.q.as_deref()),
    };
    let rows = match (&filter.sourced_id, listing.sort) {
        (Some(sourced_id), _) => store::by_sourced_id(tenancy, cx, &sight, sourced_id).await?,
        (None, ClassSort::Title) => store::list_by_title(tenancy, cx, &sight, &selection).await?,
        (None, ClassSort::DateLastModified) => store::list_by_change(tenancy, cx, &sight, &selection).await?,
    };
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            ClassSort::Title => Key::Text(last.fields.title_search()),
            ClassSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Create a class
#[utoipa::path(
    post,
    path = "/classes",
    operation_id = "class_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = ClassFields, example = json!(sample_fields())),
    responses((status = 201, description = "The class.", body = Class,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn class_create(op: Op, once: Once<ClassFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &CLASS)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read a class
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/classes/{id}",
    operation_id = "class_read",
    tag = "School",
    params(("id" = ClassId, Path, description = "Which one.")),
    responses((status = 200, description = "The class.", body = Class,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn class_read(op: Op, Path(id): Path<ClassId>) -> Result<Tagged<Class>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change a class
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back.
#[utoipa::path(
    patch,
    path = "/classes/{id}",
    operation_id = "class_update",
    tag = "School",
    params(("id" = ClassId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = ClassPatch, example = json!({ "location": "Room 12", "periods": ["2", "3"] })),
    responses((status = 200, description = "The class as it is now.", body = Class,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn class_update(
    op: Op,
    Path(id): Path<ClassId>,
    known: IfMatch,
    patch: ClassPatch,
) -> Result<Tagged<Class>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete a class
///
/// It stays readable, with the status `tobedeleted`. Everybody's place in it is deleted with it.
#[utoipa::path(
    delete,
    path = "/classes/{id}",
    operation_id = "class_delete",
    tag = "School",
    params(("id" = ClassId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn class_delete(op: Op, Path(id): Path<ClassId>, known: IfMatch) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
