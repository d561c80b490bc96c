//! All SQL about actions.

use cloister_http::IdempotencyKey;
use cloister_ids::{DisciplineActionId, DisciplineIncidentId, OrgId, PersonId};
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};
use jiff::civil::Date;

use super::{DisciplineAction, DisciplineActionFields};
use crate::{
    behavior_scope_store::actions_within,
    listing::Span,
    presence_store::{self, check_present, present_of},
    record::{Metadata, Record, found, status},
    scope::{Sight, Within},
    scope_store::staff_sees,
    scope_store::{many_within, one_within},
    store::delete,
    unnamed_store::{get, insert, lock, page, update},
    vocabulary::Discipline,
};

macro_rules! columns {
    () => {
        "student_id, incident_id, discipline, discipline_date, discipline_action_length, actual_discipline_action_length,
         responsibility_school_id, review_date, done, note"
    };
}

macro_rules! fields {
    () => {
        concat!(columns!(), ", true as staff_sees")
    };
}

macro_rules! fields_within {
    ($account:literal, $on:literal, $scopes:literal) => {
        concat!(columns!(), ", ", staff_sees!("student_id", $account, $on, $scopes), " as staff_sees")
    };
}

/// `$6` and `$7` the days, `$8` the kind, `$9` whether done, `$10` the student, `$11` the incident, `$12` the school.
macro_rules! list {
    ($fields:expr, $which:expr, $direction:ident) => {
        page!(
            "discipline_action",
            $fields,
            concat!(
                " and ($6::date is null or discipline_date >= $6) and ($7::date is null or discipline_date < $7)
                  and ($8::text is null or discipline = $8) and ($9::boolean is null or done = $9)",
                $which
            ),
            "discipline_date" $direction
        )
    };
}

macro_rules! all {
    () => {
        " and $10::uuid is null and $11::uuid is null and $12::uuid is null"
    };
}

macro_rules! of_student {
    () => {
        " and student_id = $10 and ($11::uuid is null or incident_id = $11)
          and ($12::uuid is null or responsibility_school_id = $12)"
    };
}

/// An incident has few: it brings them, and they are sorted.
macro_rules! of_incident {
    () => {
        " and $10::uuid is null and incident_id = $11 and ($12::uuid is null or responsibility_school_id = $12)"
    };
}

macro_rules! of_school {
    () => {
        " and $10::uuid is null and $11::uuid is null and responsibility_school_id = $12"
    };
}

macro_rules! within {
    () => {
        concat!(
            " and ($10::uuid is null or student_id = $10) and ($11::uuid is null or incident_id = $11)
              and ($12::uuid is null or responsibility_school_id = $12)",
            many_within!(actions_within!("$13", "$14", "$15"))
        )
    };
}

statements! {
    /// One.
    GET = get!("discipline_action", fields!());
    /// One within scopes.
    GET_WITHIN = concat!(
        get!("discipline_action", fields_within!("$3", "$4", "$5")),
        one_within!(actions_within!("$3", "$4", "$5"))
    );
    /// One, to be changed.
    LOCK = lock!("discipline_action", fields!());
    /// Whom one is about.
    STUDENT_OF = present_of!("discipline_action", "student_id");
    /// What of it is there: `$2` the student, `$3` the incident.
    FACTS = "select exists (select from person p where p.tenant_id = $1 and p.id = $2 and p.status = 'active') as student_known,
        $3::uuid is null or exists (select from discipline_incident i where i.tenant_id = $1 and i.id = $3
            and i.status = 'active') as incident_known,
        $3 is null or exists (select from incident_participant q where q.tenant_id = $1 and q.incident_id = $3
            and q.person_id = $2 and q.status = 'active') as takes_part";
    /// A new one.
    INSERT = insert!("discipline_action", columns!(), "$7, $8, $9, $10, $11, $12, $13, $14, $15, $16");
    /// New values.
    UPDATE = update!(
        "discipline_action",
        "incident_id = $7, discipline = $8, discipline_date = $9, discipline_action_length = $10, actual_discipline_action_length = $11, responsibility_school_id = $12, review_date = $13, done = $14, note = $15"
    );
    /// Marked as deleted.
    DELETE = delete!("discipline_action", "id = $2");
    /// All by day.
    ALL_BY_DATE = list!(fields!(), all!(), asc);
    /// All by day, from the last.
    ALL_BY_DATE_DESC = list!(fields!(), all!(), desc);
    /// Those about a student by day.
    STUDENT_BY_DATE = list!(fields!(), of_student!(), asc);
    /// Those about a student by day, from the last.
    STUDENT_BY_DATE_DESC = list!(fields!(), of_student!(), desc);
    /// Those because of an incident by day.
    INCIDENT_BY_DATE = list!(fields!(), of_incident!(), asc);
    /// Those because of an incident by day, from the last.
    INCIDENT_BY_DATE_DESC = list!(fields!(), of_incident!(), desc);
    /// Those of a school by day.
    SCHOOL_BY_DATE = list!(fields!(), of_school!(), asc);
    /// Those of a school by day, from the last.
    SCHOOL_BY_DATE_DESC = list!(fields!(), of_school!(), desc);
    /// Those within scopes by day.
    WITHIN_BY_DATE = list!(fields_within!("$13", "$14", "$15"), within!(), asc);
    /// Those within scopes by day, from the last.
    WITHIN_BY_DATE_DESC = list!(fields_within!("$13", "$14", "$15"), within!(), desc);
}

