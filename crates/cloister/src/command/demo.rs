//! `cloister demo`.
use crate::{cli::Demo, configuration::Configuration};
/// pending
pub(crate) async fn run(_: &Configuration, _: &Demo) -> anyhow::Result<()> {
    Ok(())
}
