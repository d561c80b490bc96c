//! `cloister admin …`: operators, and the keys that sign tokens.

use cloister_platform::NewPerson;
use secrecy::SecretString;
use serde_json::json;

use crate::{
    cli::{AdminCommand, AdminCreate},
    configuration::Configuration,
    installation::{Prepare, Running, operator},
    output::Output,
    password,
};

/// Runs one of them.
pub(crate) async fn run(configuration: &Configuration, command: AdminCommand, output: Output) -> anyhow::Result<()> {
    // Asked first: nobody should type a password for a server that then does not start, but neither wait with it open.
    let password = match &command {
        AdminCommand::Create(_) => Some(password::ask()?),
        AdminCommand::RotateKeys => None,
    };
    let running = Running::open(configuration, Prepare::WhenAlone).await?;
    let result = act(&running, command, password, output).await;
    running.close().await?;
    result
}

async fn act(
    running: &Running,
    command: AdminCommand,
    password: Option<SecretString>,
    output: Output,
) -> anyhow::Result<()> {
    match (command, password) {
        (AdminCommand::Create(args), Some(password)) => create(running, args, password, output).await,
        (AdminCommand::Create(_), None) => anyhow::bail!("an operator needs a password"),
        (AdminCommand::RotateKeys, _) => {
            let id = running.service.rotate_signing_key().await?;
            output.record(&json!({ "key": id }), &[("key", id.clone()), ("signs", "from a minute on".to_owned())])
        }
    }
}

async fn create(running: &Running, args: AdminCreate, password: SecretString, output: Output) -> anyhow::Result<()> {
    let person = NewPerson {
        display_name: args.name.unwrap_or_else(|| args.email.clone()),
        email: args.email,
        locale: args.locale,
        password,
    };
    let id = running.service.make_operator(&person, &args.role, &(&operator()).into()).await?;
    eprintln!("{} is an operator now; an account that existed keeps its password", person.email);
    output.record(
        &json!({ "id": id, "email": person.email, "role": args.role }),
        &[("id", id.to_string()), ("email", person.email.clone()), ("role", args.role.clone())],
    )
}
