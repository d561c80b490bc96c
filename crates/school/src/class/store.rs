//! All SQL about classes and the terms they are held in.

use cloister_ids::ClassId;
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};

use super::{Class, ClassDetails, ClassList, ClassSort};
use crate::{
    listing::Span,
    record::{Head, Stamp, found},
    store::{delete, get, insert, lock, page, update},
    vocabulary::ClassType,
};

macro_rules! written {
    () => {
        "title, title_search, class_code, class_type, location, course_id, school_id, grades, subjects, subject_codes, periods"
    };
}

macro_rules! fields {
    () => {
        concat!(
            written!(),
            ", array(select t.academic_session_id from class_term t
                where t.tenant_id = $1 and t.class_id = class.id order by 1) as term_ids"
        )
    };
}

macro_rules! list {
    ($key:literal $direction:ident) => {
        page!(
            "class",
            fields!(),
            " and ($6::uuid is null or school_id = $6) and ($7::uuid is null or course_id = $7)
              and ($8::uuid is null or exists (select from class_term t
                where t.tenant_id = $1 and t.class_id = class.id and t.academic_session_id = $8))
              and ($9::uuid is null or exists (select from enrollment e
                where e.tenant_id = $1 and e.class_id = class.id and e.person_id = $9 and e.status = 'active'))
              and ($10::text is null or (title_search >= $10 and title_search < $11))",
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = get!("class", fields!());
    /// One, to be changed.
    LOCK = lock!("class", fields!());
    /// A new one.
    INSERT = insert!("class", written!(), "$8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18");
    /// A term it is held in.
    INSERT_TERM = "insert into class_term (tenant_id, class_id, academic_session_id) values ($1, $2, $3)";
    /// A term it is no longer held in.
    DELETE_TERM = "delete from class_term where tenant_id = $1 and class_id = $2 and academic_session_id = $3";
    /// New values.
    UPDATE = update!(
        "class",
        "title = $7, title_search = $8, class_code = $9, class_type = $10, location = $11, course_id = $12,
         school_id = $13, grades = $14, subjects = $15, subject_codes = $16, periods = $17"
    );
    /// Marked as deleted.
    DELETE = delete!("class", "id = $2");
    /// Marks everybody's place in it as deleted.
    DELETE_ENROLLMENTS = delete!("enrollment", "class_id = $2");
    /// A page by title.
    BY_TITLE = list!("title_search" asc);
    /// The same backwards.
    BY_TITLE_DESCENDING = list!("title_search" desc);
    /// A page by last change.
    BY_MODIFICATION = list!("date_last_modified" asc);
    /// The same backwards.
    BY_MODIFICATION_DESCENDING = list!("date_last_modified" desc);
}

fn from_row(row: &Row) -> Class {
    Class {
        head: Head::from_row(row),
        title_search: row.get("title_search"),
        details: ClassDetails {
            title: row.get("title"),
            class_code: row.get("class_code"),
            class_type: ClassType::from_column(row.get("class_type")),
            location: row.get("location"),
            course_id: row.get("course_id"),
            school_id: row.get("school_id"),
            term_ids: row.get("term_ids"),
            grades: row.get("grades"),
            subjects: row.get("subjects"),
            subject_codes: row.get("subject_codes"),
            periods: row.get("periods"),
            metadata: row.get("metadata"),
        },
    }
}

/// One, deleted or not.
pub async fn get(tenancy: &Tenancy, cx: &OpContext, id: ClassId) -> Result<Class> {
    Ok(from_row(found(&tenancy.fetch(cx, &GET, &[&id]).await?)?))
}

/// A page.
pub async fn list(tenancy: &Tenancy, cx: &OpContext, list: &ClassList) -> Result<Vec<Class>> {
    let statement = list.span.pick(match list.sort {
        ClassSort::Title => [&BY_TITLE, &BY_TITLE_DESCENDING],
        ClassSort::DateLastModified => [&BY_MODIFICATION, &BY_MODIFICATION_DESCENDING],
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
                &list.school_id,
                &list.course_id,
                &list.term_id,
                &list.person_id,
                &from,
                &below,
            ],
        )
        .await?;
    Ok(rows.iter().map(from_row).collect())
}

/// Writes a new one, without its terms.
pub async fn insert(tx: &mut TenantTx, class: &Class) -> Result<()> {
    let Class { head, details, title_search } = class;
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
            &details.class_code,
            details.class_type.column(),
            &details.location,
            &details.course_id,
            &details.school_id,
            &details.grades,
            &details.subjects,
            &details.subject_codes,
            &details.periods,
        ],
    )
    .await
    .map(drop)
}

/// Writes the terms of a new one and commits.
pub async fn commit_insert(tx: TenantTx, class: &Class) -> Result<()> {
    let terms: Vec<[&(dyn ToSql + Sync); 2]> =
        class.details.term_ids.iter().map(|term| [&class.head.id as _, term as _]).collect();
    let items: Vec<_> = terms.iter().map(|parameters| (&INSERT_TERM, parameters.as_slice())).collect();
    tx.commit_with(&items).await.map(drop)
}

/// One to be changed by this transaction.
pub async fn lock(tx: &mut TenantTx, id: ClassId) -> Result<Class> {
    Ok(from_row(found(&tx.query(&LOCK, &[&id]).await?)?))
}

/// Writes new values and the terms that came and went, and commits.
pub async fn commit_update(tx: TenantTx, before: &Class, class: &Class) -> Result<()> {
    let Class { head, details, title_search } = class;
    let values: &Parameters<'_> = &[
        &head.id,
        head.status.column(),
        &head.updated_at,
        &head.updated_by,
        &details.metadata,
        &details.title,
        title_search,
        &details.class_code,
        details.class_type.column(),
        &details.location,
        &details.course_id,
        &details.school_id,
        &details.grades,
        &details.subjects,
        &details.subject_codes,
        &details.periods,
    ];
    let (old, new) = (&before.details.term_ids, &details.term_ids);
    let gone = old.iter().filter(|term| !new.contains(term)).map(|term| (&DELETE_TERM, term));
    let come = new.iter().filter(|term| !old.contains(term)).map(|term| (&INSERT_TERM, term));
    let terms: Vec<(&'static Statement, [&(dyn ToSql + Sync); 2])> =
        gone.chain(come).map(|(statement, term)| (statement, [&head.id as _, term as _])).collect();
    let mut items: Vec<(&'static Statement, &Parameters<'_>)> = vec![(&UPDATE, values)];
    items.extend(terms.iter().map(|(statement, parameters)| (*statement, parameters.as_slice())));
    tx.commit_with(&items).await.map(drop)
}

/// Marks it and everybody's place in it as deleted, and commits.
pub async fn commit_delete(tx: TenantTx, id: ClassId, stamp: &Stamp) -> Result<()> {
    let what: &Parameters<'_> = &[&id, &stamp.at, &stamp.by];
    tx.commit_with(&[(&DELETE, what), (&DELETE_ENROLLMENTS, what)]).await.map(drop)
}
