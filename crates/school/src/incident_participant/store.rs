//! All SQL about participants, but for the sums of their points.

use cloister_http::IdempotencyKey;
use cloister_ids::{BehaviorCodeId, DisciplineIncidentId, IncidentParticipantId, PersonId};
use cloister_tenancy::{
    Error, OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};
use jiff::civil::Date;

use super::{IncidentParticipant, IncidentParticipantFields, Participation};
use crate::{
    behavior_code::BehaviorSeverity,
    behavior_scope_store::{participants_within, reported, staff_sees},
    listing::Span,
    presence_store::{self, check_present, present_of},
    record::{Metadata, Record, found, status},
    scope::{Sight, Within},
    scope_store::{many_within, one_within, students_taught},
    store::delete,
    unnamed_store::{get, head, lock, page, update},
};

macro_rules! columns {
    () => {
        "incident_id, incident_date, person_id, participation_code, behavior_code_id, severity, points, note"
    };
}

macro_rules! fields {
    () => {
        concat!(columns!(), ", true as staff_sees")
    };
}

/// With whether it is seen as staff see it: a student taught, or an incident that the reader reported.
macro_rules! fields_within {
    ($account:literal, $on:literal, $scopes:literal) => {
        concat!(
            columns!(),
            ", (",
            staff_sees!("person_id", $account, $on, $scopes),
            " or incident_id = any(array(",
            reported!($account, $scopes),
            "))) as staff_sees"
        )
    };
}

/// `$6` and `$7` the days, `$8` the part, `$9` the incident, `$10` the person, `$11` the behavior code.
macro_rules! list {
    ($fields:expr, $which:expr, $direction:ident) => {
        page!(
            "incident_participant",
            $fields,
            concat!(
                " and ($6::date is null or incident_date >= $6) and ($7::date is null or incident_date < $7)
                  and ($8::text is null or participation_code = $8)",
                $which
            ),
            "incident_date" $direction
        )
    };
}

macro_rules! all {
    () => {
        " and $9::uuid is null and $10::uuid is null and $11::uuid is null"
    };
}

/// An incident has few: it brings them, and they are sorted.
macro_rules! of_incident {
    () => {
        " and incident_id = $9 and ($10::uuid is null or person_id = $10) and ($11::uuid is null or behavior_code_id = $11)"
    };
}

macro_rules! of_person {
    () => {
        " and $9::uuid is null and person_id = $10 and ($11::uuid is null or behavior_code_id = $11)"
    };
}

macro_rules! of_code {
    () => {
        " and $9::uuid is null and $10::uuid is null and behavior_code_id = $11"
    };
}

macro_rules! within {
    () => {
        concat!(
            " and ($9::uuid is null or incident_id = $9) and ($10::uuid is null or person_id = $10)
              and ($11::uuid is null or behavior_code_id = $11)",
            many_within!(participants_within!("$12", "$13", "$14"))
        )
    };
}

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
    /// One.
    GET = get!("incident_participant", fields!());
    /// One within scopes.
    GET_WITHIN = concat!(
        get!("incident_participant", fields_within!("$3", "$4", "$5")),
        one_within!(participants_within!("$3", "$4", "$5"))
    );
    /// One, to be changed.
    LOCK = lock!("incident_participant", fields!());
    /// Whom one is about.
    PERSON_OF = present_of!("incident_participant", "person_id");
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
    /// What a code means now.
    MEANING = "select severity, points from behavior_code where tenant_id = $1 and id = $2 and status = 'active'";
    /// New values.
    UPDATE = update!(
        "incident_participant",
        "participation_code = $7, behavior_code_id = $8, severity = $9, points = $10, note = $11"
    );
    /// Marked as deleted.
    DELETE = delete!("incident_participant", "id = $2");
    /// All by day.
    ALL_BY_DATE = list!(fields!(), all!(), asc);
    /// All by day, from the last.
    ALL_BY_DATE_DESC = list!(fields!(), all!(), desc);
    /// Those of an incident.
    INCIDENT_BY_DATE = list!(fields!(), of_incident!(), asc);
    /// Those of an incident, the other way round.
    INCIDENT_BY_DATE_DESC = list!(fields!(), of_incident!(), desc);
    /// Those of a person by day.
    PERSON_BY_DATE = list!(fields!(), of_person!(), asc);
    /// Those of a person by day, from the last.
    PERSON_BY_DATE_DESC = list!(fields!(), of_person!(), desc);
    /// Those with a behavior code by day.
    CODE_BY_DATE = list!(fields!(), of_code!(), asc);
    /// Those with a behavior code by day, from the last.
    CODE_BY_DATE_DESC = list!(fields!(), of_code!(), desc);
    /// Those within scopes by day.
    WITHIN_BY_DATE = list!(fields_within!("$12", "$13", "$14"), within!(), asc);
    /// Those within scopes by day, from the last.
    WITHIN_BY_DATE_DESC = list!(fields_within!("$12", "$13", "$14"), within!(), desc);
}

