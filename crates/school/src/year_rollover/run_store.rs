//! All SQL that carries a rollover out, batch by batch, and that takes it back.
//!
//! Of a batch `$2` are the ids of its students in the rollover, `$3` is now and `$4` who asked for it.

use cloister_ids::{PersonId, StudentSchoolAssociationId, YearRolloverId, YearRolloverStudentId};
use cloister_tenancy::{
    Result, TenantTx,
    sql::{Parameters, Row, statements},
};
use jiff::{Timestamp, civil::Date};

use super::{
    RolloverState, YearRollover,
    student_store::{about, changed, outdated},
};
use crate::{
    presence_store,
    record::found,
    student_school_association::exit_store::{END_PLACES, note_places, places_changed, places_clash, times_clash},
    unnamed_store::head,
};

/// The students of a batch who were not left out.
macro_rules! batch {
    () => {
        "r.tenant_id = $1 and r.id = any($2::uuid[]) and r.state = 'planned'"
    };
}

statements! {
    /// The years of a rollover.
    YEARS = "select f.end_date, t.start_date from year_rollover y
        join academic_session f on f.tenant_id = $1 and f.id = y.from_session_id
        join academic_session t on t.tenant_id = $1 and t.id = y.to_session_id
        where y.tenant_id = $1 and y.id = $2";
    /// Students of a plan of whom somebody changed something since.
    OUTDATED = concat!("select r.association_id from year_rollover_student r
        join student_school_association a on a.tenant_id = $1 and a.id = r.association_id
        join person p on p.tenant_id = $1 and p.id = a.student_id
        where r.tenant_id = $1 and r.year_rollover_id = $2 and r.state = 'planned' and ", outdated!(), " order by r.id");
    /// It begins, or begins again: `$3` now, `$4` who.
    BEGIN = "update year_rollover set state = 'applying', failure = null, applied_by = $4, version = version + 1,
            date_last_modified = $3, updated_at = $3, updated_by = $4
        where tenant_id = $1 and id = $2";
    /// It ends: `$3` now, `$4` who, `$5` how, `$6` when it was done, `$7` why it failed.
    END = "update year_rollover set state = $5, applied_at = $6, failure = $7, version = version + 1,
            date_last_modified = $3, updated_at = $3, updated_by = $4
        where tenant_id = $1 and id = $2";
    /// It was taken back: `$3` now, `$4` who.
    UNDONE = "update year_rollover set state = 'undone', undone_at = $3, undone_by = $4, version = version + 1,
            date_last_modified = $3, updated_at = $3, updated_by = $4
        where tenant_id = $1 and id = $2";
    /// How far it is, at `$3`.
    PROGRESS = "update year_rollover y set updated_at = $3, done = (select count(*)::integer from year_rollover_student r
            where r.tenant_id = $1 and r.year_rollover_id = $2 and r.state = 'done')
        where y.tenant_id = $1 and y.id = $2";
    /// The next students for whom something is to be done.
    NEXT = "select r.id, r.association_id, a.student_id from year_rollover_student r
        join student_school_association a on a.tenant_id = $1 and a.id = r.association_id
        where r.tenant_id = $1 and r.year_rollover_id = $2 and r.state = 'planned' and r.outcome <> 'undecided'
        order by r.id limit $3";
    /// Leaves out whoever was changed since the plan, or is where they are to go already.
    SKIP = "update year_rollover_student r set state = 'skipped', problem = 'changed_since', version = r.version + 1,
            updated_at = $3, updated_by = $4
        from student_school_association a
        where r.tenant_id = $1 and r.id = any($2::uuid[]) and r.state = 'planned'
        and a.tenant_id = $1 and a.id = r.association_id
        and (a.version <> r.association_version or a.status <> 'active' or a.exit_withdraw_date is not null
            or a.entry_date >= r.exit_date
            or ((r.outcome in ('promoted', 'repeats') or r.next_school_id is not null) and exists (
                select from student_school_association o where o.tenant_id = $1 and o.student_id = a.student_id
                and o.id <> a.id and o.school_id = coalesce(r.next_school_id, a.school_id) and o.status = 'active'
                and (o.exit_withdraw_date is null or o.exit_withdraw_date > r.exit_date))))";
    /// What an earlier exit had kept is of no use.
    FORGET_EARLIER = concat!("delete from school_exit_place x using year_rollover_student r where ", batch!(), "
        and x.tenant_id = $1 and x.association_id = r.association_id");
    /// This year ends.
    END_YEARS = concat!("update student_school_association a set exit_withdraw_date = r.exit_date,
            exit_withdraw_type = case r.outcome when 'promoted' then 'promoted' when 'repeats' then 'retained'
                when 'graduates' then 'graduated' else 'transferred' end,
            exit_version = a.version + 1, version = a.version + 1, date_last_modified = $3, updated_at = $3, updated_by = $4
        from year_rollover_student r where ", batch!(), " and a.tenant_id = $1 and a.id = r.association_id");
    /// Places that are about to end with it: of those who stay not those in classes that go on.
    NOTE_YEARS_PLACES = note_places!(
        "year_rollover_student r join student_school_association a on a.tenant_id = $1 and a.id = r.association_id",
        "r.tenant_id = $1 and r.id = any($2::uuid[]) and r.state = 'planned'
            and (r.outcome in ('graduates', 'leaves') or not exists (select from class_term ct
                join academic_session s on s.tenant_id = $1 and s.id = ct.academic_session_id
                where ct.tenant_id = $1 and ct.class_id = e.class_id and s.end_date > r.exit_date))"
    );
    /// The next year begins; `$5` where its records come from. A student's part in the rollover lends it its id.
    BEGIN_YEARS = concat!("insert into student_school_association (tenant_id, id, ", head!(), ", student_id, school_id, entry_date,
            entry_grade_level, entry_type, primary_school, repeat_grade_indicator)
        select $1, r.id, 'active', $3::timestamptz, $5::text, '{}', 1, $3, $4::text, $3, $4, a.student_id,
            coalesce(r.next_school_id, a.school_id), r.exit_date, r.next_grade_level,
            case r.outcome when 'leaves' then 'transfer' else 'next_year' end, a.primary_school, r.outcome = 'repeats'
        from year_rollover_student r
        join student_school_association a on a.tenant_id = $1 and a.id = r.association_id
        where ", batch!(), " and (r.outcome in ('promoted', 'repeats') or (r.outcome = 'leaves' and r.next_school_id is not null))");
    /// It is done for them.
    DONE = concat!("update year_rollover_student r set state = 'done', version_after = a.version, version = r.version + 1,
            updated_at = $3, updated_by = $4,
            next_association_id = case when r.outcome in ('promoted', 'repeats') or r.next_school_id is not null then r.id end
        from student_school_association a where ", batch!(), " and a.tenant_id = $1 and a.id = r.association_id");
    /// Those for whom it was done, and whether somebody changed what it wrote.
    DONE_ONES = concat!("select r.id, r.association_id, a.student_id, (", changed!(), ") as changed", about!(), "
        where r.tenant_id = $1 and r.year_rollover_id = $2 and r.state = 'done' order by r.id");
    /// Students of a rollover for whom it was done.
    STUDENTS_DONE = "select a.student_id from year_rollover_student r
        join student_school_association a on a.tenant_id = $1 and a.id = r.association_id
        where r.tenant_id = $1 and r.year_rollover_id = $2 and r.state = 'done'";
    /// What it made counts no more.
    NEXT_ASIDE = "update student_school_association n set status = 'tobedeleted', version = n.version + 1,
            date_last_modified = $3, updated_at = $3, updated_by = $4
        from year_rollover_student r where r.tenant_id = $1 and r.id = any($2::uuid[])
        and n.tenant_id = $1 and n.id = r.next_association_id and n.status = 'active'";
    /// It was taken back for them.
    BACK = "update year_rollover_student set state = 'undone', version = version + 1, updated_at = $3, updated_by = $4
        where tenant_id = $1 and id = any($2::uuid[])";
}

/// The first day after the one year, and the first of the next.
pub(super) async fn years(tx: &mut TenantTx, id: YearRolloverId) -> Result<(Date, Date)> {
    let rows = tx.query(&YEARS, &[&id]).await?;
    let row = found(&rows)?;
    Ok((row.get("end_date"), row.get("start_date")))
}

/// Whom somebody changed since the plan.
pub(super) async fn stale(tx: &mut TenantTx, id: YearRolloverId) -> Result<Vec<StudentSchoolAssociationId>> {
    let rows = tx.query(&OUTDATED, &[&id]).await?;
    Ok(rows.iter().map(|row| row.get("association_id")).collect())
}

pub(super) async fn begin(tx: &mut TenantTx, rollover: &YearRollover) -> Result<()> {
    let YearRollover { id, record, .. } = rollover;
    tx.query(&BEGIN, &[id, &record.updated_at, &record.updated_by]).await.map(drop)
}

pub(super) async fn end(
    tx: &mut TenantTx,
    id: YearRolloverId,
    state: RolloverState,
    (now, by): (Timestamp, &str),
    failure: Option<&str>,
) -> Result<()> {
    let applied_at = (state == RolloverState::Applied).then_some(now);
    tx.query(&END, &[&id, &now, &by, &state.word(), &applied_at, &failure]).await.map(drop)
}

/// Students that are done at once.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) students: Vec<YearRolloverStudentId>,
    associations: Vec<StudentSchoolAssociationId>,
    persons: Vec<PersonId>,
}

pub(super) async fn next(tx: &mut TenantTx, id: YearRolloverId, limit: i64) -> Result<Batch> {
    let rows = tx.query(&NEXT, &[&id, &limit]).await?;
    Ok(Batch {
        students: rows.iter().map(|row| row.get("id")).collect(),
        associations: rows.iter().map(|row| row.get("association_id")).collect(),
        persons: rows.iter().map(|row| row.get("student_id")).collect(),
    })
}

/// All that happens to the students of a batch, in one round trip.
pub(super) async fn carry_out(
    tx: &mut TenantTx,
    id: YearRolloverId,
    batch: &Batch,
    (now, by, source): (Timestamp, &str, &str),
) -> Result<()> {
    let Batch { students, associations, persons } = batch;
    let what: &Parameters<'_> = &[students, &now, &by];
    tx.query_all(&[
        (&presence_store::HELD, &[persons]),
        (&SKIP, what),
        (&FORGET_EARLIER, &[students]),
        (&END_YEARS, what),
        (&NOTE_YEARS_PLACES, &[students]),
        (&END_PLACES, &[associations, &now, &by]),
        (&BEGIN_YEARS, &[students, &now, &by, &source]),
        (&DONE, what),
        (&PROGRESS, &[&id, &now]),
    ])
    .await
    .map(drop)
}

/// Somebody for whom it was done.
pub(super) struct Done {
    pub(super) id: YearRolloverStudentId,
    pub(super) association_id: StudentSchoolAssociationId,
    pub(super) changed: bool,
}

/// All for whom it was done, kept from changing.
pub(super) async fn lock_done(tx: &mut TenantTx, id: YearRolloverId) -> Result<Vec<Done>> {
    let rows = tx.query(&STUDENTS_DONE, &[&id]).await?;
    let persons: Vec<PersonId> = rows.iter().map(|row| row.get("student_id")).collect();
    let rows = tx.query_all(&[(&presence_store::HELD, &[&persons]), (&DONE_ONES, &[&id])]).await?;
    let done =
        |row: &Row| Done { id: row.get("id"), association_id: row.get("association_id"), changed: row.get("changed") };
    Ok(rows[1].iter().map(done).collect())
}

/// What it made counts no more.
pub(super) async fn set_aside(
    tx: &mut TenantTx,
    students: &[YearRolloverStudentId],
    (now, by): (Timestamp, &str),
) -> Result<()> {
    let students = students.to_vec();
    let what: &Parameters<'_> = &[&students, &now, &by];
    tx.query_all(&[(&NEXT_ASIDE, what), (&BACK, what)]).await.map(drop)
}

pub(super) async fn undone(tx: &mut TenantTx, id: YearRolloverId, (now, by): (Timestamp, &str)) -> Result<()> {
    tx.query_all(&[(&UNDONE, &[&id, &now, &by]), (&PROGRESS, &[&id, &now])]).await.map(drop)
}
