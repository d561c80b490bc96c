//! What is forgotten in time: jobs that are done, deliveries of jobs that cannot come again, answers kept for repetitions.

use std::{sync::Arc, time::Duration};

use cloister_ids::{ClusterId, JobId, TenantId, Uuid};
use cloister_postgres::{Entry, Parameters, Statement, Transaction};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{CronEntry, JobContext, JobKind, Retention, outbox_store, store};
use crate::{Error, Result, Tenancy, ledger::PLUMBING_SCHEMA};

const KIND: &str = "kernel.purge";
/// Rows forgotten in one transaction: no lock is held for long.
const BATCH: usize = 1000;
const LIMIT: i64 = 1000;

/// How long things are kept, in seconds.
#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    done: u64,
    deliveries: u64,
    answers: u64,
}

pub(super) fn kind() -> JobKind {
    JobKind::new(KIND, purge).attempts(3).timeout(Duration::from_hours(1)).priority(super::Priority::Low)
}

/// Every hour at an odd minute, when few others do something.
pub(super) fn entry(retention: Retention) -> CronEntry {
    CronEntry {
        name: KIND.to_owned(),
        tenant: None,
        kind: KIND.to_owned(),
        payload: serde_json::json!(Payload {
            done: retention.done.as_secs(),
            deliveries: retention.deliveries.as_secs(),
            answers: retention.answers.as_secs(),
        }),
        schedule: "37 * * * *".to_owned(),
        time_zone: "UTC".to_owned(),
        enabled: true,
    }
}

async fn purge(job: JobContext) -> Result<()> {
    let Payload { done, deliveries, answers } = job.payload()?;
    let tenancy = job.tenancy();
    let now = tenancy.0.clock.now();
    let before = |seconds: u64| {
        let ago = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        now.checked_sub(ago).unwrap_or(Timestamp::UNIX_EPOCH)
    };
    let (done, deliveries, answers) = (before(done), before(deliveries), before(answers));
    while tenancy.0.control.run(&store::PURGE_DONE, &[&done, &LIMIT]).await?.len() == BATCH {}

    let mut failed = Vec::new();
    for cluster in tenancy.0.clusters.keys() {
        for row in tenancy.0.control.run(&store::DATABASES, &[cluster]).await? {
            let database: Arc<str> = row.get::<_, &str>("name").into();
            // One that cannot be reached must not keep the others from forgetting.
            if let Err(error) = tenancy.purge_database(*cluster, &database, deliveries, answers).await {
                failed.push(format!("{database}: {}", error.log()));
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(Error::unavailable(failed.join("; "))) }
}

impl Tenancy {
    async fn purge_database(
        &self,
        cluster: ClusterId,
        database: &Arc<str>,
        deliveries: Timestamp,
        answers: Timestamp,
    ) -> Result<()> {
        let forget = async |statement: &'static Statement, with: &Parameters<'_>| -> Result<usize> {
            let lease = self.doors(cluster)?.system.lease(database, Some(PLUMBING_SCHEMA)).await?;
            let tx = Transaction::new(lease, Some(PLUMBING_SCHEMA.into()), None);
            Ok(tx.commit(&[(statement, with)]).await?.concat().len())
        };
        while forget(&outbox_store::FORGET_ANSWERS, &[&answers, &LIMIT]).await? == BATCH {}

        let (mut last_at, mut last_id) = (Timestamp::UNIX_EPOCH, JobId::from_uuid(Uuid::nil()));
        loop {
            let mut lease = self.doors(cluster)?.system.lease(database, Some(PLUMBING_SCHEMA)).await?;
            let with: &Parameters<'_> = &[&deliveries, &last_at, &last_id, &LIMIT];
            let entry = Entry::plain(Some(PLUMBING_SCHEMA));
            let rows = lease.run(entry, &outbox_store::OLD_DELIVERIES, with).await?;
            drop(lease);
            let Some(last) = rows.last() else { return Ok(()) };
            (last_at, last_id) = (last.get("done_at"), last.get("job_id"));
            // A job that may run again, such as a dead one, must still find that it had its effect.
            let ids: Vec<JobId> = rows.iter().map(|row| row.get("job_id")).collect();
            let unfinished = self.0.control.run(&store::UNFINISHED, &[&ids]).await?;
            let unfinished: std::collections::HashSet<JobId> = unfinished.iter().map(|row| row.get("id")).collect();
            let (tenants, ids): (Vec<TenantId>, Vec<JobId>) = rows
                .iter()
                .map(|row| (row.get("tenant_id"), row.get("job_id")))
                .filter(|(_, id): &(TenantId, JobId)| !unfinished.contains(id))
                .unzip();
            forget(&outbox_store::FORGET_DELIVERIES, &[&tenants, &ids]).await?;
        }
    }
}
