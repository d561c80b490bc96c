//! On which days of an absence there is instruction.

use std::collections::HashMap;

use jiff::civil::{Date, Weekday};

/// What the calendar of a school says of days: whether there is instruction.
pub(super) type Calendar = HashMap<Date, bool>;

/// Those of which the calendar says that there is instruction; of which it says nothing, Monday to Friday.
pub(super) fn of_absence(begin: Date, end: Date, calendar: &Calendar) -> Vec<Date> {
    let days = std::iter::successors(Some(begin), |day| day.tomorrow().ok()).take_while(|day| *day < end);
    let weekend = |day: &Date| matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    days.filter(|day| calendar.get(day).copied().unwrap_or(!weekend(day))).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::{Calendar, of_absence};

    #[test]
    fn the_calendar_decides_and_otherwise_the_week() {
        let calendar: Calendar = [(date(2025, 10, 3), false), (date(2025, 10, 4), true)].into();
        let days = of_absence(date(2025, 10, 2), date(2025, 10, 8), &calendar);
        // Thursday; a holiday on Friday; a Saturday to make up for it; Sunday; Monday and Tuesday.
        assert_eq!(days, [date(2025, 10, 2), date(2025, 10, 4), date(2025, 10, 6), date(2025, 10, 7)]);
        assert_eq!(of_absence(date(2025, 10, 5), date(2025, 10, 6), &Calendar::new()), []);
    }
}
