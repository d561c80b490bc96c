//! Limits by rate: who may do how much of what, counted by each node for itself, in memory alone.

use std::{
    io::Write,
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use cloister_tenancy::{Error, ErrorKind, TenantEntry};

use crate::{
    Class, Key, Problem, Rate, RateSettings,
    bucket::{Buckets, Taken},
};

pub(crate) const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(crate) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Tenants and accounts of one node that are counted at a time.
const KNOWN: usize = 65_536;
/// Networks and names that strangers bring.
const STRANGERS: usize = 65_536;

/// The limits of this node and what was used of them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Rates(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    common: RwLock<RateSettings>,
    known: Buckets,
    /// Apart, so that no flood of made-up addresses makes a tenant's counts be forgotten.
    strangers: Buckets,
    begun: Instant,
}

/// What is left of a limit, for the client to know.
#[derive(Debug, Clone)]
pub struct Allowance {
    class: Class,
    rate: Rate,
    left: u32,
    whole: Duration,
}

impl Allowance {
    /// More requests that may follow at once.
    pub fn left(&self) -> u32 {
        self.left
    }

    /// Writes the headers `RateLimit` and `RateLimit-Policy`, where nothing nearer to the endpoint did.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        if headers.contains_key(LIMIT) {
            return;
        }
        if let (Some(limit), Some(policy)) = (self.limit(), self.policy()) {
            headers.insert(LIMIT, limit);
            headers.insert(POLICY, policy);
        }
    }

    fn limit(&self) -> Option<HeaderValue> {
        short(format_args!("\"{}\";r={};t={}", self.class.word(), self.left, ceil_seconds(self.whole)))
    }

    fn policy(&self) -> Option<HeaderValue> {
        let (quota, seconds) = (self.rate.quota(), self.rate.window().as_secs());
        short(format_args!("\"{}\";q={quota};w={seconds}", self.class.word()))
    }
}

/// A short text as a header's value.
fn short(text: std::fmt::Arguments<'_>) -> Option<HeaderValue> {
    let mut buffer = [0u8; 64];
    let mut rest = &mut buffer[..];
    rest.write_fmt(text).ok()?;
    let free = rest.len();
    HeaderValue::from_bytes(&buffer[..buffer.len() - free]).ok()
}

/// A client that comes back when it was told to is let in.
pub(crate) fn ceil_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

impl Rates {
    /// With these limits, and nothing used yet.
    pub fn new(settings: &RateSettings) -> Self {
        Self(Arc::new(Inner {
            common: RwLock::new(*settings),
            known: Buckets::new(KNOWN),
            strangers: Buckets::new(STRANGERS),
            begun: Instant::now(),
        }))
    }

    /// Other limits, from now on; what was used stays used.
    pub fn set(&self, settings: &RateSettings) {
        *self.0.common.write().unwrap_or_else(PoisonError::into_inner) = *settings;
    }

    /// Counts one act of this class for whoever the key stands for: a tenant, an account, the network of a client, or any
    /// text by [`Key::text`]. None when the class is not limited; 429 when there was too much of it.
    pub fn check(&self, class: Class, key: impl Into<Key>) -> Result<Option<Allowance>, Problem> {
        self.count(class, key.into(), self.common(class))
    }

    /// The same within a tenant, by its own limit or its plan's if there is one.
    pub(crate) fn check_tenant(&self, class: Class, tenant: &TenantEntry) -> Result<Option<Allowance>, Problem> {
        let rate = tenant.limits.rate(class).unwrap_or_else(|| self.common(class));
        self.count(class, Key::tenant(tenant.id), rate)
    }

    /// The same for what strangers do at a tenant's door: counted only where the tenant or its plan has a limit for it, as the
    /// installation's is for each network.
    pub(crate) fn check_door(&self, class: Class, tenant: &TenantEntry) -> Result<(), Problem> {
        let rate = tenant.limits.rate(class).unwrap_or(Rate::UNLIMITED);
        self.count(class, Key::tenant(tenant.id), rate).map(drop)
    }

    /// The same for the network of a client; calls within the process have none and are not counted.
    pub(crate) fn check_client(&self, class: Class, client: Option<IpAddr>) -> Result<Option<Allowance>, Problem> {
        client.map_or(Ok(None), |address| self.check(class, address))
    }

