//! What the application login must not be: checked before anything is served.

use cloister_postgres::{Entry, Pool, statements};

statements! {
    /// Powers of the login that asks, in the database it asks in.
    POWERS = "select r.rolname::text as login,
            r.rolsuper as superuser,
            r.rolbypassrls as bypasses_row_security,
            r.rolcreaterole as creates_roles,
            r.rolcreatedb as creates_databases,
            has_database_privilege(current_database(), 'CREATE') as creates_schemas,
            exists (select from pg_namespace n where n.nspname not like 'pg\\_%'
                and has_schema_privilege(n.oid, 'CREATE')) as creates_tables,
            exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where c.relkind in ('r', 'p') and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
                and has_table_privilege(c.oid, 'TRUNCATE')) as truncates,
            exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
                and pg_has_role(r.oid, c.relowner, 'MEMBER')) as owns_tables,
            exists (select from pg_roles s where (s.rolsuper or s.rolbypassrls) and s.oid <> r.oid
                and pg_has_role(r.oid, s.oid, 'MEMBER')) as may_become_superuser
        from pg_roles r where r.rolname = current_user";
}

/// The application login could get round the walls.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegeError {
    /// It may do what it must not.
    #[error(
        "the application login \"{login}\" {}: it could get round row-level security in database \"{database}\". \
         Use the login that `cloister init` makes, or take these powers from it", powers.join(", ")
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
    ("creates_schemas", "may create schemas"),
    ("creates_tables", "may create tables"),
    ("truncates", "may TRUNCATE tables"),
    ("owns_tables", "owns tables or is a member of their owner"),
    ("may_become_superuser", "is a member of a role that is superuser or BYPASSRLS"),
];

/// Refuses a login that owns, creates, truncates or bypasses.
pub(crate) async fn check(pool: &Pool, database: &std::sync::Arc<str>) -> Result<(), PrivilegeError> {
    let mut lease = pool.lease(database, None).await?;
    let rows = lease.run(Entry { schema: None, begin: "begin read only" }, &POWERS, &[]).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let powers: Vec<_> = FORBIDDEN.iter().filter(|(column, _)| row.get(*column)).map(|(_, words)| *words).collect();
    if powers.is_empty() {
        return Ok(());
    }
    Err(PrivilegeError::TooPowerful { login: row.get("login"), database: database.to_string(), powers })
}
