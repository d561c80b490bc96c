//! Carrying a rollover out: whether it may be, and the job that does it.

use std::time::Duration;

use cloister_http::IdempotencyKey;
use cloister_ids::YearRolloverId;
use cloister_tenancy::{
    Action, Error, ErrorKind, OpContext, Result, Tenancy, TenantTx,
    jobs::{JobContext, JobKind, Priority},
};
use garde::Validate;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{RolloverState, YEAR_ROLLOVER, YearRollover, check_counts, conflict, run_store, some, store};
use crate::record::Record;

/// How a plan is carried out.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RolloverApply {
    /// Students who are undecided stay as they are. Without it, they are a reason to refuse.
    #[garde(skip)]
    #[serde(default)]
    pub leave_undecided: bool,
}

/// The job that carries it out.
const RUN: &str = "school.year_rollover";
/// A large school takes seconds, a slow database longer.
const TIME: Duration = Duration::from_mins(30);
/// Longer than any batch takes, with all its attempts.
const LOST: SignedDuration = SignedDuration::from_hours(2);
/// After so many it is told that it failed.
const ATTEMPTS: u16 = 5;
/// Students that are done in one transaction.
const BATCH: i64 = 200;

/// What a job is about.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct About {
    id: YearRolloverId,
}

/// What this folder leaves to jobs.
pub(crate) fn jobs() -> Vec<JobKind> {
    vec![JobKind::new(RUN, run).attempts(ATTEMPTS).timeout(TIME).lane_limit(1).priority(Priority::High)]
}

/// Leaves a job that carries a plan out, as part of `tx`.
pub(super) async fn apply(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    id: YearRolloverId,
    wish: RolloverApply,
) -> Result<YearRollover> {
    tx.cx().authorize(Action::Update, &YEAR_ROLLOVER)?;
    let before = store::lock(tx, key, id).await?;
    check_counts(&before)?;
    match before.state {
        RolloverState::Planned => {}
        // What was done before it failed was looked at then, and each of the others is looked at again.
        RolloverState::Failed => return begin(tx, before).await,
        RolloverState::Applying if !is_lost(&before, tx.cx()) => {
            return conflict("rollover_running", "This rollover is under way.");
        }
        // Two jobs at it would do nothing twice: each batch is one's alone.
        RolloverState::Applying => return begin(tx, before).await,
        RolloverState::Applied | RolloverState::Undone => {
            return conflict("rollover_not_planned", "This rollover was applied already. Make a new plan for another.");
        }
    }
    let years = run_store::years(tx, id).await?;
    let stale = run_store::stale(tx, id).await?;
    let newcomers = store::newcomers(tx, &before, years).await?;
    if !stale.is_empty() || !newcomers.is_empty() {
        let of = |ids: &[_]| if ids.is_empty() { String::new() } else { format!(" ({})", some(ids)) };
        let message = format!(
            "Since this plan was made {} of its records were changed{}, and {} are new{}. Make a new plan.",
            stale.len(),
            of(&stale),
            newcomers.len(),
            of(&newcomers)
        );
        return conflict("rollover_stale", message);
    }
    if before.undecided > 0 && !wish.leave_undecided {
        let message = format!(
            "{} students are undecided. Say what happens to them, or apply with leave_undecided, and they stay as they are.",
            before.undecided
        );
        return conflict("rollover_undecided", message);
    }
    begin(tx, before).await
}

/// Whether its job has said nothing for so long that it must have been lost.
fn is_lost(rollover: &YearRollover, cx: &OpContext) -> bool {
    cx.clock().now().duration_since(rollover.record.updated_at) > LOST
}

async fn begin(tx: &mut TenantTx, before: YearRollover) -> Result<YearRollover> {
    let record = before.record.clone().changed(tx.cx());
    let applied_by = Some(record.updated_by.clone());
    let rollover = YearRollover { state: RolloverState::Applying, failure: None, applied_by, record, ..before };
    run_store::begin(tx, &rollover).await?;
    tx.audit_act("year_rollover.apply", &YEAR_ROLLOVER, rollover.id, None);
    tx.enqueue(RUN, json!(About { id: rollover.id }), None, None)?;
    Ok(rollover)
}

async fn run(job: JobContext) -> Result<()> {
    let About { id } = job.payload()?;
    let (tenancy, cx) = (job.tenancy(), job.cx()?);
    match carry_out(tenancy, cx, id).await {
        Ok(()) => Ok(()),
        // Tried again, it may well succeed; and goes on where it was.
        Err(error) if passes(&error) && job.attempt() < u32::from(ATTEMPTS) => Err(error),
        Err(error) => {
            tracing::warn!(error = error.log(), rollover = %id, "a year rollover failed");
            let mut tx = tenancy.write(cx).await?;
            let rollover = store::lock(&mut tx, None, id).await?;
            if rollover.state != RolloverState::Applying {
                return tx.rollback().await;
            }
            let (now, by) = (cx.clock().now(), cx.actor().to_string());
            run_store::end(&mut tx, id, RolloverState::Failed, (now, &by), Some(error.code())).await?;
            tx.commit().await
        }
    }
}

/// Carries out what is left of a rollover that is under way: what its job does, for whoever has no jobs.
pub async fn carry_out(tenancy: &Tenancy, cx: &OpContext, id: YearRolloverId) -> Result<()> {
    cx.authorize(Action::Update, &YEAR_ROLLOVER)?;
    while batch(tenancy, cx, id).await? {}
    Ok(())
}

fn passes(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Internal | ErrorKind::TooMany)
}

/// Does what is next, and commits it with the mark that it is done. False when nothing is left, or it is not under way.
async fn batch(tenancy: &Tenancy, cx: &OpContext, id: YearRolloverId) -> Result<bool> {
    let mut tx = tenancy.write(cx).await?;
    let rollover = store::lock(&mut tx, None, id).await?;
    if rollover.state != RolloverState::Applying {
        tx.rollback().await?;
        return Ok(false);
    }
    let now = cx.clock().now();
    let by = rollover.applied_by.unwrap_or_else(|| cx.actor().to_string());
    let batch = run_store::next(&mut tx, id, BATCH).await?;
    if batch.students.is_empty() {
        run_store::end(&mut tx, id, RolloverState::Applied, (now, &by), None).await?;
        tx.audit_act("year_rollover.applied", &YEAR_ROLLOVER, id, Some(json!({ "done": rollover.done })));
        tx.commit().await?;
        return Ok(false);
    }
    let source = Record::new(cx).source.word();
    run_store::carry_out(&mut tx, id, &batch, (now, &by, source)).await?;
    tx.commit().await?;
    Ok(true)
}
