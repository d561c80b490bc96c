//! Brings a OneRoster package into a tenant: stage, validate, threshold, merge, in one transaction.
//!
//! ```text
//! package ─ reader's thread ─ lines ─ COPY ─► stage_*            rows of the package beside the tenant's records
//!                                             named_*            which record each row means
//!                                             ready_*, gone_*    what will be written, and what is wrong
//!                                             │ errors? too much to remove? a dry run?  ──► rollback, and the report
//!                                             ▼
//!                                             insert, update, mark as deleted; audit; commit
//! ```
//!
//! Rules:
//!
//! * All or nothing. With an error nothing changes, unless the caller asked to go on without the bad rows; then what depends
//!   on them is left out too, and a bulk file removes nobody because his row is bad.
//! * A bulk file is the whole set: what imports brought before and it lacks is marked as deleted. A delta changes what it
//!   names. A file that is absent changes nothing. A row that says `tobedeleted` marks its record, and changes no field.
//! * An import writes only records that imports brought. A record with the same `sourced_id` that somebody entered here, or
//!   another program sent, is kept as it is and named in the report; references to it hold. With `adopt` the package takes
//!   it over, and imports keep it from then on.
//! * A record is written only when it differs. The same package twice changes nothing and leaves an entry in the audit log.
//! * Roles and agents are parts of a person, terms of a class: when they change, its version does. Demographics leave with
//!   their person, and come back with them.
//! * Agents become contacts. The package says that somebody acts for a student, and nothing of custody or access: those stay as they
//!   are. A contact that somebody made or changed here is kept as it is, with `adopt` too.
//! * A role that says it is primary where another is: in strict mode an error; in lenient mode the first stays primary.
//!   Where the other was not made by an import, that one stays and the package's is secondary.
//! * One import at a time into a tenant.
//! * What is there before is kept, so that the last import can be taken back: see `undo.rs`.

mod api;
mod attached;
mod copy_line;
mod example;
mod forget;
mod job;
mod merge;
mod problem;
mod report;
mod rows;
mod run;
mod run_store;
mod shown;
mod stage;
mod store;
mod table;
mod undo;

use std::time::Instant;

use cloister_ids::ImportRunId;
use cloister_tenancy::{Action, Error, ErrorKind, OpContext, Result, Tenancy, TenantTx, sql::Statement};

pub(crate) use api::routes;
pub use example::{Change, Example, FieldChange};
pub(crate) use job::jobs;
pub use report::{Elapsed, FileReport, ImportReport, Outcome, Refusal, Removal};
pub use run::{DayOrMonth, ImportRun, ReadingMode, RosterFormat, RunSettings, RunState};
pub use table::{
    RowExample, TableCounts, TableField, TableIssue, TableMapping, TableRefusal, TableReport, TableSettings,
    TableSeverity,
};
pub use undo::{last, take_back, undo};

use crate::{
    ROSTER,
    oneroster::{DateOrder, Findings, Mode, Package, PackageError, Plan, Reading, SdsError, Settings},
};
use report::milliseconds;

/// Every statement of the import.
pub(crate) fn statements() -> impl Iterator<Item = &'static [&'static Statement]> {
    store::STATEMENTS.into_iter().chain([run_store::STATEMENTS, table::STATEMENTS])
}

/// How a package is brought in.
#[derive(Debug, Clone)]
pub struct ImportSettings {
    /// To the letter of the standard, or for its meaning.
    pub mode: Mode,
    /// The order of day and month in dates that do not tell it themselves. Used in lenient mode only.
    pub date_order: Option<DateOrder>,
    /// Find out what would change, and change nothing.
    pub dry_run: bool,
    /// Go on without rows that have an error.
    pub skip_bad_rows: bool,
    /// Take over records that no import made.
    pub adopt: bool,
    /// How many percent of a file's records a bulk import may remove.
    pub removal_threshold: u8,
    /// How many issues of each code and file are kept whole. All are counted.
    pub issues_kept: usize,
    /// How many examples of each kind of change and file the report has.
    pub examples: u16,
}

