//! What this room does again and again for the whole installation, each on one node at a time.

use std::time::Duration;

use cloister_tenancy::{
    Result,
    jobs::{CronEntry, JobContext, JobKind, Priority},
};
use serde_json::json;

use crate::{
    Service, isolation, mail, membership,
    service::{Slot, opened},
    signup,
};

/// One such thing.
#[derive(Debug)]
pub(crate) struct Upkeep {
    /// The kind of its job, which is also its name on the schedule.
    pub(crate) kind: &'static str,
    /// When, in five fields, by UTC.
    pub(crate) when: &'static str,
    /// How long it may take.
    pub(crate) timeout: Duration,
}

const ALL: &[&Upkeep] = &[&isolation::UPKEEP, &mail::UPKEEP, &membership::UPKEEP, &signup::UPKEEP];

impl Upkeep {
    /// The kind of job that does it.
    pub(crate) fn job<W>(&self, slot: &Slot, work: fn(Service) -> W) -> JobKind
    where
        W: Future<Output = Result<()>> + Send + 'static,
    {
        let slot = slot.clone();
        let run = move |_: JobContext| {
            let service = opened(&slot);
            async move { work(service?).await }
        };
        JobKind::new(self.kind, run).attempts(3).timeout(self.timeout).priority(Priority::Low)
    }
}

impl Service {
    /// Puts everything this room does again and again on the schedule. Doing so again changes nothing.
    pub async fn schedule_upkeep(&self) -> Result<()> {
        for Upkeep { kind, when, .. } in ALL {
            let entry = CronEntry {
                name: (*kind).to_owned(),
                tenant: None,
                kind: (*kind).to_owned(),
                payload: json!({}),
                schedule: (*when).to_owned(),
                time_zone: "UTC".to_owned(),
                enabled: true,
            };
            self.tenancy().schedule(&entry).await?;
        }
        Ok(())
    }
}
