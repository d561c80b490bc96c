//! The files of OneRoster 1.1 and 1.2 and their columns, as data.
//!
//! Source: the published CSV bindings of both versions. Tables hold what follows the three columns that every data file
//! begins with.

mod gradebook;
mod rostering;
mod vocabulary;

use serde::Serialize;

pub(crate) use vocabulary::{Vocabulary, fold};

/// A version of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Version {
    /// OneRoster 1.1.
    #[serde(rename = "1.1")]
    V1_1,
    /// OneRoster 1.2.
    #[serde(rename = "1.2")]
    V1_2,
}

impl Version {
    /// As the manifest spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
        }
    }
}

/// What happens to a file's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Its rows are handed on.
    Roster,
    /// Its rows are checked and counted only.
    Ignored,
}

macro_rules! files {
    ($($variant:ident = $name:literal, $usage:ident, $table:ident;)*) => {
        /// A data file of the standard, in the order in which the reader reads them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub enum File {
            $(#[doc = concat!("`", $name, ".csv`")] $variant,)*
        }

        impl File {
            /// Every data file.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in the manifest, after `file.`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The name in the package.
            pub const fn file_name(self) -> &'static str {
                match self { $(Self::$variant => concat!($name, ".csv")),* }
            }

            /// The name in the manifest.
            pub(crate) const fn property(self) -> &'static str {
                match self { $(Self::$variant => concat!("file.", $name)),* }
            }

            const fn usage(self) -> Use {
                match self { $(Self::$variant => Use::$usage),* }
            }

            const fn table(self) -> &'static Table {
                match self { $(Self::$variant => &$table),* }
            }
        }
    };
}

use gradebook::{
    CATEGORIES, CLASS_RESOURCES, COURSE_RESOURCES, LINE_ITEM_LEARNING_OBJECTIVE_IDS, LINE_ITEM_SCORE_SCALES,
    LINE_ITEMS, RESOURCES, RESULT_LEARNING_OBJECTIVE_IDS, RESULT_SCORE_SCALES, RESULTS, SCORE_SCALES, USER_RESOURCES,
};
use rostering::{ACADEMIC_SESSIONS, CLASSES, COURSES, DEMOGRAPHICS, ENROLLMENTS, ORGS, ROLES, USER_PROFILES, USERS};

files! {
    Orgs = "orgs", Roster, ORGS;
    AcademicSessions = "academicSessions", Roster, ACADEMIC_SESSIONS;
    Courses = "courses", Roster, COURSES;
    Classes = "classes", Roster, CLASSES;
    Users = "users", Roster, USERS;
    Roles = "roles", Roster, ROLES;
    Enrollments = "enrollments", Roster, ENROLLMENTS;
    Demographics = "demographics", Roster, DEMOGRAPHICS;
    UserProfiles = "userProfiles", Ignored, USER_PROFILES;
    Categories = "categories", Ignored, CATEGORIES;
    LineItems = "lineItems", Ignored, LINE_ITEMS;
    Results = "results", Ignored, RESULTS;
    ScoreScales = "scoreScales", Ignored, SCORE_SCALES;
    LineItemScoreScales = "lineItemScoreScales", Ignored, LINE_ITEM_SCORE_SCALES;
    ResultScoreScales = "resultScoreScales", Ignored, RESULT_SCORE_SCALES;
    LineItemLearningObjectiveIds = "lineItemLearningObjectiveIds", Ignored, LINE_ITEM_LEARNING_OBJECTIVE_IDS;
    ResultLearningObjectiveIds = "resultLearningObjectiveIds", Ignored, RESULT_LEARNING_OBJECTIVE_IDS;
    Resources = "resources", Ignored, RESOURCES;
    ClassResources = "classResources", Ignored, CLASS_RESOURCES;
    CourseResources = "courseResources", Ignored, COURSE_RESOURCES;
    UserResources = "userResources", Ignored, USER_RESOURCES;
}

