//! The one binary: configuration, command line, server, workers. Also the only place where the rooms are put together.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "data goes to stdout, everything else to stderr")]

mod cli;
mod command;
mod configuration;
mod failure;
mod installation;
mod logins;
mod output;
mod password;
mod permissions;
mod progress;
mod telemetry;
mod unreachable;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(command::run(args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}