fn action(row: &Row) -> Result<DisciplineAction> {
    let staff_sees: bool = row.get("staff_sees");
    Ok(DisciplineAction {
        id: row.get("id"),
        fields: DisciplineActionFields {
            status: status(row)?,
            student_id: row.get("student_id"),
            incident_id: row.get("incident_id"),
            discipline: Discipline::from_column(row.get("discipline")),
            discipline_date: row.get("discipline_date"),
            discipline_action_length: row.get("discipline_action_length"),
            actual_discipline_action_length: row.get("actual_discipline_action_length"),
            responsibility_school_id: row.get("responsibility_school_id"),
            review_date: row.get("review_date"),
            done: row.get("done"),
            note: row.get::<_, Option<String>>("note").filter(|_| staff_sees),
            metadata: if staff_sees { Metadata::from_row(row) } else { Metadata::default() },
        },
        record: Record::from_row(row)?,
    })
}

/// What of an action is there.
pub(super) struct Facts {
    pub(super) student_known: bool,
    pub(super) incident_known: bool,
    pub(super) takes_part: bool,
}

impl Facts {
    fn from_row(row: &Row) -> Self {
        Self {
            student_known: row.get("student_known"),
            incident_known: row.get("incident_known"),
            takes_part: row.get("takes_part"),
        }
    }
}

pub(super) async fn get(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    id: DisciplineActionId,
) -> Result<DisciplineAction> {
    let rows = match sight {
        Sight::All => tenancy.fetch(cx, &GET, &[&id]).await?,
        Sight::Within(Within { account, on, scopes, .. }) => {
            tenancy.fetch(cx, &GET_WITHIN, &[&id, account, on, scopes]).await?
        }
    };
    action(found(&rows)?)
}

pub(super) async fn facts(tx: &mut TenantTx, fields: &DisciplineActionFields) -> Result<Facts> {
    let rows = tx.query(&FACTS, &[&fields.student_id, &fields.incident_id]).await?;
    Ok(Facts::from_row(found(&rows)?))
}

/// The action, and what of it is there: without that it must not stay.
pub(super) async fn insert(tx: &mut TenantTx, key: Option<&IdempotencyKey>, made: &DisciplineAction) -> Result<Facts> {
    let DisciplineAction { id, fields, record } = made;
    let source = record.source.word();
    let values: &Parameters<'_> = &[
        id,
        &record.created_at,
        &source,
        fields.metadata.column(),
        &record.created_by,
        &fields.student_id,
        &fields.incident_id,
        fields.discipline.column(),
        &fields.discipline_date,
        &fields.discipline_action_length,
        &fields.actual_discipline_action_length,
        &fields.responsibility_school_id,
        &fields.review_date,
        &fields.done,
        &fields.note,
    ];
    let facts: &Parameters<'_> = &[&fields.student_id, &fields.incident_id];
    let persons = vec![fields.student_id];
    let steps: [(&'static Statement, &Parameters<'_>); 3] =
        [(&presence_store::PRESENT, &[&persons]), (&FACTS, facts), (&INSERT, values)];
    let rows = IdempotencyKey::query_all(key, tx, &steps).await?;
    check_present(&rows[0], fields.student_id, "student_id")?;
    Ok(Facts::from_row(found(&rows[1])?))
}

/// One that is kept from changing, and whom it is about, who is kept from leaving.
pub(super) async fn lock(tx: &mut TenantTx, id: DisciplineActionId) -> Result<(DisciplineAction, Vec<Row>)> {
    let mut rows = tx.query_all(&[(&STUDENT_OF, &[&id]), (&LOCK, &[&id])]).await?;
    Ok((action(found(&rows[1])?)?, rows.swap_remove(0)))
}

/// The change and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, changed: &DisciplineAction) -> Result<()> {
    let DisciplineAction { id, fields, record } = changed;
    tx.commit_with(&[(
        &UPDATE,
        &[
            id,
            &fields.status.word(),
            &record.updated_at,
            &record.updated_by,
            fields.metadata.column(),
            &fields.incident_id,
            fields.discipline.column(),
            &fields.discipline_date,
            &fields.discipline_action_length,
            &fields.actual_discipline_action_length,
            &fields.responsibility_school_id,
            &fields.review_date,
            &fields.done,
            &fields.note,
        ],
    )])
    .await
    .map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: DisciplineActionId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which actions.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) from: Option<Date>,
    pub(super) until: Option<Date>,
    pub(super) discipline: Option<Discipline>,
    pub(super) done: Option<bool>,
    pub(super) student_id: Option<PersonId>,
    pub(super) incident_id: Option<DisciplineIncidentId>,
    pub(super) responsibility_school_id: Option<OrgId>,
}

pub(super) async fn list_by_date(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<DisciplineAction>> {
    let Selection { span, from, until, discipline, done, student_id, incident_id, responsibility_school_id } =
        selection;
    let discipline = discipline.as_ref().map(Discipline::as_str);
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![
        &span.status,
        span.key(),
        &span.after.id,
        &span.limit,
        from,
        until,
        &discipline,
        done,
        student_id,
        incident_id,
        responsibility_school_id,
    ];
    let statements: [&'static Statement; 2] = match sight {
        Sight::Within(Within { account, on, scopes, .. }) => {
            parameters.extend([account as &(dyn ToSql + Sync), on, scopes]);
            [&WITHIN_BY_DATE, &WITHIN_BY_DATE_DESC]
        }
        Sight::All if student_id.is_some() => [&STUDENT_BY_DATE, &STUDENT_BY_DATE_DESC],
        Sight::All if incident_id.is_some() => [&INCIDENT_BY_DATE, &INCIDENT_BY_DATE_DESC],
        Sight::All if responsibility_school_id.is_some() => [&SCHOOL_BY_DATE, &SCHOOL_BY_DATE_DESC],
        Sight::All => [&ALL_BY_DATE, &ALL_BY_DATE_DESC],
    };
    tenancy.fetch(cx, span.pick(statements), &parameters).await?.iter().map(action).collect()
}
