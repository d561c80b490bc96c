//! The walk through everything: each server, each database, each place of a tenant.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use cloister_ids::{ClusterId, DatabaseId, RequestId, TenantId};
use cloister_postgres::{Client, ConnectError, Progress, Server, Statement};
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};

use super::{
    ask, code, drift,
    finding::{Finding, Looked, Place, Proof},
    place_store as store,
    reference::{Form, Reference, Workbench, digests, facts},
    rows,
    rule::{self, Names, OF_DATABASE, OF_RELATIONS, OF_TABLES},
    statements::StatementFaults,
};
use crate::{
    Error, Result, Tenancy, control,
    control::store as control_store,
    fleet, install,
    ledger::{PLUMBING_SCHEMA, SHARED_SCHEMA},
    statements::{Plane, kernel_statements},
    tenancy::Doors,
    tx,
};

/// How closely is looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The catalogs: tables, policies, rights, logins, statements.
    Catalog,
    /// The rows besides: does each lie where its tenant's place is?
    Rows,
}

/// Databases that are looked at at once.
const AT_ONCE: usize = 4;

/// One database and what should be in it.
#[derive(Default)]
struct Expected {
    name: String,
    is_control: bool,
    /// Whose rows may lie in which schema.
    places: HashMap<String, HashSet<TenantId>>,
    /// Schemas that the migrations have not reached.
    behind: HashSet<String>,
    /// Schemas of tenants that are being made or removed.
    unsettled: Vec<String>,
    epochs: HashMap<TenantId, (String, i64)>,
}

struct Cluster<'a> {
    name: String,
    owner: &'a Server,
    names: Names,
    reference: Reference,
}

