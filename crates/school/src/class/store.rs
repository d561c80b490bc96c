//! All SQL about classes and the terms they are held in.

use cloister_http::IdempotencyKey;
use cloister_ids::{AcademicSessionId, ClassId, CourseId, OrgId, PersonId};
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};

use super::{Class, ClassFields};
use crate::{
    listing::Span,
    record::{Metadata, Record, found, status},
    scope::{Sight, Within},
    scope_store::{classes_within, many_within, one_within, places_asked_for},
    store::{by_sourced_id, delete, get, insert, lock, page, update},
    vocabulary::ClassType,
};

macro_rules! written {
    () => {
        "title, class_code, class_type, location, course_id, school_id, grades, subjects, subject_codes, periods"
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

/// `$places` narrows the places that `$9` asks for, `$scope` all of it.
macro_rules! list {
    ($places:expr, $scope:expr, $key:tt $direction:ident) => {
        page!(
            "class",
            fields!(),
            concat!(" and ($6::uuid is null or school_id = $6) and ($7::uuid is null or course_id = $7)
              and ($8::uuid is null or exists (select from class_term t
                where t.tenant_id = $1 and t.class_id = class.id and t.academic_session_id = $8))
              and ($9::uuid is null or exists (select from enrollment e
                where e.tenant_id = $1 and e.class_id = class.id and e.person_id = $9 and e.status = 'active'", $places, "))
              and ($10::text is null or (title_search >= $10 and title_search < $11))", $scope),
            $key $direction
        )
    };
}

/// Of classes within scopes there are few: they are found first, and then sorted.
macro_rules! list_within {
    ($key:tt $direction:ident) => {
        list!(
            places_asked_for!("$12", "$13", "$15"),
            many_within!(classes_within!("$12", "$13", "$14")),
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = get!("class", fields!());
    /// One within scopes.
    GET_WITHIN = concat!(get!("class", fields!()), one_within!(classes_within!("$3", "$4", "$5")));
    /// One, to be changed.
    LOCK = lock!("class", fields!());
    /// One by its name in the system that feeds it.
    BY_SOURCED_ID = by_sourced_id!("class", fields!());
    /// One by its name in the system that feeds it, within scopes.
    BY_SOURCED_ID_WITHIN = concat!(
        by_sourced_id!("class", fields!()),
        many_within!(classes_within!("$3", "$4", "$5"))
    );
    /// A new one.
    INSERT = insert!(
        "class",
        concat!(written!(), ", title_search"),
        "$8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18"
    );
    /// A term it is held in.
    INSERT_TERM = "insert into class_term (tenant_id, class_id, academic_session_id) values ($1, $2, $3)";
    /// A term it is no longer held in.
    DELETE_TERM = "delete from class_term where tenant_id = $1 and class_id = $2 and academic_session_id = $3";
    /// New values.
    UPDATE = update!(
        "class",
        "title = $7, class_code = $8, class_type = $9, location = $10, course_id = $11, school_id = $12, grades = $13,
         subjects = $14, subject_codes = $15, periods = $16, title_search = $17"
    );
    /// Marked as deleted.
    DELETE = delete!("class", "id = $2");
    /// Marks everybody's place in it as deleted.
    DELETE_ENROLLMENTS = delete!("enrollment", "class_id = $2");
    /// By title, from the first.
    LIST_BY_TITLE = list!("", "", "title_search" asc);
    /// By title, from the last.
    LIST_BY_TITLE_DESC = list!("", "", "title_search" desc);
    /// By last change, oldest first.
    LIST_BY_CHANGE = list!("", "", "date_last_modified" asc);
    /// By last change, newest first.
    LIST_BY_CHANGE_DESC = list!("", "", "date_last_modified" desc);
    /// Those within scopes by title, from the first.
    WITHIN_BY_TITLE = list_within!("title_search" asc);
    /// Those within scopes by title, from the last.
    WITHIN_BY_TITLE_DESC = list_within!("title_search" desc);
    /// Those within scopes by last change, oldest first.
    WITHIN_BY_CHANGE = list_within!("date_last_modified" asc);
    /// Those within scopes by last change, newest first.
    WITHIN_BY_CHANGE_DESC = list_within!("date_last_modified" desc);
}

fn class(row: &Row) -> Result<Class> {
    Ok(Class {
        id: row.get("id"),
        fields: ClassFields {
            sourced_id: row.get("sourced_id"),
            status: status(row)?,
            title: row.get("title"),
            class_code: row.get("class_code"),
            class_type: ClassType::from_column(row.get("class_type")),
            location: row.get("location"),
            course_id: row.get("course_id"),
            school_id: row.get("school_id"),
            grades: row.get("grades"),
            subjects: row.get("subjects"),
            subject_codes: row.get("subject_codes"),
            periods: row.get("periods"),
            term_ids: row.get("term_ids"),
            metadata: Metadata::from_row(row),
        },
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, sight: &Sight, id: ClassId) -> Result<Class> {
    let rows = match sight {
        Sight::All => tenancy.fetch(cx, &GET, &[&id]).await?,
        Sight::Within(Within { account, on, scopes, .. }) => {
            tenancy.fetch(cx, &GET_WITHIN, &[&id, account, on, scopes]).await?
        }
    };
    class(found(&rows)?)
}

pub(super) async fn by_sourced_id(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    sourced_id: &str,
) -> Result<Vec<Class>> {
    let rows = match sight {
        Sight::All => tenancy.fetch(cx, &BY_SOURCED_ID, &[&sourced_id]).await?,
        Sight::Within(Within { account, on, scopes, .. }) => {
            tenancy.fetch(cx, &BY_SOURCED_ID_WITHIN, &[&sourced_id, account, on, scopes]).await?
        }
    };
    rows.iter().map(class).collect()
}

pub(super) async fn insert(tx: &mut TenantTx, key: Option<&IdempotencyKey>, made: &Class) -> Result<()> {
    let Class { id, fields, record } = made;
    let ClassFields {
        sourced_id,
        title,
        class_code,
        class_type,
        location,
        course_id,
        school_id,
        grades,
        subjects,
        subject_codes,
        periods,
        metadata,
        ..
    } = fields;
    let (source, search) = (record.source.word(), fields.title_search());
    let class: &Parameters<'_> = &[
        id,
        sourced_id,
        &record.created_at,
        &source,
        metadata.column(),
        &record.created_by,
        title,
        class_code,
        class_type.column(),
        location,
        course_id,
        school_id,
        grades,
        subjects,
        subject_codes,
        periods,
        &search,
    ];
    let terms: Vec<_> = fields.term_ids.iter().map(|term| term_item(&INSERT_TERM, id, term)).collect();
    IdempotencyKey::query_all(key, tx, &with_terms((&INSERT, class), &terms)).await.map(drop)
}

/// A statement about a term of a class, with its parameters.
type TermItem<'a> = (&'static Statement, [&'a (dyn ToSql + Sync); 2]);

fn term_item<'a>(statement: &'static Statement, class: &'a ClassId, term: &'a AcademicSessionId) -> TermItem<'a> {
    (statement, [class, term])
}

fn with_terms<'a>(
    class: (&'static Statement, &'a Parameters<'a>),
    terms: &'a [TermItem<'a>],
) -> Vec<(&'static Statement, &'a Parameters<'a>)> {
    let terms = terms.iter().map(|(statement, parameters)| (*statement, parameters.as_slice()));
    std::iter::once(class).chain(terms).collect()
}

/// One that is kept from changing.
pub(super) async fn lock(tx: &mut TenantTx, id: ClassId) -> Result<Class> {
    class(found(&tx.query(&LOCK, &[&id]).await?)?)
}

/// The change, the terms that came and went since `terms`, and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, terms: &[AcademicSessionId], changed: &Class) -> Result<()> {
    let Class { id, fields, record } = changed;
    let ClassFields {
        status,
        title,
        class_code,
        class_type,
        location,
        course_id,
        school_id,
        grades,
        subjects,
        subject_codes,
        periods,
        metadata,
        ..
    } = fields;
    let (status, search) = (status.word(), fields.title_search());
    let class: &Parameters<'_> = &[
        id,
        &status,
        &record.updated_at,
        &record.updated_by,
        metadata.column(),
        title,
        class_code,
        class_type.column(),
        location,
        course_id,
        school_id,
        grades,
        subjects,
        subject_codes,
        periods,
        &search,
    ];
    let gone = terms.iter().filter(|term| !fields.term_ids.contains(term));
    let come = fields.term_ids.iter().filter(|term| !terms.contains(term));
    let terms: Vec<_> = gone
        .map(|term| term_item(&DELETE_TERM, id, term))
        .chain(come.map(|term| term_item(&INSERT_TERM, id, term)))
        .collect();
    tx.commit_with(&with_terms((&UPDATE, class), &terms)).await.map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: ClassId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    let which: &Parameters<'_> = &[&id, &now, &by];
    tx.commit_with(&[(&DELETE, which), (&DELETE_ENROLLMENTS, which)]).await.map(drop)
}

/// Which classes.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) school_id: Option<OrgId>,
    pub(super) course_id: Option<CourseId>,
    pub(super) term_id: Option<AcademicSessionId>,
    pub(super) person_id: Option<PersonId>,
    pub(super) title: (Option<String>, Option<String>),
}

/// The statements of one order, in both directions: all, and those within scopes.
type Statements = [[&'static Statement; 2]; 2];

pub(super) async fn list_by_title(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<Class>> {
    let statements = [[&LIST_BY_TITLE, &LIST_BY_TITLE_DESC], [&WITHIN_BY_TITLE, &WITHIN_BY_TITLE_DESC]];
    list(tenancy, cx, statements, sight, selection).await
}

pub(super) async fn list_by_change(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<Class>> {
    let statements = [[&LIST_BY_CHANGE, &LIST_BY_CHANGE_DESC], [&WITHIN_BY_CHANGE, &WITHIN_BY_CHANGE_DESC]];
    list(tenancy, cx, statements, sight, selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    [all, of_scopes]: Statements,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<Class>> {
    let Selection { span, school_id, course_id, term_id, person_id, title: (from, below) } = selection;
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![
        &span.status,
        span.key(),
        &span.after.id,
        &span.limit,
        school_id,
        course_id,
        term_id,
        person_id,
        from,
        below,
    ];
    let statements = match sight {
        Sight::All => all,
        Sight::Within(Within { account, on, scopes, places }) => {
            parameters.extend([account as &(dyn ToSql + Sync), on, scopes, places]);
            of_scopes
        }
    };
    tenancy.fetch(cx, span.pick(statements), &parameters).await?.iter().map(class).collect()
}
