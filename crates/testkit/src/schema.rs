//! Rules about the tables themselves, asked of PostgreSQL's catalog: every table with tenants' rows carries the tenant in
//! every key, stands behind row security, and is the same in every tier.

use std::{collections::BTreeSet, sync::Arc};

use cloister_tenancy::{Module, Table, TableKind, Tier};
use tokio_postgres::Client;

use crate::TestPlatform;

/// A rule: selects what breaks it, in words. `$1` is the schema, `$2` the application, `$3` the system login.
struct Rule(&'static str);

/// Tables of tenants in the schema: those with a `tenant_id`.
macro_rules! of_tenants {
    () => {
        "with subject as (
            select c.oid, c.relname::text as name, c.relrowsecurity, c.relforcerowsecurity, c.relowner, a.attnum, a.attnotnull,
                a.atttypid
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
            where c.relkind in ('r', 'p') and n.nspname = $1 and $2::text is not null and $3::text is not null) "
    };
}

/// Everything in the schema.
macro_rules! all_relations {
    () => {
        "with subject as (
            select c.oid, c.relname::text as name, c.relkind, c.relowner, c.relacl
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = $1 and $2::text is not null and $3::text is not null) "
    };
}

const RULES: &[Rule] = &[
    Rule(concat!(
        of_tenants!(),
        "select name || ': tenant_id is not uuid not null' from subject where not attnotnull or atttypid <> 'uuid'::regtype"
    )),
    Rule(concat!(
        of_tenants!(),
        "select name || ': the primary key does not begin with tenant_id' from subject s
         where not exists (select from pg_index i where i.indrelid = s.oid and i.indisprimary and i.indkey[0] = s.attnum)"
    )),
    Rule(concat!(
        of_tenants!(),
        "select name || ': the unique index ' || (select relname from pg_class where oid = i.indexrelid) || ' does not begin with tenant_id'
         from subject s join pg_index i on i.indrelid = s.oid where i.indisunique and i.indkey[0] <> s.attnum"
    )),
    Rule(concat!(
        of_tenants!(),
        "select name || ': the index ' || (select relname from pg_class where oid = i.indexrelid) || ' does not begin with tenant_id'
         from subject s join pg_index i on i.indrelid = s.oid join pg_class x on x.oid = i.indexrelid
         join pg_am m on m.oid = x.relam
         where not i.indisunique and m.amname = 'btree' and i.indkey[0] <> s.attnum and $1 <> 'cloister'"
    )),
    Rule(concat!(
        of_tenants!(),
        "select name || ': the exclusion ' || k.conname || ' does not compare tenant_id' from subject s
         join pg_constraint k on k.conrelid = s.oid and k.contype = 'x'
         where not exists (select from unnest(k.conkey, k.conexclop) as part (column_number, operator)
            join pg_operator o on o.oid = part.operator where part.column_number = s.attnum and o.oprname = '=')"
    )),
    Rule(concat!(
        of_tenants!(),
        "select s.name || ': the foreign key ' || k.conname || ' does not carry tenant_id on both sides' from subject s
         join pg_constraint k on k.conrelid = s.oid and k.contype = 'f'
         join subject r on r.oid = k.confrelid
         where not exists (select from unnest(k.conkey, k.confkey) as pair (here, there)
            where pair.here = s.attnum and pair.there = r.attnum)"
    )),
    Rule(concat!(
        of_tenants!(),
        "select s.name || ': the foreign key ' || k.conname || ' leaves the schema' from subject s
         join pg_constraint k on k.conrelid = s.oid and k.contype = 'f' join pg_class r on r.oid = k.confrelid
         where r.relnamespace <> (select oid from pg_namespace where nspname = $1)"
    )),
    Rule(concat!(
        of_tenants!(),
        "select name || ': the foreign key ' || k.conname || ' sets columns when what it refers to goes' from subject s
         join pg_constraint k on k.conrelid = s.oid and k.contype = 'f'
         where k.confdeltype in ('n', 'd') or k.confupdtype <> 'a'"
    )),
    Rule(concat!(of_tenants!(), "select name || ': row security is off' from subject where not relrowsecurity")),
    Rule(concat!(
        of_tenants!(),
        "select name || ': row security is forced, which stops replication' from subject where relforcerowsecurity"
    )),
    Rule(concat!(
        of_tenants!(),
        ", expected as (
            select 'application' as polname, $2 as login,
                '(tenant_id = ( SELECT (NULLIF(current_setting(''cloister.tenant_id''::text, true), ''''::text))::uuid AS \"nullif\"))'
                    as held
            union all select 'system', $3, 'true'),
        found as (
            select s.name, p.polname::text, (select string_agg(rolname::text, ',') from pg_roles where oid = any(p.polroles)) as login,
                p.polcmd, p.polpermissive, pg_get_expr(p.polqual, p.polrelid) as held,
                pg_get_expr(p.polwithcheck, p.polrelid) as checked
            from subject s join pg_policy p on p.polrelid = s.oid)
        select s.name || ': the policy ' || e.polname || ' is not there as it should be' from subject s cross join expected e
        where not exists (select from found f where f.name = s.name and f.polname = e.polname and f.login = e.login
            and f.polcmd = '*' and f.polpermissive and f.held = e.held and f.checked = e.held)
        union all
        select f.name || ': the policy ' || f.polname || ' should not be there' from found f
        where f.polname not in (select polname from expected)"
    )),
    Rule(concat!(
        all_relations!(),
        "select s.name || ': ' || who || ' may ' || what from subject s cross join unnest(array[$2, $3]) as who
         cross join unnest(array['TRUNCATE', 'REFERENCES', 'TRIGGER']) as what
         where s.relkind in ('r', 'p') and has_table_privilege(who, s.oid, what)"
    )),
    Rule(concat!(
        all_relations!(),
        "select s.name || ': ' || who || ' is among its owners' from subject s cross join unnest(array[$2, $3]) as who
         where pg_has_role(who, s.relowner, 'MEMBER')"
    )),
    Rule(concat!(
        all_relations!(),
        "select s.name || ': everybody may ' || a.privilege_type from subject s cross join aclexplode(s.relacl) a
         where a.grantee = 0"
    )),
    Rule(concat!(
        all_relations!(),
        "select s.name || ': a ' || k.word || ' has no place here' from subject s
         join (values ('v', 'view'), ('m', 'materialised view'), ('S', 'sequence'), ('f', 'foreign table'),
            ('c', 'composite type')) as k (kind, word) on k.kind::\"char\" = s.relkind"
    )),
    Rule(concat!(
        all_relations!(),
        "select s.name || ': the trigger ' || t.tgname || ' has no place here' from subject s
         join pg_trigger t on t.tgrelid = s.oid and not t.tgisinternal
         union all
         select s.name || ': the rule ' || r.rulename || ' has no place here' from subject s
         join pg_rewrite r on r.ev_class = s.oid where s.relkind <> 'v' and s.relkind <> 'm'"
    )),
    Rule(
        "select 'the function ' || p.proname || ' has no place here' from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where n.nspname = $1 and $2::text is not null and $3::text is not null
           and not (n.nspname = 'cloister' and p.proname in ('enter_read', 'enter_write', 'fence_key') and not p.prosecdef)
         union all
         select 'the type ' || t.typname || ' has no place here' from pg_type t join pg_namespace n on n.oid = t.typnamespace
         where n.nspname = $1 and t.typtype in ('e', 'd')
         union all
         select who || ' may ' || what || ' in the schema' from unnest(array[$2, $3]) as who
         cross join unnest(array['CREATE']) as what where has_schema_privilege(who, $1, what)
         union all
         select 'everybody may ' || a.privilege_type || ' in the schema' from pg_namespace n
         cross join aclexplode(n.nspacl) a where n.nspname = $1 and a.grantee = 0",
    ),
];

/// What is wrong with the tables of this platform, in every tier. Empty when nothing is.
pub async fn schema_faults(platform: &TestPlatform) -> Vec<String> {
    let (mut faults, mut prints) = (Vec::new(), Vec::new());
    let kinds = platform.tenancy.kinds();
    for tier in Tier::ALL {
        let slug = format!("checks-schema-{tier}");
        let tenant = match platform.tenancy.registry().by_slug(&slug) {
            Some(tenant) => tenant,
            None => platform.tenant_of(&slug, kinds[0], *tier).await,
        };
        let place = tenant.placement.as_ref().unwrap_or_else(|| panic!("{slug} has no place"));
        let client = platform.admin(&place.database).await;
        for schema in ["cloister", &place.schema] {
            let (application, system) = (platform.cluster.application.user(), platform.cluster.system.user());
            for Rule(text) in RULES {
                let rows = client.query(*text, &[&schema, &application, &system]).await;
                let rows = rows.unwrap_or_else(|error| panic!("{text}: {error:?}"));
                faults.extend(rows.iter().map(|row| format!("{tier}: {}", row.get::<_, &str>(0))));
            }
        }
        let declared = declared(platform.tenancy.modules());
        faults.extend(undeclared(&client, &place.schema, &declared).await.map(|fault| format!("{tier}: {fault}")));
        prints.push((tier, fingerprint(&client, &place.schema).await, fingerprint(&client, "cloister").await));
    }
    for pair in prints.windows(2) {
        let both = [(&pair[0].1, &pair[1].1), (&pair[0].2, &pair[1].2)];
        for (one, other) in both {
            faults.extend(
                one.symmetric_difference(other).map(|line| format!("{} and {} differ: {line}", pair[0].0, pair[1].0)),
            );
        }
    }
    faults
}

/// Panics with all that is wrong with the tables of this platform.
pub async fn check_schema(platform: &TestPlatform) {
    let faults = schema_faults(platform).await;
    assert!(faults.is_empty(), "tables that break the rules:\n{}", faults.join("\n"));
}

fn declared(modules: &[Arc<dyn Module>]) -> Vec<Table> {
    modules.iter().flat_map(|module| module.migrations()).flat_map(|change| change.made).copied().collect()
}

/// Each table is declared, and is of the kind it was declared to be: policies and rights follow from that.
async fn undeclared<'a>(
    client: &Client,
    schema: &str,
    declared: &'a [Table],
) -> impl Iterator<Item = String> + use<'a> {
    let text = "select c.relname::text, exists (select from pg_attribute a
            where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped)
        from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p') and n.nspname = $1";
    let rows = client.query(text, &[&schema]).await.unwrap_or_else(|error| panic!("{error:?}"));
    let there: Vec<(String, bool)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let missing: Vec<String> = declared
        .iter()
        .filter(|table| !there.iter().any(|(name, _)| name == table.name))
        .map(|table| format!("{} is declared and not there", table.name))
        .collect();
    let wrong = there.into_iter().filter_map(move |(name, of_tenants)| {
        match declared.iter().find(|table| table.name == name) {
            None => Some(format!("{name} is declared by no module")),
            Some(table) if (table.kind == TableKind::Tenant) != of_tenants => {
                Some(format!("{name} is declared as {:?}, and tenant_id says otherwise", table.kind))
            }
            Some(_) => None,
        }
    });
    missing.into_iter().chain(wrong)
}

/// Everything about a schema's tables that a statement could notice, without the schema's name.
async fn fingerprint(client: &Client, schema: &str) -> BTreeSet<String> {
    let text = "with subject as (
            select c.oid, c.relname::text as name, c.relrowsecurity, c.relacl, c.relowner
            from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p') and n.nspname = $1)
        select format('%s.%s %s %s %s', s.name, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                pg_get_expr(d.adbin, d.adrelid))
            from subject s join pg_attribute a on a.attrelid = s.oid and a.attnum > 0 and not a.attisdropped
            left join pg_attrdef d on d.adrelid = s.oid and d.adnum = a.attnum
        union all select format('%s %s %s', s.name, k.conname, pg_get_constraintdef(k.oid))
            from subject s join pg_constraint k on k.conrelid = s.oid
        union all select format('%s %s', s.name, pg_get_indexdef(i.indexrelid)) from subject s join pg_index i on i.indrelid = s.oid
        union all select format('%s policy %s %s %s', s.name, p.polname, pg_get_expr(p.polqual, p.polrelid), p.polroles)
            from subject s join pg_policy p on p.polrelid = s.oid
        union all select format('%s owner %s', s.name, s.relowner::regrole) from subject s
        union all select format('%s right %s %s', s.name, a.grantee::regrole, a.privilege_type)
            from subject s cross join aclexplode(s.relacl) a
        union all select format('function %s %s', p.proname, pg_get_functiondef(p.oid)) from pg_proc p
            join pg_namespace n on n.oid = p.pronamespace where n.nspname = $1";
    let search_path = format!("set search_path = \"{schema}\"");
    client.batch_execute(&search_path).await.unwrap_or_else(|error| panic!("{error:?}"));
    let rows = client.query(text, &[&schema]).await.unwrap_or_else(|error| panic!("{error:?}"));
    let names = [format!("{schema}."), format!("\"{schema}\".")];
    rows.iter()
        .map(|row| names.iter().fold(row.get::<_, String>(0), |line, name| line.replace(name.as_str(), "")))
        .collect()
}
