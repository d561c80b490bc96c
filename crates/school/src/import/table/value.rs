//! What a cell means for a field.

use jiff::civil::Date;
use serde_json::{Number, Value, json};

use super::{resource::Kind, sheet::Cell};
use crate::import::DayOrMonth;

/// Why a cell cannot be used: a stable word, and what would be right.
pub(super) type Fault = (&'static str, String);

const YES: &[&str] =
    &["true", "yes", "y", "1", "x", "✓", "ja", "wahr", "oui", "vrai", "sí", "si", "verdadero", "sì", "vero"];
const NO: &[&str] = &["false", "no", "n", "0", "-", "nein", "falsch", "non", "faux", "falso"];

/// What it means; nothing for an empty one. References are texts still.
pub(super) fn value(cell: &Cell, kind: &Kind, order: Option<&DayOrMonth>) -> Result<Option<Value>, Fault> {
    match (cell, kind) {
        (Cell::Empty, _) => Ok(None),
        (Cell::Fault(code, message), _) => Err((code, message.clone())),
        (_, Kind::Text | Kind::Reference(_)) => Ok(Some(Value::String(text(cell)))),
        (_, Kind::Boolean) => boolean(cell).map(Some),
        (_, Kind::Integer) => integer(cell).map(Some),
        (_, Kind::Number) => number(cell).map(Some),
        (_, Kind::Date) => date(cell, order).map(|day| Some(json!(day))),
        (_, Kind::Time) => Ok(Some(Value::String(time(cell)))),
        (_, Kind::Word(words)) => Ok(Some(Value::String(word(&text(cell), words)))),
        (_, Kind::List(kind)) => list(cell, kind, order).map(Some),
        (_, Kind::Parts(_) | Kind::Json) => match serde_json::from_str::<Value>(&text(cell)) {
            Ok(value @ (Value::Object(_) | Value::Array(_))) => Ok(Some(value)),
            _ => Err((
                "value_not_json",
                "Write this as JSON, such as {\"name\": \"value\"}, or leave it out.".to_owned(),
            )),
        },
    }
}

/// As a text: whole numbers without a point, days as 2025-09-01.
pub(super) fn text(cell: &Cell) -> String {
    match cell {
        Cell::Empty | Cell::Fault(..) => String::new(),
        Cell::Text(text) => text.clone(),
        Cell::Number(number) => plain(*number),
        Cell::Bool(value) => value.to_string(),
        Cell::Moment(moment) if moment.time() == jiff::civil::Time::midnight() => moment.date().to_string(),
        Cell::Moment(moment) => moment.to_string(),
    }
}

fn plain(number: f64) -> String {
    match whole(number) {
        Some(whole) => whole.to_string(),
        None => number.to_string(),
    }
}

fn whole(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "within what is exact")]
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

fn boolean(cell: &Cell) -> Result<Value, Fault> {
    if let Cell::Bool(value) = cell {
        return Ok(Value::Bool(*value));
    }
    let typed = text(cell).to_lowercase();
    if YES.contains(&typed.as_str()) {
        return Ok(Value::Bool(true));
    }
    if NO.contains(&typed.as_str()) {
        return Ok(Value::Bool(false));
    }
    Err(("value_not_boolean", "Write yes or no.".to_owned()))
}

fn integer(cell: &Cell) -> Result<Value, Fault> {
    let found = match cell {
        Cell::Number(number) => whole(*number),
        other => text(other).replace([' ', '\u{a0}', '\u{202f}'], "").parse().ok(),
    };
    found.map(|number| json!(number)).ok_or_else(|| ("value_not_integer", "Write a whole number.".to_owned()))
}

fn number(cell: &Cell) -> Result<Value, Fault> {
    let found = match cell {
        Cell::Number(number) => Some(*number),
        other => {
            let typed = text(other).replace([' ', '\u{a0}', '\u{202f}'], "");
            // A comma alone stands for the point.
            let typed = if typed.contains('.') { typed } else { typed.replacen(',', ".", 1) };
            typed.parse().ok()
        }
    };
    let found = found.and_then(|number| match whole(number) {
        Some(whole) => Some(json!(whole)),
        None => Number::from_f64(number).map(Value::Number),
    });
    found.ok_or_else(|| ("value_not_number", "Write a number, such as 2.5.".to_owned()))
}

