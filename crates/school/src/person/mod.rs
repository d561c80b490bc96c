//! Persons: pupils, staff, parents and guardians, with their roles and with those who act for them.

pub mod role;
pub mod store;

use cloister_ids::{AccountId, OrgId, PersonId, kind};
use cloister_tenancy::{Error, FieldError, OpContext, Resource, Result};
use serde::{Deserialize, Serialize};

use self::role::{Role, RoleChanges, WantedRole};
use crate::{
    listing::{Key, KeyKind, Span},
    record::{Head, Metadata, Stamp, Status},
    search_key,
    vocabulary::RoleName,
};
use cloister_ids::ClassId;

/// What permissions call it.
pub const PERSON: Resource = Resource { module: "school", name: "person" };

/// A person.
#[derive(Debug, Clone)]
pub struct Person {
    /// What every record has.
    pub head: Head<kind::Person>,
    /// The sign-in that belongs to this person.
    pub account_id: Option<AccountId>,
    /// Their own fields.
    pub details: PersonDetails,
    /// Their roles that count.
    pub roles: Vec<Role>,
    /// Who acts for them: parents, guardians, other relations. In the order of their ids.
    pub agent_ids: Vec<PersonId>,
}

/// What is known of a person.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonDetails {
    /// The name they sign in with elsewhere.
    pub username: Option<String>,
    /// Whether they may use the systems that this roster feeds.
    pub enabled_user: bool,
    /// Given name.
    pub given_name: String,
    /// Middle names.
    pub middle_name: Option<String>,
    /// Family name.
    pub family_name: String,
    /// What they want to be called.
    pub preferred_given_name: Option<String>,
    /// The same for middle names.
    pub preferred_middle_name: Option<String>,
    /// The same for the family name.
    pub preferred_family_name: Option<String>,
    /// Their pronouns.
    pub pronouns: Option<String>,
    /// A number that people know them by, such as a student number.
    pub identifier: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Number for text messages.
    pub sms: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// Their ids in other systems.
    pub user_ids: Vec<UserId>,
    /// The id that joins their records across systems.
    pub user_master_identifier: Option<String>,
    /// The organisation they mainly belong to.
    pub primary_org_id: Option<OrgId>,
    /// Their grades.
    pub grades: Vec<String>,
    /// Fields of other systems.
    pub metadata: Metadata,
}

/// An id of a person in another system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserId {
    /// Which system.
    #[serde(rename = "type")]
    pub kind: String,
    /// The id there.
    pub identifier: String,
}

impl PersonDetails {
    /// The two forms they are found by.
    pub(crate) fn search_keys(&self) -> (String, String) {
        search_key::of_person(&self.given_name, &self.family_name)
    }
}

/// A person as lists show them.
#[derive(Debug, Clone)]
pub struct PersonSummary {
    /// What every record has.
    pub head: Head<kind::Person>,
    /// The sign-in that belongs to this person.
    pub account_id: Option<AccountId>,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// What they want to be called.
    pub preferred_given_name: Option<String>,
    /// The same for the family name.
    pub preferred_family_name: Option<String>,
    /// The name they sign in with elsewhere.
    pub username: Option<String>,
    /// Whether they may use the systems that this roster feeds.
    pub enabled_user: bool,
    /// A number that people know them by.
    pub identifier: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// The organisation they mainly belong to.
    pub primary_org_id: Option<OrgId>,
    /// Their grades.
    pub grades: Vec<String>,
    /// The names of their roles, each once.
    pub roles: Vec<RoleName>,
    /// Their name as it is sorted.
    pub name_search: String,
}

/// Somebody another person is related to.
#[derive(Debug, Clone)]
pub struct Relation {
    /// Their id.
    pub id: PersonId,
    /// Their name in the system that feeds them.
    pub sourced_id: String,
    /// Whether their record counts.
    pub status: Status,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// E-mail address.
    pub email: Option<String>,
    /// Number for text messages.
    pub sms: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
}

/// A person's relations, both ways.
#[derive(Debug, Clone)]
pub struct Relations {
    /// Grows with each change of the person.
    pub version: i64,
    /// Who acts for the person.
    pub agents: Vec<Relation>,
    /// For whom the person acts.
    pub agent_of: Vec<Relation>,
}

/// What persons are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonSort {
    /// Family name, then given name.
    Name,
    /// Last change.
    DateLastModified,
}

impl PersonSort {
    /// What its keys are made of.
    pub const fn key_kind(self) -> KeyKind {
        match self {
            Self::Name => KeyKind::Text,
            Self::DateLastModified => KeyKind::Time,
        }
    }
}

