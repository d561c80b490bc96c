//! Letters about one student's part in an incident, to those who may see the student's data.
//!
//! A letter is made from a template with what is known of that one student, and kept as it was made. Whom it goes to is decided by
//! custody and access to the data, when it is made and again when it is approved. Whoever else was in the incident must not be
//! named in it: there is no placeholder that could, and what people write is looked through for their names.

mod api;
mod material_store;
mod names;
mod samples;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, MergePatch, Versioned, words};
use cloister_ids::{DisciplineIncidentId, IncidentLetterId, IncidentLetterTemplateId, IncidentParticipantId, PersonId};
use cloister_tenancy::{
    Action, Changes, ConstraintRule, Error, ErrorKind, OpContext, Resource, Result, Tenancy, TenantTx, sql::Statement,
};
use garde::Validate;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use api::routes;

use crate::{
    presence_store::check_return,
    record::{Metadata, Record, Status, check_change},
    rules::{paragraphs, small},
    scope::{Sight, authorize_change, today},
    scopes::OWN_CHILDREN,
};

/// What permissions are about.
pub const INCIDENT_LETTER: Resource = Resource { module: crate::MODULE, name: "incident_letter" };

/// Every statement about letters.
pub(crate) const STATEMENTS: [&[&Statement]; 2] = [store::STATEMENTS, material_store::STATEMENTS];

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[];

/// Characters of a letter.
const BODY: usize = 16_000;
/// Characters of what somebody writes for one letter.
const MESSAGE: usize = 4000;

words! {
    /// How far a letter is.
    pub enum LetterState {
        /// It can still be changed. No family sees it.
        Draft = "draft",
        /// It is as it will be sent. The family may read it.
        Approved = "approved",
    }
}

/// What a letter is made from: the body of a creation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIncidentLetter {
    /// Whose part in which incident it is about.
    #[garde(skip)]
    pub participant_id: IncidentParticipantId,
    /// Its template.
    #[garde(skip)]
    pub template_id: IncidentLetterTemplateId,
    /// What stands for `{{message}}`. It must not name anybody else who was in the incident.
    #[garde(inner(length(chars, max = MESSAGE), custom(paragraphs)))]
    #[schema(min_length = 1, max_length = 4000, example = "Please come and talk with us on Monday.")]
    pub message: Option<String>,
}

/// What of a letter can be changed: what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentLetterFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// Its text, which can be changed while it is a draft. It must not name anybody else who was in the incident.
    #[garde(length(chars, max = BODY), custom(paragraphs))]
    #[schema(min_length = 1, max_length = 16000, example = "To the guardians of Mila Okafor: please come.")]
    pub body: String,
    /// How far it is: once approved it stays so.
    #[garde(skip)]
    pub state: LetterState,
    /// Whether it was printed, once approved.
    #[garde(skip)]
    #[serde(default)]
    pub printed: bool,
    /// Whether it was sent, once approved.
    #[garde(skip)]
    #[serde(default)]
    pub sent: bool,
    /// Fields of other systems: at most 16 KiB of JSON. For staff alone: a family reads none.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// Somebody to whom a letter goes, as they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LetterRecipient {
    /// Who.
    pub person_id: PersonId,
    /// Their name.
    #[schema(example = "Ada Okafor")]
    pub name: String,
    /// Their e-mail address, where they may be sent e-mail.
    #[schema(example = "ada@home.example")]
    pub email: Option<String>,
    /// Whether they may be sent letters on paper.
    #[schema(example = true)]
    pub by_mail: bool,
}

/// A letter as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct IncidentLetter {
    /// Which one.
    pub id: IncidentLetterId,
    /// Whose part in the incident it is about.
    pub participant_id: IncidentParticipantId,
    /// The incident.
    pub incident_id: DisciplineIncidentId,
    /// The student.
    pub student_id: PersonId,
    /// What it was made from.
    pub template_id: IncidentLetterTemplateId,
    /// What can be changed.
    #[serde(flatten)]
    pub fields: IncidentLetterFields,
    /// To whom it goes. Of a draft, to whom it would. A guardian reads themself alone.
    pub recipients: Vec<LetterRecipient>,
    /// When it was approved.
    pub approved_at: Option<Timestamp>,
    /// By whom.
    #[schema(example = "account:ada")]
    pub approved_by: Option<String>,
    /// When it was printed first.
    pub printed_at: Option<Timestamp>,
    /// When it was sent first.
    pub sent_at: Option<Timestamp>,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

