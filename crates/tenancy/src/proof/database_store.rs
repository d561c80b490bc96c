//! Rules about a whole database and about a whole server: the same columns as in `table_store`. `$1` is the schemas that are
//! known, `$2` application, `$3` system, `$4` owner.

use cloister_postgres::statements;

macro_rules! database {
    ($rule:literal) => {
        concat!(
            "with logins as (select $2::text as application, $3::text as system, $4::text as owner),
            ours as (select unnest(array[application, system]) as login from logins),
            known as (select oid, nspname::text as name from pg_namespace where nspname = any($1::text[])),
            other as (select oid, nspname::text as name, nspacl, nspowner from pg_namespace
                where nspname <> all($1::text[]) and nspname not like 'pg\\_%' and nspname <> 'information_schema'),
            base as (select oid, datname::text as name, datacl, datdba from pg_database where datname = current_database()),
            -- Extensions with files, raw pages, programs or other servers in their reach, and those that only watch or sort.
            dangerous (name) as (values ('dblink'), ('postgres_fdw'), ('file_fdw'), ('oracle_fdw'), ('mysql_fdw'), ('tds_fdw'),
                ('multicorn'), ('adminpack'), ('pageinspect'), ('pg_surgery'), ('pg_walinspect'), ('plpython3u'), ('plperlu'),
                ('pltclu'), ('plsh'), ('plr'), ('http'), ('pg_net'), ('pg_cron')),
            harmless (name) as (values ('plpgsql'), ('btree_gist'), ('citus'), ('citus_columnar'), ('pg_stat_statements'),
                ('pg_buffercache'), ('pg_prewarm'), ('pgaudit')) ",
            $rule
        )
    };
}

macro_rules! server {
    ($rule:literal) => {
        concat!(
            "with logins as (select $1::text as application, $2::text as system, $3::text as owner),
            ours as (select unnest(array[application, system]) as login from logins),
            power as (select o.login, r.* from ours o join pg_roles r on pg_has_role(o.login, r.oid, 'MEMBER')) ",
            $rule
        )
    };
}

