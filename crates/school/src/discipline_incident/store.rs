//! All SQL about incidents.

use cloister_http::IdempotencyKey;
use cloister_ids::{DisciplineIncidentId, OrgId, PersonId};
use cloister_tenancy::{
    Error, OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};
use jiff::civil::Date;

use super::{DisciplineIncident, DisciplineIncidentFields};
use crate::{
    behavior_scope_store::{incidents_within, participants_within},
    day_time::DayTime,
    incident_participant::{self, IncidentParticipant},
    listing::Span,
    presence_store::{self, check_named, check_present},
    record::{Metadata, Record, found, status},
    scope::{Sight, Within},
    scope_store::{many_within, one_within, reader},
    store::delete,
    unnamed_store::{get, head, insert, lock, page, update},
    vocabulary::IncidentLocation,
};

macro_rules! fields {
    () => {
        "incident_identifier, school_id, incident_date, incident_time, incident_location, location_description,
         reporter_id, description, reported_to_law_enforcement, case_number, incident_cost, confidential"
    };
}

/// `$6` and `$7` the days, `$8` whether confidential, `$9` the school, `$10` the student, `$11` the identifier.
macro_rules! list {
    ($which:expr, $direction:ident) => {
        page!(
            "discipline_incident",
            fields!(),
            concat!(
                " and ($6::date is null or incident_date >= $6) and ($7::date is null or incident_date < $7)
                  and ($8::boolean is null or confidential = $8)",
                $which
            ),
            "incident_date" $direction
        )
    };
}

macro_rules! all {
    () => {
        " and $9::uuid is null and $10::uuid is null and $11::text is null"
    };
}

macro_rules! of_school {
    () => {
        " and school_id = $9 and $10::uuid is null and $11::text is null"
    };
}

/// A student had a part in few: they are found first.
macro_rules! of_student {
    () => {
        " and ($9::uuid is null or school_id = $9) and ($11::text is null or incident_identifier = $11)
          and id = any(array(select q.incident_id from incident_participant q
            where q.tenant_id = $1 and q.person_id = $10 and q.status = 'active'))"
    };
}

macro_rules! of_identifier {
    () => {
        " and ($9::uuid is null or school_id = $9) and $10::uuid is null and incident_identifier = $11"
    };
}

