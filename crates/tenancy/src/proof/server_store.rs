//! Rules about the server: with what it begins every session, and who may change that. The same columns and parameters as the
//! rules about a server in `database_store`.

use cloister_postgres::statements;

macro_rules! server {
    ($rule:literal) => {
        concat!(
            "with logins as (select $1::text as application, $2::text as system, $3::text as owner),
            ours as (select unnest(array[application, system]) as login from logins),
            -- As the server was started and configured. What is made for a role or database is looked at there, and with what
            -- this program begins its own sessions, the search path among it, the server has no say in.
            setting as (select name, setting from pg_settings
                where source in ('configuration file', 'command line', 'environment variable', 'global')) ",
            $rule
        )
    };
}

statements! {
    /// Settings with which keys, policies or statements are not what they were proven to be.
    SETTING_SERVER = server!(
        "select '', '', s.name, 'the server begins every session with ' || s.name || ' = ' || s.setting,
            format('alter system reset %I; -- then select pg_reload_conf(), or take it out of where it stands', s.name)
         from setting s join (values
            -- Triggers are off, and with them every foreign key.
            ('session_replication_role', 'origin'), ('row_security', 'on'), ('allow_system_table_mods', 'off'),
            ('transform_null_equals', 'off'), ('lo_compat_privileges', 'off'), ('default_table_access_method', 'heap'))
            as safe (name, setting) on safe.name = s.name and safe.setting <> s.setting
         union all
         select '', '', 'cloister.tenant_id', 'the server begins every session as a tenant',
            '-- take cloister.tenant_id out of the configuration, then select pg_reload_conf()'
         where current_setting('cloister.tenant_id', true) <> '' and not exists (select from pg_db_role_setting r
            cross join unnest(r.setconfig) text where lower(text) like 'cloister.%')");
    /// Code in every session. What is loaded is shown to an owner who may read all settings.
    LIBRARY_UNKNOWN = server!(
        "select '', '', s.name, 'the server loads ' || library || ' into every session, and nobody looked at it',
            format('-- if nobody knows why: alter system reset %I;', s.name)
         from setting s cross join regexp_split_to_table(s.setting, '[\\s,\"]+') library
         where s.name in ('session_preload_libraries', 'local_preload_libraries', 'shared_preload_libraries')
           and library <> '' and regexp_replace(library, '^.*/', '') not in ('citus', 'citus_columnar', 'pg_stat_statements',
            'pg_prewarm', 'auto_explain', 'pgaudit', 'auth_delay', 'passwordcheck', 'basic_archive')");
    /// Who was given settings that only superusers may change.
    PARAMETER = server!(
        "select '', '', p.parname, g.name || ' may ' || case a.privilege_type when 'SET' then 'set ' else 'have the server set ' end
                || p.parname,
            format('revoke %s on parameter %s from %s;', a.privilege_type, p.parname, g.quoted)
         from pg_parameter_acl p cross join aclexplode(p.paracl) a cross join lateral (
            select 'everybody' as name, 'public' as quoted where a.grantee = 0
            union all
            select rolname::text, quote_ident(rolname) from pg_roles r where r.oid = a.grantee and not r.rolsuper
              and (a.privilege_type = 'ALTER SYSTEM' or exists (select from ours o join pg_roles l on l.rolname = o.login
                where pg_has_role(l.oid, r.oid, 'MEMBER')))) g");
}
