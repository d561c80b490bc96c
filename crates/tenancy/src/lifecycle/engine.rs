//! Runs recorded workflows: one step at a time, saved after each, by whoever holds the lease.

use std::time::Duration;

use cloister_ids::{RequestId, TenantId, Uuid, WorkflowId};
use cloister_postgres::Row;
use serde_json::Value;

use super::definition::{Kind, State, Step, StepContext, StepFn, StepReport};
use crate::{Error, ErrorKind, Result, Tenancy, audit::Origin, control::store, failpoint};

/// A workflow as an operator sees it.
#[derive(Debug, Clone)]
pub struct WorkflowView {
    /// Its id.
    pub id: WorkflowId,
    /// What it does.
    pub kind: Kind,
    /// Whose it is.
    pub tenant: TenantId,
    /// Where it is.
    pub state: State,
    /// Steps that are saved.
    pub step: usize,
    /// Tries of the present step that failed.
    pub attempts: u32,
    /// Why the last try failed.
    pub error: Option<String>,
    /// How long until it is tried again.
    pub wait: Duration,
    requested_by: String,
    origin: Origin,
    reason: Option<String>,
    input: Value,
}

const ATTEMPTS: u32 = 6;

/// Doubling from a fifth of a second.
fn pause_after(attempts: u32) -> Duration {
    Duration::from_millis(200) * 2u32.saturating_pow(attempts.saturating_sub(1)).min(300)
}

fn view(row: &Row) -> Result<WorkflowView> {
    let word: &str = row.get("kind");
    let kind = Kind::read(word)
        .ok_or_else(|| Error::internal(format!("the workflow kind `{word}` is not known to this program")))?;
    Ok(WorkflowView {
        id: row.get("id"),
        kind,
        tenant: row.get("tenant_id"),
        state: State::read(row.get("state")),
        step: usize::try_from(row.get::<_, i32>("step")).unwrap_or(0),
        attempts: u32::try_from(row.get::<_, i32>("attempts")).unwrap_or(0),
        error: row.get("error"),
        wait: Duration::from_millis(u64::try_from(row.get::<_, i64>("wait_ms")).unwrap_or(0)),
        requested_by: row.get("requested_by"),
        origin: serde_json::from_value(row.get("origin")).map_err(Error::internal)?,
        reason: row.get("reason"),
        input: row.get("input"),
    })
}

impl Tenancy {
    /// A workflow as it stands.
    pub async fn workflow(&self, id: WorkflowId) -> Result<WorkflowView> {
        let rows = self.0.control.run(&store::WORKFLOW, &[&id]).await?;
        view(rows.first().ok_or_else(Error::not_found)?)
    }

    /// Runs a workflow to its end, waiting through back-offs, and follows it when another worker has it.
    pub async fn finish(&self, id: WorkflowId, tell: &(dyn Fn(StepReport) + Send + Sync)) -> Result<WorkflowView> {
        loop {
            match self.advance(id, tell).await {
                // Another worker has it now: who waits for the end need not care whose work it is.
                Err(error) if error.code() == LEASE_LOST => {}
                other => other?,
            }
            let now = match self.workflow(id).await {
                // A finished purge leaves its own record last; a finished undo of a provisioning leaves none.
                Err(error) if error.kind() == ErrorKind::NotFound => return Err(error),
                other => other?,
            };
            if !matches!(now.state, State::Running | State::Undoing) {
                return Ok(now);
            }
            tokio::time::sleep(now.wait.clamp(Duration::from_millis(50), Duration::from_secs(1))).await;
        }
    }

    /// One pass over the workflows that wait for a worker: those of a killed process, and those whose back-off is over.
    pub async fn tend_workflows(&self) -> Result<usize> {
        let due = self.0.control.run(&store::DUE_WORKFLOWS, &[&20i64]).await?;
        for row in &due {
            let id: WorkflowId = row.get("id");
            if let Err(error) = self.advance(id, &|_| {}).await {
                tracing::warn!(workflow = %id, error = error.log(), "a workflow could not be advanced");
            }
        }
        Ok(due.len())
    }

