//! Checks the statements of modules against the migrated schema: each can be prepared where it will run, by whom it will be
//! run, and its plan reaches no row that is not the tenant's, even with row security out of the way.

mod condition;
mod plan;

use std::{collections::BTreeMap, sync::Arc};

use cloister_postgres::Statement;
use cloister_tenancy::{Module, TableKind, TenantEntry, Tier};
use serde_json::Value;
use tokio_postgres::{Client, types::Type};

use crate::TestPlatform;
use plan::Tables;

/// What is wrong, by the name of the statement.
pub type StatementFaults = BTreeMap<&'static str, Vec<String>>;

/// Checks every statement of `modules`, and panics with all that is wrong with them.
///
/// The platform must have these modules.
pub async fn check_statements(platform: &TestPlatform, modules: &[Arc<dyn Module>]) {
    let faults = statement_faults(platform, &statements_of(modules)).await;
    let told: Vec<String> =
        faults.iter().map(|(statement, faults)| format!("{statement}: {}", faults.join("; "))).collect();
    assert!(told.is_empty(), "statements that must not be run:\n{}", told.join("\n"));
}

/// Every statement of these modules.
pub fn statements_of(modules: &[Arc<dyn Module>]) -> Vec<&'static Statement> {
    let lists = modules.iter().flat_map(|module| module.statements().iter());
    let meters = modules.iter().flat_map(|module| module.meters().iter().map(|meter| meter.count));
    lists.flat_map(|list| list.iter().copied()).chain(meters).collect()
}

/// What is wrong with these statements, which run in a tenant's schema with the tenant as `$1`.
pub async fn statement_faults(platform: &TestPlatform, statements: &[&'static Statement]) -> StatementFaults {
    let mut faults = StatementFaults::new();
    let kinds: Vec<&str> = platform.tenancy.kinds();
    for tier in Tier::ALL {
        let slug = format!("checks-statements-{tier}");
        let tenant = match platform.tenancy.registry().by_slug(&slug) {
            Some(tenant) => tenant,
            None => platform.tenant_of(&slug, kinds[0], *tier).await,
        };
        let place = place(&tenant);
        let client = connect(&platform.cluster.application, place.0, place.1).await;
        let mut session = Session { client, statements, faults: &mut faults };
        session.stage().await;
        session.prepare_all().await;
        if *tier == Tier::Shared {
            let owner = platform.cluster.owner.as_ref().unwrap_or_else(|| panic!("the platform has no owner"));
            let client = connect(owner, place.0, place.1).await;
            let tables = tables(&client, platform.tenancy.modules()).await;
            let mut session = Session { client, statements, faults: &mut faults };
            session.stage().await;
            session.plan_all(&tables).await;
        }
    }
    for found in faults.values_mut() {
        found.sort();
        found.dedup();
    }
    faults
}

fn place(tenant: &TenantEntry) -> (&str, &str) {
    let place = tenant.placement.as_ref().unwrap_or_else(|| panic!("{} has no place", tenant.slug));
    (&place.database, &place.schema)
}

async fn connect(server: &cloister_postgres::Server, database: &str, schema: &str) -> Client {
    let client = server.connect(database).await.unwrap_or_else(|error| panic!("{error}"));
    // A plan that does not know the parameters, as one that is kept; the owner's, without policies in it.
    let text = format!(
        "set search_path = \"{schema}\"; set plan_cache_mode = force_generic_plan; set row_security = {}; begin",
        if server.user() == "test_owner" { "off" } else { "on" }
    );
    client.batch_execute(&text).await.unwrap_or_else(|error| panic!("{error}"));
    client
}

async fn tables(client: &Client, modules: &[Arc<dyn Module>]) -> Tables {
    let text = "select n.nspname::text, c.relname::text,
            (select a.attnum from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id')
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and n.nspname in ('cloister', current_schema())";
    let mut tables = Tables::default();
    let reference: Vec<&str> = modules
        .iter()
        .flat_map(|module| module.migrations().iter().flat_map(|change| change.made))
        .filter(|table| table.kind == TableKind::Reference)
        .map(|table| table.name)
        .collect();
    for row in client.query(text, &[]).await.unwrap_or_else(|error| panic!("{error}")) {
        let key: (String, String) = (row.get(0), row.get(1));
        match row.get::<_, Option<i16>>(2) {
            Some(number) => drop(tables.of_tenants.insert(key, usize::try_from(number - 1).unwrap_or(0))),
            None if reference.contains(&key.1.as_str()) => tables.reference.push(key),
            None => {}
        }
    }
    tables
}

/// A session inside a transaction that is never committed, in which temporary tables can be made.
struct Session<'a> {
    client: Client,
    statements: &'a [&'static Statement],
    faults: &'a mut StatementFaults,
}

/// What would change the session, wait, or speak to others. A module's statement is about rows.
const FORBIDDEN: &[&str] = &[
    "pg_sleep",
    "set_config(",
    "pg_notify",
    "pg_advisory",
    "pg_try_advisory",
    "pg_terminate",
    "pg_cancel",
    "pg_read_",
    "pg_ls_",
    "lo_import",
    "lo_export",
    "dblink",
    "nextval(",
    "setval(",
];

fn first_word(statement: &Statement) -> &'static str {
    statement.sql().split_whitespace().next().unwrap_or("")
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

