//! Dates as people and spreadsheets write them.
//!
//! `YYYY-MM-DD` is the standard's form. `15/06/2023` has one meaning, `1/05/2023` has two: the second is read only when
//! the order is known, from the importer or from the other dates of the package. It is never guessed.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};
use serde::Serialize;

/// The order of day and month where the year comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// 15/06/2023
    DayFirst,
    /// 06/15/2023
    MonthFirst,
}

/// What a text says as a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// In the standard's form.
    Standard(Date),
    /// In another form with one meaning. The order is named when the date could only have been written in it.
    Clear(Date, Option<DateOrder>),
    /// Two meanings.
    Ambiguous { day_first: Date, month_first: Date },
    /// Not a date.
    Not,
}

/// Reads a date that stands alone.
pub(crate) fn read_date(text: &str) -> Written {
    if let Some(date) = standard_date(text) {
        return Written::Standard(date);
    }
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let parts = (text[..4].parse(), text[4..6].parse(), text[6..].parse());
        let (Ok(year), Ok(month), Ok(day)) = parts else { return Written::Not };
        return calendar(year, month, day).map_or(Written::Not, |date| Written::Clear(date, None));
    }
    let Some(separator) = text.chars().find(|c| matches!(c, '/' | '-' | '.')) else { return Written::Not };
    let mut parts = text.split(separator);
    let (Some(first), Some(second), Some(third), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Written::Not;
    };
    match (first.len(), third.len()) {
        (4, 1 | 2) => {
            let (Some(year), Some(month), Some(day)) = (year(first), small(second), small(third)) else {
                return Written::Not;
            };
            calendar(year, month, day).map_or(Written::Not, |date| Written::Clear(date, None))
        }
        (1 | 2, 4) => {
            let (Some(first), Some(second), Some(year)) = (small(first), small(second), year(third)) else {
                return Written::Not;
            };
            year_last(first, second, year, separator)
        }
        _ => Written::Not,
    }
}

fn year_last(first: i8, second: i8, year: i16, separator: char) -> Written {
    let day_first = calendar(year, second, first);
    // With points the day comes first wherever points are used.
    if separator == '.' {
        return day_first.map_or(Written::Not, |date| Written::Clear(date, None));
    }
    match (day_first, calendar(year, first, second)) {
        (Some(date), None) => Written::Clear(date, Some(DateOrder::DayFirst)),
        (None, Some(date)) => Written::Clear(date, Some(DateOrder::MonthFirst)),
        (Some(day_first), Some(month_first)) if day_first == month_first => Written::Clear(day_first, None),
        (Some(day_first), Some(month_first)) => Written::Ambiguous { day_first, month_first },
        (None, None) => Written::Not,
    }
}

/// `YYYY-MM-DD` and nothing else.
fn standard_date(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| bytes[range].iter().all(u8::is_ascii_digit);
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' || !digits(0..4) || !digits(5..7) || !digits(8..10) {
        return None;
    }
    calendar(text[..4].parse().ok()?, text[5..7].parse().ok()?, text[8..].parse().ok()?)
}

fn small(text: &str) -> Option<i8> {
    (matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

fn year(text: &str) -> Option<i16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn calendar(year: i16, month: i8, day: i8) -> Option<Date> {
    Date::new(year, month, day).ok()
}

/// Cuts a time of day off: `2023-05-01T00:00:00Z`, `1/05/2023 0:00`.
pub(crate) fn split_time(text: &str) -> (&str, Option<&str>) {
    match text.split_once(['T', ' ']) {
        Some((date, time)) if time.starts_with(|c: char| c.is_ascii_digit()) => (date, Some(time)),
        _ => (text, None),
    }
}

/// Reads an instant in the standard's form: ISO 8601 with date, `T`, time and zone.
pub(crate) fn standard_instant(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    if bytes.len() < 20 || bytes[10] != b'T' || !bytes[..4].iter().all(u8::is_ascii_digit) || text.contains('[') {
        return None;
    }
    text.parse().ok()
}

/// Reads an instant that lacks its zone or its time, taking UTC and midnight.
pub(crate) fn loose_instant(text: &str, order: Option<DateOrder>) -> Result<Option<Timestamp>, AmbiguousDate> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(Some(instant));
    }
    let (date, time) = split_time(text);
    let date = match read_date(date) {
        Written::Standard(date) | Written::Clear(date, _) => date,
        Written::Ambiguous { day_first, month_first } => match order {
            Some(DateOrder::DayFirst) => day_first,
            Some(DateOrder::MonthFirst) => month_first,
            None => return Err(AmbiguousDate),
        },
        Written::Not => return Ok(None),
    };
    let time = match time {
        None => Some(Time::midnight()),
        Some(time) => read_time(time),
    };
    let at = time.and_then(|time| DateTime::from_parts(date, time).to_zoned(TimeZone::UTC).ok());
    Ok(at.map(|zoned| zoned.timestamp()))
}

