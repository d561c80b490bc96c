//! Migrations over the whole fleet: many targets at a time, resumable, and one query when there is nothing to do.

use std::sync::atomic::{AtomicUsize, Ordering};

use cloister_ids::ClusterId;
use cloister_postgres::{Progress, Server, migrate};
use futures_util::{StreamExt, stream};

use crate::{
    Error, ErrorKind, Result, Tenancy,
    control::store,
    ledger::{self, Ledger, SHARED_SCHEMA},
};

/// What a fleet run found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct FleetReport {
    /// Databases and schemas that were behind.
    pub behind: usize,
    /// Of them, brought up to date.
    pub migrated: usize,
    /// Of them, failed; each with the reason. They are tried again by the next run.
    pub failed: Vec<String>,
}

/// What the control plane knows of its fleet.
#[derive(Default)]
struct Fleet {
    behind: bool,
    control_differs: bool,
}

/// One database and the schema in it that is behind; none for the kernel's own.
struct Work {
    database: cloister_ids::DatabaseId,
    cluster: ClusterId,
    name: String,
    schema: Option<String>,
    shared: bool,
}

impl Tenancy {
    /// Brings every database and placement up to date, `at_once` at a time. What is done is recorded with each target, so
    /// a killed run is continued by running again.
    pub async fn migrate_fleet(&self, at_once: usize, dry_run: bool, progress: &dyn Progress) -> Result<FleetReport> {
        let mut report = FleetReport::default();
        let fleet = self.look_over_fleet().await?;
        if fleet.control_differs {
            report.behind += 1;
            if !dry_run {
                self.migrate_control().await?;
                report.migrated += 1;
            }
        }
        if !fleet.behind {
            return Ok(report);
        }
        // The kernel's own schema first: module tables lean on it.
        for of_placements in [false, true] {
            let work = if of_placements { self.placements_behind().await? } else { self.databases_behind().await? };
            report.behind += work.len();
            if dry_run {
                continue;
            }
            let (total, done) = (work.len(), AtomicUsize::new(0));
            let mut results = stream::iter(work)
                .map(async |work| {
                    let outcome = self.migrate_one(&work).await;
                    progress.advance(done.fetch_add(1, Ordering::Relaxed) + 1, total);
                    outcome.map_err(|error| {
                        format!("{}.{}: {}", work.name, work.schema.as_deref().unwrap_or("cloister"), error.log())
                    })
                })
                .buffer_unordered(at_once.max(1));
            while let Some(result) = results.next().await {
                match result {
                    Ok(()) => report.migrated += 1,
                    Err(reason) => report.failed.push(reason),
                }
            }
        }
        Ok(report)
    }

    /// True when there is nothing to migrate: what the control plane's projection says, in one query however many tenants
    /// there are.
    pub async fn fleet_is_current(&self) -> Result<bool> {
        let fleet = self.look_over_fleet().await?;
        Ok(!fleet.behind && !fleet.control_differs)
    }

    /// The control plane's own tables are as this program makes them.
    pub(crate) async fn control_is_current(&self) -> Result<bool> {
        Ok(!self.look_over_fleet().await?.control_differs)
    }

    async fn look_over_fleet(&self) -> Result<Fleet> {
        // Logins may differ between clusters; the digests, made of unrendered texts, do not.
        let Some(doors) = self.0.clusters.values().next() else { return Ok(Fleet::default()) };
        let ledger = self.ledger(doors);
        let rows = self.0.control.run(&store::FLEET, &[&ledger.plumbing_digest(), &ledger.modules_digest()]).await?;
        let Some(row) = rows.first() else { return Ok(Fleet::default()) };
        let carried = ledger.control.iter().map(|m| format!("{} {} {}", m.module, m.number, m.checksum));
        let applied: Vec<String> = row.get("control");
        Ok(Fleet { behind: row.get("behind"), control_differs: !carried.eq(applied) })
    }

    async fn migrate_control(&self) -> Result<()> {
        let database = self.0.control.database();
        for doors in self.0.clusters.values() {
            // The control plane lives on the cluster that its pool enters.
            if std::ptr::eq(doors.application.server(), self.0.control.pool().server()) {
                let owner = owner(doors.owner.as_ref())?;
                let client = owner.connect(database).await.map_err(cloister_postgres::Error::from)?;
                let ledger = self.ledger(doors);
                migrate(&client, Ledger::control_target(), &ledger.control).await.map_err(ledger::failure)?;
            }
        }
        Ok(())
    }

    async fn databases_behind(&self) -> Result<Vec<Work>> {
        let Some(doors) = self.0.clusters.values().next() else { return Ok(Vec::new()) };
        let ledger = self.ledger(doors);
        let rows = self
            .0
            .control
            .run(&store::DATABASES_BEHIND, &[&ledger.plumbing_digest(), &ledger.modules_digest()])
            .await?;
        Ok(rows
            .iter()
            .map(|row| Work {
                database: row.get("id"),
                cluster: row.get("cluster_id"),
                name: row.get("name"),
                schema: None,
                shared: row.get::<_, &str>("purpose") == "shared",
            })
            .collect())
    }

    async fn placements_behind(&self) -> Result<Vec<Work>> {
        let Some(doors) = self.0.clusters.values().next() else { return Ok(Vec::new()) };
        let rows = self.0.control.run(&store::PLACEMENTS_BEHIND, &[&self.ledger(doors).modules_digest()]).await?;
        Ok(rows
            .iter()
            .map(|row| Work {
                database: row.get("database_id"),
                cluster: row.get("cluster_id"),
                name: row.get("name"),
                schema: Some(row.get("schema_name")),
                shared: false,
            })
            .collect())
    }

    async fn migrate_one(&self, work: &Work) -> Result<()> {
        let doors = self.doors(work.cluster)?;
        let ledger = self.ledger(doors);
        let client = owner(doors.owner.as_ref())?.connect(&work.name).await.map_err(cloister_postgres::Error::from)?;
        let modules = ledger.modules_digest();
        if let Some(schema) = &work.schema {
            migrate(&client, Ledger::placement_target(schema), &ledger.modules).await.map_err(ledger::failure)?;
            self.0.control.run(&store::SET_PLACEMENT_DIGEST, &[&work.database, schema, &modules]).await?;
            return Ok(());
        }
        migrate(&client, Ledger::plumbing_target(), &ledger.plumbing).await.map_err(ledger::failure)?;
        if work.shared {
            migrate(&client, Ledger::placement_target(SHARED_SCHEMA), &ledger.modules)
                .await
                .map_err(ledger::failure)?;
        }
        let shared = work.shared.then_some(modules);
        self.0.control.run(&store::SET_DATABASE_DIGESTS, &[&work.database, &ledger.plumbing_digest(), &shared]).await?;
        Ok(())
    }
}

pub(crate) fn owner(owner: Option<&Server>) -> Result<&Server> {
    owner.ok_or_else(|| {
        Error::new(
            ErrorKind::Unavailable,
            "owner_missing",
            "This node has no owner login, so it cannot make or change tables. Run this where the owner is configured.",
        )
    })
}
