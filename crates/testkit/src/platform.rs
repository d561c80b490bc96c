//! Databases of its own for each test, and a kernel on them.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use cloister_ids::{Clock, RequestId, SystemClock, TenantId};
use cloister_postgres::{PoolSettings, Server};
use cloister_tenancy::{
    Actor, AuditSealer, Cluster, Config, ControlPlane, DataKey, Installation, KeyWrapper, Logins, Module, NewTenant,
    NoLimits, OpContext, Tenancy, TenantEntry, Tier,
};

use secrecy::SecretBox;
use sha2::{Digest, Sha256};

use crate::Proxy;

/// How a platform for a test is made.
pub struct TestSettings {
    /// What tenants do.
    pub modules: Vec<Arc<dyn Module>>,
    /// Connections of the application.
    pub budget: usize,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Keep the registry up to date by listening.
    pub follow: bool,
}

impl Default for TestSettings {
    fn default() -> Self {
        Self { modules: vec![Arc::new(crate::Notebook)], budget: 8, clock: Arc::new(SystemClock), follow: true }
    }
}

/// An installation of its own: control plane, shared tables, and a kernel.
pub struct TestPlatform {
    /// The kernel of the first node.
    pub tenancy: Tenancy,
    /// Its door to the control plane.
    pub control: ControlPlane,
    /// Databases are named after it.
    pub prefix: String,
    /// The three logins.
    pub cluster: Cluster,
    settings: TestSettings,
    following: Option<tokio::task::JoinHandle<()>>,
}

/// Seals under a key that everybody can read. Tests only.
#[derive(Debug)]
pub struct PlainSealer;

impl AuditSealer for PlainSealer {
    fn mac(&self, parts: &[&[u8]]) -> cloister_tenancy::Result<[u8; 32]> {
        let mut hash = Sha256::new();
        hash.update(b"a key that is in no database");
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Ok(hash.finalize().into())
    }
}

impl KeyWrapper for PlainSealer {
    fn wrap(&self, tenant: TenantId, key: &[u8; 32]) -> cloister_tenancy::Result<Vec<u8>> {
        DataKey::new(&[7; 32])?.seal(tenant.uuid().as_bytes(), key)
    }

    fn unwrap(&self, tenant: TenantId, wrapped: &[u8]) -> cloister_tenancy::Result<SecretBox<[u8; 32]>> {
        let plain = DataKey::new(&[7; 32])?.open(tenant.uuid().as_bytes(), wrapped)?;
        let key = <[u8; 32]>::try_from(plain).map_err(|_| cloister_tenancy::Error::internal("not a data key"))?;
        Ok(SecretBox::new(Box::new(key)))
    }
}

const OWNER: &str = "test_owner";
const APPLICATION: &str = "test_application";
const SYSTEM: &str = "test_system";
const PASSWORD: &str = "only for tests";

/// The server that tests run on, entered by its administrator.
pub fn admin_server() -> Server {
    let url = std::env::var("CLOISTER_TEST_ADMIN_URL").unwrap_or_default();
    assert!(!url.is_empty(), "tests need a PostgreSQL server: run them by `cargo xtask test`, which starts one");
    match Server::from_url(&url) {
        Ok(server) => server,
        Err(error) => panic!("CLOISTER_TEST_ADMIN_URL: {error}"),
    }
}

/// The three logins on the server that `entrance`, as any login, enters.
fn cluster(entrance: &Server) -> Cluster {
    Cluster {
        name: "main".to_owned(),
        application: entrance.with_login(APPLICATION, PASSWORD),
        system: entrance.with_login(SYSTEM, PASSWORD),
        owner: Some(entrance.with_login(OWNER, PASSWORD)),
    }
}

