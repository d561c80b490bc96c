//! Kinds of jobs: what is done, how often it is tried, and how many of it a tenant may have running.

use std::{collections::HashMap, fmt, future::Future, sync::Arc, time::Duration};

use cloister_ids::{TenantId, Uuid};
use cloister_postgres::mutation::{Guard, is_off};
use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use sha2::{Digest, Sha256};

use super::JobContext;
use crate::{Error, Module, Result};

/// What a job does. It may be called more than once for one job: see [`JobContext::first_delivery`].
pub type JobHandler = Arc<dyn Fn(JobContext) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// A kind of job, as modules list them in [`Module::jobs`].
#[derive(Clone)]
pub struct JobKind {
    /// `module.noun_verb`, at most 100 characters. It names the actor of what the job does.
    pub name: &'static str,
    /// What it does.
    pub handler: JobHandler,
    /// How often it is tried before it is put among the dead.
    pub max_attempts: u16,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// The most of this kind that one tenant may have running at once, over all nodes. Such a kind queues apart, so that its
    /// backlog holds up no other kind of the same tenant.
    pub lane_limit: Option<u16>,
    /// What goes first within a tenant.
    pub priority: Priority,
    /// How long to wait after a failure.
    pub backoff: Backoff,
}

/// What goes first among the due jobs of one tenant. Between tenants it means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Priority {
    /// Somebody waits for it.
    High,
    /// The usual.
    #[default]
    Normal,
    /// When there is nothing else to do.
    Low,
}

impl Priority {
    pub(super) const fn rank(self) -> i16 {
        match self {
            Self::High => 0,
            Self::Normal => 1,
            Self::Low => 2,
        }
    }
}

/// Waiting times that double with each failure, up to a limit, each shortened at random by up to a half so that jobs which
/// failed together do not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// At most.
    pub most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_secs(5), most: Duration::from_hours(1) }
    }
}

impl Backoff {
    /// How long to wait after the failure of attempt `attempt`, which counts from 1.
    pub fn after(&self, attempt: u32) -> SignedDuration {
        let doubled = 2u32.saturating_pow(attempt.saturating_sub(1).min(31));
        let full = self.first.saturating_mul(doubled).min(self.most);
        let jittered = full.mul_f64(rand::random_range(0.5..=1.0));
        SignedDuration::try_from(jittered).unwrap_or(SignedDuration::MAX)
    }
}

impl JobKind {
    /// A kind with the usual bounds: 20 attempts over about ten hours, five minutes each.
    pub fn new<F, R>(name: &'static str, handler: F) -> Self
    where
        F: Fn(JobContext) -> R + Send + Sync + 'static,
        R: Future<Output = Result<()>> + Send + 'static,
    {
        Self {
            name,
            handler: Arc::new(move |context| Box::pin(handler(context))),
            max_attempts: 20,
            timeout: Duration::from_mins(5),
            lane_limit: None,
            priority: Priority::Normal,
            backoff: Backoff::default(),
        }
    }

    /// With another number of attempts.
    #[must_use]
    pub fn attempts(mut self, max_attempts: u16) -> Self {
        self.max_attempts = max_attempts.max(1);
        self
    }

    /// With another time for an attempt.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// With at most so many running for one tenant.
    #[must_use]
    pub fn lane_limit(mut self, most: u16) -> Self {
        self.lane_limit = Some(most.max(1));
        self
    }

    /// With another priority.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// With other waiting times.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }
}

impl fmt::Debug for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobKind").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The kinds this program knows.
#[derive(Debug)]
pub(crate) struct Kinds(HashMap<&'static str, JobKind>);

/// How a job enters the queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) lane: Uuid,
    pub(super) most: Option<i32>,
    pub(super) priority: i16,
    pub(super) max_attempts: i32,
}

impl Kinds {
    pub(crate) fn new(modules: &[Arc<dyn Module>]) -> Result<Self> {
        let mut kinds = HashMap::new();
        for kind in super::kernel_kinds().into_iter().chain(modules.iter().flat_map(|module| module.jobs())) {
            if kind.name.is_empty() || kind.name.len() > 100 {
                return Err(Error::internal(format!("the name of job kind \"{}\" is not 1 to 100 bytes", kind.name)));
            }
            if let Some(twice) = kinds.insert(kind.name, kind) {
                return Err(Error::internal(format!("two modules have a job kind \"{}\"", twice.name)));
            }
        }
        Ok(Self(kinds))
    }

    pub(super) fn get(&self, name: &str) -> Option<&JobKind> {
        self.0.get(name)
    }

    /// A kind that a newer program made known to the database is carried on the usual terms.
    pub(super) fn terms(&self, name: &str, tenant: Option<TenantId>) -> Terms {
        let home = tenant.filter(|_| !is_off(Guard::JobLane)).map_or(Uuid::nil(), TenantId::uuid);
        let Some(kind) = self.get(name) else {
            return Terms { lane: home, most: None, priority: Priority::Normal.rank(), max_attempts: 20 };
        };
        Terms {
            lane: if kind.lane_limit.is_some() { lane_apart(home, name) } else { home },
            most: kind.lane_limit.map(i32::from),
            priority: kind.priority.rank(),
            max_attempts: i32::from(kind.max_attempts),
        }
    }
}

/// The lane of a kind that has a limit of its own: the same wherever it is computed.
fn lane_apart(home: Uuid, kind: &str) -> Uuid {
    let digest = Sha256::digest([home.as_bytes(), kind.as_bytes()].concat());
    uuid::Builder::from_custom_bytes(std::array::from_fn(|at| digest[at])).into_uuid()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::SignedDuration;

    use super::Backoff;

    #[test]
    fn waiting_times_double_up_to_the_limit_and_are_never_more_than_halved() {
        let backoff = Backoff { first: Duration::from_secs(4), most: Duration::from_mins(1) };
        for (attempt, full) in [(1, 4), (2, 8), (3, 16), (4, 32), (5, 60), (40, 60), (u32::MAX, 60)] {
            for _ in 0..50 {
                let waited = backoff.after(attempt);
                assert!(waited <= SignedDuration::from_secs(full), "{attempt}: {waited}");
                assert!(waited * 2 >= SignedDuration::from_secs(full), "{attempt}: {waited}");
            }
        }
    }
}