/// Fields whose values the audit log keeps.
const NOT_PERSONAL: &[&str] = &["status", "state", "printed", "sent"];

impl Versioned for IncidentLetter {
    fn version(&self) -> i64 {
        self.record.version
    }
}

impl IncidentLetter {
    /// The letter to be printed: a page for each recipient, parted by form feeds.
    fn pages(&self) -> String {
        let address = |to: &LetterRecipient| match &to.email {
            Some(email) => format!("{}\n{email}\n\n", to.name),
            None => format!("{}\n\n", to.name),
        };
        let page = |to: &LetterRecipient| format!("{}{}\n", address(to), self.fields.body);
        match self.recipients.as_slice() {
            [] => format!("{}\n", self.fields.body),
            recipients => recipients.iter().map(page).collect::<Vec<_>>().join("\u{c}"),
        }
    }
}

/// What is refused because of whom a text names. The word is shown as it was written, and nothing else of whom it names.
fn check_names(field: &str, text: &str, about: &material_store::About) -> Result<()> {
    let Some(word) = names::other_named(text, &about.student, &about.others) else { return Ok(()) };
    let message = format!(
        "“{word}” is, or may be, a name of somebody else who was in the incident. A letter to a family is about its own child \
         alone: write it without this word."
    );
    Err(Error::field(field, "letter_names_another", message))
}

/// Makes a letter from a template, as part of `tx`. Three round trips with the commit.
async fn create(tx: &mut TenantTx, key: Option<&IdempotencyKey>, new: NewIncidentLetter) -> Result<IncidentLetter> {
    tx.cx().authorize(Action::Create, &INCIDENT_LETTER)?;
    let day = today(tx.cx());
    let material_store::Material { facts, about, template } =
        material_store::gather(tx, key, new.participant_id, new.template_id, day).await?;
    let facts = facts.ok_or_else(|| {
        let message = "There is no such incident participant that counts.";
        Error::field("participant_id", "incident_participant_unknown", message)
    })?;
    let template = template.ok_or_else(|| {
        let message = "There is no such incident letter template that counts.";
        Error::field("template_id", "incident_letter_template_unknown", message)
    })?;
    let message = new.message.unwrap_or_default();
    check_names("message", &message, &about)?;
    let body = crate::incident_letter_template::fill(&template, BODY, |place| facts.told(place, &message, day));
    let body = body.filter(|body| !body.trim().is_empty()).ok_or_else(|| {
        let message = format!("With what stands for its placeholders, the letter must have 1 to {BODY} characters.");
        Error::field("template_id", "letter_too_long", message)
    })?;
    // What remains is the template's, with what stands for its other placeholders.
    check_names("template_id", &body, &about)?;
    let letter = IncidentLetter {
        id: IncidentLetterId::generate(tx.cx().clock()),
        participant_id: new.participant_id,
        incident_id: facts.incident_id,
        student_id: facts.student_id,
        template_id: new.template_id,
        fields: IncidentLetterFields {
            status: Status::Active,
            body,
            state: LetterState::Draft,
            printed: false,
            sent: false,
            metadata: Metadata::default(),
        },
        recipients: about.recipients,
        approved_at: None,
        approved_by: None,
        printed_at: None,
        sent_at: None,
        record: Record::new(tx.cx()),
    };
    store::insert(tx, &letter).await?;
    tx.audit(Action::Create, &INCIDENT_LETTER, letter.id, None);
    Ok(letter)
}

/// One letter. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: IncidentLetterId) -> Result<IncidentLetter> {
    let sight = Sight::to(cx, Action::Read, &INCIDENT_LETTER, &[OWN_CHILDREN])?;
    store::get(tenancy, cx, &sight, id).await
}

