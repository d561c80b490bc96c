//! Organisations and academic sessions, which stand one below the other, and courses.

use super::entity::{entity, gone_when, known, reference_fault, reference_id, reference_joins, whole};

/// Parents that lead nowhere: upwards from each row that will be written, through rows of the package and records of the
/// tenant. Nobody has that many levels; whoever is still walking then walks in a circle, or behind one.
macro_rules! circles {
    ($table:literal) => {
        concat!(
            "with recursive upwards as (
                select r.sourced_id as start, r.parent_id as at, 1 as level
                from ready_",
            $table,
            " r where r.parent_id is not null
                union all
                select u.start, case when r.sourced_id is null then t.parent_id else r.parent_id end, u.level + 1
                from upwards u
                left join ready_",
            $table,
            " r on r.id = u.at
                left join ",
            $table,
            " t on t.tenant_id = $1 and t.id = u.at
                where u.level < 64 and u.at is not null
            )
            update ready_",
            $table,
            " r set parent_id = null, parent_fault = 'circle'
            from (select distinct start from upwards where level = 64 and at is not null) c
            where r.sourced_id = c.start"
        )
    };
}

pub(in crate::import) mod org {
    //! Organisations.
    use super::{entity, gone_when, known, reference_fault, reference_id, reference_joins, whole};

    entity! {
        file: Orgs,
        table: "org",
        key: "id",
        named: ["id", "sourced_id"],
        fields: [("name", "text"), ("name_search", "text collate \"C\""), ("type", "text"), ("identifier", "text")],
        lists: [],
        required: [],
        optional: [("parent", "org", "parentSourcedId")],
        parts: "",
        refused_when: "false",
        differs_when: "false",
        known: known!("org"),
        kept_when: "false",
        stands_for: "null::uuid",
        whole: whole!("org"),
        gone_when: gone_when!("org"),
    }
}

pub(in crate::import) mod academic_session {
    //! Academic sessions.
    use super::{entity, gone_when, known, reference_fault, reference_id, reference_joins, whole};

    entity! {
        file: AcademicSessions,
        table: "academic_session",
        key: "id",
        named: ["id", "sourced_id"],
        fields: [
            ("title", "text"),
            ("title_search", "text collate \"C\""),
            ("type", "text"),
            ("start_date", "date"),
            ("end_date", "date"),
            ("school_year", "integer"),
        ],
        lists: [],
        required: [],
        optional: [("parent", "academic_session", "parentSourcedId")],
        parts: "",
        refused_when: "false",
        differs_when: "false",
        known: known!("academic_session"),
        kept_when: "false",
        stands_for: "null::uuid",
        whole: whole!("academic_session"),
        gone_when: gone_when!("academic_session"),
    }
}

pub(in crate::import) mod course {
    //! Courses.
    use super::{entity, gone_when, known, reference_fault, reference_id, reference_joins, whole};

    entity! {
        file: Courses,
        table: "course",
        key: "id",
        named: ["id", "sourced_id"],
        fields: [
            ("title", "text"),
            ("title_search", "text collate \"C\""),
            ("course_code", "text"),
            ("grades", "text[]"),
            ("subjects", "text[]"),
            ("subject_codes", "text[]"),
        ],
        lists: [],
        required: [("org", "org", "orgSourcedId")],
        optional: [("school_year", "academic_session", "schoolYearSourcedId")],
        parts: "",
        refused_when: "false",
        differs_when: "false",
        known: known!("course"),
        kept_when: "false",
        stands_for: "null::uuid",
        whole: whole!("course"),
        gone_when: gone_when!("course"),
    }
}

cloister_tenancy::sql::statements! {
    /// Organisations whose parents form a circle.
    ORG_CIRCLES = circles!("org");
    /// Academic sessions whose parents form a circle.
    SESSION_CIRCLES = circles!("academic_session");
}
