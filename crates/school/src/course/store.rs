//! All SQL about courses.

use cloister_http::IdempotencyKey;
use cloister_ids::{AcademicSessionId, CourseId, OrgId};
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Row, Statement, statements},
};

use super::{Course, CourseFields};
use crate::{
    listing::Span,
    record::{Metadata, Record, found, status},
    store::{by_sourced_id, delete, get, insert, lock, page, update},
};

macro_rules! fields {
    () => {
        "title, course_code, org_id, school_year_id, grades, subjects, subject_codes"
    };
}

macro_rules! list {
    ($key:tt $direction:ident) => {
        page!(
            "course",
            fields!(),
            " and ($6::uuid is null or org_id = $6) and ($7::uuid is null or school_year_id = $7)
              and ($8::text is null or (title_search >= $8 and title_search < $9))",
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = get!("course", fields!());
    /// One, to be changed.
    LOCK = lock!("course", fields!());
    /// One by its name in the system that feeds it.
    BY_SOURCED_ID = by_sourced_id!("course", fields!());
    /// A new one.
    INSERT = insert!("course", concat!(fields!(), ", title_search"), "$8, $9, $10, $11, $12, $13, $14, $15");
    /// New values.
    UPDATE = update!(
        "course",
        "title = $7, course_code = $8, org_id = $9, school_year_id = $10, grades = $11, subjects = $12,
         subject_codes = $13, title_search = $14"
    );
    /// Marked as deleted.
    DELETE = delete!("course", "id = $2");
    /// Whether there are classes of it.
    IN_USE = "select exists (select from class c where c.tenant_id = $1 and c.course_id = $2 and c.status = 'active')
        as in_use";
    /// By title, from the first.
    LIST_BY_TITLE = list!("title_search" asc);
    /// By title, from the last.
    LIST_BY_TITLE_DESC = list!("title_search" desc);
    /// By last change, oldest first.
    LIST_BY_CHANGE = list!("date_last_modified" asc);
    /// By last change, newest first.
    LIST_BY_CHANGE_DESC = list!("date_last_modified" desc);
}

fn course(row: &Row) -> Result<Course> {
    Ok(Course {
        id: row.get("id"),
        fields: CourseFields {
            sourced_id: row.get("sourced_id"),
            status: status(row)?,
            title: row.get("title"),
            course_code: row.get("course_code"),
            org_id: row.get("org_id"),
            school_year_id: row.get("school_year_id"),
            grades: row.get("grades"),
            subjects: row.get("subjects"),
            subject_codes: row.get("subject_codes"),
            metadata: Metadata::from_row(row),
        },
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, id: CourseId) -> Result<Course> {
    course(found(&tenancy.fetch(cx, &GET, &[&id]).await?)?)
}

pub(super) async fn by_sourced_id(tenancy: &Tenancy, cx: &OpContext, sourced_id: &str) -> Result<Vec<Course>> {
    tenancy.fetch(cx, &BY_SOURCED_ID, &[&sourced_id]).await?.iter().map(course).collect()
}

pub(super) async fn insert(tx: &mut TenantTx, key: Option<&IdempotencyKey>, made: &Course) -> Result<()> {
    let Course { id, fields, record } = made;
    let CourseFields {
        sourced_id,
        title,
        course_code,
        org_id,
        school_year_id,
        grades,
        subjects,
        subject_codes,
        metadata,
        ..
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
            course_code,
            org_id,
            school_year_id,
            grades,
            subjects,
            subject_codes,
            &fields.title_search(),
        ],
    )
    .await
    .map(drop)
}

/// One that is kept from changing.
pub(super) async fn lock(tx: &mut TenantTx, id: CourseId) -> Result<Course> {
    course(found(&tx.query(&LOCK, &[&id]).await?)?)
}

/// One that is kept from changing, and whether there are classes of it.
pub(super) async fn lock_to_delete(tx: &mut TenantTx, id: CourseId) -> Result<(Course, bool)> {
    let rows = tx.query_all(&[(&LOCK, &[&id]), (&IN_USE, &[&id])]).await?;
    Ok((course(found(&rows[0])?)?, found(&rows[1])?.get("in_use")))
}

/// The change and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, changed: &Course) -> Result<()> {
    let Course { id, fields, record } = changed;
    let CourseFields {
        status,
        title,
        course_code,
        org_id,
        school_year_id,
        grades,
        subjects,
        subject_codes,
        metadata,
        ..
    } = fields;
    tx.commit_with(&[(
        &UPDATE,
        &[
            id,
            &status.word(),
            &record.updated_at,
            &record.updated_by,
            metadata.column(),
            title,
            course_code,
            org_id,
            school_year_id,
            grades,
            subjects,
            subject_codes,
            &fields.title_search(),
        ],
    )])
    .await
    .map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: CourseId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which courses.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) org_id: Option<OrgId>,
    pub(super) school_year_id: Option<AcademicSessionId>,
    pub(super) title: (Option<String>, Option<String>),
}

pub(super) async fn list_by_title(tenancy: &Tenancy, cx: &OpContext, selection: &Selection) -> Result<Vec<Course>> {
    list(tenancy, cx, [&LIST_BY_TITLE, &LIST_BY_TITLE_DESC], selection).await
}

pub(super) async fn list_by_change(tenancy: &Tenancy, cx: &OpContext, selection: &Selection) -> Result<Vec<Course>> {
    list(tenancy, cx, [&LIST_BY_CHANGE, &LIST_BY_CHANGE_DESC], selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    statements: [&'static Statement; 2],
    selection: &Selection,
) -> Result<Vec<Course>> {
    let Selection { span, org_id, school_year_id, title: (from, below) } = selection;
    let rows = tenancy
        .fetch(
            cx,
            span.pick(statements),
            &[&span.status, span.key(), &span.after.id, &span.limit, org_id, school_year_id, from, below],
        )
        .await?;
    rows.iter().map(course).collect()
}
