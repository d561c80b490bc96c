//! Counting who did how much, in bounded memory.
//!
//! One number a key: the moment at which everything it used has come back (the generic cell rate algorithm). A key whose
//! moment has passed is worth nothing and can be forgotten without loss; a cache that forgets by use would not know that, and
//! a library's limiter has one quota for all of its keys, for ever.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use cloister_ids::{AccountId, TenantId};
use cloister_tenancy::mutation::{Guard, is_off};
use sha2::{Digest, Sha256};

use crate::{Class, Rate};

/// Whom something is counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    kind: Kind,
    bits: u128,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Tenant,
    Account,
    Network,
    Text,
}

impl Key {
    /// For anything that has a name, such as an e-mail address. Only a hash of it is kept.
    pub fn text(text: &str) -> Self {
        let mut first = [0; 16];
        first.copy_from_slice(&Sha256::digest(text.as_bytes())[..16]);
        Self { kind: Kind::Text, bits: u128::from_be_bytes(first) }
    }

    /// The tenant, when it is one.
    pub(crate) fn tenant(tenant: TenantId) -> Self {
        let bits = if is_off(Guard::RateKeyTenant) { 0 } else { tenant.uuid().as_u128() };
        Self { kind: Kind::Tenant, bits }
    }

    /// Known to us, and so not to be made up by strangers.
    pub(crate) fn is_known(self) -> bool {
        matches!(self.kind, Kind::Tenant | Kind::Account)
    }
}

impl From<TenantId> for Key {
    fn from(tenant: TenantId) -> Self {
        Self::tenant(tenant)
    }
}

impl From<AccountId> for Key {
    fn from(account: AccountId) -> Self {
        Self { kind: Kind::Account, bits: account.uuid().as_u128() }
    }
}

/// The network that one customer of a provider has: an address of version 4, a /64 of version 6.
impl From<IpAddr> for Key {
    fn from(address: IpAddr) -> Self {
        let bits = match address.to_canonical() {
            IpAddr::V4(v4) => u128::from(v4.to_bits()),
            IpAddr::V6(v6) => v6.to_bits() >> 64 << 64,
        };
        Self { kind: Kind::Network, bits }
    }
}

/// What is left after a request was counted, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It may go on.
    Yes {
        /// More of them that may follow at once.
        left: u32,
        /// Until the quota is whole again.
        whole: u64,
    },
    /// It may not; nothing was counted.
    No {
        /// Until one is possible.
        wait: u64,
        /// Until the quota is whole again.
        whole: u64,
    },
}

/// Locks are held for a look and a change, so that a few of them are enough.
const SHARDS: usize = 32;

type Shard = HashMap<(Class, Key), u64>;

/// All counts of one kind of keys.
#[derive(Debug)]
pub(crate) struct Buckets {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    /// Keys of one shard.
    most: usize,
}

impl Buckets {
    /// Remembers about so many keys.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            most: (most / SHARDS).max(1),
        }
    }

    fn shard(&self, key: (Class, Key)) -> std::sync::MutexGuard<'_, Shard> {
        #[expect(clippy::cast_possible_truncation, reason = "any bits of the hash will do")]
        let at = self.hasher.hash_one(key) as usize % SHARDS;
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one request. `now` never goes back.
    pub(crate) fn take(&self, class: Class, key: Key, rate: Rate, now: u64) -> Taken {
        let (step, window) = (rate.step_nanos(), rate.window_nanos());
        let mut shard = self.shard((class, key));
        let known = shard.get_mut(&(class, key)).map(|until| settled(until, now, window));
        let used = known.as_deref().copied().unwrap_or(now);
        let until = used + step;
        if until > now + window {
            return Taken::No { wait: until - window - now, whole: used - now };
        }
        match known {
            Some(known) => *known = until,
            None => {
                if shard.len() >= self.most {
                    make_room(&mut shard, self.most, now);
                }
                shard.insert((class, key), until);
            }
        }
        let left = (now + window - until) / step.max(1);
        Taken::Yes { left: u32::try_from(left).unwrap_or(u32::MAX), whole: until - now }
    }

    /// What counting one would say, without counting it.
    pub(crate) fn would_refuse(&self, class: Class, key: Key, rate: Rate, now: u64) -> Option<u64> {
        let window = rate.window_nanos();
        let used = *settled(self.shard((class, key)).get_mut(&(class, key))?, now, window);
        (used + rate.step_nanos()).checked_sub(now + window).filter(|wait| *wait > 0)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }
}

