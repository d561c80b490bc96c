//! All SQL about staff assignments.

use cloister_http::IdempotencyKey;
use cloister_ids::{OrgId, PersonId, StaffAssignmentId};
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};
use jiff::civil::Date;

use super::{StaffAssignment, StaffAssignmentFields, part};
use crate::{
    listing::Span,
    presence_store::{self, check_present, present_of},
    record::{Metadata, Record, found, status},
    scope::{Sight, Within},
    scope_store::{many_within, one_within, reader},
    store::delete,
    unnamed_store::{get, insert, lock, page, update},
    vocabulary::StaffClassification,
};

macro_rules! fields {
    () => {
        "person_id, org_id, position_title, staff_classification, full_time_equivalency, begin_date, end_date"
    };
}

/// Of each post within the scopes: `id`. One's own alone: a colleague's is nobody's business but the office's. The day decides
/// nothing, and is there because every narrowed statement takes it.
macro_rules! posts_within {
    ($account:literal, $on:literal, $scopes:literal) => {
        concat!(
            "select s.id from person me join staff_assignment s on s.tenant_id = $1 and s.person_id = me.id
                where ",
            reader!($account),
            " and 'self' = any(",
            $scopes,
            "::text[]) and ",
            $on,
            "::date is not null"
        )
    };
}

macro_rules! list {
    ($scope:expr, $key:tt $direction:ident) => {
        page!(
            "staff_assignment",
            fields!(),
            concat!(
                " and ($6::uuid is null or org_id = $6) and ($7::text is null or staff_classification = $7)
                  and ($8::date is null or (begin_date <= $8 and (end_date is null or end_date > $8)))",
                $scope
            ),
            $key $direction
        )
    };
}

/// The same within scopes, of which there are few: they are found first, and then sorted. `$9` the person.
macro_rules! list_within {
    ($key:tt $direction:ident) => {
        list!(
            concat!(
                " and ($9::uuid is null or person_id = $9)",
                many_within!(posts_within!("$10", "$11", "$12"))
            ),
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = get!("staff_assignment", fields!());
    /// One within scopes.
    GET_WITHIN = concat!(get!("staff_assignment", fields!()), one_within!(posts_within!("$3", "$4", "$5")));
    /// One, to be changed.
    LOCK = lock!("staff_assignment", fields!());
    /// Whom one is about.
    PERSON_OF = present_of!("staff_assignment", "person_id");
    /// A new one.
    INSERT = insert!("staff_assignment", fields!(), "$7, $8, $9, $10, $11, $12, $13");
    /// New values.
    UPDATE = update!(
        "staff_assignment",
        "position_title = $7, staff_classification = $8, full_time_equivalency = $9, begin_date = $10, end_date = $11"
    );
    /// Marked as deleted.
    DELETE = delete!("staff_assignment", "id = $2");
    /// All by first day.
    ALL_BY_BEGIN = list!("", "begin_date" asc);
    /// All by first day, from the last.
    ALL_BY_BEGIN_DESC = list!("", "begin_date" desc);
    /// All by last change.
    ALL_BY_CHANGE = list!("", "date_last_modified" asc);
    /// All by last change, newest first.
    ALL_BY_CHANGE_DESC = list!("", "date_last_modified" desc);
    /// Those of a person by first day.
    PERSON_BY_BEGIN = list!(" and person_id = $9", "begin_date" asc);
    /// Those of a person by first day, from the last.
    PERSON_BY_BEGIN_DESC = list!(" and person_id = $9", "begin_date" desc);
    /// Those of a person by last change.
    PERSON_BY_CHANGE = list!(" and person_id = $9", "date_last_modified" asc);
    /// Those of a person by last change, newest first.
    PERSON_BY_CHANGE_DESC = list!(" and person_id = $9", "date_last_modified" desc);
    /// Those within scopes by first day.
    WITHIN_BY_BEGIN = list_within!("begin_date" asc);
    /// Those within scopes by first day, from the last.
    WITHIN_BY_BEGIN_DESC = list_within!("begin_date" desc);
    /// Those within scopes by last change.
    WITHIN_BY_CHANGE = list_within!("date_last_modified" asc);
    /// Those within scopes by last change, newest first.
    WITHIN_BY_CHANGE_DESC = list_within!("date_last_modified" desc);
}

fn staff_assignment(row: &Row) -> Result<StaffAssignment> {
    Ok(StaffAssignment {
        id: row.get("id"),
        fields: StaffAssignmentFields {
            status: status(row)?,
            person_id: row.get("person_id"),
            org_id: row.get("org_id"),
            position_title: row.get("position_title"),
            staff_classification: StaffClassification::from_column(row.get("staff_classification")),
            full_time_equivalency: row.get::<_, Option<i32>>("full_time_equivalency").map(part),
            begin_date: row.get("begin_date"),
            end_date: row.get("end_date"),
            metadata: Metadata::from_row(row),
        },
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    id: StaffAssignmentId,
) -> Result<StaffAssignment> {
    let rows = match sight {
        Sight::All => tenancy.fetch(cx, &GET, &[&id]).await?,
        Sight::Within(Within { account, on, scopes, .. }) => {
            tenancy.fetch(cx, &GET_WITHIN, &[&id, account, on, scopes]).await?
        }
    };
    staff_assignment(found(&rows)?)
}

pub(super) async fn insert(tx: &mut TenantTx, key: Option<&IdempotencyKey>, new: &StaffAssignment) -> Result<()> {
    let StaffAssignment { id, fields, record } = new;
    let (source, steps) = (record.source.word(), fields.steps());
    let parameters: &Parameters<'_> = &[
        id,
        &record.created_at,
        &source,
        fields.metadata.column(),
        &record.created_by,
        &fields.person_id,
        &fields.org_id,
        &fields.position_title,
        fields.staff_classification.column(),
        &steps,
        &fields.begin_date,
        &fields.end_date,
    ];
    let person = vec![fields.person_id];
    let steps: [(&'static Statement, &Parameters<'_>); 2] =
        [(&presence_store::PRESENT, &[&person]), (&INSERT, parameters)];
    let rows = IdempotencyKey::query_all(key, tx, &steps).await?;
    check_present(&rows[0], fields.person_id, "person_id")
}

/// One that is kept from changing, and whom it is about, who is kept from leaving.
pub(super) async fn lock(tx: &mut TenantTx, id: StaffAssignmentId) -> Result<(StaffAssignment, Vec<Row>)> {
    let mut rows = tx.query_all(&[(&PERSON_OF, &[&id]), (&LOCK, &[&id])]).await?;
    Ok((staff_assignment(found(&rows[1])?)?, rows.swap_remove(0)))
}

/// The change and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, changed: &StaffAssignment) -> Result<()> {
    let StaffAssignment { id, fields, record } = changed;
    let (status, steps) = (fields.status.word(), fields.steps());
    let parameters: &Parameters<'_> = &[
        id,
        &status,
        &record.updated_at,
        &record.updated_by,
        fields.metadata.column(),
        &fields.position_title,
        fields.staff_classification.column(),
        &steps,
        &fields.begin_date,
        &fields.end_date,
    ];
    tx.commit_with(&[(&UPDATE, parameters)]).await.map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: StaffAssignmentId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which staff assignments.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) person_id: Option<PersonId>,
    pub(super) org_id: Option<OrgId>,
    pub(super) staff_classification: Option<StaffClassification>,
    pub(super) on: Option<Date>,
}

