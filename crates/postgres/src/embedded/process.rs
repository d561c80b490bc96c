//! Starting PostgreSQL's programs as the right account, so that they die with us; and looking at processes by number.

use std::{
    env, fs, io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::OnceLock,
};

use rustix::process::{Pid, Signal};

use super::account::Account;

/// A command that runs `program` as the account, outside our process group (a Ctrl-C in the terminal is ours to handle,
/// not the server's), with a clean environment, and that gets SIGINT, PostgreSQL's fast shutdown, when the thread that
/// spawns it ends. The spawning thread must therefore live as long as the child.
pub(super) fn command(program: &Path, account: &Account) -> Command {
    let mut command = match setpriv() {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--no-new-privs", "--pdeathsig", "INT", "--"]).arg(program);
            command
        }
        None => Command::new(program),
    };
    if account.switch {
        // With a user id given and none for groups, the standard library also drops root's supplementary groups.
        command.uid(account.uid).gid(account.gid);
    }
    let library_path = env::var_os("LD_LIBRARY_PATH");
    command
        .env_clear()
        .env("LC_ALL", "C")
        .env("PATH", env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into()))
        .envs(library_path.map(|value| ("LD_LIBRARY_PATH", value)))
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null());
    command
}

/// `setpriv` of util-linux, when it can tie a child's life to ours; a smaller one (busybox) cannot.
fn setpriv() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            if !cfg!(target_os = "linux") {
                return None;
            }
            let path = env::var_os("PATH").unwrap_or_default();
            let places = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(PathBuf::from);
            let program = env::split_paths(&path)
                .chain(places)
                .map(|directory| directory.join("setpriv"))
                .find(|program| program.is_absolute() && program.is_file())?;
            let works = Command::new(&program)
                .args(["--no-new-privs", "--pdeathsig", "INT", "--", "true"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success());
            works.then_some(program)
        })
        .as_deref()
}

/// Sends a signal to a process; false when it is gone.
pub(super) fn signal(pid: i32, signal: Signal) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| rustix::process::kill_process(pid, signal).is_ok())
}

/// Ends a program of ours that is not wanted any more, with every process it has started: [`command`] made it the leader
/// of a group. It must not have been waited for yet, so that its number is still its own.
pub(super) fn kill_group(child: &mut Child) -> io::Result<ExitStatus> {
    if let Some(leader) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // All of them may have ended in between; then there is nothing to kill, and the wait returns at once.
        let _ = rustix::process::kill_process_group(leader, Signal::KILL);
    }
    child.wait()
}

/// True when a process of this number exists, whoever it belongs to.
pub(super) fn exists(pid: i32) -> bool {
    let Some(pid) = Pid::from_raw(pid) else { return false };
    match rustix::process::test_kill_process(pid) {
        Ok(()) => true,
        Err(error) => error == rustix::io::Errno::PERM,
    }
}

/// The processes of a server whose postmaster, or any of its children, works in this PGDATA. Every process of a
/// server has it as its working directory.
#[cfg(target_os = "linux")]
pub(super) fn working_in(data: &Path) -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|&pid: &i32| works_in(pid, data))
        .collect()
}

/// True when the process is a PostgreSQL one working in this PGDATA: a number alone may have been given to another
/// program since.
#[cfg(target_os = "linux")]
pub(super) fn works_in(pid: i32, data: &Path) -> bool {
    let process = PathBuf::from(format!("/proc/{pid}"));
    // An editor or shell that stands in the directory is none of our business. The name is what exec gave it and not the
    // link to the program: that goes first when a process ends, while the memory of the server is still its own. The
    // directory goes after the memory.
    let named = fs::read_to_string(process.join("comm")).is_ok_and(|name| name.starts_with("postgres"));
    named && fs::read_link(process.join("cwd")).is_ok_and(|directory| directory == data)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn working_in(_data: &Path) -> Vec<i32> {
    Vec::new()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn works_in(pid: i32, data: &Path) -> bool {
    let output = Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.contains("postgres") && data.to_str().is_some_and(|data| text.contains(data))
}
