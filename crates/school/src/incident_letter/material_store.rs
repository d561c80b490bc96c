//! All SQL about what a letter is made of: what is known of one student's part in an incident, to whom a letter about it may go,
//! and whom it must not name.

use cloister_http::IdempotencyKey;
use cloister_ids::{DisciplineIncidentId, IncidentLetterTemplateId, IncidentParticipantId, PersonId};
use cloister_tenancy::{
    Result, TenantTx,
    sql::{Parameters, Row, Statement, statements},
};
use jiff::civil::{Date, Time};

use super::{LetterRecipient, names::Names};
use crate::{day_time::DayTime, incident_letter_template::Placeholder, presence_store::present_of, scope_store::acts};

statements! {
    /// Whose part it is.
    STUDENT_OF = present_of!("incident_participant", "person_id");
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
    NAMES = "select n.person_id = p.person_id as is_student, s.given_name, s.middle_name, s.family_name,
            s.preferred_given_name, s.preferred_middle_name, s.preferred_family_name
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
        let mut student = Names::default();
        let mut others = Vec::new();
        for row in names {
            let both = |own: &str, preferred: &str| {
                [own, preferred].into_iter().filter_map(|column| row.get(column)).collect::<Vec<String>>()
            };
            let names = Names {
                given: both("given_name", "preferred_given_name"),
                middle: both("middle_name", "preferred_middle_name"),
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

/// Everything that a letter is made of, in one round trip. The student is kept from leaving until it is written.
pub(super) async fn gather(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    participant: IncidentParticipantId,
    template: IncidentLetterTemplateId,
    on: Date,
) -> Result<Material> {
    let one: &Parameters<'_> = &[&participant];
    let steps: [(&'static Statement, &Parameters<'_>); 6] = [
        (&STUDENT_OF, one),
        (&FACTS, one),
        (&ACTIONS, one),
        (&NAMES, one),
        (&RECIPIENTS, &[&participant, &on]),
        (&TEMPLATE, &[&template]),
    ];
    let rows = IdempotencyKey::query_all(key, tx, &steps).await?;
    Ok(Material {
        facts: rows[1].first().map(|row| Facts::from_row(row, &rows[2])),
        about: About::from_rows(&rows[3], &rows[4]),
        template: rows[5].first().map(|row| row.get("body")),
    })
}

/// To whom it may go today, and whom it must not name.
pub(super) async fn about(tx: &mut TenantTx, participant: IncidentParticipantId, on: Date) -> Result<About> {
    let rows = tx.query_all(&[(&NAMES, &[&participant]), (&RECIPIENTS, &[&participant, &on])]).await?;
    Ok(About::from_rows(&rows[0], &rows[1]))
}
