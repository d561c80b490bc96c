//! The words of `cloister doctor`.

use clap::{Args, Subcommand};

#[derive(Args)]
pub(crate) struct Doctor {
    #[command(subcommand)]
    pub(crate) what: Option<DoctorCommand>,
}

#[derive(Subcommand)]
pub(crate) enum DoctorCommand {
    /// Walk through every database and prove that tenants are apart, or name the hole and what mends it.
    Isolation(DoctorIsolation),
}

#[derive(Args)]
pub(crate) struct DoctorIsolation {
    /// Look at the rows too: does each lie where its tenant's place is?
    #[arg(long)]
    pub(crate) rows: bool,
}
