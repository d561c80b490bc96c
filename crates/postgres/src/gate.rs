//! A fair gate before something scarce, such as the connections of a pool or the threads that hash passwords.
//!
//! Everybody who comes names a holder: an opaque key, and the share of the places that one holder may have. How many a holder
//! gets depends on how many are free at the moment: alone it gets its share of all; the more others are inside, the fewer, and
//! some places stay free for whoever has none yet. So nobody waits behind the crowd of another, whatever that crowd does with
//! its places and however long. Whoever gets none waits in its holder's own queue, which is bounded. A holder that works for
//! many, as the house does, has a line for each of them, and the lines take turns.

mod line;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use smallvec::SmallVec;
use tokio::{sync::oneshot, time::timeout};

use self::line::{Lines, Waiter};

/// How much of all places one holder may have while nobody else is inside, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u8);

impl Share {
    /// So many percent, at least one and at most a hundred.
    pub const fn percent(percent: u8) -> Self {
        Self(match percent {
            0 => 1,
            1..=100 => percent,
            _ => 100,
        })
    }

    /// In percent.
    pub const fn as_percent(self) -> u8 {
        self.0
    }
}

/// Who asks for a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    key: u128,
    share: Share,
    line: u128,
}

impl Holder {
    /// The house itself, for which some places are kept: what others wait for while they hold a place must not wait for them.
    pub const HOUSE: Self = Self { key: 0, share: Share::percent(75), line: 0 };

    /// Whoever the key stands for. Zero is the house's.
    pub const fn new(key: u128, share: Share) -> Self {
        Self { key, share, line: 0 }
    }

    /// The same holder, on account of somebody: who must wait, waits in a line with those of the same account.
    #[must_use]
    pub const fn for_account(self, line: u128) -> Self {
        Self { line, ..self }
    }
}

/// Bounds of a gate.
#[derive(Debug, Clone, Copy)]
pub struct GateSettings {
    /// Places inside.
    pub places: usize,
    /// How many of them are kept for the house.
    pub kept: usize,
    /// How many of one holder may wait in one line.
    pub queue: usize,
    /// How long they wait.
    pub wait: Duration,
}

/// Those of all holders that may wait.
const MOST_WAITING: usize = 10_000;
/// A place goes to the next of the same holder, for whom what it stands for is warm, unless somebody has waited for so long.
const PATIENCE: Duration = Duration::from_millis(10);

/// A gate. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: GateSettings,
    state: Mutex<State>,
}

/// A place, given back when it is dropped.
#[derive(Debug)]
pub struct Permit {
    gate: Gate,
    key: u128,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.leave(self.key);
    }
}

/// There was no place, and no room or no more time to wait for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full {
    /// How long the caller waited.
    pub waited: Duration,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no place became free within {:?}", self.waited)
    }
}

impl std::error::Error for Full {}

/// Counts for metrics and tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GateStatus {
    /// Places that are taken.
    pub inside: usize,
    /// Callers that wait.
    pub waiting: usize,
}

impl Gate {
    /// Nobody is inside yet.
    pub fn new(settings: GateSettings) -> Self {
        let settings = GateSettings { places: settings.places.max(1), ..settings };
        let state = State { places: settings.places, kept: settings.kept.min(settings.places - 1), ..State::default() };
        Self(Arc::new(Inner { settings, state: Mutex::new(state) }))
    }

    /// A place, at once or after a while.
    pub async fn enter(&self, holder: Holder) -> Result<Permit, Full> {
        let GateSettings { queue, wait, .. } = self.0.settings;
        let offered = match self.state().arrive(holder, queue) {
            Arrival::Inside => return Ok(self.permit(holder.key)),
            Arrival::Waits(offered) => offered,
            Arrival::Full => return Err(Full { waited: Duration::ZERO }),
        };
        match timeout(wait, offered).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Full { waited: wait }),
        }
    }

    /// Counts for metrics.
    pub fn status(&self) -> GateStatus {
        let state = self.state();
        let waiting = state.holders.values().map(|held| held.queue.present()).sum();
        GateStatus { inside: state.taken, waiting }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn permit(&self, key: u128) -> Permit {
        Permit { gate: self.clone(), key }
    }

    fn leave(&self, key: u128) {
        let admitted = self.state().leave(key);
        for (key, offer) in admitted {
            // Comes back, and leaves again, when the caller has gone meanwhile.
            drop(offer.send(self.permit(key)));
        }
    }
}

/// What one holder has.
#[derive(Debug)]
struct Held {
    share: Share,
    inside: usize,
    queue: Lines,
    /// When it was last given a place it had waited for, in turns of the gate.
    served: u64,
}

enum Arrival {
    Inside,
    Waits(oneshot::Receiver<Permit>),
    Full,
}

type Admitted = SmallVec<[(u128, oneshot::Sender<Permit>); 2]>;