/// The date could be either of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AmbiguousDate;

/// `h:mm`, `hh:mm:ss`, with a fraction that is dropped.
fn read_time(text: &str) -> Option<Time> {
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    let mut parts = whole.split(':').map(small);
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    if parts.next().is_some() {
        return None;
    }
    Time::new(hour, minute, second, 0).ok()
}

/// What the dates of a package tell about the order they are written in.
#[derive(Debug, Default, Clone)]
pub(crate) struct DateEvidence {
    day_first: Option<String>,
    month_first: Option<String>,
    /// A date that is used has two meanings.
    needed: bool,
}

impl DateEvidence {
    /// Looks at one date, which may be used or only bear witness.
    pub(crate) fn see(&mut self, text: &str, used: bool) {
        let (date, _) = split_time(text.trim());
        // The common case costs a look at one character.
        if date.len() < 8 || date.as_bytes().get(4) == Some(&b'-') {
            return;
        }
        match read_date(date) {
            Written::Clear(_, Some(DateOrder::DayFirst)) if self.day_first.is_none() => {
                self.day_first = Some(date.to_owned());
            }
            Written::Clear(_, Some(DateOrder::MonthFirst)) if self.month_first.is_none() => {
                self.month_first = Some(date.to_owned());
            }
            Written::Ambiguous { .. } => self.needed |= used,
            _ => {}
        }
    }

    /// Whether some date cannot be read without knowing the order.
    pub(crate) const fn is_needed(&self) -> bool {
        self.needed
    }

    /// Nothing more can be learned.
    pub(crate) const fn is_contradictory(&self) -> bool {
        self.day_first.is_some() && self.month_first.is_some()
    }

    /// The order that all dates agree in, with one of them as the witness.
    pub(crate) fn order(&self) -> Option<(DateOrder, &str)> {
        match (&self.day_first, &self.month_first) {
            (Some(witness), None) => Some((DateOrder::DayFirst, witness)),
            (None, Some(witness)) => Some((DateOrder::MonthFirst, witness)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn dates_with_one_meaning_are_read() {
        assert_eq!(read_date("2023-06-15"), Written::Standard(date(2023, 6, 15)));
        for text in ["2023/06/15", "2023-6-15", "20230615", "15.6.2023"] {
            assert_eq!(read_date(text), Written::Clear(date(2023, 6, 15), None), "{text}");
        }
        assert_eq!(read_date("15/06/2023"), Written::Clear(date(2023, 6, 15), Some(DateOrder::DayFirst)));
        assert_eq!(read_date("6-15-2023"), Written::Clear(date(2023, 6, 15), Some(DateOrder::MonthFirst)));
        assert_eq!(read_date("5/5/2023"), Written::Clear(date(2023, 5, 5), None));
    }

    #[test]
    fn dates_with_two_meanings_say_so() {
        let both = Written::Ambiguous { day_first: date(2023, 5, 1), month_first: date(2023, 1, 5) };
        assert_eq!(read_date("1/05/2023"), both);
    }

    #[test]
    fn what_is_not_a_date_is_refused() {
        for text in [
            "",
            "1/5/23",
            "2023-02-30",
            "31/02/2023",
            "45000",
            "2023-06",
            "a/b/2023",
            "2023-06-15x",
            "+023-01-01",
            "１２/０５/2023",
        ] {
            assert_eq!(read_date(text), Written::Not, "{text}");
        }
    }

    #[test]
    fn instants_are_strict_or_taken_as_utc() {
        assert!(standard_instant("2025-01-02T03:04:05.006Z").is_some());
        assert!(standard_instant("2025-01-02T03:04:05+02:00").is_some());
        for text in ["2025-01-02", "2025-01-02 03:04:05Z", "2025-01-02T03:04:05"] {
            assert_eq!(standard_instant(text), None, "{text}");
            assert!(matches!(loose_instant(text, None), Ok(Some(_))), "{text}");
        }
        assert_eq!(loose_instant("1/05/2023", None), Err(AmbiguousDate));
        let may = "2023-05-01T09:30:00Z".parse().ok();
        assert_eq!(loose_instant("1/05/2023 9:30", Some(DateOrder::DayFirst)), Ok(may));
        assert_eq!(loose_instant("yesterday", None), Ok(None));
    }
}
