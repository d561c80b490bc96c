//! The school year: semesters, terms, grading periods.

use jiff::{
    ToSpan,
    civil::{Date, Weekday},
};

use super::SampleError;

/// A session of the year.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) kind: &'static str,
    pub(super) start: Date,
    /// The day after its last.
    pub(super) end: Date,
    pub(super) parent: Option<String>,
}

/// All sessions of a year, the year first.
#[derive(Debug)]
pub(super) struct Calendar {
    pub(super) school_year: i16,
    pub(super) sessions: Vec<Session>,
    pub(super) first_day: Date,
    pub(super) end: Date,
    pub(super) second_semester: Date,
}

/// Weeks from the first day to the boundaries of the eight grading periods. Every second is a term's boundary, every
/// fourth a semester's.
const BOUNDARIES: [i32; 9] = [0, 5, 10, 15, 21, 26, 32, 37, 43];

/// The year in which the school year ends that a day falls in. A day of the summer falls in the one that is over.
pub fn school_year_of(day: Date) -> Result<i16, SampleError> {
    let next = day.year().checked_add(1).ok_or(SampleError::SchoolYear)?;
    Ok(if Calendar::new(next)?.first_day <= day { next } else { day.year() })
}

impl Calendar {
    pub(super) fn new(school_year: i16) -> Result<Self, SampleError> {
        let out_of_range = |_| SampleError::SchoolYear;
        let august = Date::new(school_year - 1, 8, 15).map_err(out_of_range)?;
        let first_day = august.nth_weekday(1, Weekday::Monday).map_err(out_of_range)?;
        let mut days = Vec::with_capacity(BOUNDARIES.len());
        for weeks in BOUNDARIES {
            days.push(first_day.checked_add(weeks.weeks()).map_err(out_of_range)?);
        }
        let year = format!("session-{school_year}");
        let mut sessions = vec![Session {
            id: year.clone(),
            title: format!("School Year {}–{school_year}", school_year - 1),
            kind: "schoolYear",
            start: days[0],
            end: days[8],
            parent: None,
        }];
        for (kind, letter, title, length) in
            [("semester", 's', "Semester", 4), ("term", 't', "Term", 2), ("gradingPeriod", 'g', "Grading Period", 1)]
        {
            for number in 0..8 / length {
                let parent = match length {
                    4 => year.clone(),
                    2 => format!("{year}-s{}", number / 2 + 1),
                    _ => format!("{year}-t{}", number / 2 + 1),
                };
                sessions.push(Session {
                    id: format!("{year}-{letter}{}", number + 1),
                    title: format!("{title} {}", number + 1),
                    kind,
                    start: days[number * length],
                    end: days[(number + 1) * length],
                    parent: Some(parent),
                });
            }
        }
        Ok(Self { school_year, sessions, first_day, end: days[8], second_semester: days[4] })
    }

    pub(super) fn year_id(&self) -> &str {
        &self.sessions[0].id
    }

    /// The id of the first or second semester.
    pub(super) fn semester_id(&self, semester: usize) -> &str {
        &self.sessions[1 + semester].id
    }

    /// A school day so many weeks and days into the year.
    pub(super) fn day(&self, week: u32, weekday: u32) -> Date {
        let days = i64::from(week * 7 + weekday.min(4));
        self.first_day.checked_add(days.days()).unwrap_or(self.first_day)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::{Calendar, school_year_of};

    #[test]
    fn a_day_falls_in_the_year_that_has_begun() {
        for (day, year) in [
            (date(2025, 8, 17), 2025),
            (date(2025, 8, 18), 2026),
            (date(2025, 12, 31), 2026),
            (date(2026, 1, 1), 2026),
            (date(2026, 7, 1), 2026),
            (date(2026, 11, 22), 2027),
        ] {
            assert_eq!(school_year_of(day).expect("an ordinary year"), year, "{day}");
        }
    }

    #[test]
    fn sessions_fill_the_year_without_gaps() {
        let calendar = Calendar::new(2026).expect("an ordinary year");
        let listed = calendar.sessions.iter().map(|s| format!("{} {} {} {}", s.id, s.kind, s.start, s.end));
        insta::assert_snapshot!(listed.collect::<Vec<_>>().join("\n"), @r#"
        session-2026 schoolYear 2025-08-18 2026-06-15
        session-2026-s1 semester 2025-08-18 2026-01-12
        session-2026-s2 semester 2026-01-12 2026-06-15
        session-2026-t1 term 2025-08-18 2025-10-27
        session-2026-t2 term 2025-10-27 2026-01-12
        session-2026-t3 term 2026-01-12 2026-03-30
        session-2026-t4 term 2026-03-30 2026-06-15
        session-2026-g1 gradingPeriod 2025-08-18 2025-09-22
        session-2026-g2 gradingPeriod 2025-09-22 2025-10-27
        session-2026-g3 gradingPeriod 2025-10-27 2025-12-01
        session-2026-g4 gradingPeriod 2025-12-01 2026-01-12
        session-2026-g5 gradingPeriod 2026-01-12 2026-02-16
        session-2026-g6 gradingPeriod 2026-02-16 2026-03-30
        session-2026-g7 gradingPeriod 2026-03-30 2026-05-04
        session-2026-g8 gradingPeriod 2026-05-04 2026-06-15
        "#);
    }
}
