//! Puts the rooms together: finds or starts the server, reads the logins, starts the kernel.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use cloister_catalog::Catalog;
use cloister_http::HttpModule;
use cloister_ids::{Clock, SystemClock};
use cloister_platform::{Platform, Service};
use cloister_postgres::{
    PoolSettings, Server,
    embedded::{self, EmbeddedCluster, EmbeddedError, Settings},
};
use cloister_school::School;
use cloister_tenancy::{
    Actor, Cluster, Config, Error, ErrorKind, Installation, Module, NoLimits, Tenancy, TenantEntry,
};

use crate::{configuration::Configuration, logins::StoredLogins};

/// The rooms of a node: what it serves, among them the room of accounts.
pub(crate) struct Rooms {
    pub(crate) accounts: Platform,
    pub(crate) modules: Vec<Arc<dyn HttpModule>>,
}

impl Rooms {
    /// What this binary serves: the one list of modules.
    pub(crate) fn new() -> Self {
        let accounts = Platform::new();
        let modules: Vec<Arc<dyn HttpModule>> = vec![Arc::new(accounts.clone()), Arc::new(School), Arc::new(Catalog)];
        Self { accounts, modules }
    }

    /// As the kernel sees them.
    pub(crate) fn for_kernel(&self) -> Vec<Arc<dyn Module>> {
        self.modules.iter().map(|module| module.clone() as Arc<dyn Module>).collect()
    }
}

/// A server we may use: our own, or one that somebody else runs.
pub(crate) struct Database {
    /// Entered as administrator, where we are: the embedded cluster.
    administrator: Option<Server>,
    base: Server,
    embedded: Option<EmbeddedCluster>,
}

/// A running node, with the server under it when that is ours.
pub(crate) struct Running {
    pub(crate) tenancy: Tenancy,
    pub(crate) service: Service,
    pub(crate) modules: Vec<Arc<dyn HttpModule>>,
    database: Database,
}

/// Whether a command brings the installation up to date before it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prepare {
    /// Always: the server, `init`.
    Always,
    /// Only when nobody else serves from it.
    WhenAlone,
    /// Never: it only looks. A server of our own that is stopped is started, and stopped again.
    Never,
}

