//! What the application login must not be: checked before anything is served.

use cloister_postgres::{Entry, Pool, statements};

statements! {
    /// Powers of the login that asks, in the database it asks in: its own, and those of every role it can become, whether it
    /// inherits them or must ask for them by SET ROLE.
    POWERS = "with role as (select * from pg_roles where pg_has_role(current_user, oid, 'MEMBER')),
        space as (select * from pg_namespace where nspname not like 'pg\\_%' and nspname <> 'information_schema'),
        relation as (select c.* from pg_class c join space on space.oid = c.relnamespace)
        select current_user::text as login,
            exists (select from role where rolsuper) as superuser,
            exists (select from role where rolbypassrls) as bypasses_row_security,
            exists (select from role where rolcreaterole) as creates_roles,
            exists (select from role where rolcreatedb) as creates_databases,
            exists (select from role where rolreplication) as replicates,
            exists (select from role where rolname in
                ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program')) as enters_the_server,
            exists (select from role where has_database_privilege(role.oid, current_database(), 'CREATE'))
                as creates_schemas,
            exists (select from role, space where has_schema_privilege(role.oid, space.oid, 'CREATE')) as creates_tables,
            exists (select from role, relation where relkind in ('r', 'p')
                and has_table_privilege(role.oid, relation.oid, 'TRUNCATE')) as truncates,
            exists (select from relation where relowner in (select oid from role))
                or exists (select from space where nspowner in (select oid from role))
                or exists (select from pg_proc join space on space.oid = pronamespace
                    where proowner in (select oid from role))
                or exists (select from pg_database where datname = current_database()
                    and datdba in (select oid from role)) as owns,
            exists (select from pg_policy where polpermissive
                and coalesce(pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) = 'true'
                and (0::oid = any(polroles) or polroles && array(select oid from role))) as sees_every_tenant";
}

/// The application login could get round the walls.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegeError {
    /// It may do what it must not.
    #[error(
        "the application login \"{login}\", itself or as a role it is a member of, {}: it could get round row-level \
         security in database \"{database}\". Use the login that `cloister init` makes, or take these powers from it", powers.join(", ")
    )]
    TooPowerful {
        /// The login.
        login: String,
        /// Where it was looked at.
        database: String,
        /// What it is or may do.
        powers: Vec<&'static str>,
    },
    /// It could not be looked at.
    #[error(transparent)]
    Database(#[from] cloister_postgres::Error),
}

const FORBIDDEN: &[(&str, &str)] = &[
    ("superuser", "is a superuser"),
    ("bypasses_row_security", "bypasses row-level security (BYPASSRLS)"),
    ("creates_roles", "may create roles"),
    ("creates_databases", "may create databases"),
    ("replicates", "may replicate the whole server"),
    ("enters_the_server", "may use the server's files or programs"),
    ("creates_schemas", "may create schemas"),
    ("creates_tables", "may create tables"),
    ("truncates", "may TRUNCATE tables"),
    ("owns", "owns tables, functions, a schema or the database"),
    ("sees_every_tenant", "sees every tenant's rows by a policy"),
];

/// Refuses a login that owns, creates, truncates or bypasses.
pub(crate) async fn check(pool: &Pool, database: &std::sync::Arc<str>) -> Result<(), PrivilegeError> {
    let mut lease = pool.lease(database, None).await?;
    let rows = lease.run(Entry::plain(None), &POWERS, &[]).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let powers: Vec<_> = FORBIDDEN.iter().filter(|(column, _)| row.get(*column)).map(|(_, words)| *words).collect();
    if powers.is_empty() {
        return Ok(());
    }
    Err(PrivilegeError::TooPowerful { login: row.get("login"), database: database.to_string(), powers })
}
