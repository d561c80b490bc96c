//! A PostgreSQL that lets nobody in over the network without TLS, with a certificate that a scratch authority signed.

use std::{
    env, fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use cloister_postgres::embedded::{EmbeddedCluster, Settings};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

/// The server, and files beside it that a test may need.
pub(crate) struct TlsServer {
    cluster: EmbeddedCluster,
    directory: TempDir,
    admin_password: String,
}

impl TlsServer {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("cloister-external-").tempdir_in("/tmp").unwrap();
        // The server's account passes through it when the tests run as root.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o711)).unwrap();
        authority(directory.path(), "authority");
        authority(directory.path(), "stranger");
        let mut settings = Settings::new(directory.path().join("server"));
        settings.binaries = env::var_os("CLOISTER_POSTGRES_BINARIES").map(PathBuf::from);
        settings.max_connections = 60;
        settings.extra =
            [("shared_buffers", "32MB"), ("fsync", "off")].map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec();
        let cluster = EmbeddedCluster::start(settings).await.unwrap();
        let admin_password =
            fs::read_to_string(directory.path().join("server/postgres/admin.password")).unwrap().trim().to_owned();
        let server = Self { cluster, directory, admin_password };
        server.switch_on_tls().await;
        server
    }

    async fn switch_on_tls(&self) {
        let data = self.directory.path().join("server/postgres/data");
        certificate(self.directory.path(), "server");
        let account = fs::metadata(&data).unwrap();
        for (name, mode) in [("server.key", 0o600), ("server.crt", 0o644)] {
            fs::copy(self.directory.path().join(name), data.join(name)).unwrap();
            fs::set_permissions(data.join(name), fs::Permissions::from_mode(mode)).unwrap();
            chown(data.join(name), Some(account.uid()), Some(account.gid())).unwrap();
        }
        let entrance = "local all all scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(data.join("pg_hba.conf"), entrance).unwrap();
        let client = self.look().await;
        client.batch_execute("alter system set ssl = on").await.unwrap();
        client.batch_execute("select pg_reload_conf()").await.unwrap();
        // A session that begins after the reload sees it.
        for _ in 0..100 {
            let on: String = self.look().await.query_one("show ssl", &[]).await.unwrap().get(0);
            if on == "on" {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("the server does not switch TLS on");
    }

    /// A session of the administrator, over the socket: past everything that is under test.
    pub(crate) async fn look(&self) -> Client {
        let (client, connection) = self.cluster.admin().connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// The same within one database.
    pub(crate) async fn look_in(&self, database: &str) -> Client {
        let mut config = self.cluster.admin();
        config.dbname(database);
        let (client, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    pub(crate) async fn run(&self, sql: &str) {
        self.look().await.batch_execute(sql).await.unwrap();
    }

    /// Names of roles and databases that begin so.
    pub(crate) async fn made(&self, prefix: &str) -> Vec<String> {
        let sql = "select rolname::text from pg_roles where starts_with(rolname, $1)
            union all select datname::text from pg_database where starts_with(datname, $1) order by 1";
        self.look().await.query(sql, &[&prefix]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    /// The address without login, as `database.url` takes it.
    pub(crate) fn url(&self, query: &str) -> String {
        format!("postgresql://localhost:{}/?{query}", self.cluster.port())
    }

    /// The administrator's address.
    pub(crate) fn admin_url(&self, host: &str, query: &str) -> String {
        let (password, port) = (&self.admin_password, self.cluster.port());
        format!("postgresql://cloister_admin:{password}@{host}:{port}/postgres?{query}")
    }

    pub(crate) fn admin_password(&self) -> &str {
        &self.admin_password
    }

    /// `sslmode` and the authority that signed the certificate.
    pub(crate) fn verified(&self) -> String {
        format!("sslmode=verify-full&sslrootcert={}", self.path("authority.crt").display())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) async fn stop(self) {
        self.cluster.stop().await.unwrap();
    }
}

fn openssl(directory: &Path, arguments: &str) {
    let status = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(directory)
        .stderr(Stdio::null())
        .status()
        .expect("certificates are made by openssl: install it");
    assert!(status.success(), "openssl {arguments}");
}

const NEW_KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";

fn authority(directory: &Path, name: &str) {
    openssl(directory, &format!("req -x509 {NEW_KEY} -keyout {name}.key -out {name}.crt -days 2 -subj /CN={name}"));
}

/// For `localhost` alone: 127.0.0.1 is another name.
fn certificate(directory: &Path, name: &str) {
    fs::write(directory.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    openssl(directory, &format!("req {NEW_KEY} -keyout {name}.key -out {name}.csr -subj /CN=localhost"));
    let sign = "-CA authority.crt -CAkey authority.key -CAcreateserial -days 2 -extfile names";
    openssl(directory, &format!("x509 -req -in {name}.csr -out {name}.crt {sign}"));
}
