//! Whether a text names somebody who was in an incident besides the student whom it is about.
//!
//! A given or family name counts where it stands as a word by itself, written as it is; both together count however they are
//! written. Names that the student has too, as brothers and sisters do, tell nothing by themselves.

use unicode_normalization::UnicodeNormalization;

use crate::search_key;

/// The names of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    /// The given names that they go by.
    pub(super) given: Vec<String>,
    /// The family names that they go by.
    pub(super) family: Vec<String>,
}

impl Names {
    fn each(&self) -> impl Iterator<Item = &String> {
        self.given.iter().chain(&self.family)
    }
}

/// Whether `text` names one of `others`.
pub(super) fn others_named(text: &str, student: &Names, others: &[Names]) -> bool {
    let text: String = text.nfc().collect();
    let plain = format!(" {} ", plain(&text));
    others.iter().any(|other| {
        let mut alone = other.each().filter(|name| name.chars().count() > 1 && !student.each().any(|own| own == *name));
        let mut whole = other.given.iter().flat_map(|given| other.family.iter().map(move |family| (given, family)));
        alone.any(|name| stands_in(&text, name))
            || whole.any(|(given, family)| {
                let is_own = student.given.contains(given) && student.family.contains(family);
                !is_own
                    && [[given, family], [family, given]].iter().any(|[first, last]| {
                        let key = self::plain(&format!("{first} {last}"));
                        !key.is_empty() && plain.contains(&format!(" {key} "))
                    })
            })
    })
}

/// The words of a text in normal form, a space between.
fn plain(text: &str) -> String {
    let text: String = text.nfc().collect();
    let words = text.split(|one: char| !one.is_alphanumeric() && !matches!(one, '\'' | '’'));
    words.map(search_key::of).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whether a name stands in a text as a word. Where words are written without spaces, anywhere in it.
fn stands_in(text: &str, name: &str) -> bool {
    let name: String = name.trim().nfc().collect();
    if name.is_empty() {
        return false;
    }
    // From Thai on, scripts that part no words are among those that do.
    let parted = name.chars().all(|one| u32::from(one) < 0x0E00);
    text.match_indices(&name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let behind = text[at + name.len()..].chars().next();
        !parted || ![before, behind].into_iter().flatten().any(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::{Names, others_named};

    fn names(given: &str, family: &str) -> Names {
        Names { given: vec![given.to_owned()], family: vec![family.to_owned()] }
    }

    #[test]
    fn others_are_found_by_any_of_their_names() {
        let mila = names("Mila", "Okafor");
        let others = [names("Quin", "Child"), names("Will", "Okafor"), names("张伟", "李"), names("A", "Berg")];
        for (text, named) in [
            ("Mila Okafor was in a fight.", false),
            ("Mila will be home at noon, and a child may come along.", false),
            ("Mila hit Quin.", true),
            ("MILA HIT QUIN CHILD", true),
            ("Quinta is a name of its own", false),
            ("the brother Will saw it", true),
            ("will okafor saw it", true),
            ("她打了张伟。", true),
            ("A letter", false),
            ("a berg saw it", true),
            ("an iceberg", false),
            ("Child, Quin", true),
        ] {
            assert_eq!(others_named(text, &mila, &others), named, "{text}");
        }
    }
}