/// The statements of one order, in both directions: all, those of a person, those within scopes.
type Statements = [[&'static Statement; 2]; 3];

pub(super) async fn list_by_begin(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<StaffAssignment>> {
    let statements = [
        [&ALL_BY_BEGIN, &ALL_BY_BEGIN_DESC],
        [&PERSON_BY_BEGIN, &PERSON_BY_BEGIN_DESC],
        [&WITHIN_BY_BEGIN, &WITHIN_BY_BEGIN_DESC],
    ];
    list(tenancy, cx, statements, sight, selection).await
}

pub(super) async fn list_by_change(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<StaffAssignment>> {
    let statements = [
        [&ALL_BY_CHANGE, &ALL_BY_CHANGE_DESC],
        [&PERSON_BY_CHANGE, &PERSON_BY_CHANGE_DESC],
        [&WITHIN_BY_CHANGE, &WITHIN_BY_CHANGE_DESC],
    ];
    list(tenancy, cx, statements, sight, selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    [all, of_person, of_scopes]: Statements,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<StaffAssignment>> {
    let Selection { span, person_id, org_id, staff_classification, on } = selection;
    let classification = staff_classification.as_ref().map(StaffClassification::as_str);
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![&span.status, span.key(), &span.after.id, &span.limit, org_id, &classification, on];
    let statements = match (sight, person_id) {
        (Sight::Within(Within { account, on, scopes, .. }), person) => {
            parameters.extend([person as &(dyn ToSql + Sync), account, on, scopes]);
            of_scopes
        }
        (Sight::All, Some(person)) => {
            parameters.push(person);
            of_person
        }
        (Sight::All, None) => all,
    };
    tenancy.fetch(cx, span.pick(statements), &parameters).await?.iter().map(staff_assignment).collect()
}