impl File {
    /// Whether its rows are handed on, or only checked and counted.
    pub fn is_roster(self) -> bool {
        self.usage() == Use::Roster
    }

    /// The columns after the common three, or nothing when the version has no such file.
    pub fn columns(self, version: Version) -> Option<&'static [Column]> {
        match version {
            Version::V1_1 => self.table().v1_1,
            Version::V1_2 => Some(self.table().v1_2),
        }
    }

    /// The file of this exact name in the manifest.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|file| file.name() == name)
    }

    /// The files of a version.
    pub fn of(version: Version) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |file| file.columns(version).is_some())
    }
}

/// The columns of a file in both versions.
struct Table {
    v1_1: Option<&'static [Column]>,
    v1_2: &'static [Column],
}

/// What a column holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Guid,
    GuidList,
    Text,
    /// Text of any length that a field may have.
    Prose,
    TextList,
    Word(&'static Vocabulary),
    WordList(&'static Vocabulary),
    Boolean,
    Date,
    DateTime,
    Year,
    Integer,
    Float,
    /// `{Type:Id}` items.
    UserIds,
    /// Dropped at reading, never kept and never shown.
    Secret,
}

/// A column of a file.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name, exactly.
    pub name: &'static str,
    /// Whether each row must have a value.
    pub required: bool,
    /// The file whose sourcedId it holds.
    pub refers_to: Option<File>,
    pub(crate) kind: Kind,
}

impl Column {
    const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, required: false, refers_to: None, kind }
    }

    const fn required(self) -> Self {
        Self { required: true, ..self }
    }
}

const fn text(name: &'static str) -> Column {
    Column::new(name, Kind::Text)
}

const fn texts(name: &'static str) -> Column {
    Column::new(name, Kind::TextList)
}

const fn reference(name: &'static str, file: File) -> Column {
    Column { refers_to: Some(file), ..Column::new(name, Kind::Guid) }
}

const fn references(name: &'static str, file: File) -> Column {
    Column { refers_to: Some(file), ..Column::new(name, Kind::GuidList) }
}

const fn word(name: &'static str, vocabulary: &'static Vocabulary) -> Column {
    Column::new(name, Kind::Word(vocabulary))
}

const fn boolean(name: &'static str) -> Column {
    Column::new(name, Kind::Boolean)
}

const fn date(name: &'static str) -> Column {
    Column::new(name, Kind::Date)
}

/// The three columns that every data file begins with. Whether `status` and `dateLastModified` are required depends
/// on the file being bulk or delta.
pub(crate) static COMMON: [Column; 3] = [
    Column::new("sourcedId", Kind::Guid).required(),
    word("status", &vocabulary::STATUS),
    Column::new("dateLastModified", Kind::DateTime),
];

/// All columns of a file, the common three first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns {
    own: &'static [Column],
}

impl Columns {
    pub(crate) const fn new(own: &'static [Column]) -> Self {
        Self { own }
    }

    pub(crate) const fn len(self) -> usize {
        COMMON.len() + self.own.len()
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = &'static Column> {
        COMMON.iter().chain(self.own)
    }

    pub(crate) fn position(self, name: &str) -> Option<usize> {
        self.iter().position(|column| column.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::{File, Version};

    #[test]
    fn versions_have_the_number_of_files_that_their_manifests_list() {
        assert_eq!(File::of(Version::V1_1).count(), 13);
        assert_eq!(File::of(Version::V1_2).count(), 21);
    }

    #[test]
    fn a_reference_leads_to_a_file_of_its_version() {
        for version in [Version::V1_1, Version::V1_2] {
            for file in File::of(version) {
                for column in file.columns(version).unwrap_or_default() {
                    let target = column.refers_to.is_none_or(|target| target.columns(version).is_some());
                    assert!(target, "{file:?}.{} in {version:?}", column.name);
                }
            }
        }
    }
}