/// `$12` the reader, `$13` the day, `$14` the scopes, `$15` those of participants.
macro_rules! within {
    () => {
        concat!(
            " and ($9::uuid is null or school_id = $9) and ($11::text is null or incident_identifier = $11)
              and ($10::uuid is null or id = any(array(select q.incident_id from incident_participant q
                where q.tenant_id = $1 and q.person_id = $10 and q.status = 'active' and ('all' = any($15::text[])
                    or q.id = any(array(",
            participants_within!("$12", "$13", "$15"),
            "))))))",
            many_within!(incidents_within!("$12", "$13", "$14"))
        )
    };
}

statements! {
    /// One.
    GET = get!("discipline_incident", fields!());
    /// One within scopes, that is not confidential.
    GET_WITHIN = concat!(get!("discipline_incident", fields!()), one_within!(incidents_within!("$3", "$4", "$5")));
    /// One, to be changed.
    LOCK = lock!("discipline_incident", fields!());
    /// A new one.
    INSERT = concat!(
        insert!(
            "discipline_incident",
            fields!(),
            "$7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18"
        ),
        " returning reporter_id"
    );
    /// A new one that the reader reports, where there is such a school.
    INSERT_WITHIN = concat!(
        "insert into discipline_incident (tenant_id, id, ", head!(), ", ", fields!(), ")
         select $1, $2, 'active', $3, $4, $5, 1, $3, $6, $3, $6, $7::text, $8::uuid, $9::date, $10::time, $11::text, $12::text,
            me.id, $13::text, $14::boolean, $15::text, $16::integer, false
         from person me join org s on s.tenant_id = $1 and s.id = $8 where ", reader!("$17"), " and 'own_classes' = any($18::text[]) returning reporter_id"
    );
    /// Whether there is such a school.
    SCHOOL = "select exists (select from org where tenant_id = $1 and id = $2) as known";
    /// New values.
    UPDATE = update!(
        "discipline_incident",
        "incident_identifier = $7, school_id = $8, incident_date = $9, incident_time = $10, incident_location = $11, location_description = $12, reporter_id = $13, description = $14, reported_to_law_enforcement = $15, case_number = $16, incident_cost = $17, confidential = $18"
    );
    /// Its participants keep to its day.
    MOVE_PARTICIPANTS = "update incident_participant set incident_date = $3, date_last_modified = $4, updated_at = $4,
        updated_by = $5, version = version + 1 where tenant_id = $1 and incident_id = $2";
    /// Marked as deleted.
    DELETE = delete!("discipline_incident", "id = $2");
    /// All by day.
    ALL_BY_DATE = list!(all!(), asc);
    /// All by day, from the last.
    ALL_BY_DATE_DESC = list!(all!(), desc);
    /// Those of a school by day.
    SCHOOL_BY_DATE = list!(of_school!(), asc);
    /// Those of a school by day, from the last.
    SCHOOL_BY_DATE_DESC = list!(of_school!(), desc);
    /// Those of a student by day.
    STUDENT_BY_DATE = list!(of_student!(), asc);
    /// Those of a student by day, from the last.
    STUDENT_BY_DATE_DESC = list!(of_student!(), desc);
    /// The one with an identifier, and deleted ones that had it.
    IDENTIFIER_BY_DATE = list!(of_identifier!(), asc);
    /// The same from the last.
    IDENTIFIER_BY_DATE_DESC = list!(of_identifier!(), desc);
    /// Those within scopes by day.
    WITHIN_BY_DATE = list!(concat!(" and not confidential", within!()), asc);
    /// Those within scopes by day, from the last.
    WITHIN_BY_DATE_DESC = list!(concat!(" and not confidential", within!()), desc);
}

fn incident(row: &Row) -> Result<DisciplineIncident> {
    Ok(DisciplineIncident {
        id: row.get("id"),
        fields: DisciplineIncidentFields {
            status: status(row)?,
            incident_identifier: row.get("incident_identifier"),
            school_id: row.get("school_id"),
            incident_date: row.get("incident_date"),
            incident_time: row.get::<_, Option<_>>("incident_time").map(DayTime::from_column),
            incident_location: IncidentLocation::from_column(row.get("incident_location")),
            location_description: row.get("location_description"),
            reporter_id: row.get("reporter_id"),
            description: row.get("description"),
            reported_to_law_enforcement: row.get("reported_to_law_enforcement"),
            case_number: row.get("case_number"),
            incident_cost: row.get("incident_cost"),
            confidential: row.get("confidential"),
            participants: Vec::new(),
            metadata: Metadata::from_row(row),
        },
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    id: DisciplineIncidentId,
) -> Result<DisciplineIncident> {
    let rows = match sight {
        Sight::All => tenancy.fetch(cx, &GET, &[&id]).await?,
        Sight::Within(Within { account, on, scopes, .. }) => {
            tenancy.fetch(cx, &GET_WITHIN, &[&id, account, on, scopes]).await?
        }
    };
    incident(found(&rows)?)
}

/// The incident and its participants, in one round trip. Returns who reported it; none when a narrowed reporter is nobody here.
pub(super) async fn insert(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    sight: &Sight,
    made: &DisciplineIncident,
    parts: &Sight,
    participants: &[IncidentParticipant],
) -> Result<Option<PersonId>> {
    let DisciplineIncident { id, fields, record } = made;
    let (source, time) = (record.source.word(), fields.incident_time.as_ref().map(DayTime::column));
    let mut values: Vec<&(dyn ToSql + Sync)> =
        vec![id, &record.created_at, &source, fields.metadata.column(), &record.created_by];
    values.extend([
        &fields.incident_identifier as &(dyn ToSql + Sync),
        &fields.school_id,
        &fields.incident_date,
        &time,
        fields.incident_location.column(),
        &fields.location_description,
    ]);
    let statement: &'static Statement = match sight {
        Sight::All => {
            values.push(&fields.reporter_id);
            &INSERT
        }
        Sight::Within(_) => &INSERT_WITHIN,
    };
    values.extend([
        &fields.description as &(dyn ToSql + Sync),
        &fields.reported_to_law_enforcement,
        &fields.case_number,
        &fields.incident_cost,
    ]);
    match sight {
        Sight::All => values.push(&fields.confidential),
        Sight::Within(Within { account, scopes, .. }) => values.extend([account as &(dyn ToSql + Sync), scopes]),
    }
    let words: Vec<_> = participants.iter().map(incident_participant::words_of).collect();
    let new = |(one, words)| incident_participant::InsertItem::new(parts, one, words);
    let items: Vec<_> = participants.iter().zip(&words).map(new).collect();
    let mut persons: Vec<PersonId> = participants.iter().map(|one| one.fields.person_id).collect();
    persons.extend(fields.reporter_id);
    let present: &Parameters<'_> = &[&persons];
    let mut steps: Vec<(&'static Statement, &Parameters<'_>)> =
        vec![(&presence_store::PRESENT, present), (statement, &values)];
    steps.extend(items.iter().flat_map(incident_participant::InsertItem::steps));
    let school: &Parameters<'_> = &[&fields.school_id];
    steps.push((&SCHOOL, school));
    let rows = IdempotencyKey::query_all(key, tx, &steps).await?;
    let [present, new, answers @ .., school] = rows.as_slice() else {
        return Err(Error::internal("an answer to each statement"));
    };
    // Whoever has a scope is told of nobody outside of it that they are there.
    if matches!(parts, Sight::All) {
        for (at, one) in participants.iter().enumerate() {
            check_present(present, one.fields.person_id, &format!("participants[{at}].person_id"))?;
        }
    }
    if matches!(sight, Sight::All) {
        check_named(present, fields.reporter_id, None, "reporter_id")?;
    }
    let Some(row) = new.first() else {
        for (at, answers) in answers.chunks(2).enumerate() {
            incident_participant::check_persons(answers, at)?;
        }
        let known = school.first().is_some_and(|row| row.get("known"));
        return if known {
            Ok(None)
        } else {
            Err(Error::field("school_id", "org_unknown", "There is no such organisation."))
        };
    };
    for (at, answers) in answers.chunks(2).enumerate() {
        incident_participant::check_new_one(answers, Some(at))?;
    }
    Ok(row.get("reporter_id"))
}

/// One that is kept from changing, and those who may become its reporter, who are kept from leaving.
pub(super) async fn lock(
    tx: &mut TenantTx,
    id: DisciplineIncidentId,
    named: &[PersonId],
) -> Result<(DisciplineIncident, Vec<Row>)> {
    let mut rows = tx.query_all(&[(&presence_store::PRESENT, &[&named]), (&LOCK, &[&id])]).await?;
    Ok((incident(found(&rows[1])?)?, rows.swap_remove(0)))
}

/// The change and the commit, in one round trip. `moved`: to another day.
pub(super) async fn update(tx: TenantTx, changed: &DisciplineIncident, moved: bool) -> Result<()> {
    let DisciplineIncident { id, fields, record } = changed;
    let (status, time) = (fields.status.word(), fields.incident_time.as_ref().map(DayTime::column));
    let values: &Parameters<'_> = &[
        id,
        &status,
        &record.updated_at,
        &record.updated_by,
        fields.metadata.column(),
        &fields.incident_identifier,
        &fields.school_id,
        &fields.incident_date,
        &time,
        fields.incident_location.column(),
        &fields.location_description,
        &fields.reporter_id,
        &fields.description,
        &fields.reported_to_law_enforcement,
        &fields.case_number,
        &fields.incident_cost,
        &fields.confidential,
    ];
    let day: &Parameters<'_> = &[id, &fields.incident_date, &record.updated_at, &record.updated_by];
    let mut steps: Vec<(&'static Statement, &Parameters<'_>)> = vec![(&UPDATE, values)];
    if moved {
        steps.push((&MOVE_PARTICIPANTS, day));
    }
    tx.commit_with(&steps).await.map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: DisciplineIncidentId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which incidents.
pub(super) struct Selection<'a> {
    pub(super) span: Span,
    pub(super) from: Option<Date>,
    pub(super) until: Option<Date>,
    pub(super) confidential: Option<bool>,
    pub(super) school_id: Option<OrgId>,
    pub(super) student_id: Option<PersonId>,
    pub(super) incident_identifier: Option<&'a str>,
}

pub(super) async fn list_by_date(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection<'_>,
) -> Result<Vec<DisciplineIncident>> {
    let Selection { span, from, until, confidential, school_id, student_id, incident_identifier } = selection;
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![
        &span.status,
        span.key(),
        &span.after.id,
        &span.limit,
        from,
        until,
        confidential,
        school_id,
        student_id,
        incident_identifier,
    ];
    let statements: [&'static Statement; 2] = match sight {
        Sight::Within(Within { account, on, scopes, places }) => {
            parameters.extend([account as &(dyn ToSql + Sync), on, scopes, places]);
            [&WITHIN_BY_DATE, &WITHIN_BY_DATE_DESC]
        }
        Sight::All if student_id.is_some() => [&STUDENT_BY_DATE, &STUDENT_BY_DATE_DESC],
        Sight::All if incident_identifier.is_some() => [&IDENTIFIER_BY_DATE, &IDENTIFIER_BY_DATE_DESC],
        Sight::All if school_id.is_some() => [&SCHOOL_BY_DATE, &SCHOOL_BY_DATE_DESC],
        Sight::All => [&ALL_BY_DATE, &ALL_BY_DATE_DESC],
    };
    tenancy.fetch(cx, span.pick(statements), &parameters).await?.iter().map(incident).collect()
}
