//! The queue in the control plane: putting in, taking out fairly, keeping, giving back.

use std::{collections::BTreeMap, io, time::Duration};

use cloister_ids::{JobId, TenantId, Uuid};
use jiff::Timestamp;
use serde_json::Value;

use super::{WorkSettings, store};
use crate::{
    Error, ErrorKind, Result, Tenancy,
    control::{Control, RegistryTx},
};

/// Bytes of what a job is given, as JSON.
const MOST_PAYLOAD: usize = 64 * 1024;
/// Characters of its key.
const MOST_KEY: usize = 200;

/// A job put straight into the queue, by the platform rather than by a tenant's unit of work.
///
/// Work that goes with a tenant's rows is left by [`TenantTx::enqueue`](crate::TenantTx::enqueue) instead.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its kind, known to this program.
    pub kind: &'static str,
    /// Whose it is; none for the platform's own.
    pub tenant: Option<TenantId>,
    /// What it is given.
    pub payload: Value,
    /// Dropped while another of this kind, tenant and key waits.
    pub unique_key: Option<String>,
    /// Not before then; now when absent.
    pub run_at: Option<Timestamp>,
}

/// A job on its way into the queue.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) id: JobId,
    pub(super) tenant: Option<TenantId>,
    pub(super) kind: String,
    pub(super) payload: Value,
    pub(super) unique_key: Option<String>,
    pub(super) run_at: Timestamp,
    pub(super) created_at: Timestamp,
}

/// A job that this worker holds.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) id: JobId,
    pub(super) worker: Uuid,
    /// Counts from 1. With the worker it tells this holding from any other.
    pub(super) attempt: i32,
}

/// A job taken out, with what is needed to run it.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) claim: Claim,
    pub(super) tenant: Option<TenantId>,
    pub(super) kind: String,
    pub(super) payload: Value,
    pub(super) max_attempts: i32,
    pub(super) due: Timestamp,
}

/// What becomes of a job that is not done.
#[derive(Debug, Default)]
pub(super) struct Release {
    /// It has had its attempts.
    pub(super) dead: bool,
    /// Not before then; unchanged when absent.
    pub(super) run_at: Option<Timestamp>,
    /// Why.
    pub(super) error: Option<String>,
    /// The attempt does not count.
    pub(super) uncounted: bool,
    /// Only if the lease has run out.
    pub(super) lost: bool,
    /// The whole lane waits until then.
    pub(super) hold: Option<Timestamp>,
}

/// Refuses what would burden the queue: a job says where its work is, and does not carry it.
pub(crate) fn check_size(payload: &Value, unique_key: Option<&str>) -> Result<()> {
    if unique_key.is_some_and(|key| key.chars().count() > MOST_KEY) {
        return Err(Error::new(ErrorKind::Invalid, "job_key_too_long", "A job's key has at most 200 characters."));
    }
    serde_json::to_writer(Room(MOST_PAYLOAD), payload).map_err(|_| {
        Error::new(
            ErrorKind::Invalid,
            "job_payload_too_large",
            "What a job is given has at most 64 KiB as JSON. Store more elsewhere, and give the job its id.",
        )
    })
}

/// Takes so many bytes, keeps none, and refuses the next.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Tenancy {
    /// Puts a job into the queue. None when it was dropped for the sake of another that waits with its key.
    pub async fn enqueue(&self, job: NewJob) -> Result<Option<JobId>> {
        let mut tx = self.0.control.begin().await?;
        let entered = self.put_new(&mut tx, job).await?;
        tx.commit(&[(&store::NOTIFY, &[])]).await?;
        Ok(entered)
    }

    /// Puts a job into the queue within a unit of work. The caller notifies with the commit.
    pub(crate) async fn put_new(&self, tx: &mut RegistryTx, job: NewJob) -> Result<Option<JobId>> {
        if self.0.jobs.get(job.kind).is_none() {
            return Err(Error::internal(format!("no module has a job kind \"{}\"", job.kind)));
        }
        check_size(&job.payload, job.unique_key.as_deref())?;
        let now = self.0.clock.now();
        let incoming = Incoming {
            id: JobId::generate(&*self.0.clock),
            tenant: job.tenant,
            kind: job.kind.to_owned(),
            payload: job.payload,
            unique_key: job.unique_key,
            run_at: job.run_at.unwrap_or(now),
            created_at: now,
        };
        Ok(self.put(tx, vec![incoming]).await?.first().copied())
    }

    /// Puts jobs into the queue within a unit of work; answers which entered. The caller notifies with the commit.
    pub(super) async fn put(
        &self,
        tx: &mut RegistryTx,
        jobs: Vec<Incoming>,
    ) -> Result<Vec<JobId>, cloister_postgres::Error> {
        let mut lanes: BTreeMap<Uuid, (Option<i32>, Timestamp)> = BTreeMap::new();
        let count = jobs.len();
        let (mut ids, mut tenants, mut of_lanes) = (vec![], vec![], vec![]);
        let (mut kinds, mut payloads, mut keys) = (vec![], vec![], vec![]);
        let (mut priorities, mut run_at, mut attempts, mut created) = (vec![], vec![], vec![], vec![]);
        for job in jobs {
            let terms = self.0.jobs.terms(&job.kind, job.tenant);
            let lane = lanes.entry(terms.lane).or_insert((terms.most, job.run_at));
            lane.1 = lane.1.min(job.run_at);
            ids.push(job.id);
            tenants.push(job.tenant);
            of_lanes.push(terms.lane);
            kinds.push(job.kind);
            payloads.push(job.payload);
            priorities.push(terms.priority);
            run_at.push(job.run_at);
            attempts.push(terms.max_attempts);
            keys.push(job.unique_key);
            created.push(job.created_at);
        }
        let now = self.0.clock.now();
        let open: Vec<Uuid> = lanes.keys().copied().collect();
        let most: Vec<Option<i32>> = lanes.values().map(|(most, _)| *most).collect();
        let first: Vec<Timestamp> = lanes.values().map(|(_, first)| *first).collect();
        let rows = tx
            .query_all(&[
                (
                    &store::ENQUEUE,
                    &[&ids, &tenants, &of_lanes, &kinds, &payloads, &priorities, &run_at, &attempts, &keys, &created],
                ),
                (&store::OPEN_LANES, &[&open, &most, &first, &now]),
            ])
            .await?;
        let entered: Vec<JobId> = rows.iter().flatten().map(|row| row.get("id")).collect();
        metrics::counter!("cloister_jobs_enqueued_total").increment(entered.len() as u64);
        metrics::counter!("cloister_jobs_dropped_total").increment((count - entered.len()) as u64);
        Ok(entered)
    }
}

