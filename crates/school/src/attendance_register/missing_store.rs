//! All SQL that finds missing registers. What is due is found from the calendar on; whether it was taken, by the key of registers.
//!
//! A page looks through so many classes, day by day: to find that little is missing, all that is due must be looked at, and that of a
//! month is many times what a page holds.
//!
//! Days are put in order before, and PostgreSQL can only go from each to its classes, which are put in order there. So what is looked
//! at comes in order, and must not be ordered once more: that would take all days.

use cloister_ids::{ClassId, OrgId, Uuid};
use cloister_tenancy::{
    OpContext, Result, Tenancy,
    sql::{Row, Statement, ToSql, statements},
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::missing::MissingRegister;
use crate::{
    name_store::class_names,
    scope::{Sight, Within},
    scope_store::{classes_taught, in_force},
    term_store::held_on,
    vocabulary::ClassType,
};

/// `looked`, some classes held on days with instruction, of school `$8`, class `$9` and type `$10` alone; `taught`, those that count
/// and have instruction themselves; `missing`, what is due of them and was not taken; `stopped`, the last one that was looked at if
/// there are more. There is one row where nothing is missing.
///
/// Homerooms are few among classes, so they are looked for before the others are left out; of another type most are.
///
/// The position is a day, a class and what makes a register of it due: `$2`, `$3` and `$4`.
macro_rules! list {
    ($within:expr, asc) => {
        list!(@ $within, " >", "", " desc")
    };
    ($within:expr, desc) => {
        list!(@ $within, " <", " desc", "")
    };
    (@ $within:expr, $beyond:literal, $direction:literal, $back:literal) => {
        concat!(
            "with looked as materialized (
                select day.date, held.class_id from (
                    select distinct c.date from calendar_date c where c.tenant_id = $1 and c.status = 'active'
                        and c.is_instructional and c.date >= $6 and c.date < $7 and c.date", $beyond, "= $2
                        and ($8::uuid is null or c.school_id = $8)
                    order by c.date", $direction, ") day
                cross join lateral (select distinct held.class_id from (", held_on!("day.date"), ") held
                    where (day.date <> $2 or held.class_id", $beyond, "= $3) and ($9::uuid is null or held.class_id = $9)
                        and ($8::uuid is null and $10::text is distinct from 'homeroom' or exists (select from class k where k.tenant_id = $1
                            and k.id = held.class_id and ($8::uuid is null or k.school_id = $8)
                            and ($10::text is null or k.class_type = $10)))",
                    $within,
                    " order by held.class_id", $direction, " limit 500) held
                limit 500),
             stopped as materialized (
                select l.date, l.class_id from looked l where (select count(*) from looked) = 500
                order by l.date", $back, ", l.class_id", $back, " limit 1),
             taught as materialized (
                select l.date, k.id, k.school_id, k.class_type, c.cycle_day, c.bell_schedule_id from looked l
                cross join lateral (select k.id, k.school_id, k.class_type from class k
                    where k.tenant_id = $1 and k.id = l.class_id and k.status = 'active'
                        and ($10::text is null or k.class_type = $10) offset 0) k
                join calendar_date c on c.tenant_id = $1 and c.school_id = k.school_id and c.date = l.date
                    and c.status = 'active' and c.is_instructional),
             missing as materialized (
                select x.date, x.due_by, x.class_id, x.school_id, x.class_period_id from (
                    (select distinct on (k.date, k.id, m.class_period_id)
                        k.date, m.id as due_by, k.id as class_id, k.school_id, m.class_period_id
                     from taught k join meeting m on m.tenant_id = $1 and m.class_id = k.id
                        and (m.day_of_week = extract(isodow from k.date)::int or m.cycle_day = k.cycle_day)
                        and ", in_force!("m", "k.date"), "
                     where k.class_type <> 'homeroom' and (k.bell_schedule_id is null or exists (
                        select from bell_schedule_period b where b.tenant_id = $1
                        and b.bell_schedule_id = k.bell_schedule_id and b.class_period_id = m.class_period_id))
                     order by k.date, k.id, m.class_period_id, m.id)
                    union all
                    select k.date, k.id, k.id, k.school_id, null::uuid from taught k where k.class_type = 'homeroom') x
                where (x.date, x.class_id, x.due_by)", $beyond, " ($2, $3, $4)
                    and exists (select from enrollment e where e.tenant_id = $1 and e.class_id = x.class_id
                        and e.role = 'student' and ", in_force!("e", "x.date"), ")
                    and not exists (select from attendance_register g where g.tenant_id = $1 and g.class_id = x.class_id
                        and g.date = x.date and g.class_period_id is not distinct from x.class_period_id)
                order by x.date", $direction, ", x.class_id", $direction, ", x.due_by", $direction, " limit $5)
             select x.date, x.due_by, x.class_id, x.school_id, x.class_period_id, ", class_names!("x"), ",
                stopped.date as looked_to, stopped.class_id as looked_to_class
             from (values (0)) always left join missing x on true left join stopped on true
             order by x.date", $direction, ", x.class_id", $direction, ", x.due_by", $direction
        )
    };
}

macro_rules! within {
    () => {
        concat!(" and held.class_id = any(array(", classes_taught!("$11", "$12", "$13"), "))")
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

/// Where one stands in the list.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) date: Date,
    pub(super) class_id: Uuid,
    pub(super) due_by: Uuid,
}

impl Place {
    /// Ahead of all that is due on the day.
    pub(super) fn ahead_of(date: Date, descending: bool) -> Self {
        let first = if descending { Uuid::max() } else { Uuid::nil() };
        Self { date, class_id: first, due_by: first }
    }
}

/// Which missing registers.
pub(super) struct Selection {
    pub(super) after: Place,
    pub(super) descending: bool,
    pub(super) limit: i64,
    pub(super) from: Date,
    pub(super) until: Date,
    pub(super) school_id: Option<OrgId>,
    pub(super) class_id: Option<ClassId>,
    pub(super) class_type: Option<ClassType>,
}

fn missing(row: &Row) -> Option<MissingRegister> {
    let due_by = row.get::<_, Option<_>>("due_by")?;
    Some(MissingRegister {
        class_id: row.get("class_id"),
        school_id: row.get("school_id"),
        date: row.get("date"),
        class_period_id: row.get("class_period_id"),
        class_title: row.get("class_title"),
        class_period_name: row.get("class_period_name"),
        due_by,
    })
}

/// What is missing of the classes that were looked at, and where to go on if there are more.
pub(super) async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<(Vec<MissingRegister>, Option<Place>)> {
    let Selection { after, descending, limit, from, until, school_id, class_id, class_type } = selection;
    let class_type = class_type.as_ref().map(ClassType::as_str);
    let Place { date, class_id: class, due_by } = after;
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![date, class, due_by, limit, from, until, school_id, class_id, &class_type];
    let statements: [&'static Statement; 2] = match sight {
        Sight::All => [&BY_DATE, &BY_DATE_DESC],
        Sight::Within(Within { account, on, scopes, .. }) => {
            parameters.extend([account as &(dyn ToSql + Sync), on, scopes]);
            [&WITHIN_BY_DATE, &WITHIN_BY_DATE_DESC]
        }
    };
    let rows = tenancy.fetch(cx, statements[usize::from(*descending)], &parameters).await?;
    // Behind all that is due of the last class.
    let due_by = if *descending { Uuid::nil() } else { Uuid::max() };
    let next = rows.first().and_then(|row| {
        Some(Place { date: row.get::<_, Option<Date>>("looked_to")?, class_id: row.get("looked_to_class"), due_by })
    });
    Ok((rows.iter().filter_map(missing).collect(), next))
}
