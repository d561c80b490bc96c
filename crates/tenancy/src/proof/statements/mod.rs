//! Checks the statements of modules against the migrated schema: each can be prepared where it will run, by whom it will be
//! run, and its plan reaches no row that is not the tenant's, even with row security out of the way.

mod calls;
mod condition;
mod plan;
mod query;
mod tree;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use cloister_postgres::{Client, DriverError, SimpleQueryMessage, Statement, Type};
use serde_json::Value;

use super::place_store;
use crate::{Module, TableKind, ledger::PLUMBING_SCHEMA};
use calls::{Ready, listed};
use plan::Tables;

/// What is wrong, by the name of the statement.
pub type StatementFaults = BTreeMap<&'static str, Vec<String>>;
/// Savepoints that are only gone back to pile up, and each makes the next dearer.
const UNDO: &str = "rollback to attempt; release attempt";
type Outcome<T> = Result<T, DriverError>;

/// What is wrong with these statements. The client is the owner, inside a transaction that is rolled back; it stands outside of
/// `schema` and goes there.
pub(super) async fn faults(
    client: &Client,
    schema: &str,
    application: &str,
    modules: &[Arc<dyn Module>],
    statements: &[&'static Statement],
) -> Outcome<StatementFaults> {
    let mut faults = StatementFaults::new();
    let mut types = HashMap::new();
    let tables = tables(client, schema, modules).await?;
    // A plan that does not know the parameters, as one that is kept; the owner's, without policies in it.
    let stand = format!(
        "savepoint statements; set local search_path = {schema}; set local plan_cache_mode = force_generic_plan; "
    );
    for (role, policies) in [(Some(application), "on"), (None, "off")] {
        let act = role.map_or_else(String::new, |role| format!("set local role \"{role}\"; "));
        client.batch_execute(&format!("{stand}{act}set local row_security = {policies}")).await?;
        let mut session = Session { client, statements, types: &mut types, faults: &mut faults };
        session.stage().await?;
        if role.is_some() {
            session.prepare_all().await?;
        } else {
            session.plan_all(&tables).await?;
        }
        client.batch_execute("rollback to statements").await?;
    }
    for found in faults.values_mut() {
        found.sort();
        found.dedup();
    }
    Ok(faults)
}

async fn tables(client: &Client, schema: &str, modules: &[Arc<dyn Module>]) -> Outcome<Tables> {
    let mut tables = Tables::default();
    for table in modules.iter().flat_map(|module| module.migrations().iter().flat_map(|change| change.made)) {
        if table.kind == TableKind::Reference {
            tables.reference.push((schema.to_owned(), table.name.to_owned()));
        }
    }
    for row in client.query(place_store::TENANT_COLUMNS.sql(), &[&[PLUMBING_SCHEMA, schema].as_slice()]).await? {
        let number: i16 = row.get(2);
        tables.of_tenants.insert((row.get(0), row.get(1)), usize::try_from(number - 1).unwrap_or(0));
        tables.columns.insert(row.get(3), number);
    }
    Ok(tables)
}

/// A session inside a transaction that is never committed, in which temporary tables can be made.
struct Session<'a> {
    client: &'a Client,
    statements: &'a [&'static Statement],
    /// What their parameters are, for whoever asks.
    types: &'a mut HashMap<&'static str, Option<Vec<Type>>>,
    faults: &'a mut StatementFaults,
}

fn first_word(statement: &Statement) -> &'static str {
    // The first part of a union may stand in brackets.
    statement.sql().split_whitespace().next().unwrap_or("").trim_start_matches('(')
}

fn is_about_rows(statement: &Statement) -> bool {
    ["select", "insert", "update", "delete", "with", "values"].contains(&first_word(statement))
}

/// The temporary table that a statement makes.
fn staged(statement: &Statement) -> Option<&'static str> {
    let rest = ["create temporary table ", "create temp table "]
        .iter()
        .find_map(|words| statement.sql().trim_start().strip_prefix(words))?;
    rest.split(|c: char| c.is_whitespace() || c == '(').next()
}