    /// Refuses when the next one of this network would be refused. Counts nothing.
    pub(crate) fn look(&self, class: Class, client: Option<IpAddr>) -> Result<(), Problem> {
        let Some(address) = client else { return Ok(()) };
        let rate = self.common(class);
        if rate.is_unlimited() {
            return Ok(());
        }
        match self.0.strangers.would_refuse(class, address.into(), rate, self.now()) {
            Some(wait) => Err(refused(class, rate, wait, rate.window_nanos())),
            None => Ok(()),
        }
    }

    fn common(&self, class: Class) -> Rate {
        self.0.common.read().unwrap_or_else(PoisonError::into_inner).of(class)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn count(&self, class: Class, key: Key, rate: Rate) -> Result<Option<Allowance>, Problem> {
        if rate.is_unlimited() {
            return Ok(None);
        }
        let buckets = if key.is_known() { &self.0.known } else { &self.0.strangers };
        match buckets.take(class, key, rate, self.now()) {
            Taken::Yes { left, whole } => Ok(Some(Allowance { class, rate, left, whole: Duration::from_nanos(whole) })),
            Taken::No { wait, whole } => Err(refused(class, rate, wait, whole)),
        }
    }
}

fn refused(class: Class, rate: Rate, wait: u64, whole: u64) -> Problem {
    metrics::counter!("cloister_rate_limited_total", "class" => class.word()).increment(1);
    let message = "There were too many requests of this kind. The header Retry-After says when to go on.";
    let error = Error::new(ErrorKind::TooMany, "rate_limited", message).retry_after(Duration::from_nanos(wait));
    let allowance = Allowance { class, rate, left: 0, whole: Duration::from_nanos(whole) };
    let problem = Problem::from(error);
    match (allowance.limit(), allowance.policy()) {
        (Some(limit), Some(policy)) => problem.header(LIMIT, limit).header(POLICY, policy),
        _ => problem,
    }
}

#[cfg(test)]
mod tests {
    use std::{net::IpAddr, time::Duration};

    use axum::{http::HeaderMap, response::IntoResponse};

    use super::Rates;
    use crate::{Class, Key, Rate, RateSettings};

    fn one_an_hour(class: Class) -> RateSettings {
        let mut settings = RateSettings::default();
        let rate = Rate::new(1, 3600);
        match class {
            Class::Read => settings.read = rate,
            _ => settings.sign_in = rate,
        }
        settings
    }

    #[test]
    fn headers_say_what_is_left_and_when_to_try_again() {
        let rates = Rates::new(&RateSettings { sign_in: Rate::new(2, 60), ..RateSettings::default() });
        let key = Key::text("somebody@north.example");
        let mut headers = HeaderMap::new();
        rates.check(Class::SignIn, key).unwrap().unwrap().write(&mut headers);
        assert_eq!(headers["ratelimit-policy"], "\"sign_in\";q=2;w=60");
        assert_eq!(headers["ratelimit"], "\"sign_in\";r=1;t=30");
        rates.check(Class::SignIn, key).unwrap();
        let refused = rates.check(Class::SignIn, key).unwrap_err().into_response();
        assert_eq!(refused.status(), 429);
        assert_eq!(refused.headers()["retry-after"], "30");
        assert_eq!(refused.headers()["ratelimit"], "\"sign_in\";r=0;t=60");
        rates.check(Class::SignIn, Key::text("somebody@south.example")).unwrap();
        // Strangers' networks likewise, and a look at one costs nothing.
        let client: IpAddr = "203.0.113.9".parse().unwrap();
        for _ in 0..5 {
            rates.look(Class::SignIn, Some(client)).unwrap();
        }
        rates.check_client(Class::SignIn, Some(client)).unwrap();
        rates.check_client(Class::SignIn, Some(client)).unwrap();
        assert!(rates.look(Class::SignIn, Some(client)).is_err());
        assert!(rates.check_client(Class::SignIn, None).unwrap().is_none());
    }

    #[test]
    fn limits_change_while_the_node_runs() {
        let (rates, client) = (Rates::new(&one_an_hour(Class::Read)), Some("203.0.113.9".parse::<IpAddr>().unwrap()));
        let read = || rates.check_client(Class::Read, client);
        read().unwrap();
        assert!(read().is_err());
        rates.set(&RateSettings { read: Rate::new(1000, 1), ..RateSettings::default() });
        // All was used, which now is a second's worth and comes back within it.
        assert!(read().is_err());
        std::thread::sleep(Duration::from_millis(10));
        read().unwrap();
        rates.set(&RateSettings::UNLIMITED);
        assert!(read().unwrap().is_none());
    }
}