impl Database {
    /// The external server of the configuration, else the embedded cluster: started, or shared with the process that runs it.
    pub(crate) async fn open(configuration: &Configuration) -> anyhow::Result<Self> {
        if let Some(url) = &configuration.database.url {
            return Ok(Self { administrator: None, base: external(url)?, embedded: None });
        }
        let mut settings = Settings::new(&configuration.data_dir);
        settings.port = configuration.postgres.port;
        settings.binaries.clone_from(&configuration.postgres.binaries);
        settings.run_as.clone_from(&configuration.postgres.run_as);
        settings.max_connections = u32::try_from(configuration.database.connections * 2 + 50)?;
        match EmbeddedCluster::start(settings).await {
            Ok(cluster) => {
                let server = Server::local(cluster.admin());
                Ok(Self { administrator: Some(server.clone()), base: server, embedded: Some(cluster) })
            }
            Err(EmbeddedError::AlreadyRunning { .. }) => {
                let server = Self::attach(configuration).await?;
                Ok(Self { administrator: Some(server.clone()), base: server, embedded: None })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The other process may be just starting: it is given some seconds.
    async fn attach(configuration: &Configuration) -> anyhow::Result<Server> {
        let mut patience = 100;
        loop {
            match embedded::attach(&configuration.data_dir) {
                Ok(Some(attached)) => return Ok(Server::local(attached.admin())),
                Ok(None) | Err(EmbeddedError::NotReady { .. }) if patience > 0 => patience -= 1,
                Ok(None) => anyhow::bail!("the cluster was just stopped; try again"),
                Err(error) => return Err(error.into()),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// True when no other process uses it.
    pub(crate) fn is_ours_alone(&self) -> bool {
        self.embedded.is_some()
    }

    /// Resolves when the embedded server ends; never for another.
    pub(crate) fn ended(&self) -> impl Future<Output = String> + Send + 'static {
        let ended = self.embedded.as_ref().map(EmbeddedCluster::ended);
        async move {
            match ended {
                Some(ended) => format!("{:?}", ended.await),
                None => std::future::pending().await,
            }
        }
    }

    /// The logins, made when they are missing and we are administrator.
    pub(crate) async fn logins(&self, configuration: &Configuration) -> anyhow::Result<StoredLogins> {
        if let Some(stored) = StoredLogins::read(&configuration.data_dir)? {
            return Ok(stored);
        }
        let Some(administrator) = &self.administrator else { return Err(logins_missing(configuration).into()) };
        let fresh = StoredLogins::generate(&configuration.database.prefix);
        fresh.for_kernel().create(administrator).await?;
        fresh.write(&configuration.data_dir)?;
        Ok(fresh)
    }

    /// The cluster as the kernel takes it.
    pub(crate) fn cluster(&self, logins: &StoredLogins) -> Cluster {
        let enter = |login: &crate::logins::Login| self.base.with_login(&login.user, &login.password);
        Cluster {
            name: "main".to_owned(),
            application: enter(&logins.application),
            system: enter(&logins.system),
            owner: Some(enter(&logins.owner)),
        }
    }

    /// Stops the embedded server, when it is ours.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        if let Some(cluster) = self.embedded {
            cluster.stop().await?;
        }
        Ok(())
    }
}

fn logins_missing(configuration: &Configuration) -> Error {
    let file = configuration.data_dir.join("logins.toml");
    let how = match configuration.database.url {
        Some(_) => {
            "Run `cloister init --admin-url URL` once, as an administrator of that server, or `cloister init` with the three \
             logins; or bring the file from a node that has it."
        }
        None => "There is no installation here yet: `cloister init` makes one.",
    };
    Error::new(ErrorKind::PreconditionFailed, "logins_missing", format!("{} does not exist. {how}", file.display()))
}

/// The server that `database.url` names.
pub(crate) fn external(url: &str) -> anyhow::Result<Server> {
    Server::from_url(url).context("database.url")
}

/// Makes and updates the control plane and the shared tables.
pub(crate) async fn prepare(
    configuration: &Configuration,
    cluster: &Cluster,
    modules: Vec<Arc<dyn Module>>,
) -> anyhow::Result<()> {
    let installation = Installation {
        prefix: configuration.database.prefix.clone(),
        cluster: cluster.clone(),
        region: "local".to_owned(),
        modules,
        clock: Arc::new(SystemClock),
    };
    Ok(installation.prepare().await?)
}

impl Running {
    /// Opens the server and starts the kernel on it.
    pub(crate) async fn open(configuration: &Configuration, when: Prepare) -> anyhow::Result<Self> {
        Self::open_with(configuration, when, Rooms::new()).await
    }

    /// The same with other rooms.
    pub(crate) async fn open_with(configuration: &Configuration, when: Prepare, rooms: Rooms) -> anyhow::Result<Self> {
        // Whoever only looks makes no server and no logins.
        if when == Prepare::Never && StoredLogins::read(&configuration.data_dir)?.is_none() {
            return Err(logins_missing(configuration).into());
        }
        let database = Database::open(configuration).await?;
        match Self::start(configuration, when, &database, &rooms).await {
            Ok((tenancy, service)) => Ok(Self { tenancy, service, modules: rooms.modules, database }),
            Err(error) => {
                // The server must not outlive the command that failed.
                database.close().await?;
                Err(error)
            }
        }
    }

    async fn start(
        configuration: &Configuration,
        when: Prepare,
        database: &Database,
        rooms: &Rooms,
    ) -> anyhow::Result<(Tenancy, Service)> {
        let logins = database.logins(configuration).await?;
        let cluster = database.cluster(&logins);
        let prepares = match when {
            Prepare::Always => true,
            Prepare::WhenAlone => database.is_ours_alone(),
            Prepare::Never => false,
        };
        if prepares {
            prepare(configuration, &cluster, rooms.for_kernel()).await?;
        }
        Self::start_on(configuration, cluster, rooms).await
    }

    /// Starts the kernel on a cluster that was prepared, and opens the room of accounts.
    pub(crate) async fn start_on(
        configuration: &Configuration,
        cluster: Cluster,
        rooms: &Rooms,
    ) -> anyhow::Result<(Tenancy, Service)> {
        let config = Config {
            base_domain: configuration.base_domain.clone(),
            prefix: configuration.database.prefix.clone(),
            clusters: vec![cluster],
            pool: PoolSettings { budget: configuration.database.connections, ..PoolSettings::default() },
            lease: Duration::from_secs(5),
            grace: configuration.grace(),
            modules: rooms.for_kernel(),
            limits: Arc::new(NoLimits),
            sealer: Arc::new(StoredLogins::keyring(&configuration.data_dir)?),
            wrapper: Arc::new(StoredLogins::keyring(&configuration.data_dir)?),
            clock: Arc::new(SystemClock) as Arc<dyn Clock>,
        };
        let (tenancy, control) = Tenancy::start_with_control(config).await?;
        let keyring = StoredLogins::keyring(&configuration.data_dir)?;
        let service = rooms.accounts.open(control, keyring, configuration.for_accounts()?).await?;
        Ok((tenancy, service))
    }

    /// The server's logins, for measurements beside the kernel.
    pub(crate) async fn cluster(&self, configuration: &Configuration) -> anyhow::Result<Cluster> {
        Ok(self.database.cluster(&self.database.logins(configuration).await?))
    }

    /// Has the server look at once how much there is, after much was written, and not when it comes to it: without that it goes
    /// about many-table statements in ways that take seconds.
    ///
    /// It looks at a sample of every table in the database that the tenant is in: where the tenant is in shared tables, those
    /// are everybody's. Nothing is locked for long. Nothing happens where nobody knows the owner's login.
    pub(crate) async fn analyze(&self, configuration: &Configuration, entry: &TenantEntry) -> anyhow::Result<()> {
        self.as_owner(configuration, entry, "analyze").await
    }

    /// The same, and tidies the tables up, so that an index alone answers where it can: for measurements, in an installation
    /// of their own. It reads everything there is.
    pub(crate) async fn vacuum(&self, configuration: &Configuration, entry: &TenantEntry) -> anyhow::Result<()> {
        self.as_owner(configuration, entry, "vacuum analyze").await
    }

    async fn as_owner(&self, configuration: &Configuration, entry: &TenantEntry, text: &str) -> anyhow::Result<()> {
        let (Some(owner), Some(place)) = (self.cluster(configuration).await?.owner, entry.placement.as_ref()) else {
            return Ok(());
        };
        owner.connect(&place.database).await?.batch_execute(text).await?;
        Ok(())
    }

    /// See [`Database::ended`].
    pub(crate) fn ended(&self) -> impl Future<Output = String> + Send + 'static {
        self.database.ended()
    }

    /// Stops what is ours.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        drop(self.tenancy);
        self.database.close().await
    }
}

/// Who acts at the command line.
pub(crate) fn operator() -> Actor {
    let name = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).unwrap_or_else(|_| "cli".to_owned());
    Actor::Operator(name.chars().filter(|c| !c.is_control()).take(100).collect::<String>().into())
}
