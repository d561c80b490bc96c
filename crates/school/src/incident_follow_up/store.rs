//! All SQL about follow-ups.

use cloister_http::IdempotencyKey;
use cloister_ids::{DisciplineIncidentId, IncidentFollowUpId, PersonId};
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};
use jiff::{Timestamp, civil::Date};

use super::{IncidentFollowUp, IncidentFollowUpFields};
use crate::{
    behavior_scope_store::follow_ups_within,
    listing::Span,
    presence_store::{self, check_named},
    record::{Metadata, Record, Status, found, status},
    scope::{Sight, Within},
    scope_store::{many_within, one_within},
    store::delete,
    unnamed_store::{get, head, lock, page, update},
};

macro_rules! fields {
    () => {
        "incident_id, due_date, assigned_to_id, task, outcome, completed_at, completed_by"
    };
}

/// `$6` and `$7` the days, `$8` whether completed, `$9` the incident, `$10` whose.
macro_rules! list {
    ($which:expr, $direction:ident) => {
        page!(
            "incident_follow_up",
            fields!(),
            concat!(
                " and ($6::date is null or due_date >= $6) and ($7::date is null or due_date < $7)
                  and ($8::boolean is null or (completed_at is not null) = $8)",
                $which
            ),
            "due_date" $direction
        )
    };
}

macro_rules! all {
    () => {
        " and $9::uuid is null and $10::uuid is null"
    };
}

/// Those that count and are still to do, of which there are few.
macro_rules! open {
    () => {
        concat!(" and status = 'active' and completed_at is null", all!())
    };
}

macro_rules! of_incident {
    () => {
        " and incident_id = $9 and ($10::uuid is null or assigned_to_id = $10)"
    };
}

macro_rules! of_person {
    () => {
        " and $9::uuid is null and assigned_to_id = $10"
    };
}

macro_rules! within {
    () => {
        concat!(
            " and ($9::uuid is null or incident_id = $9) and ($10::uuid is null or assigned_to_id = $10)",
            many_within!(follow_ups_within!("$11", "$12"))
        )
    };
}

statements! {
    /// One.
    GET = get!("incident_follow_up", fields!());
    /// One that is the reader's to do.
    GET_WITHIN = concat!(get!("incident_follow_up", fields!()), one_within!(follow_ups_within!("$3", "$4")));
    /// One, to be changed.
    LOCK = lock!("incident_follow_up", fields!());
    /// One that is the reader's to do, to be changed.
    LOCK_WITHIN = concat!(
        get!("incident_follow_up", fields!()),
        one_within!(follow_ups_within!("$3", "$4")),
        " for no key update"
    );
    /// A new one, if its incident counts.
    INSERT = concat!(
        "insert into incident_follow_up (tenant_id, id, ", head!(), ", ", fields!(), ")
         select $1, $2, 'active', $3, $4, $5, 1, $3, $6, $3, $6, i.id, $8::date, $9::uuid, $10::text, $11::text,
            $12::timestamptz, $13::text
         from discipline_incident i where i.tenant_id = $1 and i.id = $7 and i.status = 'active' returning id"
    );
    /// New values.
    UPDATE = update!(
        "incident_follow_up",
        "due_date = $7, assigned_to_id = $8, task = $9, outcome = $10, completed_at = $11, completed_by = $12"
    );
    /// Marked as deleted.
    DELETE = delete!("incident_follow_up", "id = $2");
    /// All by day.
    ALL_BY_DUE = list!(all!(), asc);
    /// All by day, from the last.
    ALL_BY_DUE_DESC = list!(all!(), desc);
    /// What is still to do by day.
    OPEN_BY_DUE = list!(open!(), asc);
    /// What is still to do by day, from the last.
    OPEN_BY_DUE_DESC = list!(open!(), desc);
    /// Those of an incident by day.
    INCIDENT_BY_DUE = list!(of_incident!(), asc);
    /// Those of an incident by day, from the last.
    INCIDENT_BY_DUE_DESC = list!(of_incident!(), desc);
    /// Those that somebody has to do by day.
    PERSON_BY_DUE = list!(of_person!(), asc);
    /// Those that somebody has to do by day, from the last.
    PERSON_BY_DUE_DESC = list!(of_person!(), desc);
    /// Those that the reader has to do by day.
    WITHIN_BY_DUE = list!(within!(), asc);
    /// Those that the reader has to do by day, from the last.
    WITHIN_BY_DUE_DESC = list!(within!(), desc);
}

