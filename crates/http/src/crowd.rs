//! How many requests may be inside at a time: of the node, and of each tenant, so that the crowd of one leaves room for the
//! others.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cloister_tenancy::{Error, ErrorKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::{Key, Problem};

/// Bounds of what is done at a time.
#[derive(Debug, Clone, Copy)]
pub struct CrowdLimits {
    /// Requests inside this node.
    pub requests: usize,
    /// Requests of one tenant inside its endpoints. What they work with is shared out by the kernel, which lets them wait;
    /// this bounds what waits there, and what takes long to send what it has to say.
    pub tenant_requests: usize,
    /// Streams of events that are open, of which one tenant or one network of clients may have a quarter.
    pub streams: usize,
}

impl Default for CrowdLimits {
    fn default() -> Self {
        Self { requests: 1024, tenant_requests: 128, streams: 2000 }
    }
}

/// Everybody who is inside.
#[derive(Debug)]
pub(crate) struct Crowd {
    limits: CrowdLimits,
    inside: AtomicUsize,
    tenants: Shares,
    senders: Shares,
    streams: Shares,
    all_streams: Arc<Semaphore>,
    closing: watch::Sender<bool>,
}

/// A place of the node, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<Crowd>);

/// A place among what one network sends, given back when it is dropped.
#[derive(Debug)]
#[expect(dead_code, reason = "held to be dropped")]
pub(crate) struct Sending(OwnedSemaphorePermit);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A place among a tenant's requests, given back when it is dropped.
#[derive(Debug)]
#[expect(dead_code, reason = "held to be dropped")]
pub(crate) struct Share(OwnedSemaphorePermit);

/// A place for a stream of events, given back when it is dropped.
#[derive(Debug)]
#[expect(dead_code, reason = "held to be dropped")]
pub(crate) struct StreamPlace(OwnedSemaphorePermit, Option<OwnedSemaphorePermit>);

impl Crowd {
    pub(crate) fn new(limits: CrowdLimits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            inside: AtomicUsize::new(0),
            tenants: Shares::new(limits.tenant_requests.max(1)),
            senders: Shares::new((limits.requests / 4).max(1)),
            streams: Shares::new((limits.streams / 4).max(1)),
            all_streams: Arc::new(Semaphore::new(limits.streams)),
            closing: watch::Sender::new(false),
        })
    }

    /// A place in the node, or at once the answer that there is none.
    pub(crate) fn enter(self: &Arc<Self>) -> Result<Place, Problem> {
        if self.inside.fetch_add(1, Ordering::Relaxed) < self.limits.requests {
            return Ok(Place(self.clone()));
        }
        self.inside.fetch_sub(1, Ordering::Relaxed);
        Err(turned_away("overloaded", "This node has more to do than it can. Try again in a moment."))
    }

    /// A place among the requests with a body of one network, of which it may have a quarter of the node's: whoever sends
    /// slowly, before anybody knows who it is, leaves room for others.
    pub(crate) fn send(&self, network: Key) -> Result<Sending, Problem> {
        self.senders.try_enter(network).map(Sending).ok_or_else(|| {
            turned_away("network_busy", "Too much is being sent from your network at once. Try again in a moment.")
        })
    }

    /// A place among the tenant's requests, or at once the answer that there is none.
    pub(crate) fn share(&self, tenant: Key) -> Result<Share, Problem> {
        self.tenants
            .try_enter(tenant)
            .map(Share)
            .ok_or_else(|| turned_away("tenant_busy", "Too much is being done for this tenant at once. Try again."))
    }

    /// A place for a stream of events.
    pub(crate) fn stream(&self, of: Option<Key>) -> Result<StreamPlace, Problem> {
        let full =
            || turned_away("streams_exhausted", "Too many streams of events are open. Ask for the state instead.");
        let own = match of {
            Some(key) => Some(self.streams.try_enter(key).ok_or_else(full)?),
            None => None,
        };
        let all = self.all_streams.clone().try_acquire_owned().map_err(|_| full())?;
        Ok(StreamPlace(all, own))
    }

    /// Streams end from now on: they would hold up the end of the node.
    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Ready when the node is closing.
    pub(crate) fn closing(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut closing = self.closing.subscribe();
        async move { drop(closing.wait_for(|closing| *closing).await) }
    }
}

fn turned_away(code: &'static str, message: &'static str) -> Problem {
    metrics::counter!("cloister_turned_away_total", "code" => code).increment(1);
    Error::new(ErrorKind::Unavailable, code, message).retry_after(Duration::from_secs(1)).into()
}

/// Keys of one shard that are remembered while nobody of theirs is inside.
const KEPT: usize = 1024;
const SHARDS: usize = 16;

/// An equal share for each key.
#[derive(Debug)]
pub(crate) struct Shares {
    each: usize,
    shards: [Mutex<HashMap<Key, Arc<Semaphore>>>; SHARDS],
    hasher: RandomState,
}

impl Shares {
    pub(crate) fn new(each: usize) -> Self {
        let each = each.min(Semaphore::MAX_PERMITS);
        Self { each, shards: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }

    pub(crate) fn try_enter(&self, key: Key) -> Option<OwnedSemaphorePermit> {
        #[expect(clippy::cast_possible_truncation, reason = "any bits of the hash will do")]
        let at = self.hasher.hash_one(key) as usize % SHARDS;
        let mut shard = self.shards[at].lock().unwrap_or_else(PoisonError::into_inner);
        if !shard.contains_key(&key) && shard.len() >= KEPT {
            // A permit holds its semaphore: what nobody holds is as good as new.
            shard.retain(|_, inside| Arc::strong_count(inside) > 1);
        }
        let inside = shard.entry(key).or_insert_with(|| Arc::new(Semaphore::new(self.each)));
        inside.clone().try_acquire_owned().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{Crowd, CrowdLimits, KEPT, SHARDS, Shares};
    use crate::Key;

    #[tokio::test]
    async fn who_is_inside_is_remembered_and_the_others_forgotten() {
        let shares = Shares::new(1);
        let me = Key::text("me");
        let inside = shares.try_enter(me).unwrap();
        for at in 0..4 * KEPT * SHARDS {
            assert!(shares.try_enter(Key::text(&at.to_string())).is_some());
        }
        let kept: usize = shares.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(kept <= KEPT * SHARDS, "{kept}");
        assert!(shares.try_enter(me).is_none(), "one who is inside was forgotten");
        drop(inside);
        assert!(shares.try_enter(me).is_some());
    }

    #[tokio::test]
    async fn a_node_that_is_full_says_so_at_once() {
        let crowd = Crowd::new(CrowdLimits { requests: 1, streams: 8, ..CrowdLimits::default() });
        let place = crowd.enter().unwrap();
        assert_eq!(crowd.enter().unwrap_err().error().code(), "overloaded");
        drop(place);
        crowd.enter().unwrap();
        // Nobody has more than a quarter of the streams.
        let key = Some(Key::text("me"));
        let streams = [crowd.stream(key).unwrap(), crowd.stream(key).unwrap()];
        assert_eq!(crowd.stream(key).unwrap_err().error().code(), "streams_exhausted");
        let others: Vec<_> = (0..6).map(|_| crowd.stream(None).unwrap()).collect();
        assert!(crowd.stream(None).is_err());
        drop((streams, others));
        crowd.stream(key).unwrap();
    }
}
