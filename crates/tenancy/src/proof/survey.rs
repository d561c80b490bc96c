//! The walk through everything: each server, each database, each place of a tenant.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use cloister_ids::{ClusterId, RequestId, TenantId};
use cloister_postgres::{Client, ConnectError, Progress, Server, Statement};
use futures_util::{FutureExt, StreamExt, stream};

use super::{
    ask, code, drift,
    expected::Expected,
    fence,
    finding::{Finding, Looked, Place, Proof},
    place_store as store,
    reference::{Form, Reference, Workbench, digests, facts},
    rows,
    rule::{self, Names, OF_DATABASE, OF_RELATIONS, OF_TABLES},
    statements::StatementFaults,
};
use crate::{
    Error, Result, Tenancy, control, fleet, install,
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

/// Parts that are looked at at once, each by a session of its own.
const AT_ONCE: usize = 4;
/// Schemas of one part, at least and at most: a database with many is looked at by several sessions. Each goes through the
/// catalogs of the whole database, so there are no more parts than hands.
const OF_PART: (usize, usize) = (32, 256);
/// How often it is looked again because the registry changed meanwhile.
const AGAIN: usize = 3;

struct Cluster<'a> {
    name: String,
    owner: &'a Server,
    names: Names,
    reference: Reference,
}

/// Some schemas of a database. The first part of each is about the database itself too.
struct Part<'a> {
    database: &'a Expected,
    schemas: Vec<String>,
    is_first: bool,
}

type Databases = HashMap<ClusterId, Vec<Expected>>;