fn severity(row: &Row) -> Result<Option<BehaviorSeverity>> {
    row.get::<_, Option<&str>>("severity").map(|word| word.parse().map_err(Error::internal)).transpose()
}

fn participant(row: &Row) -> Result<IncidentParticipant> {
    let staff_sees: bool = row.get("staff_sees");
    Ok(IncidentParticipant {
        id: row.get("id"),
        fields: IncidentParticipantFields {
            status: status(row)?,
            incident_id: row.get("incident_id"),
            person_id: row.get("person_id"),
            participation_code: row.get::<_, &str>("participation_code").parse().map_err(Error::internal)?,
            behavior_code_id: row.get("behavior_code_id"),
            points: Some(row.get("points")),
            note: row.get::<_, Option<String>>("note").filter(|_| staff_sees),
            metadata: if staff_sees { Metadata::from_row(row) } else { Metadata::default() },
        },
        incident_date: row.get("incident_date"),
        severity: severity(row)?,
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    id: IncidentParticipantId,
) -> Result<IncidentParticipant> {
    let rows = match sight {
        Sight::All => tenancy.fetch(cx, &GET, &[&id]).await?,
        Sight::Within(Within { account, on, scopes, .. }) => {
            tenancy.fetch(cx, &GET_WITHIN, &[&id, account, on, scopes]).await?
        }
    };
    participant(found(&rows)?)
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

/// One that is kept from changing, and whom it is about, who is kept from leaving.
pub(super) async fn lock(tx: &mut TenantTx, id: IncidentParticipantId) -> Result<(IncidentParticipant, Vec<Row>)> {
    let mut rows = tx.query_all(&[(&PERSON_OF, &[&id]), (&LOCK, &[&id])]).await?;
    Ok((participant(found(&rows[1])?)?, rows.swap_remove(0)))
}

/// What a code means now; none when there is no such code that counts.
pub(super) async fn meaning(tx: &mut TenantTx, code: BehaviorCodeId) -> Result<Option<(BehaviorSeverity, i32)>> {
    let rows = tx.query(&MEANING, &[&code]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(severity(row)?.map(|severity| (severity, row.get("points"))))
}

/// The change and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, changed: &IncidentParticipant) -> Result<()> {
    let IncidentParticipant { id, fields, severity, record, .. } = changed;
    let severity = severity.map(BehaviorSeverity::word);
    tx.commit_with(&[(
        &UPDATE,
        &[
            id,
            &fields.status.word(),
            &record.updated_at,
            &record.updated_by,
            fields.metadata.column(),
            &fields.participation_code.word(),
            &fields.behavior_code_id,
            &severity,
            &fields.points,
            &fields.note,
        ],
    )])
    .await
    .map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: IncidentParticipantId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which participants.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) from: Option<Date>,
    pub(super) until: Option<Date>,
    pub(super) participation_code: Option<Participation>,
    pub(super) incident_id: Option<DisciplineIncidentId>,
    pub(super) person_id: Option<PersonId>,
    pub(super) behavior_code_id: Option<BehaviorCodeId>,
}

pub(super) async fn list_by_date(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<IncidentParticipant>> {
    let Selection { span, from, until, participation_code, incident_id, person_id, behavior_code_id } = selection;
    let part = participation_code.map(Participation::word);
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![
        &span.status,
        span.key(),
        &span.after.id,
        &span.limit,
        from,
        until,
        &part,
        incident_id,
        person_id,
        behavior_code_id,
    ];
    let statements: [&'static Statement; 2] = match sight {
        Sight::Within(Within { account, on, scopes, .. }) => {
            parameters.extend([account as &(dyn ToSql + Sync), on, scopes]);
            [&WITHIN_BY_DATE, &WITHIN_BY_DATE_DESC]
        }
        Sight::All if incident_id.is_some() => [&INCIDENT_BY_DATE, &INCIDENT_BY_DATE_DESC],
        Sight::All if person_id.is_some() => [&PERSON_BY_DATE, &PERSON_BY_DATE_DESC],
        Sight::All if behavior_code_id.is_some() => [&CODE_BY_DATE, &CODE_BY_DATE_DESC],
        Sight::All => [&ALL_BY_DATE, &ALL_BY_DATE_DESC],
    };
    tenancy.fetch(cx, span.pick(statements), &parameters).await?.iter().map(participant).collect()
}
