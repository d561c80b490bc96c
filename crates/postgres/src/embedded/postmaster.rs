//! One run of the server: spawned, awaited until it is ready, ended.
//!
//! Everything here happens on one thread that lives as long as the server does: the kernel ends the server when the
//! *thread* that spawned it ends, and threads of an async runtime come and go.

use std::{
    fs::File,
    path::PathBuf,
    process::{Child, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use super::{
    EmbeddedError,
    account::Account,
    binaries::Binaries,
    configuration, disk,
    layout::{Layout, tail},
    log,
    pidfile::PidFile,
    port, process,
};

/// What the thread of a running server waits for.
#[derive(Debug)]
pub(super) enum Event {
    /// End the server: fast, and after this time at once.
    Stop(Duration),
    /// The server has ended and can be reaped.
    Ended,
}

/// For an immediate shutdown, after which it is killed.
const IMMEDIATE: Duration = Duration::from_secs(5);

/// How often the size of a running server's log is looked at.
const LOOK_AT_LOG: Duration = Duration::from_secs(5);

/// How often a start says that it still waits (recovery after a crash can take minutes).
const NEWS: Duration = Duration::from_secs(10);

/// A spawned server.
#[derive(Debug)]
pub(super) struct Postmaster {
    child: Child,
    pid: i32,
    program: PathBuf,
}

/// How a start attempt failed.
pub(super) enum StartFailure {
    /// The port was taken between our look and the server's.
    Port,
    /// Anything else.
    Other(EmbeddedError),
}

impl From<EmbeddedError> for StartFailure {
    fn from(error: EmbeddedError) -> Self {
        Self::Other(error)
    }
}

impl Postmaster {
    /// Starts the server; its output goes to `log`.
    pub(super) fn spawn(
        layout: &Layout,
        binaries: &Binaries,
        account: &Account,
        socket_dir: &std::path::Path,
        port: u16,
        log: File,
    ) -> Result<Self, EmbeddedError> {
        let program = binaries.program("postgres");
        let errors = log.try_clone().map_err(EmbeddedError::io("cannot write", &layout.log()))?;
        let child = process::command(&program, account)
            .args(configuration::arguments(&layout.data(), socket_dir, port))
            .stdout(Stdio::from(log))
            .stderr(Stdio::from(errors))
            .spawn()
            .map_err(EmbeddedError::io("cannot run", &program))?;
        let pid = i32::try_from(child.id()).unwrap_or_default();
        Ok(Self { child, pid, program })
    }

    /// The process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the server says that it accepts connections. The server is gone when this fails.
    pub(super) fn wait_until_ready(
        &mut self,
        layout: &Layout,
        limit: Duration,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<(), StartFailure> {
        let (data, log) = (layout.data(), layout.log());
        let begun = Instant::now();
        let mut news = begun + NEWS;
        loop {
            if let Some(status) = self.child.try_wait().map_err(EmbeddedError::io("cannot wait for", &self.program))? {
                return Err(why_it_died(layout, status));
            }
            if PidFile::read(&data).is_some_and(|file| file.pid == self.pid && file.ready) {
                return Ok(());
            }
            let now = Instant::now();
            if cancelled() {
                self.end_now();
                return Err(EmbeddedError::Cancelled.into());
            }
            if now - begun > limit {
                self.end_now();
                return Err(EmbeddedError::Timeout { waited: limit, tail: tail(&log), log }.into());
            }
            if now > news {
                news = now + NEWS;
                let text = tail(&log);
                let last = text.lines().last().unwrap_or_default();
                tracing::info!(waited = ?(now - begun), last, "PostgreSQL is still starting");
            }
            thread::sleep(Duration::from_millis(if now - begun < Duration::from_secs(1) { 3 } else { 50 }));
        }
    }

    /// Tells `events` when the server ends. The process stays a zombie until [`Postmaster::serve`] has reaped it, so
    /// that its number cannot become another program's while a signal is on the way.
    pub(super) fn watch(&self, events: Sender<Event>) -> Result<(), EmbeddedError> {
        let pid = self.pid;
        let watch = move || {
            if let Some(pid) = Pid::from_raw(pid) {
                let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
                while let Err(rustix::io::Errno::INTR) = rustix::process::waitid(WaitId::Pid(pid), options) {}
            }
            // The other side is gone only when the server has been reaped already.
            let _ = events.send(Event::Ended);
        };
        thread::Builder::new()
            .name("postgres-watch".to_owned())
            .spawn(watch)
            .map(drop)
            .map_err(EmbeddedError::io("cannot watch", &self.program))
    }

    /// Serves until the server has ended, by itself or because it was told to; returns how, and whether it was told to.
    pub(super) fn serve(mut self, layout: &Layout, events: &Receiver<Event>) -> (Option<ExitStatus>, bool) {
        let told = loop {
            match events.recv_timeout(LOOK_AT_LOG) {
                Err(RecvTimeoutError::Timeout) => look_at_log(layout),
                Ok(Event::Ended) => break false,
                Ok(Event::Stop(patience)) => {
                    self.stop(events, patience);
                    break true;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    self.end_now();
                    break true;
                }
            }
        };
        (self.child.wait().ok(), told)
    }

    fn stop(&self, events: &Receiver<Event>, patience: Duration) {
        for (signal, patience) in [(Signal::INT, patience), (Signal::QUIT, IMMEDIATE)] {
            process::signal(self.pid, signal);
            let deadline = Instant::now() + patience;
            loop {
                match events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                    Ok(Event::Ended) => return,
                    // A second wish to stop changes nothing.
                    Ok(Event::Stop(_)) => {}
                    Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
                }
            }
            tracing::warn!(pid = self.pid, ?signal, "PostgreSQL did not end in time, using more force");
        }
        process::signal(self.pid, Signal::KILL);
    }

    /// Ends a server that nobody has used yet.
    pub(super) fn end_now(&mut self) {
        process::signal(self.pid, Signal::QUIT);
        let deadline = Instant::now() + IMMEDIATE;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        // It may have ended since; the wait then returns at once.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn look_at_log(layout: &Layout) {
    match layout.bound_log(log::LARGEST) {
        Ok(false) => {}
        Ok(true) => tracing::info!(log = %layout.log().display(), "the server's log was full and begins anew"),
        Err(error) => tracing::warn!(%error, "the server's log could not be bounded"),
    }
}

fn why_it_died(layout: &Layout, status: ExitStatus) -> StartFailure {
    let log = layout.log();
    let tail = tail(&log);
    if tail.contains("could not create any TCP/IP sockets") && tail.contains("Address already in use") {
        return StartFailure::Port;
    }
    if let Some(full) = disk::blame(&layout.data(), &tail) {
        return full.into();
    }
    EmbeddedError::Died { status: status.to_string(), log, tail }.into()
}

/// Starts a server on the wished port. When the port is taken in the instant before the server takes it, another one is
/// tried, unless this very port was asked for.
pub(super) fn start(
    layout: &Layout,
    binaries: &Binaries,
    account: &Account,
    socket_dir: &std::path::Path,
    asked: Option<u16>,
    limit: Duration,
    cancelled: &dyn Fn() -> bool,
) -> Result<(Postmaster, u16), EmbeddedError> {
    const ATTEMPTS: u32 = 4;
    let mut wished = port::choose(asked, layout.remembered_port())?;
    for _ in 0..ATTEMPTS {
        let log = layout.rotate_log()?;
        let mut server = Postmaster::spawn(layout, binaries, account, socket_dir, wished, log)?;
        match server.wait_until_ready(layout, limit, cancelled) {
            Ok(()) => return Ok((server, wished)),
            Err(StartFailure::Port) if asked.is_none() => wished = port::another()?,
            Err(StartFailure::Port) => break,
            Err(StartFailure::Other(error)) => return Err(error),
        }
    }
    Err(port::taken(wished))
}
