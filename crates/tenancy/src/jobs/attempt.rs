//! One attempt at one job, from the moment it was taken to the moment the queue knows what came of it.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use cloister_ids::TenantId;
use cloister_postgres::mutation::{Guard, is_off};
use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::oneshot;

use super::{
    JobContext, JobKind,
    context::PAYLOAD_INVALID,
    queue::{self, Release, Taken},
};
use crate::{Account, Actor, Error, Result, Status, Tenancy, TenantEntry, door, error::BUSY, failpoint, on_account};

/// Why a running job is cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cancel {
    /// The node stops: the job goes back as if it had not been taken.
    Stopping,
    /// The lease is no longer ours: whoever holds the job now decides about it.
    Lost,
}

/// What came of an attempt.
enum Outcome {
    Done,
    /// The tenant is gone, and with it whatever it wanted done.
    Dropped,
    Back(Release),
    /// The tenant is shut: its whole lane waits until then, and the attempt does not count.
    Shut(TenantId, Timestamp),
    Lost,
}

/// A job whose kind only a newer program knows waits this long for one.
const UNKNOWN_KIND: SignedDuration = SignedDuration::from_secs(60);
/// While a tenant is moved, its fence is held or its share of the node is used up, its jobs wait this long.
const CHANGING: SignedDuration = SignedDuration::from_secs(2);
const SETTLE_PAUSE: Duration = Duration::from_millis(200);

pub(super) async fn run(tenancy: Tenancy, job: Taken, mut cancel: oneshot::Receiver<Cancel>, lease: Duration) {
    failpoint::reach("worker/after_fetch");
    let begun = Instant::now();
    let Some(kind) = tenancy.0.jobs.get(&job.kind).cloned() else {
        tracing::warn!(job = %job.claim.id, kind = job.kind, "this program does not know this kind of job; it waits");
        let now = tenancy.0.clock.now();
        let back = Release { run_at: Some(now + UNKNOWN_KIND), uncounted: true, ..Release::default() };
        return settle(&tenancy, &job, &Outcome::Back(back), lease).await;
    };
    let waited = tenancy.0.clock.now().duration_since(job.due).as_secs_f64();
    metrics::histogram!("cloister_job_wait_seconds", "kind" => kind.name).record(waited.max(0.0));
    let outcome = tokio::select! {
        outcome = attempt(&tenancy, &kind, &job) => outcome,
        why = &mut cancel => match why {
            Ok(Cancel::Stopping) => {
                let run_at = Some(tenancy.0.clock.now());
                Outcome::Back(Release { run_at, uncounted: true, ..Release::default() })
            }
            // Nobody is left who would keep the lease.
            Ok(Cancel::Lost) | Err(_) => Outcome::Lost,
        },
    };
    let word = match &outcome {
        Outcome::Done => "done",
        Outcome::Dropped => "dropped",
        Outcome::Back(back) if back.dead => "dead",
        Outcome::Back(back) if back.uncounted => "postponed",
        Outcome::Shut(..) => "postponed",
        Outcome::Back(_) => "failed",
        Outcome::Lost => "lost",
    };
    metrics::histogram!("cloister_job_seconds", "kind" => kind.name, "outcome" => word)
        .record(begun.elapsed().as_secs_f64());
    failpoint::reach("worker/before_done");
    settle(&tenancy, &job, &outcome, lease).await;
    failpoint::reach("worker/after_done");
    if let Outcome::Shut(id, _) = outcome {
        look_again(&tenancy, id).await;
    }
}

async fn attempt(tenancy: &Tenancy, kind: &JobKind, job: &Taken) -> Outcome {
    let cx = match job.tenant {
        None => None,
        Some(id) => match admit(tenancy, if is_off(Guard::JobTenant) { *door::first(id) } else { id }).await {
            Ok(Admission::Open(entry)) => {
                let mut cx = tenancy.background(entry, Actor::System(kind.name));
                cx.deadline = Some(Instant::now() + kind.timeout);
                Some(cx)
            }
            Ok(Admission::Shut(until)) => return Outcome::Shut(id, until),
            Ok(Admission::Gone) => {
                if let Err(error) = tenancy.forget_jobs(id).await {
                    tracing::warn!(tenant = %id, error = %error.log(), "jobs of a tenant that is gone remain for now");
                }
                return Outcome::Dropped;
            }
            Err(error) => return failed(tenancy, kind, job, &error),
        },
    };
    let context = JobContext {
        tenancy: tenancy.clone(),
        id: job.claim.id,
        kind: kind.name,
        payload: job.payload.clone(),
        attempt: u32::try_from(job.claim.attempt).unwrap_or(1),
        cx,
    };
    let handler = kind.handler.clone();
    let account = job.tenant.map_or(Account::House, Account::Tenant);
    let work = AssertUnwindSafe(on_account(account, async move { handler(context).await })).catch_unwind();
    let error = match tokio::time::timeout(kind.timeout, work).await {
        Ok(Ok(Ok(()))) => return Outcome::Done,
        Ok(Ok(Err(error))) => error,
        Ok(Err(panic)) => Error::internal(format!("the handler panicked: {}", words(&*panic))),
        Err(_) => Error::internal(format!("not finished within {:?}", kind.timeout)),
    };
    // A tenant that was shut while its job ran is no fault of the job.
    if let Some(id) = job.tenant
        && let Ok(Admission::Shut(until)) = admit(tenancy, id).await
    {
        return Outcome::Shut(id, until);
    }
    failed(tenancy, kind, job, &error)
}

