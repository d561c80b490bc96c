//! Imports that were sent over HTTP: a job takes the package from where it waits, and brings it in.

use std::{
    fs::File as DiskFile,
    io::{Seek, Write},
    sync::Mutex,
    time::{Duration, Instant},
};

use cloister_ids::ImportRunId;
use cloister_tenancy::{
    Action, Asker, Error, ErrorKind, OpContext, Result, Tenancy, TenantTx,
    jobs::{JobContext, JobKind, Priority},
};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Observer, Outcome, Phase, forget,
    run::{RosterFormat, RunState},
    run_store, table, undo,
};
use crate::{
    ROSTER,
    oneroster::{Limits, Package, from_sds},
};

/// The job that brings a package in.
pub(super) const RUN: &str = "school.import_run";

/// The job that looks whether that job still gets anywhere.
pub(super) const WATCH: &str = "school.import_watch";
/// How often it does: longer than an attempt may take.
const LOOKED_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// After so long without a sign of life nobody works any more on an import that began, whatever became of its job. One that waits
/// gives none: workers may be down for days.
const QUIET: SignedDuration = SignedDuration::from_hours(24);
/// Dead jobs that are looked through at once.
const DEAD_AT_ONCE: u16 = 200;

/// Why an import failed whose job was given up.
fn given_up() -> Error {
    let message = "Nobody works on this import any more, and nothing was changed. Send it again.";
    Error::new(ErrorKind::Unavailable, "import_given_up", message)
}

/// What a job is about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct About {
    pub(super) id: ImportRunId,
    /// Whoever asked for it: it is brought in in their name, with no more than they may do.
    #[serde(default)]
    pub(super) asker: Option<Asker>,
}

/// Bringing a large district in takes minutes.
const TIME: Duration = Duration::from_mins(30);
/// Between two notes of how far it is.
const NOTED_EVERY: Duration = Duration::from_secs(1);

/// What this folder leaves to jobs.
pub(crate) fn jobs() -> Vec<JobKind> {
    vec![
        JobKind::new(RUN, run).attempts(ATTEMPTS).timeout(TIME).lane_limit(1).priority(Priority::High),
        JobKind::new(WATCH, watch),
        JobKind::new(undo::FORGET, forget).priority(Priority::Low),
    ]
}

async fn forget(job: JobContext) -> Result<()> {
    let about: About = job.payload()?;
    let Some(mut tx) = job.first_delivery().await? else { return Ok(()) };
    undo::forget(&mut tx, about.id).await?;
    if !forget::old_reports(&mut tx).await? {
        tx.enqueue(undo::FORGET, json!(about), None, None)?;
    }
    tx.commit().await
}

/// Looks whether an import still gets anywhere. One whose job is dead has nobody who would say how it ended.
async fn watch(job: JobContext) -> Result<()> {
    let about: About = job.payload()?;
    let (tenancy, cx) = (job.tenancy(), job.cx()?);
    let run = run_store::get(tenancy, cx, about.id).await?;
    if !matches!(run.state, RunState::Waiting | RunState::Running) {
        return Ok(());
    }
    let now = cx.clock().now();
    let quiet = run.state == RunState::Running && now.duration_since(run.updated_at) >= QUIET;
    let over = quiet || is_dead(tenancy, cx, about.id).await?;
    let Some(mut tx) = job.first_delivery().await? else { return Ok(()) };
    // One that gave a sign of life in between goes on.
    if over && run_store::fail(&mut tx, about.id, &given_up(), Some(run.updated_at)).await? {
        tracing::warn!(import = %about.id, "an import was given up");
    } else {
        watch_later(&mut tx, &about)?;
    }
    tx.commit().await
}

/// Sees to it that somebody looks after an import in a while.
pub(super) fn watch_later(tx: &mut TenantTx, about: &About) -> Result<()> {
    let at = tx.cx().clock().now().checked_add(LOOKED_EVERY).map_err(Error::internal)?;
    tx.enqueue(WATCH, json!({ "id": about.id }), None, Some(at))
}

/// Whether the job of an import is among the dead.
async fn is_dead(tenancy: &Tenancy, cx: &OpContext, id: ImportRunId) -> Result<bool> {
    let mut before = None;
    loop {
        let dead = tenancy.dead_jobs(Some(cx.tenant_id()), before, DEAD_AT_ONCE).await?;
        if dead.iter().any(|job| job.kind == RUN && job.payload["id"] == json!(id)) {
            return Ok(true);
        }
        before = match dead.last() {
            // Jobs of an import are younger than it is.
            Some(last) if dead.len() == usize::from(DEAD_AT_ONCE) && last.id.uuid() > id.uuid() => Some(last.id),
            _ => return Ok(false),
        };
    }
}

async fn run(job: JobContext) -> Result<()> {
    let About { id, asker } = job.payload()?;
    let (tenancy, cx) = (job.tenancy(), job.cx()?);
    let run = run_store::get(tenancy, cx, id).await?;
    if !matches!(run.state, RunState::Waiting | RunState::Running) {
        // An earlier attempt ended it, and did not live to say so.
        return Ok(());
    }
    let outcome = async {
        let asked = asked(tenancy, cx, asker.as_ref()).await?;
        bring(tenancy, cx, &run, &asked).await
    };
    match outcome.await {
        Ok(()) => Ok(()),
        // Tried again, it may well succeed: another import is under way, a database is not there, somebody changed the roster.
        Err(error) if passes(&error) && job.attempt() < u32::from(ATTEMPTS) => Err(error),
        Err(error) => {
            tracing::warn!(error = error.log(), import = %id, "an import failed");
            let mut tx = tenancy.write(cx).await?;
            run_store::fail(&mut tx, id, &error, None).await?;
            forget::later(&mut tx, id)?;
            tx.commit().await
        }
    }
}

