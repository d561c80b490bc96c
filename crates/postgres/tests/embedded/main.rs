//! The embedded cluster against real servers: what it makes, how it ends, what it survives and what it refuses.
//!
//! `CLOISTER_POSTGRES_BINARIES` names the binaries to use; without it they are found as for a platform.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on should stop where it is, and one that is skipped should say so"
)]

mod crash;
mod lifecycle;
mod refusal;

use std::{
    env, fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use cloister_postgres::embedded::{EmbeddedCluster, EmbeddedError, Settings};
use tempfile::TempDir;
use tokio_postgres::{Client, Config, NoTls};

/// A temporary directory that the server's account may pass through when the tests run as root.
fn scratch() -> TempDir {
    let directory = tempfile::Builder::new().prefix("cloister-embedded-").tempdir_in("/tmp").unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o711)).unwrap();
    directory
}

fn configured_binaries() -> Option<PathBuf> {
    env::var_os("CLOISTER_POSTGRES_BINARIES").map(PathBuf::from)
}

/// Settings for a cluster that survives anything but the machine's crash.
fn settings(scratch: &TempDir) -> Settings {
    let mut settings = Settings::new(scratch.path().join("data"));
    settings.binaries = configured_binaries();
    settings.max_connections = 20;
    settings.extra.push(("shared_buffers".to_owned(), "32MB".to_owned()));
    settings
}

async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn ask(client: &Client, sql: &str) -> String {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// The error of a start that must fail.
async fn refusal(settings: Settings) -> EmbeddedError {
    let error = EmbeddedCluster::start(settings).await.expect_err("the start must be refused");
    eprintln!("{}: {error}", error.code());
    error
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|found| found.uid() == 0)
}

fn kill(signal: &str, pid: u32) {
    assert!(Command::new("kill").args(["-s", signal, &pid.to_string()]).status().unwrap().success());
}

fn alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not happen in time");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn pgdata(settings: &Settings) -> PathBuf {
    settings.data_dir.join("postgres/data")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}
