//! Endpoints about discipline actions.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use cloister_http::{
    Answer, Edge, IdempotencyHeader, IfMatch, Listing, MergePatch, Once, Op, Page, PageQuery, Path, Problem, Sort,
    Tagged,
};
use cloister_ids::{DisciplineActionId, DisciplineIncidentId, OrgId, PersonId};
use cloister_tenancy::Action;
use garde::Validate;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{DISCIPLINE_ACTION, DisciplineAction, DisciplineActionFields, sample, sample_fields, store};
use crate::{
    listing::{Key, Order, Position, Span, StatusFilter, StatusParameter},
    rules::plausible,
    scope::Sight,
    vocabulary::Discipline,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(discipline_action_list, discipline_action_create)).routes(routes!(
        discipline_action_read,
        discipline_action_update,
        discipline_action_delete
    ))
}

/// Which discipline actions.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DisciplineActionFilter {
    #[garde(skip)]
    #[param(ignore)]
    status: Option<StatusFilter>,
    /// Only from this day on.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-09-01")]
    from: Option<Date>,
    /// Only before this day.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2026-07-01")]
    until: Option<Date>,
    /// Only about this student.
    #[garde(skip)]
    student_id: Option<PersonId>,
    /// Only because of this incident.
    #[garde(skip)]
    incident_id: Option<DisciplineIncidentId>,
    /// Only those for which this school answers.
    #[garde(skip)]
    responsibility_school_id: Option<OrgId>,
    /// Only of this kind.
    #[garde(skip)]
    discipline: Option<Discipline>,
    /// Only those that are done, or only those that are not.
    #[garde(skip)]
    done: Option<bool>,
}

/// The order of the list.
#[derive(Debug, Clone, Copy)]
enum DisciplineActionSort {
    DisciplineDate,
}

impl Sort for DisciplineActionSort {
    const ORDERS: &'static [(&'static str, Self)] = &[("discipline_date", Self::DisciplineDate)];
}

impl Order for DisciplineActionSort {
    fn key(self) -> Key {
        Key::DATE
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct DisciplineActionOrder {
    /// `discipline_date` (as usual); with `-` in front from the last to the first.
    #[param(pattern = "^-?discipline_date$", example = "-discipline_date")]
    sort: Option<String>,
}

/// A page of them.
type DisciplineActionPage = Page<DisciplineAction>;
/// Changes to one.
type DisciplineActionPatch = MergePatch<DisciplineActionFields>;

/// List discipline actions
///
/// A page of those one may see, by day.
#[utoipa::path(
    get,
    path = "/discipline_actions",
    operation_id = "discipline_action_list",
    tag = "School",
    params(StatusParameter, DisciplineActionFilter, DisciplineActionOrder, PageQuery),
    responses((status = 200, description = "A page of discipline actions.", body = DisciplineActionPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn discipline_action_list(
    op: Op,
    listing: Listing<DisciplineActionFilter, DisciplineActionSort>,
) -> Result<Answer<DisciplineActionPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    let sight = Sight::of(cx, &DISCIPLINE_ACTION)?;
    let (tenant, what, filter) = (cx.tenant_id(), DISCIPLINE_ACTION.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, filter.status, tenant, what)?.on_days(filter.from, filter.until),
        from: filter.from,
        until: filter.until,
        discipline: filter.discipline.clone(),
        done: filter.done,
        student_id: filter.student_id,
        incident_id: filter.incident_id,
        responsibility_school_id: filter.responsibility_school_id,
    };
    let rows = store::list_by_date(tenancy, cx, &sight, &selection).await?;
    Ok(Answer(
        listing.page(tenant, what, rows, |last| Position {
            key: Key::Date(last.fields.discipline_date),
            id: last.id.uuid(),
        }),
    ))
}

/// Create a discipline action
///
/// Where it is because of an incident, the student had a part in that.
#[utoipa::path(
    post,
    path = "/discipline_actions",
    operation_id = "discipline_action_create",
    tag = "School",
    extensions(("x-table" = json!(true))),
    params(IdempotencyHeader),
    request_body(content = DisciplineActionFields, example = json!(sample_fields())),
    responses((status = 201, description = "The discipline action.", body = DisciplineAction,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn discipline_action_create(op: Op, once: Once<DisciplineActionFields>) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Create, &DISCIPLINE_ACTION)?;
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = super::create(&mut tx, once.key.as_ref(), once.body).await;
    op.created(tx, once.key, made).await
}

/// Read a discipline action
///
/// A deleted one too: its status tells. Notes are for staff: a family reads none.
#[utoipa::path(
    get,
    path = "/discipline_actions/{id}",
    operation_id = "discipline_action_read",
    tag = "School",
    params(("id" = DisciplineActionId, Path, description = "Which one.")),
    responses((status = 200, description = "The discipline action.", body = DisciplineAction,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn discipline_action_read(
    op: Op,
    Path(id): Path<DisciplineActionId>,
) -> Result<Tagged<DisciplineAction>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, id).await?))
}

/// Change a discipline action
///
/// A JSON merge patch: what is absent stays, what is null is removed. The status `active` brings a deleted one back. Whom it is about stays.
#[utoipa::path(
    patch,
    path = "/discipline_actions/{id}",
    operation_id = "discipline_action_update",
    tag = "School",
    params(("id" = DisciplineActionId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = DisciplineActionPatch, example = json!({ "done": true, "actual_discipline_action_length": 1 })),
    responses((status = 200, description = "The discipline action as it is now.", body = DisciplineAction,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn discipline_action_update(
    op: Op,
    Path(id): Path<DisciplineActionId>,
    known: IfMatch,
    patch: DisciplineActionPatch,
) -> Result<Tagged<DisciplineAction>, Problem> {
    Ok(Tagged(super::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}

/// Delete a discipline action
///
/// It stays readable for whoever sees all, with the status `tobedeleted`.
#[utoipa::path(
    delete,
    path = "/discipline_actions/{id}",
    operation_id = "discipline_action_delete",
    tag = "School",
    params(("id" = DisciplineActionId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    responses((status = 204, description = "It is deleted."))
)]
async fn discipline_action_delete(
    op: Op,
    Path(id): Path<DisciplineActionId>,
    known: IfMatch,
) -> Result<StatusCode, Problem> {
    super::delete(&op.tenancy, &op.cx, id, &known).await?;
    Ok(StatusCode::NO_CONTENT)
}
