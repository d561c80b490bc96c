//! Persons and those who act for them.

use super::entity::{entity, gone_when, known, reference_fault, reference_id, reference_joins, whole};

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
    refused_when: "false",
    differs_when: "array(select a.agent_id from person_agent a where a.tenant_id = $1 and a.person_id = x.id order by 1)
        <> array(select a.agent_id from ready_person_agent a
            where a.person = x.sourced_id and a.fault is null order by 1)",
    known: known!("person"),
    whole: whole!("person"),
    gone_when: gone_when!("person"),
}

pub(in crate::import) mod agent {
    //! Agents, and what 1.1 and the other parts of a person need.
    use super::{reference_fault, reference_id, reference_joins};

    cloister_tenancy::sql::statements! {
        /// Agents of the persons in the package.
        READY = "create temporary table ready_person_agent (person text not null, line bigint not null,
            agent text not null, agent_id uuid, fault text, primary key (person, agent)) on commit drop";
        /// Looks them up. Nobody acts for themselves.
        RESOLVE = concat!(
            "insert into ready_person_agent (person, line, agent, agent_id, fault)
            select s.sourced_id, s.line, s.agent, ", reference_id!("agent"), ", ",
            reference_fault!("agent", "person", "s.agent"),
            " from (select s.sourced_id, s.line, unnest(s.agents) as agent from stage_person s
                join named_person n on n.sourced_id = s.sourced_id and n.line = s.line
                    and n.state = 'good' and n.was <> 'kept') s",
            reference_joins!("agent", "person", "s.agent"),
            " where s.agent <> s.sourced_id"
        );
        /// How many there are.
        ANALYZE = "analyze ready_person_agent";
        /// What is wrong with them.
        ISSUES = "insert into stage_issue (name, line, col, code, value, related)
            select 'person', a.line, 'agentSourcedIds', 'reference_' || a.fault, a.agent, 'person'
            from ready_person_agent a where $1::uuid is not null and a.fault is not null";
        /// Agents who no longer act for somebody.
        REMOVE = "delete from person_agent a using ready_person r
            where a.tenant_id = $1 and r.action = 'change' and a.person_id = r.id
            and not exists (select from ready_person_agent n
                where n.person = r.sourced_id and n.agent_id = a.agent_id and n.fault is null)";
        /// Agents who now act for somebody.
        INSERT = "insert into person_agent (tenant_id, person_id, agent_id)
            select $1, r.id, n.agent_id from ready_person r join ready_person_agent n on n.person = r.sourced_id
            where r.action in ('create', 'change') and n.fault is null
            on conflict do nothing";
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