/// What is written down, as it counts now: nothing of the past, and no more than one window. A window that became shorter
/// holds for what was counted before, and it is written down, so that it passes.
fn settled(until: &mut u64, now: u64, window: u64) -> &mut u64 {
    *until = (*until).clamp(now, now + window);
    until
}

/// Forgets what came back; if everybody is busy, whoever used least.
fn make_room(shard: &mut Shard, most: usize, now: u64) {
    shard.retain(|_, until| *until > now);
    if shard.len() >= most
        && let Some(least) = shard.iter().min_by_key(|(_, until)| **until).map(|(key, _)| *key)
    {
        shard.remove(&least);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{Buckets, Key, Taken};
    use crate::{Class, Rate};

    const SECOND: u64 = 1_000_000_000;

    fn key(text: &str) -> Key {
        Key::from(text.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn a_quota_may_be_used_at_once_and_comes_back_evenly() {
        let (buckets, rate, me) = (Buckets::new(1000), Rate::new(4, 2), Key::text("me"));
        let take = |now| buckets.take(Class::Read, me, rate, now);
        for left in [3, 2, 1, 0] {
            let whole = u64::from(4 - left) * SECOND / 2;
            assert_eq!(take(0), Taken::Yes { left, whole });
        }
        assert_eq!(take(0), Taken::No { wait: SECOND / 2, whole: 2 * SECOND });
        // What is refused costs nothing.
        assert_eq!(take(SECOND / 4), Taken::No { wait: SECOND / 4, whole: 7 * SECOND / 4 });
        assert_eq!(buckets.would_refuse(Class::Read, me, rate, SECOND / 4), Some(SECOND / 4));
        assert_eq!(buckets.would_refuse(Class::Read, me, rate, SECOND / 2), None);
        assert_eq!(take(SECOND / 2), Taken::Yes { left: 0, whole: 2 * SECOND });
        assert_eq!(take(60 * SECOND), Taken::Yes { left: 3, whole: SECOND / 2 });
        // Others, and other classes, are counted apart.
        assert!(matches!(buckets.take(Class::Write, me, rate, 0), Taken::Yes { left: 3, .. }));
        assert!(matches!(buckets.take(Class::Read, Key::text("you"), rate, 0), Taken::Yes { left: 3, .. }));
        // Another rate holds at once.
        assert!(matches!(buckets.take(Class::Read, me, Rate::new(1, 1), 60 * SECOND), Taken::No { .. }));
        assert!(matches!(buckets.take(Class::Read, me, Rate::new(9, 1), 61 * SECOND), Taken::Yes { left: 8, .. }));
    }

    #[test]
    fn a_network_is_an_address_of_version_4_and_a_64_of_version_6() {
        assert_eq!(key("203.0.113.9"), key("::ffff:203.0.113.9"));
        assert_ne!(key("203.0.113.9"), key("203.0.113.8"));
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    }

    #[test]
    fn a_flood_of_strangers_takes_no_more_room_and_frees_no_offender() {
        let (buckets, rate) = (Buckets::new(320), Rate::new(10, 10));
        let offender = key("198.51.100.7");
        while let Taken::Yes { .. } = buckets.take(Class::Refused, offender, rate, 0) {}
        for address in 0..20_000u32 {
            buckets.take(Class::Refused, Key::from(IpAddr::from(address.to_be_bytes())), rate, 1);
        }
        assert!(buckets.len() <= 320, "{}", buckets.len());
        assert!(matches!(buckets.take(Class::Refused, offender, rate, 2), Taken::No { .. }), "it was forgotten");
        // What came back is let go first.
        for address in 0..1000u32 {
            buckets.take(Class::Refused, Key::from(IpAddr::from(address.to_be_bytes())), rate, 20 * SECOND);
        }
        assert!(matches!(buckets.take(Class::Refused, offender, rate, 20 * SECOND), Taken::Yes { left: 9, .. }));
    }
}
