//! Rules about what is not in any tenant's schema and gets round the walls all the same: the server's own catalogs, extensions
//! that hold what is ours, rows that come in by replication. The same columns and parameters as in `database_store`.

use cloister_postgres::statements;

macro_rules! database {
    ($rule:literal) => {
        concat!(
            "with logins as (select $2::text as application, $3::text as system, $4::text as owner),
            granted as (select login, login as name, quote_ident(login) as quoted, (select oid from pg_roles where rolname = login) as role
                from (select unnest(array[application, system]) as login from logins) as ours
                union all select 'everybody', 'everybody', 'public', 0::oid),
            known as (select nspname::text as name from pg_namespace where nspname = any($1::text[])) ",
            $rule
        )
    };
}

statements! {
    /// Rights on catalogs and functions of the server beyond those that it was born with.
    CATALOG_GRANTED = database!(
        ", now (kind, object, part, role, privilege) as (
            select i.classoid, p.oid, 0, a.grantee, a.privilege_type
            from pg_init_privs i join pg_proc p on p.oid = i.objoid cross join aclexplode(p.proacl) a
            where i.classoid = 'pg_proc'::regclass and p.pronamespace = 'pg_catalog'::regnamespace
            union all
            select 'pg_class'::regclass, c.oid, 0, a.grantee, a.privilege_type from pg_class c cross join aclexplode(c.relacl) a
            where c.relnamespace = 'pg_catalog'::regnamespace
            union all
            select 'pg_class'::regclass, c.oid, f.attnum, a.grantee, a.privilege_type
            from pg_class c join pg_attribute f on f.attrelid = c.oid cross join aclexplode(f.attacl) a
            where c.relnamespace = 'pg_catalog'::regnamespace and f.attacl is not null),
         more as (
            select * from now where role in (select role from granted)
            except
            select i.classoid, i.objoid, i.objsubid, a.grantee, a.privilege_type from pg_init_privs i cross join aclexplode(i.initprivs) a)
         select '', what.object, g.name, g.name || ' may ' || m.privilege || ' what the server keeps from everybody',
            format('revoke %s%s on %s from %s;', m.privilege, ' (' || quote_ident(f.attname) || ')', what.mend, g.quoted)
         from more m join granted g on g.role = m.role
         left join pg_attribute f on f.attrelid = m.object and f.attnum = m.part and m.part > 0
         cross join lateral (
            select m.object::regprocedure::text as object, 'function ' || m.object::regprocedure as mend where m.kind = 'pg_proc'::regclass
            union all
            select concat_ws('.', m.object::regclass, f.attname), m.object::regclass::text where m.kind = 'pg_class'::regclass) what");
    /// Who may put objects where every session looks first.
    CATALOG_CREATES = database!(
        "select '', n.nspname::text, g.name, g.name || ' may create objects in the schema',
            format('revoke create on schema %I from %s;', n.nspname, g.quoted)
         from pg_namespace n cross join aclexplode(n.nspacl) a join granted g on g.role = a.grantee
         where (n.nspname like 'pg\\_%' or n.nspname = 'information_schema') and a.privilege_type = 'CREATE'");
    /// Of a subscription, everybody may read what is not its connection.
    SUBSCRIPTION = database!(
        "select '', s.subname::text, '', 'a subscription of ' || pg_get_userbyid(s.subowner) || ' writes rows into this database, past every policy',
            format('alter subscription %I disable; alter subscription %I set (slot_name = none); drop subscription %I; '
                || '-- and its slot, if it had one, on the server it came from', s.subname, s.subname, s.subname)
         from pg_subscription s join pg_database b on b.oid = s.subdbid and b.datname = current_database()");
    /// Objects in schemas of ours, or those schemas themselves, that an extension was given.
    EXTENSION_MEMBER = database!(
        "select '', i.identity, '', 'the ' || i.type || ' was given to the extension ' || e.extname,
            format('alter extension %I drop %s %s;', e.extname, i.type, i.identity)
         from pg_extension e join pg_depend d on d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid and d.deptype = 'e'
         cross join pg_identify_object(d.classid, d.objid, d.objsubid) i
         join known k on quote_ident(k.name) = i.schema or i.type = 'schema' and quote_ident(k.name) = i.identity
         -- Row and array types come and go with what they are of.
         left join pg_type t on d.classid = 'pg_type'::regclass and t.oid = d.objid left join pg_class c on c.oid = t.typrelid
         where i.type <> 'composite type' and (t.oid is null or t.typcategory <> 'A' and coalesce(c.relkind, 'c') = 'c')");
}
