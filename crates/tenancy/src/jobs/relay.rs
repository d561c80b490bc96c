//! The relay of one cluster: it visits every outbox, those first in which this node has just left something. Where it is, it
//! also seals what was noted for the audit log.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use cloister_ids::ClusterId;
use cloister_postgres::Row;
use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};

use super::{WorkSettings, settings::Stop, store};
use crate::{Error, Result, Tenancy};

/// Outboxes visited at once on a cluster: fewer than the connections the system login has there.
const AT_ONCE: usize = 3;
/// A visit that takes longer is given up; what it carried stays carried.
const VISIT: Duration = Duration::from_mins(1);
/// How often the list of databases is read.
const LIST: Duration = Duration::from_secs(5);
/// Databases of single tenants visited in a second, when nothing was left in them: the safety net of a node that was killed
/// between a commit and its hint.
const SINGLES_A_SECOND: u32 = 10;
/// A database that cannot be reached is tried again after this long at most.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug)]
struct Outbox {
    single: bool,
    /// Something was left in it since its last visit began.
    told: bool,
    due: Instant,
    failures: u32,
}

impl Outbox {
    fn new(single: bool, due: Instant) -> Self {
        Self { single, told: false, due, failures: 0 }
    }

    fn is_due(&self, now: Instant) -> bool {
        self.due <= now || (self.told && self.failures == 0)
    }
}

pub(super) struct Relay {
    tenancy: Tenancy,
    cluster: ClusterId,
    settings: WorkSettings,
    outboxes: HashMap<Arc<str>, Outbox>,
    busy: HashSet<Arc<str>>,
    list_at: Instant,
}

/// What an errand brings back.
enum Back {
    Listed(Result<Vec<Row>, cloister_postgres::Error>),
    Visited(Arc<str>, Result<usize>),
}

impl Relay {
    pub(super) fn new(tenancy: Tenancy, cluster: ClusterId, settings: WorkSettings) -> Self {
        let list_at = Instant::now();
        Self { tenancy, cluster, settings, outboxes: HashMap::new(), busy: HashSet::new(), list_at }
    }

    /// Carries until told to stop; a visit that has begun is finished.
    pub(super) async fn run(mut self, mut stop: Stop) {
        let tenancy = self.tenancy.clone();
        let mut errands = FuturesUnordered::new();
        loop {
            let told = tenancy.0.outbox.told().notified();
            tokio::pin!(told);
            // From here on, being told is not missed.
            told.as_mut().enable();
            if !stop.is_told() {
                self.send_out(&tenancy, &errands);
            } else if errands.is_empty() {
                return;
            }
            let pause = self.pause(Instant::now());
            tokio::select! {
                Some(back) = errands.next(), if !errands.is_empty() => match back {
                    Back::Listed(rows) => self.listed(rows),
                    Back::Visited(name, outcome) => self.visited(&name, outcome),
                },
                () = &mut told, if !stop.is_told() => {}
                () = stop.told(), if !stop.is_told() => {}
                () = tokio::time::sleep(pause), if !stop.is_told() => {}
            }
        }
    }

