//! What a person is in an organisation: a part of the person, with a record of its own in the standard.

use cloister_ids::{OrgId, RoleId, kind};
use cloister_tenancy::{Error, FieldError, OpContext, Result};
use jiff::civil::Date;

use crate::{
    date_span,
    record::{Head, Metadata, Stamp, Status},
    vocabulary::{RoleName, RoleType},
};

/// A role of a person.
#[derive(Debug, Clone)]
pub struct Role {
    /// What every record has.
    pub head: Head<kind::Role>,
    /// Its own fields.
    pub details: RoleDetails,
}

/// What is known of a role.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleDetails {
    /// Student, teacher, parent and so on.
    pub role: RoleName,
    /// Whether it is the main one in its organisation.
    pub role_type: RoleType,
    /// Where.
    pub org_id: OrgId,
    /// Its first day.
    pub begin_date: Option<Date>,
    /// The first day after it.
    pub end_date: Option<Date>,
    /// The profile in another system that goes with it.
    pub user_profile_sourced_id: Option<String>,
    /// Fields of other systems.
    pub metadata: Metadata,
}

/// A role as somebody wants it: an existing one by its id, or a new one.
#[derive(Debug, Clone, PartialEq)]
pub struct WantedRole {
    /// Of the role to keep or change; a new one has none.
    pub id: Option<RoleId>,
    /// For a new one.
    pub sourced_id: Option<String>,
    /// Its fields.
    pub details: RoleDetails,
}

/// What turns the roles of a person into those that are wanted.
#[derive(Debug, Default)]
pub struct RoleChanges {
    /// To be marked as deleted.
    pub gone: Vec<RoleId>,
    /// With new values. Those that stop being a primary role come first, so that another can take their place.
    pub changed: Vec<Role>,
    /// New ones.
    pub come: Vec<Role>,
}

impl RoleChanges {
    /// From what is to what is wanted. `current` are the roles that count.
    pub fn plan(cx: &OpContext, stamp: &Stamp, current: &[Role], wanted: &[WantedRole]) -> Result<Self> {
        check(current, wanted)?;
        let kept = |role: &Role| wanted.iter().any(|w| w.id == Some(role.head.id));
        let mut changes =
            Self { gone: current.iter().filter(|role| !kept(role)).map(|role| role.head.id).collect(), ..Self::default() };
        for WantedRole { id, sourced_id, details } in wanted {
            match id.and_then(|id| current.iter().find(|role| role.head.id == id)) {
                Some(role) if role.details == *details => {}
                Some(role) => changes
                    .changed
                    .push(Role { head: role.head.changed(Status::Active, stamp), details: details.clone() }),
                None => changes.come.push(Role {
                    head: Head::new(RoleId::generate(cx.clock()), sourced_id.clone(), stamp),
                    details: details.clone(),
                }),
            }
        }
        changes.changed.sort_by_key(|role| role.details.role_type == RoleType::PRIMARY);
        Ok(changes)
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.changed.is_empty() && self.come.is_empty()
    }
}

/// Rules between the roles of one person. Every mistake is named.
fn check(current: &[Role], wanted: &[WantedRole]) -> Result<()> {
    let mut mistakes = Vec::new();
    let mut mistake = |at: usize, field: &str, code: &'static str, message: &str| {
        mistakes.push(FieldError { field: format!("roles[{at}].{field}"), code: code.into(), message: message.to_owned() });
    };
    for (at, role) in wanted.iter().enumerate() {
        let before = &wanted[..at];
        if date_span::check("end_date", role.details.begin_date, role.details.end_date).is_err() {
            mistake(at, "end_date", "end_not_after_begin", "The end is the first day that no longer counts, so it must come after the begin.");
        }
        if let Some(id) = role.id {
            let known = current.iter().find(|known| known.head.id == id);
            match known {
                None => mistake(at, "id", "role_unknown", "This person has no such role. Leave `id` out for a new one."),
                Some(known) if role.sourced_id.as_ref().is_some_and(|asked| *asked != known.head.sourced_id) => {
                    mistake(at, "sourced_id", "sourced_id_fixed", "The sourced_id of a record cannot be changed.");
                }
                Some(_) if before.iter().any(|other| other.id == Some(id)) => {
                    mistake(at, "id", "role_twice", "This role is given twice.");
                }
                Some(_) => {}
            }
        }
        let primary = |role: &WantedRole| role.details.role_type == RoleType::PRIMARY;
        if primary(role) && before.iter().any(|other| primary(other) && other.details.org_id == role.details.org_id) {
            mistake(at, "role_type", "primary_role_taken", "A person has one primary role in an organisation.");
        }
    }
    if mistakes.is_empty() { Ok(()) } else { Err(Error::invalid(mistakes)) }
}
