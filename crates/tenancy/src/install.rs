//! What `cloister init` makes on a cluster: the three logins, the control plane, the shared tables. All of it can be run
//! again at any time and does only what is missing.

use std::{fmt, sync::Arc, time::Duration};

use cloister_ids::{Clock, ClusterId, DatabaseId, Id, kind};
use cloister_postgres::{Server, SqlState, Target, migrate};

use crate::{
    Cluster, Error, ErrorKind, Module, Result, access, fleet,
    ledger::{self, Ledger, PLUMBING_SCHEMA, SHARED_SCHEMA, SINGLE_SCHEMA},
};

/// Names and passwords of the three logins.
#[derive(Clone)]
pub struct Logins {
    /// Owns the tables; used for migrations and provisioning.
    pub owner: (String, String),
    /// Serves requests; owns nothing.
    pub application: (String, String),
    /// Relays, moves, exports.
    pub system: (String, String),
}

impl fmt::Debug for Logins {
    /// Without the passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Logins").field(&self.owner.0).field(&self.application.0).field(&self.system.0).finish()
    }
}

/// What becomes of logins that the server has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// They stay as they are, and must be the ones whose passwords we hold: other nodes may be using them.
    Keep,
    /// They are given our passwords.
    Renew,
}

/// An installation on its first cluster.
pub struct Installation {
    /// Databases are named after it.
    pub prefix: String,
    /// The cluster, with its owner.
    pub cluster: Cluster,
    /// Where it stands, in the operator's words.
    pub region: String,
    /// What tenants will do.
    pub modules: Vec<Arc<dyn Module>>,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
}

/// Text in a statement that takes no parameters, such as CREATE ROLE.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

impl Logins {
    /// Makes the logins on a cluster, or gives them these passwords. Needs an administrator who may create roles.
    pub async fn create(&self, administrator: &Server) -> Result<()> {
        self.create_saving(administrator, Existing::Renew, || Ok(())).await
    }

    /// The same, all three or none. `save` keeps the passwords; it is called when nothing but the last word to the server is
    /// missing, so that no login is ever left whose password nobody knows.
    pub async fn create_saving(
        &self,
        administrator: &Server,
        existing: Existing,
        save: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        for (name, _) in [&self.owner, &self.application, &self.system] {
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
                return Err(Error::field("login", "login_invalid", format!("`{name}`: use a-z, 0-9 and _")));
            }
        }
        let database = administrator.database().unwrap_or("postgres");
        let client = administrator.connect(database).await.map_err(connect)?;
        let weak = |why: String| {
            let message = format!(
                "\"{}\" cannot make the logins: {why}. Give an administrator who has CREATEROLE and CREATEDB, or have \
                 three logins made and name them by --owner-login, --application-login and --system-login.",
                administrator.user()
            );
            Error::new(ErrorKind::Forbidden, "administrator_too_weak", message)
        };
        client.batch_execute("begin").await.map_err(Error::internal)?;
        for ((name, password), powers) in
            [(&self.owner, "createdb"), (&self.application, "nocreatedb"), (&self.system, "nocreatedb")]
        {
            let exists = client
                .query_opt("select 1 from pg_roles where rolname = $1", &[name])
                .await
                .map_err(Error::internal)?
                .is_some();
            if exists && existing == Existing::Keep {
                recognise(administrator, database, name, password).await?;
                continue;
            }
            let verb = if exists { "alter" } else { "create" };
            // NOBYPASSRLS and NOSUPERUSER are the default for a new login, and naming them takes a superuser on older servers.
            let text = format!("{verb} role \"{name}\" login {powers} nocreaterole password {}", literal(password));
            client.batch_execute(&text).await.map_err(|error| denied(&error, error.code(), weak))?;
        }
        // Dropping a tenant's database ends the sessions that are still in it, which takes membership in their roles.
        let (owner, application, system) = (&self.owner.0, &self.application.0, &self.system.0);
        for login in [application, system] {
            let member = "select pg_has_role($1::text::name, $2::text::name, 'USAGE')";
            let row = client.query_one(member, &[owner, login]).await.map_err(Error::internal)?;
            if !row.get::<_, bool>(0) {
                let text = format!("grant \"{login}\" to \"{owner}\"");
                client.batch_execute(&text).await.map_err(|error| denied(&error, error.code(), weak))?;
            }
        }
        save()?;
        client.batch_execute("commit").await.map_err(Error::internal)
    }
}

