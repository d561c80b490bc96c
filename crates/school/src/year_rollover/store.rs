//! All SQL about plans: what they are made from, and the plans themselves.

use cloister_http::IdempotencyKey;
use cloister_ids::{AcademicSessionId, OrgId, StudentSchoolAssociationId, YearRolloverId, YearRolloverStudentId};
use cloister_tenancy::{
    Error, OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};
use jiff::civil::Date;

use super::{
    YearRollover, YearRolloverFields,
    plan::{Candidate, Decision},
};
use crate::{
    listing::Span,
    record::{Metadata, Record, Status, found, status},
    store::delete,
    unnamed_store::{get, insert, lock, page},
    vocabulary::SessionType,
};

macro_rules! fields {
    () => {
        "school_id, from_session_id, to_session_id, next_grades, graduating_grades, state, promoted, repeating, graduating,
         leaving, undecided, done, failure, applied_at, applied_by, undone_at, undone_by"
    };
}

macro_rules! list {
    ($key:tt $direction:ident) => {
        page!("year_rollover", fields!(), " and ($6::uuid is null or school_id = $6)", $key $direction)
    };
}

/// Students of a school, `$2`, who are there when a year ends, `$3`, and do not leave of themselves before the next begins, `$4`.
macro_rules! candidates {
    () => {
        " from student_school_association a
        join person p on p.tenant_id = $1 and p.id = a.student_id and p.status = 'active'
        where a.tenant_id = $1 and a.school_id = $2 and a.status = 'active' and a.entry_date < $3::date
        and (a.exit_withdraw_date is null or a.exit_withdraw_date > $4::date)"
    };
}

statements! {
    /// One.
    GET = get!("year_rollover", fields!());
    /// One, to be changed.
    LOCK = lock!("year_rollover", fields!());
    /// Whether a school counts.
    SCHOOL = "select status from org where tenant_id = $1 and id = $2";
    /// The years.
    SESSIONS = "select id, status, type, start_date, end_date from academic_session where tenant_id = $1 and id = any($2::uuid[])";
    /// Who a plan is about. A grade that was not entered is the one that the person has.
    CANDIDATES = concat!("select a.id, a.version, p.name_search,
            coalesce(a.entry_grade_level, case when cardinality(p.grades) = 1 then p.grades[1] end) as grade,
            a.next_year_grade_level, a.next_year_school_id, a.exit_withdraw_date,
            array(select o.school_id from student_school_association o where o.tenant_id = $1
                and o.student_id = a.student_id and o.id <> a.id and o.status = 'active'
                and (o.exit_withdraw_date is null or o.exit_withdraw_date > $4)) as elsewhere",
        candidates!(), " order by a.id");
    /// Students whom a plan, `$5`, does not know.
    NEWCOMERS = concat!("select a.id", candidates!(), " and not exists (select from year_rollover_student r
            where r.tenant_id = $1 and r.year_rollover_id = $5 and r.association_id = a.id) order by a.id limit 100");
    /// A new one.
    INSERT = insert!(
        "year_rollover",
        "school_id, from_session_id, to_session_id, next_grades, graduating_grades, promoted, repeating, graduating,
         leaving, undecided, state, done",
        "$7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 'planned', 0"
    );
    /// Its students, many at once: `$2` the plan, `$3` now, `$4` who.
    INSERT_STUDENTS = "insert into year_rollover_student (tenant_id, id, version, created_at, created_by, updated_at, updated_by,
            year_rollover_id, association_id, association_version, name_search, grade_level, outcome, next_grade_level,
            next_school_id, exit_date, problem, by_hand, state)
        select $1, s.id, 1, $3::timestamptz, $4::text, $3, $4, $2::uuid, s.association, s.version, s.name_search, s.grade,
            s.outcome, s.next_grade, s.next_school, s.exit_date, s.problem, false, 'planned'
        from unnest($5::uuid[], $6::uuid[], $7::bigint[], $8::text[], $9::text[], $10::text[], $11::text[], $12::uuid[],
            $13::date[], $14::text[])
            s (id, association, version, name_search, grade, outcome, next_grade, next_school, exit_date, problem)";
    /// Given up.
    DELETE = delete!("year_rollover", "id = $2");
    /// By age.
    LIST_BY_AGE = list!("id" asc);
    /// By age, from the newest.
    LIST_BY_AGE_DESC = list!("id" desc);
    /// By last change.
    LIST_BY_CHANGE = list!("date_last_modified" asc);
    /// By last change, newest first.
    LIST_BY_CHANGE_DESC = list!("date_last_modified" desc);
}

