//! From the text of a field to a value of its column's type.

use std::borrow::Cow;

use jiff::{Timestamp, civil::Date};

use super::{
    date::{DateOrder, Written, loose_instant, read_date, split_time, standard_instant},
    deviation::{
        BOOLEAN_SPELLING, DATE_FORM, DATE_ORDER, DATE_WITH_TIME, DATETIME_FORM, GUID_CHARACTERS, LIST_ITEM_EMPTY,
        STATUS_INACTIVE, USER_ID_FORM, VALUE_EXTENSION, VALUE_SPELLING, YEAR_FORM,
    },
    finding::{Findings, Place, Refused},
    row::UserId,
    schema::{Kind, Vocabulary},
};

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Value {
    #[default]
    Empty,
    Text(String),
    List(Vec<String>),
    Boolean(bool),
    Date(Date),
    Instant(Timestamp),
    Year(i16),
    UserIds(Vec<UserId>),
}

/// A sourcedId is shorter than 256 characters.
const LONGEST_GUID: usize = 255;
/// The standard asks for 255 characters at least; an index of PostgreSQL takes this many of any script.
const LONGEST_TEXT: usize = 512;
/// Items of a list.
const LONGEST_LIST: usize = 1000;
/// Dates outside are slips of the pen.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2200;

/// Reads one cell that is not empty.
pub(crate) fn read_cell(
    kind: Kind,
    text: &str,
    place: Place<'_>,
    order: Option<DateOrder>,
    findings: &mut Findings,
) -> Result<Value, Refused> {
    match kind {
        Kind::Guid => guid(text, place, findings).map(Value::Text),
        Kind::GuidList => list(text, true, place, findings, guid).map(Value::List),
        Kind::Text => bounded(text, place, findings).map(Value::Text),
        Kind::Prose => Ok(Value::Text(text.to_owned())),
        Kind::TextList => list(text, false, place, findings, bounded).map(Value::List),
        Kind::Word(vocabulary) => word(text, vocabulary, place, findings).map(Value::Text),
        Kind::WordList(vocabulary) => {
            list(text, true, place, findings, |item, place, findings| word(item, vocabulary, place, findings))
                .map(Value::List)
        }
        Kind::Boolean => boolean(text, place, findings).map(Value::Boolean),
        Kind::Date => date(text, place, order, findings).map(Value::Date),
        Kind::DateTime => instant(text, place, order, findings).map(Value::Instant),
        Kind::Year => year(text, place, findings).map(Value::Year),
        Kind::Integer if text.parse::<i64>().is_ok() => Ok(Value::Text(text.to_owned())),
        Kind::Integer => {
            Err(invalid("integer_invalid", "this is not a whole number", "a whole number", text, place, findings))
        }
        Kind::Float if text.parse::<f64>().is_ok_and(f64::is_finite) => Ok(Value::Text(text.to_owned())),
        Kind::Float => {
            Err(invalid("number_invalid", "this is not a number", "a number such as 95.5", text, place, findings))
        }
        Kind::UserIds => user_ids(text, place, findings).map(Value::UserIds),
        Kind::Secret => Ok(Value::Empty),
    }
}

fn invalid(
    code: &'static str,
    message: &str,
    expected: &'static str,
    text: &str,
    place: Place<'_>,
    findings: &mut Findings,
) -> Refused {
    findings.error(code, place, Some(text), message, Some(expected.into()))
}

