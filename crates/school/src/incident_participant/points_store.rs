//! All SQL about sums of points. A page of students is found first, and their parts in incidents are summed up only then.

use cloister_ids::{AcademicSessionId, OrgId, PersonId};
use cloister_tenancy::{
    OpContext, Result, Tenancy,
    sql::{Row, Statement, ToSql, statements},
};
use jiff::civil::Date;

use super::points::BehaviorPoints;
use crate::{
    listing::Span,
    scope::{Sight, Within},
    scope_store::students_within,
};

/// `$2` and `$3` the position, `$4` how many; `$5` to `$7` the days and the term, `$8` the school, `$9` the student.
macro_rules! list {
    ($students:expr, $open:literal, asc) => {
        list!(@ $students, $open, " > ", "")
    };
    ($students:expr, $open:literal, desc) => {
        list!(@ $students, $open, " < ", " desc")
    };
    (@ $students:expr, $open:literal, $beyond:literal, $direction:literal) => {
        concat!(
            "select p.id, p.name_search, r.recorded, r.positive, r.negative, r.points
             from (select p.id, p.name_search from person p
                where p.tenant_id = $1 and p.status = 'active' and (p.name_search, p.id)", $beyond, "($2, $3)
                and exists (select from person_role o where o.tenant_id = $1 and o.person_id = p.id and o.role = 'student'
                    and o.status = 'active' and ($8::uuid is null or o.org_id = $8))",
            $students,
            " order by p.name_search", $direction, ", p.id", $direction, " limit $4) p
             cross join lateral (select count(v.id) as recorded, count(v.id) filter (where v.points > 0) as positive,
                    count(v.id) filter (where v.points < 0) as negative, coalesce(sum(v.points), 0)::bigint as points
                from incident_participant v
                join discipline_incident i on i.tenant_id = $1 and i.id = v.incident_id and i.status = 'active'", $open, "
                where v.tenant_id = $1 and v.status = 'active' and v.person_id = p.id
                and ($5::date is null or v.incident_date >= $5) and ($6::date is null or v.incident_date < $6)
                and ($7::uuid is null or (
                    v.incident_date >= (select t.start_date from academic_session t where t.tenant_id = $1 and t.id = $7)
                    and v.incident_date < (select t.end_date from academic_session t where t.tenant_id = $1 and t.id = $7)))
             ) r order by p.name_search", $direction, ", p.id", $direction
        )
    };
}

macro_rules! within {
    () => {
        concat!(
            " and ($9::uuid is null or p.id = $9) and p.id = any(array(",
            students_within!("$10", "$11", "$12"),
            "))"
        )
    };
}

statements! {
    /// Of students by name.
    ALL_BY_NAME = list!(" and $9::uuid is null", "", asc);
    /// Of students by name, from the last.
    ALL_BY_NAME_DESC = list!(" and $9::uuid is null", "", desc);
    /// Of one student.
    STUDENT_BY_NAME = list!(" and p.id = $9", "", asc);
    /// Of one student, in the other order.
    STUDENT_BY_NAME_DESC = list!(" and p.id = $9", "", desc);
    /// Of students within scopes by name, without what is confidential.
    WITHIN_BY_NAME = list!(within!(), " and not i.confidential", asc);
    /// Of students within scopes by name, from the last, without what is confidential.
    WITHIN_BY_NAME_DESC = list!(within!(), " and not i.confidential", desc);
}

/// Of which students, in which days.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) from: Option<Date>,
    pub(super) until: Option<Date>,
    pub(super) term_id: Option<AcademicSessionId>,
    pub(super) school_id: Option<OrgId>,
    pub(super) student_id: Option<PersonId>,
}

/// A row of the list, and its sort key.
pub(super) type Line = (BehaviorPoints, String);

pub(super) async fn list_by_name(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<Line>> {
    let Selection { span, from, until, term_id, school_id, student_id } = selection;
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![span.key(), &span.after.id, &span.limit, from, until, term_id, school_id, student_id];
    let statements: [&'static Statement; 2] = match sight {
        Sight::Within(Within { account, on, scopes, .. }) => {
            parameters.extend([account as &(dyn ToSql + Sync), on, scopes]);
            [&WITHIN_BY_NAME, &WITHIN_BY_NAME_DESC]
        }
        Sight::All if student_id.is_some() => [&STUDENT_BY_NAME, &STUDENT_BY_NAME_DESC],
        Sight::All => [&ALL_BY_NAME, &ALL_BY_NAME_DESC],
    };
    let rows = tenancy.fetch(cx, span.pick(statements), &parameters).await?;
    let line = |row: &Row| {
        let points = BehaviorPoints {
            student_id: row.get("id"),
            recorded: row.get("recorded"),
            positive: row.get("positive"),
            negative: row.get("negative"),
            points: row.get("points"),
        };
        (points, row.get("name_search"))
    };
    Ok(rows.iter().map(line).collect())
}
