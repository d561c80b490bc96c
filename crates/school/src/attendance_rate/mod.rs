//! Attendance rates: what the attendance of a student or class comes to in a span of days or in a term.
//!
//! Made of the events that count and whose codes are reportable, with what the codes meant when they were recorded. Nothing is
//! kept beside the events, so a correction is in every rate at once.

mod api;
mod chronic;
mod store;

use cloister_ids::{ClassId, PersonId};
use cloister_tenancy::{Action, OpContext, Result, Tenancy};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use store::STATEMENTS;

use crate::{
    attendance_event::AttendanceSight, attendance_register::ATTENDANCE_REGISTER, scope::Sight, scopes::OWN_CLASSES,
};

/// What was recorded, summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct AttendanceTotals {
    /// Events that count: days, or classes.
    #[schema(example = 84)]
    pub recorded: i64,
    /// Of these, at school.
    #[schema(example = 79)]
    pub present: i64,
    /// Of these, not at school.
    #[schema(example = 5)]
    pub absent: i64,
    /// Of those not at school, excused.
    #[schema(example = 3)]
    pub absent_excused: i64,
    /// Of those at school, late.
    #[schema(example = 2)]
    pub late: i64,
    /// How much of what was recorded the student was at school for, in hundredths of a percent; null where nothing was recorded.
    #[schema(example = 9405)]
    pub attendance_rate: Option<i64>,
}

impl AttendanceTotals {
    /// Whether so much was missed, in hundredths of a percent, of so many events at least.
    fn is_missed(&self, threshold: i64, at_least: i64) -> bool {
        self.recorded > 0 && self.recorded >= at_least && self.absent * 10_000 >= threshold * self.recorded
    }

    fn new(recorded: i64, absent: i64, absent_excused: i64, late: i64) -> Self {
        let present = recorded - absent;
        // Half a hundredth counts as one.
        let attendance_rate = (recorded > 0).then(|| (present * 20_000 + recorded) / (2 * recorded));
        Self { recorded, present, absent, absent_excused, late, attendance_rate }
    }
}

/// What the attendance of a student comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AttendanceRate {
    /// Whose.
    pub student_id: PersonId,
    /// The student's given name.
    #[schema(example = "Mila")]
    pub student_given_name: String,
    /// The student's family name.
    #[schema(example = "Okafor")]
    pub student_family_name: String,
    /// What was recorded.
    #[serde(flatten)]
    pub totals: AttendanceTotals,
}

/// What the attendance of a class comes to, of all its students together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ClassAttendanceRate {
    /// Of which class.
    pub class_id: ClassId,
    /// What was recorded in its registers.
    #[serde(flatten)]
    pub totals: AttendanceTotals,
}

/// How far a reader sees rates: attendance and, where a class is asked for, places in it, which tell who is in it.
#[derive(Debug)]
struct RateSight {
    attendance: AttendanceSight,
    places: Sight,
}

impl RateSight {
    /// The first statement of a list.
    fn of(cx: &OpContext, class: Option<ClassId>) -> Result<Self> {
        let attendance = AttendanceSight::of(cx)?;
        let places = if class.is_some() { Sight::All.through_places(cx)? } else { Sight::All };
        Ok(Self { attendance, places })
    }
}

/// What the attendance of a class comes to. One round trip.
async fn of_class(tenancy: &Tenancy, cx: &OpContext, id: ClassId, days: &store::Days) -> Result<ClassAttendanceRate> {
    let sight = Sight::to(cx, Action::Read, &ATTENDANCE_REGISTER, &[OWN_CLASSES])?;
    Ok(ClassAttendanceRate { class_id: id, totals: store::of_class(tenancy, cx, &sight, id, days).await? })
}

fn sample() -> AttendanceRate {
    AttendanceRate {
        student_id: crate::sample_id(),
        student_given_name: "Mila".to_owned(),
        student_family_name: "Okafor".to_owned(),
        totals: AttendanceTotals::new(84, 5, 3, 2),
    }
}

fn class_sample() -> ClassAttendanceRate {
    ClassAttendanceRate { class_id: crate::sample_id(), totals: AttendanceTotals::new(1680, 84, 60, 31) }
}

#[cfg(test)]
mod tests {
    use super::AttendanceTotals;

    #[test]
    fn rates_are_in_hundredths_of_a_percent() {
        for (recorded, absent, rate) in [
            (0, 0, None),
            (1, 0, Some(10_000)),
            (1, 1, Some(0)),
            (3, 1, Some(6667)),
            (84, 5, Some(9405)),
            (6, 5, Some(1667)),
        ] {
            let totals = AttendanceTotals::new(recorded, absent, 0, 0);
            assert_eq!((totals.present, totals.attendance_rate), (recorded - absent, rate));
        }
    }

    #[test]
    fn a_tenth_is_chronic_when_there_is_enough_of_it() {
        for (recorded, absent, at_least, missed) in
            [(10, 1, 1, true), (11, 1, 1, false), (10, 1, 11, false), (0, 0, 0, false), (1, 1, 1, true)]
        {
            assert_eq!(AttendanceTotals::new(recorded, absent, 0, 0).is_missed(1000, at_least), missed);
        }
    }
}
