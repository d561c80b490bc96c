//! What a tenant can be asked to go through, by itself or as part of a larger unit of work.

use std::time::Duration;

use cloister_ids::{TenantId, WorkflowId};
use serde_json::{Value, json};

use super::definition::Kind;
use crate::{ControlTx, Requester, Result, Status};

/// What a tenant can be asked to go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantAct {
    /// Shut; everything is kept.
    Suspend,
    /// Opened again, also within the days of grace.
    Resume,
    /// Shut and marked to be removed after the days of grace: these, or the installation's.
    Delete {
        /// How long it is kept.
        grace: Option<Duration>,
    },
    /// Removed for good.
    Purge,
}

impl TenantAct {
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Suspend => Kind::Suspend,
            Self::Resume => Kind::Resume,
            Self::Delete { .. } => Kind::Delete,
            Self::Purge => Kind::Purge,
        }
    }

    /// The states it may be asked for in.
    pub(super) fn from(self) -> &'static [Status] {
        match self {
            Self::Suspend => &[Status::Active, Status::Suspended],
            Self::Resume => &[Status::Suspended, Status::Deleted, Status::Active],
            Self::Delete { .. } => &[Status::Active, Status::Suspended, Status::Deleted],
            Self::Purge => &[Status::Deleted, Status::Purging],
        }
    }

    pub(super) fn input(self) -> Value {
        match self {
            Self::Delete { grace: Some(grace) } => json!({ "grace_seconds": grace.as_secs() }),
            _ => json!({}),
        }
    }
}

impl ControlTx {
    /// Asks for something to be done to a tenant. Its row is locked from here on: nobody becomes a member meanwhile.
    pub async fn ask_tenant(
        &mut self,
        act: TenantAct,
        tenant: TenantId,
        reason: Option<&str>,
        by: impl Into<Requester>,
    ) -> Result<WorkflowId> {
        self.ask(act.kind(), tenant, act.from(), act.input(), reason, by.into()).await
    }
}
