//! The embedded cluster: a real PostgreSQL server under the data directory, started and stopped with this process.
//!
//! What is where, under the data directory:
//!
//! | path | what |
//! |---|---|
//! | `.cloister` | marks the directory as ours ([`claim`]) |
//! | `postgres/data` | the cluster (PGDATA) |
//! | `postgres/admin.password` | password of `cloister_admin`, the superuser |
//! | `postgres/port` | the loopback port of the last start |
//! | `postgres/socket/` | the Unix socket, unless its path would be too long |
//! | `postgres/server.log`, `.1` … | what the server says, a new file at each start and after 16 MiB |
//! | `postgres/supervisor.lock` | held by the process that runs the server |
//!
//! One process at a time supervises a cluster; others of the same account may [`attach`]. A server whose supervisor was
//! killed ends by itself where the system offers that (`setpriv --pdeathsig`), and is ended at the next start otherwise.

mod account;
mod binaries;
mod configuration;
mod disk;
mod error;
mod initdb;
mod layout;
mod leftover;
mod log;
mod memory;
mod pidfile;
mod port;
mod postmaster;
mod process;
mod socket;
mod supervisor;

use std::{
    path::{Path, PathBuf},
    sync::mpsc::Sender,
    thread::JoinHandle,
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
use tokio_postgres::NoTls;

pub use binaries::{NEWEST, OLDEST, Version};
pub use error::EmbeddedError;
pub use layout::claim;

use layout::{Layout, LockHolder};
use pidfile::PidFile;
use postmaster::Event;

/// The superuser of an embedded cluster.
pub const ADMIN: &str = "cloister_admin";

/// How long a fast shutdown may take before it becomes an immediate one: open transactions are rolled back and a
/// checkpoint is written.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// The same when the value is merely dropped, which blocks the thread that drops it.
const DROP_PATIENCE: Duration = Duration::from_secs(3);

/// How an embedded cluster is to be run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The platform's data directory; the cluster lives in `postgres` below it.
    pub data_dir: PathBuf,
    /// The loopback port; `None` is that of the last start, else a free one.
    pub port: Option<u16>,
    /// Directory with `postgres` and `initdb`; `None` finds one.
    pub binaries: Option<PathBuf>,
    /// The account to run as when this process is root; `None` is the owner of the cluster, else `postgres`, else `nobody`.
    pub run_as: Option<String>,
    /// Connections the server accepts.
    pub max_connections: u32,
    /// Further server settings, stronger than ours, for example `("fsync", "off")` for a cluster of tests.
    pub extra: Vec<(String, String)>,
    /// How long the server may take until it accepts connections; replaying the log after a crash counts.
    pub start_timeout: Duration,
}

impl Settings {
    /// The settings for a platform: 100 connections, everything else found out.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            port: None,
            binaries: None,
            run_as: None,
            max_connections: 100,
            extra: Vec::new(),
            start_timeout: Duration::from_mins(5),
        }
    }
}

/// How a server ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// True when it was told to; false when it crashed or was killed.
    pub requested: bool,
    /// The exit status, for a person.
    pub status: String,
}

/// A running server that belongs to this process.
#[derive(Debug)]
pub struct EmbeddedCluster {
    access: Access,
    version: Version,
    pid: u32,
    events: Sender<Event>,
    exit: watch::Receiver<Option<Exit>>,
    thread: Option<JoinHandle<()>>,
}

/// How to reach a cluster as its administrator.
#[derive(Debug, Clone)]
struct Access {
    port: u16,
    socket_dir: PathBuf,
    password: SecretString,
}

impl Access {
    fn config(&self) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config
            .user(ADMIN)
            .password(self.password.expose_secret())
            .dbname("postgres")
            .host_path(&self.socket_dir)
            .port(self.port)
            .connect_timeout(Duration::from_secs(10));
        config
    }
}

