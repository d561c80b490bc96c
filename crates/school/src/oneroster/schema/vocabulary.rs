//! The fixed vocabularies of the standard.

/// A set of words a column may hold.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    pub(crate) words: &'static [&'static str],
    /// Whether words beginning with `ext:` may be added.
    pub(crate) extensible: bool,
}

impl Vocabulary {
    const fn fixed(words: &'static [&'static str]) -> Self {
        Self { words, extensible: false }
    }

    const fn extensible(words: &'static [&'static str]) -> Self {
        Self { words, extensible: true }
    }

    pub(crate) fn exact(&self, value: &str) -> Option<&'static str> {
        self.words.iter().copied().find(|word| *word == value)
    }

    /// The word that is meant when only letter case, spaces and punctuation differ.
    pub(crate) fn meant(&self, value: &str) -> Option<&'static str> {
        let folded = fold(value);
        self.words.iter().copied().find(|word| fold(word) == folded)
    }

    /// The words as a person would list them.
    pub(crate) fn listed(&self) -> String {
        let mut text = self.words.join(", ");
        if self.extensible {
            text.push_str(", or ext:<word>");
        }
        text
    }
}

/// Letters and digits in lower case: what is left of a name when spelling habits are taken away.
pub(crate) fn fold(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

pub(super) static STATUS: Vocabulary = Vocabulary::fixed(&["active", "tobedeleted"]);
pub(super) static ORG_TYPE: Vocabulary =
    Vocabulary::extensible(&["department", "school", "district", "local", "state", "national"]);
pub(super) static SESSION_TYPE: Vocabulary =
    Vocabulary::extensible(&["gradingPeriod", "semester", "schoolYear", "term"]);
pub(super) static CLASS_TYPE: Vocabulary = Vocabulary::extensible(&["homeroom", "scheduled"]);
pub(super) static ROLE_TYPE: Vocabulary = Vocabulary::fixed(&["primary", "secondary"]);
pub(super) static ROLE: Vocabulary = Vocabulary::extensible(&[
    "aide",
    "counselor",
    "districtAdministrator",
    "guardian",
    "parent",
    "principal",
    "proctor",
    "relative",
    "siteAdministrator",
    "student",
    "systemAdministrator",
    "teacher",
]);
pub(super) static USER_ROLE_1_1: Vocabulary = Vocabulary::extensible(&[
    "administrator",
    "aide",
    "guardian",
    "parent",
    "proctor",
    "relative",
    "student",
    "teacher",
]);
pub(super) static ENROLLMENT_ROLE: Vocabulary =
    Vocabulary::extensible(&["administrator", "proctor", "student", "teacher"]);
pub(super) static SEX: Vocabulary = Vocabulary::extensible(&["male", "female", "unspecified", "other"]);
pub(super) static SCORE_STATUS: Vocabulary =
    Vocabulary::extensible(&["exempt", "fully graded", "not submitted", "partially graded", "submitted"]);
pub(super) static OBJECTIVE_SOURCE: Vocabulary = Vocabulary::extensible(&["case", "unknown"]);
pub(super) static IMPORTANCE: Vocabulary = Vocabulary::fixed(&["primary", "secondary"]);
