//! Which operations the stranger has walked, and the list of those it has not, which only gets shorter.

use std::collections::{BTreeMap, BTreeSet};

use crate::{document::Document, walk::Outcome};

/// A line an operation: its id, a colon, and why nobody walks it yet.
const NOT_COVERED: &str = include_str!("not_covered.txt");

/// The list: operation ids with the reasons.
fn read(list: &'static str) -> BTreeMap<&'static str, &'static str> {
    let lines = list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut listed = BTreeMap::new();
    for line in lines {
        let (id, reason) = line.split_once(':').unwrap_or_else(|| panic!("not_covered.txt: no reason in “{line}”"));
        assert!(reason.trim().len() > 20, "not_covered.txt: {id} needs a reason");
        assert!(listed.insert(id.trim(), reason.trim()).is_none(), "not_covered.txt: {id} stands there twice");
    }
    listed
}

/// What came of every operation that was walked.
#[derive(Default)]
pub(crate) struct Walked {
    covered: BTreeSet<String>,
    not_covered: BTreeMap<String, String>,
    faults: Vec<String>,
}

impl Walked {
    pub(crate) fn note(&mut self, id: &str, outcome: Outcome) {
        match outcome {
            Outcome::Walked(faults) => {
                self.covered.insert(id.to_owned());
                self.faults.extend(faults.into_iter().map(|fault| format!("{id}: {fault}")));
            }
            Outcome::NotCovered(why) => drop(self.not_covered.insert(id.to_owned(), why)),
        }
    }

    /// Something that is wrong with no operation in particular.
    pub(crate) fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    /// That nobody got anything, and that everything was walked but what is listed.
    pub(crate) fn insist(self) {
        let faults = self.faults(&read(NOT_COVERED));
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    }

    fn faults(mut self, listed: &BTreeMap<&str, &str>) -> Vec<String> {
        for (id, why) in &self.not_covered {
            if !listed.contains_key(id.as_str()) {
                self.faults.push(format!(
                    "{id}: its rightful sender was refused, so nothing is proved of it. Mend its example, or give it a recipe \
                     in crates/cloister/tests/stranger/recipe.rs. {why}"
                ));
            }
        }
        for id in listed.keys().filter(|id| self.covered.contains(**id)) {
            self.faults.push(format!("{id}: is walked now. Take it off not_covered.txt"));
        }
        self.faults
    }

    /// The same, when all of the document was to be walked.
    pub(crate) fn insist_on_all(self, document: &Document) {
        let walked = self.covered.len() + self.not_covered.len();
        assert_eq!(walked, document.operations.len(), "operations of the document were left out");
        for id in read(NOT_COVERED).keys() {
            assert!(document.operation(id).is_some(), "not_covered.txt: there is no operation {id}");
        }
        self.insist();
    }
}

#[test]
fn the_list_of_what_is_not_covered_only_gets_shorter() {
    let list = "# why\nfirst_read: waits for something that nobody has yet\n\nsecond_read: likewise, and for long\n";
    let faults = |first: fn() -> Outcome, second: fn() -> Outcome| {
        let mut walked = Walked::default();
        walked.note("first_read", first());
        walked.note("second_read", second());
        walked.note("third_read", Outcome::Walked(Vec::new()));
        walked.faults(&read(list)).len()
    };
    let walked = || Outcome::Walked(Vec::new());
    let refused = || Outcome::NotCovered("404".to_owned());
    assert_eq!(faults(refused, refused), 0);
    assert_eq!(faults(walked, refused), 1, "walked, and still listed");
    assert_eq!(faults(walked, walked), 2);
    assert_eq!(faults(|| Outcome::Walked(vec!["gives away".to_owned()]), refused), 2);
    let mut unlisted = Walked::default();
    unlisted.note("fourth_read", refused());
    assert_eq!(unlisted.faults(&read(list)).len(), 1, "not walked, and not listed");
}
