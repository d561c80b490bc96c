//! Spans of days: from the first that counts to the first that no longer does, either end open.

use jiff::civil::Date;

/// Begin and end.
pub(crate) type DateSpan = (Option<Date>, Option<Date>);

/// Whether two spans share a day.
pub(crate) fn overlap(one: DateSpan, other: DateSpan) -> bool {
    let begins_before = |begin: Option<Date>, end: Option<Date>| match (begin, end) {
        (Some(begin), Some(end)) => begin < end,
        _ => true,
    };
    begins_before(one.0, other.1) && begins_before(other.0, one.1)
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};

    use super::overlap;

    fn day(day: i8) -> Option<Date> {
        Some(date(2025, 9, day))
    }

    #[test]
    fn the_end_is_the_first_day_outside() {
        assert!(!overlap((day(1), day(5)), (day(5), day(9))));
        assert!(overlap((day(1), day(6)), (day(5), day(9))));
        assert!(overlap((None, day(2)), (day(1), None)));
        assert!(!overlap((None, day(2)), (day(2), None)));
        assert!(overlap((None, None), (day(1), day(2))));
    }
}
