//! All SQL about courses.

use cloister_ids::CourseId;
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Row, statements},
};

use super::{Course, CourseDetails, CourseList, CourseSort};
use crate::{
    listing::Span,
    record::{Head, Stamp, found},
    store::{delete, get, insert, lock, page, update},
};

macro_rules! fields {
    () => {
        "title, title_search, course_code, org_id, school_year_id, grades, subjects, subject_codes"
    };
}

macro_rules! list {
    ($key:literal $direction:ident) => {
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
    /// A new one.
    INSERT = insert!("course", fields!(), "$8, $9, $10, $11, $12, $13, $14, $15");
    /// New values.
    UPDATE = update!(
        "course",
        "title = $7, title_search = $8, course_code = $9, org_id = $10, school_year_id = $11, grades = $12,
         subjects = $13, subject_codes = $14"
    );
    /// Marked as deleted.
    DELETE = delete!("course", "id = $2");
    /// Whether there are classes of it.
    IN_USE = "select exists (select from class c where c.tenant_id = $1 and c.course_id = $2 and c.status = 'active')
        as in_use";
    /// A page by title.
    BY_TITLE = list!("title_search" asc);
    /// The same backwards.
    BY_TITLE_DESCENDING = list!("title_search" desc);
    /// A page by last change.
    BY_MODIFICATION = list!("date_last_modified" asc);
    /// The same backwards.
    BY_MODIFICATION_DESCENDING = list!("date_last_modified" desc);
}

fn from_row(row: &Row) -> Course {
    Course {
        head: Head::from_row(row),
        title_search: row.get("title_search"),
        details: CourseDetails {
            title: row.get("title"),
            course_code: row.get("course_code"),
            org_id: row.get("org_id"),
            school_year_id: row.get("school_year_id"),
            grades: row.get("grades"),
            subjects: row.get("subjects"),
            subject_codes: row.get("subject_codes"),
            metadata: row.get("metadata"),
        },
    }
}

/// One, deleted or not.
pub async fn get(tenancy: &Tenancy, cx: &OpContext, id: CourseId) -> Result<Course> {
    Ok(from_row(found(&tenancy.fetch(cx, &GET, &[&id]).await?)?))
}

/// A page.
pub async fn list(tenancy: &Tenancy, cx: &OpContext, list: &CourseList) -> Result<Vec<Course>> {
    let statement = list.span.pick(match list.sort {
        CourseSort::Title => [&BY_TITLE, &BY_TITLE_DESCENDING],
        CourseSort::DateLastModified => [&BY_MODIFICATION, &BY_MODIFICATION_DESCENDING],
    });
    let Span { status, after, limit, .. } = &list.span;
    let (from, below) = list.title.clone().unzip();
    let rows = tenancy
        .fetch(
            cx,
            statement,
            &[
                &status.column(),
                after.key.parameter(),
                &after.id,
                limit,
                &list.org_id,
                &list.school_year_id,
                &from,
                &below,
            ],
        )
        .await?;
    Ok(rows.iter().map(from_row).collect())
}

/// Writes a new one.
pub async fn insert(tx: &mut TenantTx, course: &Course) -> Result<()> {
    let Course { head, details, title_search } = course;
    tx.query(
        &INSERT,
        &[
            &head.id,
            &head.sourced_id,
            &head.created_at,
            head.source.column(),
            &details.metadata,
            &head.created_by,
            &details.title,
            title_search,
            &details.course_code,
            &details.org_id,
            &details.school_year_id,
            &details.grades,
            &details.subjects,
            &details.subject_codes,
        ],
    )
    .await
    .map(drop)
}

/// One to be changed by this transaction.
pub async fn lock(tx: &mut TenantTx, id: CourseId) -> Result<Course> {
    Ok(from_row(found(&tx.query(&LOCK, &[&id]).await?)?))
}

/// One to be deleted by this transaction, and whether there are classes of it.
pub async fn lock_to_delete(tx: &mut TenantTx, id: CourseId) -> Result<(Course, bool)> {
    let rows = tx.query_all(&[(&LOCK, &[&id]), (&IN_USE, &[&id])]).await?;
    Ok((from_row(found(&rows[0])?), found(&rows[1])?.get("in_use")))
}

/// Writes new values and commits.
pub async fn commit_update(tx: TenantTx, course: &Course) -> Result<()> {
    let Course { head, details, title_search } = course;
    tx.commit_with(&[(
        &UPDATE,
        &[
            &head.id,
            head.status.column(),
            &head.updated_at,
            &head.updated_by,
            &details.metadata,
            &details.title,
            title_search,
            &details.course_code,
            &details.org_id,
            &details.school_year_id,
            &details.grades,
            &details.subjects,
            &details.subject_codes,
        ],
    )])
    .await
    .map(drop)
}

/// Marks it as deleted and commits.
pub async fn commit_delete(tx: TenantTx, id: CourseId, stamp: &Stamp) -> Result<()> {
    tx.commit_with(&[(&DELETE, &[&id, &stamp.at, &stamp.by])]).await.map(drop)
}
