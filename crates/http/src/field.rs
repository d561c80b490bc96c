//! Mistakes in values, each with the path of the value, a stable code and what would be right.

use std::borrow::Cow;

use cloister_tenancy::{Error, FieldError};
use garde::Validate;
use serde::de::DeserializeOwned;

/// Values from outside are repeated in messages only so far.
const MAX_MESSAGE: usize = 300;

/// A mistake found by a validation function of a module's own, with its stable code.
pub fn invalid(code: &'static str, message: impl std::fmt::Display) -> garde::Error {
    garde::Error::new(format!("[{code}] {message}"))
}

/// Reads a value from anything serde can, naming the field at fault.
pub(crate) fn deserialize<'de, T: serde::Deserialize<'de>, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<T, FieldError>
where
    D::Error: std::fmt::Display,
{
    serde_path_to_error::deserialize(from).map_err(|error| {
        let path = error.path().to_string();
        describe(if path == "." { "" } else { &path }, &error.into_inner().to_string())
    })
}

/// Reads a value from JSON that is already parsed.
pub(crate) fn from_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, Error> {
    deserialize(value).map_err(|field| Error::invalid(vec![field]))
}

/// Finds the code for what serde says in words.
fn describe(path: &str, message: &str) -> FieldError {
    let message = message.split(" at line ").next().unwrap_or(message);
    let named = message.split('`').nth(1).unwrap_or_default();
    let child = || match path.rsplit(['.', ']']).next() {
        // The path already ends with the key for a key that was read, and stops above one that is missing.
        Some(last) if last == named => path.to_owned(),
        _ if path.is_empty() => named.to_owned(),
        _ => format!("{path}.{named}"),
    };
    let (field, code, text): (String, &'static str, Cow<'_, str>) = if message.starts_with("missing field") {
        let field = if path.is_empty() { named.to_owned() } else { format!("{path}.{named}") };
        (field, "missing", "This is required.".into())
    } else if message.starts_with("unknown field") {
        (child(), "unknown_field", message.into())
    } else if message.starts_with("duplicate field") {
        (child(), "duplicate_field", "This is given more than once.".into())
    } else if message.starts_with("unknown variant") {
        (path.to_owned(), "unknown_value", message.into())
    } else if message.starts_with("invalid type") {
        (path.to_owned(), "wrong_type", message.into())
    } else if NO_MOMENT.iter().any(|words| message.starts_with(words)) {
        (path.to_owned(), "invalid_value", MOMENT.into())
    } else {
        (path.to_owned(), "invalid_value", message.into())
    };
    FieldError { field: clip(&field), code: code.into(), message: clip(&text) }
}

/// As jiff begins to say that a text is no day and no moment; what follows speaks of digits.
const NO_MOMENT: [&str; 2] = ["failed to parse", "expected four digit year"];
const MOMENT: &str = "Write a day as in 2026-08-31, and a moment as in 2026-08-31T09:15:00Z.";

fn clip(text: &str) -> String {
    let mut clipped: String = text.chars().take(MAX_MESSAGE).collect();
    if clipped.len() < text.len() {
        clipped.push('…');
    }
    clipped
}

/// Checks a value against its own rules.
pub(crate) fn validate<T: Validate<Context = ()>>(value: &T) -> Result<(), Error> {
    value.validate().map_err(|report| {
        let fields = report.iter().map(|(path, error)| {
            let (code, message) = rule(error.message());
            FieldError { field: clip(&path.to_string()), code: code.into(), message: clip(&message) }
        });
        Error::invalid(fields.collect())
    })
}

/// The code for what a rule says in words.
fn rule(message: &str) -> (String, String) {
    if let Some((code, text)) = message.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        return (code.to_owned(), text.to_owned());
    }
    let known = [
        ("length is lower than ", "too_short", "Use at least {} characters."),
        ("length is greater than ", "too_long", "Use at most {} characters."),
        ("lower than ", "too_small", "Use at least {}."),
        ("greater than ", "too_large", "Use at most {}."),
        ("not set", "missing", "This is required."),
    ];
    for (prefix, code, text) in known {
        if let Some(bound) = message.strip_prefix(prefix) {
            return (code.to_owned(), text.replace("{}", bound));
        }
    }
    ("invalid_value".to_owned(), message.to_owned())
}

