//! Search by the beginning of a name, as a range over a normalised column: the one form of search that row security lets
//! an index answer.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Sorts behind every search key: keys hold no character above U+10FFFD.
const END: char = '\u{10ffff}';

/// The text to keep in a `…_search` column (collation `"C"`): lower case, without accents, single spaces, no control
/// characters. `Ägidius  O'Brien` becomes `agidius o'brien`.
pub fn search_key(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        if c.is_whitespace() || c.is_control() {
            if !key.is_empty() && !key.ends_with(' ') {
                key.push(' ');
            }
        } else if !is_invisible(c) {
            key.push(c);
        }
    }
    key.truncate(key.trim_end().len());
    key
}

/// Characters that change how others are shown, or mean nothing: two names that look alike shall be found alike.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}')
        || (c as u32) & 0xfffe == 0xfffe
}

/// All search keys that begin with a text: `from <= key < to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchRange {
    /// Inclusive.
    pub from: String,
    /// Exclusive.
    pub to: String,
}

impl SearchRange {
    /// The range for what somebody typed; every key when nothing was.
    pub fn of(typed: Option<&str>) -> Self {
        let from = typed.map(search_key).unwrap_or_default();
        let to = format!("{from}{END}");
        Self { from, to }
    }
}

#[cfg(test)]
mod tests {
    use super::{SearchRange, search_key};

    #[test]
    fn keys_ignore_case_accents_and_spacing() {
        for (text, key) in [
            ("Ägidius  O'Brien", "agidius o'brien"),
            ("  ÉCOLE\tdu\nnord ", "ecole du nord"),
            ("ﬁnance", "finance"),
            ("Straße", "straße"),
            ("ΑΘΗΝΑ", "αθηνα"),
            ("a\u{10ffff}\u{ffff}b\0", "ab"),
            (" \u{200b}\t\u{feff}", ""),
            ("pay\u{ad}ment", "payment"),
            ("", ""),
        ] {
            assert_eq!(search_key(text), key, "{text:?}");
        }
    }

    #[test]
    fn a_range_holds_the_keys_that_begin_with_it() {
        let inside = |typed: Option<&str>, name: &str| {
            let (range, key) = (SearchRange::of(typed), search_key(name));
            range.from <= key && key < range.to
        };
        assert!(inside(Some("no"), "North"));
        assert!(inside(Some("NÖ"), "north"));
        assert!(inside(Some("north"), "North"));
        assert!(inside(Some("n"), "n\u{10fffd}"));
        assert!(!inside(Some("north"), "nort"));
        assert!(!inside(Some("no"), "np"));
        assert!(inside(None, ""));
        assert!(inside(None, "\u{10fffd}\u{10fffd}"));
    }
}
