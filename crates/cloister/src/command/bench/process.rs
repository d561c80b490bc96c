//! A command of this binary as a process of its own, and the memory it takes.

use std::{
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// What a finished process took.
pub(crate) struct Taken {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// From its start to its end.
    pub(crate) time: Duration,
    /// The most memory it held, in bytes.
    pub(crate) peak: u64,
    /// What it printed.
    pub(crate) stdout: String,
}

/// This binary with these arguments.
pub(crate) fn ourselves(arguments: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).stdin(Stdio::null());
    Ok(command)
}

/// Runs it to its end.
pub(crate) fn run(mut command: Command) -> anyhow::Result<Taken> {
    let begun = Instant::now();
    let file = tempfile();
    command.stdout(std::fs::File::create(&file)?);
    let mut child = command.spawn()?;
    let mut peak = 0;
    let status = loop {
        peak = peak.max(memory(&child, "VmHWM:").unwrap_or(0));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let time = begun.elapsed();
    let stdout = std::fs::read_to_string(&file)?;
    std::fs::remove_file(&file)?;
    Ok(Taken { status, time, peak, stdout })
}

fn tempfile() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("cloister-bench-{}.out", std::process::id()))
}

/// A line of the kernel's account of a process, in bytes.
pub(crate) fn memory(child: &Child, line: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let value = text.lines().find_map(|found| found.strip_prefix(line))?;
    value.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
