//! What a person is in an organisation: a part of the person, with a record of its own in the standard.

use cloister_ids::{Clock, OrgId, PersonId, RoleId};
use cloister_tenancy::{Error, FieldError, Result};
use garde::Validate;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    record::Metadata,
    rules::{SOURCED_ID, TEXT, after, clean, plausible, small},
    vocabulary::{RoleName, RoleType},
};

/// A role of a person: as it is kept, or as somebody wants it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[schema(as = PersonRole)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Which one. Left out for a new one.
    #[garde(skip)]
    pub id: Option<RoleId>,
    /// Its name in the system that feeds it, unique within the tenant; its own id where none is given. Never changes.
    #[garde(inner(length(chars, max = SOURCED_ID), custom(clean)))]
    #[schema(max_length = 255, example = "role-3301")]
    pub sourced_id: Option<String>,
    /// Student, teacher, parent and so on.
    #[garde(skip)]
    pub role: RoleName,
    /// Whether it is the main one in its organisation: a person has one primary role there.
    #[garde(skip)]
    pub role_type: RoleType,
    /// Where.
    #[garde(skip)]
    pub org_id: OrgId,
    /// Its first day.
    #[garde(inner(custom(plausible)))]
    #[schema(example = "2025-09-01")]
    pub begin_date: Option<Date>,
    /// The first day after it.
    #[garde(inner(custom(plausible)), custom(after(self.begin_date)))]
    #[schema(example = "2026-07-01")]
    pub end_date: Option<Date>,
    /// The profile in another system that goes with it.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512)]
    pub user_profile_sourced_id: Option<String>,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// What turns the roles of a person into those that are wanted.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct RoleChanges {
    /// To be marked as deleted.
    pub(crate) gone: Vec<RoleId>,
    /// With new values. Those that are no longer primary come first, so that others can take their place.
    pub(crate) changed: Vec<Role>,
    /// New ones.
    pub(crate) come: Vec<Role>,
}

impl RoleChanges {
    /// From what is to what is wanted. Gives new roles their ids, and all their sourced_id.
    pub(crate) fn plan(clock: &dyn Clock, current: &[Role], wanted: &mut [Role]) -> Result<Self> {
        check(current, wanted)?;
        let mut changes = Self::default();
        for role in wanted.iter_mut() {
            if let Some(known) = current.iter().find(|known| role.id.is_some() && known.id == role.id) {
                role.sourced_id.clone_from(&known.sourced_id);
                if role != known {
                    changes.changed.push(role.clone());
                }
            } else {
                let id = RoleId::generate(clock);
                role.id = Some(id);
                role.sourced_id.get_or_insert_with(|| id.to_string());
                changes.come.push(role.clone());
            }
        }
        let kept = |id: &RoleId| wanted.iter().any(|role| role.id == Some(*id));
        changes.gone = current.iter().filter_map(|role| role.id).filter(|id| !kept(id)).collect();
        changes.changed.sort_by_key(|role| role.role_type == RoleType::PRIMARY);
        Ok(changes)
    }
}

/// Rules between the roles of one person. Every mistake is named.
fn check(current: &[Role], wanted: &[Role]) -> Result<()> {
    let mut mistakes = Vec::new();
    let primary = |role: &Role| role.role_type == RoleType::PRIMARY;
    for (at, role) in wanted.iter().enumerate() {
        let before = &wanted[..at];
        let mut mistake = |field: &str, code: &'static str, message: &str| {
            let field = format!("roles[{at}].{field}");
            mistakes.push(FieldError { field, code: code.into(), message: message.to_owned() });
        };
        if let Some(id) = role.id {
            match current.iter().find(|known| known.id == Some(id)) {
                None => mistake("id", "role_unknown", "This person has no such role. Leave `id` out for a new one."),
                Some(known) if role.sourced_id.is_some() && role.sourced_id != known.sourced_id => {
                    mistake("sourced_id", "sourced_id_fixed", "The sourced_id of a record cannot be changed.");
                }
                Some(_) if before.iter().any(|other| other.id == Some(id)) => {
                    mistake("id", "given_twice", "Name each role once.");
                }
                Some(_) => {}
            }
        }
        if primary(role) && before.iter().any(|other| primary(other) && other.org_id == role.org_id) {
            mistake("role_type", "primary_role_taken", "A person has one primary role in an organisation.");
        }
    }
    if mistakes.is_empty() { Ok(()) } else { Err(Error::invalid(mistakes)) }
}

