//! All SQL about what happens to each student.

use cloister_ids::{OrgId, YearRolloverId, YearRolloverStudentId};
use cloister_tenancy::{
    Error, OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};
use jiff::civil::Date;

use super::{
    RolloverOutcome,
    student::{YearRolloverStudent, YearRolloverStudentFields},
};
use crate::{
    listing::Span,
    record::found,
    student_school_association::exit_store::{places_changed, places_clash, times_clash},
};

/// Whether somebody changed what `r`, which is planned, is about.
macro_rules! outdated {
    () => {
        "(a.version <> r.association_version or a.status <> 'active' or p.status <> 'active')"
    };
}

/// Whether somebody changed what `r` is about: of a plan the association, of what was done all that it wrote.
macro_rules! changed {
    () => {
        concat!(
            "case r.state when 'planned' then ",
            outdated!(),
            " when 'done' then a.version is distinct from r.version_after or a.status <> 'active'
                    or (n.id is not null and (n.version <> 1 or n.status <> 'active')) or ",
            places_changed!(),
            " or ",
            places_clash!(),
            " or ",
            times_clash!(" and other.id is distinct from r.next_association_id"),
            " else false end"
        )
    };
}

/// What `r` is about.
macro_rules! about {
    () => {
        " from year_rollover_student r
        join student_school_association a on a.tenant_id = $1 and a.id = r.association_id
        join person p on p.tenant_id = $1 and p.id = a.student_id
        left join student_school_association n on n.tenant_id = $1 and n.id = r.next_association_id"
    };
}

pub(super) use {about, changed, outdated};

macro_rules! select {
    () => {
        concat!(
            "select r.id, r.version, r.created_at, r.created_by, r.updated_at, r.updated_by, r.year_rollover_id,
                r.association_id, a.student_id, p.given_name, p.family_name, r.name_search, r.grade_level, r.outcome,
                r.next_grade_level, r.next_school_id, r.exit_date, r.problem, r.by_hand, r.state, r.next_association_id, ",
            changed!(),
            " as changed",
            about!(),
            " where r.tenant_id = $1"
        )
    };
}

