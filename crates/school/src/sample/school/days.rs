//! The days of three school years: which there are, and what each is.

use cloister_ids::{AcademicSessionId, Clock};
use cloister_tenancy::{Error, Result};
use jiff::{
    ToSpan,
    civil::{Date, Weekday},
};

use super::{SchoolSettings, plan::YEARS};
use crate::sample::calendar::{Calendar, school_year_of};

/// What a day from Monday to Friday is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Day {
    pub(super) date: Date,
    /// In the words of calendar dates.
    pub(super) event: &'static str,
    pub(super) is_instructional: bool,
    pub(super) title: Option<&'static str>,
    /// Whether periods are shorter.
    pub(super) is_short: bool,
}

/// A school year.
#[derive(Debug)]
pub(super) struct Year {
    /// The year in which it ends.
    pub(super) ends_in: i16,
    pub(super) calendar: Calendar,
    /// Of the sessions of the calendar, in its order.
    pub(super) session_ids: Vec<AcademicSessionId>,
    pub(super) days: Vec<Day>,
}

/// Weeks without school, from the first day on, and what they are called.
const BREAKS: [(i64, i64, &str); 4] =
    [(9, 1, "Autumn break"), (18, 2, "Winter break"), (26, 1, "Ski week"), (33, 2, "Spring break")];
/// Single days: the week, the day from Monday, what it is and what it is called.
const SINGLE: [(i64, i64, &str, &str); 7] = [
    (0, 0, "teacher_only", "Opening conference"),
    (2, 0, "holiday", "Labour Day"),
    (7, 4, "teacher_only", "Staff training"),
    (14, 3, "holiday", "Thanksgiving"),
    (14, 4, "holiday", "Day after Thanksgiving"),
    (23, 2, "emergency", "Closed for snow"),
    (40, 0, "holiday", "Memorial Day"),
];

impl Year {
    /// The three years, the last of them the one that `today` is in, unless the settings name another.
    pub(super) fn all(settings: &SchoolSettings, today: Date, clock: &dyn Clock) -> Result<Vec<Self>> {
        let refused = |error: crate::sample::SampleError| Error::field("school_year", error.code(), error.to_string());
        let last = match settings.school_year {
            Some(year) => year,
            None => school_year_of(today).map_err(refused)?,
        };
        if !(1950..=2150).contains(&last) {
            return Err(refused(crate::sample::SampleError::SchoolYear));
        }
        let mut years = Vec::with_capacity(YEARS);
        for back in (0..3).rev() {
            let calendar = Calendar::new(last - back).map_err(refused)?;
            let session_ids = calendar.sessions.iter().map(|_| AcademicSessionId::generate(clock)).collect();
            let days = days(&calendar)?;
            years.push(Self { ends_in: last - back, calendar, session_ids, days });
        }
        Ok(years)
    }

    pub(super) fn first_day(&self) -> Date {
        self.calendar.first_day
    }

    /// The first day after it.
    pub(super) fn end(&self) -> Date {
        self.calendar.end
    }

    /// The session of the whole year.
    pub(super) fn session(&self) -> AcademicSessionId {
        self.session_ids[0]
    }

    /// The session of a semester, with its days.
    pub(super) fn semester(&self, semester: usize) -> (AcademicSessionId, Date, Date) {
        let session = &self.calendar.sessions[1 + semester];
        (self.session_ids[1 + semester], session.start, session.end)
    }

    /// Days of instruction before `today`.
    pub(super) fn taught(&self, today: Date) -> impl Iterator<Item = Date> {
        self.days.iter().filter(move |day| day.is_instructional && day.date < today).map(|day| day.date)
    }
}

fn days(calendar: &Calendar) -> Result<Vec<Day>> {
    let mut days = Vec::with_capacity(220);
    let mut date = calendar.first_day;
    while date < calendar.end {
        let since = i64::from((date - calendar.first_day).get_days());
        let (week, weekday) = (since / 7, since % 7);
        if !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) {
            let off = BREAKS.iter().find(|(first, weeks, _)| (*first..first + weeks).contains(&week));
            let single = SINGLE.iter().find(|(w, d, ..)| (*w, *d) == (week, weekday));
            let is_short = weekday == 4 && BREAKS.iter().any(|(first, ..)| *first == week + 1);
            days.push(match (off, single) {
                (Some((_, _, title)), _) => {
                    Day { date, event: "holiday", is_instructional: false, title: Some(title), is_short: false }
                }
                (None, Some((_, _, event, title))) => {
                    Day { date, event, is_instructional: false, title: Some(title), is_short: false }
                }
                (None, None) => Day { date, event: "instructional", is_instructional: true, title: None, is_short },
            });
        }
        date = date.checked_add(1.day()).map_err(Error::internal)?;
    }
    Ok(days)
}