/// Among whom a list looks.
#[derive(Debug, Clone)]
pub enum PersonScope {
    /// All.
    Everybody,
    /// Those with such a role.
    WithRole {
        /// Of this name.
        role: Option<RoleName>,
        /// In this organisation.
        org_id: Option<OrgId>,
    },
    /// Those who have a place in a class.
    InClass {
        /// Which.
        class_id: ClassId,
        /// As what.
        role: Option<String>,
    },
}

/// Which persons a list shows.
#[derive(Debug, Clone)]
pub struct PersonList {
    /// Which page.
    pub span: Span,
    /// In which order.
    pub sort: PersonSort,
    /// Among whom.
    pub scope: PersonScope,
    /// Whose name begins so only, from either side: bounds of its normal form.
    pub name: Option<(String, String)>,
}

impl PersonSummary {
    /// Where it stands in a list.
    pub fn key(&self, sort: PersonSort) -> Key {
        match sort {
            PersonSort::Name => Key::Text(self.name_search.clone()),
            PersonSort::DateLastModified => Key::Time(self.head.date_last_modified),
        }
    }
}

/// A change of a person, worked out and not yet written.
#[derive(Debug)]
pub struct PersonChange {
    /// Head and fields after it.
    pub head: Head<kind::Person>,
    /// Fields after it.
    pub details: PersonDetails,
    /// What becomes of their roles.
    pub roles: RoleChanges,
    /// Who begins to act for them.
    pub agents_come: Vec<PersonId>,
    /// Who no longer does.
    pub agents_gone: Vec<PersonId>,
}

impl Person {
    /// A new one.
    pub fn new(
        cx: &OpContext,
        sourced_id: Option<String>,
        details: PersonDetails,
        roles: &[WantedRole],
        agent_ids: Vec<PersonId>,
    ) -> Result<Self> {
        let stamp = Stamp::new(cx);
        let head = Head::new(PersonId::generate(cx.clock()), sourced_id, &stamp);
        check_agents(head.id, &agent_ids)?;
        let roles = RoleChanges::plan(cx, &stamp, &[], roles)?.come;
        Ok(Self { head, account_id: None, details, roles, agent_ids })
    }

    /// What becomes of it.
    pub fn change(
        &self,
        cx: &OpContext,
        status: Status,
        details: PersonDetails,
        roles: &[WantedRole],
        agent_ids: &[PersonId],
    ) -> Result<PersonChange> {
        let stamp = Stamp::new(cx);
        check_agents(self.head.id, agent_ids)?;
        let absent = |from: &[PersonId], id: &PersonId| !from.contains(id);
        Ok(PersonChange {
            head: self.head.changed(status, &stamp),
            details,
            roles: RoleChanges::plan(cx, &stamp, &self.roles, roles)?,
            agents_come: agent_ids.iter().filter(|id| absent(&self.agent_ids, id)).copied().collect(),
            agents_gone: self.agent_ids.iter().filter(|id| absent(agent_ids, id)).copied().collect(),
        })
    }

    /// The person after a change.
    #[must_use]
    pub fn after(mut self, change: PersonChange) -> Self {
        let RoleChanges { gone, changed, come } = change.roles;
        self.roles.retain(|role| !gone.contains(&role.head.id));
        for role in changed {
            if let Some(old) = self.roles.iter_mut().find(|old| old.head.id == role.head.id) {
                *old = role;
            }
        }
        self.roles.extend(come);
        self.agent_ids.retain(|id| !change.agents_gone.contains(id));
        self.agent_ids.extend(change.agents_come);
        self.agent_ids.sort_unstable();
        Self { head: change.head, details: change.details, ..self }
    }

    /// Its roles as they are, to be wanted again.
    pub fn wanted_roles(&self) -> Vec<WantedRole> {
        let wanted = |role: &Role| WantedRole {
            id: Some(role.head.id),
            sourced_id: Some(role.head.sourced_id.clone()),
            details: role.details.clone(),
        };
        self.roles.iter().map(wanted).collect()
    }
}

fn check_agents(person: PersonId, agents: &[PersonId]) -> Result<()> {
    let mut mistakes = Vec::new();
    for (at, agent) in agents.iter().enumerate() {
        let (code, message) = if *agent == person {
            ("agent_is_self", "A person cannot act for themselves.")
        } else if agents[..at].contains(agent) {
            ("agent_twice", "This person is given twice.")
        } else {
            continue;
        };
        mistakes.push(FieldError { field: format!("agent_ids[{at}]"), code: code.into(), message: message.to_owned() });
    }
    if mistakes.is_empty() { Ok(()) } else { Err(Error::invalid(mistakes)) }
}
