//! Rules for values from outside that more than one resource has. Limits are those of the importer, so that what a package
//! brought can be changed here.

#![expect(clippy::trivially_copy_pass_by_ref, reason = "rules are handed value and context by reference")]

use std::collections::HashSet;

use cloister_http::invalid;
use jiff::civil::Date;

use crate::{record::Metadata, search_key};

/// Characters of a name, title, code or other short text.
pub(crate) const TEXT: usize = 512;
/// Characters of a `sourced_id`.
pub(crate) const SOURCED_ID: usize = 255;
/// Items of a list of short texts.
pub(crate) const ITEMS: usize = 1000;
/// Bytes of JSON.
const METADATA: usize = 16 * 1024;
/// Dates outside are slips of the pen.
const YEARS: std::ops::RangeInclusive<i16> = 1850..=2200;

/// Something to see, and no control characters.
pub(crate) fn clean(text: &str, (): &()) -> garde::Result {
    if text.trim().is_empty() {
        return Err(invalid("blank", "Use at least one visible character."));
    }
    if text.contains(char::is_control) {
        return Err(invalid("control_character", "Use no line breaks or other control characters."));
    }
    Ok(())
}

/// Something that a mail can be sent to.
pub(crate) fn is_email(text: &str) -> bool {
    let apart = text.rsplit_once('@').filter(|(name, host)| !name.is_empty() && !host.is_empty());
    !text.contains(char::is_whitespace) && apart.is_some()
}

/// The same of a longer text, which may have line breaks.
pub(crate) fn paragraphs(text: &str, (): &()) -> garde::Result {
    if text.trim().is_empty() {
        return Err(invalid("blank", "Use at least one visible character."));
    }
    if text.contains(|one: char| one.is_control() && one != '\n') {
        return Err(invalid("control_character", "Use no control characters but line breaks."));
    }
    Ok(())
}

/// Something that names can begin with.
pub(crate) fn searchable(text: &str, (): &()) -> garde::Result {
    if search_key::of(text).is_empty() { Err(invalid("blank", "Use at least one letter or digit.")) } else { Ok(()) }
}

/// So many of a list, and no more.
pub(crate) fn at_most<T>(max: usize) -> impl FnOnce(&Vec<T>, &()) -> garde::Result {
    between(0, max)
}

/// At least and at most so many of a list.
pub(crate) fn between<T>(min: usize, max: usize) -> impl FnOnce(&Vec<T>, &()) -> garde::Result {
    move |items, ()| match items.len() {
        few if few < min => Err(invalid("too_few", format!("Name at least {min}."))),
        many if many > max => Err(invalid("too_many", format!("Name at most {max}."))),
        _ => Ok(()),
    }
}

/// Each once.
pub(crate) fn distinct<T: Eq + std::hash::Hash>(items: &[T], (): &()) -> garde::Result {
    let mut seen = HashSet::new();
    if items.iter().all(|item| seen.insert(item)) { Ok(()) } else { Err(invalid("given_twice", "Name each once.")) }
}

/// A date that somebody meant.
pub(crate) fn plausible(date: &Date, (): &()) -> garde::Result {
    if YEARS.contains(&date.year()) {
        return Ok(());
    }
    Err(invalid("date_implausible", format!("Use a date of the years {} to {}.", YEARS.start(), YEARS.end())))
}

/// Not too much JSON.
pub(crate) fn small(metadata: &Metadata, (): &()) -> garde::Result {
    let length = serde_json::to_vec(metadata.column()).map_or(usize::MAX, |bytes| bytes.len());
    if length <= METADATA {
        return Ok(());
    }
    Err(invalid("too_large", format!("Use at most {METADATA} bytes of JSON.")))
}

/// Codes name the same subjects in the same order; either list may be empty.
pub(crate) fn beside(subjects: &[String]) -> impl FnOnce(&Vec<String>, &()) -> garde::Result + '_ {
    move |codes, ()| {
        if subjects.is_empty() || codes.is_empty() || subjects.len() == codes.len() {
            return Ok(());
        }
        Err(invalid("subject_codes_mismatch", "Give as many codes as subjects, in the same order, or none."))
    }
}

/// The end of a span is the first day that no longer counts: it comes after the begin. Either end may be open.
pub(crate) fn after(begin: Option<Date>) -> impl FnOnce(&Option<Date>, &()) -> garde::Result {
    move |end, ()| match (begin, end) {
        (Some(begin), Some(end)) if *end <= begin => Err(invalid(
            "end_not_after_begin",
            "The end is the first day that no longer counts, so it must come after the begin.",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::{after, beside, between, clean, distinct, plausible};

    #[test]
    fn texts_have_something_to_see() {
        for (text, accepted) in
            [("a", true), (" é ", true), ("", false), (" \t", false), ("a\nb", false), ("a\0", false)]
        {
            assert_eq!(clean(text, &()).is_ok(), accepted, "{text:?}");
        }
    }

    #[test]
    fn a_span_has_at_least_one_day() {
        let (first, second) = (date(2025, 9, 1), date(2025, 9, 2));
        assert!(after(Some(first))(&Some(second), &()).is_ok());
        assert!(after(None)(&Some(first), &()).is_ok());
        assert!(after(Some(first))(&None, &()).is_ok());
        assert!(after(Some(first))(&Some(first), &()).is_err());
        assert!(after(Some(second))(&Some(first), &()).is_err());
    }

    #[test]
    fn dates_are_of_our_time() {
        assert!(plausible(&date(2010, 2, 28), &()).is_ok());
        assert!(plausible(&date(20, 2, 28), &()).is_err());
        assert!(plausible(&date(-4000, 1, 1), &()).is_err());
    }

    #[test]
    fn codes_stand_beside_their_subjects() {
        let words = |count: usize| vec!["x".to_owned(); count];
        for (subjects, codes, accepted) in [(2, 2, true), (2, 0, true), (0, 2, true), (2, 1, false)] {
            assert_eq!(beside(&words(subjects))(&words(codes), &()).is_ok(), accepted);
        }
    }

    #[test]
    fn lists_are_bounded() {
        for (length, accepted) in [(0, false), (1, true), (2, true), (3, false)] {
            assert_eq!(between(1, 2)(&vec![0; length], &()).is_ok(), accepted);
        }
    }

    #[test]
    fn each_is_named_once() {
        assert!(distinct(&[1, 2], &()).is_ok());
        assert!(distinct(&[1, 1], &()).is_err());
    }
}
