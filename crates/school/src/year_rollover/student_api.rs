//! Endpoints about what happens to each student in a year rollover.

use cloister_http::{Answer, Edge, IfMatch, Listing, MergePatch, Op, Page, PageQuery, Path, Problem, Sort, Tagged};
use cloister_ids::{YearRolloverId, YearRolloverStudentId};
use cloister_tenancy::Action;
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    RolloverOutcome, YEAR_ROLLOVER,
    student::{self, YearRolloverStudent, YearRolloverStudentFields, sample},
    student_store as store,
};
use crate::{
    listing::{Key, Order, Position, Span, prefix},
    rules::searchable,
};

/// The routes of students in rollovers.
pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(year_rollover_student_list))
        .routes(routes!(year_rollover_student_read, year_rollover_student_update))
}

/// Which students.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct YearRolloverStudentFilter {
    /// Only those of this rollover.
    #[garde(skip)]
    year_rollover_id: Option<YearRolloverId>,
    /// Only those to whom this happens.
    #[garde(skip)]
    #[param(inline)]
    outcome: Option<RolloverOutcome>,
    /// Only those whose family name begins with this; case and accents do not matter.
    #[garde(inner(length(chars, max = 100), custom(searchable)))]
    #[param(min_length = 1, max_length = 100, example = "tana")]
    q: Option<String>,
    /// Only those of whom somebody changed something since, or nobody did.
    #[garde(skip)]
    changed: Option<bool>,
}

/// The one order there is.
#[derive(Debug, Clone, Copy)]
struct ByName;

impl Sort for ByName {
    const ORDERS: &'static [(&'static str, Self)] = &[("name", Self)];
}

impl Order for ByName {
    fn key(self) -> Key {
        Key::TEXT
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct YearRolloverStudentOrder {
    /// `name` (as usual), with `-` in front from the last to the first.
    #[param(pattern = "^-?name$", example = "-name")]
    sort: Option<String>,
}

/// A page of them.
type YearRolloverStudentPage = Page<YearRolloverStudent>;
/// Changes to one.
type YearRolloverStudentPatch = MergePatch<YearRolloverStudentFields>;

/// List students of year rollovers
///
/// Each student, and what happens to them: by family name.
#[utoipa::path(
    get,
    path = "/year_rollover_students",
    operation_id = "year_rollover_student_list",
    tag = "School",
    params(YearRolloverStudentFilter, YearRolloverStudentOrder, PageQuery),
    responses((status = 200, description = "A page of students.", body = YearRolloverStudentPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn year_rollover_student_list(
    op: Op,
    listing: Listing<YearRolloverStudentFilter, ByName>,
) -> Result<Answer<YearRolloverStudentPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    cx.authorize(Action::Read, &YEAR_ROLLOVER)?;
    let (tenant, what, filter) = (cx.tenant_id(), "year_rollover_student", &listing.filter);
    let selection = store::Selection {
        span: Span::of(&listing, None, tenant, what)?,
        year_rollover_id: filter.year_rollover_id,
        outcome: filter.outcome,
        name: prefix(filter.q.as_deref()),
        changed: filter.changed,
    };
    let rows = store::list_by_name(tenancy, cx, &selection).await?;
    let page =
        listing.page(tenant, what, rows, |(name, last)| Position { key: Key::Text(name.clone()), id: last.id.uuid() });
    let items = page.items.into_iter().map(|(_, student)| student).collect();
    Ok(Answer(Page { items, next_cursor: page.next_cursor }))
}

/// Read a student of a year rollover
#[utoipa::path(
    get,
    path = "/year_rollover_students/{id}",
    operation_id = "year_rollover_student_read",
    tag = "School",
    params(("id" = YearRolloverStudentId, Path, description = "Which one.")),
    responses((status = 200, description = "The student.", body = YearRolloverStudent,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn year_rollover_student_read(
    op: Op,
    Path(id): Path<YearRolloverStudentId>,
) -> Result<Tagged<YearRolloverStudent>, Problem> {
    Ok(Tagged(student::read(&op.tenancy, &op.cx, id).await?))
}

/// Decide what happens to a student
///
/// A JSON merge patch of outcome, next grade and next school, as long as the rollover is a plan. What the outcome has no use for is
/// taken away; whoever repeats stays in their grade.
#[utoipa::path(
    patch,
    path = "/year_rollover_students/{id}",
    operation_id = "year_rollover_student_update",
    tag = "School",
    params(("id" = YearRolloverStudentId, Path, description = "Which one."),
        ("If-Match" = String, Header, description = "The ETag you read.", example = "\"v1\"")),
    request_body(content = YearRolloverStudentPatch, example = json!({ "outcome": "graduates" })),
    responses((status = 200, description = "The student as it is now.", body = YearRolloverStudent,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn year_rollover_student_update(
    op: Op,
    Path(id): Path<YearRolloverStudentId>,
    known: IfMatch,
    patch: YearRolloverStudentPatch,
) -> Result<Tagged<YearRolloverStudent>, Problem> {
    Ok(Tagged(student::update(&op.tenancy, &op.cx, id, &known, &patch).await?))
}
