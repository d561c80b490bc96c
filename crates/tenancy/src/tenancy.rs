//! The kernel put together: clusters, control plane, registry, modules.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use cloister_ids::{Clock, ClusterId, RequestId, TenantId};
use cloister_postgres::{
    Event, FairPool, Listener, Pool, PoolSettings, Server,
    mutation::{Guard, is_off},
};

use crate::{
    Actor, AuditSealer, ConstraintRule, Error, Identity, KeyWrapper, Limits, Module, OpContext, PermissionSet,
    Registry, Result, TenantEntry, access,
    control::{Control, ControlPlane, store},
    ledger::Ledger,
};

/// A PostgreSQL server and our logins there.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// The name the registry knows it by.
    pub name: String,
    /// Application: requests.
    pub application: Server,
    /// System: relays, moves, exports.
    pub system: Server,
    /// Owner: tables and provisioning. Absent on a node that only serves.
    pub owner: Option<Server>,
}

/// What the kernel is built from.
pub struct Config {
    /// Hosts of tenants are labels under it, such as `localhost` or `schools.example`.
    pub base_domain: String,
    /// Databases are named after it.
    pub prefix: String,
    /// The first holds the control plane.
    pub clusters: Vec<Cluster>,
    /// Bounds of the application's connections, a cluster.
    pub pool: PoolSettings,
    /// How long a worker holds a workflow without a sign of life.
    pub lease: Duration,
    /// How long a deleted tenant is kept.
    pub grace: Duration,
    /// What tenants do.
    pub modules: Vec<Arc<dyn Module>>,
    /// What they may have.
    pub limits: Arc<dyn Limits>,
    /// What audit logs are sealed by.
    pub sealer: Arc<dyn AuditSealer>,
    /// What data keys are kept under.
    pub wrapper: Arc<dyn KeyWrapper>,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
}

/// The kernel. Cheap to clone.
#[derive(Clone)]
pub struct Tenancy(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) base_domain: String,
    pub(crate) prefix: String,
    pub(crate) control: Control,
    pub(crate) clusters: HashMap<ClusterId, Doors>,
    pub(crate) registry: Registry,
    pub(crate) modules: Vec<Arc<dyn Module>>,
    pub(crate) constraints: HashMap<&'static str, ConstraintRule>,
    pub(crate) limits: Arc<dyn Limits>,
    pub(crate) sealer: Arc<dyn AuditSealer>,
    pub(crate) wrapper: Arc<dyn KeyWrapper>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) lease: Duration,
    pub(crate) grace: Duration,
    pub(crate) registered: HashSet<usize>,
    pub(crate) jobs: crate::jobs::Kinds,
    /// Before work that keeps processors busy.
    pub(crate) long_work: cloister_postgres::Gate,
    /// Told when a transaction left something for the relay.
    pub(crate) outbox: crate::jobs::outbox::Hints,
    /// Refused requests that wait to be audited.
    pub(crate) mismatches: crate::mismatch::Mismatches,
    /// Told when a workflow was recorded on this node.
    pub(crate) workflows: tokio::sync::Notify,
    /// Tells what somebody may do now, for work that they asked for earlier.
    pub(crate) standings: std::sync::OnceLock<Arc<dyn crate::Standings>>,
}

/// A cluster as the running kernel uses it.
pub(crate) struct Doors {
    /// Shared out fairly among the tenants and the house.
    pub(crate) application: FairPool,
    pub(crate) system: Pool,
    pub(crate) owner: Option<Server>,
}

impl std::fmt::Debug for Tenancy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tenancy").field("registry", &self.0.registry).finish_non_exhaustive()
    }
}

impl Tenancy {
    /// Connects, refuses a login that could get round the walls, and reads the registry.
    pub async fn start(config: Config) -> Result<Self> {
        Self::start_with_control(config).await.map(|(tenancy, _)| tenancy)
    }