/// Where the server listens.
fn server_address() -> SocketAddr {
    let url = std::env::var("CLOISTER_TEST_ADMIN_URL").unwrap_or_default();
    let config: tokio_postgres::Config = url.parse().unwrap_or_else(|error| panic!("CLOISTER_TEST_ADMIN_URL: {error}"));
    let host = match config.get_hosts().first() {
        Some(tokio_postgres::config::Host::Tcp(name)) => name.clone(),
        other => panic!("a proxy needs a server on TCP, not {other:?}"),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let found = std::net::ToSocketAddrs::to_socket_addrs(&(host.as_str(), port)).ok().and_then(|mut all| all.next());
    found.unwrap_or_else(|| panic!("{host} has no address"))
}

impl TestPlatform {
    /// A platform whose only module is the notebook.
    pub async fn start() -> Self {
        Self::with(TestSettings::default()).await
    }

    /// A platform of other settings.
    pub async fn with(settings: TestSettings) -> Self {
        let admin = admin_server();
        let cluster = cluster(&admin);
        let names: Vec<_> = settings.modules.iter().map(|module| module.name()).collect();
        let template = format!("tt_{}", names.join("_"));
        ensure_template(&admin, &cluster, &template, &settings.modules).await;
        let prefix = format!("t{}", RequestId::generate(&SystemClock).bare());
        // Copied by their owner, so that they belong to the owner.
        let client = connect(&admin.with_login(OWNER, PASSWORD), "postgres").await;
        for part in ["control", "shared"] {
            run(&client, &format!("create database {prefix}_{part} template {template}_{part} strategy file_copy"))
                .await;
            run(
                &client,
                &format!(
                    "revoke all on database {prefix}_{part} from public;
                     grant connect, temporary on database {prefix}_{part} to {APPLICATION}, {SYSTEM}"
                ),
            )
            .await;
        }
        let control = connect(&admin, &format!("{prefix}_control")).await;
        run(&control, &format!("update control.database set name = '{prefix}_shared'")).await;
        let (tenancy, control) = Self::node(&cluster, &prefix, &settings).await;
        let following = settings.follow.then(|| {
            let tenancy = tenancy.clone();
            tokio::spawn(async move { tenancy.follow().await })
        });
        Self { tenancy, control, prefix, cluster, settings, following }
    }

    async fn node(cluster: &Cluster, prefix: &str, settings: &TestSettings) -> (Tenancy, ControlPlane) {
        let config = Config {
            base_domain: "localhost".to_owned(),
            prefix: prefix.to_owned(),
            clusters: vec![cluster.clone()],
            pool: PoolSettings { budget: settings.budget, wait: Duration::from_secs(20), ..PoolSettings::default() },
            lease: Duration::from_secs(1),
            grace: Duration::from_hours(1),
            modules: settings.modules.clone(),
            limits: Arc::new(NoLimits),
            sealer: Arc::new(PlainSealer),
            wrapper: Arc::new(PlainSealer),
            clock: settings.clock.clone(),
        };
        match Tenancy::start_with_control(config).await {
            Ok(node) => node,
            Err(error) => panic!("the kernel did not start: {}", error.log()),
        }
    }

    /// Another node on the same databases. It listens only if its caller makes it.
    pub async fn second_node(&self) -> Tenancy {
        Self::node(&self.cluster, &self.prefix, &self.settings).await.0
    }

    /// Another node that has modules of its own, with its door to the control plane.
    pub async fn node_with(&self, modules: Vec<Arc<dyn Module>>) -> (Tenancy, ControlPlane) {
        let TestSettings { budget, follow, .. } = self.settings;
        let settings = TestSettings { modules, budget, clock: self.settings.clock.clone(), follow };
        Self::node(&self.cluster, &self.prefix, &settings).await
    }

    /// The same, whose connections to PostgreSQL go through a proxy.
    pub async fn node_through(&self, modules: Vec<Arc<dyn Module>>, proxy: &Proxy) -> (Tenancy, ControlPlane) {
        let TestSettings { budget, follow, .. } = self.settings;
        let settings = TestSettings { modules, budget, clock: self.settings.clock.clone(), follow };
        Self::node(&self.through(proxy), &self.prefix, &settings).await
    }

    /// A node on the databases of a platform that another process has, such as the test that started this one.
    pub async fn attach(prefix: &str, settings: &TestSettings) -> Tenancy {
        Self::node(&cluster(&admin_server()), prefix, settings).await.0
    }

    /// Another node whose connections to PostgreSQL go through `cluster`, such as a proxy.
    pub async fn node_on(&self, cluster: &Cluster) -> Tenancy {
        Self::node(cluster, &self.prefix, &self.settings).await.0
    }

    /// A proxy in front of the server, which holds each burst of a client for `delay`.
    pub async fn proxy(&self, delay: Duration) -> Proxy {
        match Proxy::start(server_address(), delay).await {
            Ok(proxy) => proxy,
            Err(error) => panic!("the proxy does not listen: {error}"),
        }
    }

    /// The three logins, reached through a proxy.
    pub fn through(&self, proxy: &Proxy) -> Cluster {
        let url = format!("postgresql://nobody@{}/postgres?sslmode=disable", proxy.address);
        match Server::from_url(&url) {
            Ok(server) => cluster(&server),
            Err(error) => panic!("{error}"),
        }
    }

    /// A tenant in use, of kind `school`.
    pub async fn tenant(&self, slug: &str, tier: Tier) -> Arc<TenantEntry> {
        self.tenant_of(slug, "school", tier).await
    }

    /// A tenant in use.
    pub async fn tenant_of(&self, slug: &str, kind: &str, tier: Tier) -> Arc<TenantEntry> {
        let slug = slug.parse().unwrap_or_else(|error| panic!("{error}"));
        self.make(&NewTenant::new(slug, "A tenant of a test", kind, tier)).await
    }

    /// A tenant as asked for, in use.
    pub async fn make(&self, new: &NewTenant) -> Arc<TenantEntry> {
        let by = Actor::Operator("test".into());
        let made = async {
            let (id, workflow) = self.tenancy.create_tenant(new, &by).await?;
            self.tenancy.finish(workflow, &|_| {}).await.map(|end| (id, end))
        };
        match made.await {
            Ok((id, end)) => match self.tenancy.registry().by_id(id) {
                Some(entry) if entry.admit().is_ok() => entry,
                other => panic!("{other:?} is not in use: {end:?}"),
            },
            Err(error) => panic!("the tenant was not made: {}", error.log()),
        }
    }

    /// One tenant in each tier, with slugs `in-shared`, `in-schema`, `in-database`.
    pub async fn tenant_in_each_tier(&self) -> Vec<Arc<TenantEntry>> {
        let mut tenants = Vec::new();
        for tier in Tier::ALL {
            tenants.push(self.tenant(&format!("in-{tier}"), *tier).await);
        }
        tenants
    }

    /// A context with every permission within the tenant.
    pub fn cx(&self, tenant: &Arc<TenantEntry>) -> OpContext {
        self.tenancy.background(tenant.clone(), Actor::Account("tester".into()))
    }

    /// A client as the server's administrator, past all walls: for looking at what is really there.
    pub async fn admin(&self, database: &str) -> tokio_postgres::Client {
        connect(&admin_server(), database).await
    }
}

impl Drop for TestPlatform {
    fn drop(&mut self) {
        if let Some(task) = self.following.take() {
            task.abort();
        }
        // The databases go with the test. Another thread, because this one may be inside a runtime.
        let prefix = self.prefix.clone();
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(async {
                    let client = connect(&admin_server(), "postgres").await;
                    let names = client
                        .query(
                            "select datname::text from pg_database where datname like $1",
                            &[&format!("{prefix}\\_%")],
                        )
                        .await
                        .unwrap_or_default();
                    for name in names {
                        let name: String = name.get(0);
                        let _ = client.batch_execute(&format!("drop database \"{name}\" with (force)")).await;
                    }
                });
            }
        });
        let _ = dropped.join();
    }
}