impl EmbeddedCluster {
    /// Makes the cluster when there is none, starts its server and returns when it accepts connections.
    ///
    /// A data directory of an earlier run is used again, also after a crash of the server, of its supervisor or of the
    /// machine. When this future is dropped the start is given up and the server, if already there, ended.
    pub async fn start(settings: Settings) -> Result<Self, EmbeddedError> {
        let started = supervisor::start(settings).await?;
        let mut cluster = Self {
            access: started.access,
            version: started.version,
            pid: started.pid,
            events: started.events,
            exit: started.exit,
            thread: Some(started.thread),
        };
        if let Err(source) = cluster.sign_in().await {
            cluster.end(STOP_PATIENCE).await;
            return Err(EmbeddedError::Connect { source });
        }
        tracing::info!(version = %cluster.version, port = cluster.port(), pid = cluster.pid, "embedded PostgreSQL runs");
        Ok(cluster)
    }

    /// One connection and one query, so that a cluster is only handed out when its administrator can work with it.
    async fn sign_in(&self) -> Result<(), tokio_postgres::Error> {
        let (client, connection) = self.admin().connect(NoTls).await?;
        let query = async {
            let answer = client.simple_query("select 1").await.map(drop);
            drop(client);
            answer
        };
        let (connection, query) = tokio::join!(connection, query);
        query.and(connection)
    }

    /// Connects as the superuser [`ADMIN`] to the database `postgres` over the Unix socket.
    pub fn admin(&self) -> tokio_postgres::Config {
        self.access.config()
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.access.port
    }

    /// The directory of the Unix socket, which only the server's account and root may enter.
    pub fn socket_dir(&self) -> &Path {
        &self.access.socket_dir
    }

    /// The server's version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The process id of the postmaster.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Completes when the server has ended, whatever the reason: without it the process has nothing to serve from.
    pub fn ended(&self) -> impl Future<Output = Exit> + Send + 'static {
        let mut exit = self.exit.clone();
        async move {
            match exit.wait_for(Option::is_some).await.map(|found| found.clone()) {
                Ok(Some(found)) => found,
                Ok(None) | Err(_) => Exit { requested: false, status: "its supervisor ended".to_owned() },
            }
        }
    }

    /// Stops the server: a fast shutdown (open transactions are rolled back), after thirty seconds an immediate one.
    pub async fn stop(mut self) -> Result<(), EmbeddedError> {
        let exit = self.end(STOP_PATIENCE).await;
        if exit.requested {
            tracing::info!(status = exit.status, "embedded PostgreSQL stopped");
        } else {
            tracing::warn!(status = exit.status, "embedded PostgreSQL had ended before it was told to");
        }
        Ok(())
    }

    async fn end(&mut self, patience: Duration) -> Exit {
        // When nobody receives it, the server has ended already.
        let _ = self.events.send(Event::Stop(patience));
        let exit = self.ended().await;
        self.thread = None;
        exit
    }
}

impl Drop for EmbeddedCluster {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        // When nobody receives it, the server has ended already; the thread then ends at once.
        let _ = self.events.send(Event::Stop(DROP_PATIENCE));
        let _ = thread.join();
    }
}

/// A running cluster that another process supervises.
#[derive(Debug, Clone)]
pub struct Attached {
    access: Access,
    supervisor: Option<u32>,
}

impl Attached {
    /// Connects as the superuser [`ADMIN`] to the database `postgres` over the Unix socket.
    pub fn admin(&self) -> tokio_postgres::Config {
        self.access.config()
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.access.port
    }

    /// The directory of the Unix socket.
    pub fn socket_dir(&self) -> &Path {
        &self.access.socket_dir
    }

    /// The process that supervises the cluster.
    pub fn supervisor(&self) -> Option<u32> {
        self.supervisor
    }
}

/// The cluster that another live process runs on this data directory, or `None` when nobody does.
///
/// It stays that process's: it may end at any time. While it is only just being started or stopped the answer is
/// [`EmbeddedError::NotReady`].
pub fn attach(data_dir: &Path) -> Result<Option<Attached>, EmbeddedError> {
    if !data_dir.is_dir() {
        return Ok(None);
    }
    let layout = Layout::existing(data_dir)?;
    let LockHolder::Process(supervisor) = layout.lock_holder()? else { return Ok(None) };
    let not_ready = || EmbeddedError::NotReady { data_dir: layout.data_dir.clone() };
    let server = PidFile::read(&layout.data()).filter(|file| file.ready).ok_or_else(not_ready)?;
    let password = layout.read_password()?.into();
    Ok(Some(Attached { access: Access { port: server.port, socket_dir: server.socket_dir, password }, supervisor }))
}