/// Who acts for a person: others, each once.
pub(crate) fn check_agents(person: Option<PersonId>, agents: &[PersonId]) -> Result<()> {
    match agents.iter().position(|agent| Some(*agent) == person) {
        None => Ok(()),
        Some(at) => {
            Err(Error::field(&format!("agent_ids[{at}]"), "agent_is_self", "A person cannot act for themselves."))
        }
    }
}

pub(super) fn sample() -> Role {
    Role {
        id: Some(crate::sample_id()),
        sourced_id: Some("role-3301".to_owned()),
        role: RoleName::STUDENT,
        role_type: RoleType::PRIMARY,
        org_id: crate::sample_id(),
        begin_date: Some(Date::constant(2025, 9, 1)),
        end_date: None,
        user_profile_sourced_id: None,
        metadata: Metadata::default(),
    }
}

#[cfg(test)]
mod tests {
    use cloister_ids::{OrgId, RoleId, SystemClock};

    use super::{Role, RoleChanges, sample};
    use crate::vocabulary::{RoleName, RoleType};

    fn kept(role: RoleName, role_type: RoleType) -> Role {
        let id = RoleId::generate(&SystemClock);
        Role { id: Some(id), sourced_id: Some(id.to_string()), role, role_type, ..sample() }
    }

    fn plan(current: &[Role], wanted: &mut [Role]) -> Result<RoleChanges, Vec<(String, String)>> {
        RoleChanges::plan(&SystemClock, current, wanted)
            .map_err(|error| error.fields().iter().map(|fault| (fault.field.clone(), fault.code.to_string())).collect())
    }

    #[test]
    fn the_same_again_is_no_change() {
        let current = [kept(RoleName::STUDENT, RoleType::PRIMARY), kept(RoleName::AIDE, RoleType::SECONDARY)];
        let mut wanted = current.clone();
        wanted[0].sourced_id = None;
        assert_eq!(plan(&current, &mut wanted), Ok(RoleChanges::default()));
        assert_eq!(wanted, current, "the sourced_id is completed");
    }

    #[test]
    fn whoever_stops_being_primary_is_written_first() {
        let current = [kept(RoleName::TEACHER, RoleType::PRIMARY), kept(RoleName::AIDE, RoleType::SECONDARY)];
        let mut wanted = [current[1].clone(), current[0].clone()];
        wanted[0].role_type = RoleType::PRIMARY;
        wanted[1].role_type = RoleType::SECONDARY;
        let changes = plan(&current, &mut wanted).unwrap_or_default();
        let order: Vec<_> = changes.changed.iter().map(|role| role.role.as_str()).collect();
        assert_eq!(order, ["teacher", "aide"]);
        assert!(changes.gone.is_empty() && changes.come.is_empty());
    }

    #[test]
    fn what_is_not_wanted_goes_and_what_is_new_gets_an_id() {
        let current = [kept(RoleName::STUDENT, RoleType::PRIMARY)];
        let mut wanted = [Role { id: None, sourced_id: None, ..current[0].clone() }];
        let changes = plan(&current, &mut wanted).unwrap_or_default();
        assert_eq!(changes.gone, [current[0].id.unwrap_or_else(crate::sample_id)]);
        assert_eq!(changes.come.as_slice(), &wanted);
        assert_eq!(wanted[0].sourced_id, wanted[0].id.map(|id| id.to_string()));
        assert_ne!(wanted[0].id, current[0].id);
    }

    #[test]
    fn every_mistake_is_named() {
        let current = [kept(RoleName::STUDENT, RoleType::PRIMARY)];
        let stranger = kept(RoleName::AIDE, RoleType::SECONDARY);
        let renamed = Role { sourced_id: Some("other".to_owned()), ..current[0].clone() };
        let elsewhere = Role { org_id: OrgId::generate(&SystemClock), id: None, ..current[0].clone() };
        let mut wanted = [renamed, stranger, elsewhere, Role { id: None, ..current[0].clone() }];
        let faults = [
            ("roles[0].sourced_id", "sourced_id_fixed"),
            ("roles[1].id", "role_unknown"),
            ("roles[3].role_type", "primary_role_taken"),
        ];
        let faults = faults.map(|(field, code)| (field.to_owned(), code.to_owned())).to_vec();
        assert_eq!(plan(&current, &mut wanted), Err(faults));
    }
}