/// A login that exists must be ours: entered by the password we hold.
async fn recognise(administrator: &Server, database: &str, name: &str, password: &str) -> Result<()> {
    match administrator.with_login(name, password).connect(database).await {
        Err(error) if access::is_wrong_password(&error) => {
            let message = format!(
                "The server has a login \"{name}\" already, with another password than ours: another installation, or this one \
                 from another data directory. Bring logins.toml from there, or choose another database.prefix. If nobody \
                 uses that login any more, run `cloister init --new-passwords`."
            );
            Err(Error::new(ErrorKind::Conflict, "login_exists", message).because(error))
        }
        // Whether it may enter that database is no matter: its password was looked at before.
        _ => Ok(()),
    }
}

/// 42501 is for the operator to mend; anything else is ours.
fn denied(
    error: &(dyn std::error::Error + 'static),
    code: Option<&SqlState>,
    explain: impl FnOnce(String) -> Error,
) -> Error {
    let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    let why = why.replace('\n', " ").trim_end_matches('.').to_owned();
    if code == Some(&SqlState::INSUFFICIENT_PRIVILEGE) { explain(why) } else { Error::internal(why) }
}

pub(crate) fn connect(error: cloister_postgres::ConnectError) -> Error {
    Error::new(ErrorKind::Unavailable, "database_unreachable", error.to_string()).because(error)
}

impl Installation {
    /// Makes control plane and shared tables where they are missing, and brings both up to date.
    pub async fn prepare(&self) -> Result<()> {
        let owner = self.owner()?;
        let ledger = Ledger::new(&self.modules, self.cluster.application.user(), self.cluster.system.user());
        let control = format!("{}_control", self.prefix);
        self.database(&control, None).await?;
        let client = owner.connect(&control).await.map_err(connect)?;
        let shared = format!("{}_shared", self.prefix);
        refuse_foreign(owner, &control, Ledger::control_target()).await?;
        client.batch_execute("create schema if not exists control").await.map_err(Error::internal)?;
        migrate(&client, Ledger::control_target(), &ledger.control).await.map_err(ledger::failure)?;
        let now = self.clock.now();
        let cluster: Id<kind::Cluster> = ClusterId::generate(&*self.clock);
        client
            .execute(
                "insert into control.cluster (id, name, region, created_at) values ($1, $2, $3, $4)
                 on conflict (name) do nothing",
                &[&cluster, &self.cluster.name, &self.region, &now],
            )
            .await
            .map_err(Error::internal)?;
        self.database(&shared, None).await?;
        refuse_foreign(owner, &shared, Ledger::plumbing_target()).await?;
        prepare_schemas(owner, &shared, Some(SHARED_SCHEMA), &self.cluster, &ledger).await?;
        client
            .execute(
                "insert into control.database (id, cluster_id, name, purpose, plumbing_digest, shared_digest, created_at)
                 select $1, id, $2, 'shared', $3, $4, $5 from control.cluster where name = $6
                 on conflict (cluster_id, name) do update
                 set plumbing_digest = excluded.plumbing_digest, shared_digest = excluded.shared_digest",
                &[
                    &DatabaseId::generate(&*self.clock),
                    &shared,
                    &ledger.plumbing_digest(),
                    &ledger.modules_digest(),
                    &now,
                    &self.cluster.name,
                ],
            )
            .await
            .map_err(Error::internal)?;
        Ok(())
    }

    /// Refuses a server on which another program has databases of our names. Changes nothing; `server` is entered by the
    /// owner, or by an administrator when `owner` is yet to be made.
    pub async fn refuse_foreign(server: &Server, prefix: &str, owner: &str) -> Result<()> {
        let client = server.connect(server.database().unwrap_or("postgres")).await.map_err(connect)?;
        for (purpose, target) in [("control", Ledger::control_target()), ("shared", Ledger::plumbing_target())] {
            let name = format!("{prefix}_{purpose}");
            let known = client.query_opt(OWNED, &[&name]).await.map_err(Error::internal)?;
            let known: Option<(String, bool)> = known.map(|row| (row.get(0), row.get(1)));
            let may_look = known.as_ref().is_some_and(|(_, may)| *may);
            if is_ours(owner, server.user() == owner, known, &name)? && may_look {
                refuse_foreign(server, &name, target).await?;
            }
        }
        Ok(())
    }

    fn owner(&self) -> Result<&Server> {
        fleet::owner(self.cluster.owner.as_ref())
    }

    async fn database(&self, name: &str, template: Option<&str>) -> Result<()> {
        create_database(self.owner()?, name, template, &self.cluster).await
    }
}

/// Makes a database that only our logins may enter. The application may use temporary tables in it, and create nothing else.
pub(crate) async fn create_database(
    owner: &Server,
    name: &str,
    template: Option<&str>,
    cluster: &Cluster,
) -> Result<()> {
    let (application, system) = (cluster.application.user(), cluster.system.user());
    create_database_for(owner, name, template, application, system).await
}

pub(crate) async fn create_database_for(
    owner: &Server,
    name: &str,
    template: Option<&str>,
    application: &str,
    system: &str,
) -> Result<()> {
    let client = owner.connect("postgres").await.map_err(connect)?;
    // One at a time for a name: neither making it nor granting on it bears company. The lock ends with the connection.
    client
        .query_one("select pg_advisory_lock(hashtextextended('cloister database ' || $1, 0))", &[&name])
        .await
        .map_err(Error::internal)?;
    let known = client.query_opt(OWNED, &[&name]).await.map_err(Error::internal)?;
    if !is_ours(owner.user(), true, known.map(|row| (row.get(0), row.get(1))), name)? {
        let template = template.map_or_else(String::new, |name| format!(" template \"{name}\""));
        client.batch_execute(&format!("create database \"{name}\"{template}")).await.map_err(Error::internal)?;
    }
    client
        .batch_execute(&format!(
            "revoke all on database \"{name}\" from public;
             grant connect, temporary on database \"{name}\" to \"{application}\", \"{system}\""
        ))
        .await
        .map_err(Error::internal)
}

const OWNED: &str = "select pg_get_userbyid(datdba), pg_has_role(datdba, 'USAGE') from pg_database where datname = $1";

/// Whether there is such a database; one that belongs to somebody else is refused. It may belong to a role that the owner
/// is a member of, when it is the owner who asks.
fn is_ours(owner: &str, asks: bool, known: Option<(String, bool)>, name: &str) -> Result<bool> {
    let Some((theirs, may)) = known else { return Ok(false) };
    if theirs == owner || asks && may {
        return Ok(true);
    }
    Err(foreign(name, &format!("belongs to \"{theirs}\", not to \"{owner}\"")))
}

fn foreign(database: &str, why: &str) -> Error {
    let message = format!(
        "The server has a database \"{database}\" already, and it {why}. Choose another database.prefix, or have that \
         database renamed or dropped."
    );
    Error::new(ErrorKind::Conflict, "database_not_ours", message)
}

/// A database of that name may be another program's: one with tables and without our ledger is left alone.
async fn refuse_foreign(owner: &Server, database: &str, target: Target<'_>) -> Result<()> {
    let client = owner.connect(database).await.map_err(connect)?;
    let row = client
        .query_one(
            "select to_regclass($1) is null and exists (
                select from pg_class join pg_namespace on pg_namespace.oid = relnamespace
                where relkind in ('r', 'p') and nspname not like 'pg\\_%' and nspname <> 'information_schema'
                    and not exists (select from pg_depend
                        where classid = 'pg_class'::regclass and objid = pg_class.oid and deptype = 'e'))",
            &[&target.ledger],
        )
        .await
        .map_err(Error::internal)?;
    if row.get(0) { Err(foreign(database, "holds tables that are not ours")) } else { Ok(()) }
}

