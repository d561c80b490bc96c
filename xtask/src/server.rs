//! A PostgreSQL for tests, gone when they are done.

use std::path::Path;

use anyhow::Context;
use cloister_postgres::embedded::{EmbeddedCluster, Settings};

/// Starts one, hands its administrator's address to `work`, and stops it.
pub(crate) fn with_server<T>(
    binaries: Option<&Path>,
    work: impl FnOnce(&str) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let data_dir = std::env::temp_dir().join(format!("cloister-test-{}", std::process::id()));
    let mut settings = Settings::new(&data_dir);
    settings.binaries = binaries.map(Path::to_owned);
    settings.max_connections = 300;
    // Nothing here outlives the run, and templates are copied all the time.
    settings.extra = [
        ("fsync", "off"),
        ("full_page_writes", "off"),
        ("synchronous_commit", "off"),
        ("max_wal_size", "2GB"),
        // DROP DATABASE waits for every session to take notice. One that a finished test left half signed in cannot.
        ("authentication_timeout", "3s"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let cluster = runtime.block_on(EmbeddedCluster::start(settings)).context("the test server did not start")?;
    let password = std::fs::read_to_string(data_dir.join("postgres/admin.password"))?;
    let url = format!(
        "postgresql://cloister_admin:{}@127.0.0.1:{}/postgres?sslmode=disable",
        password.trim(),
        cluster.port()
    );
    eprintln!("tests run on PostgreSQL {}", cluster.version());
    let done = work(&url);
    let stopped = runtime.block_on(cluster.stop());
    let removed = std::fs::remove_dir_all(&data_dir);
    stopped?;
    removed?;
    done
}
