//! All SQL about participants that are there, but for the sums of their points.

use cloister_ids::{BehaviorCodeId, DisciplineIncidentId, IncidentParticipantId, PersonId};
use cloister_tenancy::{
    Error, OpContext, Result, Tenancy, TenantTx,
    sql::{Row, Statement, ToSql, statements},
};
use jiff::civil::Date;

use super::{IncidentParticipant, IncidentParticipantFields, Participation};
use crate::{
    behavior_code::BehaviorSeverity,
    behavior_scope_store::{participants_within, reported},
    listing::Span,
    presence_store::present_of,
    record::{Metadata, Record, found, status},
    scope::{Sight, Within},
    scope_store::{many_within, one_within, staff_sees},
    store::delete,
    unnamed_store::{get, lock, page, update},
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

pub(super) use columns;

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

pub(super) fn severity(row: &Row) -> Result<Option<BehaviorSeverity>> {
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