impl Tenancy {
    /// Walks through control plane, servers and every place of a tenant, and says what could let one tenant reach another.
    /// Changes nothing: what it builds to compare with is rolled back.
    pub async fn prove(&self, depth: Depth, progress: &dyn Progress) -> Result<Proof> {
        let (began, at) = (Instant::now(), self.0.clock.now());
        let mut looked = Looked::default();
        let mut findings = Vec::new();
        let expected = self.expected().await?;
        let known: HashSet<TenantId> =
            expected.values().flatten().flat_map(|database| database.epochs.keys().copied()).collect();
        looked.placements = known.len();
        let (total, done) = (expected.values().map(Vec::len).sum::<usize>(), AtomicUsize::new(0));
        for (id, name) in self.cluster_names().await? {
            let Some(databases) = expected.get(&id) else { continue };
            let cluster = self.reference(self.doors(id)?, name, databases, &mut findings).await?;
            looked.clusters += 1;
            looked.statements = looked.statements.max(cluster.reference.statements);
            let judge = |database| {
                let (cluster, known, done) = (&cluster, &known, &done);
                let judged = async move {
                    let judged = judge_database(cluster, database, depth, known).await;
                    progress.advance(done.fetch_add(1, Ordering::Relaxed) + 1, total);
                    judged
                };
                judged.boxed()
            };
            let all: Vec<(Vec<Finding>, usize, usize)> =
                stream::iter(databases.iter().map(judge).collect::<Vec<_>>()).buffered(AT_ONCE).try_collect().await?;
            for (of_database, schemas, tables) in all {
                findings.extend(of_database);
                looked.databases += 1;
                looked.schemas += schemas;
                looked.tables += tables;
            }
            findings.extend(cluster.reference.findings);
        }
        findings.sort_by(|a, b| {
            let key =
                |f: &Finding| (f.severity, f.cluster.clone(), f.database.clone(), f.object.clone(), f.code.clone());
            key(a).cmp(&key(b))
        });
        findings.dedup();
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Proof { at, took_ms, looked, findings })
    }

    /// What is wrong with statements that run in a tenant's place with the tenant as `$1`.
    #[doc(hidden)]
    pub async fn statement_faults(&self, statements: &[&'static Statement]) -> Result<StatementFaults> {
        let expected = self.expected().await?;
        for (id, databases) in &expected {
            if let Some(database) = databases.iter().find(|database| database.places.contains_key(SHARED_SCHEMA)) {
                let place = Place { cluster: "", database: &database.name };
                let bench = self.workbench(self.doors(*id)?, &database.name).await?;
                let schema = bench.places(&self.0.modules, place, &mut Reference::default()).await?;
                return bench.statements(&schema, &self.0.modules, statements).await;
            }
        }
        Err(Error::unavailable("there is no shared database to look at statements in"))
    }

    async fn workbench(&self, doors: &Doors, database: &str) -> Result<Workbench> {
        let suffix = RequestId::generate(&*self.0.clock).bare();
        Workbench::open(fleet::owner(doors.owner.as_ref())?, database, names(doors)?, suffix).await
    }

    async fn cluster_names(&self) -> Result<Vec<(ClusterId, String)>> {
        let rows = self.0.control.run(&control_store::CLUSTERS, &[]).await?;
        let known = rows.iter().map(|row| (row.get("id"), row.get("name")));
        Ok(known.filter(|(id, _)| self.0.clusters.contains_key(id)).collect())
    }

    /// What the registry says there is, by server.
    async fn expected(&self) -> Result<HashMap<ClusterId, Vec<Expected>>> {
        let control = &self.0.control;
        let current = self.0.clusters.values().next().map(|doors| self.ledger(doors).modules_digest());
        let mut databases: HashMap<DatabaseId, (ClusterId, Expected)> = HashMap::new();
        for row in control.run(&control_store::DATABASES, &[]).await? {
            let mut expected = Expected { name: row.get("name"), ..Expected::default() };
            if row.get::<_, &str>("purpose") == "shared" {
                expected.places.insert(SHARED_SCHEMA.to_owned(), HashSet::new());
                if row.get::<_, Option<String>>("shared_digest") != current {
                    expected.behind.insert(SHARED_SCHEMA.to_owned());
                }
            }
            databases.insert(row.get("id"), (row.get("cluster_id"), expected));
        }
        for row in control.run(&control_store::PLACES, &[]).await? {
            let Some((_, database)) = databases.get_mut(&row.get("database_id")) else { continue };
            let (tenant, schema): (TenantId, String) = (row.get("tenant_id"), row.get("schema_name"));
            if row.get::<_, &str>("tier") != "shared" && row.get::<_, Option<String>>("digest") != current {
                database.behind.insert(schema.clone());
            }
            database.places.entry(schema.clone()).or_default().insert(tenant);
            database.epochs.insert(tenant, (schema, row.get("epoch")));
        }
        for row in control.run(&control_store::UNSETTLED, &[]).await? {
            if let Some((_, database)) = databases.get_mut(&row.get("database_id")) {
                database.unsettled.push(row.get("schema_name"));
            }
        }
        let mut clusters: HashMap<ClusterId, Vec<Expected>> = HashMap::new();
        for (cluster, expected) in databases.into_values() {
            // One that is only recorded, for a tenant that is just being made, need not be there yet.
            if !expected.places.is_empty() || expected.unsettled.is_empty() {
                clusters.entry(cluster).or_default().push(expected);
            }
        }
        for (id, doors) in &self.0.clusters {
            if std::ptr::eq(doors.application.server(), control.pool().server()) {
                let name = control.database().to_string();
                clusters.entry(*id).or_default().push(Expected { name, is_control: true, ..Expected::default() });
            }
        }
        for databases in clusters.values_mut() {
            databases.sort_by(|a, b| a.name.cmp(&b.name));
        }
        Ok(clusters)
    }

    /// What everything on a server is compared with, and what is wrong with the server and its logins.
    async fn reference<'a>(
        &self,
        doors: &'a Doors,
        name: String,
        databases: &[Expected],
        findings: &mut Vec<Finding>,
    ) -> Result<Cluster<'a>> {
        let owner = fleet::owner(doors.owner.as_ref())?;
        let names = names(doors)?;
        let modules = &self.0.modules;
        let mut reference = Reference::default();
        for database in databases {
            let place = Place { cluster: &name, database: &database.name };
            if database.is_control {
                let bench = self.workbench(doors, &database.name).await?;
                bench.control(modules, place, &mut reference).await?;
            } else if database.places.contains_key(SHARED_SCHEMA) {
                let bench = self.workbench(doors, &database.name).await?;
                let schema = bench.places(modules, place, &mut reference).await?;
                let statements = self.statements_of_tenants();
                reference.statements = statements.len();
                for (statement, faults) in bench.statements(&schema, modules, &statements).await? {
                    let finding =
                        |fault| place.finding(&code::STATEMENT_UNBOUND, statement.to_owned(), fault, String::new());
                    reference.findings.extend(faults.into_iter().map(finding));
                }
            }
        }
        let client = owner.connect("postgres").await.map_err(install::connect)?;
        let place = Place { cluster: &name, database: "" };
        findings.extend(rule::judge_server(&client, &names, place).await?.into_iter().map(|broken| broken.finding));
        findings.extend(unknown_databases(&client, &self.0.prefix, databases, place).await?);
        Ok(Cluster { name, owner, names, reference })
    }

    /// Every statement that runs in a tenant's place: the modules', and the kernel's own apart from the one that takes a lock
    /// by a key made of the tenant, which no module may.
    fn statements_of_tenants(&self) -> Vec<&'static Statement> {
        let of_modules = self.0.modules.iter().flat_map(|module| {
            let lists = module.statements().iter().flat_map(|list| list.iter().copied());
            lists.chain(module.meters().iter().map(|meter| meter.count))
        });
        let kernel = kernel_statements().into_iter().filter(|(plane, _)| *plane == Plane::Tenant);
        let kernel = kernel.flat_map(|(_, list)| list.iter().copied());
        of_modules.chain(kernel.filter(|statement| !std::ptr::eq(*statement, &raw const tx::WORK_ALONE))).collect()
    }
}

