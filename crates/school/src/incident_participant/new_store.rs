//! All SQL about new participants, alone or with a new incident.

use cloister_http::IdempotencyKey;
use cloister_tenancy::{
    Error, Result, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};

use super::{
    IncidentParticipant,
    store::{columns, severity},
};
use crate::{
    behavior_scope_store::reported,
    presence_store::{self, check_present},
    record::found,
    scope::{Sight, Within},
    scope_store::students_taught,
    unnamed_store::head,
};

/// What of a new one is there: `$2` the incident, `$3` the person, `$4` the code.
macro_rules! facts {
    ($incident:expr, $person:expr) => {
        concat!(
            "select exists (select from discipline_incident i where i.tenant_id = $1 and i.id = $2 and i.status = 'active'",
            $incident,
            ") as incident_known, exists (select from person p where p.tenant_id = $1 and p.id = $3 and p.status = 'active'",
            $person,
            ") as person_known, $4::uuid is null or exists (select from behavior_code c where c.tenant_id = $1 and c.id = $4
                and c.status = 'active') as code_known"
        )
    };
}

/// A new one with the day of its incident and what its code means now.
macro_rules! insert {
    ($within:expr) => {
        concat!(
            "insert into incident_participant (tenant_id, id, ", head!(), ", ", columns!(), ")
             select $1, $2, 'active', $3, $4, $5, 1, $3, $6, $3, $6, i.id, i.incident_date, p.id, $9::text, c.id, c.severity,
                coalesce($11::integer, c.points, 0), $12::text
             from discipline_incident i join person p on p.tenant_id = $1 and p.id = $8 and p.status = 'active'
             left join behavior_code c on c.tenant_id = $1 and c.id = $10 and c.status = 'active'
             where i.tenant_id = $1 and i.id = $7 and i.status = 'active' and ($10::uuid is null or c.id is not null)",
            $within,
            " returning incident_date, severity, points"
        )
    };
}

statements! {
    /// What of a new one is there.
    FACTS = facts!("", "");
    /// The same of what a teacher may add: students taught, to an incident that they reported.
    FACTS_WITHIN = facts!(
        concat!(" and i.id = any(array(", reported!("$5", "$7"), "))"),
        concat!(" and p.id = any(array(", students_taught!("$5", "$6", "$7"), "))")
    );
    /// Keeps an incident from moving to another day.
    KEEP_INCIDENT = "select id from discipline_incident where tenant_id = $1 and id = $2 for share";
    /// A new one.
    INSERT = insert!("");
    /// A new one within what a teacher may add.
    INSERT_WITHIN = insert!(concat!(
        " and i.id = any(array(", reported!("$13", "$15"), ")) and p.id = any(array(",
        students_taught!("$13", "$14", "$15"), "))"
    ));
}

/// The words of a new participant, as parameters: its source and its part.
pub(crate) fn words_of(made: &IncidentParticipant) -> [&'static str; 2] {
    [made.record.source.word(), made.fields.participation_code.word()]
}

/// What a new participant takes: two statements with their parameters, to be sent with others.
pub(crate) struct InsertItem<'a> {
    statements: [&'static Statement; 2],
    facts: Vec<&'a (dyn ToSql + Sync)>,
    values: Vec<&'a (dyn ToSql + Sync)>,
}

impl<'a> InsertItem<'a> {
    /// Of this one, by somebody who may add as far as `sight` goes.
    pub(crate) fn new(sight: &'a Sight, made: &'a IncidentParticipant, [source, part]: &'a [&'static str; 2]) -> Self {
        let IncidentParticipant { id, fields, record, .. } = made;
        let mut facts: Vec<&(dyn ToSql + Sync)> =
            vec![&fields.incident_id, &fields.person_id, &fields.behavior_code_id];
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![
            id,
            &record.created_at,
            source,
            fields.metadata.column(),
            &record.created_by,
            &fields.incident_id,
            &fields.person_id,
            part,
            &fields.behavior_code_id,
            &fields.points,
            &fields.note,
        ];
        let statements: [&'static Statement; 2] = match sight {
            Sight::All => [&FACTS, &INSERT],
            Sight::Within(Within { account, on, scopes, .. }) => {
                let reader: [&(dyn ToSql + Sync); 3] = [account, on, scopes];
                facts.extend(reader);
                values.extend(reader);
                [&FACTS_WITHIN, &INSERT_WITHIN]
            }
        };
        Self { statements, facts, values }
    }

    /// The two.
    pub(crate) fn steps(&self) -> [(&'static Statement, &Parameters<'_>); 2] {
        [(self.statements[0], &self.facts), (self.statements[1], &self.values)]
    }
}

/// The row that the two statements made, or why they made none. `at`: which of a list it was.
pub(crate) fn check_new_one(answers: &[Vec<Row>], at: Option<usize>) -> Result<&Row> {
    let [facts, made] = answers else { return Err(Error::internal("two answers to each participant")) };
    let facts = found(facts)?;
    let field = |name: &str| at.map_or_else(|| name.to_owned(), |at| format!("participants[{at}].{name}"));
    if !facts.get::<_, bool>("incident_known") {
        let message = "There is no such incident that counts.";
        return Err(Error::field(&field("incident_id"), "discipline_incident_unknown", message));
    }
    if !facts.get::<_, bool>("person_known") {
        return Err(Error::field(&field("person_id"), "person_unknown", "There is no such person."));
    }
    if !facts.get::<_, bool>("code_known") {
        let message = "There is no such behavior code that counts.";
        return Err(Error::field(&field("behavior_code_id"), "behavior_code_unknown", message));
    }
    found(made)
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    sight: &Sight,
    mut made: IncidentParticipant,
) -> Result<IncidentParticipant> {
    let words = words_of(&made);
    let item = InsertItem::new(sight, &made, &words);
    let [facts, new] = item.steps();
    let kept: &Parameters<'_> = &[&made.fields.incident_id];
    let persons = vec![made.fields.person_id];
    let present: &Parameters<'_> = &[&persons];
    let steps = [(&presence_store::PRESENT, present), (&KEEP_INCIDENT, kept), facts, new];
    let rows = IdempotencyKey::query_all(key, tx, &steps).await?;
    // Whoever has a scope is told of nobody outside of it that they are there.
    if matches!(sight, Sight::All) {
        check_present(&rows[0], made.fields.person_id, "person_id")?;
    }
    let row = check_new_one(&rows[2..], None)?;
    made.incident_date = row.get("incident_date");
    made.severity = severity(row)?;
    made.fields.points = Some(row.get("points"));
    Ok(made)
}
