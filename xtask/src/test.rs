//! Runs the tests on a PostgreSQL of their own.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, bail};
use cloister_postgres::embedded::{EmbeddedCluster, Settings};

#[derive(clap::Args)]
pub(crate) struct Test {
    /// Directory with the server's binaries; found when absent.
    #[arg(long, env = "CLOISTER_POSTGRES_BINARIES")]
    binaries: Option<PathBuf>,
    /// Run this command instead of cargo-nextest.
    #[arg(long)]
    command: Option<String>,
    /// Passed to cargo-nextest.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    nextest: Vec<String>,
}

impl Test {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let data_dir = std::env::temp_dir().join(format!("cloister-test-{}", std::process::id()));
        let mut settings = Settings::new(&data_dir);
        settings.binaries.clone_from(&self.binaries);
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
        eprintln!("tests run on PostgreSQL {}", cluster.version());
        let password = std::fs::read_to_string(data_dir.join("postgres/admin.password"))?;
        let url = format!(
            "postgresql://cloister_admin:{}@127.0.0.1:{}/postgres?sslmode=disable",
            password.trim(),
            cluster.port()
        );
        let mut command = match &self.command {
            Some(text) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", text]);
                shell
            }
            None => {
                let mut nextest = Command::new("cargo");
                nextest.args(["nextest", "run"]).args(&self.nextest);
                nextest
            }
        };
        command.env("CLOISTER_TEST_ADMIN_URL", url);
        if let Some(binaries) = &self.binaries {
            command.env("CLOISTER_POSTGRES_BINARIES", binaries);
        }
        let status = command.status().context("the tests could not be run; is cargo-nextest installed?")?;
        let stopped = runtime.block_on(cluster.stop());
        let removed = std::fs::remove_dir_all(&data_dir);
        stopped?;
        removed?;
        if !status.success() {
            bail!("the tests failed");
        }
        Ok(())
    }
}
