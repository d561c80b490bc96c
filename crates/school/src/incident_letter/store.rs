//! All SQL about letters as they are kept.

use cloister_ids::{DisciplineIncidentId, IncidentLetterId, PersonId, Uuid};
use cloister_tenancy::{
    Error, OpContext, Result, Tenancy, TenantTx,
    sql::{Row, Statement, ToSql, statements},
};
use serde_json::{Value, json};

use super::{IncidentLetter, IncidentLetterFields, LetterRecipient, LetterState};
use crate::{
    behavior_scope_store::letters_within,
    listing::Span,
    presence_store::present_of,
    record::{Metadata, Record, found, status},
    scope::{Sight, Within},
    scope_store::{many_within, one_within, reader},
    store::delete,
    unnamed_store::{get, insert, lock, page, update},
};

macro_rules! columns {
    () => {
        "participant_id, incident_id, student_id, template_id, body, state, approved_at, approved_by, printed_at, sent_at"
    };
}

macro_rules! fields {
    () => {
        concat!(columns!(), ", recipients, null::uuid as reader_id, true as staff_sees")
    };
}

/// With who reads: of the recipients they see themself alone.
macro_rules! fields_within {
    ($account:literal) => {
        concat!(
            columns!(),
            ", recipients, (select me.id from person me where ",
            reader!($account),
            ") as reader_id, false as staff_sees"
        )
    };
}

/// `$6` the state, `$7` the student, `$8` the incident.
macro_rules! list {
    ($fields:expr, $which:expr, $direction:ident) => {
        page!("incident_letter", $fields, $which, "id" $direction)
    };
}

macro_rules! all {
    () => {
        " and ($6::text is null or state = $6) and $7::uuid is null and $8::uuid is null"
    };
}

macro_rules! of_student {
    () => {
        " and ($6::text is null or state = $6) and student_id = $7 and ($8::uuid is null or incident_id = $8)"
    };
}

/// An incident has few: it brings them, and they are sorted.
macro_rules! of_incident {
    () => {
        " and ($6::text is null or state = $6) and $7::uuid is null and incident_id = $8"
    };
}

macro_rules! within {
    () => {
        concat!(
            " and ($6::text is null or state = $6) and ($7::uuid is null or student_id = $7)
              and ($8::uuid is null or incident_id = $8)",
            many_within!(letters_within!("$9", "$10", "$11"))
        )
    };
}

statements! {
    /// One.
    GET = get!("incident_letter", fields!());
    /// One within scopes.
    GET_WITHIN = concat!(
        get!("incident_letter", fields_within!("$3")),
        one_within!(letters_within!("$3", "$4", "$5"))
    );
    /// One, to be changed.
    LOCK = lock!("incident_letter", fields!());
    /// Whom one is about.
    STUDENT_OF = present_of!("incident_letter", "student_id");
    /// A new one.
    INSERT = insert!(
        "incident_letter",
        "participant_id, incident_id, student_id, template_id, body, state, recipients",
        "$7, $8, $9, $10, $11, $12, $13"
    );
    /// New values.
    UPDATE = update!(
        "incident_letter",
        "body = $7, state = $8, recipients = $9, approved_at = $10, approved_by = $11, printed_at = $12, sent_at = $13"
    );
    /// Marked as deleted.
    DELETE = delete!("incident_letter", "id = $2");
    /// All by age.
    ALL_BY_AGE = list!(fields!(), all!(), asc);
    /// All by age, from the newest.
    ALL_BY_AGE_DESC = list!(fields!(), all!(), desc);
    /// Those about a student by age.
    STUDENT_BY_AGE = list!(fields!(), of_student!(), asc);
    /// Those about a student by age, from the newest.
    STUDENT_BY_AGE_DESC = list!(fields!(), of_student!(), desc);
    /// Those about an incident by age.
    INCIDENT_BY_AGE = list!(fields!(), of_incident!(), asc);
    /// Those about an incident by age, from the newest.
    INCIDENT_BY_AGE_DESC = list!(fields!(), of_incident!(), desc);
    /// Those within scopes by age.
    WITHIN_BY_AGE = list!(fields_within!("$9"), within!(), asc);
    /// Those within scopes by age, from the newest.
    WITHIN_BY_AGE_DESC = list!(fields_within!("$9"), within!(), desc);
}

/// A recipient as a column holds it.
fn column(recipients: &[LetterRecipient]) -> Value {
    let one = |to: &LetterRecipient| {
        let LetterRecipient { person_id, name, email, by_mail } = to;
        json!({ "person_id": person_id.uuid(), "name": name, "email": email, "by_mail": by_mail })
    };
    recipients.iter().map(one).collect()
}