/// Takes up to `room` due jobs: as many from each lane, of as many lanes as there are, those first that were served least
/// recently. Two round trips, the second of which commits. None when it is no lane's turn.
///
/// A quarter of the worker's places is for lanes that have nothing running: however long the jobs of some tenants take, the
/// first of another finds a place.
pub(super) async fn take(
    control: &Control,
    worker: Uuid,
    room: usize,
    now: Timestamp,
    settings: &WorkSettings,
) -> Result<Option<Vec<Taken>>, cloister_postgres::Error> {
    let cap = i32::from(settings.lane_cap.max(1));
    let kept = if settings.concurrency < 2 { 0 } else { (settings.concurrency / 4).max(1) };
    let (room, fewer_than) = if room > kept { (room - kept, cap) } else { (room, 1) };
    let wanted = i64::try_from(room).unwrap_or(i64::MAX);
    let mut tx = control.begin().await?;
    let lanes: Vec<Uuid> = tx
        .query(&store::LOCK_LANES, &[&now, &cap, &wanted, &fewer_than])
        .await?
        .iter()
        .map(|row| row.get("lane"))
        .collect();
    if lanes.is_empty() {
        tx.commit(&[]).await?;
        return Ok(None);
    }
    let each = i32::try_from((room / lanes.len()).max(1)).unwrap_or(i32::MAX).min(i32::from(settings.per_lane.max(1)));
    let each = each.min(fewer_than);
    let lease = milliseconds(settings.lease);
    let rows = tx.commit(&[(&store::TAKE, &[&lanes, &cap, &each, &now, &worker, &lease])]).await?;
    let taken = |row: &cloister_postgres::Row| Taken {
        claim: Claim { id: row.get("id"), worker, attempt: row.get("attempts") },
        tenant: row.get("tenant_id"),
        kind: row.get("kind"),
        payload: row.get("payload"),
        max_attempts: row.get("max_attempts"),
        due: row.get("run_at"),
    };
    Ok(Some(rows.iter().flatten().map(taken).collect()))
}

fn milliseconds(lease: Duration) -> f64 {
    lease.as_secs_f64() * 1000.0
}

/// Keeps jobs for another lease; answers which of them are still held.
pub(super) async fn keep(
    control: &Control,
    worker: Uuid,
    jobs: &[JobId],
    lease: Duration,
) -> Result<Vec<JobId>, cloister_postgres::Error> {
    let rows = control.run(&store::HEARTBEAT, &[&worker, &jobs, &milliseconds(lease)]).await?;
    Ok(rows.iter().map(|row| row.get("id")).collect())
}

/// Records that a job is done, with a remark. False when it was no longer held.
pub(super) async fn done(
    control: &Control,
    claim: &Claim,
    now: Timestamp,
    remark: Option<&str>,
) -> Result<bool, cloister_postgres::Error> {
    let rows = control.run(&store::DONE, &[&claim.id, &claim.worker, &claim.attempt, &now, &remark]).await?;
    Ok(!rows.is_empty())
}

/// Gives a job back. False when it was no longer held.
pub(super) async fn release(
    control: &Control,
    claim: &Claim,
    now: Timestamp,
    how: &Release,
) -> Result<bool, cloister_postgres::Error> {
    let state = if how.dead { "dead" } else { "ready" };
    let error = how.error.as_deref().map(|text| text.chars().take(4000).collect::<String>().replace('\0', "\u{fffd}"));
    let uncounted = i32::from(how.uncounted);
    let mut again = true;
    loop {
        let outcome = control
            .run(
                &store::RELEASE,
                &[
                    &claim.id,
                    &claim.worker,
                    &claim.attempt,
                    &state,
                    &how.run_at,
                    &error,
                    &now,
                    &uncounted,
                    &how.lost,
                    &how.hold,
                ],
            )
            .await;
        match outcome {
            Ok(rows) => return Ok(!rows.is_empty()),
            // Another of its key came to wait in this very moment; looked at again, it is seen.
            Err(error) if again && error.constraint() == Some("job_waiting_key") => again = false,
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_job_is_given_so_much_and_no_more() {
        // Two quotes are part of it.
        assert!(check_size(&json!("x".repeat(MOST_PAYLOAD - 2)), None).is_ok());
        let refused = check_size(&json!("x".repeat(MOST_PAYLOAD - 1)), None).unwrap_err();
        assert_eq!(refused.code(), "job_payload_too_large");
        assert!(check_size(&Value::Null, Some(&"é".repeat(MOST_KEY))).is_ok());
        assert_eq!(check_size(&Value::Null, Some(&"é".repeat(MOST_KEY + 1))).unwrap_err().code(), "job_key_too_long");
    }
}
