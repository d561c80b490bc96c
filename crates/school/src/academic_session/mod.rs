//! Academic sessions: school years, semesters, terms and grading periods, one within the other.

pub mod store;

use cloister_ids::{AcademicSessionId, kind};
use cloister_tenancy::{Error, ErrorKind, OpContext, Resource, Result};
use jiff::civil::Date;

use crate::{
    date_span,
    listing::{Key, KeyKind, Span},
    record::{Head, Metadata, Stamp, Status},
    search_key,
    vocabulary::SessionType,
};

/// What permissions call it.
pub const ACADEMIC_SESSION: Resource = Resource { module: "school", name: "academic_session" };

/// An academic session.
#[derive(Debug, Clone)]
pub struct AcademicSession {
    /// What every record has.
    pub head: Head<kind::AcademicSession>,
    /// Its own fields.
    pub details: AcademicSessionDetails,
    /// Its title as it is sorted and searched.
    pub title_search: String,
}

/// What is known of an academic session.
#[derive(Debug, Clone, PartialEq)]
pub struct AcademicSessionDetails {
    /// Its title.
    pub title: String,
    /// School year, term and so on.
    pub kind: SessionType,
    /// Its first day.
    pub start_date: Date,
    /// The first day after it.
    pub end_date: Date,
    /// The year in which the school year ends.
    pub school_year: i32,
    /// The session it is a part of.
    pub parent_id: Option<AcademicSessionId>,
    /// Fields of other systems.
    pub metadata: Metadata,
}

impl AcademicSessionDetails {
    /// What one value alone cannot show to be wrong.
    pub fn check(&self) -> Result<()> {
        date_span::check("end_date", Some(self.start_date), Some(self.end_date))
    }
}

/// What academic sessions are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcademicSessionSort {
    /// First day.
    StartDate,
    /// Title.
    Title,
    /// Last change.
    DateLastModified,
}

impl AcademicSessionSort {
    /// What its keys are made of.
    pub const fn key_kind(self) -> KeyKind {
        match self {
            Self::StartDate => KeyKind::Date,
            Self::Title => KeyKind::Text,
            Self::DateLastModified => KeyKind::Time,
        }
    }
}

/// Which academic sessions a list shows.
#[derive(Debug, Clone)]
pub struct AcademicSessionList {
    /// Which page.
    pub span: Span,
    /// In which order.
    pub sort: AcademicSessionSort,
    /// Of this kind only.
    pub kind: Option<SessionType>,
    /// Of the school year that ends in this year only.
    pub school_year: Option<i32>,
    /// Directly within this one only.
    pub parent_id: Option<AcademicSessionId>,
    /// Under way on this day only.
    pub on: Option<Date>,
}

impl AcademicSession {
    /// A new one.
    pub fn new(cx: &OpContext, sourced_id: Option<String>, details: AcademicSessionDetails) -> Self {
        let head = Head::new(AcademicSessionId::generate(cx.clock()), sourced_id, &Stamp::new(cx));
        Self { head, title_search: search_key::of(&details.title), details }
    }

    /// The same after a change.
    #[must_use]
    pub fn change(&self, details: AcademicSessionDetails, status: Status, stamp: &Stamp) -> Self {
        Self { head: self.head.changed(status, stamp), title_search: search_key::of(&details.title), details }
    }

    /// Where it stands in a list.
    pub fn key(&self, sort: AcademicSessionSort) -> Key {
        match sort {
            AcademicSessionSort::StartDate => Key::Date(self.details.start_date),
            AcademicSessionSort::Title => Key::Text(self.title_search.clone()),
            AcademicSessionSort::DateLastModified => Key::Time(self.head.date_last_modified),
        }
    }
}

/// Its new parent lies within it, or is itself.
pub fn parent_below() -> Error {
    Error::field("parent_id", "parent_below", "An academic session cannot be a part of itself.")
}

/// Something still hangs on it.
pub fn in_use() -> Error {
    Error::new(
        ErrorKind::Conflict,
        "academic_session_in_use",
        "Other sessions, courses or classes belong to this academic session. Delete or move them first.",
    )
}
