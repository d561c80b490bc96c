//! Rules about tables with tenants' rows, each a statement that selects what breaks it: `space`, `object`, `item`, `detail`,
//! `mend`. `$1` schemas, `$2` application, `$3` system, `$4` owner.

use cloister_postgres::statements;

/// The schemas, and the tables in them whose rows have a tenant.
macro_rules! of_tenants {
    ($rule:literal) => {
        concat!(
            "with logins as (select $2::text as application, $3::text as system, $4::text as owner),
            space as (select oid, nspname::text as name from pg_namespace where nspname = any($1::text[])),
            subject as (
                select c.oid, s.name as space, c.relname::text as name, format('%I.%I', s.name, c.relname) as path,
                    c.relnamespace, c.relrowsecurity, c.relforcerowsecurity, a.attnum, a.attnotnull, a.atttypid
                from pg_class c join space s on s.oid = c.relnamespace
                join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
                where c.relkind in ('r', 'p')) ",
            $rule
        )
    };
}

statements! {
    TENANT_NULLABLE = of_tenants!(
        "select space, name, 'tenant_id', 'tenant_id is ' || format_type(atttypid, null)
            || case when attnotnull then '' else ' and may be null' end,
            format(case when atttypid = 'uuid'::regtype then 'alter table %s alter column tenant_id set not null;'
                else '-- whose is each row? then: alter table %s alter column tenant_id type uuid using …;' end, path)
         from subject, logins where not attnotnull or atttypid <> 'uuid'::regtype");
    PRIMARY_KEY = of_tenants!(
        "select space, name, coalesce((select k.conname::text from pg_constraint k where k.conrelid = s.oid and k.contype = 'p'), ''),
            'there is no primary key that begins with tenant_id',
            format('-- put the tenant first: alter table %s drop constraint …, add primary key (tenant_id, …);', path)
         from subject s, logins
         where not exists (select from pg_index i where i.indrelid = s.oid and i.indisprimary and i.indkey[0] = s.attnum)");
    UNIQUE_KEY = of_tenants!(
        "select space, name, x.relname::text, 'a unique index does not begin with tenant_id',
            case when k.conname is null then format('drop index %I.%I; -- and make it again with tenant_id first', space, x.relname)
                else format('alter table %s drop constraint %I; -- and make it again with tenant_id first', path, k.conname) end
         from subject s join pg_index i on i.indrelid = s.oid join pg_class x on x.oid = i.indexrelid
         left join pg_constraint k on k.conindid = i.indexrelid and k.contype in ('u', 'x') cross join logins
         where i.indisunique and not i.indisprimary and i.indkey[0] <> s.attnum");
    INDEX_ORDER = of_tenants!(
        "select space, name, x.relname::text, 'an index does not begin with tenant_id',
            format('drop index %I.%I; -- and make it again with tenant_id first', space, x.relname)
         from subject s join pg_index i on i.indrelid = s.oid join pg_class x on x.oid = i.indexrelid
         join pg_am m on m.oid = x.relam cross join logins
         where not i.indisunique and not i.indisexclusion and m.amname = 'btree' and i.indkey[0] <> s.attnum and s.space <> 'cloister'
           and s.space not like 'proof\\_kernel\\_%'");
    INDEX_INVALID = of_tenants!(
        "select space, name, x.relname::text, 'the index is not valid: what it should enforce is not enforced for all rows',
            format('reindex index %I.%I;', space, x.relname)
         from subject s join pg_index i on i.indrelid = s.oid join pg_class x on x.oid = i.indexrelid cross join logins
         where not i.indisvalid or not i.indisready");
    EXCLUSION = of_tenants!(
        "select space, name, k.conname::text, 'an exclusion constraint does not compare tenant_id',
            format('alter table %s drop constraint %I; -- and make it again with tenant_id with =', path, k.conname)
         from subject s join pg_constraint k on k.conrelid = s.oid and k.contype = 'x' cross join logins
         where not exists (select from unnest(k.conkey, k.conexclop) as part (column_number, operator)
            join pg_operator o on o.oid = part.operator where part.column_number = s.attnum and o.oprname = '=')");
    FOREIGN_KEY = of_tenants!(
        "select s.space, s.name, k.conname::text, 'a foreign key to ' || r.name || ' does not begin with tenant_id on both sides',
            format('alter table %s drop constraint %I; -- and make it again as (tenant_id, …) references (tenant_id, …)',
                s.path, k.conname)
         from subject s join pg_constraint k on k.conrelid = s.oid and k.contype = 'f'
         join subject r on r.oid = k.confrelid cross join logins
         where k.conkey[1] <> s.attnum or k.confkey[1] <> r.attnum");
    FOREIGN_KEY_OUT = of_tenants!(
        "select s.space, s.name, k.conname::text, 'a foreign key leaves the schema, to ' || k.confrelid::regclass,
            format('alter table %s drop constraint %I;', s.path, k.conname)
         from subject s join pg_constraint k on k.conrelid = s.oid and k.contype = 'f'
         join pg_class r on r.oid = k.confrelid cross join logins where r.relnamespace <> s.relnamespace");
    FOREIGN_KEY_SETS = of_tenants!(
        "select space, name, k.conname::text, 'a foreign key changes columns when what it refers to goes or changes',
            format('alter table %s drop constraint %I; -- and make it again with no action or cascade', path, k.conname)
         from subject s join pg_constraint k on k.conrelid = s.oid and k.contype = 'f' cross join logins
         where k.confdeltype in ('n', 'd') or k.confupdtype <> 'a'");
    FOREIGN_KEY_UNCHECKED = of_tenants!(
        "select space, name, k.conname::text, 'the constraint was never checked against the rows that are there',
            format('alter table %s validate constraint %I;', path, k.conname)
         from subject s join pg_constraint k on k.conrelid = s.oid cross join logins where not k.convalidated");
    ROW_SECURITY_OFF = of_tenants!(
        "select space, name, '', 'row security is disabled', format('alter table %s enable row level security;', path)
         from subject, logins where not relrowsecurity");
    ROW_SECURITY_FORCED = of_tenants!(
        "select space, name, '', 'row security is forced on the owner too', format('alter table %s no force row level security;', path)
         from subject, logins where relforcerowsecurity");
    POLICY_MISSING = of_tenants!(
        "select s.space, s.name, e.polname, 'the policy is not there',
            format('create policy %I on %s to %I using (%s) with check (%s);', e.polname, s.path, e.login, e.held, e.held)
         from subject s cross join logins l cross join lateral (values
            ('application', l.application, '(tenant_id = (select nullif(current_setting(''cloister.tenant_id'', true), '''')::uuid))'),
            ('system', l.system, 'true')) as e (polname, login, held)
         where not exists (select from pg_policy p where p.polrelid = s.oid and p.polname = e.polname)");
    POLICY_ALTERED = of_tenants!(
        "select s.space, s.name, p.polname::text,
            concat('the policy is not of its one form: ',
                case when not p.polpermissive then 'restrictive, ' end,
                'for ', case p.polcmd when '*' then 'all' when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                    else 'delete' end,
                ', to ', (select string_agg(case role when 0 then 'public' else pg_get_userbyid(role) end, ', ')
                    from unnest(p.polroles) role),
                ', using ', pg_get_expr(p.polqual, p.polrelid), ', with check ', pg_get_expr(p.polwithcheck, p.polrelid)),
            format('drop policy %I on %s; create policy %I on %s to %I using (%s) with check (%s);',
                p.polname, s.path, p.polname, s.path, e.login, e.text, e.text)
         from subject s cross join logins l cross join lateral (values
            ('application', l.application,
                '(tenant_id = ( SELECT (NULLIF(current_setting(''cloister.tenant_id''::text, true), ''''::text))::uuid AS \"nullif\"))',
                'tenant_id = (select nullif(current_setting(''cloister.tenant_id'', true), '''')::uuid)'),
            ('system', l.system, 'true', 'true')) as e (polname, login, held, text)
         join pg_policy p on p.polrelid = s.oid and p.polname = e.polname
         where not p.polpermissive or p.polcmd <> '*'
            or p.polroles is distinct from array[(select oid from pg_roles where rolname = e.login)]
            or pg_get_expr(p.polqual, p.polrelid) is distinct from e.held
            or pg_get_expr(p.polwithcheck, p.polrelid) is distinct from e.held");
    POLICY_EXTRA = of_tenants!(
        "select s.space, s.name, p.polname::text,
            concat('a policy nobody declared: ', pg_get_expr(p.polqual, p.polrelid), ' ', pg_get_expr(p.polwithcheck, p.polrelid)),
            format('drop policy %I on %s;', p.polname, s.path)
         from subject s join pg_policy p on p.polrelid = s.oid cross join logins where p.polname not in ('application', 'system')");
    POLICY_VOLATILE = of_tenants!(
        "select distinct s.space, s.name, p.polname::text, 'the policy calls ' || f.oid::regprocedure || ', which is volatile',
            format('alter function %s stable; -- or take it out of the policy', f.oid::regprocedure)
         from subject s join pg_policy p on p.polrelid = s.oid
         -- From the expression itself: that it calls a function of the server is recorded nowhere else.
         cross join regexp_matches(concat(p.polqual::text, ' ', p.polwithcheck::text), 'funcid (\\d+)', 'g') as called
         join pg_proc f on f.oid = called[1]::oid cross join logins where f.provolatile = 'v'");
    INHERITANCE = of_tenants!(
        "select s.space, s.name, '', 'rows can be reached through ' || coalesce(i.inhparent, j.inhrelid)::regclass
                || ', which has policies of its own',
            case when i.inhparent is not null then format('alter table %s no inherit %s;', s.path, i.inhparent::regclass)
                else format('alter table %s no inherit %s;', j.inhrelid::regclass, s.path) end
         from subject s left join pg_inherits i on i.inhrelid = s.oid left join pg_inherits j on j.inhparent = s.oid
         cross join logins where i.inhrelid is not null or j.inhparent is not null");
    TRIGGER_DISABLED = of_tenants!(
        "select distinct s.space, s.name, '', 'the foreign key ' || coalesce(k.conname, t.tgname) || ' is not enforced: its triggers are off',
            format('alter table %s enable trigger all;', s.path)
         from subject s join pg_trigger t on t.tgrelid = s.oid and t.tgisinternal
         left join pg_constraint k on k.oid = t.tgconstraint cross join logins where t.tgenabled <> 'O'");
    UNLOGGED = of_tenants!(
        "select s.space, s.name, '', 'the table is unlogged: its rows are lost when the server crashes',
            format('alter table %s set logged;', s.path)
         from subject s join pg_class c on c.oid = s.oid cross join logins where c.relpersistence = 'u'");
    PUBLISHED = of_tenants!(
        "select s.space, s.name, p.pubname::text, 'a publication sends the rows of every tenant in this table to its subscribers',
            format('alter publication %I drop table %s; -- or drop publication %I;', p.pubname, s.path, p.pubname)
         from subject s join pg_publication p on p.puballtables
            or exists (select from pg_publication_rel r where r.prpubid = p.oid and r.prrelid = s.oid)
            or exists (select from pg_publication_namespace n where n.pnpubid = p.oid and n.pnnspid = s.relnamespace)
         cross join logins");
}
