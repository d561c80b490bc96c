//! Rules about everything else in a schema, and about who reaches it. The same columns and parameters as in `table_store`.

use cloister_postgres::statements;

/// The schemas, and all that is in them. What belongs to an extension is no better than the rest.
macro_rules! within {
    ($rule:literal) => {
        concat!(
            "with logins as (select $2::text as application, $3::text as system, $4::text as owner),
            ours as (select unnest(array[application, system]) as login from logins),
            space as (select oid, nspname::text as name, nspowner, nspacl from pg_namespace where nspname = any($1::text[])),
            subject as (
                select c.oid, s.name as space, c.relname::text as name, format('%I.%I', s.name, c.relname) as path, c.relkind,
                    c.relowner, c.relacl
                from pg_class c join space s on s.oid = c.relnamespace
                where c.relkind not in ('i', 'I', 't')) ",
            $rule
        )
    };
}

statements! {
    GRANT_BEYOND_ROWS = within!(
        "select space, name, login || ' ' || what, login || ' may ' || what, format('revoke %s on %s from %I;', what, path, login)
         from subject cross join ours cross join unnest(array['TRUNCATE', 'REFERENCES', 'TRIGGER']) as what
         where relkind in ('r', 'p') and exists (select from logins) and has_table_privilege(login, subject.oid, what)");
    GRANT_PUBLIC = within!(
        "select space, name, 'public ' || a.privilege_type, 'everybody may ' || a.privilege_type,
            format('revoke all on %s%s from public;', case relkind when 'S' then 'sequence ' else '' end, path)
         from subject cross join aclexplode(relacl) a cross join logins where a.grantee = 0
         union all
         select s.name, '', 'public ' || a.privilege_type, 'everybody has ' || a.privilege_type || ' in the schema',
            format('revoke all on schema %I from public;', s.name)
         from space s cross join aclexplode(s.nspacl) a where a.grantee = 0");
    GRANT_COLUMN = within!(
        "select space, name, '', 'the column ' || c.attname || ' has rights of its own, for '
                || case a.grantee when 0 then 'everybody' else pg_get_userbyid(a.grantee)::text end || ': ' || a.privilege_type,
            format('revoke %s (%I) on %s from %s;', a.privilege_type, c.attname, path,
                case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end)
         from subject join pg_attribute c on c.attrelid = subject.oid and c.attacl is not null
         cross join aclexplode(c.attacl) a cross join logins");
    GRANT_STRANGER = within!(
        "select space, name, r.rolname || ' ' || a.privilege_type, 'the role ' || r.rolname || ' may ' || a.privilege_type,
            format('revoke all on %s from %I;', path, r.rolname)
         from subject cross join aclexplode(relacl) a join pg_roles r on r.oid = a.grantee cross join logins l
         where r.rolname not in (l.application, l.system, l.owner) and a.grantee <> relowner
         union all
         select s.name, '', r.rolname || ' ' || a.privilege_type, 'the role ' || r.rolname || ' has ' || a.privilege_type
                || ' in the schema', format('revoke all on schema %I from %I;', s.name, r.rolname)
         from space s cross join aclexplode(s.nspacl) a join pg_roles r on r.oid = a.grantee cross join logins l
         where r.rolname not in (l.application, l.system, l.owner) and a.grantee <> s.nspowner");
    OWNED_BY_LOGIN = within!(
        "select space, name, '', login || ' is among its owners: policies do not hold it',
            format('alter table %s owner to %I;', path, (select owner from logins))
         from subject cross join ours where pg_has_role(login, relowner, 'MEMBER')
         union all
         select s.name, '', '', login || ' owns the schema', format('alter schema %I owner to %I;', s.name, (select owner from logins))
         from space s cross join ours where pg_has_role(login, s.nspowner, 'MEMBER')");
    OWNED_BY_STRANGER = within!(
        "select space, name, '', 'it belongs to ' || pg_get_userbyid(relowner) || ', whom its policies do not hold',
            format('alter table %s owner to %I;', path, l.owner)
         from subject cross join logins l where pg_get_userbyid(relowner) not in (l.owner, l.application, l.system)
         union all
         select s.name, '', '', 'the schema belongs to ' || pg_get_userbyid(s.nspowner),
            format('alter schema %I owner to %I;', s.name, l.owner)
         from space s cross join logins l where pg_get_userbyid(s.nspowner) not in (l.owner, l.application, l.system)");
    CREATES = within!(
        "select s.name, '', login || ' CREATE', login || ' may create objects in the schema',
            format('revoke create on schema %I from %I, public;', s.name, login)
         from space s cross join ours where exists (select from logins) and has_schema_privilege(login, s.oid, 'CREATE')");
    VIEW = within!(
        "select space, name, '', 'a ' || case relkind when 'v' then 'view' else 'materialized view' end
                || ' reads with the rights of its owner, past every policy',
            format('drop %s %s;', case relkind when 'v' then 'view' else 'materialized view' end, path)
         from subject cross join logins where relkind in ('v', 'm')");
    FOREIGN_TABLE = within!(
        "select space, name, '', 'a foreign table has its rows elsewhere, behind no policy', format('drop foreign table %s;', path)
         from subject cross join logins where relkind = 'f'");
    SEQUENCE = within!(
        "select space, name, '', 'a sequence is shared by all tenants and tells each how much the others do',
            format('drop sequence %s cascade;', path)
         from subject cross join logins where relkind = 'S'
           and not (space = 'control' or space like 'proof\\_control\\_%')");
    TRIGGER = within!(
        "select space, subject.name, t.tgname::text, 'a trigger does what no statement says, with rights of its function',
            format('drop trigger %I on %s;', t.tgname, path)
         from subject join pg_trigger t on t.tgrelid = subject.oid and not t.tgisinternal cross join logins");
    RULE = within!(
        "select space, subject.name, w.rulename::text, 'a rule rewrites statements into others', format('drop rule %I on %s;', w.rulename, path)
         from subject join pg_rewrite w on w.ev_class = subject.oid cross join logins where relkind not in ('v', 'm')");
    FUNCTION_DEFINER = within!(
        "select s.name, '', p.proname::text, 'the function runs with the rights of ' || pg_get_userbyid(p.proowner)
                || ' (SECURITY DEFINER)',
            format('alter function %s security invoker;', p.oid::regprocedure)
         from space s join pg_proc p on p.pronamespace = s.oid cross join logins where p.prosecdef");
}
