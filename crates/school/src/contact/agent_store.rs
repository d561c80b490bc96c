//! All SQL that writes contacts as agents of a person. What the roster says of an agent is a name and no more: everything else
//! of the contact stays as it was, or is not known.

use cloister_ids::PersonId;
use cloister_tenancy::sql::{Statement, ToSql, statements};

use super::NewAgent;
use crate::{record::Record, unnamed_store::head};

/// What the roles of contacts `$of` say about the relation: `person_id` and `role`, once each.
macro_rules! relation_of_role {
    ($of:literal) => {
        concat!(
            "select distinct on (r.person_id) r.person_id, r.role from person_role r where r.tenant_id = $1",
            $of,
            " and r.status = 'active' and r.role in ('guardian', 'parent', 'relative') order by r.person_id, r.role_type, r.role"
        )
    };
}

/// Columns of a contact that is made of a name.
macro_rules! bare {
    () => {
        "student_id, contact_id, relation, primary_contact, emergency_contact,
         contact_by_call, contact_by_sms, contact_by_email, contact_by_mail"
    };
}

statements! {
    /// Somebody begins to act for a person, or does again.
    COME = concat!(
        "insert into contact (tenant_id, id, ", head!(), ", ", bare!(), ")
         values ($1, $2, 'active', $3, $4, '{}'::jsonb, 1, $3, $5, $3, $5, $6, $7,
            coalesce((select acting.role from (", relation_of_role!(" and r.person_id = $7"), ") acting), 'other'), false, false, true, true, true, true)
         on conflict (tenant_id, student_id, contact_id) do update set status = 'active',
            date_last_modified = excluded.date_last_modified, source = excluded.source, version = contact.version + 1,
            updated_at = excluded.updated_at, updated_by = excluded.updated_by
         where contact.status <> 'active'"
    );
    /// Somebody no longer acts for a person.
    GONE = "update contact set status = 'tobedeleted', date_last_modified = $4, source = $5, version = version + 1,
            updated_at = $4, updated_by = $6
        where tenant_id = $1 and student_id = $2 and contact_id = $3 and status = 'active'";
}

pub(crate) use {bare, relation_of_role};

/// A statement with its parameters, to be sent with others.
type Item<'a> = (&'static Statement, Vec<&'a (dyn ToSql + Sync)>);

/// What makes these the agents of a person. `record` is the person's after the change, `source` the word of who keeps the
/// contacts.
pub(crate) fn come<'a>(
    person: &'a PersonId,
    agents: &'a [NewAgent],
    record: &'a Record,
    source: &'a &'static str,
) -> impl Iterator<Item = Item<'a>> {
    agents.iter().map(move |NewAgent { id, agent }| {
        let parameters: Vec<&(dyn ToSql + Sync)> =
            vec![id, &record.updated_at, source, &record.updated_by, person, agent];
        (&COME, parameters)
    })
}

/// What ends that.
pub(crate) fn gone<'a>(
    person: &'a PersonId,
    agents: impl Iterator<Item = &'a PersonId>,
    record: &'a Record,
    source: &'a &'static str,
) -> impl Iterator<Item = Item<'a>> {
    agents.map(move |agent| {
        let parameters: Vec<&(dyn ToSql + Sync)> = vec![person, agent, &record.updated_at, source, &record.updated_by];
        (&GONE, parameters)
    })
}