impl Default for ImportSettings {
    fn default() -> Self {
        Self {
            mode: Mode::Lenient,
            date_order: None,
            dry_run: false,
            skip_bad_rows: false,
            adopt: false,
            removal_threshold: 20,
            issues_kept: 100,
            examples: 0,
        }
    }
}

/// What an import is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Reading the package. Progress is in bytes.
    Reading,
    /// Comparing it with what is there. Progress is in steps.
    Checking,
    /// Writing. Progress is in steps.
    Merging,
}

/// Who wants to know how far an import is.
pub trait Observer: Send + Sync {
    /// It is `done` of `total` in this phase, at `what`.
    fn progress(&self, phase: Phase, done: u64, total: u64, what: &'static str);
}

/// Nobody.
impl Observer for () {
    fn progress(&self, _: Phase, _: u64, _: u64, _: &'static str) {}
}

/// Brings a package into the tenant of `cx`. A refused package is an answer, not an error: its report says what is wrong.
///
/// One that changes anything is remembered, and can be taken back.
pub async fn import(
    tenancy: &Tenancy,
    cx: &OpContext,
    package: Package,
    settings: &ImportSettings,
    observer: &dyn Observer,
) -> Result<ImportReport> {
    cx.authorize(Action::Import, &ROSTER)?;
    bring(tenancy, cx, package, settings, observer, None).await
}

/// Brings a table into a list of the tenant of `cx`. A refused one is an answer, not an error.
///
/// One that changes anything is remembered, and can be taken back.
pub async fn import_table(
    tenancy: &Tenancy,
    cx: &OpContext,
    bytes: Vec<u8>,
    settings: &RunSettings,
    observer: &dyn Observer,
) -> Result<TableReport> {
    table::bring(tenancy, cx, bytes, settings, observer, None).await
}

/// The same for an import that waits, which ends with it.
async fn bring(
    tenancy: &Tenancy,
    cx: &OpContext,
    package: Package,
    settings: &ImportSettings,
    observer: &dyn Observer,
    waiting: Option<ImportRunId>,
) -> Result<ImportReport> {
    let _place = tenancy.begin_long_work(cx).await?;
    let begun = Instant::now();
    let bytes = package.declared_bytes();
    let meter = stage::Meter { done: package.progress(), total: bytes };
    let reader =
        Settings { mode: settings.mode, date_order: settings.date_order, issues_kept: settings.issues_kept.max(1) };
    let reading = tokio::task::spawn_blocking(move || Reading::begin(package, &reader));
    let reading = reading.await.map_err(Error::internal)??;
    let mut report = new_report(settings, reading.plan());
    if reading.findings().has_errors() {
        // Without a file or its columns what refers to it would be wrong in every row: only the rows themselves are checked.
        let read = stage::look_through(reading).await?;
        report.milliseconds.reading = milliseconds(begun.elapsed());
        report.tell(&read.findings);
        refuse_for_errors(&mut report, false);
        return Ok(report);
    }
    let now = cx.clock().now();
    let mut tx = tenancy.write(cx).await?;
    merge::open(&mut tx).await?;
    let mut staged = stage::stage(&mut tx, reading, tenancy.clock().clone(), &meter, observer).await?;
    report.milliseconds.reading = milliseconds(begun.elapsed());

    let checking = Instant::now();
    let plan = staged.report.plan.clone();
    let comparison = merge::Comparison {
        plan: &plan,
        staged: &staged,
        adopt: settings.adopt,
        mode: settings.mode,
        examples: settings.examples,
    };
    report.files = comparison.compare(&mut tx, observer).await?;
    let findings: &mut Findings = &mut staged.report.findings;
    problem::collect(&mut tx, &plan, findings).await?;
    report.tell(findings);
    report.milliseconds.checking = milliseconds(checking.elapsed());
    judge(&mut report, settings, findings);
    if report.outcome == Outcome::Refused {
        tx.rollback().await?;
        return Ok(report);
    }

    let merging = Instant::now();
    if settings.dry_run {
        merge::write(&mut tx, &report.files, now, observer).await?;
        tx.rollback().await?;
        report.milliseconds.merging = milliseconds(merging.elapsed());
        return Ok(report);
    }
    let run = match waiting {
        Some(run) => run,
        None => remember(&mut tx, settings, bytes).await?,
    };
    let changes = report.files.iter().any(|file| file.created + file.changed + file.removed > 0);
    if changes {
        undo::keep(&mut tx, run, &report.files, now).await?;
    }
    merge::write(&mut tx, &report.files, now, observer).await?;
    report.milliseconds.merging = milliseconds(merging.elapsed());
    merge::audit(&mut tx, run, report.audited());
    // One that changed nothing leaves the one before the last.
    let told = serde_json::to_value(&report).map_err(Error::internal)?;
    run_store::end(&mut tx, run, RunState::Applied, Some(told), changes.then_some(now)).await?;
    forget::later(&mut tx, run)?;
    tx.commit().await?;
    Ok(report)
}

/// Makes an import that is done at once one that is remembered.
async fn remember(tx: &mut TenantTx, settings: &ImportSettings, bytes: u64) -> Result<ImportRunId> {
    let run = ImportRunId::generate(tx.cx().clock());
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    run_store::insert(tx, None, run, &RunSettings::of(settings), bytes).await?;
    Ok(run)
}

fn new_report(settings: &ImportSettings, plan: &Plan) -> ImportReport {
    ImportReport {
        outcome: if settings.dry_run { Outcome::DryRun } else { Outcome::Applied },
        refusal: None,
        mode: settings.mode,
        version: plan.version,
        source_system_name: plan.source_system_name.clone(),
        files: Vec::new(),
        errors: 0,
        warnings: 0,
        issues: Vec::new(),
        issue_counts: Vec::new(),
        repairs: Vec::new(),
        milliseconds: Elapsed::default(),
    }
}

/// Whether it may be written.
fn judge(report: &mut ImportReport, settings: &ImportSettings, findings: &Findings) {
    if findings.has_errors() && !settings.skip_bad_rows {
        refuse_for_errors(report, true);
        return;
    }
    let removals: Vec<Removal> = report.files.iter().filter_map(|file| file.over(settings.removal_threshold)).collect();
    if removals.is_empty() {
        return;
    }
    report.outcome = Outcome::Refused;
    report.refusal = Some(Refusal {
        code: "removal_threshold_exceeded",
        message: format!(
            "More than {} % of what imports brought before would be removed. Is the package complete? If it is, import it \
             again with a higher threshold.",
            settings.removal_threshold
        ),
        removals,
    });
}

fn refuse_for_errors(report: &mut ImportReport, only_rows: bool) {
    report.outcome = Outcome::Refused;
    let message = if only_rows {
        "The package has errors, so nothing was changed. Mend the rows, or import again without them."
    } else {
        "The package cannot be used as it is, so nothing was changed. Mend what is wrong with its files."
    };
    report.refusal = Some(Refusal { code: "package_has_errors", message: message.to_owned(), removals: Vec::new() });
}

impl From<SdsError> for Error {
    fn from(error: SdsError) -> Self {
        match error {
            SdsError::Package(error) => error.into(),
            SdsError::Write(_) => Self::new(ErrorKind::Unavailable, error.code(), format!("{error}.")).because(error),
            _ => Self::new(ErrorKind::Invalid, error.code(), format!("This is not School Data Sync 2.1: {error}.")),
        }
    }
}

impl From<PackageError> for Error {
    fn from(error: PackageError) -> Self {
        let kind = match error {
            PackageError::NotFound => ErrorKind::NotFound,
            _ => ErrorKind::Invalid,
        };
        let message = match &error {
            PackageError::Io { source, .. } | PackageError::Damaged { source, .. } => {
                format!("The package cannot be read: {error}: {source}.")
            }
            _ => format!("The package cannot be read: {error}."),
        };
        Self::new(kind, error.code(), message).because(error)
    }
}
