//! The walk through everything: each server, each database, each place of a tenant.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use cloister_ids::{ClusterId, RequestId, TenantId};
use cloister_postgres::{Progress, Server, Statement};
use futures_util::{FutureExt, StreamExt, stream};

use super::{
    ask, code,
    expected::Expected,
    finding::{Finding, Looked, Place, Proof},
    part::{judge_part, parts},
    place_store as store,
    reference::{Reference, Workbench},
    rule::{self, Names},
    statements::StatementFaults,
};
use crate::{
    Error, Result, Tenancy, fleet, install,
    ledger::SHARED_SCHEMA,
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
pub(super) const AT_ONCE: usize = 4;
/// How often it is looked again because the registry changed meanwhile.
const AGAIN: usize = 3;

pub(super) struct Cluster<'a> {
    pub(super) name: String,
    pub(super) owner: &'a Server,
    pub(super) names: Names,
    pub(super) reference: Reference,
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
pub(super) fn took(part: &str, of: &str, since: Instant) {
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