async fn connect(server: &Server, database: &str) -> tokio_postgres::Client {
    match server.connect(database).await {
        Ok(client) => client,
        Err(error) => panic!("{error}"),
    }
}

async fn run(client: &tokio_postgres::Client, text: &str) {
    if let Err(error) = client.batch_execute(text).await {
        panic!("{text}: {error:?}");
    }
}

/// Made once a run, by whichever test comes first; the others wait for it.
async fn ensure_template(admin: &Server, cluster: &Cluster, prefix: &str, modules: &[Arc<dyn Module>]) {
    let client = connect(admin, "postgres").await;
    run(&client, "select pg_advisory_lock(7021)").await;
    let done = client
        .query("select 1 from pg_database where datname = $1", &[&format!("{prefix}_done")])
        .await
        .unwrap_or_default();
    if done.is_empty() {
        let login = |name: &str| (name.to_owned(), PASSWORD.to_owned());
        let logins = Logins { owner: login(OWNER), application: login(APPLICATION), system: login(SYSTEM) };
        let installation = Installation {
            prefix: prefix.to_owned(),
            cluster: cluster.clone(),
            region: "local".to_owned(),
            modules: modules.to_vec(),
            clock: Arc::new(SystemClock),
        };
        let made = async {
            logins.create(admin).await?;
            installation.prepare().await
        };
        if let Err(error) = made.await {
            panic!("the templates of the tests could not be made: {}", error.log());
        }
        run(&client, &format!("create database {prefix}_done")).await;
    }
    run(&client, "select pg_advisory_unlock(7021)").await;
}
