//! Endpoints about attendance rates.

use cloister_http::{Answer, Edge, Listing, Op, Page, PageQuery, Path, Problem, Query, Sort};
use cloister_ids::{AcademicSessionId, ClassId, OrgId, PersonId};
use garde::Validate;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{AttendanceRate, ClassAttendanceRate, RateSight, class_sample, sample, store};
use crate::{
    listing::{Key, Order, Position, Span},
    rules::plausible,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(attendance_rate_list))
        .routes(routes!(super::chronic::chronic_absence_list))
        .routes(routes!(class_attendance_rate_read))
}

/// Of which students, in which days.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AttendanceRateFilter {
    /// Only of this student.
    #[garde(skip)]
    student_id: Option<PersonId>,
    /// Only of students of this school.
    #[garde(skip)]
    school_id: Option<OrgId>,
    /// Only of students with a place in this class, and only what was said of them in it.
    #[garde(skip)]
    class_id: Option<ClassId>,
    /// What was said of classes, instead of what was said of whole days. Always so where a class is named.
    #[garde(skip)]
    of_classes: Option<bool>,
    /// Only in this term or other academic session.
    #[garde(skip)]
    term_id: Option<AcademicSessionId>,
    /// Only from this day on.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-09-01")]
    from: Option<Date>,
    /// Only before this day.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-10-01")]
    until: Option<Date>,
}

/// In which days.
#[derive(Debug, Clone, Copy, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct InDays {
    /// Only in this term or other academic session.
    #[garde(skip)]
    term_id: Option<AcademicSessionId>,
    /// Only from this day on.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-09-01")]
    from: Option<Date>,
    /// Only before this day.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-10-01")]
    until: Option<Date>,
}

/// The order of the list.
#[derive(Debug, Clone, Copy)]
pub(super) enum AttendanceRateSort {
    Name,
}

impl Sort for AttendanceRateSort {
    const ORDERS: &'static [(&'static str, Self)] = &[("name", Self::Name)];
}

impl Order for AttendanceRateSort {
    fn key(self) -> Key {
        Key::TEXT
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
pub(super) struct AttendanceRateOrder {
    /// `name` (as usual), that of the student; with `-` in front from the last to the first.
    #[param(pattern = "^-?name$", example = "-name")]
    sort: Option<String>,
}

/// A page of them.
pub(super) type AttendanceRatePage = Page<AttendanceRate>;

/// List attendance rates
///
/// A page of the students one may see, by name, with what their attendance comes to. Days to come and days without instruction do
/// not count. Where nothing was recorded, the rate is null.
#[utoipa::path(
    get,
    path = "/attendance_rates",
    operation_id = "attendance_rate_list",
    tag = "School",
    params(AttendanceRateFilter, AttendanceRateOrder, PageQuery),
    responses((status = 200, description = "A page of rates.", body = AttendanceRatePage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn attendance_rate_list(
    op: Op,
    listing: Listing<AttendanceRateFilter, AttendanceRateSort>,
) -> Result<Answer<AttendanceRatePage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    let (tenant, what, filter) = (cx.tenant_id(), "attendance_rate", &listing.filter);
    let sight = RateSight::of(cx, filter.class_id)?;
    let selection = store::Selection {
        span: Span::of(&listing, None, tenant, what)?,
        days: store::Days::of(cx, filter.from, filter.until, filter.term_id),
        of_classes: filter.class_id.is_some() || filter.of_classes.unwrap_or_default(),
        student_id: filter.student_id,
        school_id: filter.school_id,
        class_id: filter.class_id,
    };
    let rows = store::list_by_name(tenancy, cx, &sight, &selection).await?;
    let page = listing
        .page(tenant, what, rows, |(rate, name)| Position { key: Key::Text(name.clone()), id: rate.student_id.uuid() });
    let items = page.items.into_iter().map(|(rate, _)| rate).collect();
    Ok(Answer(Page { items, next_cursor: page.next_cursor }))
}

/// Read the attendance rate of a class
///
/// Of all its students together, made of its registers.
#[utoipa::path(
    get,
    path = "/classes/{id}/attendance_rate",
    operation_id = "class_attendance_rate_read",
    tag = "School",
    params(("id" = ClassId, Path, description = "Of which class."), InDays),
    responses((status = 200, description = "What its attendance comes to.", body = ClassAttendanceRate,
        example = json!(class_sample())))
)]
async fn class_attendance_rate_read(
    op: Op,
    Path(id): Path<ClassId>,
    Query(InDays { term_id, from, until }): Query<InDays>,
) -> Result<Answer<ClassAttendanceRate>, Problem> {
    let days = store::Days::of(&op.cx, from, until, term_id);
    Ok(Answer(super::of_class(&op.tenancy, &op.cx, id, &days).await?))
}
