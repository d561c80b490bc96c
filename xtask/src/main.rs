//! Developer tasks: `cargo xtask test`, `cargo xtask tidy`, `cargo xtask codegen`, `cargo xtask mutate-isolation`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks there")]

mod codegen;
mod mutate;
mod server;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer tasks of Cloister")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Start a PostgreSQL for tests and run cargo-nextest on it.
    Test(test::Test),
    /// Look whether the sources keep the rules of the house.
    Tidy(tidy::Tidy),
    /// Write what is generated and checked in.
    Codegen(codegen::Codegen),
    /// Take away each guard between tenants, one at a time, and look whether a test notices.
    MutateIsolation(mutate::Mutate),
}

fn main() -> anyhow::Result<ExitCode> {
    match Args::parse().task {
        Task::Test(task) => task.run()?,
        Task::Tidy(task) => return task.run(),
        Task::Codegen(task) => task.run()?,
        Task::MutateIsolation(task) => return task.run(),
    }
    Ok(ExitCode::SUCCESS)
}
