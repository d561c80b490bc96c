//! Classes: one taking of a course, in a school, in some terms.

pub mod store;

use cloister_ids::{AcademicSessionId, ClassId, CourseId, OrgId, PersonId, kind};
use cloister_tenancy::{OpContext, Resource, Result};

use crate::{
    listing::{Key, KeyKind, Span},
    record::{Head, Metadata, Stamp, Status},
    search_key, subject,
    vocabulary::ClassType,
};

/// What permissions call it.
pub const CLASS: Resource = Resource { module: "school", name: "class" };

/// A class.
#[derive(Debug, Clone)]
pub struct Class {
    /// What every record has.
    pub head: Head<kind::Class>,
    /// Its own fields.
    pub details: ClassDetails,
    /// Its title as it is sorted and searched.
    pub title_search: String,
}

/// What is known of a class.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassDetails {
    /// Its title.
    pub title: String,
    /// A short name.
    pub class_code: Option<String>,
    /// Homeroom or scheduled.
    pub class_type: ClassType,
    /// Where it is held.
    pub location: Option<String>,
    /// What is taught.
    pub course_id: CourseId,
    /// Where.
    pub school_id: OrgId,
    /// When. In the order of their ids.
    pub term_ids: Vec<AcademicSessionId>,
    /// For which grades.
    pub grades: Vec<String>,
    /// Its subjects in words.
    pub subjects: Vec<String>,
    /// The same subjects in codes.
    pub subject_codes: Vec<String>,
    /// In which periods of the day.
    pub periods: Vec<String>,
    /// Fields of other systems.
    pub metadata: Metadata,
}

impl ClassDetails {
    /// What one value alone cannot show to be wrong.
    pub fn check(&self) -> Result<()> {
        subject::check(&self.subjects, &self.subject_codes)
    }
}

/// What classes are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassSort {
    /// Title.
    Title,
    /// Last change.
    DateLastModified,
}

impl ClassSort {
    /// What its keys are made of.
    pub const fn key_kind(self) -> KeyKind {
        match self {
            Self::Title => KeyKind::Text,
            Self::DateLastModified => KeyKind::Time,
        }
    }
}

/// Which classes a list shows.
#[derive(Debug, Clone)]
pub struct ClassList {
    /// Which page.
    pub span: Span,
    /// In which order.
    pub sort: ClassSort,
    /// Of this school only.
    pub school_id: Option<OrgId>,
    /// Of this course only.
    pub course_id: Option<CourseId>,
    /// Held in this term only.
    pub term_id: Option<AcademicSessionId>,
    /// In which this person has a place only.
    pub person_id: Option<PersonId>,
    /// Whose title begins so only: bounds of its normal form.
    pub title: Option<(String, String)>,
}

impl Class {
    /// A new one.
    pub fn new(cx: &OpContext, sourced_id: Option<String>, details: ClassDetails) -> Self {
        let head = Head::new(ClassId::generate(cx.clock()), sourced_id, &Stamp::new(cx));
        Self { head, title_search: search_key::of(&details.title), details }
    }

    /// The same after a change.
    #[must_use]
    pub fn change(&self, details: ClassDetails, status: Status, stamp: &Stamp) -> Self {
        Self { head: self.head.changed(status, stamp), title_search: search_key::of(&details.title), details }
    }

    /// Where it stands in a list.
    pub fn key(&self, sort: ClassSort) -> Key {
        match sort {
            ClassSort::Title => Key::Text(self.title_search.clone()),
            ClassSort::DateLastModified => Key::Time(self.head.date_last_modified),
        }
    }
}
