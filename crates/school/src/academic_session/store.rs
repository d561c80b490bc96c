//! All SQL about academic sessions.

use cloister_http::IdempotencyKey;
use cloister_ids::AcademicSessionId;
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Row, Statement, statements},
};
use jiff::civil::Date;

use super::{AcademicSession, AcademicSessionFields};
use crate::{
    listing::Span,
    record::{Metadata, Record, found, status},
    store::{by_sourced_id, delete, get, insert, lock, page, update},
    vocabulary::SessionType,
};

macro_rules! fields {
    () => {
        "title, type, start_date, end_date, school_year, parent_id"
    };
}

macro_rules! list {
    ($key:tt $direction:ident) => {
        page!(
            "academic_session",
            fields!(),
            " and ($6::text is null or type = $6) and ($7::int is null or school_year = $7)
              and ($8::uuid is null or parent_id = $8)
              and ($9::date is null or (start_date <= $9 and end_date > $9))
              and ($10::text is null or (title_search >= $10 and title_search < $11))",
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = get!("academic_session", fields!());
    /// One, to be changed.
    LOCK = lock!("academic_session", fields!());
    /// One by its name in the system that feeds it.
    BY_SOURCED_ID = by_sourced_id!("academic_session", fields!());
    /// A new one.
    INSERT = insert!("academic_session", concat!(fields!(), ", title_search"), "$8, $9, $10, $11, $12, $13, $14");
    /// New values.
    UPDATE = update!(
        "academic_session",
        "title = $7, type = $8, start_date = $9, end_date = $10, school_year = $11, parent_id = $12, title_search = $13"
    );
    /// Marked as deleted.
    DELETE = delete!("academic_session", "id = $2");
    /// Whether something that counts belongs to it.
    IN_USE = "select
        exists (select from academic_session s where s.tenant_id = $1 and s.parent_id = $2 and s.status = 'active')
        or exists (select from course c where c.tenant_id = $1 and c.school_year_id = $2 and c.status = 'active')
        or exists (select from class_term t join class c on c.tenant_id = $1 and c.id = t.class_id
            where t.tenant_id = $1 and t.academic_session_id = $2 and c.status = 'active')
        as in_use";
    /// Whether `$2` is `$3` or stands above it. `union` ends the walk even where rows already form a circle.
    IS_ABOVE = "with recursive upwards as (
            select s.id, s.parent_id from academic_session s where s.tenant_id = $1 and s.id = $3
            union
            select s.id, s.parent_id from upwards u join academic_session s on s.tenant_id = $1 and s.id = u.parent_id
        )
        select exists (select from upwards where id = $2) as is_above";
    /// By first day, from the first.
    LIST_BY_START = list!("start_date" asc);
    /// By first day, from the last.
    LIST_BY_START_DESC = list!("start_date" desc);
    /// By title, from the first.
    LIST_BY_TITLE = list!("title_search" asc);
    /// By title, from the last.
    LIST_BY_TITLE_DESC = list!("title_search" desc);
    /// By last change, oldest first.
    LIST_BY_CHANGE = list!("date_last_modified" asc);
    /// By last change, newest first.
    LIST_BY_CHANGE_DESC = list!("date_last_modified" desc);
}

fn academic_session(row: &Row) -> Result<AcademicSession> {
    Ok(AcademicSession {
        id: row.get("id"),
        fields: AcademicSessionFields {
            sourced_id: row.get("sourced_id"),
            status: status(row)?,
            title: row.get("title"),
            kind: SessionType::from_column(row.get("type")),
            start_date: row.get("start_date"),
            end_date: row.get("end_date"),
            school_year: row.get("school_year"),
            parent_id: row.get("parent_id"),
            metadata: Metadata::from_row(row),
        },
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, id: AcademicSessionId) -> Result<AcademicSession> {
    academic_session(found(&tenancy.fetch(cx, &GET, &[&id]).await?)?)
}

pub(super) async fn by_sourced_id(tenancy: &Tenancy, cx: &OpContext, sourced_id: &str) -> Result<Vec<AcademicSession>> {
    tenancy.fetch(cx, &BY_SOURCED_ID, &[&sourced_id]).await?.iter().map(academic_session).collect()
}

pub(super) async fn insert(tx: &mut TenantTx, key: Option<&IdempotencyKey>, made: &AcademicSession) -> Result<()> {
    let AcademicSession { id, fields, record } = made;
    let AcademicSessionFields {
        sourced_id, title, kind, start_date, end_date, school_year, parent_id, metadata, ..
    } = fields;
    IdempotencyKey::query(
        key,
        tx,
        &INSERT,
        &[
            id,
            sourced_id,
            &record.created_at,
            &record.source.word(),
            metadata.column(),
            &record.created_by,
            title,
            kind.column(),
            start_date,
            end_date,
            school_year,
            parent_id,
            &fields.title_search(),
        ],
    )
    .await
    .map(drop)
}

/// One that is kept from changing, and whether `new_parent` is a part of it.
pub(super) async fn lock(
    tx: &mut TenantTx,
    id: AcademicSessionId,
    new_parent: Option<AcademicSessionId>,
) -> Result<(AcademicSession, bool)> {
    let rows = tx.query_all(&[(&LOCK, &[&id]), (&IS_ABOVE, &[&id, &new_parent])]).await?;
    Ok((academic_session(found(&rows[0])?)?, found(&rows[1])?.get("is_above")))
}

/// One that is kept from changing, and whether something belongs to it.
pub(super) async fn lock_to_delete(tx: &mut TenantTx, id: AcademicSessionId) -> Result<(AcademicSession, bool)> {
    let rows = tx.query_all(&[(&LOCK, &[&id]), (&IN_USE, &[&id])]).await?;
    Ok((academic_session(found(&rows[0])?)?, found(&rows[1])?.get("in_use")))
}

/// The change and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, changed: &AcademicSession) -> Result<()> {
    let AcademicSession { id, fields, record } = changed;
    let AcademicSessionFields { status, title, kind, start_date, end_date, school_year, parent_id, metadata, .. } =
        fields;
    tx.commit_with(&[(
        &UPDATE,
        &[
            id,
            &status.word(),
            &record.updated_at,
            &record.updated_by,
            metadata.column(),
            title,
            kind.column(),
            start_date,
            end_date,
            school_year,
            parent_id,
            &fields.title_search(),
        ],
    )])
    .await
    .map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: AcademicSessionId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which academic sessions.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) kind: Option<SessionType>,
    pub(super) school_year: Option<i32>,
    pub(super) parent_id: Option<AcademicSessionId>,
    pub(super) on: Option<Date>,
    pub(super) title: (Option<String>, Option<String>),
}

pub(super) async fn list_by_start(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
) -> Result<Vec<AcademicSession>> {
    list(tenancy, cx, [&LIST_BY_START, &LIST_BY_START_DESC], selection).await
}

pub(super) async fn list_by_title(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
) -> Result<Vec<AcademicSession>> {
    list(tenancy, cx, [&LIST_BY_TITLE, &LIST_BY_TITLE_DESC], selection).await
}

pub(super) async fn list_by_change(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
) -> Result<Vec<AcademicSession>> {
    list(tenancy, cx, [&LIST_BY_CHANGE, &LIST_BY_CHANGE_DESC], selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    statements: [&'static Statement; 2],
    selection: &Selection,
) -> Result<Vec<AcademicSession>> {
    let Selection { span, kind, school_year, parent_id, on, title: (from, below) } = selection;
    let kind = kind.as_ref().map(SessionType::as_str);
    let rows = tenancy
        .fetch(
            cx,
            span.pick(statements),
            &[&span.status, span.key(), &span.after.id, &span.limit, &kind, school_year, parent_id, on, from, below],
        )
        .await?;
    rows.iter().map(academic_session).collect()
}
