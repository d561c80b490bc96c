//! The log: to stderr, as text for people or as JSON for machines.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::configuration::Log;

/// Starts logging. Commands other than the server log warnings only, because their own words are their output.
pub(crate) fn start(log: &Log, quiet: bool) -> anyhow::Result<()> {
    let filter = if quiet && log.filter == "info" { "warn" } else { log.filter.as_str() };
    // Every statement and notice of the driver would otherwise be in it.
    let filter = EnvFilter::try_new(format!("{filter},tokio_postgres=warn"))?;
    let registry = tracing_subscriber::registry().with(filter);
    let started = if log.format == "json" {
        registry.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).try_init()
    } else {
        let colours = std::io::stderr().is_terminal();
        registry.with(fmt::layer().with_ansi(colours).with_target(false).with_writer(std::io::stderr)).try_init()
    };
    Ok(started?)
}
