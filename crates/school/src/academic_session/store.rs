//! All SQL about academic sessions.

use cloister_ids::AcademicSessionId;
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Row, statements},
};

use super::{AcademicSession, AcademicSessionDetails, AcademicSessionList, AcademicSessionSort};
use crate::{
    listing::Span,
    record::{Head, Stamp, found},
    store::{delete, get, insert, lock, page, update},
    vocabulary::SessionType,
};

macro_rules! fields {
    () => {
        "title, title_search, type, start_date, end_date, school_year, parent_id"
    };
}

macro_rules! list {
    ($key:literal $direction:ident) => {
        page!(
            "academic_session",
            fields!(),
            " and ($6::text is null or type = $6) and ($7::int is null or school_year = $7)
              and ($8::uuid is null or parent_id = $8)
              and ($9::date is null or (start_date <= $9 and end_date > $9))",
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = get!("academic_session", fields!());
    /// One, to be changed.
    LOCK = lock!("academic_session", fields!());
    /// A new one.
    INSERT = insert!("academic_session", fields!(), "$8, $9, $10, $11, $12, $13, $14");
    /// New values.
    UPDATE = update!(
        "academic_session",
        "title = $7, title_search = $8, type = $9, start_date = $10, end_date = $11, school_year = $12, parent_id = $13"
    );
    /// Marked as deleted.
    DELETE = delete!("academic_session", "id = $2");
    /// Whether something that counts hangs on it.
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
    /// A page by first day.
    BY_START = list!("start_date" asc);
    /// The same backwards.
    BY_START_DESCENDING = list!("start_date" desc);
    /// A page by title.
    BY_TITLE = list!("title_search" asc);
    /// The same backwards.
    BY_TITLE_DESCENDING = list!("title_search" desc);
    /// A page by last change.
    BY_MODIFICATION = list!("date_last_modified" asc);
    /// The same backwards.
    BY_MODIFICATION_DESCENDING = list!("date_last_modified" desc);
}

fn from_row(row: &Row) -> AcademicSession {
    AcademicSession {
        head: Head::from_row(row),
        title_search: row.get("title_search"),
        details: AcademicSessionDetails {
            title: row.get("title"),
            kind: SessionType::from_column(row.get("type")),
            start_date: row.get("start_date"),
            end_date: row.get("end_date"),
            school_year: row.get("school_year"),
            parent_id: row.get("parent_id"),
            metadata: row.get("metadata"),
        },
    }
}

/// One, deleted or not.
pub async fn get(tenancy: &Tenancy, cx: &OpContext, id: AcademicSessionId) -> Result<AcademicSession> {
    Ok(from_row(found(&tenancy.fetch(cx, &GET, &[&id]).await?)?))
}

/// A page.
pub async fn list(tenancy: &Tenancy, cx: &OpContext, list: &AcademicSessionList) -> Result<Vec<AcademicSession>> {
    let statement = list.span.pick(match list.sort {
        AcademicSessionSort::StartDate => [&BY_START, &BY_START_DESCENDING],
        AcademicSessionSort::Title => [&BY_TITLE, &BY_TITLE_DESCENDING],
        AcademicSessionSort::DateLastModified => [&BY_MODIFICATION, &BY_MODIFICATION_DESCENDING],
    });
    let Span { status, after, limit, .. } = &list.span;
    let kind = list.kind.as_ref().map(SessionType::as_str);
    let rows = tenancy
        .fetch(
            cx,
            statement,
            &[
                &status.column(),
                after.key.parameter(),
                &after.id,
                limit,
                &kind,
                &list.school_year,
                &list.parent_id,
                &list.on,
            ],
        )
        .await?;
    Ok(rows.iter().map(from_row).collect())
}

/// Writes a new one.
pub async fn insert(tx: &mut TenantTx, session: &AcademicSession) -> Result<()> {
    let AcademicSession { head, details, title_search } = session;
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
            details.kind.column(),
            &details.start_date,
            &details.end_date,
            &details.school_year,
            &details.parent_id,
        ],
    )
    .await
    .map(drop)
}

/// One to be changed by this transaction, and whether `new_parent` lies within it.
pub async fn lock(
    tx: &mut TenantTx,
    id: AcademicSessionId,
    new_parent: Option<AcademicSessionId>,
) -> Result<(AcademicSession, bool)> {
    let rows = tx.query_all(&[(&LOCK, &[&id]), (&IS_ABOVE, &[&id, &new_parent])]).await?;
    Ok((from_row(found(&rows[0])?), found(&rows[1])?.get("is_above")))
}

/// One to be deleted by this transaction, and whether something hangs on it.
pub async fn lock_to_delete(tx: &mut TenantTx, id: AcademicSessionId) -> Result<(AcademicSession, bool)> {
    let rows = tx.query_all(&[(&LOCK, &[&id]), (&IN_USE, &[&id])]).await?;
    Ok((from_row(found(&rows[0])?), found(&rows[1])?.get("in_use")))
}

/// Writes new values and commits.
pub async fn commit_update(tx: TenantTx, session: &AcademicSession) -> Result<()> {
    let AcademicSession { head, details, title_search } = session;
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
            details.kind.column(),
            &details.start_date,
            &details.end_date,
            &details.school_year,
            &details.parent_id,
        ],
    )])
    .await
    .map(drop)
}

/// Marks it as deleted and commits.
pub async fn commit_delete(tx: TenantTx, id: AcademicSessionId, stamp: &Stamp) -> Result<()> {
    tx.commit_with(&[(&DELETE, &[&id, &stamp.at, &stamp.by])]).await.map(drop)
}