statements! {
    DATABASE_PUBLIC = database!(
        "select '', base.name, '', 'everybody may ' || a.privilege_type || ' here',
            format('revoke all on database %I from public;', base.name)
         from base cross join aclexplode(coalesce(datacl, acldefault('d', datdba))) a cross join logins where a.grantee = 0");
    DATABASE_STRANGER = database!(
        "select '', base.name, r.rolname::text, 'the role ' || r.rolname || ' may ' || a.privilege_type || ' here',
            format('revoke all on database %I from %I;', base.name, r.rolname)
         from base cross join aclexplode(datacl) a join pg_roles r on r.oid = a.grantee cross join logins l
         where r.rolname not in (l.application, l.system, l.owner) and a.grantee <> datdba
         union all
         select '', base.name, '', 'the database belongs to ' || pg_get_userbyid(datdba),
            format('alter database %I owner to %I;', base.name, l.owner)
         from base cross join logins l where pg_get_userbyid(datdba) <> l.owner and not pg_has_role(l.owner, datdba, 'USAGE')");
    DATABASE_CREATES = database!(
        "select '', base.name, login, login || ' may create schemas', format('revoke create on database %I from %I, public;', base.name, login)
         from base cross join ours cross join logins where has_database_privilege(login, base.oid, 'CREATE')
         union all
         select '', other.name, login, login || ' may create objects in the schema',
            format('revoke create on schema %I from %I, public;', other.name, login)
         from other cross join ours where has_schema_privilege(login, other.oid, 'CREATE')");
    SCHEMA_UNKNOWN = database!(
        "select '', other.name, '', 'no tenant has its place in this schema', '-- look what it holds, then drop it'
         from other cross join logins where other.name <> 'public'");
    OBJECT_OUTSIDE = database!(
        "select '', o.name || '.' || c.relname, '', 'a table or view outside of every known schema', format('drop table %I.%I;', o.name, c.relname)
         from other o join pg_class c on c.relnamespace = o.oid and c.relkind in ('r', 'p', 'f', 'S') cross join logins
         where o.name = 'public' and not exists (select from pg_depend d
            where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
              and d.refobjid in (select e.oid from pg_extension e where e.extname in ('citus', 'citus_columnar')))");
    VIEW_OUTSIDE = database!(
        "select distinct '', o.name || '.' || v.relname, '', 'a view shows rows of ' || t.oid::regclass || ' past its policies',
            format('drop %s %I.%I;', case v.relkind when 'm' then 'materialized view' else 'view' end, o.name, v.relname)
         from other o join pg_class v on v.relnamespace = o.oid and v.relkind in ('v', 'm')
         join pg_rewrite w on w.ev_class = v.oid
         join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
         join pg_class t on t.oid = d.refobjid join known k on k.oid = t.relnamespace cross join logins");
    REFERENCE_OUTSIDE = database!(
        "select '', o.name || '.' || c.relname, k.conname::text, 'a foreign key from outside tells whether rows of '
                || k.confrelid::regclass || ' exist', format('alter table %I.%I drop constraint %I;', o.name, c.relname, k.conname)
         from other o join pg_class c on c.relnamespace = o.oid join pg_constraint k on k.conrelid = c.oid and k.contype = 'f'
         join pg_class t on t.oid = k.confrelid join known n on n.oid = t.relnamespace cross join logins");
    DEFINER_OUTSIDE = database!(
        "select '', p.oid::regprocedure::text, '', 'a function runs with the rights of ' || pg_get_userbyid(p.proowner)
                || ' (SECURITY DEFINER) and may be called by ' || login,
            format('revoke execute on function %s from public, %I;', p.oid::regprocedure, login)
         from other o join pg_proc p on p.pronamespace = o.oid and p.prosecdef cross join ours
         where exists (select from logins) and has_function_privilege(login, p.oid, 'EXECUTE')");
    DEFAULT_PRIVILEGES = database!(
        "select '', coalesce(n.nspname::text, base.name), pg_get_userbyid(d.defaclrole)::text,
            'what ' || pg_get_userbyid(d.defaclrole) || ' makes here is granted to '
                || case a.grantee when 0 then 'everybody' else pg_get_userbyid(a.grantee)::text end || ' by default',
            format('alter default privileges for role %I %s revoke all on %s from %s;', pg_get_userbyid(d.defaclrole),
                'in schema ' || quote_ident(n.nspname),
                case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions'
                    when 'T' then 'types' else 'schemas' end,
                case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end)
         from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace cross join aclexplode(d.defaclacl) a
         cross join base cross join logins where a.grantee <> d.defaclrole");
    SETTING = database!(
        "select '', case when s.setdatabase <> 0 then base.name when r.rolname is null then 'every role' else '' end,
            coalesce(r.rolname::text, ''),
            'the setting ' || text || ' is made for ' || coalesce('the role ' || r.rolname, 'everybody'),
            case when r.rolname is null and s.setdatabase = 0 then format('alter role all reset %I;', split_part(text, '=', 1))
                when r.rolname is null then format('alter database %I reset %I;', base.name, split_part(text, '=', 1))
                when s.setdatabase = 0 then format('alter role %I reset %I;', r.rolname, split_part(text, '=', 1))
                else format('alter role %I in database %I reset %I;', r.rolname, base.name, split_part(text, '=', 1)) end
         from pg_db_role_setting s cross join unnest(s.setconfig) as text cross join base cross join logins l
         left join pg_roles r on r.oid = s.setrole
         where s.setdatabase in (0, base.oid) and (s.setrole = 0 or r.rolname in (l.application, l.system, l.owner))
           and lower(split_part(text, '=', 1)) in ('search_path', 'row_security', 'session_replication_role', 'role',
               'session_authorization', 'local_preload_libraries', 'session_preload_libraries', 'transform_null_equals',
               'default_table_access_method', 'temp_tablespaces', 'lo_compat_privileges')
            or s.setdatabase in (0, base.oid) and lower(text) like 'cloister.%'");
    EXTENSION = database!(
        "select '', e.extname::text, '', 'the extension ' || e.extname
                || ' can read files or raw pages, run programs or reach other servers', format('drop extension %I;', e.extname)
         from pg_extension e cross join logins where e.extname in (select name from dangerous)");
    EXTENSION_UNKNOWN = database!(
        "select '', e.extname::text, '', 'an extension that this program does not ask for', format('drop extension %I;', e.extname)
         from pg_extension e cross join logins
         where e.extname not in (select name from dangerous) and e.extname not in (select name from harmless)");
    EVENT_TRIGGER = database!(
        "select '', t.evtname::text, '', 'an event trigger runs ' || t.evtfoid::regprocedure || ' whenever tables are changed',
            format('drop event trigger %I;', t.evtname)
         from pg_event_trigger t cross join logins where not exists (select from pg_depend d
            where d.classid = 'pg_event_trigger'::regclass and d.objid = t.oid and d.deptype = 'e'
              and d.refobjid in (select e.oid from pg_extension e where e.extname in ('citus', 'citus_columnar')))");
    FOREIGN_SERVER = database!(
        "select '', s.srvname::text, '', 'a foreign server carries statements to another database', format('drop server %I cascade;', s.srvname)
         from pg_foreign_server s cross join logins");
    LARGE_OBJECT = database!(
        "select '', 'pg_largeobject', '', count(*) || ' large objects, which belong to no tenant and stand behind no policy',
            'select lo_unlink(oid) from pg_largeobject_metadata; -- after looking whose they are'
         from pg_largeobject_metadata cross join logins having count(*) > 0");
    LANGUAGE = database!(
        "select '', l.lanname::text, '', 'the language ' || l.lanname || ' is not trusted: its functions reach files and programs',
            coalesce((select format('drop extension %I;', e.extname) from pg_depend d join pg_extension e on e.oid = d.refobjid
                where d.classid = 'pg_language'::regclass and d.objid = l.oid and d.refclassid = 'pg_extension'::regclass
                  and d.deptype = 'e'),
                format('drop language %I;', l.lanname))
         from pg_language l cross join logins where not l.lanpltrusted and l.lanname not in ('internal', 'c')");

    LOGIN_POWER = server!(
        "select '', power.login, power.rolname::text, power.login || ' ' || what.words
                || case when power.rolname = power.login then '' else ', as a member of ' || power.rolname end,
            case when power.rolname = power.login then format('alter role %I %s;', power.login, what.mend)
                else format('revoke %I from %I;', power.rolname, power.login) end
         from power cross join logins cross join lateral (values
            (power.rolsuper, 'is a superuser', 'nosuperuser'),
            (power.rolbypassrls, 'bypasses row security', 'nobypassrls'),
            (power.rolcreaterole, 'may create roles', 'nocreaterole'),
            (power.rolcreatedb, 'may create databases', 'nocreatedb'),
            (power.rolreplication, 'may replicate the whole server', 'noreplication')) as what (has, words, mend)
         where what.has");
    LOGIN_MEMBER = server!(
        "select '', power.login, power.rolname::text, power.login || ' can become ' || power.rolname,
            format('revoke %I from %I;', power.rolname, power.login)
         from power cross join logins where power.rolname <> power.login");
    LOGIN_LENT = server!(
        "select '', r.rolname::text, o.login, 'the role ' || r.rolname || ' can become ' || o.login,
            format('revoke %I from %I;', o.login, r.rolname)
         from (select login from ours union all select owner from logins) o
         join pg_roles r on not r.rolsuper and case when current_setting('server_version_num')::int >= 160000
            -- Whoever may create roles is a member of those it made, to administer them: that is no entrance by itself. Whoever
            -- may not was made an administrator of ours by somebody.
            then pg_has_role(r.oid, o.login::name, 'SET') or pg_has_role(r.oid, o.login::name, 'USAGE')
                or not r.rolcreaterole and pg_has_role(r.oid, o.login::name, 'MEMBER WITH ADMIN OPTION')
            else pg_has_role(r.oid, o.login::name, 'MEMBER') end cross join logins l
         where r.rolname <> o.login and r.rolname <> l.owner");
    ROLE_READS_ALL = server!(
        "select '', r.rolname::text, p.rolname::text, 'the role ' || r.rolname || ' is a member of ' || p.rolname
                || ' and reaches the rows of every tenant', format('revoke %I from %I;', p.rolname, r.rolname)
         from pg_roles r join pg_roles p on p.rolname in ('pg_read_all_data', 'pg_write_all_data',
                'pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program')
            and pg_has_role(r.oid, p.oid, 'MEMBER') cross join logins
         where not r.rolsuper and r.oid <> p.oid and r.rolname not like 'pg\\_%'");
    OWNER_SUPER = server!(
        "select '', l.owner, '', l.owner || ' ' || case when r.rolsuper then 'is a superuser' else 'bypasses row security' end,
            format('alter role %I nosuperuser nobypassrls;', l.owner)
         from logins l join pg_roles r on r.rolname = l.owner where r.rolsuper or r.rolbypassrls");
}