fn recipient(one: &Value) -> Result<LetterRecipient> {
    let id: Uuid = one["person_id"].as_str().unwrap_or_default().parse().map_err(Error::internal)?;
    Ok(LetterRecipient {
        person_id: PersonId::from_uuid(id),
        name: one["name"].as_str().unwrap_or_default().to_owned(),
        email: one["email"].as_str().map(str::to_owned),
        by_mail: one["by_mail"].as_bool().unwrap_or_default(),
    })
}

fn letter(row: &Row) -> Result<IncidentLetter> {
    let staff_sees: bool = row.get("staff_sees");
    let (printed_at, sent_at): (Option<_>, Option<_>) = (row.get("printed_at"), row.get("sent_at"));
    let recipients: Value = row.get("recipients");
    let recipients = recipients.as_array().into_iter().flatten().map(recipient);
    let reader: Option<PersonId> = row.get("reader_id");
    let seen = |to: &Result<LetterRecipient>| staff_sees || to.as_ref().is_ok_and(|to| Some(to.person_id) == reader);
    Ok(IncidentLetter {
        id: row.get("id"),
        participant_id: row.get("participant_id"),
        incident_id: row.get("incident_id"),
        student_id: row.get("student_id"),
        template_id: row.get("template_id"),
        fields: IncidentLetterFields {
            status: status(row)?,
            body: row.get("body"),
            state: row.get::<_, &str>("state").parse().map_err(Error::internal)?,
            printed: printed_at.is_some(),
            sent: sent_at.is_some(),
            metadata: if staff_sees { Metadata::from_row(row) } else { Metadata::default() },
        },
        recipients: recipients.filter(seen).collect::<Result<_>>()?,
        approved_at: row.get("approved_at"),
        approved_by: row.get("approved_by"),
        printed_at,
        sent_at,
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    id: IncidentLetterId,
) -> Result<IncidentLetter> {
    let rows = match sight {
        Sight::All => tenancy.fetch(cx, &GET, &[&id]).await?,
        Sight::Within(Within { account, on, scopes, .. }) => {
            tenancy.fetch(cx, &GET_WITHIN, &[&id, account, on, scopes]).await?
        }
    };
    letter(found(&rows)?)
}

pub(super) async fn insert(tx: &mut TenantTx, made: &IncidentLetter) -> Result<()> {
    let IncidentLetter { id, participant_id, incident_id, student_id, template_id, fields, recipients, record, .. } =
        made;
    tx.query(
        &INSERT,
        &[
            id,
            &record.created_at,
            &record.source.word(),
            fields.metadata.column(),
            &record.created_by,
            participant_id,
            incident_id,
            student_id,
            template_id,
            &fields.body,
            &fields.state.word(),
            &column(recipients),
        ],
    )
    .await
    .map(drop)
}

/// One that is kept from changing, and whom it is about, who is kept from leaving.
pub(super) async fn lock(tx: &mut TenantTx, id: IncidentLetterId) -> Result<(IncidentLetter, Vec<Row>)> {
    let mut rows = tx.query_all(&[(&STUDENT_OF, &[&id]), (&LOCK, &[&id])]).await?;
    Ok((letter(found(&rows[1])?)?, rows.swap_remove(0)))
}

/// The change and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, changed: &IncidentLetter) -> Result<()> {
    let IncidentLetter { id, fields, recipients, approved_at, approved_by, printed_at, sent_at, record, .. } = changed;
    tx.commit_with(&[(
        &UPDATE,
        &[
            id,
            &fields.status.word(),
            &record.updated_at,
            &record.updated_by,
            fields.metadata.column(),
            &fields.body,
            &fields.state.word(),
            &column(recipients),
            approved_at,
            approved_by,
            printed_at,
            sent_at,
        ],
    )])
    .await
    .map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: IncidentLetterId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which letters.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) state: Option<LetterState>,
    pub(super) student_id: Option<PersonId>,
    pub(super) incident_id: Option<DisciplineIncidentId>,
}

pub(super) async fn list_by_age(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<IncidentLetter>> {
    let Selection { span, state, student_id, incident_id } = selection;
    let state = state.map(LetterState::word);
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![&span.status, span.key(), &span.after.id, &span.limit, &state, student_id, incident_id];
    let statements: [&'static Statement; 2] = match sight {
        Sight::Within(Within { account, on, scopes, .. }) => {
            parameters.extend([account as &(dyn ToSql + Sync), on, scopes]);
            [&WITHIN_BY_AGE, &WITHIN_BY_AGE_DESC]
        }
        Sight::All if student_id.is_some() => [&STUDENT_BY_AGE, &STUDENT_BY_AGE_DESC],
        Sight::All if incident_id.is_some() => [&INCIDENT_BY_AGE, &INCIDENT_BY_AGE_DESC],
        Sight::All => [&ALL_BY_AGE, &ALL_BY_AGE_DESC],
    };
    tenancy.fetch(cx, span.pick(statements), &parameters).await?.iter().map(letter).collect()
}
