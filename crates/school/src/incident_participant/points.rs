//! Behavior points: what the parts of a student in incidents come to in a term or another span of days. Nothing is kept beside the
//! participants, so a correction is in every sum at once.

use cloister_http::{Answer, Edge, Listing, Op, Page, PageQuery, Problem, Sort};
use cloister_ids::{AcademicSessionId, OrgId, PersonId};
use garde::Validate;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{INCIDENT_PARTICIPANT, points_store};
use crate::{
    listing::{Key, Order, Position, Span},
    rules::plausible,
    scope::Sight,
};

/// The routes of this list.
pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(behavior_point_list))
}

/// What the parts of a student in incidents come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct BehaviorPoints {
    /// Whose.
    pub student_id: PersonId,
    /// Parts in incidents.
    #[schema(example = 4)]
    pub recorded: i64,
    /// Of these, such as count above zero.
    #[schema(example = 3)]
    pub positive: i64,
    /// Of these, such as count below zero.
    #[schema(example = 1)]
    pub negative: i64,
    /// What they come to.
    #[schema(example = 7)]
    pub points: i64,
}

/// Of which students, in which days.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct BehaviorPointsFilter {
    /// Only of this student.
    #[garde(skip)]
    student_id: Option<PersonId>,
    /// Only of students of this school.
    #[garde(skip)]
    school_id: Option<OrgId>,
    /// Only in this term or other academic session.
    #[garde(skip)]
    term_id: Option<AcademicSessionId>,
    /// Only from this day on.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-09-01")]
    from: Option<Date>,
    /// Only before this day.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2026-07-01")]
    until: Option<Date>,
}

/// The order of the list.
#[derive(Debug, Clone, Copy)]
enum BehaviorPointsSort {
    Name,
}

impl Sort for BehaviorPointsSort {
    const ORDERS: &'static [(&'static str, Self)] = &[("name", Self::Name)];
}

impl Order for BehaviorPointsSort {
    fn key(self) -> Key {
        Key::TEXT
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct BehaviorPointsOrder {
    /// `name` (as usual), that of the student; with `-` in front from the last to the first.
    #[param(pattern = "^-?name$", example = "-name")]
    sort: Option<String>,
}

/// A page of them.
type BehaviorPointsPage = Page<BehaviorPoints>;

/// List behavior points
///
/// A page of the students one may see, by name, with how many parts they had in incidents and what these come to.
#[utoipa::path(
    get,
    path = "/behavior_points",
    operation_id = "behavior_point_list",
    tag = "School",
    params(BehaviorPointsFilter, BehaviorPointsOrder, PageQuery),
    responses((status = 200, description = "A page of sums.", body = BehaviorPointsPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn behavior_point_list(
    op: Op,
    listing: Listing<BehaviorPointsFilter, BehaviorPointsSort>,
) -> Result<Answer<BehaviorPointsPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    let sight = Sight::of(cx, &INCIDENT_PARTICIPANT)?;
    let (tenant, what, filter) = (cx.tenant_id(), "behavior_points", &listing.filter);
    let selection = points_store::Selection {
        span: Span::of(&listing, None, tenant, what)?,
        from: filter.from,
        until: filter.until,
        term_id: filter.term_id,
        school_id: filter.school_id,
        student_id: filter.student_id,
    };
    let rows = points_store::list_by_name(tenancy, cx, &sight, &selection).await?;
    let page = listing.page(tenant, what, rows, |(points, name)| Position {
        key: Key::Text(name.clone()),
        id: points.student_id.uuid(),
    });
    let items = page.items.into_iter().map(|(points, _)| points).collect();
    Ok(Answer(Page { items, next_cursor: page.next_cursor }))
}

fn sample() -> BehaviorPoints {
    BehaviorPoints { student_id: crate::sample_id(), recorded: 4, positive: 3, negative: 1, points: 7 }
}
