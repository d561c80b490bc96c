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
    use jiff::civil::date;

    use super::overlap;

    #[test]
    fn the_end_is_the_first_day_outside() {
        let on = |day| Some(date(2025, 9, day));
        assert!(!overlap((on(1), on(5)), (on(5), on(9))));
        assert!(overlap((on(1), on(6)), (on(5), on(9))));
        assert!(overlap((None, on(2)), (on(1), None)));
        assert!(!overlap((None, on(2)), (on(2), None)));
        assert!(overlap((None, None), (on(1), on(2))));
    }
}
