//! `cloister export oneroster`: a roster goes out.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Mutex,
};

use cloister_school::{
    export::{ExportObserver, ExportSummary, ExportedFile, export},
    oneroster::File,
};
use cloister_tenancy::{Error, ErrorKind, Tenancy};
use tempfile::NamedTempFile;

use super::import::tenant_with_roster;
use crate::{
    cli::ExportOneroster,
    configuration::Configuration,
    installation::{Prepare, Running, operator},
    output::Output,
    progress::Bar,
};

/// Writes the package beside its place, puts it there when it is whole, and says what is in it.
pub(crate) async fn run(configuration: &Configuration, args: &ExportOneroster, output: Output) -> anyhow::Result<()> {
    // What cannot be written is told before a server is started for it.
    let target = Target::open(&args.path, args.force)?;
    let platform = Running::open(configuration, Prepare::WhenAlone).await?;
    let summary = take_out(&platform.tenancy, target, args).await;
    platform.close().await?;
    tell(&summary?, args, output)
}

async fn take_out(tenancy: &Tenancy, target: Target, args: &ExportOneroster) -> anyhow::Result<ExportSummary> {
    let entry = tenant_with_roster(tenancy, &args.tenant).await?;
    let cx = tenancy.background(entry, operator());
    let bar = Shown::default();
    let written = target.partial.reopen()?;
    let made = export(tenancy, &cx, written, &bar).await;
    bar.clear();
    let (summary, written) = made?;
    tokio::task::spawn_blocking(move || {
        written.sync_all()?;
        target.keep()
    })
    .await??;
    Ok(summary)
}

/// A file that is there once it is whole.
struct Target {
    path: PathBuf,
    force: bool,
    partial: NamedTempFile,
}

impl Target {
    fn open(path: &Path, force: bool) -> anyhow::Result<Self> {
        if path.is_dir() || path.file_name().is_none() {
            let message = format!("{} is a folder. Name a file, such as roster.zip.", path.display());
            return Err(Error::new(ErrorKind::Invalid, "export_target", message).into());
        }
        if !force && path.exists() {
            return Err(is_there(path).into());
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let partial = tempfile::Builder::new().prefix(".cloister-export-").tempfile_in(folder);
        let partial = partial.map_err(|error| not_writable(path, error))?;
        Ok(Self { path: path.to_owned(), force, partial })
    }

    /// Gives it its name. Without force a file that came there meanwhile stays.
    fn keep(self) -> anyhow::Result<()> {
        let Self { path, force, partial } = self;
        let kept = if force { partial.persist(&path) } else { partial.persist_noclobber(&path) };
        match kept {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(is_there(&path).into()),
            Err(error) => Err(not_writable(&path, error.error).into()),
        }
    }
}

fn is_there(path: &Path) -> Error {
    let message = format!("{} exists. Name another file, or replace it with --force.", path.display());
    Error::new(ErrorKind::Conflict, "export_file_exists", message)
}

fn not_writable(path: &Path, error: io::Error) -> Error {
    let message = format!("{} cannot be written: {error}.", path.display());
    Error::new(ErrorKind::Invalid, "export_target", message).because(error)
}

/// One bar over all rows.
#[derive(Default)]
struct Shown(Mutex<Option<Bar>>);

impl Shown {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Bar>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn clear(&self) {
        if let Some(bar) = self.lock().take() {
            bar.clear();
        }
    }
}

impl ExportObserver for Shown {
    fn progress(&self, done: u64, total: u64, file: File) {
        self.lock().get_or_insert_with(|| Bar::new("exporting", total)).set(done, total, file.file_name());
    }
}

fn tell(summary: &ExportSummary, args: &ExportOneroster, output: Output) -> anyhow::Result<()> {
    match output {
        Output::Json => crate::output::print(&serde_json::to_string_pretty(summary)?)?,
        Output::Table => {
            output.list(&["file", "rows", "left out"], &summary.files, columns)?;
            eprintln!("exported to {} ({} bytes)", args.path.display(), summary.bytes);
        }
    }
    Ok(())
}

fn columns(file: &ExportedFile) -> Vec<String> {
    vec![file.file.file_name().to_owned(), file.rows.to_string(), file.left_out.to_string()]
}
