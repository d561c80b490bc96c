//! Runs the tests on a PostgreSQL of their own.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, bail};

use crate::server::with_server;

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
        with_server(self.binaries.as_deref(), |url| {
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
            if !status.success() {
                bail!("the tests failed");
            }
            Ok(())
        })
    }
}
