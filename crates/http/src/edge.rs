//! What every endpoint can reach, and how the edge is set.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::extract::FromRef;
use cloister_tenancy::{Authenticator, Tenancy};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::{CrowdLimits, Network, RateSettings, Rates, crowd::Crowd};

/// Whether browsers may be told to insist on HTTPS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Environment {
    /// Reached over plain HTTP on this machine.
    #[default]
    Development,
    /// Reached over HTTPS.
    Production,
}

/// Bounds of one request.
#[derive(Debug, Clone, Copy)]
pub struct EdgeLimits {
    /// Bytes of a JSON body.
    pub body: usize,
    /// Arrays and objects inside each other in a JSON body.
    pub depth: usize,
    /// Bytes of a query string.
    pub query: usize,
    /// From the first byte of the body to its last.
    pub body_time: Duration,
    /// From the request to its answer.
    pub time: Duration,
}

impl Default for EdgeLimits {
    fn default() -> Self {
        Self {
            body: 1024 * 1024,
            depth: 32,
            query: 8 * 1024,
            body_time: Duration::from_secs(15),
            time: Duration::from_secs(30),
        }
    }
}

/// How the edge is set.
#[derive(Debug, Clone, Default)]
pub struct EdgeSettings {
    /// Bounds of one request.
    pub limits: EdgeLimits,
    /// Whose forwarded headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// Who may read `/metrics` besides this machine itself.
    pub metrics_readers: Vec<Network>,
    /// Whether browsers may be told to insist on HTTPS.
    pub environment: Environment,
    /// How often something may be done, at first: [`Rates::set`] changes it.
    pub rates: RateSettings,
    /// How much may be done at a time.
    pub crowd: CrowdLimits,
}

/// What every endpoint can reach. Cheap to clone.
#[derive(Clone)]
pub struct Edge(Arc<Inner>);

struct Inner {
    tenancy: Tenancy,
    authenticator: Arc<dyn Authenticator>,
    settings: Arc<EdgeSettings>,
    metrics: Option<PrometheusHandle>,
    closing: AtomicBool,
    rates: Rates,
    crowd: Arc<Crowd>,
    /// When the control plane was last asked, and whether it answered.
    readiness: Mutex<Option<(Instant, bool)>>,
}

impl std::fmt::Debug for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edge").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Edge {
    /// `metrics` is what `/metrics` renders; without it the address does not exist.
    pub fn new(
        tenancy: Tenancy,
        authenticator: Arc<dyn Authenticator>,
        settings: EdgeSettings,
        metrics: Option<PrometheusHandle>,
    ) -> Self {
        Self(Arc::new(Inner {
            rates: Rates::new(&settings.rates),
            crowd: Crowd::new(settings.crowd),
            tenancy,
            authenticator,
            settings: Arc::new(settings),
            metrics,
            closing: AtomicBool::new(false),
            readiness: Mutex::new(None),
        }))
    }

    /// The kernel.
    pub fn tenancy(&self) -> &Tenancy {
        &self.0.tenancy
    }

    /// Tells who calls.
    pub fn authenticator(&self) -> &dyn Authenticator {
        &*self.0.authenticator
    }

    /// How the edge is set.
    pub fn settings(&self) -> &Arc<EdgeSettings> {
        &self.0.settings
    }

    pub(crate) fn metrics(&self) -> Option<&PrometheusHandle> {
        self.0.metrics.as_ref()
    }

    /// Who may do how much of what.
    pub fn rates(&self) -> &Rates {
        &self.0.rates
    }

    /// One of the machines that requests of others come through.
    pub(crate) fn is_proxy(&self, address: IpAddr) -> bool {
        self.0.settings.trusted_proxies.iter().any(|proxy| proxy.contains(address.to_canonical()))
    }

    pub(crate) fn crowd(&self) -> &Arc<Crowd> {
        &self.0.crowd
    }

    /// `/readyz` answers 503 from now on, so that load balancers send nothing new. Streams of events end.
    pub fn close(&self) {
        self.0.closing.store(true, Ordering::Release);
        self.0.crowd.close();
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.0.closing.load(Ordering::Acquire)
    }

    pub(crate) fn readiness(&self) -> &Mutex<Option<(Instant, bool)>> {
        &self.0.readiness
    }
}

impl FromRef<Edge> for Arc<EdgeSettings> {
    fn from_ref(edge: &Edge) -> Self {
        edge.settings().clone()
    }
}
