//! Agents of a person: their contacts that count, as OneRoster has them, written with the person they are of.

use cloister_ids::{Clock, ContactId, PersonId};
use cloister_tenancy::{Action, Error, OpContext, Result};

use super::CONTACT;

/// Somebody who begins to act for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NewAgent {
    /// Of the contact, if there was none of the two before.
    pub(crate) id: ContactId,
    /// Who.
    pub(crate) agent: PersonId,
}

/// Those of `wanted` who are not among `current`, with ids.
pub(crate) fn new_agents(clock: &dyn Clock, current: &[PersonId], wanted: &[PersonId]) -> Vec<NewAgent> {
    let new = wanted.iter().filter(|agent| !current.contains(agent));
    new.map(|agent| NewAgent { id: ContactId::generate(clock), agent: *agent }).collect()
}

/// To change the agents of a person is to make and to delete contacts, and takes the permission for that.
pub(crate) fn authorize_agents(cx: &OpContext, current: &[PersonId], wanted: &[PersonId]) -> Result<()> {
    if wanted.iter().any(|agent| !current.contains(agent)) {
        cx.authorize(Action::Create, &CONTACT)?;
    }
    if current.iter().any(|agent| !wanted.contains(agent)) {
        cx.authorize(Action::Delete, &CONTACT)?;
    }
    Ok(())
}

/// A refusal of a contact, in the words of the person's own field.
pub(crate) fn of_agents(error: Error) -> Error {
    match error.fields() {
        [field] if field.field == "contact_id" && field.code == "person_unknown" => {
            Error::field("agent_ids", "person_unknown", field.message.clone()).because(error)
        }
        _ => error,
    }
}