fn failed(tenancy: &Tenancy, kind: &JobKind, job: &Taken, error: &Error) -> Outcome {
    let now = tenancy.0.clock.now();
    // Its tenant has what it may have of this node: no fault of the job either.
    if error.code() == "tenant_changing" || error.code() == BUSY {
        return Outcome::Back(Release { hold: Some(now + CHANGING), uncounted: true, ..Release::default() });
    }
    let attempt = u32::try_from(job.claim.attempt).unwrap_or(u32::MAX);
    let dead = job.claim.attempt >= job.max_attempts || error.code() == PAYLOAD_INVALID;
    let asked = error.retry_hint().and_then(|hint| SignedDuration::try_from(hint).ok()).unwrap_or_default();
    let wait = kind.backoff.after(attempt).max(asked);
    let text = error.log();
    if dead {
        tracing::error!(job = %job.claim.id, kind = kind.name, attempt, error = text, "a job is dead");
    } else {
        tracing::warn!(job = %job.claim.id, kind = kind.name, attempt, error = text, "a job failed and will be tried again");
    }
    let run_at = (!dead).then(|| now.checked_add(wait).unwrap_or(now));
    Outcome::Back(Release { dead, run_at, error: Some(text), ..Release::default() })
}

fn words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without words")
}

/// Whether a tenant's jobs may run.
enum Admission {
    Open(Arc<TenantEntry>),
    /// Not before then.
    Shut(Timestamp),
    Gone,
}

async fn admit(tenancy: &Tenancy, id: TenantId) -> Result<Admission> {
    if let Some(entry) = tenancy.0.registry.by_id(id)
        && entry.status == Status::Active
    {
        return Ok(Admission::Open(entry));
    }
    // What this node believes may be old, and the job's whole lane depends on it.
    let Some(entry) = tenancy.reread(id).await? else { return Ok(Admission::Gone) };
    let seconds = match entry.status {
        Status::Active => return Ok(Admission::Open(entry)),
        Status::Pending | Status::Preparing => 5,
        Status::Failed | Status::Suspended => 60,
        Status::Deleted | Status::Purging => 600,
    };
    Ok(Admission::Shut(tenancy.0.clock.now() + SignedDuration::from_secs(seconds)))
}

/// Whoever opens a tenant wakes its jobs. Where that came between the look at the tenant and the hold, nothing was held yet, and
/// the lane would wait although the tenant is open.
async fn look_again(tenancy: &Tenancy, id: TenantId) {
    let woken = match admit(tenancy, id).await {
        Ok(Admission::Open(_)) => tenancy.wake_jobs(id).await,
        Ok(Admission::Shut(_) | Admission::Gone) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = woken {
        tracing::warn!(tenant = %id, error = %error.log(), "jobs of a tenant that may be open by now wait for a while");
    }
}

/// Tells the queue, again and again until it can be told or the lease must have run out.
async fn settle(tenancy: &Tenancy, job: &Taken, outcome: &Outcome, lease: Duration) {
    let control = &tenancy.0.control;
    let begun = Instant::now();
    loop {
        let now = tenancy.0.clock.now();
        let told = match outcome {
            Outcome::Done => queue::done(control, &job.claim, now, None).await,
            Outcome::Dropped => queue::done(control, &job.claim, now, Some("the tenant is gone")).await,
            Outcome::Back(how) => queue::release(control, &job.claim, now, how).await,
            Outcome::Shut(_, until) => {
                let how = Release { hold: Some(*until), uncounted: true, ..Release::default() };
                queue::release(control, &job.claim, now, &how).await
            }
            Outcome::Lost => return,
        };
        match told {
            Ok(_) => return,
            Err(error) if error.is_transient() && begun.elapsed() < lease => tokio::time::sleep(SETTLE_PAUSE).await,
            Err(error) => {
                tracing::error!(job = %job.claim.id, %error, "what came of a job could not be recorded; its lease will run out");
                return;
            }
        }
    }
}
