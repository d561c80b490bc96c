//! All SQL that finds missing registers. What is due is found from the calendar on; whether it was taken, by the key of registers.
//!
//! One day is looked at after the other, until the page is full: what is due in a month is many times what a page holds. Days are put
//! in order before, and PostgreSQL can only go from each to its rows, which are put in order there. So the whole is in order, and
//! must not be ordered once more: that would take all days.

use cloister_ids::{ClassId, OrgId};
use cloister_tenancy::{
    OpContext, Result, Tenancy,
    sql::{Row, Statement, ToSql, statements},
};
use jiff::civil::Date;

use super::missing::MissingRegister;
use crate::{
    listing::Span,
    name_store::class_names,
    scope::{Sight, Within},
    scope_store::{classes_within, in_force},
    term_store::held_on,
};

/// Schools with instruction on the day, by the calendar `c`, and classes `k` of theirs: of school `$7`, or class `$8` alone, and
/// in one of their terms.
macro_rules! classes_of_day {
    ($type:literal, $join:expr) => {
        concat!(
            " from calendar_date c join class k on k.tenant_id = $1 and k.school_id = c.school_id and k.status = 'active'
                and k.class_type ",
            $type,
            " 'homeroom' and ($8::uuid is null or k.id = $8)",
            $join,
            " where c.tenant_id = $1 and c.status = 'active' and c.is_instructional and c.date = day.date
                and ($7::uuid is null or c.school_id = $7) and k.id = any(array(",
            held_on!("day.date"),
            "))"
        )
    };
}

macro_rules! list {
    ($rest:expr, asc) => {
        list!(@ $rest, " >", "")
    };
    ($rest:expr, desc) => {
        list!(@ $rest, " <", " desc")
    };
    (@ $rest:expr, $beyond:literal, $direction:literal) => {
        concat!(
            "select day.date, x.due_by, x.class_id, x.school_id, x.class_period_id, ", class_names!("x"), "
             from (select days.date from (select $5::date + n as date from generate_series(0, $6::date - $5::date - 1) n) days
                where days.date", $beyond, "= $2::date order by days.date", $direction, ") day
             cross join lateral (select x.due_by, x.class_id, x.school_id, x.class_period_id from (
                (select distinct on (k.id, m.class_period_id) m.id as due_by, k.id as class_id, k.school_id, m.class_period_id",
                classes_of_day!("<>", concat!("
                    join meeting m on m.tenant_id = $1 and m.class_id = k.id
                        and (m.day_of_week = extract(isodow from c.date)::int or m.cycle_day = c.cycle_day)
                        and ", in_force!("m", "c.date"))), "
                    and (c.bell_schedule_id is null or exists (select from bell_schedule_period b where b.tenant_id = $1
                        and b.bell_schedule_id = c.bell_schedule_id and b.class_period_id = m.class_period_id))
                order by k.id, m.class_period_id, m.id)
                union all
                select k.id, k.id, k.school_id, null::uuid", classes_of_day!("=", ""), ") x
                where (day.date, x.due_by)", $beyond, " ($2, $3)",
            $rest,
            " and exists (select from enrollment e where e.tenant_id = $1 and e.class_id = x.class_id
                        and e.role = 'student' and ", in_force!("e", "day.date"), ")
                    and not exists (select from attendance_register g where g.tenant_id = $1 and g.class_id = x.class_id
                        and g.date = day.date and g.class_period_id is not distinct from x.class_period_id)
                order by x.due_by", $direction, " limit $4) x limit $4"
        )
    };
}

macro_rules! within {
    () => {
        concat!(" and x.class_id = any(array(", classes_within!("$9", "$10", "$11"), "))")
    };
}

statements! {
    /// By day.
    BY_DATE = list!("", asc);
    /// By day, from the last.
    BY_DATE_DESC = list!("", desc);
    /// Those of classes within scopes by day.
    WITHIN_BY_DATE = list!(within!(), asc);
    /// Those of classes within scopes by day, from the last.
    WITHIN_BY_DATE_DESC = list!(within!(), desc);
}

/// Which missing registers.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) from: Date,
    pub(super) until: Date,
    pub(super) school_id: Option<OrgId>,
    pub(super) class_id: Option<ClassId>,
}

fn missing(row: &Row) -> MissingRegister {
    MissingRegister {
        class_id: row.get("class_id"),
        school_id: row.get("school_id"),
        date: row.get("date"),
        class_period_id: row.get("class_period_id"),
        class_title: row.get("class_title"),
        class_period_name: row.get("class_period_name"),
        due_by: row.get("due_by"),
    }
}

pub(super) async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<MissingRegister>> {
    let Selection { span, from, until, school_id, class_id } = selection;
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![span.key(), &span.after.id, &span.limit, from, until, school_id, class_id];
    let statements: [&'static Statement; 2] = match sight {
        Sight::All => [&BY_DATE, &BY_DATE_DESC],
        Sight::Within(Within { account, on, scopes, .. }) => {
            parameters.extend([account as &(dyn ToSql + Sync), on, scopes]);
            [&WITHIN_BY_DATE, &WITHIN_BY_DATE_DESC]
        }
    };
    let rows: Vec<_> = tenancy.fetch(cx, span.pick(statements), &parameters).await?.iter().map(missing).collect();
    let key = |row: &MissingRegister| (row.date, row.due_by);
    debug_assert!(rows.is_sorted_by_key(key) || rows.iter().rev().is_sorted_by_key(key), "days came in no order");
    Ok(rows)
}