fn guid(text: &str, place: Place<'_>, findings: &mut Findings) -> Result<String, Refused> {
    if text.chars().count() > LONGEST_GUID {
        let message = "a sourcedId has fewer than 256 characters";
        return Err(invalid("guid_too_long", message, "at most 255 characters", text, place, findings));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/' | b'@');
    if !text.bytes().all(plain) {
        findings.deviation(&GUID_CHARACTERS, place, Some(text), Some("letters, digits and . - _ / @".into()))?;
    }
    Ok(text.to_owned())
}

fn bounded(text: &str, place: Place<'_>, findings: &mut Findings) -> Result<String, Refused> {
    if text.len() > LONGEST_TEXT && text.chars().count() > LONGEST_TEXT {
        let message = "the text is too long";
        return Err(invalid("text_too_long", message, "at most 512 characters", text, place, findings));
    }
    Ok(text.to_owned())
}

/// Reads the items of a list. A set drops repeated items; in a sequence they have their place.
fn list<T: PartialEq>(
    text: &str,
    is_set: bool,
    place: Place<'_>,
    findings: &mut Findings,
    mut item: impl FnMut(&str, Place<'_>, &mut Findings) -> Result<T, Refused>,
) -> Result<Vec<T>, Refused> {
    let mut items = Vec::new();
    for part in text.split(',') {
        let part = match findings.mode() {
            super::Mode::Strict => part,
            super::Mode::Lenient => part.trim(),
        };
        if items.len() == LONGEST_LIST {
            return Err(invalid("list_too_long", "the list is too long", "at most 1000 items", text, place, findings));
        }
        let value = if part.is_empty() { None } else { Some(item(part, place, findings)?) };
        match value {
            Some(value) if !is_set || !items.contains(&value) => items.push(value),
            _ => findings.deviation(
                &LIST_ITEM_EMPTY,
                place,
                Some(text),
                Some("each item once, separated by commas".into()),
            )?,
        }
    }
    Ok(items)
}

fn word(
    text: &str,
    vocabulary: &'static Vocabulary,
    place: Place<'_>,
    findings: &mut Findings,
) -> Result<String, Refused> {
    if let Some(word) = vocabulary.exact(text) {
        return Ok(word.to_owned());
    }
    let extension = text.strip_prefix("ext:").unwrap_or_default();
    if vocabulary.extensible && !extension.is_empty() && text.chars().count() <= LONGEST_GUID {
        return Ok(text.to_owned());
    }
    let expected = || Some(Cow::Owned(vocabulary.listed()));
    if let Some(word) = vocabulary.meant(text) {
        findings.deviation(&VALUE_SPELLING, place, Some(text), expected())?;
        return Ok(word.to_owned());
    }
    if place.column == Some("status") && text.eq_ignore_ascii_case("inactive") {
        findings.deviation(&STATUS_INACTIVE, place, Some(text), expected())?;
        return Ok("tobedeleted".to_owned());
    }
    if vocabulary.extensible && text.chars().count() <= LONGEST_GUID - 4 {
        findings.deviation(&VALUE_EXTENSION, place, Some(text), expected())?;
        return Ok(format!("ext:{text}"));
    }
    Err(findings.error("value_not_allowed", place, Some(text), "the word is not of the vocabulary", expected()))
}

fn boolean(text: &str, place: Place<'_>, findings: &mut Findings) -> Result<bool, Refused> {
    let value = match text {
        "true" => return Ok(true),
        "false" => return Ok(false),
        _ => match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "y" | "t" => true,
            "false" | "0" | "no" | "n" | "f" => false,
            _ => {
                let message = "this is neither true nor false";
                return Err(invalid("boolean_invalid", message, "true or false", text, place, findings));
            }
        },
    };
    findings.deviation(&BOOLEAN_SPELLING, place, Some(text), Some("true or false".into()))?;
    Ok(value)
}

const DATE_EXPECTED: &str = "a date such as 2025-08-31";

fn date(text: &str, place: Place<'_>, order: Option<DateOrder>, findings: &mut Findings) -> Result<Date, Refused> {
    let (alone, time) = split_time(text);
    let value = match (read_date(alone), order) {
        (Written::Standard(date), _) => date,
        (Written::Clear(date, _), _) => {
            findings.deviation(&DATE_FORM, place, Some(text), Some(DATE_EXPECTED.into()))?;
            date
        }
        (Written::Ambiguous { day_first, .. }, Some(DateOrder::DayFirst)) => {
            findings.deviation(&DATE_ORDER, place, Some(text), Some(DATE_EXPECTED.into()))?;
            day_first
        }
        (Written::Ambiguous { month_first, .. }, Some(DateOrder::MonthFirst)) => {
            findings.deviation(&DATE_ORDER, place, Some(text), Some(DATE_EXPECTED.into()))?;
            month_first
        }
        (Written::Ambiguous { day_first, month_first }, None) => {
            return Err(ambiguous(text, Some((day_first, month_first)), place, findings));
        }
        (Written::Not, _) => {
            return Err(invalid("date_invalid", "this is not a date", DATE_EXPECTED, text, place, findings));
        }
    };
    if time.is_some() {
        findings.deviation(&DATE_WITH_TIME, place, Some(text), Some(DATE_EXPECTED.into()))?;
    }
    if !YEARS.contains(&value.year()) {
        let expected = "a year from 1900 to 2200";
        return Err(invalid("date_out_of_range", "the year cannot be right", expected, text, place, findings));
    }
    Ok(value)
}

fn ambiguous(text: &str, meanings: Option<(Date, Date)>, place: Place<'_>, findings: &mut Findings) -> Refused {
    let message = "day and month could be either way round, and no other date of the package tells which";
    let expected = match meanings {
        Some((one, other)) => format!("{one} or {other}; or say whether the day or the month comes first"),
        None => "a time such as 2025-08-31T00:00:00Z".to_owned(),
    };
    findings.error("date_ambiguous", place, Some(text), message, Some(expected.into()))
}

fn instant(
    text: &str,
    place: Place<'_>,
    order: Option<DateOrder>,
    findings: &mut Findings,
) -> Result<Timestamp, Refused> {
    const EXPECTED: &str = "a time such as 2025-08-31T12:00:00Z";
    let value = match standard_instant(text) {
        Some(instant) => instant,
        None => match loose_instant(text, order) {
            Ok(Some(instant)) => {
                findings.deviation(&DATETIME_FORM, place, Some(text), Some(EXPECTED.into()))?;
                instant
            }
            Ok(None) => return Err(invalid("datetime_invalid", "this is not a time", EXPECTED, text, place, findings)),
            Err(_) => return Err(ambiguous(text, None, place, findings)),
        },
    };
    // Beyond these years PostgreSQL and people disagree with the calendar.
    let year = value.to_zoned(jiff::tz::TimeZone::UTC).year();
    if !YEARS.contains(&year) {
        let expected = "a year from 1900 to 2200";
        return Err(invalid("date_out_of_range", "the year cannot be right", expected, text, place, findings));
    }
    Ok(value)
}

fn year(text: &str, place: Place<'_>, findings: &mut Findings) -> Result<i16, Refused> {
    const EXPECTED: &str = "the year in which the school year ends, such as 2026";
    let digits =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i16>().ok()).flatten();
    let span = text.split_once(['-', '/', '–']).map(|(from, to)| (from.trim(), to.trim()));
    let value = match span {
        None if text.len() == 4 => digits(text),
        Some((from, to)) if from.len() == 4 && matches!(to.len(), 2 | 4) => {
            let ends = digits(from).map(|from| from + 1);
            let written = digits(to).zip(ends).is_some_and(|(to, ends)| to == ends || to == ends % 100);
            ends.filter(|_| written)
        }
        _ => None,
    };
    let Some(value) = value.filter(|year| YEARS.contains(year)) else {
        return Err(invalid("year_invalid", "this is not a year", EXPECTED, text, place, findings));
    };
    if span.is_some() {
        findings.deviation(&YEAR_FORM, place, Some(text), Some(EXPECTED.into()))?;
    }
    Ok(value)
}

fn user_ids(text: &str, place: Place<'_>, findings: &mut Findings) -> Result<Vec<UserId>, Refused> {
    list(text, true, place, findings, |item, place, findings| {
        let inner = item.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        match inner.and_then(|inner| inner.split_once(':')) {
            Some((kind, identifier)) if !kind.is_empty() && !identifier.is_empty() => {
                let (kind, identifier) = (bounded(kind, place, findings)?, bounded(identifier, place, findings)?);
                Ok(UserId { kind, identifier })
            }
            _ => {
                findings.deviation(&USER_ID_FORM, place, Some(item), Some("{Type:Id}".into()))?;
                let identifier = bounded(inner.unwrap_or(item).trim_start_matches(':'), place, findings)?;
                Ok(UserId { kind: "unknown".to_owned(), identifier })
            }
        }
    })
}