    /// The same, with the door to the control plane for the room that keeps accounts. It is handed out here and nowhere else:
    /// whoever holds a [`Tenancy`] cannot make one.
    pub async fn start_with_control(config: Config) -> Result<(Self, ControlPlane)> {
        let first = config.clusters.first().ok_or_else(|| Error::internal("no cluster is configured"))?;
        let control_database: Arc<str> = format!("{}_control", config.prefix).into();
        let control_pool = FairPool::new(first.application.clone(), config.pool);
        let control = Control::new(control_pool.clone(), control_database.clone());
        let privileges = |error: access::PrivilegeError| match error {
            access::PrivilegeError::Database(error) => Error::from(error),
            too_powerful @ access::PrivilegeError::TooPowerful { .. } => {
                Error::new(crate::ErrorKind::Forbidden, "login_too_powerful", too_powerful.to_string())
            }
        };
        access::check(&control_pool, &control_database).await.map_err(privileges)?;
        let known = control.run(&store::CLUSTERS, &[]).await?;
        let mut clusters = HashMap::new();
        for (at, cluster) in config.clusters.iter().enumerate() {
            let Some(row) = known.iter().find(|row| row.get::<_, &str>("name") == cluster.name) else {
                return Err(Error::new(
                    crate::ErrorKind::Unavailable,
                    "cluster_unknown",
                    format!("The registry knows no cluster \"{}\". Run `cloister init` for it.", cluster.name),
                ));
            };
            // The control plane and the tenants of its cluster share one budget.
            let application =
                if at == 0 { control_pool.clone() } else { FairPool::new(cluster.application.clone(), config.pool) };
            let system = Pool::new(cluster.system.clone(), PoolSettings { budget: 4, ..config.pool });
            clusters.insert(row.get("id"), Doors { application, system, owner: cluster.owner.clone() });
        }
        for row in control.run(&store::DATABASES, &[]).await? {
            if row.get::<_, &str>("purpose") != "single"
                && let Some(doors) = clusters.get(&row.get("cluster_id"))
            {
                access::check(&doors.application, &row.get::<_, String>("name").into()).await.map_err(privileges)?;
            }
        }
        let modules = config.modules;
        let constraints = modules.iter().flat_map(|m| m.constraints()).map(|rule| (rule.constraint, *rule)).collect();
        let registered = modules
            .iter()
            .flat_map(|m| m.statements().iter().chain(m.control_statements()).flat_map(|list| list.iter()))
            .chain(crate::tx::STATEMENTS)
            .map(|statement| std::ptr::from_ref::<cloister_postgres::Statement>(statement) as usize)
            .collect();
        let registry = Registry::new(modules_of(&modules), config.wrapper.clone());
        let jobs = crate::jobs::Kinds::new(&modules)?;
        let tenancy = Self(Arc::new(Inner {
            base_domain: config.base_domain,
            prefix: config.prefix,
            control,
            clusters,
            registry,
            modules,
            constraints,
            limits: config.limits,
            sealer: config.sealer,
            wrapper: config.wrapper,
            clock: config.clock,
            lease: config.lease,
            grace: config.grace,
            registered,
            jobs,
            long_work: crate::limits::long_work(),
            outbox: crate::jobs::outbox::Hints::default(),
            mismatches: crate::mismatch::Mismatches::default(),
            workflows: tokio::sync::Notify::new(),
            standings: std::sync::OnceLock::new(),
        }));
        tenancy.0.registry.catch_up(&tenancy.0.control).await?;
        let control = ControlPlane::new(tenancy.clone());
        Ok((tenancy, control))
    }

    /// Keeps the registry up to date until dropped. Notifications make it prompt; reading again from time to time makes it
    /// certain; and whoever is stale nevertheless is refused by the fence.
    pub async fn follow(&self) {
        let server = self.0.control.pool().server().clone();
        let mut listener = Listener::start(server, self.0.control.database().to_string(), &["cloister_registry"]);
        loop {
            let waited = tokio::time::timeout(Duration::from_secs(5), listener.next()).await;
            if matches!(waited, Ok(None)) {
                return;
            }
            if matches!(waited, Ok(Some(Event::Lost))) {
                continue;
            }
            if let Err(error) = self.0.registry.catch_up(&self.0.control).await {
                tracing::warn!(%error, "the registry could not be read; serving from what is known");
            }
            self.sweep();
        }
    }

