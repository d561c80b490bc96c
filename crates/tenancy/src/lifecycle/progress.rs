//! How far the making of a tenant got, as those who wait for it may see it: names of steps, and no word of what went wrong.

use std::collections::HashMap;

use cloister_ids::{TenantId, WorkflowId};
use jiff::Timestamp;

use super::definition::{Kind, State};
use crate::{Result, Tenancy, control::store};

/// How far a workflow got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Which one.
    pub workflow: WorkflowId,
    /// Where it is.
    pub state: State,
    /// Its steps, in order.
    pub steps: Vec<StepProgress>,
}

/// One of its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepProgress {
    /// Its stable name.
    pub name: &'static str,
    /// How it stands.
    pub state: StepState,
    /// When it was done.
    pub at: Option<Timestamp>,
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// Its turn has not come.
    Waiting,
    /// It is being done, or tried again.
    Running,
    /// It is done.
    Done,
    /// It failed, and waits for an operator.
    Failed,
}

impl Kind {
    /// The steps of a workflow that nobody asked for yet.
    pub fn untouched(self) -> Vec<StepProgress> {
        self.step_names().map(|name| StepProgress { name, state: StepState::Waiting, at: None }).collect()
    }
}

impl Tenancy {
    /// How far a tenant's latest workflow of this kind got; none when it never had one. One round trip.
    pub async fn progress(&self, tenant: TenantId, kind: Kind) -> Result<Option<Progress>> {
        let rows = self.0.control.run(&store::PROGRESS, &[&tenant, &kind.word()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (names, times): (Vec<&str>, Vec<Timestamp>) = (row.get("done"), row.get("done_at"));
        let done: HashMap<&str, Timestamp> = names.into_iter().zip(times).collect();
        let state = State::read(row.get("state"));
        let saved = usize::try_from(row.get::<_, i32>("step")).unwrap_or(0);
        let mut steps = kind.untouched();
        for (at, step) in steps.iter_mut().enumerate() {
            (step.state, step.at) = match state {
                _ if at < saved => (StepState::Done, done.get(step.name).copied()),
                State::Running if at == saved => (StepState::Running, None),
                State::Failed if at == saved => (StepState::Failed, None),
                _ => (StepState::Waiting, None),
            };
        }
        Ok(Some(Progress { workflow: row.get("id"), state, steps }))
    }
}
