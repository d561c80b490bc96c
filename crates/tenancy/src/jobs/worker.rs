//! A node's worker: takes jobs while there is room, keeps their leases, and gives them back when it is told to stop.

use std::{
    collections::{HashMap, HashSet},
    time::Instant,
};

use cloister_ids::{JobId, Uuid};
use cloister_postgres::Listener;
use tokio::{
    sync::oneshot,
    task::{Id, JoinSet},
};

use super::{
    WorkSettings,
    attempt::{self, Cancel},
    queue,
    settings::Stop,
};
use crate::Tenancy;

pub(super) struct Worker {
    tenancy: Tenancy,
    settings: WorkSettings,
    id: Uuid,
    tasks: JoinSet<()>,
    held: HashMap<Id, Held>,
    kept: Instant,
}

struct Held {
    job: JobId,
    cancel: Option<oneshot::Sender<Cancel>>,
}

impl Worker {
    pub(super) fn new(tenancy: Tenancy, settings: WorkSettings) -> Self {
        let id = cloister_ids::RequestId::generate(&*tenancy.0.clock).uuid();
        Self { tenancy, settings, id, tasks: JoinSet::new(), held: HashMap::new(), kept: Instant::now() }
    }

    /// Works until told to stop and everything taken is finished or given back. Dropped, it leaves its jobs to whoever finds
    /// their leases run out.
    pub(super) async fn run(mut self, mut stop: Stop) {
        if self.settings.concurrency == 0 {
            return;
        }
        let server = self.tenancy.0.control.pool().server().clone();
        let database = self.tenancy.0.control.database().to_string();
        let mut wake = Some(Listener::start(server, database, &["cloister_jobs"]));
        let mut heartbeat = tokio::time::interval(self.settings.lease / 3);
        heartbeat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut give_back: Option<tokio::time::Instant> = None;
        loop {
            let stopping = stop.is_told();
            if stopping {
                // Its connection is of no more use.
                wake = None;
                give_back.get_or_insert_with(|| tokio::time::Instant::now() + self.settings.drain);
                if self.held.is_empty() {
                    return;
                }
            } else {
                self.fill().await;
            }
            let patience = give_back.unwrap_or_else(tokio::time::Instant::now);
            tokio::select! {
                Some(ended) = self.tasks.join_next_with_id(), if !self.held.is_empty() => {
                    self.ended(ended);
                    while let Some(ended) = self.tasks.try_join_next_with_id() {
                        self.ended(ended);
                    }
                }
                _ = heartbeat.tick() => self.keep().await,
                () = stop.told(), if !stopping => {}
                () = tokio::time::sleep_until(patience), if stopping => {
                    self.cancel(Cancel::Stopping, |_| true);
                    give_back = Some(tokio::time::Instant::now() + self.settings.lease);
                }
                Some(_) = async { wake.as_mut()?.next().await }, if !stopping => {}
                () = tokio::time::sleep(self.settings.poll), if !stopping => {}
            }
        }
    }

    /// Takes jobs until there is no room or no lane has its turn. A lane may have its turn and yet nothing to take; being
    /// looked at settles that, so this ends; the bound is for what nobody thought of.
    async fn fill(&mut self) {
        for _ in 0..100 {
            let room = self.settings.concurrency.saturating_sub(self.held.len());
            if room == 0 {
                return;
            }
            let now = self.tenancy.0.clock.now();
            match queue::take(&self.tenancy.0.control, self.id, room, now, &self.settings).await {
                Ok(None) => return,
                Ok(Some(taken)) => {
                    for job in taken {
                        let id = job.claim.id;
                        // Lost and taken again by ourselves: the earlier attempt must not go on beside this one.
                        self.cancel(Cancel::Lost, |held| held == id);
                        let (cancel, cancelled) = oneshot::channel();
                        let task =
                            self.tasks.spawn(attempt::run(self.tenancy.clone(), job, cancelled, self.settings.lease));
                        self.held.insert(task.id(), Held { job: id, cancel: Some(cancel) });
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "no jobs can be taken right now");
                    return;
                }
            }
        }
    }

    fn ended(&mut self, ended: Result<(Id, ()), tokio::task::JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!(%error, "an attempt ended without settling; its lease will run out");
                error.id()
            }
        };
        self.held.remove(&id);
    }

    /// The sign of life. A job that does not come back from it, or whose lease ran out unrenewed, is let go of.
    async fn keep(&mut self) {
        if self.held.is_empty() {
            self.kept = Instant::now();
            return;
        }
        let jobs: Vec<JobId> = self.held.values().map(|held| held.job).collect();
        match queue::keep(&self.tenancy.0.control, self.id, &jobs, self.settings.lease).await {
            Ok(kept) => {
                self.kept = Instant::now();
                let kept: HashSet<JobId> = kept.into_iter().collect();
                // One that has just been settled does not come back either; telling its task changes nothing any more.
                self.cancel(Cancel::Lost, |job| !kept.contains(&job));
            }
            Err(error) => {
                tracing::warn!(%error, "the leases of running jobs could not be renewed");
                if self.kept.elapsed() >= self.settings.lease {
                    self.cancel(Cancel::Lost, |_| true);
                }
            }
        }
    }

    fn cancel(&mut self, why: Cancel, which: impl Fn(JobId) -> bool) {
        for held in self.held.values_mut().filter(|held| which(held.job)) {
            if let Some(cancel) = held.cancel.take() {
                let _ = cancel.send(why);
            }
        }
    }
}
