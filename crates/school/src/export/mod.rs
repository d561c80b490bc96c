//! A tenant's roster goes out: a OneRoster 1.2 package, in bulk, to the letter of the standard.
//!
//! ```text
//! TenantSnapshot ─ pages of 1,000 rows ─ lines ─ channel ─► thread that deflates and writes ─► file
//! ```
//!
//! Rules:
//!
//! * The package is the roster at one moment: everything is read in one snapshot, whoever writes meanwhile.
//! * It is whole: what a row refers to has a row. Records that cannot be in such a package are left out, and counted.
//! * It is the same for the same roster: rows go by their `sourced_id`, times of entries are fixed, and a bulk file has
//!   no dates of change. Brought into another school and taken out again, it is the same to the byte.
//! * Memory is bounded: a page, and the few that wait for the thread.
//! * That it was asked for stands in the audit log before the first row is read.

mod agent_store;
mod api;
mod rows;
mod store;
mod value;

use std::{
    collections::HashMap,
    fs::File as DiskFile,
    time::{Duration, Instant},
};

use cloister_ids::PersonId;
use cloister_tenancy::{
    Action, Error, ErrorKind, OpContext, Result, Tenancy, TenantSnapshot,
    sql::{Row, Statement},
};
use jiff::civil::Date;
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc;
use zip::result::{ZipError, ZipResult};

pub(crate) use api::routes;

use crate::{
    ROSTER,
    oneroster::{Archive, File, Lines, is_kept_extension},
    scope::today,
};
use rows::Beside;
use store::Source;

/// Every statement of the export.
pub(crate) fn statements() -> impl Iterator<Item = &'static [&'static Statement]> {
    store::STATEMENTS.into_iter().chain([agent_store::STATEMENTS])
}

/// Rows of a page.
const PAGE: i64 = 1_000;
/// Pages that wait for the thread that writes.
const WAITING: usize = 4;
/// Extension columns of a file. Fields of other systems beyond these are left out.
const MOST_EXTENSIONS: usize = 50;
/// A snapshot keeps the database from clearing away old rows of everybody: it does not last longer.
const LONGEST: Duration = Duration::from_mins(15);
/// What the manifest names as the source.
const SYSTEM: &str = "Cloister";

/// Who wants to know how far an export is.
pub trait ExportObserver: Send + Sync {
    /// It has written `done` of `total` rows, and is at this file.
    fn progress(&self, done: u64, total: u64, file: File);
}

/// Nobody.
impl ExportObserver for () {
    fn progress(&self, _: u64, _: u64, _: File) {}
}

/// What became of the records of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportedFile {
    /// The file they are in.
    pub file: File,
    /// Rows in it. A file without rows is not in the package.
    pub rows: u64,
    /// Records that count and could not be in a package: they lead to deleted ones, or count on no day.
    pub left_out: u64,
    /// Names of extension columns.
    pub extensions: Vec<String>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportSummary {
    /// File by file.
    pub files: Vec<ExportedFile>,
    /// Size of the package.
    pub bytes: u64,
}

/// Writes the roster of the tenant of `cx` into an empty file, and gives the file back. Nobody else may know the file until
/// this has ended: what is there before is no package.
pub async fn export(
    tenancy: &Tenancy,
    cx: &OpContext,
    target: DiskFile,
    observer: &dyn ExportObserver,
) -> Result<(ExportSummary, DiskFile)> {
    cx.authorize(Action::Export, &ROSTER)?;
    let _place = tenancy.begin_long_work(cx).await?;
    let mut tx = tenancy.write(cx).await?;
    tx.audit(Action::Export, &ROSTER, None, Some(json!({ "format": "oneroster", "version": "1.2" })));
    tx.commit().await?;
    let mut reader =
        Reader { snapshot: tenancy.snapshot(cx).await?, today: today(cx), begun: Instant::now(), observer };
    let (sender, parts) = mpsc::channel(WAITING);
    let writer = tokio::task::spawn_blocking(move || write(target, parts));
    let files = reader.read(&sender).await?;
    drop(sender);
    reader.snapshot.end().await?;
    // Where the thread gave up, that is why there was nobody to send to.
    let file = writer.await.map_err(Error::internal)?.map_err(not_written)?;
    let files = files.ok_or_else(|| Error::internal("nobody writes and nothing failed"))?;
    let bytes = file.metadata().map_err(Error::internal)?.len();
    Ok((ExportSummary { files, bytes }, file))
}

/// What the thread is told.
enum Part {
    /// The files there will be.
    Manifest(Vec<File>),
    /// A file begins, with these extension columns.
    File(File, Vec<String>),
    /// Rows of the file that began last.
    Rows(Vec<u8>),
    /// All was said. Without it the package is not finished: whoever reads gave up.
    End,
}

