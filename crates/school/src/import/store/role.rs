//! Roles of persons.
//!
//! Where they come with the users of 1.1, `stage_file.follows` is set for `person_role`: then the roles that follow a user
//! are all that the user has.

use super::{
    entity::{entity, known, reference_fault, reference_id, reference_joins},
    merged,
};

/// Whether a role that the package does not name leaves, when an import brought it.
macro_rules! leaves {
    ($person:literal) => {
        concat!(
            "case when (select f.follows from stage_file f where f.name = 'person_role') and ",
            $person,
            ".state = 'refused'
                then false
            when (select f.follows from stage_file f where f.name = 'person_role') and ",
            $person,
            ".sourced_id is not null
                then ",
            $person,
            ".was <> 'kept'
            else (select f.complete from stage_file f where f.name = 'person_role') end"
        )
    };
}

entity! {
    file: Roles,
    table: "person_role",
    key: "id",
    named: ["id", "sourced_id"],
    fields: [
        ("role", "text"),
        ("role_type", "text"),
        ("begin_date", "date"),
        ("end_date", "date"),
        ("user_profile_sourced_id", "text"),
    ],
    lists: [],
    required: [("person", "person", "userSourcedId"), ("org", "org", "orgSourcedId")],
    optional: [],
    parts: "",
    refused_when: "false",
    differs_when: "false",
    known: known!("person_role"),
    // What a merge made of roles, primary ones above all, no package makes otherwise.
    kept_when: merged::touched!("person_role", "moved', 'demoted', 'set_aside"),
    stands_for: "null::uuid",
    whole: "from person_role t left join named_person_role n on n.sourced_id = t.sourced_id
        left join person who on who.tenant_id = $1 and who.id = t.person_id
        left join named_person p on p.sourced_id = who.sourced_id",
    // Roles of a user whose row cannot be used stay as they are.
    gone_when: concat!("n.state = 'removed' or (n.sourced_id is null and t.source = 'import' and ", leaves!("p"), ")"),
}

pub(in crate::import) mod primary {
    //! A person has one primary role in an organisation.

    cloister_tenancy::sql::statements! {
        /// Roles that say they are primary where another is: a later row of the package (`row`), or a record that stays
        /// (`import`, or `kept` when somebody else keeps it).
        SURPLUS_TABLE = "create temporary table surplus_role (sourced_id text primary key, line bigint not null,
            beside text not null, with_whom text) on commit drop";
        /// Finds them.
        SURPLUS = concat!("insert into surplus_role (sourced_id, line, beside, with_whom)
            select s.sourced_id, s.line,
                case when r.source is null then 'row' when r.source = 'import' then 'import' else 'kept' end,
                coalesce(r.sourced_id, s.first::text)
            from (select s.sourced_id, s.line, s.person, s.org,
                    row_number() over same as place, first_value(s.line) over same as first
                from stage_person_role s join named_person_role n on n.sourced_id = s.sourced_id and n.line = s.line
                    and n.state = 'good' and n.was <> 'kept'
                where s.role_type = 'primary'
                window same as (partition by s.person, s.org order by s.line, s.sourced_id)) s
            left join (select distinct on (p.sourced_id, o.sourced_id)
                    p.sourced_id as person, o.sourced_id as org, t.source, t.sourced_id
                from person_role t
                join person p on p.tenant_id = $1 and p.id = t.person_id
                join org o on o.tenant_id = $1 and o.id = t.org_id
                left join named_person_role n on n.sourced_id = t.sourced_id
                left join named_person np on np.sourced_id = p.sourced_id
                where t.tenant_id = $1 and t.status = 'active' and t.role_type = 'primary'
                and (n.was = 'kept' or n.state = 'refused'
                    or (n.sourced_id is null and (t.source <> 'import' or not ", leaves!("np"), ")))
                order by p.sourced_id, o.sourced_id, t.source = 'import') r on r.person = s.person and r.org = s.org
            where s.place > 1 or r.source is not null");
        /// They become secondary ones.
        DEMOTE = "update stage_person_role s set role_type = 'secondary' from surplus_role u
            where $1::uuid is not null and u.sourced_id = s.sourced_id and ($2::boolean or u.beside = 'kept')";
        /// Roles that come with a record that was merged are beside those of the one that stayed, and never take their place.
        DEMOTE_MERGED = concat!(
            "update stage_person_role s set role_type = 'secondary' from named_person p, person t
            where s.role_type = 'primary' and p.sourced_id = s.person and t.tenant_id = $1 and t.sourced_id = p.sourced_id and ",
            super::merged::merged!("t.id")
        );
        /// Or are refused.
        REFUSE = "update named_person_role n set state = 'refused' from surplus_role u
            where $1::uuid is not null and u.sourced_id = n.sourced_id and u.beside <> 'kept'";
        /// Which they are.
        ISSUES = "insert into stage_issue (name, line, col, code, value, related)
            select 'person_role', u.line, 'roleType',
                case u.beside when 'kept' then 'primary_role_kept' else 'primary_role_repeated' end, 'primary',
                case u.beside when 'row' then 'line ' || u.with_whom else u.with_whom end
            from surplus_role u where $1::uuid is not null";
        /// Makes room: two roles may be about to change places.
        RELEASE = "update person_role t set role_type = 'secondary' from ready_person_role r
            where t.tenant_id = $1 and t.id = r.id and r.action = 'change'
            and t.role_type = 'primary' and t.status = 'active'
            and (t.person_id, t.org_id, 'primary') is distinct from (r.person_id, r.org_id, r.role_type)";
        /// In 1.1 an organisation that is not there is a fault of the user's row.
        REFUSE_USERS = concat!(
            "update named_person n set state = 'refused'
            from (select distinct s.person from stage_person_role s",
            super::reference_joins!("org", "org", "s.org"),
            " where s.state = 'active' and ", super::reference_fault!("org", "org", "s.org"), " is not null) f
            where $1::uuid is not null and n.sourced_id = f.person and n.was <> 'kept'"
        );
    }
}
