//! What the faults happen to: a PostgreSQL, a proxy in front of it for each of two nodes, and tenants in every tier.

use std::{env, fs, net::SocketAddr, os::unix::fs::PermissionsExt, path::PathBuf, sync::Arc, time::Duration};

use cloister_postgres::embedded::{EmbeddedCluster, Settings};
use cloister_testkit::Proxy;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::{
    client::Client,
    node::{Node, Program},
};

pub(crate) const PASSWORD: &str = "nine copper kettles by the door";

/// Slug, kind, tier: two tenants wherever two can be beside each other.
const TENANTS: [(&str, &str, &str); 5] = [
    ("north", "school", "shared"),
    ("south", "school", "shared"),
    ("east", "school", "schema"),
    ("forge", "company", "schema"),
    ("west", "school", "database"),
];

/// A tenant, and the word that stands in everything it writes and in nothing else.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) number: usize,
    pub(crate) slug: &'static str,
    pub(crate) canary: String,
    /// The list that its clients write to.
    pub(crate) path: &'static str,
}

pub(crate) struct Installation {
    directory: TempDir,
    settings: Settings,
    postgres: Option<EmbeddedCluster>,
    pub(crate) proxies: Vec<Proxy>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) tenants: Arc<Vec<Tenant>>,
    pub(crate) client: Client,
    /// Reaches the server past the proxies.
    pub(crate) program: Program,
}

impl Installation {
    /// `lasting` when it runs for long: then PostgreSQL waits for the disk, as it does in earnest.
    pub(crate) async fn start(lasting: bool) -> Self {
        let directory = tempfile::Builder::new().prefix("cloister-faults-").tempdir_in("/tmp").unwrap();
        // The server's account passes through it when the tests run as root.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let mut settings = Settings::new(directory.path().join("server"));
        settings.binaries = env::var_os("CLOISTER_POSTGRES_BINARIES").map(PathBuf::from);
        settings.extra.push(("shared_buffers".to_owned(), "64MB".to_owned()));
        if !lasting {
            // What is killed here are processes, not the machine.
            settings.extra.push(("fsync".to_owned(), "off".to_owned()));
        }
        let postgres = EmbeddedCluster::start(settings.clone()).await.unwrap();
        let port = postgres.port();
        settings.port = Some(port);
        let address = |port: u16| format!("postgresql://127.0.0.1:{port}/?sslmode=disable");
        let program = Program { data_dir: directory.path().join("node"), url: address(port) };
        let password = fs::read_to_string(directory.path().join("server/postgres/admin.password")).unwrap();
        let admin =
            format!("postgresql://cloister_admin:{}@127.0.0.1:{port}/postgres?sslmode=disable", password.trim());
        program.succeed(&["init", "--admin-url", &admin], "");

        let client = Client::new();
        let (mut proxies, mut nodes) = (Vec::new(), Vec::new());
        for number in 0..2 {
            let proxy = Proxy::start(SocketAddr::from(([127, 0, 0, 1], port)), Duration::ZERO).await.unwrap();
            let program = Program { url: address(proxy.address.port()), ..program.clone() };
            let mut node = Node::new(program, directory.path().join(format!("node-{number}.log")));
            node.start(&client).await;
            proxies.push(proxy);
            nodes.push(node);
        }
        let mut tenants = Vec::new();
        for (number, (slug, kind, tier)) in TENANTS.into_iter().enumerate() {
            program.succeed(&["tenant", "create", slug, "--kind", kind, "--tier", tier], "");
            program.succeed(&["tenant", "add-member", slug, &owner(slug)], PASSWORD);
            let path = if kind == "school" { "persons" } else { "components" };
            tenants.push(Tenant { number, slug, canary: format!("canary{slug}{:08x}", rand::random::<u32>()), path });
        }
        let postgres = Some(postgres);
        Self { directory, settings, postgres, proxies, nodes, tenants: Arc::new(tenants), client, program }
    }

    /// A session of the administrator, past everything that is under test.
    pub(crate) async fn look_in(&self, database: &str) -> tokio_postgres::Client {
        let mut config = self.postgres.as_ref().unwrap().admin();
        let (client, connection) = config.dbname(database).connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Kills one of the server's processes that a node is connected to: PostgreSQL then ends all sessions and recovers.
    pub(crate) async fn kill_session(&self) {
        let look = self.look_in("postgres").await;
        let sessions = "select pid from pg_stat_activity where usename = 'cloister_app' order by state = 'active' desc,
            state_change desc limit 1";
        if let Some(row) = look.query_opt(sessions, &[]).await.unwrap() {
            kill(u32::try_from(row.get::<_, i32>(0)).unwrap());
        }
    }

    /// Kills the server's first process, and gives the time until another accepts connections.
    pub(crate) async fn kill_server(&mut self) -> Duration {
        let old = self.postgres.take().unwrap();
        kill(old.pid());
        old.ended().await;
        drop(old);
        let begun = std::time::Instant::now();
        self.postgres = Some(EmbeddedCluster::start(self.settings.clone()).await.unwrap());
        begun.elapsed()
    }

    /// Ends everything in good order.
    pub(crate) async fn stop(self) {
        for node in self.nodes {
            node.stop();
        }
        self.postgres.unwrap().stop().await.unwrap();
        self.directory.close().unwrap();
    }
}

pub(crate) fn owner(slug: &str) -> String {
    format!("owner@{slug}.example")
}

fn kill(pid: u32) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    // It may have ended by itself a moment ago.
    let _ = kill_process(pid, Signal::KILL);
}
