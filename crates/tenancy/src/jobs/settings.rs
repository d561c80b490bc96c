//! Bounds of a node's work.

use std::time::Duration;

use tokio::sync::watch;

/// How much a node works, and how long things are kept.
#[derive(Debug, Clone, Copy)]
pub struct WorkSettings {
    /// Jobs running at once on this node. With 0 it relays and keeps the schedule, and leaves the jobs to others.
    pub concurrency: usize,
    /// Jobs running at once of one tenant, over all nodes.
    pub lane_cap: u16,
    /// Jobs taken from one tenant at a time.
    pub per_lane: u16,
    /// How long a job may go without a sign of life of its worker.
    pub lease: Duration,
    /// How often the queue is asked when nobody tells that there is something.
    pub poll: Duration,
    /// How often the shared outboxes are looked into. Those of single tenants are looked into by turn, much more seldom.
    pub sweep: Duration,
    /// How long running jobs may go on after the node was asked to stop.
    pub drain: Duration,
    /// How long things are kept.
    pub retention: Retention,
}

/// How long things are kept that nobody needs any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Jobs that are done. While one is known, carrying it again from an outbox does nothing.
    pub done: Duration,
    /// Deliveries, counted from their effect. One whose job may run again is kept for as long as it may.
    pub deliveries: Duration,
    /// Answers for whoever sends an idempotency key again.
    pub answers: Duration,
}

const DAY: Duration = Duration::from_hours(24);

impl Default for Retention {
    fn default() -> Self {
        Self { done: 7 * DAY, deliveries: 7 * DAY, answers: 7 * DAY }
    }
}

impl Default for WorkSettings {
    fn default() -> Self {
        Self {
            concurrency: 8,
            lane_cap: 4,
            per_lane: 4,
            lease: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            sweep: Duration::from_secs(2),
            drain: Duration::from_secs(10),
            retention: Retention::default(),
        }
    }
}

/// Tells the parts of a node's work to end.
#[derive(Debug, Clone)]
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    pub(super) fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    pub(super) fn is_told(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when told, and also when there is nobody left to tell.
    pub(super) async fn told(&mut self) {
        let _ = self.0.wait_for(|told| *told).await;
    }

    /// Sleeps, unless told. True when told.
    pub(super) async fn within(&mut self, pause: Duration) -> bool {
        tokio::time::timeout(pause, self.told()).await.is_ok()
    }
}