fn rollover(row: &Row) -> Result<YearRollover> {
    Ok(YearRollover {
        id: row.get("id"),
        status: status(row)?,
        fields: YearRolloverFields {
            school_id: row.get("school_id"),
            from_session_id: row.get("from_session_id"),
            to_session_id: row.get("to_session_id"),
            next_grades: serde_json::from_value(row.get("next_grades")).map_err(Error::internal)?,
            graduating_grades: row.get("graduating_grades"),
            metadata: Metadata::from_row(row),
        },
        state: row.get::<_, &str>("state").parse().map_err(Error::internal)?,
        promoted: row.get("promoted"),
        repeating: row.get("repeating"),
        graduating: row.get("graduating"),
        leaving: row.get("leaving"),
        undecided: row.get("undecided"),
        done: row.get("done"),
        failure: row.get("failure"),
        applied_at: row.get("applied_at"),
        applied_by: row.get("applied_by"),
        undone_at: row.get("undone_at"),
        undone_by: row.get("undone_by"),
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, id: YearRolloverId) -> Result<YearRollover> {
    rollover(found(&tenancy.fetch(cx, &GET, &[&id]).await?)?)
}

/// One that is kept from changing. `key` is of the request that is about to change it.
pub(super) async fn lock(tx: &mut TenantTx, key: Option<&IdempotencyKey>, id: YearRolloverId) -> Result<YearRollover> {
    rollover(found(&IdempotencyKey::query(key, tx, &LOCK, &[&id]).await?)?)
}

/// A session that is to be one of the years.
pub(super) struct Session {
    pub(super) id: AcademicSessionId,
    pub(super) status: Status,
    pub(super) kind: SessionType,
    pub(super) start_date: Date,
    pub(super) end_date: Date,
}

/// What a plan is about.
pub(super) struct Frame {
    /// Of the school; none when there is no such school.
    pub(super) school: Option<Status>,
    pub(super) sessions: Vec<Session>,
}

pub(super) async fn frame(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    fields: &YearRolloverFields,
) -> Result<Frame> {
    let years = vec![fields.from_session_id, fields.to_session_id];
    let rows = IdempotencyKey::query_all(key, tx, &[(&SCHOOL, &[&fields.school_id]), (&SESSIONS, &[&years])]).await?;
    let session = |row: &Row| -> Result<Session> {
        Ok(Session {
            id: row.get("id"),
            status: status(row)?,
            kind: SessionType::from_column(row.get("type")),
            start_date: row.get("start_date"),
            end_date: row.get("end_date"),
        })
    };
    Ok(Frame {
        school: rows[0].first().map(status).transpose()?,
        sessions: rows[1].iter().map(session).collect::<Result<_>>()?,
    })
}

/// Who goes from one year to the next, given the first day after the one and the first of the other.
pub(super) async fn candidates(
    tx: &mut TenantTx,
    school: OrgId,
    (ends, begins): (Date, Date),
) -> Result<Vec<Candidate>> {
    let candidate = |row: &Row| Candidate {
        association_id: row.get("id"),
        version: row.get("version"),
        name_search: row.get("name_search"),
        grade: row.get("grade"),
        next_grade: row.get("next_year_grade_level"),
        next_school: row.get("next_year_school_id"),
        exit_date: row.get("exit_withdraw_date"),
        elsewhere: row.get("elsewhere"),
    };
    Ok(tx.query(&CANDIDATES, &[&school, &ends, &begins]).await?.iter().map(candidate).collect())
}

/// The first of the students whom a plan does not know.
pub(super) async fn newcomers(
    tx: &mut TenantTx,
    of: &YearRollover,
    (ends, begins): (Date, Date),
) -> Result<Vec<StudentSchoolAssociationId>> {
    let rows = tx.query(&NEWCOMERS, &[&of.fields.school_id, &ends, &begins, &of.id]).await?;
    Ok(rows.iter().map(|row| row.get("id")).collect())
}

/// Students that are written at once.
const AT_ONCE: usize = 1000;

pub(super) async fn insert(tx: &mut TenantTx, made: &YearRollover, decided: &[(&Candidate, Decision)]) -> Result<()> {
    let YearRollover { id, fields, record, promoted, repeating, graduating, leaving, undecided, .. } = made;
    let source = record.source.word();
    let next_grades = serde_json::to_value(&fields.next_grades).map_err(Error::internal)?;
    let values: &Parameters<'_> = &[
        id,
        &record.created_at,
        &source,
        fields.metadata.column(),
        &record.created_by,
        &fields.school_id,
        &fields.from_session_id,
        &fields.to_session_id,
        &next_grades,
        &fields.graduating_grades,
        promoted,
        repeating,
        graduating,
        leaving,
        undecided,
    ];
    tx.query(&INSERT, values).await?;
    for chunk in decided.chunks(AT_ONCE) {
        insert_students(tx, made, chunk).await?;
    }
    Ok(())
}

async fn insert_students(tx: &mut TenantTx, of: &YearRollover, chunk: &[(&Candidate, Decision)]) -> Result<()> {
    let ids: Vec<_> = chunk.iter().map(|_| YearRolloverStudentId::generate(tx.cx().clock())).collect();
    let associations: Vec<_> = chunk.iter().map(|(of, _)| of.association_id).collect();
    let versions: Vec<_> = chunk.iter().map(|(of, _)| of.version).collect();
    let names: Vec<_> = chunk.iter().map(|(of, _)| of.name_search.as_str()).collect();
    let grades: Vec<_> = chunk.iter().map(|(of, _)| of.grade.as_deref()).collect();
    let outcomes: Vec<_> = chunk.iter().map(|(_, to)| to.outcome.word()).collect();
    let next_grades: Vec<_> = chunk.iter().map(|(_, to)| to.next_grade.as_deref()).collect();
    let schools: Vec<_> = chunk.iter().map(|(_, to)| to.next_school).collect();
    let days: Vec<_> = chunk.iter().map(|(_, to)| to.exit_date).collect();
    let problems: Vec<_> = chunk.iter().map(|(_, to)| to.problem).collect();
    let YearRollover { id, record, .. } = of;
    let values: &Parameters<'_> = &[
        id,
        &record.created_at,
        &record.created_by,
        &ids,
        &associations,
        &versions,
        &names,
        &grades,
        &outcomes,
        &next_grades,
        &schools,
        &days,
        &problems,
    ];
    tx.query(&INSERT_STUDENTS, values).await.map(drop)
}

pub(super) async fn delete(tx: TenantTx, id: YearRolloverId) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.commit_with(&[(&DELETE, &[&id, &now, &by])]).await.map(drop)
}

/// Which rollovers.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) school_id: Option<OrgId>,
}

pub(super) async fn list_by_age(tenancy: &Tenancy, cx: &OpContext, selection: &Selection) -> Result<Vec<YearRollover>> {
    list(tenancy, cx, [&LIST_BY_AGE, &LIST_BY_AGE_DESC], selection).await
}

pub(super) async fn list_by_change(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
) -> Result<Vec<YearRollover>> {
    list(tenancy, cx, [&LIST_BY_CHANGE, &LIST_BY_CHANGE_DESC], selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    statements: [&'static Statement; 2],
    Selection { span, school_id }: &Selection,
) -> Result<Vec<YearRollover>> {
    let parameters: Vec<&(dyn ToSql + Sync)> = vec![&span.status, span.key(), &span.after.id, &span.limit, school_id];
    tenancy.fetch(cx, span.pick(statements), &parameters).await?.iter().map(rollover).collect()
}