#[cfg(test)]
mod tests {
    use garde::Validate;
    use serde::Deserialize;

    use super::{deserialize, invalid, validate};

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[garde(length(chars, min = 2, max = 4))]
        name: String,
        #[garde(dive)]
        inner: Vec<Inner>,
    }

    #[derive(Debug, PartialEq, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[garde(range(max = 9), custom(even))]
        count: u8,
        #[garde(skip)]
        #[serde(default)]
        kind: Option<Kind>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        One,
        Two,
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "rules are handed value and context by reference")]
    fn even(count: &u8, (): &()) -> garde::Result {
        if count.is_multiple_of(2) { Ok(()) } else { Err(invalid("odd", "Use an even number.")) }
    }

    fn refused(text: &str) -> (String, String) {
        let error = deserialize::<Outer, _>(&mut serde_json::Deserializer::from_str(text)).unwrap_err();
        (error.field, error.code.into_owned())
    }

    #[test]
    fn what_is_no_day_is_told_how_to_write_one() {
        #[derive(Debug, Deserialize)]
        struct Dated {
            #[expect(dead_code, reason = "read alone")]
            day: jiff::civil::Date,
        }
        for day in ["31.1.2027", "1.8.2026", "27-01-01", "", "x"] {
            let text = serde_json::json!({ "day": day }).to_string();
            let error = deserialize::<Dated, _>(&mut serde_json::Deserializer::from_str(&text)).unwrap_err();
            assert_eq!((error.field.as_str(), error.message.as_str()), ("day", super::MOMENT), "{day}");
        }
    }

    #[test]
    fn the_field_at_fault_is_named() {
        for (text, field, code) in [
            (r#"{"inner":[]}"#, "name", "missing"),
            (r#"{"name":1,"inner":[]}"#, "name", "wrong_type"),
            (r#"{"name":"ab","inner":[],"nmae":2}"#, "nmae", "unknown_field"),
            (r#"{"name":"ab","name":"cd","inner":[]}"#, "name", "duplicate_field"),
            (r#"{"name":"ab","inner":[{"count":1},{}]}"#, "inner[1].count", "missing"),
            (r#"{"name":"ab","inner":[{"count":300}]}"#, "inner[0].count", "invalid_value"),
            (r#"{"name":"ab","inner":[{"count":1,"extra":1}]}"#, "inner[0].extra", "unknown_field"),
            (r#"{"name":"ab","inner":[{"count":1,"kind":"three"}]}"#, "inner[0].kind", "unknown_value"),
        ] {
            let (found, word) = refused(text);
            assert_eq!((found.as_str(), word.as_str()), (field, code), "{text}");
        }
    }

    #[test]
    fn rules_have_codes() {
        let value = Outer {
            name: "é".to_owned(),
            inner: vec![Inner { count: 2, kind: Some(Kind::One) }, Inner { count: 11, kind: Some(Kind::Two) }],
        };
        let error = validate(&value).unwrap_err();
        let found: Vec<_> = error.fields().iter().map(|f| (f.field.as_str(), &*f.code, f.message.as_str())).collect();
        assert_eq!(
            found,
            [
                ("inner[1].count", "odd", "Use an even number."),
                ("inner[1].count", "too_large", "Use at most 9."),
                ("name", "too_short", "Use at least 2 characters."),
            ]
        );
    }

    #[test]
    fn long_values_are_not_repeated_whole() {
        let text = format!(r#"{{"name":"ab","inner":[],"{}":1}}"#, "x".repeat(100_000));
        let error = deserialize::<Outer, _>(&mut serde_json::Deserializer::from_str(&text)).unwrap_err();
        assert!(error.field.len() < 400 && error.message.len() < 400);
    }
}
