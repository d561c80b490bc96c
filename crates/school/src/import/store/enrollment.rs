//! Enrollments.

use super::{
    entity::{entity, gone_when, known, reference_fault, reference_id, reference_joins, whole},
    merged,
};

entity! {
    file: Enrollments,
    table: "enrollment",
    key: "id",
    named: ["id", "sourced_id"],
    fields: [("role", "text"), ("is_primary", "boolean"), ("begin_date", "date"), ("end_date", "date")],
    lists: [],
    required: [
        ("class", "class", "classSourcedId"),
        ("school", "org", "schoolSourcedId"),
        ("person", "person", "userSourcedId"),
    ],
    optional: [],
    parts: "",
    refused_when: "false",
    differs_when: "false",
    known: known!("enrollment"),
    kept_when: merged::touched!("enrollment", "set_aside"),
    stands_for: "null::uuid",
    whole: whole!("enrollment"),
    gone_when: gone_when!("enrollment"),
}

pub(in crate::import) mod overlap {
    //! Places of one person in one class that overlap.

    cloister_tenancy::sql::statements! {
        /// Rows of the package that begin before another of the same person, class and role has ended.
        ISSUES = "insert into stage_issue (name, line, col, code, value, related)
            select 'enrollment', o.line, 'beginDate', 'enrollment_overlaps', o.begin_date::text, null
            from (select s.line, s.begin_date,
                    max(coalesce(s.end_date, 'infinity')) over (partition by s.person, s.class, s.role
                        order by coalesce(s.begin_date, '-infinity'), s.line
                        rows between unbounded preceding and 1 preceding) as until
                from stage_enrollment s join named_enrollment n on n.sourced_id = s.sourced_id and n.line = s.line
                    and n.state = 'good' and n.was <> 'kept'
                where s.end_date > s.begin_date or s.end_date is null or s.begin_date is null) o
            where $1::uuid is not null and o.until > coalesce(o.begin_date, '-infinity')";
    }
}
