//! `cloister migrate`: the whole fleet, up to date.

use crate::{
    cli::Migrate,
    configuration::Configuration,
    installation::{Prepare, Running},
    output::Output,
    progress::Bar,
};

/// Brings everything up to date, or says what is behind.
pub(crate) async fn run(configuration: &Configuration, args: &Migrate, output: Output) -> anyhow::Result<()> {
    let platform = Running::open(configuration, Prepare::WhenAlone).await?;
    let bar = Bar::new("migrating", 0);
    let report = platform.tenancy.migrate_fleet(usize::from(args.at_once), args.dry_run, &bar).await;
    bar.clear();
    let closed = platform.close().await;
    let report = report?;
    closed?;
    let mut lines = vec![("behind", report.behind.to_string()), ("migrated", report.migrated.to_string())];
    lines.extend(report.failed.iter().map(|reason| ("failed", reason.clone())));
    output.record(&report, &lines)?;
    anyhow::ensure!(
        report.failed.is_empty(),
        "{} of {} targets failed; running again tries them again",
        report.failed.len(),
        report.behind
    );
    Ok(())
}
