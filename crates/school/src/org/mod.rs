//! Organisations: districts, schools, departments, one above the other.

pub mod store;

use cloister_ids::{OrgId, kind};
use cloister_tenancy::{Error, ErrorKind, OpContext, Resource};

use crate::{
    listing::{Key, KeyKind, Span},
    record::{Head, Metadata, Stamp, Status},
    search_key,
    vocabulary::OrgType,
};

/// What permissions call it.
pub const ORG: Resource = Resource { module: "school", name: "org" };

/// An organisation.
#[derive(Debug, Clone)]
pub struct Org {
    /// What every record has.
    pub head: Head<kind::Org>,
    /// Its own fields.
    pub details: OrgDetails,
    /// Its name as it is sorted and searched.
    pub name_search: String,
}

/// What is known of an organisation.
#[derive(Debug, Clone, PartialEq)]
pub struct OrgDetails {
    /// Its name.
    pub name: String,
    /// District, school, department and so on.
    pub kind: OrgType,
    /// A number or code that authorities know it by.
    pub identifier: Option<String>,
    /// The organisation above it.
    pub parent_id: Option<OrgId>,
    /// Fields of other systems.
    pub metadata: Metadata,
}

/// What organisations are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrgSort {
    /// Name.
    Name,
    /// Last change.
    DateLastModified,
}

impl OrgSort {
    /// What its keys are made of.
    pub const fn key_kind(self) -> KeyKind {
        match self {
            Self::Name => KeyKind::Text,
            Self::DateLastModified => KeyKind::Time,
        }
    }
}

/// Which organisations a list shows.
#[derive(Debug, Clone)]
pub struct OrgList {
    /// Which page.
    pub span: Span,
    /// In which order.
    pub sort: OrgSort,
    /// Of this kind only.
    pub kind: Option<OrgType>,
    /// Directly below this one only.
    pub parent_id: Option<OrgId>,
    /// Whose name begins so only: bounds of its normal form.
    pub name: Option<(String, String)>,
}

impl Org {
    /// A new one.
    pub fn new(cx: &OpContext, sourced_id: Option<String>, details: OrgDetails) -> Self {
        let head = Head::new(OrgId::generate(cx.clock()), sourced_id, &Stamp::new(cx));
        Self { head, name_search: search_key::of(&details.name), details }
    }

    /// The same after a change.
    #[must_use]
    pub fn change(&self, details: OrgDetails, status: Status, stamp: &Stamp) -> Self {
        Self { head: self.head.changed(status, stamp), name_search: search_key::of(&details.name), details }
    }

    /// Where it stands in a list.
    pub fn key(&self, sort: OrgSort) -> Key {
        match sort {
            OrgSort::Name => Key::Text(self.name_search.clone()),
            OrgSort::DateLastModified => Key::Time(self.head.date_last_modified),
        }
    }
}

/// Its new parent stands below it, or is itself.
pub fn parent_below() -> Error {
    Error::field("parent_id", "parent_below", "An organisation cannot stand below itself.")
}

/// Something still hangs on it.
pub fn in_use() -> Error {
    Error::new(
        ErrorKind::Conflict,
        "org_in_use",
        "Organisations, courses, classes or roles belong to this organisation. Delete or move them first.",
    )
}