impl Tenancy {
    /// Walks through control plane, servers and every place of a tenant, and says what could let one tenant reach another.
    /// Changes nothing: what it builds to compare with is rolled back.
    pub async fn prove(&self, depth: Depth, progress: &dyn Progress) -> Result<Proof> {
        let (began, at) = (Instant::now(), self.0.clock.now());
        let mut expected = self.expected().await?;
        let mut clusters = Vec::new();
        for (id, name) in self.cluster_names().await? {
            if let Some(databases) = expected.get(&id) {
                clusters.push((id, self.cluster(self.doors(id)?, name, databases).await?));
            }
        }
        took("building what to compare with", "", began);
        let mut looks = 0;
        let (looked, mut findings) = loop {
            let (looked, findings) = self.walk(&clusters, &expected, depth, progress).await?;
            looks += 1;
            let of_registry = |finding: &Finding| code::OF_REGISTRY.iter().any(|code| code.name == finding.code);
            if looks > AGAIN || !findings.iter().any(of_registry) {
                break (looked, findings);
            }
            // Tenants are made, moved and removed meanwhile: what stands in nobody's way now is no finding.
            let now = self.expected().await?;
            if now == expected {
                break (looked, findings);
            }
            expected = now;
        };
        for (_, cluster) in clusters {
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

    async fn walk(
        &self,
        clusters: &[(ClusterId, Cluster<'_>)],
        expected: &Databases,
        depth: Depth,
        progress: &dyn Progress,
    ) -> Result<(Looked, Vec<Finding>)> {
        let databases = || expected.values().flatten();
        let placements = databases().map(|database| database.tenants.len()).sum();
        let known: HashSet<TenantId> =
            databases().flat_map(|database| database.owners().into_values().flatten()).collect();
        let mut looked = Looked { placements, ..Looked::default() };
        let mut findings = Vec::new();
        let mut all = Vec::new();
        for (id, cluster) in clusters {
            let databases = expected.get(id).map_or(&[][..], Vec::as_slice);
            looked.clusters += 1;
            looked.databases += databases.len();
            looked.statements = looked.statements.max(cluster.reference.statements);
            findings.extend(of_server(cluster, &self.0.prefix, databases).await?);
            all.extend(databases.iter().flat_map(parts).map(|part| (cluster, part)));
        }
        let (total, done) = (all.len(), AtomicUsize::new(0));
        let judged = all.into_iter().map(|(cluster, part)| {
            let (known, done) = (&known, &done);
            let judged = async move {
                let judged = judge_part(cluster, &part, depth, known).await;
                progress.advance(done.fetch_add(1, Ordering::Relaxed) + 1, total);
                judged
            };
            judged.boxed()
        });
        let all: Vec<(Vec<Finding>, usize, usize)> =
            stream::iter(judged.collect::<Vec<_>>()).buffered(AT_ONCE).collect().await;
        for (of_part, schemas, tables) in all {
            findings.extend(of_part);
            looked.schemas += schemas;
            looked.tables += tables;
        }
        Ok((looked, findings))
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

    /// A server, with what everything on it is compared with.
    async fn cluster<'a>(&self, doors: &'a Doors, name: String, databases: &[Expected]) -> Result<Cluster<'a>> {
        let owner = fleet::owner(doors.owner.as_ref())?;
        let place = |database| Place { cluster: &name, database };
        let control = databases.iter().find(|database| database.is_control).map(|database| database.name.as_str());
        let shared = databases.iter().find(|database| database.places.contains_key(SHARED_SCHEMA));
        let shared = shared.map(|database| database.name.as_str());
        let control = async {
            let mut built = Reference::default();
            if let Some(database) = control {
                let began = Instant::now();
                let bench = self.workbench(doors, database).await?;
                bench.control(&self.0.modules, place(database), &mut built).await?;
                took("building a control plane", database, began);
            }
            Ok::<_, Error>(built)
        };
        let shared = async {
            let mut built = Reference::default();
            if let Some(database) = shared {
                self.reference_of_places(doors, place(database), &mut built).await?;
            }
            Ok::<_, Error>(built)
        };
        let (mut control, shared) = futures_util::try_join!(control, shared)?;
        control.findings.extend(shared.findings);
        let reference = Reference { control: control.control, findings: control.findings, ..shared };
        Ok(Cluster { name, owner, names: names(doors)?, reference })
    }

    /// Builds what stands in a tenant's place, and plans in it what runs there.
    async fn reference_of_places(&self, doors: &Doors, place: Place<'_>, built: &mut Reference) -> Result<()> {
        let (began, modules) = (Instant::now(), &self.0.modules);
        let bench = self.workbench(doors, place.database).await?;
        let schema = bench.places(modules, place, built).await?;
        took("building a place", place.database, began);
        let (began, statements) = (Instant::now(), self.statements_of_tenants());
        built.statements = statements.len();
        for (statement, faults) in bench.statements(&schema, modules, &statements).await? {
            let finding = |fault| {
                let mend = "-- mend the statement in the program: hold it to tenant_id = $1".to_owned();
                place.finding(&code::STATEMENT_UNBOUND, statement.to_owned(), fault, mend)
            };
            built.findings.extend(faults.into_iter().map(finding));
        }
        took("planning statements", place.database, began);
        Ok(())
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

/// For whoever asks why a proof takes long.
fn took(part: &str, of: &str, since: Instant) {
    tracing::debug!(part, of, took_ms = since.elapsed().as_millis(), "a part of the proof");
}

fn names(doors: &Doors) -> Result<Names> {
    Ok(Names {
        application: doors.application.server().user().to_owned(),
        system: doors.system.server().user().to_owned(),
        owner: fleet::owner(doors.owner.as_ref())?.user().to_owned(),
    })
}

/// What is wrong with the server and its logins, and databases that carry our name and that the registry does not know.
async fn of_server(cluster: &Cluster<'_>, prefix: &str, databases: &[Expected]) -> Result<Vec<Finding>> {
    let client = cluster.owner.connect("postgres").await.map_err(install::connect)?;
    let place = Place { cluster: &cluster.name, database: "" };
    let broken = rule::judge_server(&client, &cluster.names, place).await?;
    let mut findings: Vec<Finding> = broken.into_iter().map(|broken| broken.finding).collect();
    let rows = ask(&client, &store::DATABASES, &[&format!("{prefix}_")]).await?;
    let names = rows.iter().map(|row| row.get::<_, String>(0));
    // What single databases are copied from. One that is being made or removed is in the registry.
    let is_template = |name: &str| name.get(prefix.len()..).is_some_and(|rest| rest.starts_with("_template_"));
    let unknown = names.filter(|name| !is_template(name) && !databases.iter().any(|database| database.name == *name));
    findings.extend(unknown.map(|name| {
        let mend = format!("-- look what it holds, then: drop database \"{name}\";");
        place.finding(&code::DATABASE_UNKNOWN, name, "no tenant has its place in this database".to_owned(), mend)
    }));
    Ok(findings)
}

fn parts(database: &Expected) -> Vec<Part<'_>> {
    let all = database.schemas();
    let (first, rest) = all.split_at(all.len().div_ceil(AT_ONCE).clamp(OF_PART.0, OF_PART.1).min(all.len()));
    let rest = rest.chunks(first.len().max(1)).map(|schemas| (schemas, false));
    // One that must have no schema yet has a first part too.
    let parts = std::iter::once((first, true)).chain(rest);
    parts.map(|(schemas, is_first)| Part { database, schemas: schemas.to_vec(), is_first }).collect()
}

/// Looks at a part of a database. Gives what was found, how many schemas and how many tables were looked at. One that cannot
/// be looked at is a finding, and keeps nobody from looking at the others.
async fn judge_part(
    cluster: &Cluster<'_>,
    part: &Part<'_>,
    depth: Depth,
    tenants: &HashSet<TenantId>,
) -> (Vec<Finding>, usize, usize) {
    let database = part.database;
    let place = Place { cluster: &cluster.name, database: &database.name };
    let finding = |code, detail: String, mend: &str| {
        (vec![place.finding(code, database.name.clone(), detail, format!("-- {mend}"))], 0, 0)
    };
    let failed = match cluster.owner.connect(&database.name).await {
        Ok(client) => match look(&client, cluster, part, depth, tenants).await {
            Ok(found) => return found,
            Err(error) => error,
        },
        Err(ConnectError::Refused { source, .. }) if source.code().is_some_and(|code| code.code() == "3D000") => {
            if database.is_passing() {
                return (Vec::new(), 0, 0);
            }
            let detail = "the registry names it and the server does not have it".to_owned();
            let mend = "restore the database from a backup, or give up the tenants in it";
            return finding(&code::DATABASE_MISSING, detail, mend);
        }
        Err(error) => install::connect(error),
    };
    let mend = "see why the owner's login cannot look into it, and look again";
    finding(&code::DATABASE_UNREACHABLE, failed.log(), mend)
}

async fn look(
    client: &Client,
    cluster: &Cluster<'_>,
    part: &Part<'_>,
    depth: Depth,
    tenants: &HashSet<TenantId>,
) -> Result<(Vec<Finding>, usize, usize)> {
    let (began, database) = (Instant::now(), part.database);
    let place = Place { cluster: &cluster.name, database: &database.name };
    client.batch_execute(store::LOOK.sql()).await.map_err(Error::internal)?;
    let there = ask(client, &store::SCHEMAS, &[]).await?;
    let there: HashSet<String> = there.iter().map(|row| row.get(0)).collect();
    let (schemas, missing): (Vec<String>, Vec<String>) =
        part.schemas.iter().cloned().partition(|schema| there.contains(schema));
    let mut findings = Vec::new();
    for schema in missing {
        let detail = "the registry names it and it is not there".to_owned();
        let mend = "-- restore the schema from a backup, or give up the tenant".to_owned();
        findings.push(place.finding(&code::SCHEMA_MISSING, schema, detail, mend));
    }
    if part.is_first {
        let passing = database.passing();
        let known = [database.schemas(), passing.clone()].concat();
        let mut broken = Vec::new();
        if database.is_made() {
            broken.extend(rule::judge(client, OF_DATABASE, &known, &cluster.names, place).await?);
        }
        let passing: Vec<String> = passing.into_iter().filter(|schema| there.contains(schema)).collect();
        if !passing.is_empty() {
            broken.extend(rule::judge(client, OF_TABLES, &passing, &cluster.names, place).await?);
            broken.extend(rule::judge(client, OF_RELATIONS, &passing, &cluster.names, place).await?);
        }
        findings.extend(broken.into_iter().map(|broken| broken.finding));
        if !database.is_control {
            findings.extend(fence::judge(client, database, place).await?);
        }
    }
    let form = |schema: &str| -> &Form {
        match schema {
            control::SCHEMA => &cluster.reference.control,
            PLUMBING_SCHEMA => &cluster.reference.kernel,
            _ => &cluster.reference.place,
        }
    };
    let digests = digests(client, &schemas).await?;
    let differ: Vec<String> =
        schemas.iter().filter(|schema| digests.get(*schema) != Some(&form(schema).digest)).cloned().collect();
    let tables = |schema: &String| form(schema).facts.keys().filter(|(kind, ..)| kind == "relation").count();
    let looked_at = (schemas.len(), schemas.iter().map(tables).sum());
    if !differ.is_empty() {
        findings.extend(deviations(client, cluster, database, &differ, form, place).await?);
    }
    if !database.is_control && depth == Depth::Rows {
        findings.extend(rows::misplaced(client, &schemas, &database.owners(), tenants, place).await?);
    }
    took("looking", &database.name, began);
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
