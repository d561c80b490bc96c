//! Endpoints about academic records.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::{AcademicRecordId, PersonId};
use cloister_tenancy::Action;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ACADEMIC_RECORD, AcademicRecord, AcademicRecordFields, sample, sample_fields, store};
use crate::{
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter},
    scope::Sight,
    vocabulary::AcademicResult,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(academic_record_list, academic_record_create)).routes(routes!(
        academic_record_read,
        academic_record_update,
        academic_record_delete
    ))
}

/// Which academic records.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AcademicRecordFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only those of this student.
    #[garde(skip)]
    student_id: Option<PersonId>,
    /// Only those of the school year that ends in this year.
    #[garde(range(min = 1900, max = 2200))]
    #[param(minimum = 1900, maximum = 2200, example = 2025)]
    school_year: Option<i32>,
    /// Only those that ended so.
    #[garde(skip)]
    result: Option<AcademicResult>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum AcademicRecordSort {
    CreatedAt,
    DateLastModified,
}

impl Sort for AcademicRecordSort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("created_at", Self::CreatedAt), ("date_last_modified", Self::DateLastModified)];
}

impl Order for AcademicRecordSort {
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
struct AcademicRecordOrder {
    /// `created_at` (as usual) or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(created_at|date_last_modified)$", example = "-date_last_modified")]
    sort: Option<String>,
}

/// A page of them.
type AcademicRecordPage = Page<AcademicRecord>;
/// Changes to one.
type AcademicRecordPatch = MergePatch<AcademicRecordFields>;

/// List academic records
///
/// Which years students spent where, and how they ended: a page of those one may see, by age unless another order is asked
/// for.
#[utoipa::path(
    get,
    path = "/academic_records",
    operation_id = "academic_record_list",
    tag = "School",
    params(StatusParameter, AcademicRecordFilter, AcademicRecordOrder, PageQuery),
    responses((status = 200, description = "A page of academic records.", body = AcademicRecordPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn academic_record_list(
    op: Op,
    listing: Listing<AcademicRecordFilter, AcademicRecordSort>,
) -> Result<Answer<AcademicRecordPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    let sight = Sight::of(cx, &ACADEMIC_RECORD)?;
    let (tenant, what, filter) = (cx.tenant_id(), ACADEMIC_RECORD.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?,
        student_id: filter.student_id,
        school_year: filter.school_year,
        result: filter.result.clone(),
    };
    let rows = match listing.sort {
        AcademicRecordSort::CreatedAt => store::list_by_age(tenancy, cx, &sight, &selection).await?,
        AcademicRecordSort::DateLastModified => store::list_by_change(tenancy, cx, &sight, &selection).await?,
    };
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            AcademicRecordSort::CreatedAt => Key::Id,
            AcademicRecordSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Create an academic record
#[utoipa::path(
    post,
    path = "/academic_records",
    operation_id = "academic_record_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = AcademicRecordFields, example = json!(sample_fields())),
    responses((status = 201, description = "The academic record.", body = AcademicRecord,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn academic_record_create(op: Op, once: Once<AcademicRecordFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &ACADEMIC_RECORD)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read an academic record
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/academic_records/{id}",
    operation_id = "academic_record_read",
    tag = "School",
    params(("id" = AcademicRecordId, Path, description = "Which one.")),
    responses((status = 200, description = "The academic record.", body = AcademicRecord,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn academic_record_read(op: Op, Path(id): Path<AcademicRecordId>) -> Result<Tagged<AcademicRecord>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change an academic record
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back. The
/// student stays.
#[utoipa::path(
    patch,
    path = "/academic_records/{id}",
    operation_id = "academic_record_update",
    tag = "School",
    params(("id" = AcademicRecordId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = AcademicRecordPatch, example = json!({ "result": "promoted", "credits_earned": 6.5 })),
    responses((status = 200, description = "The academic record as it is now.", body = AcademicRecord,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn academic_record_update(
    op: Op,
    Path(id): Path<AcademicRecordId>,
    known: IfMatch,
    patch: AcademicRecordPatch,
) -> Result<Tagged<AcademicRecord>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete an academic record
///
/// It stays readable, with the status `tobedeleted`.
#[utoipa::path(
    delete,
    path = "/academic_records/{id}",
    operation_id = "academic_record_delete",
    tag = "School",
    params(("id" = AcademicRecordId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn academic_record_delete(
    op: Op,
    Path(id): Path<AcademicRecordId>,
    known: IfMatch,
) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
