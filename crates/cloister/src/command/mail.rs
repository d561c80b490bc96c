//! `cloister mail …`: the outbox.

use cloister_platform::mail::{MailWithBody, Outbox, Selection};
use cloister_tenancy::Tenancy;

use crate::{
    cli::{MailCommand, MailList},
    configuration::Configuration,
    installation::{Prepare, Running, operator},
    output::{Output, print},
};

/// Runs one of them.
pub(crate) async fn run(configuration: &Configuration, command: MailCommand, output: Output) -> anyhow::Result<()> {
    let platform = Running::open(configuration, Prepare::WhenAlone).await?;
    let result = act(&platform, command, output).await;
    platform.close().await?;
    result
}

async fn act(platform: &Running, command: MailCommand, output: Output) -> anyhow::Result<()> {
    let outbox = Outbox::of(&platform.service);
    match command {
        MailCommand::List(args) => list(&platform.tenancy, outbox, args, output).await,
        MailCommand::Show(args) => show(&outbox.read(args.id, &operator()).await?, output),
    }
}

async fn list(tenancy: &Tenancy, outbox: Outbox<'_>, args: MailList, output: Output) -> anyhow::Result<()> {
    let tenant = match &args.tenant {
        Some(name) => Some(tenancy.find_tenant(name).await?.id),
        None => None,
    };
    let selection = Selection { state: args.state, tenant, oldest_first: false, after: args.after, limit: args.limit };
    let mails = outbox.list(selection).await?;
    if mails.is_empty() && output == Output::Table {
        eprintln!("no mails");
        return Ok(());
    }
    output.list(&["id", "written", "state", "to", "subject", "error"], &mails, |mail| {
        let written = mail.created_at.strftime("%Y-%m-%d %H:%M:%S").to_string();
        let (state, error) = (mail.state.word().to_owned(), mail.error.clone().unwrap_or_default());
        vec![mail.id.to_string(), written, state, mail.recipient.clone(), mail.subject.clone(), error]
    })
}

fn show(read: &MailWithBody, output: Output) -> anyhow::Result<()> {
    let MailWithBody { mail, text, .. } = read;
    let told = |text: &Option<String>| text.clone().unwrap_or_default();
    output.record(
        read,
        &[
            ("to", mail.recipient.clone()),
            ("subject", mail.subject.clone()),
            ("state", mail.state.word().to_owned()),
            ("attempts", mail.attempts.to_string()),
            ("error", told(&mail.error)),
            ("written", mail.created_at.to_string()),
            ("sent", mail.sent_at.map(|at| at.to_string()).unwrap_or_default()),
            ("tenant", mail.tenant_id.map(|id| id.to_string()).unwrap_or_default()),
        ],
    )?;
    if output == Output::Table {
        match text {
            Some(text) => print(&format!("\n{text}"))?,
            None => eprintln!("what it said was forgotten: it was sent, or is older than a week"),
        }
    }
    Ok(())
}
