//! A pool whose connections are shared out fairly among those who ask: nobody gets one without passing the gate.

use std::{sync::Arc, time::Instant};

use crate::{Error, Gate, GateSettings, GateStatus, Holder, Lease, Pool, PoolSettings, PoolStatus, Server};

/// How many of one holder may wait for a connection.
const QUEUE: usize = 256;
/// One in so many connections is kept for the house.
const KEPT: usize = 8;

/// A pool behind a gate. Cheap to clone.
#[derive(Debug, Clone)]
pub struct FairPool {
    pool: Pool,
    gate: Gate,
}

impl FairPool {
    /// Opens nothing yet.
    pub fn new(server: Server, settings: PoolSettings) -> Self {
        let (places, wait) = (settings.budget, settings.wait);
        let gate = Gate::new(GateSettings { places, kept: places / KEPT, queue: QUEUE, wait });
        Self { pool: Pool::new(server, settings), gate }
    }

    /// Lends `holder` a connection to `database`, best one that stands in `schema`. It counts as the holder's until it is
    /// ready for others again, also where it was given back in the middle of a statement.
    pub async fn lease(&self, holder: Holder, database: &Arc<str>, schema: Option<&str>) -> Result<Lease, Error> {
        let permit = self.gate.enter(holder).await.map_err(|full| Error::Busy { waited: full.waited })?;
        Ok(self.pool.lease(database, schema).await?.held_by(permit))
    }

    /// Whom it enters as, and where.
    pub fn server(&self) -> &Server {
        self.pool.server()
    }

    /// Closes what has rested for longer than the settings allow; called from time to time.
    pub fn sweep(&self, now: Instant) {
        self.pool.sweep(now);
    }

    /// Closes the resting connections to one database, so that it can be renamed, copied or dropped.
    pub fn forget(&self, database: &str) {
        self.pool.forget(database);
    }

    /// Counts for metrics.
    pub fn status(&self) -> PoolStatus {
        let GateStatus { waiting, .. } = self.gate.status();
        let status = self.pool.status();
        PoolStatus { waiting: status.waiting + waiting, ..status }
    }
}
