//! Developer tasks: `cargo xtask test`, `cargo xtask tidy`, `cargo xtask codegen`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks there")]

mod test;

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
}

fn main() -> anyhow::Result<()> {
    match Args::parse().task {
        Task::Test(task) => task.run(),
    }
}
