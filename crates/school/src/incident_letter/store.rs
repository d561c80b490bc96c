//! All SQL about letters.

use cloister_http::IdempotencyKey;
use cloister_ids::{
    DisciplineIncidentId, IncidentLetterId, IncidentLetterTemplateId, IncidentParticipantId, PersonId, Uuid,
};
use cloister_tenancy::{
    Error, OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};
use jiff::civil::{Date, Time};
use serde_json::{Value, json};

use super::{IncidentLetter, IncidentLetterFields, LetterRecipient, LetterState, names::Names};
use crate::{
    behavior_scope_store::letters_within,
    day_time::DayTime,
    incident_letter_template::Placeholder,
    listing::Span,
    record::{Metadata, Record, found, status},
    scope::{Sight, Within},
    scope_store::{acts, many_within, one_within, reader},
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
        concat!(columns!(), ", recipients, true as staff_sees")
    };
}

/// Of the recipients the reader alone.
macro_rules! fields_within {
    ($account:literal) => {
        concat!(
            columns!(),
            ", (select coalesce(jsonb_agg(r.one), '[]'::jsonb) from jsonb_array_elements(recipients) r (one)
                where r.one ->> 'person_id' = any(array(select me.id::text from person me where ",
            reader!($account),
            "))) as recipients, false as staff_sees"
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
    /// What is known of a participant.
    FACTS = "select p.person_id, p.incident_id, p.participation_code, p.points, i.incident_identifier, i.incident_date,
            i.incident_time, i.incident_location, o.name as school_name, c.title as behavior,
            coalesce(s.preferred_given_name, s.given_name) as given_name,
            coalesce(s.preferred_family_name, s.family_name) as family_name
        from incident_participant p
        join discipline_incident i on i.tenant_id = $1 and i.id = p.incident_id and i.status = 'active'
        join person s on s.tenant_id = $1 and s.id = p.person_id and s.status = 'active'
        join org o on o.tenant_id = $1 and o.id = i.school_id
        left join behavior_code c on c.tenant_id = $1 and c.id = p.behavior_code_id
        where p.tenant_id = $1 and p.id = $2 and p.status = 'active'";
    /// What was done about the student because of it.
    ACTIONS = "select d.discipline, d.discipline_date, d.discipline_action_length
        from incident_participant p join discipline_action d on d.tenant_id = $1 and d.student_id = p.person_id
            and d.incident_id = p.incident_id and d.status = 'active'
        where p.tenant_id = $1 and p.id = $2 order by d.discipline_date, d.id limit 20";
    /// Everybody in the same incident, and which of them is the student.
    NAMES = "select n.person_id = p.person_id as is_student, s.given_name, s.family_name, s.preferred_given_name,
            s.preferred_family_name
        from incident_participant p join incident_participant n on n.tenant_id = $1 and n.incident_id = p.incident_id
            and (n.status = 'active' or n.id = p.id)
        join person s on s.tenant_id = $1 and s.id = n.person_id
        where p.tenant_id = $1 and p.id = $2";
    /// Those who may see the student's data on the day, and may be written to.
    RECIPIENTS = concat!(
        "select c.id, c.given_name, c.family_name, case when a.contact_by_email then c.email end as email, a.contact_by_mail
         from incident_participant p join contact a on a.tenant_id = $1 and a.student_id = p.person_id and ",
        acts!("$3"),
        " and (a.contact_by_mail or a.contact_by_email)
         join person c on c.tenant_id = $1 and c.id = a.contact_id and c.status = 'active'
         where p.tenant_id = $1 and p.id = $2 order by a.contact_priority nulls last, c.id limit 50"
    );
    /// The text of a template.
    TEMPLATE = "select body from incident_letter_template where tenant_id = $1 and id = $2 and status = 'active'";
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
        recipients: recipients.as_array().into_iter().flatten().map(recipient).collect::<Result<_>>()?,
        approved_at: row.get("approved_at"),
        approved_by: row.get("approved_by"),
        printed_at,
        sent_at,
        record: Record::from_row(row)?,
    })
}

/// What a letter can tell of a student's part in an incident.
pub(super) struct Facts {
    pub(super) student_id: PersonId,
    pub(super) incident_id: DisciplineIncidentId,
    given_name: String,
    family_name: String,
    school_name: String,
    identifier: Option<String>,
    date: Date,
    time: Option<Time>,
    location: String,
    participation: String,
    behavior: Option<String>,
    points: i32,
    actions: Vec<String>,
}

/// A word of a vocabulary as people write it.
fn spoken(word: &str) -> String {
    word.strip_prefix("ext:").unwrap_or(word).replace('_', " ")
}

impl Facts {
    fn from_row(row: &Row, actions: &[Row]) -> Self {
        let action = |row: &Row| {
            let kind = spoken(row.get::<_, &str>("discipline"));
            let date: Date = row.get("discipline_date");
            match row.get::<_, Option<i32>>("discipline_action_length") {
                Some(days) => format!("{kind}, {date}, {days} d"),
                None => format!("{kind}, {date}"),
            }
        };
        Self {
            student_id: row.get("person_id"),
            incident_id: row.get("incident_id"),
            given_name: row.get("given_name"),
            family_name: row.get("family_name"),
            school_name: row.get("school_name"),
            identifier: row.get("incident_identifier"),
            date: row.get("incident_date"),
            time: row.get("incident_time"),
            location: spoken(row.get::<_, &str>("incident_location")),
            participation: spoken(row.get::<_, &str>("participation_code")),
            behavior: row.get("behavior"),
            points: row.get("points"),
            actions: actions.iter().map(action).collect(),
        }
    }

    /// What stands for a placeholder.
    pub(super) fn told(&self, place: Placeholder, message: &str, today: Date) -> String {
        match place {
            Placeholder::StudentName => format!("{} {}", self.given_name, self.family_name),
            Placeholder::StudentGivenName => self.given_name.clone(),
            Placeholder::StudentFamilyName => self.family_name.clone(),
            Placeholder::SchoolName => self.school_name.clone(),
            Placeholder::IncidentIdentifier => self.identifier.clone().unwrap_or_default(),
            Placeholder::IncidentDate => self.date.to_string(),
            Placeholder::IncidentTime => {
                self.time.map(|time| DayTime::from_column(time).to_string()).unwrap_or_default()
            }
            Placeholder::IncidentLocation => self.location.clone(),
            Placeholder::Participation => self.participation.clone(),
            Placeholder::Behavior => self.behavior.clone().unwrap_or_default(),
            Placeholder::Points => self.points.to_string(),
            Placeholder::Actions => self.actions.join("\n"),
            Placeholder::Message => message.to_owned(),
            Placeholder::Today => today.to_string(),
        }
    }
}

/// To whom a letter may go, and whom it must not name.
pub(super) struct About {
    pub(super) student: Names,
    pub(super) others: Vec<Names>,
    pub(super) recipients: Vec<LetterRecipient>,
}

impl About {
    fn from_rows(names: &[Row], recipients: &[Row]) -> Self {
        let mut student = Names { given: Vec::new(), family: Vec::new() };
        let mut others = Vec::new();
        for row in names {
            let both = |own: &str, preferred: &str| {
                std::iter::once(row.get(own)).chain(row.get::<_, Option<String>>(preferred)).collect::<Vec<String>>()
            };
            let names = Names {
                given: both("given_name", "preferred_given_name"),
                family: both("family_name", "preferred_family_name"),
            };
            if row.get("is_student") { student = names } else { others.push(names) }
        }
        let recipient = |row: &Row| LetterRecipient {
            person_id: row.get("id"),
            name: format!("{} {}", row.get::<_, &str>("given_name"), row.get::<_, &str>("family_name")),
            email: row.get("email"),
            by_mail: row.get("contact_by_mail"),
        };
        Self { student, others, recipients: recipients.iter().map(recipient).collect() }
    }
}

/// What a letter is made of.
pub(super) struct Material {
    pub(super) facts: Option<Facts>,
    pub(super) about: About,
    pub(super) template: Option<String>,
}

/// Everything that a letter is made of, in one round trip.
pub(super) async fn gather(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    participant: IncidentParticipantId,
    template: IncidentLetterTemplateId,
    on: Date,
) -> Result<Material> {
    let one: &Parameters<'_> = &[&participant];
    let steps: [(&'static Statement, &Parameters<'_>); 5] =
        [(&FACTS, one), (&ACTIONS, one), (&NAMES, one), (&RECIPIENTS, &[&participant, &on]), (&TEMPLATE, &[&template])];
    let rows = IdempotencyKey::query_all(key, tx, &steps).await?;
    Ok(Material {
        facts: rows[0].first().map(|row| Facts::from_row(row, &rows[1])),
        about: About::from_rows(&rows[2], &rows[3]),
        template: rows[4].first().map(|row| row.get("body")),
    })
}

/// To whom it may go today, and whom it must not name.
pub(super) async fn about(tx: &mut TenantTx, participant: IncidentParticipantId, on: Date) -> Result<About> {
    let rows = tx.query_all(&[(&NAMES, &[&participant]), (&RECIPIENTS, &[&participant, &on])]).await?;
    Ok(About::from_rows(&rows[0], &rows[1]))
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

/// One that is kept from changing.
pub(super) async fn lock(tx: &mut TenantTx, id: IncidentLetterId) -> Result<IncidentLetter> {
    letter(found(&tx.query(&LOCK, &[&id]).await?)?)
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
