//! A node's work put together: relays, schedule, worker, and the upkeep of the queue itself.

use std::{future::Future, time::Duration};

use cloister_ids::Uuid;
use futures_util::{FutureExt, future::join_all, pin_mut, select_biased};
use jiff::Timestamp;

use super::{
    WorkSettings, cron, purge,
    queue::{self, Claim, Release},
    relay::Relay,
    settings::Stop,
    store,
    worker::Worker,
};
use crate::{Result, Tenancy};

/// Lost jobs given back at once.
const LOST_AT_ONCE: i64 = 100;
/// How often jobs are counted.
const COUNT: Duration = Duration::from_secs(15);

impl Tenancy {
    /// Does this node's share of the background work until `shutdown` comes: carries jobs from the outboxes, keeps the
    /// schedule, runs jobs. Then takes no more, lets the running ones finish for as long as the settings allow, and gives
    /// the rest back. Any number of nodes may do this at once.
    pub async fn work(&self, settings: WorkSettings, shutdown: impl Future<Output = ()> + Send) -> Result<()> {
        let least = Duration::from_millis(10);
        let settings = WorkSettings {
            lease: settings.lease.max(least),
            poll: settings.poll.max(least),
            sweep: settings.sweep.max(least),
            ..settings
        };
        self.schedule(&purge::entry(settings.retention)).await?;
        let (tell, stop) = Stop::new();
        let relays = self.0.clusters.keys().map(|id| Relay::new(self.clone(), *id, settings).run(stop.clone()));
        let all = async {
            tokio::join!(
                join_all(relays),
                cron::run(self.clone(), settings.poll, stop.clone()),
                upkeep(self.clone(), settings, stop.clone()),
                Worker::new(self.clone(), settings).run(stop.clone()),
            )
        }
        .fuse();
        let shutdown = shutdown.fuse();
        pin_mut!(all, shutdown);
        select_biased! {
            () = shutdown => {
                tell.send_replace(true);
                all.await;
            }
            _ = all => {}
        }
        Ok(())
    }

    /// Gives jobs back whose worker gave no sign of life; those that had their attempts are dead. Answers how many.
    pub async fn recover_jobs(&self) -> Result<usize> {
        let control = &self.0.control;
        let now = self.0.clock.now();
        let lost = control.run(&store::LOST, &[&LOST_AT_ONCE]).await?;
        let mut recovered = 0;
        for row in &lost {
            let (attempt, most): (i32, i32) = (row.get("attempts"), row.get("max_attempts"));
            let claim = Claim { id: row.get("id"), worker: row.get::<_, Uuid>("worker"), attempt };
            let how = Release {
                dead: attempt >= most,
                run_at: Some(now),
                error: Some("its worker gave no sign of life".to_owned()),
                lost: true,
                ..Release::default()
            };
            // Somebody else may have been faster, or the worker came back.
            if queue::release(control, &claim, now, &how).await? {
                recovered += 1;
                tracing::warn!(job = %claim.id, attempt, dead = how.dead, "a job's worker gave no sign of life");
                metrics::counter!("cloister_jobs_lost_total").increment(1);
            }
        }
        Ok(recovered)
    }

    async fn count_jobs(&self) -> Result<()> {
        let counts = self.job_counts().await?;
        for (name, count) in [
            ("cloister_jobs_ready", counts.ready),
            ("cloister_jobs_due", counts.due),
            ("cloister_jobs_running", counts.running),
            ("cloister_jobs_dead", counts.dead),
        ] {
            metrics::gauge!(name).set(i32::try_from(count).unwrap_or(i32::MAX));
        }
        Ok(())
    }
}

async fn upkeep(tenancy: Tenancy, settings: WorkSettings, mut stop: Stop) {
    let mut counted: Option<Timestamp> = None;
    loop {
        match tenancy.recover_jobs().await {
            Ok(0) => {}
            Ok(_) => {
                let _ = tenancy.0.control.run(&store::NOTIFY, &[]).await;
            }
            Err(error) => tracing::warn!(error = %error.log(), "lost jobs could not be looked for"),
        }
        if let Err(error) = tenancy.seal_platform().await {
            tracing::warn!(error = %error.log(), "entries of the platform's audit log wait for their seal");
        }
        let now = tenancy.0.clock.now();
        if counted.is_none_or(|at| now.duration_since(at).unsigned_abs() >= COUNT) {
            counted = Some(now);
            if let Err(error) = tenancy.count_jobs().await {
                tracing::warn!(error = %error.log(), "jobs could not be counted");
            }
        }
        if stop.within(settings.lease / 2).await {
            return;
        }
    }
}
