//! `cloister serve`.
use crate::configuration::Configuration;
/// pending
pub(crate) async fn run(_: &Configuration) -> anyhow::Result<()> {
    Ok(())
}
