//! All SQL about conflicts of meetings.

use cloister_ids::{MeetingId, OrgId};
use cloister_tenancy::{
    Error, OpContext, Result, Tenancy,
    sql::{Row, statements},
};

use super::conflict::{Conflict, ConflictKind, MeetingConflicts};
use crate::{listing::Span, term_store::terms};

/// That the meeting `b` is on the same day as `a`, and both are in force on some day. `$later` says how `b` stands to `a`. A meeting
/// has a day of the week or of the rotating timetable, and never both: said without `or`, it can be hashed.
macro_rules! shared_days {
    ($later:literal) => {
        concat!(
            " and b.tenant_id = $1 and b.status = 'active' and b.id <> a.id",
            $later,
            "
              and coalesce(a.day_of_week, 0) = coalesce(b.day_of_week, 0)
              and coalesce(a.cycle_day, '') = coalesce(b.cycle_day, '')
              and (a.begin_date is null or b.end_date is null or a.begin_date < b.end_date)
              and (b.begin_date is null or a.end_date is null or b.begin_date < a.end_date)
             join class_period p on p.tenant_id = $1 and p.id = a.class_period_id
             join class_period q on q.tenant_id = $1 and q.id = b.class_period_id
              and p.start_time < q.end_time and q.start_time < p.end_time"
        )
    };
}

/// Who teaches meetings `t`, which `$of` narrows.
macro_rules! teachers {
    ($of:literal) => {
        concat!(
            "select t.id, t.teacher_id from meeting t
                where t.tenant_id = $1 and t.status = 'active' and t.teacher_id is not null",
            $of,
            "
             union all select t.id, e.person_id from meeting t
                join enrollment e on e.tenant_id = $1 and e.class_id = t.class_id and e.role = 'teacher'
                    and e.status = 'active'
                    and (t.begin_date is null or e.end_date is null or t.begin_date < e.end_date)
                    and (e.begin_date is null or t.end_date is null or e.begin_date < t.end_date)
                where t.tenant_id = $1 and t.status = 'active' and t.teacher_id is null",
            $of
        )
    };
}

