//! Days on which a student was there, for what happens at school.

use std::collections::HashSet;

use jiff::civil::Date;

use super::plan::{Place, Plan};
use crate::sample::random::Random;

/// The days that students missed, as far as registers and requests tell.
pub(super) type Missed = HashSet<(usize, Date)>;

/// Who was there when.
pub(super) struct Presence<'a> {
    pub(super) plan: &'a Plan,
    pub(super) missed: &'a Missed,
}

impl Presence<'_> {
    /// Whether somebody was there on a school day.
    pub(super) fn was_there(&self, place: &Place, day: Date) -> bool {
        (place.from..place.to).contains(&day) && !self.missed.contains(&(place.pupil, day))
    }

    /// One of the days before today on which somebody was there, if there is any.
    pub(super) fn some_day(&self, place: &Place, random: &mut Random) -> Option<Date> {
        let year = &self.plan.years[place.section.year];
        let days: Vec<Date> = year.taught(self.plan.today).filter(|day| self.was_there(place, *day)).collect();
        (!days.is_empty()).then(|| *random.pick(&days))
    }
}
