//! A program as a process of its own, which does not outlive its test.
#![expect(clippy::unwrap_used, reason = "a kit for tests fails by panicking")]

use std::{
    env,
    net::{SocketAddr, TcpListener},
    process::{Child, Command, ExitStatus},
};

use rustix::process::{Pid, Signal, kill_process};

/// The program with its arguments, and nothing of the settings that this process has.
pub fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name == "DATABASE_URL" || name.to_string_lossy().starts_with("CLOISTER_") {
            command.env_remove(name);
        }
    }
    command.args(arguments);
    command
}

/// An address of this machine that nobody listened at a moment ago.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A process, killed when this is dropped.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts it.
    pub fn start(mut command: Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().unwrap()
    }

    /// Holds it still, with all its connections open, as a machine that swaps or is moved does.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Ends it in the middle of whatever it does.
    pub fn kill(mut self) {
        self.signal(Signal::KILL);
        self.0.wait().unwrap();
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.0.wait().unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
