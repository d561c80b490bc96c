//! All SQL about attendance rates.
//!
//! A page of students is found first, and their events are summed up only then: of a page of 20 students and 180 days that is
//! 3,600 rows of `attendance_event_by_student`, whatever the size of the school.
//!
//! What counts is what was said of days that have come, and on which there is instruction as the calendar says by now: of a day
//! that became a holiday, and of an absence that is planned, nothing is counted.

use cloister_ids::{AcademicSessionId, ClassId, OrgId, PersonId};
use cloister_tenancy::{
    OpContext, Result, Tenancy,
    sql::{Parameters, Row, Statement, ToSql, statements},
};
use jiff::civil::Date;

use super::{AttendanceRate, AttendanceTotals, RateSight};
use crate::{
    attendance_event::{AttendanceSight, AttendanceWithin},
    attendance_scope_store::attendance_classes_within,
    listing::Span,
    record::found,
    scope::{ALL, Sight, Within, today},
    scope_store::{classes_taught, family, in_force, one_within, persons_taught, places_asked_for},
    term_store::in_term,
};

/// The sums over events `v`.
macro_rules! sums {
    () => {
        "count(v.id) as recorded, count(v.id) filter (where v.direction = 'out') as absent,
         count(v.id) filter (where v.direction = 'out' and v.excused) as absent_excused,
         count(v.id) filter (where v.direction = 'in' and v.category = 'late') as late"
    };
}

