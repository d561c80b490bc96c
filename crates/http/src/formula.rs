//! Cells that no spreadsheet takes for formulas, and that come back as they were.

use std::borrow::Cow;

/// What begins a formula.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
/// What ends a cell for a program that takes another separator than ours, and does not see our quotes for that.
const ENDS: [char; 4] = [';', '\t', '\r', '\n'];

/// A text that a spreadsheet shows and never computes: what would begin a formula gets an apostrophe in front. Within the text too,
/// where a program with another separator would begin a cell. What has apostrophes of its own there gets one more, so that
/// [`unguarded`] takes off the one that came with it and leaves the others.
fn guarded(text: &str) -> String {
    let mut guarded = String::with_capacity(text.len() + 1);
    for (at, part) in text.split_inclusive(ENDS).enumerate() {
        if begins_formula(part) || at == 0 && begins_with_blank(part) {
            guarded.push('\'');
        }
        guarded.push_str(part);
    }
    guarded
}

/// A cell of CSV: guarded, and in quotes where it needs them.
pub fn cell(text: &str) -> String {
    let guarded = guarded(text);
    if guarded.contains([',', '"', '\r', '\n', ';', '\t', '\'']) || guarded.starts_with(' ') || guarded.ends_with(' ') {
        return format!("\"{}\"", guarded.replace('"', "\"\""));
    }
    guarded
}

/// A cell of a workbook, in which nothing is computed. So only what looks guarded is: what is made of CSV comes in as a workbook too,
/// and then the guards must go.
pub(crate) fn workbook_cell(text: &str) -> Cow<'_, str> {
    if unguarded(text) == text { text.into() } else { guarded(text).into() }
}

/// A text without the apostrophes that guard it.
pub fn unguarded(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    // At the front, the apostrophe may be all that stands before the end of a part.
    let front = text.strip_prefix('\'').filter(|rest| begins_formula(rest) || begins_with_blank(rest));
    for (at, part) in front.unwrap_or(text).split_inclusive(ENDS).enumerate() {
        let inner = part.strip_prefix('\'').filter(|rest| at > 0 && begins_formula(rest));
        plain.push_str(inner.unwrap_or(part));
    }
    plain
}

/// Quotes that such a program would see are none to it: what is behind them counts. What is behind apostrophes counts too: a text
/// must not look guarded that is not.
fn begins_formula(text: &str) -> bool {
    let skipped = |c: char| ['"', '\''].contains(&c) || c.is_whitespace() && !ENDS.contains(&c);
    text.trim_start_matches(skipped).starts_with(FORMULA)
}

fn begins_with_blank(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['\t', '\r', '\n'])
}

#[cfg(test)]
mod tests {
    use super::{cell, unguarded, workbook_cell};

    #[test]
    fn a_cell_is_never_a_formula() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t'=1\""),
            ("  =1", "\"'  =1\""),
            ("a;=1", "\"a;'=1\""),
            ("a; \u{a0}@x;b", "\"a;' \u{a0}@x;b\""),
            ("two\r\n-1", "\"two\r\n'-1\""),
            ("a\t\"=1\"", "\"a\t'\"\"=1\"\"\""),
            ("1;2 = 3", "\"1;2 = 3\""),
            ("'=1", "\"''=1\""),
            ("'tis", "\"'tis\""),
            ("", ""),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_guarded_cell_comes_back_as_it_was() {
        for text in [
            "",
            "plain",
            "=1",
            "+1",
            "\t=1",
            "  =1",
            "a;=1",
            "a; -b;=",
            "x\r\n\r\n=1\n\n",
            "\"=1\"",
            "a\t\"=1\"",
            "a;'b",
            "'tis",
            "\n;\t=\n'",
            "＝1;＋2",
            "'=1",
            "''=1",
            "' '=1",
            "a;'=1",
            "a;''=1;'",
            "two\n'-x",
            "'\t=1",
            "'\n'",
            "'\"'=1",
            "\"'=1",
        ] {
            let written = cell(text);
            let read = match written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
                Some(quoted) => quoted.replace("\"\"", "\""),
                None => written,
            };
            assert_eq!(unguarded(&read), text, "{read:?}");
        }
    }

    #[test]
    fn a_workbook_shows_a_text_as_it_is_unless_it_looks_guarded() {
        for (text, expected) in
            [("+49 30 1234", "+49 30 1234"), ("=1", "=1"), ("'tis", "'tis"), ("'=1", "''=1"), ("a;'-b", "a;''-b")]
        {
            assert_eq!(workbook_cell(text), expected);
        }
    }

    #[test]
    fn every_short_text_comes_back_as_it_was() {
        let letters = ["'", "=", ";", "\t", "\n", " ", "\"", "a"];
        let mut texts = vec![String::new()];
        for _ in 0..5 {
            texts = texts.iter().flat_map(|text| letters.map(|letter| format!("{text}{letter}"))).collect();
            for text in &texts {
                let written = cell(text);
                let quoted = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                let read = quoted.map_or_else(|| written.clone(), |quoted| quoted.replace("\"\"", "\""));
                assert_eq!(unguarded(&read), *text, "{read:?}");
                assert_eq!(unguarded(&workbook_cell(text)), *text, "{text:?}");
            }
        }
    }
}
