//! Times of day, to the minute: `08:30`. Of which zone is the school's own affair, as on the clock in its hall. And days of the
//! week.

use std::{fmt, str::FromStr};

use cloister_http::{invalid, words};
use jiff::civil::Time;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, schema::Schema, schema::Type},
};

words! {
    /// A day of the week.
    pub enum DayOfWeek {
        /// The first.
        Monday = "monday",
        /// The second.
        Tuesday = "tuesday",
        /// The third.
        Wednesday = "wednesday",
        /// The fourth.
        Thursday = "thursday",
        /// The fifth.
        Friday = "friday",
        /// The sixth.
        Saturday = "saturday",
        /// The last.
        Sunday = "sunday",
    }
}

impl DayOfWeek {
    /// From 1, Monday, to 7, Sunday, as a column holds it.
    pub(crate) fn number(self) -> i16 {
        match self {
            Self::Monday => 1,
            Self::Tuesday => 2,
            Self::Wednesday => 3,
            Self::Thursday => 4,
            Self::Friday => 5,
            Self::Saturday => 6,
            Self::Sunday => 7,
        }
    }

    /// From a column.
    pub(crate) fn of(number: i16) -> Option<Self> {
        Self::ALL.iter().copied().find(|day| day.number() == number)
    }
}

/// A time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DayTime(Time);

const EXPECTED: &str = "Use hours and minutes of a day, such as 08:30.";

impl DayTime {
    /// At this hour and minute.
    pub(crate) const fn at(hour: i8, minute: i8) -> Self {
        Self(Time::constant(hour, minute, 0, 0))
    }

    /// As a parameter.
    pub(crate) fn column(&self) -> &Time {
        &self.0
    }

    /// From a column.
    pub(crate) fn from_column(time: Time) -> Self {
        Self(time)
    }
}

impl fmt::Display for DayTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

impl FromStr for DayTime {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let (hour, minute) = text.split_once(':').ok_or(EXPECTED)?;
        let number = |part: &str| {
            let plain = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| part.parse::<i8>().ok()).flatten().ok_or(EXPECTED)
        };
        Time::new(number(hour)?, number(minute)?, 0, 0).map(Self).map_err(|_| EXPECTED)
    }
}

impl Serialize for DayTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DayTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl PartialSchema for DayTime {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^([01][0-9]|2[0-3]):[0-5][0-9]$"))
            .description(Some("Hours and minutes of a day, by the school's own clock."))
            .examples(["08:30"])
            .into()
    }
}

impl ToSchema for DayTime {
    fn name() -> std::borrow::Cow<'static, str> {
        "DayTime".into()
    }
}

/// Later on the same day.
pub(crate) fn later_than(begin: Option<DayTime>) -> impl FnOnce(&DayTime, &()) -> garde::Result {
    move |end, ()| match begin {
        Some(begin) if *end <= begin => {
            Err(invalid("end_not_after_begin", "The end must be later on the same day than the begin."))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{DayOfWeek, DayTime, later_than};

    #[test]
    fn hours_and_minutes_and_nothing_else() {
        for text in ["00:00", "08:30", "23:59"] {
            assert_eq!(text.parse::<DayTime>().unwrap().to_string(), text);
        }
        for text in ["8:30", "08:30:00", "24:00", "08:60", "-1:30", "+8:30", "0830", "", ":", "٠٨:٣٠"] {
            assert!(text.parse::<DayTime>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn days_of_the_week_are_numbered_from_monday() {
        let numbers: Vec<i16> = (0..=8).filter_map(DayOfWeek::of).map(DayOfWeek::number).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(DayOfWeek::of(1), Some(DayOfWeek::Monday));
    }

    #[test]
    fn the_end_is_later() {
        let (first, second) = (DayTime::at(8, 0), DayTime::at(8, 45));
        assert!(later_than(Some(first))(&second, &()).is_ok());
        assert!(later_than(None)(&first, &()).is_ok());
        assert!(later_than(Some(second))(&second, &()).is_err());
        assert!(later_than(Some(second))(&first, &()).is_err());
    }
}