/// `$2` and `$3` the position, `$4` how many, `$5` the outcome, `$6` and `$7` the name, `$8` whether changed, `$9` the rollover.
macro_rules! list {
    ($which:literal, $beyond:literal, $direction:literal) => {
        concat!(
            select!(),
            " and (r.name_search, r.id)",
            $beyond,
            "($2, $3) and ($5::text is null or r.outcome = $5)
              and ($6::text is null or (r.name_search >= $6 and r.name_search < $7))
              and ($8::boolean is null or (",
            changed!(),
            ") = $8)",
            $which,
            " order by r.name_search",
            $direction,
            ", r.id",
            $direction,
            " limit $4"
        )
    };
}

statements! {
    /// One.
    GET = concat!(select!(), " and r.id = $2");
    /// The rollover that one is part of, kept from changing, and its years.
    LOCK_ROLLOVER = "select y.id, y.status, y.state, y.school_id, f.end_date, t.start_date from year_rollover y
        join academic_session f on f.tenant_id = $1 and f.id = y.from_session_id
        join academic_session t on t.tenant_id = $1 and t.id = y.to_session_id
        where y.tenant_id = $1 and y.id = (select r.year_rollover_id from year_rollover_student r
            where r.tenant_id = $1 and r.id = $2) for no key update of y";
    /// What somebody decides: `$3` now, `$4` who.
    UPDATE = "update year_rollover_student set outcome = $5, next_grade_level = $6, next_school_id = $7, exit_date = $8,
            problem = null, by_hand = true, version = version + 1, updated_at = $3, updated_by = $4
        where tenant_id = $1 and id = $2";
    /// The counts of a rollover, after that.
    RECOUNT = "update year_rollover y set promoted = c.promoted, repeating = c.repeating, graduating = c.graduating,
            leaving = c.leaving, undecided = c.undecided, version = y.version + 1, date_last_modified = $3, updated_at = $3,
            updated_by = $4
        from (select count(*) filter (where r.outcome = 'promoted')::integer as promoted,
                count(*) filter (where r.outcome = 'repeats')::integer as repeating,
                count(*) filter (where r.outcome = 'graduates')::integer as graduating,
                count(*) filter (where r.outcome = 'leaves')::integer as leaving,
                count(*) filter (where r.outcome = 'undecided')::integer as undecided
            from year_rollover_student r where r.tenant_id = $1 and r.year_rollover_id = $2) c
        where y.tenant_id = $1 and y.id = $2";
    /// By name.
    ALL_BY_NAME = list!(" and $9::uuid is null", " > ", "");
    /// By name, from the last.
    ALL_BY_NAME_DESC = list!(" and $9::uuid is null", " < ", " desc");
    /// Those of a rollover by name.
    ROLLOVER_BY_NAME = list!(" and r.year_rollover_id = $9", " > ", "");
    /// Those of a rollover by name, from the last.
    ROLLOVER_BY_NAME_DESC = list!(" and r.year_rollover_id = $9", " < ", " desc");
}

fn student(row: &Row) -> Result<(String, YearRolloverStudent)> {
    let student = YearRolloverStudent {
        id: row.get("id"),
        year_rollover_id: row.get("year_rollover_id"),
        association_id: row.get("association_id"),
        student_id: row.get("student_id"),
        given_name: row.get("given_name"),
        family_name: row.get("family_name"),
        grade_level: row.get("grade_level"),
        fields: YearRolloverStudentFields {
            outcome: row.get::<_, &str>("outcome").parse().map_err(Error::internal)?,
            next_grade_level: row.get("next_grade_level"),
            next_school_id: row.get("next_school_id"),
        },
        exit_date: row.get("exit_date"),
        problem: row.get("problem"),
        by_hand: row.get("by_hand"),
        state: row.get::<_, &str>("state").parse().map_err(Error::internal)?,
        next_association_id: row.get("next_association_id"),
        changed: row.get("changed"),
        version: row.get("version"),
        created_at: row.get("created_at"),
        created_by: row.get("created_by"),
        updated_at: row.get("updated_at"),
        updated_by: row.get("updated_by"),
    };
    Ok((row.get("name_search"), student))
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, id: YearRolloverStudentId) -> Result<YearRolloverStudent> {
    Ok(student(found(&tenancy.fetch(cx, &GET, &[&id]).await?)?)?.1)
}

/// One whose rollover is kept from changing.
pub(super) struct Locked {
    pub(super) student: YearRolloverStudent,
    pub(super) planned: bool,
    /// The school whose years they are.
    pub(super) school_id: OrgId,
    /// The first day after one year, and the first of the next.
    pub(super) years: (Date, Date),
}

pub(super) async fn lock(tx: &mut TenantTx, id: YearRolloverStudentId) -> Result<Locked> {
    let rows = tx.query_all(&[(&LOCK_ROLLOVER, &[&id]), (&GET, &[&id])]).await?;
    let rollover = found(&rows[0])?;
    let planned = rollover.get::<_, &str>("state") == "planned" && rollover.get::<_, &str>("status") == "active";
    let years = (rollover.get("end_date"), rollover.get("start_date"));
    let school_id = rollover.get("school_id");
    Ok(Locked { student: student(found(&rows[1])?)?.1, planned, school_id, years })
}

/// The change, the counts and the commit, in one round trip.
pub(super) async fn update(tx: TenantTx, changed: &YearRolloverStudent) -> Result<()> {
    let YearRolloverStudent { id, year_rollover_id, fields, exit_date, updated_at, updated_by, .. } = changed;
    let outcome = fields.outcome.word();
    let values: &Parameters<'_> =
        &[id, updated_at, updated_by, &outcome, &fields.next_grade_level, &fields.next_school_id, exit_date];
    tx.commit_with(&[(&UPDATE, values), (&RECOUNT, &[year_rollover_id, updated_at, updated_by])]).await.map(drop)
}

/// Which students.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) year_rollover_id: Option<YearRolloverId>,
    pub(super) outcome: Option<RolloverOutcome>,
    pub(super) name: (Option<String>, Option<String>),
    pub(super) changed: Option<bool>,
}

/// Each with the key it is sorted by.
pub(super) async fn list_by_name(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
) -> Result<Vec<(String, YearRolloverStudent)>> {
    let Selection { span, year_rollover_id, outcome, name: (from, until), changed } = selection;
    let outcome = outcome.map(RolloverOutcome::word);
    let parameters: Vec<&(dyn ToSql + Sync)> =
        vec![span.key(), &span.after.id, &span.limit, &outcome, from, until, changed, year_rollover_id];
    let statements: [&'static Statement; 2] = match year_rollover_id {
        Some(_) => [&ROLLOVER_BY_NAME, &ROLLOVER_BY_NAME_DESC],
        None => [&ALL_BY_NAME, &ALL_BY_NAME_DESC],
    };
    tenancy.fetch(cx, span.pick(statements), &parameters).await?.iter().map(student).collect()
}
