//! The program, on databases of its own: three schools in three tiers and a company, served.

use std::{
    env, fs,
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use cloister_testkit::{
    admin_server,
    program::{self, Process, free_address},
};
use tempfile::TempDir;

/// The variable that names the server tests run on.
const SERVER: &str = "CLOISTER_TEST_ADMIN_URL";
/// Memory that a node may take while it is attacked, beyond what it had when it was ready. Signing in takes 19 MiB a
/// password that is looked at, and what was freed is not always given back.
const GROWTH_KIB: u64 = 400 * 1024;

/// `cloister demo`, until dropped.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    pub(crate) prefix: String,
    pub(crate) directory: TempDir,
    process: Process,
    memory: u64,
}

impl Node {
    /// Makes an installation, fills it, and serves it. `settings` are variables beside the usual ones.
    pub(crate) fn start(name: &str, settings: &[(&str, &str)]) -> Self {
        let directory = tempfile::Builder::new().prefix("cloister-hostile-").tempdir().unwrap();
        let prefix = format!("hostile_{name}_{}", std::process::id());
        let admin = env::var(SERVER).expect("run this by `cargo xtask test`");
        let command = |arguments: &[&str]| command(&directory.path().join("node"), &prefix, arguments);
        let made = command(&["init", "--admin-url", &admin]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let address = free_address();
        let log = fs::File::create(directory.path().join("log")).unwrap();
        let mut serving = command(&["demo", "--students", "3", "--listen", &address.to_string()]);
        serving.envs(settings.iter().copied()).env("CLOISTER_LOG_FORMAT", "json").stdout(Stdio::null()).stderr(log);
        let mut node = Self { address, prefix, directory, process: Process::start(serving), memory: 0 };
        // The port is taken before anything else is done; an answer comes when all of it is.
        let deadline = Instant::now() + Duration::from_mins(2);
        while !node.is_ready() {
            assert!(Instant::now() < deadline, "not ready in time: {}", node.log());
            assert!(node.process.ended().is_none(), "it ended: {}", node.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        node.memory = node.peak();
        node
    }

    fn is_ready(&self) -> bool {
        use std::io::{Read, Write};
        let Ok(mut stream) = TcpStream::connect(self.address) else { return false };
        stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let mut answer = [0; 12];
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").is_ok()
            && stream.read_exact(&mut answer).is_ok()
            && answer == *b"HTTP/1.1 200"
    }

    /// Runs a command of the program beside it.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        command(&self.directory.path().join("node"), &self.prefix, arguments).output().unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    /// The most memory it ever had, in KiB.
    fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// It runs, nothing in it panicked or failed, and it did not grow without bounds.
    pub(crate) fn is_unharmed(&mut self) {
        assert!(self.process.ended().is_none(), "it ended: {}", self.log());
        let log = self.log();
        let bad = |line: &&str| line.contains("panicked") || line.contains("\"level\":\"ERROR\"");
        let faults: Vec<_> = log.lines().filter(bad).take(5).collect();
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        let (before, peak) = (self.memory, self.peak());
        assert!(peak < before + GROWTH_KIB, "it grew from {before} to {peak} KiB");
    }

    /// Ends it and drops what was made for it.
    pub(crate) async fn stop(self) {
        let log = self.log();
        assert!(self.process.stop().success(), "{log}");
        let admin = admin_server().connect("postgres").await.unwrap();
        let sql = "select datname::text, false from pg_database where starts_with(datname, $1)
            union all select rolname::text, true from pg_roles where starts_with(rolname, $1) order by 2, 1";
        for row in admin.query(sql, &[&self.prefix]).await.unwrap() {
            let (name, is_role): (String, bool) = (row.get(0), row.get(1));
            let how =
                if is_role { format!("drop role \"{name}\"") } else { format!("drop database \"{name}\" (force)") };
            admin.batch_execute(&how).await.unwrap();
        }
    }
}

fn command(data_dir: &Path, prefix: &str, arguments: &[&str]) -> Command {
    let mut command = program::command(env!("CARGO_BIN_EXE_cloister"), arguments);
    let admin = env::var(SERVER).unwrap();
    let place = admin.rsplit_once('@').unwrap().1.replacen("/postgres", "/", 1);
    command.env("CLOISTER_DATABASE_URL", format!("postgresql://{place}"));
    command.env("CLOISTER_DATABASE_PREFIX", prefix).env("CLOISTER_DATA_DIR", data_dir);
    command
}
