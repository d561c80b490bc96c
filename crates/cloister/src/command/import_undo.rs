//! `cloister import undo`: the last import is taken back.

use cloister_school::import::{ImportRun, last, take_back};
use cloister_tenancy::{Error, ErrorKind, Tenancy};

use super::import::tenant_with_roster;
use crate::{
    cli::ImportUndo,
    configuration::Configuration,
    installation::{Prepare, Running, operator},
    output::Output,
};

/// Takes it back and says which it was.
pub(crate) async fn run(configuration: &Configuration, args: &ImportUndo, output: Output) -> anyhow::Result<()> {
    let platform = Running::open(configuration, Prepare::WhenAlone).await?;
    let undone = undo(&platform.tenancy, args).await;
    platform.close().await?;
    let run = undone?;
    output.record(
        &run,
        &[
            ("import", run.id.to_string()),
            ("state", run.state.word().to_owned()),
            ("applied", run.applied_at.map(|at| at.to_string()).unwrap_or_default()),
            ("asked for by", run.created_by.clone()),
        ],
    )
}

async fn undo(tenancy: &Tenancy, args: &ImportUndo) -> anyhow::Result<ImportRun> {
    let entry = tenant_with_roster(tenancy, &args.tenant).await?;
    let cx = tenancy.background(entry, operator());
    let found = last(tenancy, &cx).await?;
    let Some(run) = found.filter(|run| args.import.is_none_or(|wanted| wanted == run.id)) else {
        let message =
            "There is no such import that can be taken back: only the last one that changed anything can, for 30 days.";
        return Err(Error::new(ErrorKind::Conflict, "import_not_last", message).into());
    };
    Ok(take_back(tenancy, &cx, run.id, args.keep_changed).await?)
}