/// The kernel's schema and, when asked, one schema of module tables, both up to date.
pub(crate) async fn prepare_schemas(
    owner: &Server,
    database: &str,
    schema: Option<&str>,
    cluster: &Cluster,
    ledger: &Ledger,
) -> Result<()> {
    let (application, system) = (cluster.application.user(), cluster.system.user());
    prepare_schemas_for(owner, database, schema, application, system, ledger).await
}

pub(crate) async fn prepare_schemas_for(
    owner: &Server,
    database: &str,
    schema: Option<&str>,
    application: &str,
    system: &str,
    ledger: &Ledger,
) -> Result<()> {
    let client = owner.connect(database).await.map_err(connect)?;
    let schemas: Vec<&str> = std::iter::once(PLUMBING_SCHEMA).chain(schema).collect();
    // Tenants that are made at once in one database share its first schema.
    client.query_one("select pg_advisory_lock(7022)", &[]).await.map_err(Error::internal)?;
    for schema in &schemas {
        client
            .batch_execute(&format!(
                "create schema if not exists \"{schema}\"; grant usage on schema \"{schema}\" to \"{application}\", \"{system}\""
            ))
            .await
            .map_err(Error::internal)?;
    }
    client.query_one("select pg_advisory_unlock(7022)", &[]).await.map_err(Error::internal)?;
    migrate(&client, Ledger::plumbing_target(), &ledger.plumbing).await.map_err(ledger::failure)?;
    if let Some(schema) = schema {
        migrate(&client, Ledger::placement_target(schema), &ledger.modules).await.map_err(ledger::failure)?;
    }
    Ok(())
}

