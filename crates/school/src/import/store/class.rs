//! Classes and the terms they are held in.

use super::entity::{entity, gone_when, known, reference_fault, reference_id, reference_joins, whole};

entity! {
    file: Classes,
    table: "class",
    key: "id",
    named: ["id", "sourced_id"],
    fields: [
        ("title", "text"),
        ("title_search", "text collate \"C\""),
        ("class_code", "text"),
        ("class_type", "text"),
        ("location", "text"),
        ("grades", "text[]"),
        ("subjects", "text[]"),
        ("subject_codes", "text[]"),
        ("periods", "text[]"),
    ],
    lists: ["terms"],
    required: [("course", "course", "courseSourcedId"), ("school", "org", "schoolSourcedId")],
    optional: [],
    // A class is held in the terms that its row names, and in no fewer.
    parts: " left join (select c.class, array_agg(c.term_id order by c.term_id) as ids, bool_or(c.fault is not null) as faulty
            from ready_class_term c group by c.class) wanted on wanted.class = x.sourced_id
        left join (select c.class_id, array_agg(c.academic_session_id order by c.academic_session_id) as ids
            from class_term c where c.tenant_id = $1 group by c.class_id) present on present.class_id = x.id",
    refused_when: "coalesce(wanted.faulty, false)",
    differs_when: "wanted.ids is distinct from present.ids",
    known: known!("class"),
    kept_when: "false",
    stands_for: "null::uuid",
    whole: whole!("class"),
    gone_when: gone_when!("class"),
}

pub(in crate::import) mod term {
    //! Terms of classes.
    use super::{reference_fault, reference_id, reference_joins};

    cloister_tenancy::sql::statements! {
        /// Terms of the classes in the package.
        READY = "create temporary table ready_class_term (class text not null, line bigint not null, term text not null,
            term_id uuid, fault text, primary key (class, term)) on commit drop";
        /// Looks them up.
        RESOLVE = concat!(
            "insert into ready_class_term (class, line, term, term_id, fault)
            select s.sourced_id, s.line, s.term, ", reference_id!("term"), ", ",
            reference_fault!("term", "academic_session", "s.term"),
            " from (select s.sourced_id, s.line, unnest(s.terms) as term from stage_class s
                join named_class n on n.sourced_id = s.sourced_id and n.line = s.line
                    and n.state = 'good' and n.was <> 'kept') s",
            reference_joins!("term", "academic_session", "s.term")
        );
        /// How many there are.
        ANALYZE = "analyze ready_class_term";
        /// What is wrong with them.
        ISSUES = "insert into stage_issue (name, line, col, code, value, related)
            select 'class', c.line, 'termSourcedIds', 'reference_' || c.fault, c.term, 'academic_session'
            from ready_class_term c where $1::uuid is not null and c.fault is not null";
        /// The terms of the classes `$2` that change, before and after.
        SHOWN = "select r.sourced_id,
                array(select a.sourced_id from class_term c
                    join academic_session a on a.tenant_id = $1 and a.id = c.academic_session_id
                    where c.tenant_id = $1 and c.class_id = r.id order by 1) as before,
                array(select distinct n.term from ready_class_term n
                    where n.class = r.sourced_id and n.term_id is not null order by 1) as after
            from ready_class r where r.action = 'change' and r.sourced_id = any($2::text[])";
        /// Terms that classes are no longer held in.
        REMOVE = "delete from class_term c using ready_class r
            where c.tenant_id = $1 and r.action = 'change' and c.class_id = r.id
            and not exists (select from ready_class_term n where n.class = r.sourced_id and n.term_id = c.academic_session_id)";
        /// Terms that classes are now held in.
        INSERT = "insert into class_term (tenant_id, class_id, academic_session_id)
            select $1, r.id, n.term_id from ready_class r join ready_class_term n on n.class = r.sourced_id
            where r.action in ('create', 'change') and n.term_id is not null
            on conflict do nothing";
    }
}