fn follow_up(row: &Row) -> Result<IncidentFollowUp> {
    let completed_at: Option<Timestamp> = row.get("completed_at");
    Ok(IncidentFollowUp {
        id: row.get("id"),
        fields: IncidentFollowUpFields {
            status: status(row)?,
            incident_id: row.get("incident_id"),
            due_date: row.get("due_date"),
            assigned_to_id: row.get("assigned_to_id"),
            task: row.get("task"),
            outcome: row.get("outcome"),
            completed: completed_at.is_some(),
            metadata: Metadata::from_row(row),
        },
        completed_at,
        completed_by: row.get("completed_by"),
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    id: IncidentFollowUpId,
) -> Result<IncidentFollowUp> {
    let rows = match sight {
        Sight::All => tenancy.fetch(cx, &GET, &[&id]).await?,
        Sight::Within(Within { account, scopes, .. }) => {
            tenancy.fetch(cx, &GET_WITHIN, &[&id, account, scopes]).await?
        }
    };
    follow_up(found(&rows)?)
}

/// False when there is no such incident that counts.
pub(super) async fn insert(tx: &mut TenantTx, key: Option<&IdempotencyKey>, made: &IncidentFollowUp) -> Result<bool> {
    let IncidentFollowUp { id, fields, completed_at, completed_by, record } = made;
    let source = record.source.word();
    let values: &Parameters<'_> = &[
        id,
        &record.created_at,
        &source,
        fields.metadata.column(),
        &record.created_by,
        &fields.incident_id,
        &fields.due_date,
        &fields.assigned_to_id,
        &fields.task,
        &fields.outcome,
        completed_at,
        completed_by,
    ];
    let persons: Vec<_> = fields.assigned_to_id.into_iter().collect();
    let present: &Parameters<'_> = &[&persons];
    let rows = IdempotencyKey::query_all(key, tx, &[(&presence_store::PRESENT, present), (&INSERT, values)]).await?;
    check_named(&rows[0], fields.assigned_to_id, None, "assigned_to_id")?;
    Ok(!rows[1].is_empty())
}

/// One that is kept from changing, and those to whom it may be given, who are kept from leaving.
pub(super) async fn lock(
    tx: &mut TenantTx,
    sight: &Sight,
    id: IncidentFollowUpId,
    named: &[PersonId],
) -> Result<(IncidentFollowUp, Vec<Row>)> {
    let present: (_, &Parameters<'_>) = (&presence_store::PRESENT, &[&named]);
    let mut rows = match sight {
        Sight::All => tx.query_all(&[present, (&LOCK, &[&id])]).await?,
        Sight::Within(Within { account, scopes, .. }) => {
            tx.query_all(&[present, (&LOCK_WITHIN, &[&id, account, scopes])]).await?
        }
    };
    Ok((follow_up(found(&rows[1])?)?, rows.swap_remove(0)))
}

/// The change and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, changed: &IncidentFollowUp) -> Result<()> {
    let IncidentFollowUp { id, fields, completed_at, completed_by, record } = changed;
    tx.commit_with(&[(
        &UPDATE,
        &[
            id,
            &fields.status.word(),
            &record.updated_at,
            &record.updated_by,
            fields.metadata.column(),
            &fields.due_date,
            &fields.assigned_to_id,
            &fields.task,
            &fields.outcome,
            completed_at,
            completed_by,
        ],
    )])
    .await
    .map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: IncidentFollowUpId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which follow-ups.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) from: Option<Date>,
    pub(super) until: Option<Date>,
    pub(super) completed: Option<bool>,
    pub(super) incident_id: Option<DisciplineIncidentId>,
    pub(super) assigned_to_id: Option<PersonId>,
}

pub(super) async fn list_by_due(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<IncidentFollowUp>> {
    let Selection { span, from, until, completed, incident_id, assigned_to_id } = selection;
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![
        &span.status,
        span.key(),
        &span.after.id,
        &span.limit,
        from,
        until,
        completed,
        incident_id,
        assigned_to_id,
    ];
    let open = *completed == Some(false) && span.status == Some(Status::Active.word());
    let statements: [&'static Statement; 2] = match sight {
        Sight::Within(Within { account, scopes, .. }) => {
            parameters.extend([account as &(dyn ToSql + Sync), scopes]);
            [&WITHIN_BY_DUE, &WITHIN_BY_DUE_DESC]
        }
        Sight::All if incident_id.is_some() => [&INCIDENT_BY_DUE, &INCIDENT_BY_DUE_DESC],
        Sight::All if assigned_to_id.is_some() => [&PERSON_BY_DUE, &PERSON_BY_DUE_DESC],
        Sight::All if open => [&OPEN_BY_DUE, &OPEN_BY_DUE_DESC],
        Sight::All => [&ALL_BY_DUE, &ALL_BY_DUE_DESC],
    };
    tenancy.fetch(cx, span.pick(statements), &parameters).await?.iter().map(follow_up).collect()
}