fn makes_an_index(statement: &Statement) -> bool {
    let words: Vec<&str> = statement.sql().split_whitespace().take(3).collect();
    matches!(words[..], ["create", "index", ..] | ["create", "unique", "index"])
}

impl Session<'_> {
    fn blame(&mut self, statement: &'static Statement, fault: impl Into<String>) {
        self.faults.entry(statement.name()).or_default().push(fault.into());
    }

    /// Runs a text in a savepoint of its own, so that one that fails does not end the transaction. All of it is one message: a
    /// way to the server and back for each part is most of what a look costs.
    async fn attempt(&mut self, statement: &'static Statement, text: &str) -> Outcome<()> {
        match self.run(&format!("savepoint attempt; {text}; release attempt")).await {
            Ok(()) => Ok(()),
            Err(error) => {
                self.run(UNDO).await?;
                self.blame(statement, told(&error));
                Ok(())
            }
        }
    }

    async fn run(&self, text: &str) -> Outcome<()> {
        self.client.batch_execute(text).await
    }

    /// Makes the temporary tables, then does whatever else is done with them alone.
    async fn stage(&mut self) -> Outcome<()> {
        let all = self.statements;
        let names: Vec<&str> = all.iter().filter_map(|statement| staged(statement)).collect();
        for statement in all.iter().filter(|statement| staged(statement).is_some()) {
            if !statement.sql().contains("on commit drop") {
                self.blame(statement, "makes a temporary table that outlives the transaction");
            }
            // Only what has a query can be explained; anything else is not even read.
            self.run("savepoint attempt").await?;
            if self.run(&format!("explain {}", statement.sql())).await.is_ok() {
                self.blame(statement, "fills a temporary table from a query, which cannot be checked");
            }
            self.run(UNDO).await?;
            self.attempt(statement, statement.sql()).await?;
        }
        for statement in all.iter().filter(|statement| staged(statement).is_none() && !is_about_rows(statement)) {
            let of_staged =
                statement.sql().split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|name| names.contains(&name));
            match first_word(statement) {
                "copy" if of_staged && statement.sql().contains("from stdin") => self.copy(statement).await?,
                "create" if of_staged && makes_an_index(statement) => self.attempt(statement, statement.sql()).await?,
                "analyze" if of_staged => self.attempt(statement, statement.sql()).await?,
                _ => self.blame(statement, "is neither about rows nor about a temporary table"),
            }
        }
        Ok(())
    }

    /// COPY is not prepared: it is begun, and ended before the first row.
    async fn copy(&mut self, statement: &'static Statement) -> Outcome<()> {
        self.run("savepoint attempt").await?;
        let done = match self.client.copy_in::<_, &[u8]>(statement.sql()).await {
            Ok(sink) => Box::pin(sink).as_mut().finish().await.map(drop),
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => self.run("release attempt").await?,
            Err(error) => {
                self.run(UNDO).await?;
                self.blame(statement, told(&error));
            }
        }
        Ok(())
    }

    /// As the application: the names exist, the types fit, and the rights are there.
    async fn prepare_all(&mut self) -> Outcome<()> {
        for statement in self.statements.iter().filter(|statement| is_about_rows(statement)) {
            if let Some(types) = self.types(statement).await? {
                let arguments = vec!["null"; types.len()].join(", ");
                let call = if types.is_empty() { String::new() } else { format!("({arguments})") };
                let text = format!(
                    "prepare checked as {}; explain execute checked{call}; deallocate checked",
                    statement.sql()
                );
                self.attempt(statement, &text).await?;
            }
        }
        Ok(())
    }

    /// What its parameters are; none when it cannot be prepared.
    async fn types(&mut self, statement: &'static Statement) -> Outcome<Option<Vec<Type>>> {
        if let Some(known) = self.types.get(statement.name()) {
            return Ok(known.clone());
        }
        // Sent behind one another, not after one another.
        let prepared = self.client.prepare(statement.sql());
        let (begun, prepared, released) =
            futures_util::join!(self.run("savepoint attempt"), prepared, self.run("release attempt"));
        begun?;
        let types = match prepared {
            Ok(prepared) => {
                released?;
                Some(prepared.params().to_vec())
            }
            Err(error) => {
                self.run(UNDO).await?;
                self.blame(statement, told(&error));
                None
            }
        };
        self.types.insert(statement.name(), types.clone());
        Ok(types)
    }

    /// As the owner, whom no policy holds: what the statement itself reaches.
    async fn plan_all(&mut self, tables: &Tables) -> Outcome<()> {
        let names: Vec<&str> = self.statements.iter().filter_map(|statement| staged(statement)).collect();
        for name in names {
            if tables.of_tenants.keys().any(|(_, table)| table == name) {
                let makers: Vec<_> = self.statements.iter().filter(|s| staged(s) == Some(name)).copied().collect();
                for maker in &makers {
                    self.blame(maker, format!("hides the table {name} behind a temporary one"));
                }
            }
        }
        let mut ready: Vec<Ready> = Vec::new();
        for statement in self.statements.iter().copied().filter(|statement| is_about_rows(statement)) {
            if let Some(types) = self.types(statement).await? {
                ready.push((statement, types));
            }
        }
        let accounts = self.accounts(&ready, tables).await?;
        for (at, (statement, types)) in ready.iter().enumerate() {
            if types.first() != Some(&Type::UUID) {
                self.blame(statement, "does not take the tenant as $1");
                continue;
            }
            match self.plan(statement, types).await {
                Ok(None) => self.blame(statement, "has a plan that cannot be read"),
                Ok(Some((plan, tenant))) => {
                    let rows_are_its_tenants = accounts.get(&at).is_some_and(|account| account.rows_are_its_tenants);
                    for fault in plan::faults(&plan, tables, &tenant, rows_are_its_tenants) {
                        self.blame(statement, fault);
                    }
                }
                Err(error) => {
                    self.run(UNDO).await?;
                    self.blame(statement, told(&error));
                }
            }
        }
        Ok(())
    }

    /// The plan, with the tenant as a parameter of its own, beyond all numbers by which EXPLAIN may call the result of a
    /// sub-select.
    async fn plan(&self, statement: &Statement, types: &[Type]) -> Outcome<Option<(Value, String)>> {
        let mut all = types.to_vec();
        all.resize(types.len() + 1 + 16 * statement.sql().to_lowercase().matches("select").count(), Type::UUID);
        let tenant = format!("${}", all.len());
        let text = rename_first(statement.sql(), &tenant);
        let arguments = vec!["null"; all.len()].join(", ");
        let answers = self
            .client
            .simple_query(&format!(
                "savepoint attempt; prepare planned ({}) as {text};
                 explain (verbose, format json) execute planned({arguments}); deallocate planned; release attempt",
                listed(&all)
            ))
            .await?;
        let plan = answers.iter().find_map(|answer| match answer {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        let plan: Option<Value> = plan.and_then(|plan| serde_json::from_str(plan).ok());
        Ok(plan.map(|plan| plan[0]["Plan"].clone()).filter(Value::is_object).map(|plan| (plan, tenant)))
    }
}

fn told(error: &DriverError) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |db| format!("{} ({})", db.message(), db.code().code()))
}

/// `$1` by another name; `$10` keeps its own.
fn rename_first(text: &str, name: &str) -> String {
    let mut renamed = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find("$1") {
        let (before, after) = (&rest[..at], &rest[at + 2..]);
        renamed.push_str(before);
        renamed.push_str(if after.starts_with(|c: char| c.is_ascii_digit()) { "$1" } else { name });
        rest = after;
    }
    renamed + rest
}
