//! `cloister token`: a development token.

use std::sync::Arc;

use cloister_ids::SystemClock;
use cloister_postgres::embedded;

use crate::{
    cli::Token,
    configuration::Configuration,
    installation::{Platform, Prepare},
    output::Output,
    token::DevelopmentTokens,
};

/// Makes one and prints it, alone, so that `$(cloister token …)` works.
pub(crate) async fn run(configuration: &Configuration, args: Token, output: Output) -> anyhow::Result<()> {
    embedded::claim(&configuration.data_dir)?;
    let tokens = DevelopmentTokens::open(&configuration.data_dir, Arc::new(SystemClock))?;
    let tenant = match &args.tenant {
        None => None,
        Some(name) => {
            let platform = Platform::open(configuration, Prepare::WhenAlone).await?;
            let found = platform.tenancy.find_tenant(name).await;
            platform.close().await?;
            Some(found?.id)
        }
    };
    let token = tokens.mint(&args.actor, tenant, args.permissions, args.lifetime)?;
    match output {
        Output::Table => crate::output::print(&token)?,
        Output::Json => {
            let answer = serde_json::json!({ "token": token, "expires_in": args.lifetime.as_secs() });
            crate::output::print(&answer.to_string())?;
        }
    }
    Ok(())
}
