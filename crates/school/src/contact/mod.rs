//! Contacts: what a parent, guardian or other person is to a student, and what follows from it. This is the one place that
//! says who acts for whom; the agents of a person, as OneRoster has them, are the contacts that count.

mod agent;
mod agent_store;
mod api;
mod samples;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, MergePatch, Versioned, invalid};
use cloister_ids::{ContactId, DocumentId, PersonId};
use cloister_tenancy::{Action, Changes, ConstraintRule, Error, OpContext, Resource, Result, Tenancy, TenantTx};
use garde::Validate;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use agent::{NewAgent, authorize_agents, new_agents, of_agents};
pub(crate) use agent_store::{bare, come, gone, relation_of_role};
pub(crate) use api::routes;
pub(crate) use samples::another_person;

use crate::{
    presence_store::check_return,
    record::{Metadata, Record, Source, Status, check_change, check_new},
    rules::{after, clean, plausible, small},
    scope::{Sight, authorize_change},
    vocabulary::{ContactRelation, Custody},
};

/// What permissions are about.
pub const CONTACT: Resource = Resource { module: crate::MODULE, name: "contact" };

/// Every statement about contacts.
pub(crate) const STATEMENTS: [&[&cloister_tenancy::sql::Statement]; 2] = [store::STATEMENTS, agent_store::STATEMENTS];

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[
    ConstraintRule {
        constraint: "contact_pair_key",
        field: "contact_id",
        code: "contact_exists",
        message: "There is a contact of these two already, perhaps a deleted one. Change that one.",
    },
    ConstraintRule {
        constraint: "contact_student_fkey",
        field: "student_id",
        code: "person_unknown",
        message: "There is no such person.",
    },
    ConstraintRule {
        constraint: "contact_contact_fkey",
        field: "contact_id",
        code: "person_unknown",
        message: "There is no such person.",
    },
    ConstraintRule {
        constraint: "contact_court_order_fkey",
        field: "court_order_document_id",
        code: "court_order_unknown",
        message: NO_COURT_ORDER,
    },
];

/// What a contact can name as the order of a court.
const NO_COURT_ORDER: &str = "The student has no such order of a court: name a document of this student, of the type `court_order`, that is not deleted.";

/// Characters of contact restrictions.
const RESTRICTIONS: usize = 2000;

/// What is known of a contact: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "the words of the standard, each a fact of its own")]
pub struct ContactFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// The student. Never changes.
    #[garde(skip)]
    pub student_id: PersonId,
    /// The person who is the student's contact. Never changes.
    #[garde(custom(another(&self.student_id)))]
    pub contact_id: PersonId,
    /// What the contact is to the student.
    #[garde(skip)]
    pub relation: ContactRelation,
    /// Whether the law makes the contact answer for the student; none where it is not known.
    #[garde(skip)]
    pub legal_guardian: Option<bool>,
    /// Whether the student lives with the contact; none where it is not known.
    #[garde(skip)]
    pub lives_with: Option<bool>,
    /// Whether the school turns to this contact first.
    #[garde(skip)]
    #[serde(default)]
    pub primary_contact: bool,
    /// Whether the school calls this contact in an emergency.
    #[garde(skip)]
    #[serde(default)]
    pub emergency_contact: bool,
    /// In which order contacts are called, from 1.
    #[garde(range(min = 1, max = 100))]
    #[schema(minimum = 1, maximum = 100)]
    pub contact_priority: Option<i32>,
    /// The custody that the contact has; none where it is not known, and then nothing follows from it.
    #[garde(skip)]
    pub custody: Option<Custody>,
    /// Whether the contact may see what the school keeps about the student. Where it is not stated, the custody decides: with
    /// `full` or `shared` the contact sees what guardians see, with `restricted` or `none` nothing. Where that is not known
    /// either, a legal guardian sees it, and a parent or guardian of whom nothing else is said. With the custody `none` it
    /// cannot be true.
    #[garde(custom(within_custody(self.custody.as_ref())))]
    pub child_data_access: Option<bool>,
    /// The order of a court that custody and access follow from: a document of this student, of the type `court_order`. Only the
    /// office can read it.
    #[garde(skip)]
    pub court_order_document_id: Option<DocumentId>,
    /// Whether the contact may be called.
    #[garde(skip)]
    #[serde(default = "yes")]
    pub contact_by_call: bool,
    /// Whether the contact may be sent text messages.
    #[garde(skip)]
    #[serde(default = "yes")]
    pub contact_by_sms: bool,
    /// Whether the contact may be sent e-mail.
    #[garde(skip)]
    #[serde(default = "yes")]
    pub contact_by_email: bool,
    /// Whether the contact may be sent letters.
    #[garde(skip)]
    #[serde(default = "yes")]
    pub contact_by_mail: bool,
    /// What staff must know before they speak with the contact or hand the student over.
    #[garde(inner(length(chars, max = RESTRICTIONS), custom(clean)))]
    #[schema(min_length = 1, max_length = 2000, example = "Picks up on Fridays only.")]
    pub contact_restrictions: Option<String>,
    /// Its first day.
    #[garde(inner(custom(plausible)))]
    #[schema(example = "2025-09-01")]
    pub begin_date: Option<Date>,
    /// The first day after it.
    #[garde(inner(custom(plausible)), custom(after(self.begin_date)))]
    #[schema(example = "2031-07-01")]
    pub end_date: Option<Date>,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// A contact as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Contact {
    /// Which one.
    pub id: ContactId,
    /// The contact's given name: whoever may see a contact is told who it is, and not how to reach them.
    #[schema(example = "Ada")]
    pub contact_given_name: String,
    /// The contact's family name.
    #[schema(example = "Okafor")]
    pub contact_family_name: String,
    /// What is known of it.
    #[serde(flatten)]
    pub fields: ContactFields,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

