//! The commands, a file each.

mod admin;
mod audit;
mod bench;
mod demo;
mod doctor;
mod export;
mod import;
mod import_table;
mod import_undo;
mod init;
mod isolation;
mod mail;
mod migrate;
mod openapi;
mod permissions;
mod sample;
mod serve;
mod tenant;

use crate::{
    cli::{Cli, Command, DoctorCommand, ExportCommand, ImportCommand},
    configuration::Configuration,
    telemetry,
};

/// Runs what was asked for.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<()> {
    let listen = match &cli.command {
        Command::Serve(serve) => serve.listen,
        Command::Demo(demo) => demo.listen,
        _ => None,
    };
    let configuration = Configuration::read(
        cli.config.as_ref(),
        &[
            ("data_dir", cli.data_dir.as_ref().map(|dir| dir.display().to_string())),
            ("listen", listen.map(|address| address.to_string())),
        ],
    )?;
    telemetry::start(&configuration.log, !matches!(cli.command, Command::Serve(_)))?;
    let output = cli.output;
    match cli.command {
        Command::Serve(args) => serve::run(&configuration, &args).await,
        Command::Demo(args) => demo::run(&configuration, &args).await,
        Command::Init(args) => init::run(&configuration, &args, output).await,
        Command::Tenant(command) => tenant::run(&configuration, command, output).await,
        Command::Audit(command) => audit::run(&configuration, command, output).await,
        Command::Migrate(args) => migrate::run(&configuration, &args, output).await,
        Command::Mail(command) => mail::run(&configuration, command, output).await,
        Command::Admin(command) => admin::run(&configuration, command, output).await,
        Command::Doctor(doctor) => match doctor.what {
            None => doctor::run(&configuration, output).await,
            Some(DoctorCommand::Isolation(args)) => isolation::run(&configuration, &args, output).await,
        },
        Command::Openapi => openapi::run(),
        Command::Permissions(args) => permissions::run(&args, output),
        Command::Bench(args) => bench::run(&configuration, &args, output).await,
        Command::Import(ImportCommand::Oneroster(args)) => {
            import::run(&configuration, &args, import::Form::Oneroster, output).await
        }
        Command::Import(ImportCommand::Sds(args)) => {
            import::run(&configuration, &args, import::Form::Sds, output).await
        }
        Command::Import(ImportCommand::Table(args)) => import_table::run(&configuration, &args, output).await,
        Command::Import(ImportCommand::Undo(args)) => import_undo::run(&configuration, &args, output).await,
        Command::Export(ExportCommand::Oneroster(args)) => export::run(&configuration, &args, output).await,
        Command::Sample(args) => sample::run(&configuration, args, output).await,
    }
}
