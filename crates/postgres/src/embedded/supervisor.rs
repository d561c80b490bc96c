//! The thread that makes, starts and keeps the server, and holds the lock as long as it does.

use std::{
    fs::File,
    sync::mpsc::{self, Receiver, Sender},
    thread::{self, JoinHandle},
};

use tokio::sync::{oneshot, watch};

use super::{
    Access, EmbeddedError, Exit, Settings, Version,
    account::Account,
    binaries::{self, Binaries},
    configuration, initdb,
    layout::{Layout, remove_tree},
    leftover,
    postmaster::{self, Event, Postmaster},
    socket,
};

/// A server that runs, with the thread that keeps it.
pub(super) struct Started {
    pub(super) access: Access,
    pub(super) version: Version,
    pub(super) pid: u32,
    pub(super) events: Sender<Event>,
    pub(super) exit: watch::Receiver<Option<Exit>>,
    pub(super) thread: JoinHandle<()>,
}

/// What the thread reports once the server is ready.
struct Report {
    access: Access,
    version: Version,
    pid: u32,
}

/// A server on its way, and what must be kept while it runs.
struct Running {
    layout: Layout,
    server: Postmaster,
    report: Report,
    /// Released by the kernel when closed: after the server's end, or with this process.
    lock: File,
}

/// Runs the whole start on a thread of its own and waits for its report.
pub(super) async fn start(settings: Settings) -> Result<Started, EmbeddedError> {
    let (report, reported) = oneshot::channel();
    let (events, received) = mpsc::channel();
    let (ended, exit) = watch::channel(None);
    let data_dir = settings.data_dir.clone();
    let watcher = events.clone();
    let thread = thread::Builder::new()
        .name("postgres-supervisor".to_owned())
        .spawn(move || supervise(&settings, report, watcher, &received, &ended))
        .map_err(EmbeddedError::io("cannot start a thread for", &data_dir))?;
    // The thread reports unless it panicked, which is written to the log as any panic is.
    let report = reported.await.unwrap_or(Err(EmbeddedError::Cancelled))?;
    Ok(Started { access: report.access, version: report.version, pid: report.pid, events, exit, thread })
}

fn supervise(
    settings: &Settings,
    report: oneshot::Sender<Result<Report, EmbeddedError>>,
    watcher: Sender<Event>,
    received: &Receiver<Event>,
    ended: &watch::Sender<Option<Exit>>,
) {
    let running = bring_up(settings, &|| report.is_closed()).and_then(|mut running| {
        running.server.watch(watcher).inspect_err(|_| running.server.end_now())?;
        Ok(running)
    });
    let Running { layout, mut server, report: content, lock } = match running {
        Ok(running) => running,
        Err(error) => {
            // Nobody waits any more only when the start was cancelled.
            let _ = report.send(Err(error));
            return;
        }
    };
    let socket_dir = content.access.socket_dir.clone();
    let (status, requested) = if report.send(Ok(content)).is_ok() {
        server.serve(&layout, received)
    } else {
        server.end_now();
        (None, true)
    };
    socket::clean(&layout, &socket_dir);
    // Who waits for the end may start the cluster again at once: the lock must be free by then.
    drop(lock);
    let status = status.map_or_else(|| "unknown".to_owned(), |status| status.to_string());
    ended.send_replace(Some(Exit { requested, status }));
}

fn bring_up(settings: &Settings, cancelled: &dyn Fn() -> bool) -> Result<Running, EmbeddedError> {
    configuration::check(&settings.extra)?;
    let layout = Layout::prepare(&settings.data_dir)?;
    let lock = layout.lock()?;
    let data = layout.data();
    let major = layout.cluster_major()?;
    let account = Account::select(settings.run_as.as_deref(), &data)?;
    let binaries = binaries::choose(settings.binaries.as_deref(), major, &data, &account)?;
    for directory in [&layout.data_dir, &layout.home] {
        account.let_through(directory)?;
    }
    account.require_reach(&layout.home)?;
    remove_tree(&layout.unfinished())?;
    let durable = !settings.extra.iter().any(|(name, value)| name == "fsync" && value == "off");
    if major.is_some() {
        account.require_owned(&data)?;
        leftover::clear(&layout, cancelled)?;
        account.give_tree(&data)?;
    } else {
        tracing::info!(version = %binaries.version, data = %data.display(), "making a PostgreSQL cluster");
        initdb::create(&layout, &binaries, &account, durable, cancelled)?;
    }
    let password = layout.read_password()?.into();
    configuration::write(&layout, settings, &account)?;
    let socket_dir = socket::prepare(&layout, &account)?;
    let (server, port) = serve(&layout, &binaries, &account, settings, &socket_dir, cancelled)?;
    let report = Report { access: Access { port, socket_dir, password }, version: binaries.version, pid: server.id() };
    Ok(Running { layout, server, report, lock })
}

fn serve(
    layout: &Layout,
    binaries: &Binaries,
    account: &Account,
    settings: &Settings,
    socket_dir: &std::path::Path,
    cancelled: &dyn Fn() -> bool,
) -> Result<(Postmaster, u16), EmbeddedError> {
    let limit = settings.start_timeout;
    let (mut server, port) = postmaster::start(layout, binaries, account, socket_dir, settings.port, limit, cancelled)?;
    layout.remember_port(port).inspect_err(|_| server.end_now())?;
    Ok((server, port))
}
