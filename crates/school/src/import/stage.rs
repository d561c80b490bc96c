//! Brings the rows of a package into temporary tables: a thread reads and writes lines, the connection copies them.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use cloister_ids::Clock;
use cloister_tenancy::{Error, Result, TenantTx};
use tokio::sync::mpsc;

use super::{Observer, Phase, copy_line::CopyLine, rows, store};
use crate::oneroster::{File, PackageError, Reading, Report, Row};

/// Bytes of one COPY. With the few that wait in the channel they bound the memory of an import.
const BATCH: usize = 256 * 1024;
/// Batches that wait for the connection.
const WAITING: usize = 4;

/// Lines of one kind.
type Batch = (File, Bytes);

/// What was read.
#[derive(Debug)]
pub(super) struct Staged {
    /// What the reader has to say.
    pub(super) report: Report,
    /// Files with rows of which not even the name could be read.
    pub(super) unread: BTreeSet<File>,
    /// Roles that came with their users.
    pub(super) derived_roles: u64,
}

/// How far the reader is.
#[derive(Debug)]
pub(super) struct Meter {
    /// Bytes that were read.
    pub(super) done: Arc<AtomicU64>,
    /// Bytes that there are.
    pub(super) total: u64,
}

/// Reads everything into the temporary tables, which must be there.
pub(super) async fn stage(
    tx: &mut TenantTx,
    reading: Reading,
    clock: Arc<dyn Clock>,
    meter: &Meter,
    observer: &dyn Observer,
) -> Result<Staged> {
    let (sender, mut batches) = mpsc::channel(WAITING);
    let reader = tokio::task::spawn_blocking(move || read(reading, &*clock, &sender));
    while let Some((file, lines)) = batches.recv().await {
        // When this fails the channel goes, and the reader with it.
        copy(tx, file, lines).await?;
        observer.progress(Phase::Reading, meter.done.load(Ordering::Relaxed), meter.total, "");
    }
    Ok(reader.await.map_err(Error::internal)??)
}

async fn copy(tx: &mut TenantTx, file: File, lines: Bytes) -> Result<()> {
    let Some(entity) = store::ENTITIES.iter().find(|entity| entity.file == file) else { return Ok(()) };
    let mut sink = tx.copy_in(entity.copy).await?;
    // What the server says to a bad line is for the log: lines are made here, not sent by anybody.
    sink.send(lines).await.map_err(Error::internal)?;
    sink.finish().await.map_err(Error::internal)?;
    Ok(())
}

/// Runs on a thread that may block.
fn read(
    reading: Reading,
    clock: &dyn Clock,
    sender: &mpsc::Sender<Batch>,
) -> std::result::Result<Staged, PackageError> {
    let mut line = CopyLine::default();
    let mut lines: BTreeMap<File, Vec<u8>> = BTreeMap::new();
    let mut unread = BTreeSet::new();
    let mut derived_roles = 0;
    let send = |file: File, lines: &mut Vec<u8>| {
        let full = std::mem::replace(lines, Vec::with_capacity(BATCH + BATCH / 8));
        if sender.blocking_send((file, full.into())).is_err() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    };
    let report = reading.read(&mut |row| {
        match &row {
            Row::Rejected(row) if row.sourced_id.is_none() => {
                unread.insert(row.file);
            }
            Row::Role(row) if row.derived => derived_roles += 1,
            _ => {}
        }
        let file = rows::file_of(&row);
        let written = lines.entry(file).or_default();
        rows::write(&row, &mut line, clock, written);
        if written.len() < BATCH { ControlFlow::Continue(()) } else { send(file, written) }
    })?;
    // Whoever gave the import up needs no rest.
    let _ = lines.iter_mut().filter(|(_, rest)| !rest.is_empty()).try_for_each(|(file, rest)| send(*file, rest));
    Ok(Staged { report, unread, derived_roles })
}

/// Reads without keeping anything, to find what else is wrong with a package that cannot be used.
pub(super) async fn look_through(reading: Reading) -> Result<Report> {
    let reader = tokio::task::spawn_blocking(move || reading.read(&mut |_| ControlFlow::Continue(())));
    Ok(reader.await.map_err(Error::internal)??)
}
