//! Endpoints about student school associations.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::{OrgId, PersonId, StudentSchoolAssociationId};
use cloister_tenancy::Action;
use garde::Validate;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    STUDENT_SCHOOL_ASSOCIATION, StudentSchoolAssociation, StudentSchoolAssociationFields, sample, sample_fields, store,
};
use crate::{
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter},
    rules::{TEXT, clean, plausible},
    scope::Sight,
    vocabulary::ExitWithdrawType,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(student_school_association_list, student_school_association_create)).routes(
        routes!(student_school_association_read, student_school_association_update, student_school_association_delete),
    )
}

/// Which student school associations.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StudentSchoolAssociationFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only those of this student.
    #[garde(skip)]
    student_id: Option<PersonId>,
    /// Only those at this school.
    #[garde(skip)]
    school_id: Option<OrgId>,
    /// Only those that entered this grade.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[param(min_length = 1, max_length = 512, example = "05")]
    entry_grade_level: Option<String>,
    /// Only those that ended so.
    #[garde(skip)]
    exit_withdraw_type: Option<ExitWithdrawType>,
    /// Only those who are there on this day.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-10-01")]
    on: Option<Date>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum StudentSchoolAssociationSort {
    EntryDate,
    DateLastModified,
}

impl Sort for StudentSchoolAssociationSort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("entry_date", Self::EntryDate), ("date_last_modified", Self::DateLastModified)];
}

impl Order for StudentSchoolAssociationSort {
    fn key(self) -> Key {
        match self {
            Self::EntryDate => Key::DATE,
            Self::DateLastModified => Key::TIME,
        }
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct StudentSchoolAssociationOrder {
    /// `entry_date` (as usual) or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(entry_date|date_last_modified)$", example = "-date_last_modified")]
    sort: Option<String>,
}

/// A page of them.
type StudentSchoolAssociationPage = Page<StudentSchoolAssociation>;
/// Changes to one.
type StudentSchoolAssociationPatch = MergePatch<StudentSchoolAssociationFields>;

/// List student school associations
///
/// Who is, was or will be at which school: a page of those one may see, by first day unless another order is asked for.
#[utoipa::path(
    get,
    path = "/student_school_associations",
    operation_id = "student_school_association_list",
    tag = "School",
    params(StatusParameter, StudentSchoolAssociationFilter, StudentSchoolAssociationOrder, PageQuery),
    responses((status = 200, description = "A page of student school associations.", body = StudentSchoolAssociationPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn student_school_association_list(
    op: Op,
    listing: Listing<StudentSchoolAssociationFilter, StudentSchoolAssociationSort>,
) -> Result<Answer<StudentSchoolAssociationPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    let sight = Sight::of(cx, &STUDENT_SCHOOL_ASSOCIATION)?;
    let (tenant, what, filter) = (cx.tenant_id(), STUDENT_SCHOOL_ASSOCIATION.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?,
        student_id: filter.student_id,
        school_id: filter.school_id,
        grade_level: filter.entry_grade_level.clone(),
        exit_type: filter.exit_withdraw_type.clone(),
        on: filter.on,
    };
    let rows = match listing.sort {
        StudentSchoolAssociationSort::EntryDate => store::list_by_entry(tenancy, cx, &sight, &selection).await?,
        StudentSchoolAssociationSort::DateLastModified => {
            store::list_by_change(tenancy, cx, &sight, &selection).await?
        }
    };
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            StudentSchoolAssociationSort::EntryDate => Key::Date(last.fields.entry_date),
            StudentSchoolAssociationSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Create a student school association
#[utoipa::path(
    post,
    path = "/student_school_associations",
    operation_id = "student_school_association_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = StudentSchoolAssociationFields, example = json!(sample_fields())),
    responses((status = 201, description = "The student school association.", body = StudentSchoolAssociation,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn student_school_association_create(
    op: Op,
    once: Once<StudentSchoolAssociationFields>,
) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &STUDENT_SCHOOL_ASSOCIATION)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read a student school association
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/student_school_associations/{id}",
    operation_id = "student_school_association_read",
    tag = "School",
    params(("id" = StudentSchoolAssociationId, Path, description = "Which one.")),
    responses((status = 200, description = "The student school association.", body = StudentSchoolAssociation,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn student_school_association_read(
    op: Op,
    Path(id): Path<StudentSchoolAssociationId>,
) -> Result<Tagged<StudentSchoolAssociation>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change a student school association
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back. Person
/// and school stay: a time at another school is another association. Places in classes are left as they are; to end them too,
/// withdraw the student.
#[utoipa::path(
    patch,
    path = "/student_school_associations/{id}",
    operation_id = "student_school_association_update",
    tag = "School",
    params(("id" = StudentSchoolAssociationId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = StudentSchoolAssociationPatch, example = json!({ "next_year_grade_level": "05" })),
    responses((status = 200, description = "The student school association as it is now.", body = StudentSchoolAssociation,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn student_school_association_update(
    op: Op,
    Path(id): Path<StudentSchoolAssociationId>,
    known: IfMatch,
    patch: StudentSchoolAssociationPatch,
) -> Result<Tagged<StudentSchoolAssociation>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete a student school association
///
/// It stays readable, with the status `tobedeleted`. To say that it ended, withdraw the student instead.
#[utoipa::path(
    delete,
    path = "/student_school_associations/{id}",
    operation_id = "student_school_association_delete",
    tag = "School",
    params(("id" = StudentSchoolAssociationId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn student_school_association_delete(
    op: Op,
    Path(id): Path<StudentSchoolAssociationId>,
    known: IfMatch,
) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
