//! Developer tasks: `cargo xtask test`, `tidy`, `codegen`, `soak`, `fuzz`, `mutate-isolation`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks there")]

mod codegen;
mod fuzz;
mod mutate;
mod server;
mod soak;
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
    /// Look for inputs that break what reads them.
    Fuzz(fuzz::Fuzz),
    /// Write what is generated and checked in.
    Codegen(codegen::Codegen),
    /// Take away each guard between tenants, one at a time, and look whether a test notices.
    MutateIsolation(mutate::Mutate),
    /// Cut and kill under load for some minutes, and look whether anything was lost, doubled or mixed.
    Soak(soak::Soak),
}

fn main() -> anyhow::Result<ExitCode> {
    match Args::parse().task {
        Task::Test(task) => task.run()?,
        Task::Tidy(task) => return task.run(),
        Task::Codegen(task) => task.run()?,
        Task::MutateIsolation(task) => return task.run(),
        Task::Soak(task) => task.run()?,
        Task::Fuzz(task) => task.run()?,
    }
    Ok(ExitCode::SUCCESS)
}
