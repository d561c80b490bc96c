//! The words of `cloister mail`.

use clap::{Args, Subcommand};
use cloister_ids::MailId;
use cloister_platform::mail::MailState;

use super::parse;

#[derive(Subcommand)]
pub(crate) enum MailCommand {
    /// List mails, the newest first.
    List(MailList),
    /// Print what a mail says, as long as that is kept. It is noted in the platform's audit log.
    Show(MailShow),
}

#[derive(Args)]
pub(crate) struct MailList {
    /// Only in this state: queued, sent, failed or kept.
    #[arg(long, value_parser = parse::<MailState>)]
    pub(crate) state: Option<MailState>,
    /// Only of this tenant: slug or id.
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1000))]
    pub(crate) limit: i64,
    /// Behind this one: the id of the last mail listed before.
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<MailId>,
}

#[derive(Args)]
pub(crate) struct MailShow {
    /// Which mail.
    pub(crate) id: MailId,
}