/// Fields whose values the audit log keeps: who was let see a child, and when, must be answerable later.
const NOT_PERSONAL: &[&str] =
    &["status", "custody", "child_data_access", "court_order_document_id", "legal_guardian", "begin_date", "end_date"];

impl Versioned for Contact {
    fn version(&self) -> i64 {
        self.record.version
    }
}

fn yes() -> bool {
    true
}

fn another(student: &PersonId) -> impl FnOnce(&PersonId, &()) -> garde::Result + '_ {
    move |contact, ()| {
        if contact == student {
            return Err(invalid("contact_is_self", "A person cannot be their own contact."));
        }
        Ok(())
    }
}

fn within_custody(custody: Option<&Custody>) -> impl FnOnce(&Option<bool>, &()) -> garde::Result + '_ {
    move |access, ()| {
        if *access == Some(true) && custody == Some(&Custody::NONE) {
            return Err(invalid(
                "access_without_custody",
                "Somebody without custody sees nothing of the student: leave this out or say false.",
            ));
        }
        Ok(())
    }
}

/// Makes a contact, as part of `tx`. Two round trips with the commit.
async fn create(tx: &mut TenantTx, key: Option<&IdempotencyKey>, fields: ContactFields) -> Result<Contact> {
    tx.cx().authorize(Action::Create, &CONTACT)?;
    check_new(fields.status)?;
    let id = ContactId::generate(tx.cx().clock());
    let record = Record::new(tx.cx());
    let mut contact =
        Contact { id, contact_given_name: String::new(), contact_family_name: String::new(), fields, record };
    (contact.contact_given_name, contact.contact_family_name) = store::insert(tx, key, &contact).await?;
    store::check_court_order(tx, &contact.fields).await?;
    tx.audit(Action::Create, &CONTACT, id, None);
    Ok(contact)
}

/// One contact, deleted or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: ContactId) -> Result<Contact> {
    let sight = Sight::of(cx, &CONTACT)?;
    store::get(tenancy, cx, &sight, id).await
}

/// Changes a contact that is still as the caller knows it. Two round trips.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: ContactId,
    known: &IfMatch,
    patch: &MergePatch<ContactFields>,
) -> Result<Contact> {
    authorize_change(cx, Action::Update, &CONTACT, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (before, persons) = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    let fields = patch.apply(&before.fields)?;
    check_change((None, before.fields.status), (None, fields.status))?;
    for (field, person) in [("student_id", before.fields.student_id), ("contact_id", before.fields.contact_id)] {
        check_return(&persons, person, field, before.fields.status, fields.status)?;
    }
    for (field, stays) in [
        ("student_id", fields.student_id == before.fields.student_id),
        ("contact_id", fields.contact_id == before.fields.contact_id),
    ] {
        if !stays {
            let message = "What another person is to a student, or to another student, is another contact.";
            return Err(Error::field(field, "contact_moved", message));
        }
    }
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    let names_another = fields.court_order_document_id != before.fields.court_order_document_id;
    if names_another || fields.status != before.fields.status {
        store::check_court_order(&mut tx, &fields).await?;
    }
    let changes = Changes::between(&before.fields, &fields)?.showing_only(NOT_PERSONAL);
    let came_back = fields.status != before.fields.status;
    let record = kept_here(before.record, cx);
    let after = Contact { fields, record, ..before };
    tx.audit(Action::Update, &CONTACT, id, Some(changes.into()));
    store::update(tx, &after, came_back).await?;
    Ok(after)
}

/// Deletes a contact that is still as the caller knows it. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: ContactId, known: &IfMatch) -> Result<()> {
    authorize_change(cx, Action::Delete, &CONTACT, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (before, _) = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    tx.audit(Action::Delete, &CONTACT, id, None);
    let fields = ContactFields { status: Status::ToBeDeleted, ..before.fields };
    let record = kept_here(before.record, cx);
    store::update(tx, &Contact { fields, record, ..before }, true).await
}

/// The record after a change here: from now on whoever made it keeps the contact, and no import. So a package that comes
/// every night never gives back what a court took, nor takes what the office gave.
fn kept_here(record: Record, cx: &OpContext) -> Record {
    Record { source: Source::of(cx.actor()), ..record.changed(cx) }
}

#[cfg(test)]
mod tests {
    use garde::Validate;

    use super::{ContactFields, samples::sample_fields};
    use crate::vocabulary::Custody;

    fn faults(fields: &ContactFields) -> Vec<String> {
        let report = fields.validate().err();
        report.iter().flat_map(garde::Report::iter).map(|(path, _)| path.to_string()).collect()
    }

    #[test]
    fn whoever_has_no_custody_cannot_be_shown_the_child() {
        for (custody, access, accepted) in [
            (Some(Custody::NONE), Some(true), false),
            (Some(Custody::NONE), Some(false), true),
            (Some(Custody::NONE), None, true),
            (Some(Custody::RESTRICTED), Some(true), true),
            (None, Some(true), true),
        ] {
            let fields = ContactFields { custody, child_data_access: access, ..sample_fields() };
            assert_eq!(faults(&fields).is_empty(), accepted, "{fields:?}");
        }
    }

    #[test]
    fn nobody_is_their_own_contact() {
        let fields = sample_fields();
        let fields = ContactFields { contact_id: fields.student_id, ..fields };
        assert_eq!(faults(&fields), ["contact_id"]);
    }
}
