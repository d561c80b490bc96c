//! One database's outbox: what its transactions left, carried to the queue.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use cloister_ids::{ClusterId, JobId, TenantId};
use cloister_postgres::Transaction;
use tokio::sync::Notify;

use super::{outbox_store, queue::Incoming, store};
use crate::{Placement, Result, Tenancy, failpoint, ledger::PLUMBING_SCHEMA};

/// Databases in which transactions of this node left jobs. At most as many as there are databases.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    left: Mutex<HashMap<ClusterId, HashSet<Arc<str>>>>,
    told: Notify,
}

impl Hints {
    /// A transaction that left jobs has committed.
    pub(crate) fn tell(&self, placement: &Placement) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.entry(placement.cluster).or_default().insert(placement.database.clone());
        drop(left);
        // Waiters are one a cluster: each looks whether it was meant.
        self.told.notify_waiters();
    }

    /// Databases of a cluster told since the last time.
    pub(super) fn take(&self, cluster: ClusterId) -> HashSet<Arc<str>> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.get_mut(&cluster).map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn told(&self) -> &Notify {
        &self.told
    }
}

/// Jobs carried in one transaction.
const BATCH: i64 = 500;

impl Tenancy {
    /// Carries everything that lies in a database's outbox; answers how much.
    ///
    /// Read and struck in one transaction there, inserted in another one here, committed first: killed between the two, the
    /// same jobs are carried again under the same ids, which the queue already has.
    pub(super) async fn carry(&self, cluster: ClusterId, database: &Arc<str>) -> Result<usize> {
        let system = &self.doors(cluster)?.system;
        let mut carried = 0;
        loop {
            let lease = system.lease(database, Some(PLUMBING_SCHEMA)).await?;
            let mut there = Transaction::new(lease, Some(PLUMBING_SCHEMA.into()), None);
            let rows = there.query(&outbox_store::LEFT, &[&BATCH]).await?;
            let jobs: Vec<Incoming> = rows
                .iter()
                .map(|row| Incoming {
                    id: row.get("id"),
                    tenant: Some(row.get("tenant_id")),
                    kind: row.get("kind"),
                    payload: row.get("payload"),
                    unique_key: row.get("unique_key"),
                    run_at: row.get("run_at"),
                    created_at: row.get("created_at"),
                })
                .collect();
            let Some(eldest) = jobs.first() else {
                there.rollback().await?;
                return Ok(carried);
            };
            let lag = self.0.clock.now().duration_since(eldest.created_at).as_secs_f64();
            metrics::histogram!("cloister_outbox_lag_seconds").record(lag.max(0.0));
            let count = jobs.len();
            let (tenants, ids): (Vec<Option<TenantId>>, Vec<JobId>) =
                jobs.iter().map(|job| (job.tenant, job.id)).unzip();

            failpoint::reach("relay/before_insert");
            let mut here = self.0.control.begin().await?;
            self.put(&mut here, jobs).await?;
            here.commit(&[(&store::NOTIFY, &[])]).await?;
            failpoint::reach("relay/after_insert");
            there.commit(&[(&outbox_store::CARRIED, &[&tenants, &ids])]).await?;
            failpoint::reach("relay/after_delete");

            carried += count;
            if i64::try_from(count).is_ok_and(|count| count < BATCH) {
                return Ok(carried);
            }
        }
    }
}
