//! Endpoints about enrollments.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::{ClassId, EnrollmentId, OrgId, PersonId};
use cloister_tenancy::Action;
use garde::Validate;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ENROLLMENT, Enrollment, EnrollmentFields, sample, sample_fields, store};
use crate::{
    listing::{Key, Order, Position, RecordFilter, Span, StatusFilter},
    rules::{SOURCED_ID, plausible},
    scope::Sight,
    vocabulary::EnrollmentRole,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(enrollment_list, enrollment_create)).routes(routes!(
        enrollment_read,
        enrollment_update,
        enrollment_delete
    ))
}

/// Which enrollments.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EnrollmentFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    #[garde(inner(length(chars, max = SOURCED_ID)))]
    #[param(ignore)]
    sourced_id: Option<String>,
    /// Only those in this class.
    #[garde(skip)]
    class_id: Option<ClassId>,
    /// Only those of this person.
    #[garde(skip)]
    person_id: Option<PersonId>,
    /// Only those in this school.
    #[garde(skip)]
    school_id: Option<OrgId>,
    /// Only those with this role.
    #[garde(skip)]
    role: Option<EnrollmentRole>,
    /// Only those in force on this day.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-10-01")]
    on: Option<Date>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum EnrollmentSort {
    CreatedAt,
    DateLastModified,
}

impl Sort for EnrollmentSort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("created_at", Self::CreatedAt), ("date_last_modified", Self::DateLastModified)];
}

impl Order for EnrollmentSort {
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
struct EnrollmentOrder {
    /// `created_at` (as usual) or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(created_at|date_last_modified)$", example = "-date_last_modified")]
    sort: Option<String>,
}

/// A page of them.
type EnrollmentPage = Page<Enrollment>;
/// Changes to one.
type EnrollmentPatch = MergePatch<EnrollmentFields>;

/// List enrollments
///
/// A page of those one may see, by age unless another order is asked for. For the persons
/// of a class by name, ask for persons with its `class_id`.
#[utoipa::path(
    get,
    path = "/enrollments",
    operation_id = "enrollment_list",
    tag = "School",
    params(RecordFilter, EnrollmentFilter, EnrollmentOrder, PageQuery),
    responses((status = 200, description = "A page of enrollments.", body = EnrollmentPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn enrollment_list(
    op: Op,
    listing: Listing<EnrollmentFilter, EnrollmentSort>,
) -> Result<Answer<EnrollmentPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    let sight = Sight::of(cx, &ENROLLMENT)?;
    let (tenant, what, filter) = (cx.tenant_id(), ENROLLMENT.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?,
        class_id: filter.class_id,
        person_id: filter.person_id,
        school_id: filter.school_id,
        role: filter.role.clone(),
        on: filter.on,
    };
    let rows = match (&filter.sourced_id, listing.sort) {
        (Some(sourced_id), _) => store::by_sourced_id(tenancy, cx, &sight, sourced_id).await?,
        (None, EnrollmentSort::CreatedAt) => store::list_by_age(tenancy, cx, &sight, &selection).await?,
        (None, EnrollmentSort::DateLastModified) => store::list_by_change(tenancy, cx, &sight, &selection).await?,
    };
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            EnrollmentSort::CreatedAt => Key::Id,
            EnrollmentSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Create an enrollment
#[utoipa::path(
    post,
    path = "/enrollments",
    operation_id = "enrollment_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = EnrollmentFields, example = json!(sample_fields())),
    responses((status = 201, description = "The enrollment.", body = Enrollment,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn enrollment_create(op: Op, once: Once<EnrollmentFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &ENROLLMENT)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read an enrollment
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/enrollments/{id}",
    operation_id = "enrollment_read",
    tag = "School",
    params(("id" = EnrollmentId, Path, description = "Which one.")),
    responses((status = 200, description = "The enrollment.", body = Enrollment,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn enrollment_read(op: Op, Path(id): Path<EnrollmentId>) -> Result<Tagged<Enrollment>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change an enrollment
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back. Person
/// and class stay: a place in another class is another enrollment.
#[utoipa::path(
    patch,
    path = "/enrollments/{id}",
    operation_id = "enrollment_update",
    tag = "School",
    params(("id" = EnrollmentId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = EnrollmentPatch, example = json!({ "end_date": "2026-02-01" })),
    responses((status = 200, description = "The enrollment as it is now.", body = Enrollment,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn enrollment_update(
    op: Op,
    Path(id): Path<EnrollmentId>,
    known: IfMatch,
    patch: EnrollmentPatch,
) -> Result<Tagged<Enrollment>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete an enrollment
///
/// It stays readable, with the status `tobedeleted`. To say that it ended, set its `end_date` instead.
#[utoipa::path(
    delete,
    path = "/enrollments/{id}",
    operation_id = "enrollment_delete",
    tag = "School",
    params(("id" = EnrollmentId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn enrollment_delete(op: Op, Path(id): Path<EnrollmentId>, known: IfMatch) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
