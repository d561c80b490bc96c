//! A person as lists and relations show them.

use cloister_http::Versioned;
use cloister_ids::{AccountId, OrgId, PersonId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PARTS, Role};
use crate::{
    record::{Record, Status},
    rules::{at_most, distinct},
    search_key,
    vocabulary::RoleName,
};

/// A person as a list shows them: without what only the person alone shows.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PersonSummary {
    /// Which one.
    pub id: PersonId,
    /// Their name in the system that feeds them.
    #[schema(example = "student-20417")]
    pub sourced_id: String,
    /// Whether the record counts.
    pub status: Status,
    /// The account tied to this person; told to whoever may change persons.
    pub account_id: Option<AccountId>,
    /// Given name.
    #[schema(example = "Mila")]
    pub given_name: String,
    /// Family name.
    #[schema(example = "Okafor")]
    pub family_name: String,
    /// The given name they want to be called by.
    #[schema(example = "Mimi")]
    pub preferred_given_name: Option<String>,
    /// The same for the family name.
    pub preferred_family_name: Option<String>,
    /// The name they sign in with elsewhere.
    #[schema(example = "mila.okafor")]
    pub username: Option<String>,
    /// Whether they may use the systems that this roster feeds.
    pub enabled_user: bool,
    /// A number that people know them by.
    #[schema(example = "20417")]
    pub identifier: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// The organisation they mainly belong to.
    pub primary_org_id: Option<OrgId>,
    /// Their grades.
    pub grades: Vec<String>,
    /// What they are, each word once.
    pub roles: Vec<RoleName>,
    /// Who made and changed the record, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl PersonSummary {
    /// The name as it is sorted.
    pub(super) fn name_search(&self) -> String {
        search_key::of_person(&self.given_name, &self.family_name).0
    }
}

/// Somebody a person is related to.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Relation {
    /// Which person.
    pub id: PersonId,
    /// Their name in the system that feeds them.
    #[schema(example = "parent-7731")]
    pub sourced_id: String,
    /// Whether their record counts.
    pub status: Status,
    /// Given name.
    #[schema(example = "Ada")]
    pub given_name: String,
    /// Family name.
    #[schema(example = "Okafor")]
    pub family_name: String,
    /// E-mail address.
    pub email: Option<String>,
    /// Number for text messages.
    pub sms: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
}

/// A person's relations, both ways.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Relations {
    /// Of the person; the ETag.
    #[schema(example = 1)]
    pub version: i64,
    /// Who acts for the person.
    pub agents: Vec<Relation>,
    /// For whom the person acts.
    pub agent_of: Vec<Relation>,
}

impl Versioned for Relations {
    fn version(&self) -> i64 {
        self.version
    }
}

/// The roles of a person.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct PersonRoles {
    /// Of the person; the ETag.
    #[schema(example = 1)]
    pub(super) version: i64,
    /// Those that count.
    pub(super) roles: Vec<Role>,
}

impl Versioned for PersonRoles {
    fn version(&self) -> i64 {
        self.version
    }
}

/// Who acts for a person.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct PersonAgents {
    /// Of the person; the ETag.
    #[schema(example = 1)]
    pub(super) version: i64,
    /// In the order of their ids.
    pub(super) agent_ids: Vec<PersonId>,
}

impl Versioned for PersonAgents {
    fn version(&self) -> i64 {
        self.version
    }
}

/// The roles that a person shall have.
#[derive(Debug, Clone, PartialEq, Deserialize, garde::Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WantedRoles {
    /// All of them: those with an `id` stay, others are new, and those not named are deleted.
    #[garde(custom(at_most(PARTS)), dive)]
    #[schema(max_items = 50)]
    pub(super) roles: Vec<Role>,
}

/// Who shall act for a person.
#[derive(Debug, Clone, PartialEq, Deserialize, garde::Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WantedAgents {
    /// All of them.
    #[garde(custom(at_most(PARTS)), custom(distinct))]
    #[schema(max_items = 50)]
    pub(super) agent_ids: Vec<PersonId>,
}

pub(crate) fn relation_sample() -> Relation {
    Relation {
        id: crate::sample_id(),
        sourced_id: "parent-7731".to_owned(),
        status: Status::Active,
        given_name: "Ada".to_owned(),
        family_name: "Okafor".to_owned(),
        email: Some("ada.okafor@home.example".to_owned()),
        sms: None,
        phone: Some("+1 555 0142".to_owned()),
    }
}
