//! The words of a text, folded as they are compared.

use std::ops::Range;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::search_key;

/// A run of letters.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Atom {
    /// Its folded form.
    pub(super) key: String,
    /// Where it stands in the text.
    pub(super) at: Range<usize>,
    /// It has a capital letter, or a letter of a script without case.
    pub(super) counts: bool,
    /// No gap parts it from the one before: an apostrophe, a hyphen or the like does.
    pub(super) is_glued: bool,
}

/// Every word of a text, in its order.
pub(super) fn atoms(text: &str) -> Vec<Atom> {
    let mut found: Vec<Atom> = Vec::new();
    let mut begun: Option<usize> = None;
    let mut is_glued = false;
    for (at, one) in text.char_indices().chain([(text.len(), ' ')]) {
        if is_letter(one) {
            begun.get_or_insert(at);
            continue;
        }
        if let Some(from) = begun.take() {
            found.extend(atom(text, from..at, is_glued));
            is_glued = true;
        }
        is_glued &= !one.is_whitespace();
    }
    found
}

fn atom(text: &str, at: Range<usize>, is_glued: bool) -> Option<Atom> {
    let written: String = text.get(at.clone())?.chars().filter(|one| !is_hidden(*one)).collect();
    // Put together again, so that a syllable is not found in half of another one.
    let key: String = search_key::whole(&written).nfc().filter(|one| *one != ' ').collect();
    let counts = written.chars().any(|one| one.is_uppercase() || has_no_case(one));
    (!key.is_empty()).then_some(Atom { key, at, counts, is_glued })
}

/// Marks, and what nobody sees, stand within words. Letters that serve as apostrophes do not.
fn is_letter(one: char) -> bool {
    let is_apostrophe = matches!(one, 'ʼ' | 'ʻ' | 'ʹ' | 'ʽ' | 'ˈ');
    (one.is_alphabetic() && !is_apostrophe) || is_combining_mark(one) || is_hidden(one)
}

fn has_no_case(one: char) -> bool {
    // Georgian has capitals, with which no name begins.
    let is_georgian = matches!(one, '\u{10d0}'..='\u{10ff}');
    one.is_alphabetic() && !is_combining_mark(one) && (is_georgian || !(one.is_lowercase() || one.is_uppercase()))
}

/// Characters that show nothing, or only change how others are shown.
fn is_hidden(one: char) -> bool {
    matches!(one, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e01ef}')
}

/// Whether a folded word is of a script that parts no words. From Thai on, those that do are among them.
pub(super) fn is_unparted(key: &str) -> bool {
    key.chars().all(|one| u32::from(one) >= 0x0E00)
}