/// After so many it is told that it failed.
const ATTEMPTS: u16 = 5;

fn passes(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Internal | ErrorKind::TooMany)
}

/// The context of whoever asked for it, who must be allowed to import still: hours may lie between the request and the job.
async fn asked(tenancy: &Tenancy, cx: &OpContext, asker: Option<&Asker>) -> Result<OpContext> {
    let gone = || {
        let message = "Whoever asked for this import may not import any more.";
        Error::new(ErrorKind::Forbidden, "import_not_allowed_any_more", message)
    };
    let asked = tenancy.in_the_name_of(cx, asker.ok_or_else(gone)?).await?;
    if asked.authorize(Action::Import, &ROSTER).is_err() {
        return Err(gone());
    }
    Ok(asked)
}

/// Brings one in in the name of whoever asked for it, and notes how it ended.
async fn bring(tenancy: &Tenancy, cx: &OpContext, run: &super::ImportRun, asked: &OpContext) -> Result<()> {
    let file = fetch(tenancy, cx, run.id).await?;
    let far = Far::default();
    let importing = async {
        if run.settings.format == RosterFormat::Table {
            bring_table(tenancy, asked, run, file, &far).await
        } else {
            bring_package(tenancy, asked, run, file, &far).await
        }
    };
    let (outcome, report) = tokio::select! {
        ended = importing => ended?,
        never = note(tenancy, cx, run.id, &far) => match never {},
    };
    let state = match outcome {
        // It was noted with what it did.
        Outcome::Applied => return Ok(()),
        Outcome::DryRun => RunState::DryRun,
        Outcome::Refused => RunState::Refused,
    };
    let mut tx = tenancy.write(cx).await?;
    run_store::end(&mut tx, run.id, state, Some(report), None).await?;
    forget::later(&mut tx, run.id)?;
    tx.commit().await
}

/// How an import ended, and its report.
type Ended = (Outcome, serde_json::Value);

async fn bring_package(
    tenancy: &Tenancy,
    asked: &OpContext,
    run: &super::ImportRun,
    file: DiskFile,
    far: &Far,
) -> Result<Ended> {
    let format = run.settings.format;
    let package = tokio::task::spawn_blocking(move || open(file, format)).await.map_err(Error::internal)??;
    let settings = run.settings.for_import();
    let report = super::bring(tenancy, asked, package, &settings, far, Some(run.id)).await?;
    Ok((report.outcome, serde_json::to_value(&report).map_err(Error::internal)?))
}

async fn bring_table(
    tenancy: &Tenancy,
    asked: &OpContext,
    run: &super::ImportRun,
    file: DiskFile,
    far: &Far,
) -> Result<Ended> {
    let bytes = tokio::task::spawn_blocking(move || table::whole(file)).await.map_err(Error::internal)?;
    let bytes = bytes.map_err(Error::internal)?;
    let report = table::bring(tenancy, asked, bytes, &run.settings, far, Some(run.id)).await?;
    Ok((report.outcome, serde_json::to_value(&report).map_err(Error::internal)?))
}

fn open(file: DiskFile, format: RosterFormat) -> Result<Package> {
    let limits = if format == RosterFormat::Sds { Limits::of_sds() } else { Limits::default() };
    let package = Package::from_archive(Box::new(file), limits)?;
    match format {
        RosterFormat::OneRoster | RosterFormat::Table => Ok(package),
        RosterFormat::Sds => Ok(from_sds(package, tempfile::tempfile().map_err(Error::internal)?)?),
    }
}

/// The package, out of the database and into a file without a name.
async fn fetch(tenancy: &Tenancy, cx: &OpContext, id: ImportRunId) -> Result<DiskFile> {
    let mut file =
        tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(Error::internal)?.map_err(Error::internal)?;
    let mut number = 0;
    while let Some(part) = run_store::part(tenancy, cx, id, number).await? {
        let written = tokio::task::spawn_blocking(move || file.write_all(&part).map(|()| file));
        file = written.await.map_err(Error::internal)?.map_err(Error::internal)?;
        number += 1;
    }
    file.rewind().map_err(Error::internal)?;
    Ok(file)
}

/// How far an import is.
#[derive(Default)]
struct Far(Mutex<Option<(Phase, u64, u64)>>);

impl Observer for Far {
    fn progress(&self, phase: Phase, done: u64, total: u64, _: &'static str) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some((phase, done, total));
    }
}

/// Notes now and then how far it is, for whoever waits. What cannot be noted is told the next time.
async fn note(tenancy: &Tenancy, cx: &OpContext, id: ImportRunId, far: &Far) -> std::convert::Infallible {
    let mut told = None;
    loop {
        tokio::time::sleep(NOTED_EVERY).await;
        let now = *far.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some((phase, done, total)) = now.filter(|_| now != told) else { continue };
        let word = match phase {
            Phase::Reading => "reading",
            Phase::Checking => "checking",
            Phase::Merging => "merging",
        };
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let begun = Instant::now();
        match run_store::progress(tenancy, cx, id, (word, count(done), count(total))).await {
            Ok(()) => told = now,
            Err(error) => {
                tracing::debug!(error = error.log(), after = ?begun.elapsed(), "how far an import is could not be noted");
            }
        }
    }
}
