//! The job that notes the end of a visit when its time is over.

use cloister_ids::OperatorEntryId;
use cloister_tenancy::{
    Error, ErrorKind, Result,
    jobs::{JobContext, JobKind},
};
use serde::Deserialize;

use super::{entry, store};
use crate::{
    Service,
    service::{self, Slot},
};

/// The job's name.
pub(super) const KIND: &str = "platform.operator_entry_over";

#[derive(Debug, Deserialize)]
struct Over {
    entry: OperatorEntryId,
}

pub(crate) fn jobs(slot: &Slot) -> Vec<JobKind> {
    let slot = slot.clone();
    let over = move |job: JobContext| {
        let slot = slot.clone();
        async move { note(&service::opened(&slot)?, &job).await }
    };
    vec![JobKind::new(KIND, over)]
}

async fn note(service: &Service, job: &JobContext) -> Result<()> {
    let Over { entry: id } = job.payload()?;
    let mut tx = service.control().begin().await?;
    let entry = match store::lock_entry(&mut tx, id).await {
        Ok(entry) => entry,
        // It went with its tenant, or with the operator's account.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !entry::expire(&mut tx, &**service.tenancy().clock(), &entry).await? {
        // The database's clock is ahead of this node's.
        return Err(Error::unavailable("the visit is not over yet"));
    }
    tx.commit().await
}