/// The events `$v` that count, between the days and in the term: `$from`, `$until` and `$term`.
macro_rules! counted {
    ($v:literal, $from:literal, $until:literal, $term:literal) => {
        concat!(
            $v,
            ".tenant_id = $1 and ",
            $v,
            ".status = 'active' and ",
            $v,
            ".superseded_at is null and ",
            $v,
            ".reportable
             and (",
            $from,
            "::date is null or ",
            $v,
            ".date >= ",
            $from,
            ")
             and ",
            $v,
            ".date < ",
            $until,
            "::date
             and (",
            $term,
            "::uuid is null or (
                ",
            $v,
            ".date >= (select t.start_date from academic_session t where t.tenant_id = $1 and t.id = ",
            $term,
            ")
                and ",
            $v,
            ".date < (select t.end_date from academic_session t where t.tenant_id = $1 and t.id = ",
            $term,
            ")))
             and not exists (select from calendar_date h where h.tenant_id = $1 and h.school_id = ",
            $v,
            ".school_id and h.date = ",
            $v,
            ".date and h.status = 'active' and not h.is_instructional)"
        )
    };
}

/// What is said in the class `$11`: in a homeroom of the whole day, and of no class. That is what was said with its registers,
/// and of those who had a place there on the day in one of its terms: a place without dates is not one of every day there was.
macro_rules! said_in_class {
    () => {
        concat!(
            "(v.class_id = $11 or (v.class_id is null and (
                exists (select from attendance_register g where g.tenant_id = $1 and g.id = v.register_id and g.class_id = $11)
                or exists (select from enrollment s join class k on k.tenant_id = $1 and k.id = s.class_id
                        and k.class_type = 'homeroom'
                    where s.tenant_id = $1 and s.class_id = $11 and s.person_id = v.student_id and s.role = 'student' and ",
            in_force!("s", "v.date"),
            " and ",
            in_term!("s.class_id", "v.date"),
            "))))"
        )
    };
}

/// `$2` and `$3` the position, `$4` how many; `$5` to `$7` the days and the term, `$8` whether of classes, `$9` the student, `$10`
/// the school, `$11` the class.
macro_rules! list {
    ($students:expr, $events:expr, asc) => {
        list!(@ $students, $events, " > ", "")
    };
    ($students:expr, $events:expr, desc) => {
        list!(@ $students, $events, " < ", " desc")
    };
    (@ $students:expr, $events:expr, $beyond:literal, $direction:literal) => {
        concat!(
            "select p.id, p.name_search, p.given_name, p.family_name, r.recorded, r.absent, r.absent_excused, r.late
             from (select p.id, p.name_search, p.given_name, p.family_name from person p
                where p.tenant_id = $1 and p.status = 'active' and (p.name_search, p.id)", $beyond, "($2, $3)",
            $students,
            " order by p.name_search", $direction, ", p.id", $direction, " limit $4) p
             cross join lateral (select ", sums!(), " from attendance_event v
                where ", counted!("v", "$5", "$6", "$7"), " and v.student_id = p.id
                and case when $11::uuid is null then (v.class_id is not null) = $8::boolean else ", said_in_class!(), " end",
            $events,
            ") r order by p.name_search", $direction, ", p.id", $direction
        )
    };
}

/// Students, of a school where one is named.
macro_rules! students {
    () => {
        " and exists (select from person_role o where o.tenant_id = $1 and o.person_id = p.id and o.role = 'student'
            and o.status = 'active' and ($10::uuid is null or o.org_id = $10))"
    };
}

/// Those with a place in the class, of whom there are few: they are found first. Those of a school, too, where one is named.
macro_rules! of_class {
    ($places:expr) => {
        concat!(
            " and ($9::uuid is null or p.id = $9) and p.id = any(array(select e.person_id from enrollment e
                where e.tenant_id = $1 and e.class_id = $11 and e.role = 'student' and e.status = 'active'
                    and ($10::uuid is null or e.school_id = $10)",
            $places,
            "))"
        )
    };
}

/// The same, and all of whom its registers say something: though their place or the class be gone since.
macro_rules! ever_of_class {
    () => {
        " and ($9::uuid is null or p.id = $9) and p.id = any(array(
            select e.person_id from enrollment e where e.tenant_id = $1 and e.class_id = $11 and e.role = 'student'
                and e.status = 'active' and ($10::uuid is null or e.school_id = $10)
            union
            select r.student_id from attendance_register g join attendance_event r on r.tenant_id = $1
                and r.register_id = g.id and r.status = 'active' and r.superseded_at is null
                where g.tenant_id = $1 and g.class_id = $11 and ($10::uuid is null or g.school_id = $10)))"
    };
}

/// Students within scopes. Who is in a class is told by places: nobody learns more of them than otherwise.
macro_rules! within {
    () => {
        concat!(
            students!(),
            " and ($9::uuid is null or p.id = $9) and ($11::uuid is null or exists (select from enrollment e where e.tenant_id = $1 and e.class_id = $11
                and e.person_id = p.id and e.role = 'student' and e.status = 'active'",
            places_asked_for!("$12", "$13", "$16"),
            "))
              and p.id = any(array(",
            family!("$12", "$13", "$14"),
            " union all ",
            persons_taught!("$12", "$13", "$15"),
            "))"
        )
    };
}

macro_rules! events_within {
    () => {
        attendance_classes_within!("v.student_id", "v.class_id", "$12", "$13", "$14", "$15")
    };
}

/// Of one class: `$3` to `$5` the days and the term. What a homeroom says is of the whole day and of no class: it is what was
/// said with its registers, and of those who had a place there on the day in one of its terms. Each event counts once.
macro_rules! class {
    ($seen:expr) => {
        concat!(
            "select ",
            sums!(),
            " from (
                select c.id, c.category, c.direction, c.excused from attendance_event c
                where c.class_id = $2 and ",
            counted!("c", "$3", "$4", "$5"),
            "
                union
                select r.id, r.category, r.direction, r.excused from attendance_register g
                join attendance_event r on r.register_id = g.id and r.class_id is null and ",
            counted!("r", "$3", "$4", "$5"),
            "
                where g.tenant_id = $1 and g.class_id = $2
                union
                select d.id, d.category, d.direction, d.excused from enrollment s
                join class k on k.tenant_id = $1 and k.id = s.class_id and k.class_type = 'homeroom'
                join attendance_event d on d.student_id = s.person_id and d.class_id is null
                    and ",
            counted!("d", "$3", "$4", "$5"),
            "
                where s.tenant_id = $1 and s.class_id = $2 and s.role = 'student' and ",
            in_force!("s", "d.date"),
            " and ",
            in_term!("s.class_id", "d.date"),
            ") v
             having exists (select id from class where tenant_id = $1 and id = $2",
            $seen,
            ")"
        )
    };
}

statements! {
    /// Of students by name.
    ALL_BY_NAME = list!(concat!(" and $9::uuid is null", students!()), "", asc);
    /// Of students by name, from the last.
    ALL_BY_NAME_DESC = list!(concat!(" and $9::uuid is null", students!()), "", desc);
    /// Of one student.
    STUDENT_BY_NAME = list!(concat!(" and p.id = $9", students!()), "", asc);
    /// Of one student, in the other order.
    STUDENT_BY_NAME_DESC = list!(concat!(" and p.id = $9", students!()), "", desc);
    /// Of the students of a class by name.
    CLASS_BY_NAME = list!(ever_of_class!(), "", asc);
    /// Of the students of a class by name, from the last.
    CLASS_BY_NAME_DESC = list!(ever_of_class!(), "", desc);
    /// Of the students of a class by name, as far as places are within scopes.
    CLASS_PLACES_BY_NAME = list!(of_class!(places_asked_for!("$12", "$13", "$14")), "", asc);
    /// Of the students of a class by name, as far as places are within scopes, from the last.
    CLASS_PLACES_BY_NAME_DESC = list!(of_class!(places_asked_for!("$12", "$13", "$14")), "", desc);
    /// Of students within scopes by name.
    WITHIN_BY_NAME = list!(within!(), events_within!(), asc);
    /// Of students within scopes by name, from the last.
    WITHIN_BY_NAME_DESC = list!(within!(), events_within!(), desc);
    /// Of a class, deleted or not.
    CLASS = class!("");
    /// Of a class within scopes.
    CLASS_WITHIN = class!(one_within!(classes_taught!("$6", "$7", "$8")));
}

/// In which days.
#[derive(Debug, Clone, Copy)]
pub(super) struct Days {
    from: Option<Date>,
    /// Never beyond the days that have come.
    until: Date,
    term_id: Option<AcademicSessionId>,
}

impl Days {
    /// What somebody asks for, as far as it has come.
    pub(super) fn of(
        cx: &OpContext,
        from: Option<Date>,
        until: Option<Date>,
        term_id: Option<AcademicSessionId>,
    ) -> Self {
        let to_come = today(cx).tomorrow().unwrap_or(Date::MAX);
        Self { from, until: until.map_or(to_come, |until| until.min(to_come)), term_id }
    }
}

fn totals(row: &Row) -> AttendanceTotals {
    AttendanceTotals::new(row.get("recorded"), row.get("absent"), row.get("absent_excused"), row.get("late"))
}

pub(super) async fn of_class(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    id: ClassId,
    days: &Days,
) -> Result<AttendanceTotals> {
    let Days { from, until, term_id } = days;
    let rows = match sight {
        Sight::All => tenancy.fetch(cx, &CLASS, &[&id, from, until, term_id]).await?,
        Sight::Within(Within { account, on, scopes, .. }) => {
            tenancy.fetch(cx, &CLASS_WITHIN, &[&id, from, until, term_id, account, on, scopes]).await?
        }
    };
    Ok(totals(found(&rows)?))
}

/// Of which students.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) days: Days,
    pub(super) of_classes: bool,
    pub(super) student_id: Option<PersonId>,
    pub(super) school_id: Option<OrgId>,
    pub(super) class_id: Option<ClassId>,
}

/// A row of the list, and its sort key.
pub(super) type Line = (AttendanceRate, String);

fn line(row: &Row) -> Line {
    let rate = AttendanceRate {
        student_id: row.get("id"),
        student_given_name: row.get("given_name"),
        student_family_name: row.get("family_name"),
        totals: totals(row),
    };
    (rate, row.get("name_search"))
}

pub(super) async fn list_by_name(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &RateSight,
    selection: &Selection,
) -> Result<Vec<Line>> {
    let Selection { span, days: Days { from, until, term_id }, of_classes, student_id, school_id, class_id } =
        selection;
    let all = vec![ALL];
    let shared: &Parameters<'_> =
        &[span.key(), &span.after.id, &span.limit, from, until, term_id, of_classes, student_id, school_id, class_id];
    let mut parameters: Vec<&(dyn ToSql + Sync)> = shared.to_vec();
    let statements: [&'static Statement; 2] = match (&sight.attendance, &sight.places, class_id) {
        (AttendanceSight::Within(AttendanceWithin { account, on, family, teaching }), places, _) => {
            let places = match places {
                Sight::All => &all,
                Sight::Within(Within { places, .. }) => places,
            };
            parameters.extend([account as &(dyn ToSql + Sync), on, family, teaching, places]);
            [&WITHIN_BY_NAME, &WITHIN_BY_NAME_DESC]
        }
        (AttendanceSight::All, Sight::Within(Within { account, on, places, .. }), Some(_)) => {
            parameters.extend([account as &(dyn ToSql + Sync), on, places]);
            [&CLASS_PLACES_BY_NAME, &CLASS_PLACES_BY_NAME_DESC]
        }
        (AttendanceSight::All, Sight::All, Some(_)) => [&CLASS_BY_NAME, &CLASS_BY_NAME_DESC],
        (AttendanceSight::All, _, None) if student_id.is_some() => [&STUDENT_BY_NAME, &STUDENT_BY_NAME_DESC],
        (AttendanceSight::All, _, None) => [&ALL_BY_NAME, &ALL_BY_NAME_DESC],
    };
    let rows = tenancy.fetch(cx, span.pick(statements), &parameters).await?;
    Ok(rows.iter().map(line).collect())
}
