//! Spans of days: from the first that counts to the first that no longer does, either end open.

use cloister_tenancy::{Error, Result};
use jiff::civil::Date;

/// Refuses a span that ends before or when it begins.
pub(crate) fn check(field: &'static str, begin: Option<Date>, end: Option<Date>) -> Result<()> {
    match (begin, end) {
        (Some(begin), Some(end)) if end <= begin => Err(Error::field(
            field,
            "end_not_after_begin",
            "The end is the first day that no longer counts, so it must come after the begin.",
        )),
        _ => Ok(()),
    }
}

/// Whether two spans share a day.
pub fn overlap(one: (Option<Date>, Option<Date>), other: (Option<Date>, Option<Date>)) -> bool {
    let begins_before_end = |begin: Option<Date>, end: Option<Date>| match (begin, end) {
        (Some(begin), Some(end)) => begin < end,
        _ => true,
    };
    begins_before_end(one.0, other.1) && begins_before_end(other.0, one.1)
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};

    use super::{check, overlap};

    fn day(day: i8) -> Option<Date> {
        Some(date(2025, 9, day))
    }

    #[test]
    fn a_span_has_at_least_one_day() {
        assert!(check("end_date", day(1), day(2)).is_ok());
        assert!(check("end_date", None, day(1)).is_ok());
        assert!(check("end_date", day(1), None).is_ok());
        for end in [day(1), day(2)] {
            let fields = check("end_date", day(2), end).map_err(|error| error.fields()[0].code.clone());
            assert_eq!(fields, Err("end_not_after_begin".into()));
        }
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
