//! Numbered SQL, applied once to each target under a lock of its own.
//!
//! A target is a schema of a database. What was applied is recorded beside it, in the database it was applied to and in the
//! same transaction, so that a killed run leaves each target either before or after a migration, never between.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio_postgres::{Client, error::SqlState};

use crate::Error;

/// One change, rendered for the logins of its cluster.
#[derive(Debug, Clone)]
pub struct Migration {
    /// Whose it is; numbers count within it.
    pub module: &'static str,
    /// From 1, without gaps.
    pub number: i32,
    /// What it does, in a word or three.
    pub name: &'static str,
    /// The text, run inside one transaction with the target's schema on the search path.
    pub sql: String,
    /// Of the text before rendering: the same in every cluster.
    pub checksum: String,
}

impl Migration {
    /// A checksum of the constant texts a migration is made of.
    pub fn checksum(parts: &[&str]) -> String {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.len().to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What is migrated.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The schema the migrations run in.
    pub schema: &'a str,
    /// Qualified name of the table that records them; made when absent.
    pub ledger: &'a str,
}

/// What a run did to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// Migrations applied by this run.
    pub count: usize,
}

/// Told after each target of a long run.
pub trait Progress: Send + Sync {
    /// `done` of `total` targets are finished.
    fn advance(&self, done: usize, total: usize);
}

impl Progress for () {
    fn advance(&self, _: usize, _: usize) {}
}

/// Why a target could not be migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// A migration failed; nothing of it remains.
    #[error("migration {module} {number} ({name}) failed in schema \"{schema}\": {source}")]
    Failed {
        /// Whose it is.
        module: &'static str,
        /// Its number.
        number: i32,
        /// Its name.
        name: &'static str,
        /// Where.
        schema: String,
        /// Why.
        #[source]
        source: Error,
    },
    /// What was applied is not what this program carries.
    #[error(
        "schema \"{schema}\" has migration {module} {number} with another text (recorded {recorded}, carried {carried}): \
         an applied migration must never be edited; add a new one"
    )]
    Edited {
        /// Where.
        schema: String,
        /// Whose it is.
        module: String,
        /// Its number.
        number: i32,
        /// Checksum in the database.
        recorded: String,
        /// Checksum in the program.
        carried: String,
    },
    /// The database is ahead of this program.
    #[error(
        "schema \"{schema}\" has migration {module} {number}, which this program does not know: run the newer program"
    )]
    Newer {
        /// Where.
        schema: String,
        /// Whose it is.
        module: String,
        /// Its number.
        number: i32,
    },
    /// The server could not be asked.
    #[error(transparent)]
    Database(#[from] Error),
}

const LOCK_WAIT: &str = "2s";
const ATTEMPTS: u32 = 8;

/// Brings a target up to date; does nothing where it is.
pub async fn migrate(client: &Client, target: Target<'_>, migrations: &[Migration]) -> Result<Applied, MigrationError> {
    let sql = |source| MigrationError::Database(Error::statement("migrate")(source));
    let key = lock_key(target);
    // Held by the session, so that it spans the transactions below and vanishes with us if we are killed.
    client.query_one("select pg_advisory_lock($1)", &[&key]).await.map_err(sql)?;
    let outcome = pending(client, target, migrations).await;
    client.query_one("select pg_advisory_unlock($1)", &[&key]).await.map_err(sql)?;
    outcome
}

/// The table that records what was applied, made when absent.
pub fn ledger_table(ledger: &str) -> String {
    format!(
        "create table if not exists {ledger} (
            schema_name text not null,
            module text not null,
            number integer not null,
            name text not null,
            checksum text not null,
            applied_at timestamptz not null default now(),
            primary key (schema_name, module, number)
        )"
    )
}

/// Schemas and ledgers are told apart by their names; two names of one key only wait for each other.
fn lock_key(target: Target<'_>) -> i64 {
    let digest = Sha256::digest(format!("migrate {} {}", target.ledger, target.schema));
    i64::from_be_bytes(std::array::from_fn(|at| digest[at]))
}

async fn pending(client: &Client, target: Target<'_>, migrations: &[Migration]) -> Result<Applied, MigrationError> {
    let ledger = target.ledger;
    let sql = |source| MigrationError::Database(Error::statement("migrate")(source));
    client.batch_execute(&ledger_table(ledger)).await.map_err(sql)?;
    let recorded = client
        .query(&format!("select module, number, checksum from {ledger} where schema_name = $1"), &[&target.schema])
        .await
        .map_err(sql)?;
    for row in &recorded {
        let (module, number, checksum): (String, i32, String) = (row.get(0), row.get(1), row.get(2));
        let schema = target.schema.to_owned();
        match migrations.iter().find(|m| m.module == module && m.number == number) {
            None => return Err(MigrationError::Newer { schema, module, number }),
            Some(known) if known.checksum != checksum => {
                let carried = known.checksum.clone();
                return Err(MigrationError::Edited { schema, module, number, recorded: checksum, carried });
            }
            Some(_) => {}
        }
    }
    let mut count = 0;
    for migration in migrations {
        let known = |row: &tokio_postgres::Row| {
            row.get::<_, &str>(0) == migration.module && row.get::<_, i32>(1) == migration.number
        };
        if !recorded.iter().any(known) {
            apply(client, target, migration).await?;
            count += 1;
        }
    }
    Ok(Applied { count })
}

async fn apply(client: &Client, target: Target<'_>, migration: &Migration) -> Result<(), MigrationError> {
    let Migration { module, number, name, sql, checksum } = migration;
    let (schema, ledger) = (target.schema, target.ledger);
    // Names and checksums are ours, never input; the schema is made from an id. One message: one round trip a migration.
    let text = format!(
        "begin; set local lock_timeout = '{LOCK_WAIT}'; set local search_path = \"{schema}\", pg_catalog; {sql};
         insert into {ledger} (schema_name, module, number, name, checksum)
         values ('{schema}', '{module}', {number}, '{name}', '{checksum}'); commit;"
    );
    let mut pause = Duration::from_millis(50);
    let mut attempt = 1;
    loop {
        let Err(error) = client.batch_execute(&text).await else { return Ok(()) };
        let busy = error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE);
        let failed = |error| MigrationError::Failed {
            module,
            number: *number,
            name,
            schema: schema.to_owned(),
            source: Error::statement("migration")(error),
        };
        client.batch_execute("rollback").await.map_err(failed)?;
        if !busy || attempt == ATTEMPTS {
            return Err(failed(error));
        }
        tracing::info!(%schema, module, number, attempt, "a table is in use; the migration waits its turn");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
        attempt += 1;
    }
}