impl Session<'_> {
    fn blame(&mut self, statement: &'static Statement, fault: impl Into<String>) {
        self.faults.entry(statement.name()).or_default().push(fault.into());
    }

    /// Runs a text in a savepoint of its own, so that one that fails does not end the transaction.
    async fn attempt(&mut self, statement: &'static Statement, text: &str) -> bool {
        self.run("savepoint attempt").await;
        let done = self.client.batch_execute(text).await;
        match done {
            Ok(()) => self.run("release attempt").await,
            Err(error) => {
                self.run("rollback to attempt").await;
                self.blame(statement, told(&error));
                return false;
            }
        }
        true
    }

    async fn run(&self, text: &str) {
        self.client.batch_execute(text).await.unwrap_or_else(|error| panic!("{text}: {}", told(&error)));
    }

    /// Makes the temporary tables, then does whatever else is done with them alone.
    async fn stage(&mut self) {
        let all = self.statements;
        let names: Vec<&str> = all.iter().filter_map(|statement| staged(statement)).collect();
        for statement in all.iter().filter(|statement| staged(statement).is_some()) {
            if !statement.sql().contains("on commit drop") {
                self.blame(statement, "makes a temporary table that outlives the transaction");
            }
            self.attempt(statement, statement.sql()).await;
        }
        for statement in all.iter().filter(|statement| staged(statement).is_none() && !is_about_rows(statement)) {
            let of_staged =
                statement.sql().split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|name| names.contains(&name));
            match first_word(statement) {
                "copy" if of_staged && statement.sql().contains("from stdin") => self.copy(statement).await,
                "create" | "analyze" if of_staged => drop(self.attempt(statement, statement.sql()).await),
                _ => self.blame(statement, "is neither about rows nor about a temporary table"),
            }
        }
    }

    /// COPY is not prepared: it is begun, and ended before the first row.
    async fn copy(&mut self, statement: &'static Statement) {
        self.run("savepoint attempt").await;
        let done = match self.client.copy_in::<_, &[u8]>(statement.sql()).await {
            Ok(sink) => Box::pin(sink).as_mut().finish().await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            self.run("rollback to attempt").await;
            self.blame(statement, told(&error));
        }
    }

    /// As the application: the names exist, the types fit, and the rights are there.
    async fn prepare_all(&mut self) {
        for statement in self.statements.iter().filter(|statement| is_about_rows(statement)) {
            if let Some(types) = self.types(statement).await {
                let arguments = vec!["null"; types.len()].join(", ");
                let call = if types.is_empty() { String::new() } else { format!("({arguments})") };
                let text = format!(
                    "prepare checked as {}; explain execute checked{call}; deallocate checked",
                    statement.sql()
                );
                self.attempt(statement, &text).await;
            }
        }
    }

    async fn types(&mut self, statement: &'static Statement) -> Option<Vec<Type>> {
        self.run("savepoint attempt").await;
        match self.client.prepare(statement.sql()).await {
            Ok(prepared) => Some(prepared.params().to_vec()),
            Err(error) => {
                self.run("rollback to attempt").await;
                self.blame(statement, told(&error));
                None
            }
        }
    }

    /// As the owner, whom no policy holds: what the statement itself reaches.
    async fn plan_all(&mut self, tables: &Tables) {
        let names: Vec<&str> = self.statements.iter().filter_map(|statement| staged(statement)).collect();
        for name in names {
            if tables.of_tenants.keys().any(|(_, table)| table == name) {
                let makers: Vec<_> = self.statements.iter().filter(|s| staged(s) == Some(name)).copied().collect();
                for maker in &makers {
                    self.blame(maker, format!("hides the table {name} behind a temporary one"));
                }
            }
        }
        for statement in self.statements.iter().filter(|statement| is_about_rows(statement)) {
            let text = statement.sql().to_lowercase();
            for word in FORBIDDEN.iter().filter(|word| text.contains(**word)) {
                self.blame(statement, format!("calls {}", word.trim_end_matches('(')));
            }
            if sets_the_tenant(&text) {
                self.blame(statement, "moves rows to another tenant");
            }
            let Some(types) = self.types(statement).await else { continue };
            if types.first() != Some(&Type::UUID) {
                self.blame(statement, "does not take the tenant as $1");
                continue;
            }
            match self.plan(statement, &types).await {
                Ok((plan, tenant)) => {
                    for fault in plan::faults(&plan, tables, &tenant, &text) {
                        self.blame(statement, fault);
                    }
                }
                Err(error) => {
                    self.run("rollback to attempt").await;
                    self.blame(statement, told(&error));
                }
            }
        }
    }

    /// The plan, with the tenant as a parameter of its own: `$1` may also be what EXPLAIN calls the result of a sub-select.
    async fn plan(&self, statement: &Statement, types: &[Type]) -> Result<(Value, String), tokio_postgres::Error> {
        let tenant = format!("${}", types.len() + 1);
        let all: Vec<String> = types
            .iter()
            .chain([&Type::UUID])
            .map(|kind| format!("\"{}\".\"{}\"", kind.schema(), kind.name()))
            .collect();
        let text = rename_first(statement.sql(), &tenant);
        self.run("savepoint attempt").await;
        self.client.batch_execute(&format!("prepare planned ({}) as {text}", all.join(", "))).await?;
        let arguments = vec!["null"; all.len()].join(", ");
        let explain = format!("explain (verbose, format json) execute planned({arguments})");
        let row = self.client.query_one(&explain, &[]).await?;
        self.run("deallocate planned").await;
        let plan: Value = row.get(0);
        Ok((plan[0]["Plan"].clone(), tenant))
    }
}

fn told(error: &tokio_postgres::Error) -> String {
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

/// `update … set tenant_id = …`, which no statement has a reason for.
fn sets_the_tenant(text: &str) -> bool {
    text.split(" set ").skip(1).any(|part| {
        let assignments = part.split(" where ").next().unwrap_or("").split(" from ").next().unwrap_or("");
        assignments.split(',').any(|assignment| assignment.trim_start().starts_with("tenant_id"))
    })
}
