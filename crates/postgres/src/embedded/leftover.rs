//! What an earlier run left on the data directory when it was killed.
//!
//! The lock says that no supervisor lives, so a server that still works there lost its own: it is ended and a new one
//! started, instead of adopted, because only our own child dies with us, has this start's settings, and tells us its end.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{
    EmbeddedError,
    layout::{Layout, remove_file},
    pidfile, process,
};

/// For a fast shutdown with its checkpoint.
const FAST: Duration = Duration::from_secs(30);
/// For processes that have nothing left to write.
const IMMEDIATE: Duration = Duration::from_secs(5);

/// Ends what still runs on the cluster and removes a pid file that would mislead the new server.
pub(super) fn clear(layout: &Layout, cancelled: &dyn Fn() -> bool) -> Result<(), EmbeddedError> {
    let data = layout.data();
    if !pidfile::exists(&data) {
        return Ok(());
    }
    if let Some(pid) = pidfile::pid(&data)
        && process::works_in(pid, &data)
    {
        tracing::warn!(pid, data = %data.display(), "ending a PostgreSQL server whose supervisor was killed");
        process::signal(pid, Signal::INT);
        if !gone(FAST, cancelled, || !process::works_in(pid, &data))? {
            process::signal(pid, Signal::QUIT);
            if !gone(IMMEDIATE, cancelled, || !process::works_in(pid, &data))? {
                return Err(EmbeddedError::LeftoverStays { pid, data });
            }
        }
    }
    end_orphans(&data, cancelled)?;
    if let Some(pid) = pidfile::pid(&data)
        && process::exists(pid)
    {
        // The number was given to another program since. PostgreSQL would take that for its predecessor and refuse to
        // start; that nobody works in the directory was seen above.
        tracing::info!(pid, "removing a stale postmaster.pid whose number another program has now");
        remove_file(&pidfile::path(&data))?;
    }
    Ok(())
}

/// Sessions outlive a killed postmaster until they notice, which a long computation delays. A new server would refuse
/// to start beside them, as they still use its memory.
fn end_orphans(data: &Path, cancelled: &dyn Fn() -> bool) -> Result<(), EmbeddedError> {
    let alone = || process::working_in(data).is_empty();
    if gone(Duration::from_secs(1), cancelled, alone)? {
        return Ok(());
    }
    // SIGQUIT ends a session without writing anything; the log is replayed at the next start in any case.
    for signal in [Signal::QUIT, Signal::KILL] {
        for pid in process::working_in(data) {
            tracing::warn!(pid, "ending a PostgreSQL session whose server was killed");
            process::signal(pid, signal);
        }
        if gone(IMMEDIATE, cancelled, alone)? {
            return Ok(());
        }
    }
    match process::working_in(data).first() {
        Some(&pid) => Err(EmbeddedError::LeftoverStays { pid, data: data.to_owned() }),
        None => Ok(()),
    }
}

fn gone(patience: Duration, cancelled: &dyn Fn() -> bool, done: impl Fn() -> bool) -> Result<bool, EmbeddedError> {
    let deadline = Instant::now() + patience;
    loop {
        if done() {
            return Ok(true);
        }
        if cancelled() {
            return Err(EmbeddedError::Cancelled);
        }
        if Instant::now() > deadline {
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(10));
    }
}
