//! What the three logins must and must not be: the application login's powers are looked at before anything is served, those
//! of all three before an installation is made.

use cloister_postgres::{
    ConnectError, Entry, FairPool, Holder, Server, SqlState,
    mutation::{Guard, is_off},
    statements,
};

use crate::{Error, ErrorKind, Logins, Result, install};

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
pub(crate) async fn check(pool: &FairPool, database: &std::sync::Arc<str>) -> Result<(), PrivilegeError> {
    let mut lease = pool.lease(Holder::HOUSE, database, None).await?;
    let rows = lease.run(Entry::plain(None), &POWERS, &[]).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let powers: Vec<_> = FORBIDDEN.iter().filter(|(column, _)| row.get(*column)).map(|(_, words)| *words).collect();
    if powers.is_empty() || is_off(Guard::PrivilegesChecked) {
        return Ok(());
    }
    Err(PrivilegeError::TooPowerful { login: row.get("login"), database: database.to_string(), powers })
}

/// What the owner can see of a login from anywhere on the server: its own powers and those of every role it can become.
const ATTRIBUTES: &str = "select bool_or(power.rolsuper) as superuser,
        bool_or(power.rolbypassrls) as bypasses_row_security,
        bool_or(power.rolcreaterole) as creates_roles,
        bool_or(power.rolcreatedb) as creates_databases,
        bool_or(power.rolreplication) as replicates,
        bool_or(power.rolname = current_user) as becomes_owner,
        bool_or(power.rolname = $2) as becomes_the_other
    from pg_roles login join pg_roles power on pg_has_role(login.oid, power.oid, 'MEMBER') where login.rolname = $1";

impl Logins {
    /// Enters as each of the three, and refuses those that could not do their work or could do more. Changes nothing.
    pub async fn check(&self, server: &Server) -> Result<()> {
        let (owner, application, system) = (&self.owner.0, &self.application.0, &self.system.0);
        if owner == application || owner == system || application == system {
            let message = "Owner, application and system must be three logins: the walls between tenants rest on it.";
            return Err(Error::new(ErrorKind::Invalid, "logins_not_distinct", message));
        }
        let client = server.with_login(owner, &self.owner.1).connect("postgres").await.map_err(install::connect)?;
        for (name, password) in [&self.application, &self.system] {
            match server.with_login(name, password).connect("postgres").await {
                // They work in our databases: whether they may enter this one is no matter.
                Err(error) if is_wrong_password(&error) => return Err(install::connect(error)),
                _ => {}
            }
        }
        let own = client
            .query_one(
                "select rolcreatedb or rolsuper, pg_has_role($1::text::name, 'USAGE') and pg_has_role($2::text::name, 'USAGE')
                 from pg_roles where rolname = current_user",
                &[application, system],
            )
            .await
            .map_err(Error::internal)?;
        let lacking = |code, what: &str, statement: String| {
            let message = format!("The owner login \"{owner}\" {what}. As an administrator: {statement};");
            Error::new(ErrorKind::Forbidden, code, message)
        };
        if !own.get::<_, bool>(0) {
            let statement = format!("ALTER ROLE \"{owner}\" CREATEDB");
            return Err(lacking("owner_lacks_createdb", "may not create databases", statement));
        }
        if !own.get::<_, bool>(1) {
            let what = "is no member of the other two, and could not end their sessions to drop a database";
            let statement = format!("GRANT \"{application}\", \"{system}\" TO \"{owner}\"");
            return Err(lacking("owner_lacks_membership", what, statement));
        }
        for (role, name, other) in [("application", application, system), ("system", system, application)] {
            let row = client.query_one(ATTRIBUTES, &[name, other]).await.map_err(Error::internal)?;
            let forbidden = if role == "application" { APPLICATION_ATTRIBUTES } else { SYSTEM_ATTRIBUTES };
            let powers: Vec<_> =
                forbidden.iter().filter(|(column, _)| row.get(*column)).map(|(_, words)| *words).collect();
            if !powers.is_empty() {
                let message = format!(
                    "The {role} login \"{name}\", itself or as a role it is a member of, {}: it could get round row-level \
                     security. Take these powers from it, or give another login.",
                    powers.join(", ")
                );
                return Err(Error::new(ErrorKind::Forbidden, "login_too_powerful", message));
            }
        }
        Ok(())
    }
}

const APPLICATION_ATTRIBUTES: &[(&str, &str)] = &[
    ("superuser", "is a superuser"),
    ("bypasses_row_security", "bypasses row-level security (BYPASSRLS)"),
    ("creates_roles", "may create roles"),
    ("creates_databases", "may create databases"),
    ("replicates", "may replicate the whole server"),
    ("becomes_owner", "can become the owner login"),
    ("becomes_the_other", "can become the system login"),
];

const SYSTEM_ATTRIBUTES: &[(&str, &str)] = &[
    ("superuser", "is a superuser"),
    ("bypasses_row_security", "bypasses row-level security (BYPASSRLS)"),
    ("becomes_owner", "can become the owner login"),
];

/// The server looked at the password and did not take it.
pub(crate) fn is_wrong_password(error: &ConnectError) -> bool {
    matches!(error, ConnectError::Refused { source, .. } if source.code() == Some(&SqlState::INVALID_PASSWORD))
}
