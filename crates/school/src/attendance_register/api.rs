//! Endpoints about attendance registers.

use cloister_http::{Answer, Edge, IfMatch, Json, Listing, Op, Page, PageQuery, Path, Problem, Query, Sort, Tagged};
use cloister_ids::{ClassId, ClassPeriodId, OrgId};
use cloister_tenancy::Action;
use garde::Validate;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ATTENDANCE_REGISTER, AttendanceRegister, AttendanceRegisterFields, AttendanceRegisterSummary, OfPeriod, Slot,
    list_store, sample, sample_fields, sample_summary,
};
use crate::{
    listing::{Key, Order, Position, Span},
    rules::plausible,
    scope::Sight,
    scopes::OWN_CLASSES,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(attendance_register_list))
        .routes(routes!(super::missing::attendance_register_missing))
        .routes(routes!(attendance_register_read, attendance_register_take))
}

/// Which registers.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AttendanceRegisterFilter {
    /// Only of this class.
    #[garde(skip)]
    class_id: Option<ClassId>,
    /// Only of this school.
    #[garde(skip)]
    school_id: Option<OrgId>,
    /// Only of this period.
    #[garde(skip)]
    class_period_id: Option<ClassPeriodId>,
    /// Only from this day on.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-09-01")]
    from: Option<Date>,
    /// Only before this day.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-10-01")]
    until: Option<Date>,
    /// Only those taken on a later day, or only those taken on their own.
    #[garde(skip)]
    late: Option<bool>,
}

/// The order of the list.
#[derive(Debug, Clone, Copy)]
enum AttendanceRegisterSort {
    Date,
}

impl Sort for AttendanceRegisterSort {
    const ORDERS: &'static [(&'static str, Self)] = &[("date", Self::Date)];
}

impl Order for AttendanceRegisterSort {
    fn key(self) -> Key {
        Key::DATE
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct AttendanceRegisterOrder {
    /// `date` (as usual); with `-` in front from the last day to the first.
    #[param(pattern = "^-?date$", example = "-date")]
    sort: Option<String>,
}

/// A page of them.
type AttendanceRegisterSummaryPage = Page<AttendanceRegisterSummary>;

/// List attendance registers
///
/// A page of those that were taken and that one may see, by day.
#[utoipa::path(
    get,
    path = "/attendance_registers",
    operation_id = "attendance_register_list",
    tag = "School",
    params(AttendanceRegisterFilter, AttendanceRegisterOrder, PageQuery),
    responses((status = 200, description = "A page of registers.", body = AttendanceRegisterSummaryPage,
        example = json!({ "items": [sample_summary()], "next_cursor": null })))
)]
async fn attendance_register_list(
    op: Op,
    listing: Listing<AttendanceRegisterFilter, AttendanceRegisterSort>,
) -> Result<Answer<AttendanceRegisterSummaryPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    let sight = Sight::to(cx, Action::Read, &ATTENDANCE_REGISTER, &[OWN_CLASSES])?;
    let (tenant, what, filter) = (cx.tenant_id(), ATTENDANCE_REGISTER.name, &listing.filter);
    let selection = list_store::Selection {
        span: Span::of(&listing, None, tenant, what)?.on_days(filter.from, filter.until),
        from: filter.from,
        until: filter.until,
        school_id: filter.school_id,
        class_id: filter.class_id,
        class_period_id: filter.class_period_id,
        late: filter.late,
    };
    let rows = list_store::list_by_date(tenancy, cx, &sight, &selection).await?;
    Ok(Answer(
        listing.page(tenant, what, rows, |last| Position { key: Key::Date(last.date), id: last.taken.id.uuid() }),
    ))
}

/// Read the register of a class on a day
///
/// With everybody who has a place in the class on that day, by name, and what is said of each. It can be read before it is
/// taken: then `taken` is null, and entries say what is known already.
#[utoipa::path(
    get,
    path = "/attendance_registers/{class_id}/{date}",
    operation_id = "attendance_register_read",
    tag = "School",
    params(("class_id" = ClassId, Path, description = "Of which class."),
        ("date" = Date, Path, description = "Of which day.", example = "2025-10-01"),
        OfPeriod),
    responses((status = 200, description = "The register.", body = AttendanceRegister,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn attendance_register_read(
    op: Op,
    Path((class_id, date)): Path<(ClassId, Date)>,
    Query(OfPeriod { class_period_id }): Query<OfPeriod>,
) -> Result<Tagged<AttendanceRegister>, Problem> {
    Ok(Tagged(super::read(&op.tenancy, &op.cx, &Slot::of(class_id, date, class_period_id)?).await?))
}

/// Take the register of a class on a day
///
/// One request for the whole class: an entry for each student who has a place in it on that day. Sent twice, it changes nothing
/// the second time. Taken again with other entries, it corrects what was said, which stays readable as attendance events; then
/// `If-Match` is needed.
#[utoipa::path(
    put,
    path = "/attendance_registers/{class_id}/{date}",
    operation_id = "attendance_register_take",
    tag = "School",
    params(("class_id" = ClassId, Path, description = "Of which class."),
        ("date" = Date, Path, description = "Of which day.", example = "2025-10-01"),
        OfPeriod,
        ("If-Match" = Option<String>, Header, description = "The ETag you read, if it was taken before.",
            example = "\"v1\"")),
    request_body(content = AttendanceRegisterFields, example = json!(sample_fields())),
    responses((status = 200, description = "The register as it is now.", body = AttendanceRegister,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn attendance_register_take(
    op: Op,
    Path((class_id, date)): Path<(ClassId, Date)>,
    Query(OfPeriod { class_period_id }): Query<OfPeriod>,
    known: Result<IfMatch, Problem>,
    Json(fields): Json<AttendanceRegisterFields>,
) -> Result<Tagged<AttendanceRegister>, Problem> {
    let slot = Slot::of(class_id, date, class_period_id)?;
    Ok(Tagged(super::take(&op.tenancy, &op.cx, &slot, known, &fields).await?))
}
