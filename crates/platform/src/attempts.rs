//! How often somebody may fail to sign in. What is locked is the pair of name and network, so that nobody locks out others by
//! failing in their name; a device that is known counts for itself, so that not even a neighbour in the same network does.

use std::{net::IpAddr, time::Duration};

use cloister_ids::TenantId;
use cloister_tenancy::Result;
use jiff::Timestamp;

use crate::{Keyring, Purpose, policy::PasswordPolicy};

/// A network may fail so many times as often as a pair: a school is one address to the world.
const SOURCE: u32 = 20;
/// And a name, tried from anywhere; from there on it is only slowed.
const NAME: u32 = 50;
/// Between two attempts at a name that is tried from everywhere.
const PAUSE: Duration = Duration::from_secs(30);
/// Each failure after the first lock doubles it, so many times at most.
const DOUBLINGS: u32 = 4;
/// Failures are forgotten when there was none for so long.
pub(crate) const MEMORY: Duration = Duration::from_hours(24);

/// What failures are counted under. Nobody reads names or addresses off them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    /// A name from a network, or from a known device.
    pub(crate) own: [u8; 32],
    /// A network.
    pub(crate) source: [u8; 32],
    /// A name from anywhere.
    pub(crate) name: [u8; 32],
    /// It is a device that signed in to this account before.
    pub(crate) known_device: bool,
}

impl Keys {
    /// `name` is the address or user name in its form for finding, within `tenant` if it is one of a tenant's own accounts.
    /// `device` is the hash of a device's secret, given only when the account is known to have used that device.
    pub(crate) fn new(
        keyring: &Keyring,
        tenant: Option<TenantId>,
        name: &str,
        client: Option<IpAddr>,
        device: Option<&[u8]>,
    ) -> Result<Self> {
        let tenant = tenant.map_or_else(Vec::new, |tenant| tenant.uuid().as_bytes().to_vec());
        let mac = |parts: &[&[u8]]| keyring.mac(Purpose::SignIn, parts);
        let own = match device {
            Some(device) => mac(&[b"device", &tenant, name.as_bytes(), device])?,
            None => mac(&[b"pair", &tenant, name.as_bytes(), &network(client, 4)])?,
        };
        Ok(Self {
            own,
            source: mac(&[b"source", &network(client, 3)])?,
            name: mac(&[b"name", &tenant, name.as_bytes()])?,
            known_device: device.is_some(),
        })
    }
}

/// An address of IPv4, or so many segments of one of IPv6: whoever has one of those has the others behind it.
fn network(client: Option<IpAddr>, segments: usize) -> Vec<u8> {
    match client.map(|client| client.to_canonical()) {
        Some(IpAddr::V4(v4)) => v4.octets().to_vec(),
        Some(IpAddr::V6(v6)) => v6.octets()[..2 * segments].to_vec(),
        None => Vec::new(),
    }
}

/// Failures under one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    /// How many.
    pub(crate) failures: u32,
    /// When the last was.
    pub(crate) last_at: Timestamp,
}

/// Failures under all keys of an attempt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Failures {
    /// Of the pair, or of the known device.
    pub(crate) own: Option<Counted>,
    /// Of the network.
    pub(crate) source: Option<Counted>,
    /// Of the name.
    pub(crate) name: Option<Counted>,
}

/// Whether a password may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It may.
    Allow,
    /// Not before so long. Said alike for names that exist and names that do not.
    Wait(Duration),
}

/// Whether a password may be tried now.
pub(crate) fn decide(failures: &Failures, known_device: bool, now: Timestamp, policy: &PasswordPolicy) -> Decision {
    let lock = Duration::from_secs(60 * u64::from(policy.lock_minutes));
    let attempts = u32::from(policy.attempts);
    let own = failures.own.map_or(Duration::ZERO, |own| {
        let doublings = own.failures.saturating_sub(attempts).min(DOUBLINGS);
        // Never so long that it is forgotten meanwhile.
        left(own, attempts, (lock * 2_u32.pow(doublings)).min(MEMORY), now)
    });
    // Who comes with a device of the account does not answer for strangers.
    let strangers = if known_device {
        Duration::ZERO
    } else {
        let of = |counted: Option<Counted>, bound, pause| {
            counted.map_or(Duration::ZERO, |counted| left(counted, attempts.saturating_mul(bound), pause, now))
        };
        of(failures.source, SOURCE, lock).max(of(failures.name, NAME, PAUSE))
    };
    match own.max(strangers) {
        Duration::ZERO => Decision::Allow,
        wait => Decision::Wait(wait),
    }
}