    /// Waits until something was recorded on this node for [`tend_workflows`](Self::tend_workflows) to do, so that nobody waits
    /// for its next round.
    pub async fn workflow_recorded(&self) {
        self.0.workflows.notified().await;
    }

    fn sweep(&self) {
        let now = Instant::now();
        for doors in self.0.clusters.values() {
            doors.application.sweep(now);
            doors.system.sweep(now);
        }
    }

    /// Every tenant this node knows.
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// Hosts of tenants are labels under it.
    pub fn base_domain(&self) -> &str {
        &self.0.base_domain
    }

    /// Where time comes from.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// What tenants may have.
    pub fn limits(&self) -> &dyn Limits {
        &*self.0.limits
    }

    /// What tenants do.
    pub fn modules(&self) -> &[Arc<dyn Module>] {
        &self.0.modules
    }

    /// The context of a request: its tenant was resolved with all sources agreeing, its caller authenticated.
    pub fn context(
        &self,
        tenant: Arc<TenantEntry>,
        identity: &Arc<Identity>,
        request: RequestId,
        deadline: Option<Instant>,
    ) -> Result<OpContext> {
        if identity.tenant.is_some_and(|id| id != tenant.id) && !is_off(Guard::TokenTenant) {
            return Err(crate::Refusal::Mismatch.error());
        }
        Ok(OpContext {
            tenant,
            who: identity.clone(),
            request,
            client: None,
            deadline,
            clock: self.0.clock.clone(),
            whole: None,
        })
    }

    /// The context of background work and of the installation's own command line, within one tenant.
    pub fn background(&self, tenant: Arc<TenantEntry>, actor: Actor) -> OpContext {
        OpContext {
            who: Arc::new(Identity::new(actor, Some(tenant.id), PermissionSet::all())),
            tenant,
            request: RequestId::generate(&*self.0.clock),
            client: None,
            deadline: None,
            clock: self.0.clock.clone(),
            whole: None,
        }
    }

    /// Reads what changed in the registry, without waiting to be told.
    pub async fn refresh_registry(&self) -> Result<()> {
        Ok(self.0.registry.catch_up(&self.0.control).await?)
    }

    /// Whether the control plane answers.
    pub async fn ready(&self) -> Result<()> {
        self.0.control.run(&store::GENERATION, &[]).await?;
        Ok(())
    }

    /// Connections of all pools, for metrics.
    pub fn connections(&self) -> Vec<(ClusterId, &'static str, cloister_postgres::PoolStatus)> {
        let pools = |(id, doors): (&ClusterId, &Doors)| {
            [(*id, "application", doors.application.status()), (*id, "system", doors.system.status())]
        };
        self.0.clusters.iter().flat_map(pools).collect()
    }

    pub(crate) fn doors(&self, cluster: ClusterId) -> Result<&Doors> {
        self.0.clusters.get(&cluster).ok_or_else(|| {
            Error::unavailable(format!("cluster {cluster} is in the registry but not in this node's configuration"))
        })
    }

    pub(crate) fn ledger(&self, doors: &Doors) -> Ledger {
        Ledger::new(&self.0.modules, doors.application.server().user(), doors.system.server().user())
    }

    /// Reads a tenant again after the database contradicted this node, and says whether requests may be served now.
    pub(crate) async fn reread(&self, id: TenantId) -> Result<Option<Arc<TenantEntry>>> {
        Ok(self.0.registry.refresh(&self.0.control, id).await?)
    }
}

pub(crate) fn modules_of(modules: &[Arc<dyn Module>]) -> crate::registry::ModulesOf {
    let every: Vec<&'static str> = modules.iter().filter(|m| m.is_for_every_kind()).map(|m| m.name()).collect();
    let mut kinds: HashMap<&'static str, Vec<&'static str>> = HashMap::new();
    for module in modules {
        for kind in module.kinds() {
            kinds.entry(kind).or_insert_with(|| every.clone()).push(module.name());
        }
    }
    let kinds: HashMap<&'static str, Arc<[&'static str]>> = kinds.into_iter().map(|(k, v)| (k, v.into())).collect();
    let none: Arc<[&'static str]> = every.into();
    Box::new(move |kind| kinds.get(kind).unwrap_or(&none).clone())
}
