//! Chronic absence: students who missed a tenth or more of what was recorded of them.
//!
//! A page looks through so many students by name as it may hold rows, and holds those of them who missed too much. So the work
//! for a page is bounded whatever the size of the school, and a page may be short, or empty, with another one behind it.

use cloister_http::{Answer, Listing, Op, Page, PageQuery, Problem};
use cloister_ids::{AcademicSessionId, ClassId, OrgId, PersonId};
use garde::Validate;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    RateSight,
    api::{AttendanceRateOrder, AttendanceRatePage, AttendanceRateSort},
    sample, store,
};
use crate::{
    listing::{Key, Position, Span},
    rules::plausible,
};

/// A tenth, in hundredths of a percent.
const TENTH: i64 = 1000;

/// Of which students, in which days, and what is too much.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ChronicAbsenceFilter {
    /// How much must have been missed, in hundredths of a percent of what was recorded: a tenth where nothing is given.
    #[garde(inner(range(min = 1, max = 10_000)))]
    #[param(minimum = 1, maximum = 10_000, default = 1000, example = 1000)]
    threshold: Option<i64>,
    /// Only of students of whom so much was recorded. The first absence of somebody who is new is no habit.
    #[garde(inner(range(min = 1, max = 10_000)))]
    #[param(minimum = 1, maximum = 10_000, default = 1, example = 1)]
    min_recorded: Option<i64>,
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
    #[param(example = "2026-07-01")]
    until: Option<Date>,
}

/// List chronic absence
///
/// The students one may see who missed too much, by name. A page looks through as many students as `limit` says and holds those
/// of them who did: it may be short or empty and still have a `next_cursor`. Go on until there is none.
#[utoipa::path(
    get,
    path = "/attendance_rates/chronic",
    operation_id = "chronic_absence_list",
    tag = "School",
    params(ChronicAbsenceFilter, AttendanceRateOrder, PageQuery),
    responses((status = 200, description = "Those of a page of students who missed too much.", body = AttendanceRatePage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
pub(super) async fn chronic_absence_list(
    op: Op,
    listing: Listing<ChronicAbsenceFilter, AttendanceRateSort>,
) -> Result<Answer<AttendanceRatePage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    let (tenant, what, filter) = (cx.tenant_id(), "chronic_absence", &listing.filter);
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
    let (threshold, at_least) = (filter.threshold.unwrap_or(TENTH), filter.min_recorded.unwrap_or(1));
    let missed = page.items.into_iter().filter(|(rate, _)| rate.totals.is_missed(threshold, at_least));
    Ok(Answer(Page { items: missed.map(|(rate, _)| rate).collect(), next_cursor: page.next_cursor }))
}
