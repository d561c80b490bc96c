//! Runs the test of faults for as long as somebody has patience.

use std::process::Command;

use anyhow::{Context, bail};

#[derive(clap::Args)]
pub(crate) struct Soak {
    /// For so many minutes faults come, one after the other.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1440))]
    minutes: u64,
    /// Which faults and requests come by chance: the same for the same seed.
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

impl Soak {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        // Not by cargo-nextest, which ends what takes long.
        let status = Command::new("cargo")
            .args(["test", "--quiet", "--package", "cloister", "--features", "cloister/failpoints", "--test", "faults"])
            .args(["--", "--nocapture"])
            .env("CLOISTER_SOAK_SECONDS", (self.minutes * 60).to_string())
            .env("CLOISTER_SOAK_SEED", self.seed.to_string())
            .status()
            .context("the soak could not be run")?;
        if !status.success() {
            bail!("the soak found trouble");
        }
        Ok(())
    }
}
