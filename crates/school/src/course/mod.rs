//! Courses: what is taught, whoever teaches it and whenever.

pub mod store;

use cloister_ids::{AcademicSessionId, CourseId, OrgId, kind};
use cloister_tenancy::{Error, ErrorKind, OpContext, Resource, Result};

use crate::{
    listing::{Key, KeyKind, Span},
    record::{Head, Metadata, Stamp, Status},
    search_key, subject,
};

/// What permissions call it.
pub const COURSE: Resource = Resource { module: "school", name: "course" };

/// A course.
#[derive(Debug, Clone)]
pub struct Course {
    /// What every record has.
    pub head: Head<kind::Course>,
    /// Its own fields.
    pub details: CourseDetails,
    /// Its title as it is sorted and searched.
    pub title_search: String,
}

/// What is known of a course.
#[derive(Debug, Clone, PartialEq)]
pub struct CourseDetails {
    /// Its title.
    pub title: String,
    /// A short name.
    pub course_code: Option<String>,
    /// Who offers it.
    pub org_id: OrgId,
    /// In which school year.
    pub school_year_id: Option<AcademicSessionId>,
    /// For which grades.
    pub grades: Vec<String>,
    /// Its subjects in words.
    pub subjects: Vec<String>,
    /// The same subjects in codes.
    pub subject_codes: Vec<String>,
    /// Fields of other systems.
    pub metadata: Metadata,
}

impl CourseDetails {
    /// What one value alone cannot show to be wrong.
    pub fn check(&self) -> Result<()> {
        subject::check(&self.subjects, &self.subject_codes)
    }
}

/// What courses are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CourseSort {
    /// Title.
    Title,
    /// Last change.
    DateLastModified,
}

impl CourseSort {
    /// What its keys are made of.
    pub const fn key_kind(self) -> KeyKind {
        match self {
            Self::Title => KeyKind::Text,
            Self::DateLastModified => KeyKind::Time,
        }
    }
}

/// Which courses a list shows.
#[derive(Debug, Clone)]
pub struct CourseList {
    /// Which page.
    pub span: Span,
    /// In which order.
    pub sort: CourseSort,
    /// Offered by this organisation only.
    pub org_id: Option<OrgId>,
    /// Of this school year only.
    pub school_year_id: Option<AcademicSessionId>,
    /// Whose title begins so only: bounds of its normal form.
    pub title: Option<(String, String)>,
}

impl Course {
    /// A new one.
    pub fn new(cx: &OpContext, sourced_id: Option<String>, details: CourseDetails) -> Self {
        let head = Head::new(CourseId::generate(cx.clock()), sourced_id, &Stamp::new(cx));
        Self { head, title_search: search_key::of(&details.title), details }
    }

    /// The same after a change.
    #[must_use]
    pub fn change(&self, details: CourseDetails, status: Status, stamp: &Stamp) -> Self {
        Self { head: self.head.changed(status, stamp), title_search: search_key::of(&details.title), details }
    }

    /// Where it stands in a list.
    pub fn key(&self, sort: CourseSort) -> Key {
        match sort {
            CourseSort::Title => Key::Text(self.title_search.clone()),
            CourseSort::DateLastModified => Key::Time(self.head.date_last_modified),
        }
    }
}

/// Classes of it still count.
pub fn in_use() -> Error {
    Error::new(ErrorKind::Conflict, "course_in_use", "There are classes of this course. Delete them first.")
}
