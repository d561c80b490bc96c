//! The form of a name that is compared: no case, no accents, no punctuation that people leave out.
//!
//! Kept in columns of their own and compared byte by byte, because row security lets an index be used for `<` and `=` on
//! text and for no other way of searching. Whoever writes a name writes this form of it too, imports included.

use unicode_normalization::UnicodeNormalization;

/// Longest form that is kept: an index row has bounds, and nobody types more.
pub const LONGEST: usize = 200;

/// Greater than any text in normal form that begins with what stands before it.
const LAST: char = '\u{10FFFF}';

/// The normal form of a name or title.
///
/// ```
/// use cloister_school::search_key;
/// assert_eq!(search_key::of(" Müller-Łukasz  O’Neill "), "muller lukasz oneill");
/// ```
pub fn of(text: &str) -> String {
    folded(text, LONGEST)
}

/// The same of a text that no index has to hold.
pub(crate) fn whole(text: &str) -> String {
    folded(text, usize::MAX)
}

fn folded(text: &str, longest: usize) -> String {
    let mut key = String::with_capacity(text.len());
    let mut count = 0;
    let mut gap = false;
    // The accent that stands alone serves as an apostrophe, and would fall apart into a space and an accent.
    for c in text.chars().filter(|c| *c != '´').nfkd().flat_map(char::to_lowercase) {
        match letters(c) {
            Letters::None => {}
            Letters::Gap => gap = count > 0,
            Letters::These(letters) => {
                let needed = letters.chars().count() + usize::from(gap);
                if count + needed > longest {
                    break;
                }
                if std::mem::take(&mut gap) {
                    key.push(' ');
                }
                key.push_str(letters);
                count += needed;
            }
            Letters::Itself => {
                let needed = 1 + usize::from(gap);
                if count + needed > longest {
                    break;
                }
                if std::mem::take(&mut gap) {
                    key.push(' ');
                }
                key.push(c);
                count += needed;
            }
        }
    }
    key
}

/// The two forms a person is found by: "family given" and "given family".
pub fn of_person(given: &str, family: &str) -> (String, String) {
    (of(&format!("{family} {given}")), of(&format!("{given} {family}")))
}

/// Bounds of what begins with `typed`: from the first, below the second. None when nothing searchable was typed.
pub fn prefix(typed: &str) -> Option<(String, String)> {
    let from = of(typed);
    if from.is_empty() {
        return None;
    }
    let below = format!("{from}{LAST}");
    Some((from, below))
}

enum Letters {
    None,
    Gap,
    Itself,
    These(&'static str),
}

fn letters(c: char) -> Letters {
    match c {
        c if is_dropped(c) => Letters::None,
        c if c.is_whitespace() || c.is_control() || is_separator(c) => Letters::Gap,
        // Letters that are spelled otherwise where a keyboard lacks them, and that no normal form takes apart.
        'ß' => Letters::These("ss"),
        'æ' => Letters::These("ae"),
        'œ' => Letters::These("oe"),
        'ø' => Letters::These("o"),
        'ł' => Letters::These("l"),
        'đ' | 'ð' => Letters::These("d"),
        'þ' => Letters::These("th"),
        'ħ' => Letters::These("h"),
        'ı' => Letters::These("i"),
        'ς' => Letters::These("σ"),
        _ => Letters::Itself,
    }
}

/// Accents, and the vowel points of Hebrew and Arabic, which are seldom written: other scripts' marks are letters.
/// Apostrophes of every make. Characters that only change how others are shown, or mean nothing.
fn is_dropped(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{65f}' | '\u{670}')
        || matches!(c, '\'' | '`' | '‘' | '’' | '‛' | 'ʼ' | 'ʻ' | '.')
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}' | LAST)
}

fn is_separator(c: char) -> bool {
    matches!(c, '-' | '_' | ',' | ';' | '/' | '\u{2010}'..='\u{2015}')
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, of, of_person, prefix};
    use proptest::prelude::*;

    #[test]
    fn case_accents_and_punctuation_do_not_matter() {
        for (text, key) in [
            ("Zoë", "zoe"),
            ("  Anne-Marie   de\tla Tour ", "anne marie de la tour"),
            ("O'Brien", "obrien"),
            ("O’Brien", "obrien"),
            ("O´Brien", "obrien"),
            ("ÅSTRÖM", "astrom"),
            ("Strauß", "strauss"),
            ("İnci Işık", "inci isik"),
            ("Łukasz", "lukasz"),
            ("Ðorđe", "dorde"),
            ("Ｆｕｌｌ", "full"),
            ("ﬁnn", "finn"),
            ("St. John", "st john"),
            ("محمّد", "محمد"),
            ("田中", "田中"),
            ("", ""),
            ("-", ""),
        ] {
            assert_eq!(of(text), key, "{text:?}");
        }
    }

    #[test]
    fn vowel_signs_of_indian_scripts_stay() {
        assert_ne!(of("कि"), of("कु"));
    }

    #[test]
    fn a_person_is_found_from_either_side() {
        let (by_family, by_given) = of_person("Zoë", "Müller");
        assert_eq!((by_family.as_str(), by_given.as_str()), ("muller zoe", "zoe muller"));
    }

    #[test]
    fn nothing_typed_is_no_search() {
        assert_eq!(prefix(" - "), None);
    }

    proptest! {
        #[test]
        fn a_form_is_bounded(text in "\\PC{0,300}") {
            let key = of(&text);
            prop_assert!(key.chars().count() <= LONGEST);
            prop_assert_eq!(key.trim(), &key);
        }

        #[test]
        fn a_form_is_final(text in "[\\p{L}\\p{Zs}'-]{0,100}") {
            let key = of(&text);
            prop_assert_eq!(of(&key), key);
        }

        #[test]
        fn what_is_typed_of_a_name_finds_it(name in "[A-Za-zÀ-ÿ '-]{1,40}", cut in 1usize..40) {
            let typed: String = name.chars().take(cut).collect();
            if let Some((from, below)) = prefix(&typed) {
                let key = of(&name);
                prop_assert!(key >= from && key < below, "{key:?} is not within {from:?} .. {below:?}");
            }
        }
    }
}