/// A database to copy tenants' own databases from: as many tables as they have, no rows, nobody connected.
///
/// Named by what it holds, so that an older one is never copied by a newer program. Built under another name and renamed
/// when complete: a killed builder leaves nothing that could be taken for a template.
pub(crate) async fn template(
    owner: &Server,
    prefix: &str,
    application: &str,
    system: &str,
    ledger: &Ledger,
) -> Result<String> {
    let name = format!("{prefix}_template_{}", ledger.placement_digest());
    let client = owner.connect("postgres").await.map_err(connect)?;
    let ready = async || {
        client
            .query_opt("select 1 from pg_database where datname = $1", &[&name])
            .await
            .map(|row| row.is_some())
            .map_err(Error::internal)
    };
    if ready().await? {
        return Ok(name);
    }
    client.execute("select pg_advisory_lock(hashtextextended($1, 0))", &[&name]).await.map_err(Error::internal)?;
    if !ready().await? {
        let building = format!("{prefix}_template_building");
        client
            .batch_execute(&format!("drop database if exists \"{building}\" with (force)"))
            .await
            .map_err(Error::internal)?;
        create_database_for(owner, &building, None, application, system).await?;
        prepare_schemas_for(owner, &building, Some(SINGLE_SCHEMA), application, system, ledger).await?;
        // The last connection to it may still be leaving.
        let mut tries = 0;
        while let Err(error) =
            client.batch_execute(&format!("alter database \"{building}\" rename to \"{name}\"")).await
        {
            tries += 1;
            if tries > 50 {
                return Err(Error::internal(error));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    client.execute("select pg_advisory_unlock(hashtextextended($1, 0))", &[&name]).await.map_err(Error::internal)?;
    Ok(name)
}