/// What is left of a pause that begins with the last failure once there were so many.
fn left(counted: Counted, bound: u32, pause: Duration, now: Timestamp) -> Duration {
    if counted.failures < bound {
        return Duration::ZERO;
    }
    // A node whose clock is behind must not lock for longer than the pause.
    let since = Duration::try_from(now.duration_since(counted.last_at)).unwrap_or_default();
    pause.saturating_sub(since)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cloister_ids::{TenantId, Uuid};
    use jiff::{SignedDuration, Timestamp};

    use super::{Counted, Decision, Failures, Keys, MEMORY, decide};
    use crate::{Keyring, policy::PasswordPolicy};

    const NOON: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn counted(failures: impl Into<Option<u32>>) -> Option<Counted> {
        failures.into().map(|failures| Counted { failures, last_at: NOON })
    }

    fn wait(failures: Failures, known: bool, seconds: i64) -> u64 {
        let now = NOON + SignedDuration::from_secs(seconds);
        match decide(&failures, known, now, &PasswordPolicy::default()) {
            Decision::Allow => 0,
            Decision::Wait(wait) => wait.as_secs(),
        }
    }

    #[test]
    fn a_pair_is_locked_after_its_attempts_and_longer_each_time() {
        let after =
            |failures, seconds| wait(Failures { own: counted(failures), ..Failures::default() }, false, seconds);
        assert_eq!(wait(Failures::default(), false, 0), 0);
        assert_eq!(after(9, 0), 0);
        assert_eq!(after(10, 0), 900);
        assert_eq!(after(10, 899), 1);
        assert_eq!(after(10, 900), 0);
        assert_eq!(after(11, 900), 900, "the next failure locks for twice as long");
        assert_eq!(after(14, 0), 16 * 900);
        assert_eq!(after(1_000_000, 0), 16 * 900, "and there is an end to it");
        assert_eq!(after(10, -3600), 900, "whatever the clocks say");
    }

    #[test]
    fn a_lock_is_over_before_its_failures_are_forgotten() {
        let policy = PasswordPolicy { lock_minutes: 1440, ..PasswordPolicy::default() };
        let failures = Failures { own: counted(1000), ..Failures::default() };
        assert_eq!(decide(&failures, false, NOON, &policy), Decision::Wait(MEMORY));
    }

    #[test]
    fn strangers_lock_their_network_and_slow_a_name_and_known_devices_pass() {
        let source = Failures { source: counted(200), ..Failures::default() };
        assert_eq!((wait(source, false, 0), wait(source, false, 900)), (900, 0));
        assert_eq!(wait(Failures { source: counted(199), ..source }, false, 0), 0);
        let name = Failures { name: counted(500), ..Failures::default() };
        assert_eq!((wait(name, false, 0), wait(name, false, 30)), (30, 0));
        assert_eq!(wait(Failures { name: counted(1_000_000), ..name }, false, 30), 0, "only slowed, however many");
        assert_eq!(wait(Failures { name: counted(499), ..name }, false, 0), 0);
        let both = Failures { source: counted(10_000), name: counted(10_000), own: counted(9) };
        assert_eq!((wait(both, false, 0), wait(both, true, 0)), (900, 0));
        assert_eq!(wait(Failures { own: counted(10), ..both }, true, 0), 900, "a known device answers for itself");
    }

    #[test]
    fn keys_tell_names_networks_tenants_and_devices_apart() {
        let keyring = Keyring::new([3; 32]);
        let tenant = TenantId::from_uuid(Uuid::from_u128(1));
        let keys = |tenant, name, client: &str, device: Option<&[u8]>| {
            Keys::new(&keyring, tenant, name, Some(client.parse().unwrap()), device).unwrap()
        };
        let one = keys(None, "ada", "203.0.113.7", None);
        assert_eq!(one, keys(None, "ada", "::ffff:203.0.113.7", None));

        let neighbour = keys(None, "ada", "203.0.113.8", None);
        assert!(one.own != neighbour.own && one.source != neighbour.source && one.name == neighbour.name);
        let other = keys(None, "bob", "203.0.113.7", None);
        assert!(one.own != other.own && one.source == other.source && one.name != other.name);
        let pupil = keys(Some(tenant), "ada", "203.0.113.7", None);
        assert!(one.own != pupil.own && one.source == pupil.source && one.name != pupil.name);
        let device = keys(None, "ada", "203.0.113.7", Some(b"d"));
        assert!(one.own != device.own && device.known_device && !one.known_device);
        assert_eq!(device.own, keys(None, "ada", "198.51.100.1", Some(b"d")).own, "it goes where it is carried");

        let v6 = |client| keys(None, "ada", client, None);
        assert_eq!(v6("2001:db8:1:2::1"), v6("2001:db8:1:2:ffff::9"), "one computer has all of these");
        let (here, there) = (v6("2001:db8:1:2::1"), v6("2001:db8:1:3::1"));
        assert!(here.own != there.own && here.source == there.source);

        assert_ne!(Keys::new(&Keyring::new([4; 32]), None, "ada", None, None).unwrap().name, one.name);
        assert_eq!(MEMORY, Duration::from_hours(24));
    }
}