/// Runs on a thread that may block.
fn write(target: DiskFile, mut parts: mpsc::Receiver<Part>) -> ZipResult<DiskFile> {
    let mut archive = Archive::new(target);
    while let Some(part) = parts.blocking_recv() {
        match part {
            Part::Manifest(files) => archive.manifest(&files, SYSTEM)?,
            Part::File(file, extensions) => archive.data_file(file, &extensions)?,
            Part::Rows(rows) => archive.write(&rows)?,
            Part::End => return archive.finish(),
        }
    }
    Err(ZipError::Io(std::io::ErrorKind::UnexpectedEof.into()))
}

fn not_written(error: ZipError) -> Error {
    let message = "The package could not be written. Is there room on the disk? Try again.";
    Error::new(ErrorKind::Unavailable, "export_not_written", message).because(error)
}

/// Reads everything in one snapshot.
struct Reader<'a> {
    snapshot: TenantSnapshot,
    today: Date,
    begun: Instant,
    observer: &'a dyn ExportObserver,
}

impl Reader<'_> {
    /// Sends the whole package. Nothing when nobody takes it.
    async fn read(&mut self, sender: &mpsc::Sender<Part>) -> Result<Option<Vec<ExportedFile>>> {
        let mut files = Vec::new();
        for source in store::SOURCES {
            files.push(self.look(source).await?);
        }
        let filled = files.iter().filter(|file| file.rows > 0).map(|file| file.file).collect();
        if sender.send(Part::Manifest(filled)).await.is_err() {
            return Ok(None);
        }
        let total = files.iter().map(|file| file.rows).sum();
        let mut done = 0;
        for (source, file) in store::SOURCES.into_iter().zip(&files).filter(|(_, file)| file.rows > 0) {
            if sender.send(Part::File(file.file, file.extensions.clone())).await.is_err() {
                return Ok(None);
            }
            let mut after = String::new();
            loop {
                self.observer.progress(done, total, file.file);
                let page = self.page(source, &after).await?;
                let Some(last) = page.last() else { break };
                last.get::<_, &str>("sourced_id").clone_into(&mut after);
                done += page.len() as u64;
                let rows = self.lines(file, &page).await?;
                if sender.send(Part::Rows(rows)).await.is_err() {
                    return Ok(None);
                }
                if i64::try_from(page.len()).is_ok_and(|rows| rows < PAGE) {
                    break;
                }
            }
            self.observer.progress(done, total, file.file);
        }
        Ok(sender.send(Part::End).await.is_ok().then_some(files))
    }

    /// How much there will be of a file.
    async fn look(&mut self, source: &Source) -> Result<ExportedFile> {
        let counts = self.snapshot.query(source.count, &[]).await?;
        let counts = counts.first().ok_or_else(|| Error::internal("counts without a row"))?;
        let count = |name: &str| u64::try_from(counts.get::<_, i64>(name)).unwrap_or(0);
        let (rows, active) = (count("included"), count("active"));
        let most = i64::try_from(4 * MOST_EXTENSIONS).unwrap_or(i64::MAX);
        let names = if rows > 0 { self.snapshot.query(source.extensions, &[&most]).await? } else { Vec::new() };
        let mut extensions: Vec<String> = names.iter().map(|row| row.get("name")).collect();
        extensions.retain(|name| is_kept_extension(name));
        extensions.sort_unstable();
        extensions.truncate(MOST_EXTENSIONS);
        Ok(ExportedFile { file: source.file, rows, left_out: active.saturating_sub(rows), extensions })
    }

    async fn page(&mut self, source: &Source, after: &str) -> Result<Vec<Row>> {
        if self.begun.elapsed() > LONGEST {
            let message = "This export took longer than one may. Try again when there is less to do.";
            return Err(Error::new(ErrorKind::Unavailable, "export_too_long", message));
        }
        self.snapshot.query(source.page, &[&after, &PAGE]).await
    }

    async fn lines(&mut self, file: &ExportedFile, page: &[Row]) -> Result<Vec<u8>> {
        let agents = if file.file == File::Users {
            let persons: Vec<PersonId> = page.iter().map(|row| row.get("id")).collect();
            agent_store::agents(&mut self.snapshot, &persons, self.today).await?
        } else {
            HashMap::new()
        };
        let beside = Beside { extensions: &file.extensions, agents: &agents };
        let mut lines = Lines::default();
        for row in page {
            rows::write(file.file, row, &beside, &mut lines);
        }
        Ok(lines.into_bytes())
    }
}
