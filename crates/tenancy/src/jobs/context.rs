//! What a handler gets: the job, its tenant, and the way to an effect that happens once.

use cloister_ids::JobId;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Error, ErrorKind, OpContext, Result, Tenancy, TenantTx};

/// Code of the error for a payload that the handler cannot read. Trying again would not help.
pub(super) const PAYLOAD_INVALID: &str = "job_payload_invalid";

/// One attempt at one job.
#[derive(Debug, Clone)]
pub struct JobContext {
    pub(super) tenancy: Tenancy,
    pub(super) id: JobId,
    pub(super) kind: &'static str,
    pub(super) payload: Value,
    pub(super) attempt: u32,
    pub(super) cx: Option<OpContext>,
}

impl JobContext {
    /// The job.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// Its kind.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Which attempt this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// What it was given, read as a `T`. A payload that is none puts the job among the dead.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T> {
        T::deserialize(&self.payload).map_err(|error| {
            Error::new(ErrorKind::Malformed, PAYLOAD_INVALID, "The job was given something else than it expects.")
                .because(error)
        })
    }

    /// The kernel.
    pub fn tenancy(&self) -> &Tenancy {
        &self.tenancy
    }

    /// The context of the job's tenant, with the job as actor. An error for a job of the platform.
    pub fn cx(&self) -> Result<&OpContext> {
        self.cx.as_ref().ok_or_else(|| Error::internal(format!("a {} job belongs to no tenant", self.kind)))
    }

    /// Begins the unit of work that holds the job's effect on its tenant; none when an earlier delivery already had it.
    ///
    /// A worker may be killed after this commits and before the queue learns of it: the job is then delivered again, and
    /// finds here that nothing is left to do. Whatever is done outside this transaction may happen twice.
    pub async fn first_delivery(&self) -> Result<Option<TenantTx>> {
        let mut tx = self.tenancy.write(self.cx()?).await?;
        if tx.first_delivery(self.id).await? {
            return Ok(Some(tx));
        }
        tx.rollback().await?;
        Ok(None)
    }
}
