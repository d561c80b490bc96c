//! All SQL of lists of attendance registers.

use cloister_ids::{ClassId, ClassPeriodId, OrgId};
use cloister_tenancy::{
    OpContext, Result, Tenancy,
    sql::{Row, Statement, ToSql, statements},
};
use jiff::civil::Date;

use super::{
    AttendanceRegisterSummary,
    store::{fields, taking},
};
use crate::{
    listing::Span,
    name_store::class_names,
    scope::{Sight, Within},
    scope_store::classes_taught,
};

/// `$2` and `$3` the position, `$4` how many, `$5` and `$6` the days, `$7` the school, `$8` the period, `$9` whether late.
macro_rules! list {
    ($rest:expr, asc) => {
        list!(@ $rest, " > ", "")
    };
    ($rest:expr, desc) => {
        list!(@ $rest, " < ", " desc")
    };
    (@ $rest:expr, $beyond:literal, $direction:literal) => {
        concat!(
            "select id, version, updated_at, updated_by, ", fields!(), ", ", class_names!("attendance_register"),
            " from attendance_register where tenant_id = $1 and (date, id)", $beyond, "($2, $3)
               and ($5::date is null or date >= $5) and ($6::date is null or date < $6)
               and ($7::uuid is null or school_id = $7) and ($8::uuid is null or class_period_id = $8)
               and ($9::boolean is null or late = $9)",
            $rest,
            " order by date", $direction, ", id", $direction, " limit $4"
        )
    };
}

statements! {
    /// All by day.
    ALL_BY_DATE = list!("", asc);
    /// All by day, from the last.
    ALL_BY_DATE_DESC = list!("", desc);
    /// Those of a class by day.
    CLASS_BY_DATE = list!(" and class_id = $10", asc);
    /// Those of a class by day, from the last.
    CLASS_BY_DATE_DESC = list!(" and class_id = $10", desc);
    /// Those of classes within scopes by day: classes are few, and found first.
    WITHIN_BY_DATE = list!(concat!(" and ($10::uuid is null or class_id = $10)
        and class_id = any(array(", classes_taught!("$11", "$12", "$13"), "))"), asc);
    /// Those of classes within scopes by day, from the last.
    WITHIN_BY_DATE_DESC = list!(concat!(" and ($10::uuid is null or class_id = $10)
        and class_id = any(array(", classes_taught!("$11", "$12", "$13"), "))"), desc);
}

fn summary(row: &Row) -> AttendanceRegisterSummary {
    AttendanceRegisterSummary {
        class_id: row.get("class_id"),
        school_id: row.get("school_id"),
        date: row.get("date"),
        class_period_id: row.get("class_period_id"),
        class_title: row.get("class_title"),
        class_period_name: row.get("class_period_name"),
        taken: taking(row),
        version: row.get("version"),
    }
}

/// Which registers.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) from: Option<Date>,
    pub(super) until: Option<Date>,
    pub(super) school_id: Option<OrgId>,
    pub(super) class_id: Option<ClassId>,
    pub(super) class_period_id: Option<ClassPeriodId>,
    pub(super) late: Option<bool>,
}

pub(super) async fn list_by_date(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<AttendanceRegisterSummary>> {
    let Selection { span, from, until, school_id, class_id, class_period_id, late } = selection;
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![span.key(), &span.after.id, &span.limit, from, until, school_id, class_period_id, late];
    let statements: [&'static Statement; 2] = match (sight, class_id) {
        (Sight::Within(Within { account, on, scopes, .. }), class) => {
            parameters.extend([class as &(dyn ToSql + Sync), account, on, scopes]);
            [&WITHIN_BY_DATE, &WITHIN_BY_DATE_DESC]
        }
        (Sight::All, Some(class)) => {
            parameters.push(class);
            [&CLASS_BY_DATE, &CLASS_BY_DATE_DESC]
        }
        (Sight::All, None) => [&ALL_BY_DATE, &ALL_BY_DATE_DESC],
    };
    Ok(tenancy.fetch(cx, span.pick(statements), &parameters).await?.iter().map(summary).collect())
}