/// Pairs `one`, `kind`, `other`: `$a` narrows the first, `$of` whose teachers are looked for, and `$later` says how the second
/// stands to it. Each kind is joined by what is shared, so that PostgreSQL can hash it or look it up; whom a meeting names and whose
/// class it is are joined apart, or all meetings of the school would be gone through for one.
macro_rules! pairs {
    ($a:literal, $of:literal, $later:literal) => {
        concat!(
            "select a.id as one, 'class' as kind, b.id as other
             from meeting a join meeting b on b.class_id = a.class_id",
            shared_days!($later),
            "
             where a.tenant_id = $1 and a.status = 'active'",
            $a,
            "
             union all
             select a.id, 'room', b.id
             from meeting a join meeting b on b.room_id = a.room_id and b.class_id <> a.class_id",
            shared_days!($later),
            "
             where a.tenant_id = $1 and a.status = 'active'",
            $a,
            "
             union all
             select a.id, 'teacher', b.id
             from meeting a join (",
            teachers!($of),
            ") taught on taught.id = a.id
             join meeting b on b.teacher_id = taught.teacher_id and b.class_id <> a.class_id",
            shared_days!($later),
            "
             where a.tenant_id = $1 and a.status = 'active'",
            $a,
            "
             union all
             select a.id, 'teacher', b.id
             from meeting a join (",
            teachers!($of),
            ") taught on taught.id = a.id
             join enrollment e on e.tenant_id = $1 and e.person_id = taught.teacher_id and e.role = 'teacher'
              and e.status = 'active'
             join meeting b on b.class_id = e.class_id and b.teacher_id is null and b.class_id <> a.class_id
              and (b.begin_date is null or e.end_date is null or b.begin_date < e.end_date)
              and (e.begin_date is null or b.end_date is null or e.begin_date < b.end_date)",
            shared_days!($later),
            "
             where a.tenant_id = $1 and a.status = 'active'",
            $a
        )
    };
}

/// Of pairs `one`, `kind`, `other`, those whose classes count, and are both held on some day of both meetings: in their terms. It is
/// looked at last, because few pairs come so far.
macro_rules! held_together {
    ($pairs:expr) => {
        concat!(
            "select pair.one, pair.kind, pair.other from (select distinct one, kind, other from (",
            $pairs,
            ") every_pair) pair
             join meeting a on a.tenant_id = $1 and a.id = pair.one
             join meeting b on b.tenant_id = $1 and b.id = pair.other
             join class k on k.tenant_id = $1 and k.id = a.class_id and k.status = 'active'
             join class l on l.tenant_id = $1 and l.id = b.class_id and l.status = 'active'
             where exists (select from (",
            terms!("a.class_id"),
            ") x join (",
            terms!("b.class_id"),
            ") y on greatest(x.begins, a.begin_date, y.begins, b.begin_date)
                < least(x.ends, a.end_date, y.ends, b.end_date))"
        )
    };
}

/// So many meetings beyond `$2` as `$3` says, of the school `$4`, and what stands against each. All meetings of a school compared
/// with each other would be work without bounds, so a page looks through some and tells of all it looked at. Each conflict is told once:
/// with the older meeting, or where that is of another school than the one asked for, with the younger.
macro_rules! list {
    ($beyond:literal, $direction:literal) => {
        concat!(
            "with looked as materialized (select m.id from meeting m
                join class k on k.tenant_id = $1 and k.id = m.class_id and k.status = 'active'
                    and ($4::uuid is null or k.school_id = $4)
                where m.tenant_id = $1 and m.status = 'active' and m.id",
            $beyond,
            "$2 order by m.id",
            $direction,
            " limit $3),
             found as materialized (",
            held_together!(pairs!(
                " and a.id = any(array(select looked.id from looked))",
                " and t.id = any(array(select looked.id from looked))",
                " and (b.id > a.id or $4::uuid is not null and not exists (select from class o
                    where o.tenant_id = $1 and o.id = b.class_id and o.school_id = $4))"
            )),
            ")
             select l.id as meeting_id,
                array(select f.kind from found f where f.one = l.id order by f.kind, f.other) as kinds,
                array(select f.other from found f where f.one = l.id order by f.kind, f.other) as others
             from looked l order by l.id",
            $direction
        )
    };
}

statements! {
    /// What stands against one, the first hundred.
    OF_MEETING = concat!("select found.kind, found.other as meeting_id from (",
        held_together!(pairs!(" and a.id = $2", " and t.id = $2", "")), ") found order by found.kind, found.other limit 100");
    /// From the oldest on.
    LIST = list!(" > ", "");
    /// From the newest on.
    LIST_DESC = list!(" < ", " desc");
}

fn kind(word: &str) -> Result<ConflictKind> {
    word.parse().map_err(Error::internal)
}

pub(super) fn conflict(row: &Row) -> Result<Conflict> {
    Ok(Conflict { kind: kind(row.get("kind"))?, meeting_id: row.get("meeting_id") })
}

/// Some meetings in their order, with what stands against each; against most nothing does.
pub(crate) async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    span: &Span,
    school_id: Option<OrgId>,
) -> Result<Vec<MeetingConflicts>> {
    let rows = tenancy.fetch(cx, span.pick([&LIST, &LIST_DESC]), &[&span.after.id, &span.limit, &school_id]).await?;
    let item = |row: &Row| {
        let others = row.get::<_, Vec<MeetingId>>("others").into_iter();
        let pairs = row.get::<_, Vec<String>>("kinds").into_iter().zip(others);
        let conflicts = pairs.map(|(word, meeting_id)| Ok(Conflict { kind: kind(&word)?, meeting_id }));
        Ok(MeetingConflicts { meeting_id: row.get("meeting_id"), conflicts: conflicts.collect::<Result<_>>()? })
    };
    rows.iter().map(item).collect()
}
