//! Persons and those who act for them.

use super::{
    entity::{entity, gone_when, known, reference_fault, reference_id, reference_joins, whole},
    merged,
};

entity! {
    file: Users,
    table: "person",
    key: "id",
    named: ["id", "sourced_id"],
    fields: [
        ("username", "text"),
        ("enabled_user", "boolean"),
        ("given_name", "text"),
        ("middle_name", "text"),
        ("family_name", "text"),
        ("preferred_given_name", "text"),
        ("preferred_middle_name", "text"),
        ("preferred_family_name", "text"),
        ("pronouns", "text"),
        ("name_search", "text collate \"C\""),
        ("given_search", "text collate \"C\""),
        ("identifier", "text"),
        ("email", "text"),
        ("sms", "text"),
        ("phone", "text"),
        ("user_ids", "jsonb"),
        ("user_master_identifier", "text"),
        ("grades", "text[]"),
    ],
    lists: ["agents"],
    required: [],
    optional: [("primary_org", "org", "primaryOrgSourcedId")],
    parts: concat!(" left join (select a.person, array_agg(a.agent_id order by a.agent_id) as ids
            from (select distinct a.person, a.agent_id from ready_person_agent a where a.fault is null and not a.kept) a
            group by a.person) wanted on wanted.person = x.sourced_id
        left join (select a.person_id, array_agg(a.agent_id order by a.agent_id) as ids
            from (select a.student_id as person_id, a.contact_id as agent_id from contact a
                where a.tenant_id = $1 and a.status = 'active' and not ", merged::kept_contact!("a"), ") a
            group by a.person_id) present on present.person_id = x.id"),
    refused_when: "false",
    differs_when: "wanted.ids is distinct from present.ids",
    known: known!("person"),
    kept_when: merged::merged!("t.id"),
    stands_for: merged::stayed!(),
    whole: whole!("person"),
    gone_when: gone_when!("person"),
}

pub(in crate::import) mod presence {
    //! Whether those whom a package gives something are still there when it is written.

    /// Persons whom rows that are about to be written are about. Those whom the import makes are none of the records yet, and those
    /// whom it brings back are compared by their versions.
    macro_rules! referred {
        () => {
            "select r.person_id as id from ready_person_role r where r.action in ('create', 'change')
            union select r.person_id from ready_enrollment r where r.action in ('create', 'change')
            union select r.person_id from ready_demographics r where r.action in ('create', 'change')
            union select r.id from ready_person r join ready_person_agent n on n.person = r.sourced_id
                where r.action in ('create', 'change') and n.fault is null and not n.kept
            union select n.agent_id from ready_person r join ready_person_agent n on n.person = r.sourced_id
                where r.action in ('create', 'change') and n.fault is null and not n.kept"
        };
    }

    cloister_tenancy::sql::statements! {
        /// Who was not there when it was compared. What the package says of them was decided knowing that.
        ABSENT_TABLE = "create temporary table absent_person (id uuid primary key) on commit drop";
        /// Notes them, before anything is compared.
        ABSENT = "insert into absent_person (id) select p.id from person p where p.tenant_id = $1 and p.status <> 'active'";
        /// Counts those who have gone since, and keeps the others from going.
        GONE_SINCE = concat!(
            "select count(*) as count from (
                select p.status from person p where p.tenant_id = $1 and p.id in (", referred!(), ")
                and not exists (select from absent_person a where a.id = p.id)
                order by p.id for share of p) s
            where s.status <> 'active'"
        );
    }
}

pub(in crate::import) mod agent {
    //! Agents, which are contacts, and what 1.1 and the other parts of a person need.
    //!
    //! The import makes and ends the contacts that imports brought. A contact that somebody made or changed here is `kept`: the
    //! package neither ends it nor brings it back, so that nothing that was decided about a child is undone by a file. So is one
    //! that a merge of persons moved or set aside.
    use super::{merged, reference_fault, reference_id, reference_joins};
    use crate::{
        contact::{bare, relation_of_role},
        unnamed_store::head,
    };

    /// Agents `n` of the package, of persons `r` that are written, who are not yet contacts in any state.
    macro_rules! new_ones {
        () => {
            " from ready_person r join ready_person_agent n on n.person = r.sourced_id
            where r.action in ('create', 'change') and n.fault is null and not n.kept and n.agent_id <> r.id
            and not exists (select from contact a
                where a.tenant_id = $1 and a.student_id = r.id and a.contact_id = n.agent_id)"
        };
    }