/// What may become of a letter.
fn check_steps(before: &IncidentLetterFields, after: &IncidentLetterFields) -> Result<()> {
    let approved = before.state == LetterState::Approved;
    if approved && (after.state != before.state || after.body != before.body) {
        let message = "An approved letter stays as it is. Delete it and make another one.";
        return Err(Error::new(ErrorKind::Conflict, "letter_approved", message));
    }
    for (field, was, is) in [("printed", before.printed, after.printed), ("sent", before.sent, after.sent)] {
        if is && after.state == LetterState::Draft {
            return Err(Error::field(field, "letter_not_approved", "Approve the letter first."));
        }
        if was && !is {
            return Err(Error::field(field, "letter_mark_stays", "What was done stays noted."));
        }
    }
    Ok(())
}

/// Changes a letter that is still as the caller knows it. Two round trips, three when its text changes or it is approved.
async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: IncidentLetterId,
    known: &IfMatch,
    patch: &MergePatch<IncidentLetterFields>,
) -> Result<IncidentLetter> {
    authorize_change(cx, Action::Update, &INCIDENT_LETTER, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (before, student) = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    let fields = patch.apply(&before.fields)?;
    check_change((None, before.fields.status), (None, fields.status))?;
    check_return(&student, before.student_id, "status", before.fields.status, fields.status)?;
    check_steps(&before.fields, &fields)?;
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    let approving = fields.state != before.fields.state;
    let mut recipients = before.recipients;
    if approving || fields.body != before.fields.body {
        let about = material_store::about(&mut tx, before.participant_id, today(cx)).await?;
        check_names("body", &fields.body, &about)?;
        recipients = about.recipients;
        if approving && recipients.is_empty() {
            let message = "Nobody may see the student's data and be written to. Look at the student's contacts.";
            return Err(Error::new(ErrorKind::Conflict, "letter_without_recipient", message));
        }
    }
    let changes = Changes::between(&before.fields, &fields)?.showing_only(NOT_PERSONAL);
    let record = before.record.changed(cx);
    let first = |at: Option<Timestamp>, done: bool| at.or_else(|| done.then_some(record.updated_at));
    let after = IncidentLetter {
        approved_at: first(before.approved_at, fields.state == LetterState::Approved),
        approved_by: before.approved_by.or_else(|| approving.then(|| record.updated_by.clone())),
        printed_at: first(before.printed_at, fields.printed),
        sent_at: first(before.sent_at, fields.sent),
        recipients,
        fields,
        record: record.clone(),
        ..before
    };
    tx.audit(Action::Update, &INCIDENT_LETTER, id, Some(changes.into()));
    store::update(tx, &after).await?;
    Ok(after)
}

/// Deletes a letter that is still as the caller knows it. Two round trips.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: IncidentLetterId, known: &IfMatch) -> Result<()> {
    authorize_change(cx, Action::Delete, &INCIDENT_LETTER, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (before, _) = store::lock(&mut tx, id).await?;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    tx.audit(Action::Delete, &INCIDENT_LETTER, id, None);
    store::delete(tx, id).await
}

#[cfg(test)]
mod tests {
    use super::{IncidentLetterFields, LetterState, check_steps, samples::sample};

    #[test]
    fn an_approved_letter_stays_as_it_is() {
        let draft = sample().fields;
        let approved = IncidentLetterFields { state: LetterState::Approved, ..draft.clone() };
        let sent = IncidentLetterFields { sent: true, ..approved.clone() };
        let other = |fields: &IncidentLetterFields| IncidentLetterFields { body: "Other".to_owned(), ..fields.clone() };
        for (before, after, accepted) in [
            (&draft, other(&draft), true),
            (&draft, approved.clone(), true),
            (&draft, sent.clone(), true),
            (&draft, IncidentLetterFields { printed: true, ..draft.clone() }, false),
            (&approved, draft.clone(), false),
            (&approved, other(&approved), false),
            (&approved, sent.clone(), true),
            (&sent, approved.clone(), false),
        ] {
            assert_eq!(check_steps(before, &after).is_ok(), accepted, "{before:?} {after:?}");
        }
    }
}
