//! Endpoints about staff assignments.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::{OrgId, PersonId, StaffAssignmentId};
use cloister_tenancy::Action;
use garde::Validate;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{STAFF_ASSIGNMENT, StaffAssignment, StaffAssignmentFields, sample, sample_fields, store};
use crate::{
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter},
    rules::plausible,
    scope::Sight,
    vocabulary::StaffClassification,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(staff_assignment_list, staff_assignment_create)).routes(routes!(
        staff_assignment_read,
        staff_assignment_update,
        staff_assignment_delete
    ))
}

/// Which staff assignments.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StaffAssignmentFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only those of this person.
    #[garde(skip)]
    person_id: Option<PersonId>,
    /// Only those in this organisation.
    #[garde(skip)]
    org_id: Option<OrgId>,
    /// Only those of this kind.
    #[garde(skip)]
    staff_classification: Option<StaffClassification>,
    /// Only those in force on this day.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-10-01")]
    on: Option<Date>,
}

/// The orders of the list.
#[derive(Debug, Clone, Copy)]
enum StaffAssignmentSort {
    BeginDate,
    DateLastModified,
}

impl Sort for StaffAssignmentSort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("begin_date", Self::BeginDate), ("date_last_modified", Self::DateLastModified)];
}

impl Order for StaffAssignmentSort {
    fn key(self) -> Key {
        match self {
            Self::BeginDate => Key::DATE,
            Self::DateLastModified => Key::TIME,
        }
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct StaffAssignmentOrder {
    /// `begin_date` (as usual) or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(begin_date|date_last_modified)$", example = "-date_last_modified")]
    sort: Option<String>,
}

/// A page of them.
type StaffAssignmentPage = Page<StaffAssignment>;
/// Changes to one.
type StaffAssignmentPatch = MergePatch<StaffAssignmentFields>;

/// List staff assignments
///
/// Who has which post where: a page of those one may see, by first day unless another order is asked for.
#[utoipa::path(
    get,
    path = "/staff_assignments",
    operation_id = "staff_assignment_list",
    tag = "School",
    params(StatusParameter, StaffAssignmentFilter, StaffAssignmentOrder, PageQuery),
    responses((status = 200, description = "A page of staff assignments.", body = StaffAssignmentPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn staff_assignment_list(
    op: Op,
    listing: Listing<StaffAssignmentFilter, StaffAssignmentSort>,
) -> Result<Answer<StaffAssignmentPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    let sight = Sight::of(cx, &STAFF_ASSIGNMENT)?;
    let (tenant, what, filter) = (cx.tenant_id(), STAFF_ASSIGNMENT.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?,
        person_id: filter.person_id,
        org_id: filter.org_id,
        staff_classification: filter.staff_classification.clone(),
        on: filter.on,
    };
    let rows = match listing.sort {
        StaffAssignmentSort::BeginDate => store::list_by_begin(tenancy, cx, &sight, &selection).await?,
        StaffAssignmentSort::DateLastModified => store::list_by_change(tenancy, cx, &sight, &selection).await?,
    };
    Ok(Answer(listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            StaffAssignmentSort::BeginDate => Key::Date(last.fields.begin_date),
            StaffAssignmentSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    })))
}

/// Create a staff assignment
#[utoipa::path(
    post,
    path = "/staff_assignments",
    operation_id = "staff_assignment_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = StaffAssignmentFields, example = json!(sample_fields())),
    responses((status = 201, description = "The staff assignment.", body = StaffAssignment,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn staff_assignment_create(op: Op, once: Once<StaffAssignmentFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &STAFF_ASSIGNMENT)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read a staff assignment
///
/// A deleted one too: its status tells.
#[utoipa::path(
    get,
    path = "/staff_assignments/{id}",
    operation_id = "staff_assignment_read",
    tag = "School",
    params(("id" = StaffAssignmentId, Path, description = "Which one.")),
    responses((status = 200, description = "The staff assignment.", body = StaffAssignment,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn staff_assignment_read(op: Op, Path(id): Path<StaffAssignmentId>) -> Result<Tagged<StaffAssignment>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change a staff assignment
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back. Person
/// and organisation stay: another post is another staff assignment.
#[utoipa::path(
    patch,
    path = "/staff_assignments/{id}",
    operation_id = "staff_assignment_update",
    tag = "School",
    params(("id" = StaffAssignmentId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = StaffAssignmentPatch, example = json!({ "end_date": "2026-07-01" })),
    responses((status = 200, description = "The staff assignment as it is now.", body = StaffAssignment,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn staff_assignment_update(
    op: Op,
    Path(id): Path<StaffAssignmentId>,
    known: IfMatch,
    patch: StaffAssignmentPatch,
) -> Result<Tagged<StaffAssignment>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete a staff assignment
///
/// It stays readable, with the status `tobedeleted`. To say that it ended, set its `end_date` instead.
#[utoipa::path(
    delete,
    path = "/staff_assignments/{id}",
    operation_id = "staff_assignment_delete",
    tag = "School",
    params(("id" = StaffAssignmentId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn staff_assignment_delete(
    op: Op,
    Path(id): Path<StaffAssignmentId>,
    known: IfMatch,
) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
