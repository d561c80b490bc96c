//! `cargo xtask mutate-isolation`: takes away each guard between tenants, one at a time, and looks whether a test notices.
//!
//! Nothing is compiled for a guard. The tests are built once with the feature `failpoints`, in which guards of the program
//! have a switch (`crates/postgres/src/mutation.rs`) and tests write down what they do. Guards come in three kinds:
//!
//! - what stands around tables, in the database: made holes in, and tried, by `crates/cloister/tests/walls`;
//! - the conditions of statements on the tenant: each statement that any test ran is run again without them, there too;
//! - permissions, scopes and what stands in the program: switched off for the tests that came by them.

mod record;
mod report;
mod run;
mod survivors;
mod twins;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;

use crate::{server::with_server, tidy::root};
use report::Guard;
use run::Runner;

#[derive(clap::Args)]
pub(crate) struct Mutate {
    /// What stands around tables, and so many guards of the program, others with each commit. No statements.
    #[arg(long)]
    sample: Option<usize>,
    /// Only guards whose names contain this.
    #[arg(long)]
    only: Option<String>,
    /// A folder in which the tests have written down what they did (`CLOISTER_RECORD`); made when absent.
    #[arg(long)]
    recorded: Option<PathBuf>,
    /// Directory with the server's binaries; found when absent.
    #[arg(long, env = "CLOISTER_POSTGRES_BINARIES")]
    binaries: Option<PathBuf>,
}

impl Mutate {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let begun = std::time::Instant::now();
        let guards = with_server(self.binaries.as_deref(), |url| self.guards(url))?;
        let whole = self.sample.is_none() && self.only.is_none();
        let known = survivors::read(&root().join(survivors::FILE))?;
        let faults = survivors::faults(&known, &guards, whole);
        report::print(&guards, &known);
        for fault in &faults {
            println!("{fault}");
        }
        let killed = guards.iter().filter(|guard| guard.killed_by.is_some()).count();
        eprintln!(
            "{} guards taken away, {killed} noticed, {} explained in {}; {:.0} s",
            guards.len(),
            guards.len() - killed - faults.iter().filter(|fault| fault.is_survivor).count(),
            survivors::FILE,
            begun.elapsed().as_secs_f64()
        );
        Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Whether a guard whose name begins so may be asked for.
    fn may_be_among(&self, kinds: &[&str]) -> bool {
        let Some((kind, _)) = self.only.as_deref().and_then(|only| only.split_once('/')) else { return true };
        kinds.contains(&format!("{kind}/").as_str())
    }

    fn guards(&self, url: &str) -> anyhow::Result<Vec<Guard>> {
        let runner = Runner::build(url)?;
        let folder = match &self.recorded {
            // The tests stand in the folder of their package.
            Some(folder) => folder.canonicalize().with_context(|| folder.display().to_string())?,
            None => runner.record()?,
        };
        let chosen = runner.chosen();
        let records = record::read(&folder, &runner.tests()?, &chosen)?;
        let mut guards = Vec::new();
        if self.may_be_among(&["table/", "login/", "schema/", "function/"]) {
            guards.extend(runner.around_tables()?);
        }
        // To do again what every test did takes long, for all statements.
        if self.sample.is_none() && self.may_be_among(&["statement/"]) {
            let of_statement = self.only.as_deref().and_then(|only| only.strip_prefix("statement/"));
            let name = of_statement.map(|rest| rest.split('/').next().unwrap_or_default());
            let mut in_statements = runner.in_statements(&chosen, name)?;
            twins::count_once(&mut in_statements);
            guards.extend(in_statements);
        }
        let is_wanted = |name: &str| self.only.as_deref().is_none_or(|only| name.contains(only));
        guards.retain(|guard| is_wanted(&guard.name));
        let mut switches: Vec<_> =
            run::switches(&records).into_iter().filter(|switch| is_wanted(&switch.name)).collect();
        if let Some(most) = self.sample {
            switches = run::sample(switches, most)?;
        }
        guards.extend(runner.in_the_program(&switches, &records)?);
        Ok(guards)
    }
}