fn names(doors: &Doors) -> Result<Names> {
    Ok(Names {
        application: doors.application.server().user().to_owned(),
        system: doors.system.server().user().to_owned(),
        owner: fleet::owner(doors.owner.as_ref())?.user().to_owned(),
    })
}

/// Databases that carry our name and that the registry does not know.
async fn unknown_databases(
    client: &Client,
    prefix: &str,
    databases: &[Expected],
    place: Place<'_>,
) -> Result<Vec<Finding>> {
    let rows = ask(client, &store::DATABASES, &[&format!("{prefix}_")]).await?;
    let names = rows.iter().map(|row| row.get::<_, String>(0));
    // What single databases are copied from, and one that is being made or removed.
    let passing = |name: &str| {
        let rest = name.get(prefix.len()..).unwrap_or("");
        rest.starts_with("_template_") || rest.starts_with("_t_") || rest.starts_with("_schemas_")
    };
    let unknown = names.filter(|name| !passing(name) && !databases.iter().any(|database| database.name == *name));
    Ok(unknown
        .map(|name| {
            let mend = format!("-- look what it holds, then: drop database \"{name}\";");
            place.finding(&code::DATABASE_UNKNOWN, name, "no tenant has its place in this database".to_owned(), mend)
        })
        .collect())
}

