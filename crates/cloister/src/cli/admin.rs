//! `cloister admin`, as words.

use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum AdminCommand {
    /// Make an operator: an account that may do things to the platform itself.
    Create(AdminCreate),
    /// Make a new key for access tokens. Nobody is signed out.
    RotateKeys,
}

#[derive(Args)]
pub(crate) struct AdminCreate {
    /// The address to sign in with.
    pub(crate) email: String,
    /// The name on pages.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// What the operator may do: see, help, or everything.
    #[arg(long, default_value = "admin", value_parser = ["viewer", "support", "admin"])]
    pub(crate) role: String,
    /// Language of mails.
    #[arg(long, default_value = "en")]
    pub(crate) locale: String,
}
