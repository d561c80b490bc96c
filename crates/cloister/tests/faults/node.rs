//! One node: `cloister serve` as a process of its own, which is killed and started again.

use std::{
    fs::OpenOptions,
    io::Write,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use cloister_testkit::program::{Process, command, free_address};

use crate::client::Client;

/// The program with its settings, as an operator runs it.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) data_dir: PathBuf,
    pub(crate) url: String,
}

impl Program {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(env!("CARGO_BIN_EXE_cloister"), arguments);
        command.env("CLOISTER_DATABASE_URL", &self.url).env("CLOISTER_DATA_DIR", &self.data_dir);
        // How many may come is not the subject; a limit would only make the load less.
        for rate in ["READ", "WRITE", "VISITOR", "SIGN_IN", "REFUSED"] {
            command.env(format!("CLOISTER_HTTP_RATES_{rate}"), "unlimited");
        }
        command
    }

    /// Runs it to its end, which must be a good one; `line` is typed into it.
    pub(crate) fn succeed(&self, arguments: &[&str], line: &str) -> String {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        writeln!(child.stdin.take().unwrap(), "{line}").unwrap();
        let output = child.wait_with_output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {out}{err}");
        out.into_owned()
    }
}

/// A node that serves, or is about to.
#[derive(Debug)]
pub(crate) struct Node {
    program: Program,
    pub(crate) address: SocketAddr,
    /// Everything it ever said, over all its lives.
    pub(crate) log: PathBuf,
    process: Option<Process>,
}

impl Node {
    pub(crate) fn new(program: Program, log: PathBuf) -> Self {
        Self { program, address: free_address(), log, process: None }
    }

    /// Starts it and waits until it takes requests; gives how long that took.
    pub(crate) async fn start(&mut self, client: &Client) -> Duration {
        let begun = Instant::now();
        let log = OpenOptions::new().create(true).append(true).open(&self.log).unwrap();
        let mut command = self.program.command(&["serve", "--listen", &self.address.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.process = Some(Process::start(command));
        while !client.is_ready(self.address).await {
            let ended = self.process.as_mut().unwrap().ended();
            assert!(ended.is_none(), "a node does not start ({ended:?}): {}", self.last_words());
            assert!(begun.elapsed() < Duration::from_mins(1), "a node is not ready in time: {}", self.last_words());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        begun.elapsed()
    }

    fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) fn kill(&mut self) {
        self.process.take().unwrap().kill();
    }

    pub(crate) fn freeze(&self) {
        self.process.as_ref().unwrap().freeze();
    }

    pub(crate) fn thaw(&self) {
        self.process.as_ref().unwrap().thaw();
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self) {
        assert!(self.process.take().unwrap().stop().success());
    }
}
