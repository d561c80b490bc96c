//! Which workflows there are and which steps they take. Kill tests and progress bars read the same lists.

use std::{fmt, future::Future, pin::Pin};

use cloister_ids::{TenantId, WorkflowId};

use super::{provision, purge, shut};
use crate::{Result, Tenancy, audit::Origin};

/// What a workflow does to a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// From a record to a tenant in use.
    Provision,
    /// Shut, with everything kept.
    Suspend,
    /// In use again, from suspension or within the days of grace.
    Resume,
    /// Shut and marked to be removed.
    Delete,
    /// Removed, with nothing left behind.
    Purge,
}

/// Where a workflow is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Onward.
    Running,
    /// Backward: it was abandoned.
    Undoing,
    /// Waiting for an operator to retry or abandon it.
    Failed,
    /// Complete.
    Done,
    /// Abandoned, and everything it made is gone.
    Undone,
}

impl State {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Undoing => "undoing",
            Self::Failed => "failed",
            Self::Done => "done",
            Self::Undone => "undone",
        }
    }

    pub(crate) fn read(word: &str) -> Self {
        match word {
            "running" => Self::Running,
            "undoing" => Self::Undoing,
            "done" => Self::Done,
            "undone" => Self::Undone,
            _ => Self::Failed,
        }
    }
}

/// Told as a workflow goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepReport {
    /// The workflow.
    pub kind: Kind,
    /// The step just saved.
    pub step: &'static str,
    /// Its place, from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

pub(crate) type StepFuture<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;
pub(crate) type StepFn = for<'a> fn(&'a StepContext) -> StepFuture<'a>;

/// One step. Each can be repeated after it was done, because a kill can come between doing it and saving that it was done.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) run: StepFn,
    pub(crate) undo: Option<StepFn>,
}

/// What a step works with.
pub(crate) struct StepContext {
    pub(crate) tenancy: Tenancy,
    pub(crate) workflow: WorkflowId,
    pub(crate) tenant: TenantId,
    pub(crate) requested_by: String,
    pub(crate) origin: Origin,
    pub(crate) reason: Option<String>,
    pub(crate) input: serde_json::Value,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[Self::Provision, Self::Suspend, Self::Resume, Self::Delete, Self::Purge];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Provision => "provision",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Delete => "delete",
            Self::Purge => "purge",
        }
    }

    pub(crate) fn read(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.word() == word)
    }

    pub(crate) const fn steps(self) -> &'static [Step] {
        match self {
            Self::Provision => provision::STEPS,
            Self::Suspend => shut::SUSPEND,
            Self::Resume => shut::RESUME,
            Self::Delete => shut::DELETE,
            Self::Purge => purge::STEPS,
        }
    }

    /// Names of the steps, in order.
    pub fn step_names(self) -> impl Iterator<Item = &'static str> {
        self.steps().iter().map(|step| step.name)
    }

    /// The places where a test may kill the process: before a step, after its effect, after it was saved.
    pub fn kill_points(self) -> Vec<String> {
        self.step_names()
            .flat_map(|step| ["before", "done", "saved"].map(|moment| format!("{}/{step}/{moment}", self.word())))
            .collect()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
