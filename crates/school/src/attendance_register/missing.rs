//! Missing registers: what should have been taken and was not.
//!
//! A register is due on days with instruction that lie in a term of the class: of a homeroom once a day, and of any other class
//! once for each of its meetings. Whether there is instruction, the calendar of the school says: of a day of which it
//! says nothing, nothing is due. A class in which nobody has a place owes nothing.

use cloister_http::{Answer, Listing, Op, Page, PageQuery, Problem, Sort};
use cloister_ids::{ClassId, ClassPeriodId, OrgId, Uuid};
use cloister_tenancy::{Action, Error};
use garde::Validate;
use jiff::{ToSpan, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    ATTENDANCE_REGISTER,
    missing_store::{self, Place},
};
use crate::{
    listing::{Key, cursor_invalid},
    rules::plausible,
    scope::{Sight, today},
    scopes::OWN_CLASSES,
    vocabulary::ClassType,
};

/// Days that are looked through at most.
const DAYS: i32 = 31;
/// Days that are looked through where nobody says which.
const USUAL_DAYS: i64 = 7;

/// A register that is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MissingRegister {
    /// Of which class.
    pub class_id: ClassId,
    /// In which school.
    pub school_id: OrgId,
    /// On which day.
    #[schema(example = "2025-10-01")]
    pub date: Date,
    /// In which period; none of a homeroom.
    pub class_period_id: Option<ClassPeriodId>,
    /// What the class is called.
    #[schema(example = "Algebra A")]
    pub class_title: String,
    /// What the period is called.
    #[schema(example = "Period 3")]
    pub class_period_name: Option<String>,
    /// The meeting or homeroom that makes it due.
    #[serde(skip)]
    pub(super) due_by: Uuid,
}

/// Of which classes, in which days.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct MissingRegisterFilter {
    /// Only of this school.
    #[garde(skip)]
    school_id: Option<OrgId>,
    /// Only of this class.
    #[garde(skip)]
    class_id: Option<ClassId>,
    /// Only of homerooms, or of classes of another type.
    #[garde(skip)]
    #[param(example = "scheduled")]
    class_type: Option<ClassType>,
    /// From this day on; a week before `until` where none is given.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-09-29")]
    from: Option<Date>,
    /// Before this day; where none is given, a week after `from`, or up to today. At most 31 days after `from`.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-10-06")]
    until: Option<Date>,
}

/// The order of the list.
#[derive(Debug, Clone, Copy)]
pub(super) enum MissingRegisterSort {
    Date,
}

impl Sort for MissingRegisterSort {
    const ORDERS: &'static [(&'static str, Self)] = &[("date", Self::Date)];
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct MissingRegisterOrder {
    /// `date` (as usual); with `-` in front from the last day to the first.
    #[param(pattern = "^-?date$", example = "-date")]
    sort: Option<String>,
}

/// A page of them.
type MissingRegisterPage = Page<MissingRegister>;

/// List missing attendance registers
///
/// The registers that are due and were not taken, of classes one may see, by day. A page looks through five hundred classes, day by
/// day: it may be short or empty and still have a `next_cursor`. Go on until there is none.
#[utoipa::path(
    get,
    path = "/attendance_registers/missing",
    operation_id = "attendance_register_missing",
    tag = "School",
    params(MissingRegisterFilter, MissingRegisterOrder, PageQuery),
    responses((status = 200, description = "A page of missing registers.", body = MissingRegisterPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
pub(super) async fn attendance_register_missing(
    op: Op,
    listing: Listing<MissingRegisterFilter, MissingRegisterSort>,
) -> Result<Answer<MissingRegisterPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    let sight = Sight::to(cx, Action::Read, &ATTENDANCE_REGISTER, &[OWN_CLASSES])?;
    let filter = &listing.filter;
    let until = match (filter.until, filter.from) {
        (Some(until), _) => until,
        (None, Some(from)) => from.checked_add(USUAL_DAYS.days()).map_err(Error::internal)?,
        (None, None) => today(cx).tomorrow().map_err(Error::internal)?,
    };
    let from = match filter.from {
        Some(from) => from,
        None => until.checked_sub(USUAL_DAYS.days()).map_err(Error::internal)?,
    };
    if (until - from).get_days() > DAYS {
        let message = format!("Look through at most {DAYS} days at once.");
        return Err(Error::field("until", "too_many_days", message).into());
    }
    let (tenant, what) = (cx.tenant_id(), "missing_register");
    let last = until.yesterday().map_err(Error::internal)?;
    let after = match listing.after::<Place>(tenant, what)? {
        Some(after) if Key::Date(after.date).fits(&Key::DATE) => after,
        Some(_) => return Err(cursor_invalid().into()),
        None => Place::ahead_of(if listing.descending { last } else { from }, listing.descending),
    };
    let selection = missing_store::Selection {
        after,
        descending: listing.descending,
        limit: listing.limit(),
        from,
        until,
        school_id: filter.school_id,
        class_id: filter.class_id,
        class_type: filter.class_type.clone(),
    };
    let (rows, next) = missing_store::list(tenancy, cx, &sight, &selection).await?;
    let place = |last: &MissingRegister| Place { date: last.date, class_id: last.class_id.uuid(), due_by: last.due_by };
    let mut page = listing.page(tenant, what, rows, place);
    if page.next_cursor.is_none() {
        page.next_cursor = next.and_then(|next| listing.next_cursor(tenant, what, &next));
    }
    Ok(Answer(page))
}

fn sample() -> MissingRegister {
    MissingRegister {
        class_id: crate::sample_id(),
        school_id: crate::sample_id(),
        date: Date::constant(2025, 10, 1),
        class_period_id: Some(crate::sample_id()),
        class_title: "Algebra A".to_owned(),
        class_period_name: Some("Period 3".to_owned()),
        due_by: Uuid::nil(),
    }
}