    /// Takes the workflow, if nobody has it, and runs steps until it ends, fails or must wait.
    async fn advance(&self, id: WorkflowId, tell: &(dyn Fn(StepReport) + Send + Sync)) -> Result<()> {
        // A holder is a claim, not a node: two tasks of one node exclude each other as two nodes do.
        let holder = RequestId::generate(&*self.0.clock).uuid();
        let claimed = self.0.control.run(&store::CLAIM_WORKFLOW, &[&id, &holder, &self.lease_ms()]).await?;
        let Some(row) = claimed.first() else { return Ok(()) };
        let mut now = view(row)?;
        let cx = StepContext {
            tenancy: self.clone(),
            workflow: id,
            tenant: now.tenant,
            requested_by: now.requested_by.clone(),
            origin: now.origin.clone(),
            reason: now.reason.clone(),
            input: now.input.clone(),
        };
        let steps = now.kind.steps();
        loop {
            let undoing = now.state == State::Undoing;
            let Some((step, act)) = next(steps, now.step, undoing) else {
                let end = if undoing { State::Undone } else { State::Done };
                now.state = end;
                self.ended(&cx, &now, holder).await?;
                return Ok(());
            };
            let point = |moment: &str| format!("{}/{}/{moment}", now.kind.word(), step.name);
            failpoint::reach(&point("before"));
            let outcome = match act {
                Some(act) => self.holding(id, holder, act(&cx)).await,
                None => Ok(()),
            };
            match outcome {
                Ok(()) => {
                    failpoint::reach(&point("done"));
                    let (word, number) = if undoing { ("undone", now.step) } else { ("done", now.step + 1) };
                    now.step = if undoing { now.step - 1 } else { now.step + 1 };
                    now.attempts = 0;
                    self.save(&now, holder, step.name, word, None, true).await?;
                    failpoint::reach(&point("saved"));
                    tell(StepReport { kind: now.kind, step: step.name, number, of: steps.len() });
                }
                Err(error) => {
                    now.attempts += 1;
                    now.error = Some(error.log());
                    let gone = error.code() == LEASE_LOST;
                    if gone {
                        return Err(error);
                    }
                    if now.attempts >= ATTEMPTS || !is_worth_another_try(&error) {
                        now.state = State::Failed;
                        metrics::counter!("cloister_workflow_failures_total", "kind" => now.kind.word()).increment(1);
                        tracing::error!(workflow = %id, tenant = %now.tenant, step = step.name, error = error.log(),
                            "a workflow failed and waits for an operator");
                        self.failed(&cx, now.kind).await?;
                    }
                    now.wait = pause_after(now.attempts);
                    self.save(&now, holder, step.name, "error", Some(&error), false).await?;
                    return Ok(());
                }
            }
        }
    }

    /// Runs a step while renewing the lease, and gives up when it was lost.
    async fn holding(&self, id: WorkflowId, holder: Uuid, act: impl Future<Output = Result<()>>) -> Result<()> {
        let mut act = std::pin::pin!(act);
        loop {
            tokio::select! {
                biased;
                outcome = &mut act => return outcome,
                () = tokio::time::sleep(self.0.lease / 3) => {
                    let kept = self.0.control.run(&store::RENEW_WORKFLOW, &[&id, &holder, &self.lease_ms()]).await?;
                    if kept.is_empty() {
                        return Err(lease_lost());
                    }
                }
            }
        }
    }

    async fn save(
        &self,
        now: &WorkflowView,
        holder: Uuid,
        step: &'static str,
        outcome: &'static str,
        error: Option<&Error>,
        keep: bool,
    ) -> Result<()> {
        let message = error.map(Error::log);
        let at = self.0.clock.now();
        let (number, attempts) = (i32::try_from(now.step).unwrap_or(0), i32::try_from(now.attempts).unwrap_or(0));
        let wait = if error.is_some() { now.wait.as_secs_f64() * 1000.0 } else { 0.0 };
        let tx = self.0.control.begin().await?;
        let rows = tx
            .commit(&[
                (
                    &store::SAVE_WORKFLOW,
                    &[
                        &now.id,
                        &holder,
                        &now.state.word(),
                        &number,
                        &attempts,
                        &wait,
                        &message,
                        &keep,
                        &at,
                        &self.lease_ms(),
                    ],
                ),
                (&store::LOG_STEP, &[&now.id, &step, &outcome, &message, &at]),
            ])
            .await?;
        if rows.first().is_none_or(Vec::is_empty) { Err(lease_lost()) } else { Ok(()) }
    }

    async fn ended(&self, cx: &StepContext, now: &WorkflowView, holder: Uuid) -> Result<()> {
        let at = self.0.clock.now();
        let number = i32::try_from(now.step).unwrap_or(0);
        let ended = self
            .0
            .control
            .run(
                &store::SAVE_WORKFLOW,
                &[
                    &now.id,
                    &holder,
                    &now.state.word(),
                    &number,
                    &0i32,
                    &0f64,
                    &None::<String>,
                    &false,
                    &at,
                    &self.lease_ms(),
                ],
            )
            .await?;
        if ended.is_empty() {
            return Err(lease_lost());
        }
        tracing::info!(workflow = %now.id, tenant = %cx.tenant, kind = now.kind.word(), state = now.state.word(), "workflow ended");
        Ok(())
    }

    /// A tenant whose making failed says so.
    async fn failed(&self, cx: &StepContext, kind: Kind) -> Result<()> {
        if kind == Kind::Provision {
            let at = self.0.clock.now();
            let from = ["pending", "preparing"].as_slice();
            self.0.control.run(&store::SET_STATUS, &[&cx.tenant, &from, &"failed", &at, &cx.requested_by]).await?;
            self.0.control.run(&store::NOTIFY, &[&cx.tenant.uuid().to_string()]).await?;
        }
        Ok(())
    }

    fn lease_ms(&self) -> f64 {
        self.0.lease.as_secs_f64() * 1000.0
    }
}

/// The step to take now and what taking it means in this direction.
fn next(steps: &'static [Step], saved: usize, undoing: bool) -> Option<(&'static Step, Option<StepFn>)> {
    if undoing {
        // The step after the last saved one may have been half done: nothing of it is lost by undoing it too.
        let step = saved.checked_sub(1).and_then(|at| steps.get(at))?;
        Some((step, step.undo))
    } else {
        steps.get(saved).map(|step| (step, Some(step.run)))
    }
}

const LEASE_LOST: &str = "lease_lost";

fn lease_lost() -> Error {
    Error::new(ErrorKind::Unavailable, LEASE_LOST, "Another worker took this over.")
}

/// What the request itself got wrong will not get right by repeating it.
fn is_worth_another_try(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Malformed | ErrorKind::Conflict)
}
