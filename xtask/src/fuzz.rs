//! Builds the targets in `fuzz/` and lets libFuzzer look for what breaks them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};

use crate::tidy::root;

#[derive(clap::Args)]
pub(crate) struct Fuzz {
    /// Seconds for each target.
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// Targets, such as `host` or `csv`; all when none is named.
    targets: Vec<String>,
}

impl Fuzz {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let root = root();
        let all = targets(&root)?;
        let unknown: Vec<_> = self.targets.iter().filter(|target| !all.contains(target)).collect();
        if !unknown.is_empty() {
            bail!("there is no target {unknown:?}; there are {}", all.join(", "));
        }
        let chosen = if self.targets.is_empty() { &all } else { &self.targets };
        build(&root, chosen)?;
        let mut broken = Vec::new();
        for target in chosen {
            println!("{target}: {} seconds", self.seconds);
            if let Some(found) = look(&root, target, self.seconds)? {
                broken.push(format!("{target}: {found}"));
            }
        }
        if !broken.is_empty() {
            bail!("inputs that break something, each of which should become a test:\n  {}", broken.join("\n  "));
        }
        Ok(())
    }
}

/// Names of the targets: a file each.
fn targets(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join("fuzz/fuzz_targets")).context("fuzz/fuzz_targets cannot be read")? {
        let path = entry?.path();
        names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// With the versions of the workspace and into its folder, so that third-party code is not built twice.
fn build(root: &Path, chosen: &[String]) -> anyhow::Result<()> {
    let fuzz = root.join("fuzz");
    fs::copy(root.join("Cargo.lock"), fuzz.join("Cargo.lock")).context("the versions could not be copied")?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.arg("build").arg("--manifest-path").arg(fuzz.join("Cargo.toml"));
    cargo.arg("--target-dir").arg(root.join("target"));
    for target in chosen {
        cargo.arg("--bin").arg(format!("fuzz_{target}"));
    }
    let status = cargo.env("RUSTC_WRAPPER", fuzz.join("instrument.sh")).status().context("cargo could not be run")?;
    if !status.success() {
        bail!("the targets could not be built; libFuzzer needs a C++ compiler");
    }
    Ok(())
}

/// Runs one of them. What it broke by is kept, and named.
fn look(root: &Path, target: &str, seconds: u32) -> anyhow::Result<Option<String>> {
    let work = root.join("target/fuzz");
    let (grown, found): (PathBuf, PathBuf) = (work.join("corpus").join(target), work.join("found").join(target));
    for folder in [&grown, &found] {
        fs::create_dir_all(folder)?;
    }
    let mut fuzzer = Command::new(root.join(format!("target/debug/fuzz_{target}")));
    fuzzer.arg(format!("-max_total_time={seconds}")).arg(format!("-artifact_prefix={}/", found.display()));
    // A single input that takes this long, or this much memory, is a finding too.
    fuzzer.args(["-timeout=10", "-rss_limit_mb=1024", "-verbosity=0", "-print_final_stats=1", "-max_len=4096"]);
    fuzzer.arg(&grown).arg(root.join("fuzz/corpus").join(target));
    let output = fuzzer.output().with_context(|| format!("the target {target} cannot be run"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    for line in said.lines().filter(|line| line.contains("number_of_executed_units") || line.contains("peak_rss")) {
        println!("  {}", line.trim_start_matches("stat::"));
    }
    if output.status.success() {
        return Ok(None);
    }
    println!("{said}");
    let artifact = said.lines().rev().find_map(|line| line.split_once("Test unit written to ")).map(|(_, path)| path);
    Ok(Some(artifact.unwrap_or("see above").to_owned()))
}