    /// Begins the visits that are due, as many as may be under way at once, and reads the list of databases when it is old.
    fn send_out<'a>(&mut self, tenancy: &'a Tenancy, errands: &FuturesUnordered<BoxFuture<'a, Back>>) {
        let now = Instant::now();
        if self.list_at <= now {
            // Not again before this one is back.
            self.list_at = now + VISIT;
            errands.push(Box::pin(list(tenancy, self.cluster)));
        }
        for name in tenancy.0.outbox.take(self.cluster) {
            // A tenant placed after the last listing has a database that is not in it yet.
            self.outboxes.entry(name).or_insert(Outbox::new(true, now)).told = true;
        }
        while self.busy.len() < AT_ONCE
            && let Some(name) = self.next(now)
        {
            self.busy.insert(name.clone());
            if let Some(outbox) = self.outboxes.get_mut(&name) {
                outbox.told = false;
            }
            errands.push(Box::pin(visit(tenancy, self.cluster, name)));
        }
    }

    /// Learns of databases made and dropped since.
    fn listed(&mut self, rows: Result<Vec<Row>, cloister_postgres::Error>) {
        let now = Instant::now();
        self.list_at = now + LIST;
        match rows {
            Ok(rows) => {
                let known: HashMap<&str, bool> =
                    rows.iter().map(|row| (row.get("name"), row.get::<_, &str>("purpose") == "single")).collect();
                self.outboxes.retain(|name, outbox| outbox.told || known.contains_key(&**name));
                for (name, single) in known {
                    self.outboxes.entry(name.into()).or_insert(Outbox::new(single, now)).single = single;
                }
            }
            Err(error) => tracing::warn!(%error, "the relay cannot read which databases there are"),
        }
    }

    /// One in which something was just left, else the one that has waited longest for its visit.
    fn next(&self, now: Instant) -> Option<Arc<str>> {
        let due = self.outboxes.iter().filter(|(name, outbox)| outbox.is_due(now) && !self.busy.contains(*name));
        due.min_by_key(|(_, outbox)| (!outbox.told, outbox.due)).map(|(name, _)| name.clone())
    }

    fn pause(&self, now: Instant) -> Duration {
        let idle = self.outboxes.iter().filter(|(name, _)| !self.busy.contains(*name));
        // While as many visits are under way as may be, the next begins when one of them ends.
        let next = if self.busy.len() < AT_ONCE { idle.map(|(_, outbox)| outbox.due).min() } else { None };
        let wake = next.map_or(self.list_at, |due| due.min(self.list_at));
        wake.saturating_duration_since(now).clamp(Duration::from_millis(5), LIST)
    }

    fn visited(&mut self, name: &Arc<str>, outcome: Result<usize>) {
        self.busy.remove(name);
        let singles = u32::try_from(self.outboxes.values().filter(|outbox| outbox.single).count()).unwrap_or(u32::MAX);
        let by_turn = Duration::from_secs(10).max(Duration::from_secs(1) * (singles / SINGLES_A_SECOND));
        let Some(outbox) = self.outboxes.get_mut(name) else { return };
        let now = Instant::now();
        match outcome {
            Ok(carried) => {
                if carried > 0 {
                    metrics::counter!("cloister_outbox_carried_total").increment(carried as u64);
                }
                outbox.failures = 0;
                outbox.due = now + if outbox.single { by_turn } else { self.settings.sweep };
            }
            Err(error) => {
                outbox.failures += 1;
                let wait =
                    Duration::from_millis(500).saturating_mul(2u32.saturating_pow(outbox.failures)).min(PATIENCE);
                outbox.due = now + wait;
                tracing::warn!(database = %name, error = %error.log(), "jobs left in this database wait: it cannot be reached");
            }
        }
        let failing = self.outboxes.values().filter(|outbox| outbox.failures > 0).count();
        metrics::gauge!("cloister_outbox_unreachable", "cluster" => self.cluster.to_string())
            .set(u32::try_from(failing).unwrap_or(u32::MAX));
    }
}

async fn list(tenancy: &Tenancy, cluster: ClusterId) -> Back {
    Back::Listed(tenancy.0.control.run(&store::DATABASES, &[&cluster]).await)
}

async fn visit(tenancy: &Tenancy, cluster: ClusterId, name: Arc<str>) -> Back {
    let outcome = tokio::time::timeout(VISIT, tenancy.carry(cluster, &name)).await;
    // On the way, what was noted there is sealed. A database that cannot be reached is told of once.
    if let Ok(Ok(_)) = outcome {
        match tokio::time::timeout(VISIT, tenancy.seal(cluster, &name)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::warn!(database = %name, error = %error.log(), "audit entries wait for their seal");
            }
            Err(_) => {
                tracing::warn!(database = %name, "audit entries wait for their seal: no end of it within {VISIT:?}");
            }
        }
    }
    let outcome = outcome.unwrap_or_else(|_| Err(Error::unavailable(format!("no end of it within {VISIT:?}"))));
    Back::Visited(name, outcome)
}