    cloister_tenancy::sql::statements! {
        /// Agents of the persons in the package.
        READY = "create temporary table ready_person_agent (person text not null, line bigint not null,
            agent text not null, agent_id uuid, fault text, kept boolean not null, primary key (person, agent))
            on commit drop";
        /// Looks them up. Nobody acts for themselves.
        RESOLVE = concat!(
            "insert into ready_person_agent (person, line, agent, agent_id, fault, kept)
            select s.sourced_id, s.line, s.agent, ", reference_id!("agent"), ", ",
            reference_fault!("agent", "person", "s.agent"),
            ", exists (select from contact k where k.tenant_id = $1 and k.student_id = s.id
                and k.contact_id = ", reference_id!("agent"), " and ", merged::kept_contact!("k"), ")
            from (select s.sourced_id, s.line, n.id, unnest(s.agents) as agent from stage_person s
                join named_person n on n.sourced_id = s.sourced_id and n.line = s.line
                    and n.state = 'good' and n.was <> 'kept') s",
            reference_joins!("agent", "person", "s.agent"),
            " where s.agent <> s.sourced_id and ", reference_id!("agent"), " is distinct from s.id"
        );
        /// How many there are.
        ANALYZE = "analyze ready_person_agent";
        /// What is wrong with them.
        ISSUES = "insert into stage_issue (name, line, col, code, value, related)
            select 'person', a.line, 'agentSourcedIds', 'reference_' || a.fault, a.agent, 'person'
            from ready_person_agent a where $1::uuid is not null and a.fault is not null";
        /// Who acts for the persons `$2` that change, before and after, but for contacts that the school keeps itself.
        SHOWN = concat!(
            "select r.sourced_id,
                array(select g.sourced_id from contact a join person g on g.tenant_id = $1 and g.id = a.contact_id
                    where a.tenant_id = $1 and a.student_id = r.id and a.status = 'active'
                    and not ", merged::kept_contact!("a"), " order by 1) as before,
                array(select distinct coalesce(g.sourced_id, n.agent) from ready_person_agent n
                    left join person g on g.tenant_id = $1 and g.id = n.agent_id
                    where n.person = r.sourced_id and n.fault is null and not n.kept order by 1) as after
            from ready_person r where r.action = 'change' and r.sourced_id = any($2::text[])"
        );
        /// Agents who no longer act for somebody.
        REMOVE = concat!("update contact a set status = 'tobedeleted', date_last_modified = $2::timestamptz, updated_at = $2,
                updated_by = $3::text, version = a.version + 1
            from ready_person r
            where a.tenant_id = $1 and r.action = 'change' and a.student_id = r.id
            and a.status = 'active' and not ", merged::kept_contact!("a"), "
            and not exists (select from ready_person_agent n
                where n.person = r.sourced_id and n.agent_id = a.contact_id and n.fault is null)");
        /// Agents whom an import removed once, and who act again. What a merge set aside is about a record that was merged away, and
        /// none of those is named here.
        RESTORE = "update contact a set status = 'active', date_last_modified = $2::timestamptz, updated_at = $2,
                updated_by = $3::text, version = a.version + 1
            from ready_person r join ready_person_agent n on n.person = r.sourced_id and n.fault is null
            where a.tenant_id = $1 and r.action = 'change' and a.student_id = r.id and a.contact_id = n.agent_id
            and a.status <> 'active' and a.source = 'import'";
        /// How many contacts there are to make.
        COUNT_NEW = concat!("select count(*) as count from (select distinct r.id, n.agent_id", new_ones!(), ") c");
        /// Agents who now act for somebody. `$4` the ids of their contacts.
        INSERT = concat!(
            "insert into contact (tenant_id, id, ", head!(), ", ", bare!(), ")
            select $1, ($4::uuid[])[c.place], 'active', $2::timestamptz, 'import', '{}'::jsonb, 1, $2, $3::text, $2, $3, c.student_id,
                c.contact_id, coalesce(acting.role, 'other'), false, false, true, true, true, true
            from (select r.id as student_id, n.agent_id as contact_id,
                row_number() over (order by n.person, n.agent_id) as place", new_ones!(), " group by n.person, r.id, n.agent_id) c
            left join (", relation_of_role!(""), ") acting on acting.person_id = c.contact_id
            where c.place <= cardinality($4)"
        );
        /// A file of 1.1 has no columns for these, so it says nothing of them: they stay as they are.
        KEEP_NEWER_FIELDS = "update stage_person s set preferred_given_name = t.preferred_given_name,
                preferred_middle_name = t.preferred_middle_name, preferred_family_name = t.preferred_family_name,
                pronouns = t.pronouns, user_master_identifier = t.user_master_identifier
            from named_person n join person t on t.tenant_id = $1 and t.sourced_id = n.sourced_id
            where n.sourced_id = s.sourced_id and n.was <> 'new'
            and (t.preferred_given_name is not null or t.preferred_middle_name is not null
                or t.preferred_family_name is not null or t.pronouns is not null or t.user_master_identifier is not null)";
        /// A person's roles are part of what is read as the person: when they change, the person's version does.
        TOUCH = "update person p set version = p.version + 1, date_last_modified = $2::timestamptz, updated_at = $2,
                updated_by = $3::text
            from (select r.person_id from ready_person_role r where r.action in ('create', 'change')
                union
                select t.person_id from ready_person_role r join person_role t on t.tenant_id = $1 and t.id = r.id
                    where r.action = 'change'
                union
                select t.person_id from gone_person_role g join person_role t on t.tenant_id = $1 and t.id = g.id) c
            where p.tenant_id = $1 and p.id = c.person_id
            and not exists (select from ready_person r where r.id = p.id and r.action in ('create', 'change'))
            and not exists (select from gone_person g where g.id = p.id)";
    }
}