/// Days in ISO, in 31.8.2025, and where the order is known or tells itself in 31/8/2025 and 8/31/2025.
fn date(cell: &Cell, order: Option<&DayOrMonth>) -> Result<Date, Fault> {
    let invalid = || ("value_not_date", "Write a day as 2025-08-31.".to_owned());
    let typed = match cell {
        Cell::Moment(moment) => return Ok(moment.date()),
        Cell::Number(_) => {
            let message =
                "This is a number. Format the column as a date in the spreadsheet, or write days as 2025-08-31.";
            return Err(("value_not_date", message.to_owned()));
        }
        other => text(other),
    };
    if let Ok(day) = typed.parse::<Date>() {
        return Ok(day);
    }
    let dotted = typed.contains('.');
    let mut parts = typed.split(['.', '/', '-']).map(|part| part.trim().parse::<i16>());
    let (Some(Ok(first)), Some(Ok(second)), Some(Ok(year)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(invalid());
    };
    if first > 31 {
        return Err(invalid());
    }
    if year < 1000 {
        return Err(("date_year_short", "Write the year with four digits, as in 2025-08-31.".to_owned()));
    }
    let day_first = match order {
        _ if dotted => true,
        Some(DayOrMonth::DayFirst) => true,
        Some(DayOrMonth::MonthFirst) => false,
        None if first > 12 => true,
        None if second > 12 => false,
        None if first == second => true,
        None => {
            let message =
                "Nobody can tell the day from the month here. Say which comes first (date_order), or write 2025-08-31.";
            return Err(("date_ambiguous", message.to_owned()));
        }
    };
    let (day, month) = if day_first { (first, second) } else { (second, first) };
    let part = |part: i16| i8::try_from(part).map_err(|_| invalid());
    Date::new(year, part(month)?, part(day)?).map_err(|_| invalid())
}

fn time(cell: &Cell) -> String {
    let shown = |time: jiff::civil::Time| format!("{:02}:{:02}", time.hour(), time.minute());
    match cell {
        Cell::Moment(moment) => shown(moment.time()),
        other => {
            let typed = text(other);
            // 8:05 is what people write, and 08:05:00 what spreadsheets save.
            let parts: Vec<&str> = typed.split(':').collect();
            match parts.as_slice() {
                [hour, minute] | [hour, minute, "00"] if hour.len() <= 2 => format!("{hour:0>2}:{minute}"),
                _ => typed,
            }
        }
    }
}

/// A word as it is written in the API, whatever its letters' case and what is between its parts.
fn word(typed: &str, words: &[String]) -> String {
    let normal = |text: &str| text.to_lowercase().replace([' ', '-', '_'], "");
    words.iter().find(|known| normal(known) == normal(typed)).cloned().unwrap_or_else(|| typed.to_owned())
}

fn list(cell: &Cell, kind: &Kind, order: Option<&DayOrMonth>) -> Result<Value, Fault> {
    let typed = text(cell);
    let parts = typed.split([';', '\n']).map(Cell::text).filter(|part| !part.is_empty());
    let values = parts.map(|part| value(&part, kind, order).map(Option::unwrap_or_default));
    values.collect::<Result<Vec<_>, _>>().map(Value::Array)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Cell, Kind, value};
    use crate::import::DayOrMonth;

    fn read(typed: &str, kind: &Kind) -> Result<Value, &'static str> {
        value(&Cell::text(typed), kind, None).map(Option::unwrap_or_default).map_err(|(code, _)| code)
    }

    #[test]
    fn what_people_write_is_understood() {
        let words = Kind::Word(vec!["legal_guardian".to_owned(), "siteAdministrator".to_owned()]);
        for (typed, kind, expected) in [
            ("2025-08-31", Kind::Date, Ok(json!("2025-08-31"))),
            ("31.8.2025", Kind::Date, Ok(json!("2025-08-31"))),
            ("3.4.2025", Kind::Date, Ok(json!("2025-04-03"))),
            ("31/8/2025", Kind::Date, Ok(json!("2025-08-31"))),
            ("8/31/2025", Kind::Date, Ok(json!("2025-08-31"))),
            ("3/4/2025", Kind::Date, Err("date_ambiguous")),
            ("3.4.25", Kind::Date, Err("date_year_short")),
            ("31.2.2025", Kind::Date, Err("value_not_date")),
            ("2025-02-30", Kind::Date, Err("value_not_date")),
            ("soon", Kind::Date, Err("value_not_date")),
            ("Ja", Kind::Boolean, Ok(json!(true))),
            ("X", Kind::Boolean, Ok(json!(true))),
            ("no", Kind::Boolean, Ok(json!(false))),
            ("maybe", Kind::Boolean, Err("value_not_boolean")),
            ("1 200", Kind::Integer, Ok(json!(1200))),
            ("1.5", Kind::Integer, Err("value_not_integer")),
            ("2,5", Kind::Number, Ok(json!(2.5))),
            ("2.50", Kind::Number, Ok(json!(2.5))),
            ("NaN", Kind::Number, Err("value_not_number")),
            ("Legal guardian", words.clone(), Ok(json!("legal_guardian"))),
            ("site-administrator", words.clone(), Ok(json!("siteAdministrator"))),
            ("ext:cook", words, Ok(json!("ext:cook"))),
            ("8:05", Kind::Time, Ok(json!("08:05"))),
            ("04; 05", Kind::List(Box::new(Kind::Text)), Ok(json!(["04", "05"]))),
            ("{\"a\":1}", Kind::Json, Ok(json!({"a": 1}))),
            ("a", Kind::Json, Err("value_not_json")),
            ("", Kind::Date, Ok(Value::Null)),
        ] {
            assert_eq!(read(typed, &kind), expected, "{typed:?} as {kind:?}");
        }
    }

    #[test]
    fn what_a_spreadsheet_knows_is_taken_as_it_is() {
        let read =
            |cell: &Cell, kind: &Kind| value(cell, kind, Some(&DayOrMonth::MonthFirst)).map(Option::unwrap_or_default);
        let day = jiff::civil::date(2025, 4, 3);
        assert_eq!(read(&Cell::Moment(day.at(0, 0, 0, 0)), &Kind::Date), Ok(json!("2025-04-03")));
        assert_eq!(read(&Cell::Moment(day.at(8, 5, 0, 0)), &Kind::Time), Ok(json!("08:05")));
        assert_eq!(read(&Cell::Number(20417.0), &Kind::Text), Ok(json!("20417")));
        assert_eq!(read(&Cell::Number(45_000.0), &Kind::Date).unwrap_err().0, "value_not_date");
        assert_eq!(read(&Cell::text("3/4/2025"), &Kind::Date), Ok(json!("2025-03-04")));
    }
}
