//! Demographics. They have no id of their own: their `sourced_id` is the person's.

use super::{
    entity::{entity, gone_when, reference_fault, reference_id, reference_joins},
    merged,
};

entity! {
    file: Demographics,
    table: "demographics",
    key: "person_id",
    named: [],
    fields: [
        ("birth_date", "date"),
        ("sex", "text"),
        ("american_indian_or_alaska_native", "boolean"),
        ("asian", "boolean"),
        ("black_or_african_american", "boolean"),
        ("native_hawaiian_or_other_pacific_islander", "boolean"),
        ("white", "boolean"),
        ("demographic_race_two_or_more_races", "boolean"),
        ("hispanic_or_latino_ethnicity", "boolean"),
        ("country_of_birth_code", "text"),
        ("state_of_birth_abbreviation", "text"),
        ("city_of_birth", "text"),
        ("public_school_residence_status", "text"),
    ],
    lists: [],
    required: [("person", "person", "sourcedId")],
    optional: [],
    parts: "",
    refused_when: "false",
    differs_when: "false",
    known: "left join person p on p.tenant_id = $1 and p.sourced_id = s.sourced_id
        left join demographics t on t.tenant_id = $1 and t.person_id = p.id",
    kept_when: merged::merged!("p.id"),
    stands_for: "null::uuid",
    whole: "from demographics t join person p on p.tenant_id = $1 and p.id = t.person_id
        left join named_demographics n on n.sourced_id = p.sourced_id",
    gone_when: concat!("(", gone_when!("demographics"), ") and not ", merged::given!("demographics", "t.person_id"), " or (t.source = 'import' and exists
        (select from gone_person g where g.id = t.person_id))"),
}

pub(in crate::import) mod reappearance {
    //! Demographics leave with their person, and come back with them.

    /// Those that left at the same moment as a person who comes back, unless the package has something to say of them.
    macro_rules! come_back {
        () => {
            "d.tenant_id = $1 and d.person_id = p.id and r.action = 'change'
            and d.status = 'tobedeleted' and d.source = 'import' and d.updated_at = p.updated_at
            and not exists (select from named_demographics n where n.sourced_id = p.sourced_id)
            and not (select f.complete from stage_file f where f.name = 'demographics')"
        };
    }

    cloister_tenancy::sql::statements! {
        /// Keeps them as they are, for the import `$2`.
        KEEP = concat!(
            "insert into import_change (tenant_id, run_id, kind, record_id, before, parts, version_after)
            select $1, $2::uuid, 'demographics', d.person_id, to_jsonb(d) - 'tenant_id', '{}'::uuid[], d.version + 1
            from ready_person r join person p on p.tenant_id = $1 and p.id = r.id and p.status = 'tobedeleted'
            join demographics d on ", come_back!(), " on conflict do nothing"
        );
        /// They count again.
        RESTORE = concat!(
            "update demographics d set status = 'active', date_last_modified = $2::timestamptz, updated_at = $2,
                updated_by = $3::text, version = d.version + 1
            from ready_person r join person p on p.tenant_id = $1 and p.id = r.id and p.status = 'tobedeleted'
            where ", come_back!()
        );
    }
}