/// Looks at one database. Gives what was found, how many schemas and how many tables were looked at.
async fn judge_database(
    cluster: &Cluster<'_>,
    database: &Expected,
    depth: Depth,
    tenants: &HashSet<TenantId>,
) -> Result<(Vec<Finding>, usize, usize)> {
    let place = Place { cluster: &cluster.name, database: &database.name };
    let client = match cluster.owner.connect(&database.name).await {
        Ok(client) => client,
        Err(ConnectError::Refused { source, .. }) if source.code().is_some_and(|code| code.code() == "3D000") => {
            let detail = "the registry names it and the server does not have it".to_owned();
            let finding = place.finding(&code::DATABASE_MISSING, database.name.clone(), detail, String::new());
            return Ok((vec![finding], 0, 0));
        }
        Err(error) => return Err(install::connect(error)),
    };
    client.batch_execute("begin isolation level repeatable read read only").await.map_err(Error::internal)?;
    let there = ask(&client, &store::SCHEMAS, &[]).await?;
    let there: HashSet<String> = there.iter().map(|row| row.get(0)).collect();
    let plumbing = if database.is_control { control::SCHEMA } else { PLUMBING_SCHEMA };
    let (mut schemas, mut findings) = (Vec::new(), Vec::new());
    for schema in std::iter::once(plumbing).chain(database.places.keys().map(String::as_str)) {
        if there.contains(schema) {
            schemas.push(schema.to_owned());
        } else {
            let detail = "the registry names it and it is not there".to_owned();
            findings.push(place.finding(&code::SCHEMA_MISSING, schema.to_owned(), detail, String::new()));
        }
    }
    schemas.sort();
    let mut known = schemas.clone();
    known.extend(database.unsettled.iter().cloned());
    let broken = rule::judge(&client, OF_DATABASE, &known, &cluster.names, place).await?;
    findings.extend(broken.into_iter().map(|broken| broken.finding));
    let form = |schema: &str| -> &Form {
        match schema {
            control::SCHEMA => &cluster.reference.control,
            PLUMBING_SCHEMA => &cluster.reference.kernel,
            _ => &cluster.reference.place,
        }
    };
    let digests = digests(&client, &schemas).await?;
    let differ: Vec<String> =
        schemas.iter().filter(|schema| digests.get(*schema) != Some(&form(schema).digest)).cloned().collect();
    let tables = |schema: &String| form(schema).facts.keys().filter(|(kind, ..)| kind == "relation").count();
    let looked_at = (schemas.len(), schemas.iter().map(tables).sum());
    if !differ.is_empty() {
        findings.extend(deviations(&client, cluster, database, &differ, form, place).await?);
    }
    if !database.is_control {
        findings.extend(fences(&client, database, place).await?);
        if depth == Depth::Rows {
            findings.extend(rows::misplaced(&client, &database.places, tenants, place).await?);
        }
    }
    Ok((findings, looked_at.0, looked_at.1))
}

/// What is wrong with schemas that are not as the reference is.
async fn deviations<'a>(
    client: &Client,
    cluster: &Cluster<'_>,
    database: &Expected,
    differ: &[String],
    form: impl Fn(&str) -> &'a Form,
    place: Place<'_>,
) -> Result<Vec<Finding>> {
    let of_tenants: Vec<String> = differ.iter().filter(|schema| *schema != control::SCHEMA).cloned().collect();
    let mut broken = rule::judge(client, OF_TABLES, &of_tenants, &cluster.names, place).await?;
    broken.extend(rule::judge(client, OF_RELATIONS, differ, &cluster.names, place).await?);
    let facts = facts(client, differ).await?;
    let none = drift::Facts::new();
    let mut findings = Vec::new();
    for schema in differ {
        if database.behind.contains(schema) {
            let (detail, mend) = ("the migrations have not run here", "-- run `cloister migrate`");
            findings.push(place.finding(&code::SCHEMA_BEHIND, schema.clone(), detail.to_owned(), mend.to_owned()));
        } else {
            let found = facts.get(schema).unwrap_or(&none);
            findings.extend(drift::compare(place, schema, &form(schema).facts, found, &broken));
        }
    }
    findings.extend(broken.into_iter().map(|broken| broken.finding));
    Ok(findings)
}

/// Whether the fences of a database let in whom the registry sends there, and nobody else.
async fn fences(client: &Client, database: &Expected, place: Place<'_>) -> Result<Vec<Finding>> {
    let rows = ask(client, &store::FENCES, &[]).await?;
    let mut fenced = HashSet::new();
    let mut findings = Vec::new();
    for row in &rows {
        let (tenant, schema, state): (TenantId, String, &str) =
            (row.get("tenant_id"), row.get("schema_name"), row.get("state"));
        let here = database.epochs.get(&tenant).is_some_and(|(placed, _)| *placed == schema);
        if here {
            fenced.insert(tenant);
        } else if state != "closed" && !database.unsettled.contains(&schema) {
            let mend = format!("update cloister.fence set state = 'closed' where tenant_id = '{}';", tenant.uuid());
            let detail = format!("requests of {tenant} are let in, and the registry has it elsewhere");
            findings.push(place.finding(&code::FENCE_ELSEWHERE, schema, detail, mend));
        }
    }
    for (tenant, (schema, _)) in database.epochs.iter().filter(|(tenant, _)| !fenced.contains(tenant)) {
        let detail = format!("there is no fence for {tenant}, whose place this is");
        let mend = "-- run `cloister tenant retry`".to_owned();
        findings.push(place.finding(&code::FENCE_CLOSED, schema.clone(), detail, mend));
    }
    Ok(findings)
}
