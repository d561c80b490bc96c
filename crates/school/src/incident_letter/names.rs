//! Which word of a text names somebody who was in an incident besides the student whom it is about.
//!
//! Words are compared folded: accents, case, apostrophes, compatibility forms and what nobody sees make no difference. Whole
//! names count, and so do the parts of compound names and middle names, each with a genitive s behind. A word counts if it has
//! a capital letter, or is of a script without case: many a name is also a word. Both names together count however they are
//! written. Names that the student has too, as brothers and sisters do, tell nothing by themselves.

mod atom;

use std::{collections::BTreeSet, ops::Range};

use atom::{Atom, atoms, is_unparted};

/// The names of somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// The given names that they go by.
    pub(super) given: Vec<String>,
    /// The middle names that they go by.
    pub(super) middle: Vec<String>,
    /// The family names that they go by.
    pub(super) family: Vec<String>,
}

/// Letters of a part of a name that counts by itself.
const PART: usize = 3;
/// Parts of names that tell nothing of whose they are.
const PARTICLES: &[&str] = &[
    "abd", "abu", "and", "bin", "bint", "dal", "dalla", "das", "del", "della", "den", "der", "des", "dos", "het",
    "ibn", "iii", "las", "los", "saint", "san", "santa", "sankt", "sir", "ten", "ter", "the", "thi", "tot", "uit",
    "und", "van", "vom", "von", "zum", "zur", "ابن", "ابو", "بنت", "عبد",
];
/// Words with which sentences begin, and which are names with an s behind.
const NO_GENITIVES: &[&str] = &[
    "als", "as", "das", "des", "dies", "does", "has", "his", "is", "its", "las", "les", "los", "this", "thus", "us",
    "was", "yes",
];

/// A name as it is looked for.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sought {
    /// All its words as one.
    key: String,
    /// How many words that is.
    words: usize,
    /// It counts in small letters too.
    in_any_case: bool,
}

impl Sought {
    fn new(name: &str) -> Self {
        let words = atoms(name);
        let key = words.iter().map(|atom| atom.key.as_str()).collect();
        Self { key, words: words.len(), in_any_case: false }
    }

    fn parts(name: &str) -> impl Iterator<Item = Self> {
        atoms(name).into_iter().map(|atom| Self { key: atom.key, words: 1, in_any_case: false })
    }

    /// One letter is a word, an initial or a class more often than a name, where words are parted.
    fn is_told_alone(&self) -> bool {
        self.key.chars().count() > 1 || is_unparted(&self.key)
    }

    fn is_part(&self) -> bool {
        let least = if is_unparted(&self.key) { PART - 1 } else { PART };
        self.key.chars().count() >= least && !PARTICLES.contains(&self.key.as_str())
    }

    /// Whether these words, written as one, are this name or its genitive.
    fn is(&self, written: &str) -> bool {
        written == self.key || (written.strip_suffix('s') == Some(&*self.key) && !NO_GENITIVES.contains(&written))
    }
}

impl Names {
    /// Whole names, middle names and parts of both.
    fn alone(&self) -> BTreeSet<Sought> {
        let whole = self.given.iter().chain(&self.family);
        let parts = whole.clone().chain(&self.middle).flat_map(|name| Sought::parts(name).chain([Sought::new(name)]));
        let whole = whole.map(|name| Sought::new(name)).filter(Sought::is_told_alone);
        whole.chain(parts.filter(Sought::is_part)).collect()
    }

    /// A given and a family name, in both orders, unless the student has both too.
    fn together(&self, student: &Self) -> Vec<Sought> {
        let pairs = self.given.iter().flat_map(|given| self.family.iter().map(move |family| (given, family)));
        let others =
            pairs.filter(|(given, family)| !(student.given.contains(given) && student.family.contains(family)));
        let whole = |name: String| Sought { in_any_case: true, ..Sought::new(&name) };
        others.flat_map(|(a, b)| [whole(format!("{a} {b}")), whole(format!("{b} {a}"))]).collect()
    }
}

/// The first word of `text` that names one of `others`, as it stands there.
pub(super) fn other_named(text: &str, student: &Names, others: &[Names]) -> Option<String> {
    let own: BTreeSet<String> = student.alone().into_iter().map(|name| name.key).collect();
    let sought = others.iter().flat_map(|other| other.alone().into_iter().chain(other.together(student)));
    let sought: BTreeSet<Sought> = sought.filter(|name| !name.key.is_empty() && !own.contains(&name.key)).collect();
    let atoms = atoms(text);
    let standing = (0..atoms.len()).find_map(|at| {
        let found = sought.iter().filter_map(|name| stands_at(&atoms[at..], name, &own));
        text.get(found.max_by_key(|range| range.end)?)
    });
    standing.map(str::to_owned).or_else(|| within_words(&atoms, &sought, &own))
}

/// Where a name stands from the first of these words on: its words one behind the other, or parted otherwise by anything but a
/// gap.
fn stands_at(atoms: &[Atom], name: &Sought, own: &BTreeSet<String>) -> Option<Range<usize>> {
    let first = atoms.first()?;
    if !name.key.starts_with(&first.key) && !name.is(&first.key) {
        return None;
    }
    let (mut run, mut counts, mut is_one) = (String::new(), name.in_any_case, true);
    for (before, atom) in atoms.iter().enumerate() {
        run.push_str(&atom.key);
        counts |= atom.counts;
        is_one &= before == 0 || atom.is_glued;
        if name.is(&run) && (is_one || before + 1 == name.words) {
            return (counts && !own.contains(&run)).then_some(first.at.start..atom.at.end);
        }
        if !name.key.starts_with(&run) {
            return None;
        }
    }
    None
}

/// A name within a word, where words are written without spaces between.
fn within_words(atoms: &[Atom], sought: &BTreeSet<Sought>, own: &BTreeSet<String>) -> Option<String> {
    let mut names = sought.iter().map(|name| &name.key).filter(|key| is_unparted(key) && key.chars().count() > 1);
    let stands = |name: &String, atom: &Atom| {
        // The student's own name may hold it.
        let holding = own.iter().filter(|own| own.contains(name.as_str()));
        let rest = holding.fold(atom.key.clone(), |text, own| text.replace(own.as_str(), " "));
        rest.contains(name.as_str())
    };
    names.find(|name| atoms.iter().any(|atom| is_unparted(&atom.key) && stands(name, atom))).cloned()
}

#[cfg(test)]
mod tests;