#[derive(Debug, Default)]
struct State {
    places: usize,
    kept: usize,
    taken: usize,
    /// Who is inside or waits; nobody else is listed.
    holders: HashMap<u128, Held>,
    /// Who waits, and who went away while waiting and was not struck off yet.
    waiting: usize,
    turns: u64,
}

impl State {
    /// Places that somebody of this key could have now.
    fn free(&self, key: u128) -> usize {
        if key == Holder::HOUSE.key {
            return self.places - self.taken;
        }
        let house = self.holders.get(&Holder::HOUSE.key).map_or(0, |held| held.inside);
        self.places.saturating_sub(self.taken - house).saturating_sub(house.max(self.kept))
    }

    /// Who is inside with some may have one more while they are fewer than their share's part of what is still free. For a
    /// share of 75 of 100 that is three times as many as are free: three quarters of all when alone, three sevenths each for
    /// two, and so on, always with some to spare.
    fn may_enter(&self, key: u128, held: &Held) -> bool {
        let free = self.free(key);
        let (inside, share) = (held.inside, usize::from(held.share.0));
        free > 0 && (inside == 0 || inside * (100 - share) < share * free || self.is_kept_for(key, inside))
    }

    fn is_kept_for(&self, key: u128, inside: usize) -> bool {
        key == Holder::HOUSE.key && inside < self.kept
    }

    fn arrive(&mut self, holder: Holder, most: usize) -> Arrival {
        let Holder { key, share, line } = holder;
        let new = || Held { share, inside: 0, queue: Lines::default(), served: 0 };
        let mut held = self.holders.remove(&key).unwrap_or_else(new);
        // What the last one said holds: shares change while the gate is open.
        held.share = share;
        self.waiting -= held.queue.tidy_front();
        let arrival = if held.queue.is_empty() && self.may_enter(key, &held) {
            held.inside += 1;
            self.taken += 1;
            Arrival::Inside
        } else {
            self.join(&mut held, line, most)
        };
        if held.inside > 0 || !held.queue.is_empty() {
            self.holders.insert(key, held);
        }
        arrival
    }

    fn join(&mut self, held: &mut Held, line: u128, most: usize) -> Arrival {
        if held.queue.len_of(line) >= most || self.waiting >= MOST_WAITING {
            self.strike_off(held);
        }
        if held.queue.len_of(line) >= most || self.waiting >= MOST_WAITING {
            return Arrival::Full;
        }
        let (offer, offered) = oneshot::channel();
        held.queue.push(line, Waiter { since: Instant::now(), offer });
        self.waiting += 1;
        Arrival::Waits(offered)
    }

    /// Forgets who went away while waiting.
    fn strike_off(&mut self, of: &mut Held) {
        of.queue.tidy();
        for held in self.holders.values_mut() {
            held.queue.tidy();
        }
        self.waiting = of.queue.len() + self.holders.values().map(|held| held.queue.len()).sum::<usize>();
        self.holders.retain(|_, held| held.inside > 0 || !held.queue.is_empty());
    }

    fn leave(&mut self, key: u128) -> Admitted {
        self.taken -= 1;
        if let Some(held) = self.holders.get_mut(&key) {
            held.inside -= 1;
            if held.inside == 0 && held.queue.is_empty() {
                self.holders.remove(&key);
            }
        }
        let mut admitted = Admitted::new();
        while self.waiting > 0
            && let Some(next) = self.next(key)
        {
            self.turns += 1;
            let Some(held) = self.holders.get_mut(&next) else { break };
            let Some(waiter) = held.queue.pop() else { break };
            held.inside += 1;
            held.served = self.turns;
            self.taken += 1;
            self.waiting -= 1;
            admitted.push((next, waiter.offer));
        }
        admitted
    }

    /// Whose turn it is: the holder that just gave a place back, unless another has waited too long; then whoever has least
    /// beside its share, and of those the one that was served longest ago.
    fn next(&mut self, last: u128) -> Option<u128> {
        for held in self.holders.values_mut() {
            self.waiting -= held.queue.tidy_front();
        }
        self.holders.retain(|_, held| held.inside > 0 || !held.queue.is_empty());
        let now = Instant::now();
        let mut again = false;
        let mut late = false;
        let mut best: Option<((usize, u64), u128)> = None;
        for (key, held) in &self.holders {
            let Some(first) = held.queue.first() else { continue };
            if !self.may_enter(*key, held) {
                continue;
            }
            again |= *key == last;
            late |= *key != last && now.duration_since(first.since) >= PATIENCE;
            let rank = (held.inside * 10_000 / usize::from(held.share.0), held.served);
            if best.is_none_or(|(known, _)| rank < known) {
                best = Some((rank, *key));
            }
        }
        if again && !late { Some(last) } else { best.map(|(_, key)| key) }
    }
}

#[cfg(test)]
mod tests;
