//! What this program's own migrations make: built in a transaction that is rolled back, looked at, judged, and then compared
//! with everything that stands.

use std::{collections::HashMap, sync::Arc};

use cloister_postgres::{Client, Migration, Server, Statement, ledger_table};

use super::{
    Facts, ask, code, fact_store as fact,
    finding::{Finding, Place},
    rule::{self, Broken, Names, OF_RELATIONS, OF_TABLES},
    statements::{self, StatementFaults},
};
use crate::{
    Error, Module, Result, TableKind,
    ledger::{Ledger, PLUMBING_SCHEMA},
};

/// One schema as it should be.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) digest: String,
    pub(super) facts: Facts,
}

/// How each kind of schema should be, and what is wrong with that.
#[derive(Debug, Default)]
pub(super) struct Reference {
    pub(super) control: Form,
    pub(super) kernel: Form,
    pub(super) place: Form,
    pub(super) findings: Vec<Finding>,
    pub(super) statements: usize,
}

/// A database in which the owner builds something that is never committed.
pub(super) struct Workbench {
    client: Client,
    names: Names,
    suffix: String,
}

/// Digests of schemas, by name.
pub(super) async fn digests(client: &Client, schemas: &[String]) -> Result<HashMap<String, String>> {
    let rows = ask(client, &fact::DIGESTS, &[&schemas]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Facts of schemas, by name.
pub(super) async fn facts(client: &Client, schemas: &[String]) -> Result<HashMap<String, Facts>> {
    let mut facts: HashMap<String, Facts> = HashMap::new();
    for row in ask(client, &fact::FACTS, &[&schemas]).await? {
        let key = (row.get(1), row.get(2), row.get(3));
        facts.entry(row.get(0)).or_default().insert(key, row.get(4));
    }
    Ok(facts)
}

impl Workbench {
    /// Enters the database; everything from here on is undone when this is dropped.
    pub(super) async fn open(owner: &Server, database: &str, names: Names, suffix: String) -> Result<Self> {
        let client = owner.connect(database).await.map_err(crate::install::connect)?;
        client.batch_execute("begin; set local lock_timeout = '5s'").await.map_err(Error::internal)?;
        Ok(Self { client, names, suffix })
    }

    async fn build(&self, schema: &str, ledger: bool, migrations: &[Migration]) -> Result<()> {
        let Names { application, system, .. } = &self.names;
        let mut text = format!("create schema {schema}; ");
        if ledger {
            text.push_str(&ledger_table(&format!("{schema}.schema_migration")));
            text.push_str("; ");
        }
        // As `prepare_schemas` and a migration do it.
        if !schema.starts_with("proof_control") {
            text.push_str(&format!("grant usage on schema {schema} to \"{application}\", \"{system}\"; "));
        }
        text.push_str(&format!("set local search_path = {schema}, pg_catalog; "));
        for migration in migrations {
            text.push_str(&migration.sql);
            text.push_str(";\n");
        }
        text.push_str("; set local search_path = pg_catalog");
        self.client.batch_execute(&text).await.map_err(Error::internal)
    }

    async fn form(&self, schema: &str) -> Result<Form> {
        let schemas = [schema.to_owned()];
        let digest = digests(&self.client, &schemas).await?.remove(schema).unwrap_or_default();
        let facts = facts(&self.client, &schemas).await?.remove(schema).unwrap_or_default();
        Ok(Form { digest, facts })
    }

    /// The control plane's tables.
    pub(super) async fn control(
        &self,
        modules: &[Arc<dyn Module>],
        place: Place<'_>,
        into: &mut Reference,
    ) -> Result<()> {
        let schema = format!("proof_control_{}", self.suffix);
        let ledger = Ledger::with_control(modules, &self.names.application, &self.names.system, &schema);
        self.build(&schema, true, &ledger.control).await?;
        into.control = self.form(&schema).await?;
        let broken = rule::judge(&self.client, OF_RELATIONS, std::slice::from_ref(&schema), &self.names, place).await?;
        into.findings.extend(renamed(broken, &schema, "control"));
        Ok(())
    }

    /// The kernel's tables and those of a tenant's place.
    pub(super) async fn places(
        &self,
        modules: &[Arc<dyn Module>],
        place: Place<'_>,
        into: &mut Reference,
    ) -> Result<String> {
        let (kernel, own) = (format!("proof_kernel_{}", self.suffix), format!("proof_place_{}", self.suffix));
        let ledger = Ledger::new(modules, &self.names.application, &self.names.system);
        self.build(&kernel, true, &ledger.plumbing).await?;
        self.build(&own, false, &ledger.modules).await?;
        (into.kernel, into.place) = (self.form(&kernel).await?, self.form(&own).await?);
        let both = [kernel.clone(), own.clone()];
        for rules in [OF_TABLES, OF_RELATIONS] {
            let broken = rule::judge(&self.client, rules, &both, &self.names, place).await?;
            let (of_kernel, of_places) = broken.into_iter().partition::<Vec<_>, _>(|broken| broken.space == kernel);
            into.findings.extend(renamed(of_kernel, &kernel, PLUMBING_SCHEMA));
            into.findings.extend(renamed(of_places, &own, "*"));
        }
        let declared = modules.iter().flat_map(|module| module.migrations()).flat_map(|change| change.made);
        let declared: Vec<_> = declared.map(|table| (table.name, table.kind)).collect();
        into.findings.extend(undeclared(&into.place.facts, &declared, place));
        Ok(own)
    }

    /// What is wrong with statements that run in a tenant's place with the tenant as `$1`.
    pub(super) async fn statements(
        &self,
        schema: &str,
        modules: &[Arc<dyn Module>],
        statements: &[&'static Statement],
    ) -> Result<StatementFaults> {
        statements::faults(&self.client, schema, &self.names.application, modules, statements)
            .await
            .map_err(Error::internal)
    }
}

/// Findings about what was built, told of what it stands for.
fn renamed(broken: Vec<Broken>, built: &str, stands_for: &str) -> impl Iterator<Item = Finding> {
    broken.into_iter().map(move |Broken { mut finding, .. }| {
        for text in [&mut finding.object, &mut finding.detail, &mut finding.mend] {
            *text = text.replace(built, stands_for);
        }
        finding.detail.push_str(" (in every place, as it is made)");
        finding.mend = format!("-- in the migration that makes it: {}", finding.mend);
        finding
    })
}

/// Each table is declared, and is of the kind it was declared to be: policies and rights follow from that.
fn undeclared(facts: &Facts, declared: &[(&'static str, TableKind)], place: Place<'_>) -> Vec<Finding> {
    let there = facts.iter().filter(|((kind, ..), text)| kind == "relation" && text.contains("table"));
    let there: Vec<&str> = there.map(|((_, object, _), _)| object.as_str()).collect();
    let mut findings = Vec::new();
    for name in &there {
        let of_tenants = facts.contains_key(&("column".to_owned(), (*name).to_owned(), "tenant_id".to_owned()));
        let path = format!("*.{name}");
        match declared.iter().find(|(table, _)| table == name) {
            None => {
                let mend = "-- name it in the list `made` of its migration".to_owned();
                findings.push(place.finding(
                    &code::TABLE_UNDECLARED,
                    path,
                    "the table is declared by no module".to_owned(),
                    mend,
                ));
            }
            Some((_, kind)) if (*kind == TableKind::Tenant) != of_tenants => {
                let detail = format!("the table is declared as {kind:?}, and tenant_id says otherwise");
                let mend = "-- name its kind in the list `made` of its migration as its columns are".to_owned();
                findings.push(place.finding(&code::TABLE_KIND, path, detail, mend));
            }
            Some(_) => {}
        }
    }
    for (name, _) in declared.iter().filter(|(name, _)| !there.contains(name)) {
        let detail = "the table is declared and no migration makes it".to_owned();
        let mend = "-- make it in that migration, or take it from the list `made`".to_owned();
        findings.push(place.finding(&code::TABLE_MISSING, format!("*.{name}"), detail, mend));
    }
    findings
}
