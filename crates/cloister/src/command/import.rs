//! `cloister import oneroster`: a roster comes in.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use cloister_school::{
    ROSTER,
    import::{
        Change, Example, FieldChange, FileReport, ImportReport, ImportSettings, Observer, Outcome, Phase, import,
    },
    oneroster::{DateOrder, Issue, Limits, Mode, Package, Severity, from_sds},
};
use cloister_tenancy::{Error, ErrorKind, Refusal, Tenancy, TenantEntry};

use crate::{
    cli::{self, ImportOneroster},
    configuration::Configuration,
    installation::{Prepare, Running, operator},
    output::{Output, print},
    progress::Bar,
};

/// Issues that a person is shown; `--output json` has more.
const SHOWN: usize = 50;

/// What the files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Oneroster,
    /// Microsoft School Data Sync.
    Sds,
}

/// Brings the package in, prints the report, and fails when it was refused.
pub(crate) async fn run(
    configuration: &Configuration,
    args: &ImportOneroster,
    form: Form,
    output: Output,
) -> anyhow::Result<()> {
    // A package that cannot be opened is told before a server is started for it.
    let path = args.path.clone();
    let package = tokio::task::spawn_blocking(move || open(&path, form)).await??;
    let platform = Running::open(configuration, Prepare::WhenAlone).await?;
    let report = bring(&platform.tenancy, package, args).await;
    platform.close().await?;
    let report = report?;
    match output {
        Output::Json => print(&serde_json::to_string_pretty(&report)?)?,
        Output::Table => tell(&report)?,
    }
    match &report.refusal {
        Some(refusal) => Err(Error::new(ErrorKind::Invalid, refusal.code, refusal.message.clone()).into()),
        None => Ok(()),
    }
}

fn open(path: &Path, form: Form) -> anyhow::Result<Package> {
    let package = Package::open(path, Limits::default()).map_err(Error::from)?;
    match form {
        Form::Oneroster => Ok(package),
        Form::Sds => Ok(from_sds(package, tempfile::tempfile()?).map_err(Error::from)?),
    }
}

async fn bring(tenancy: &Tenancy, package: Package, args: &ImportOneroster) -> anyhow::Result<ImportReport> {
    let entry = tenant_with_roster(tenancy, &args.tenant).await?;
    let settings = ImportSettings {
        mode: if args.strict { Mode::Strict } else { Mode::Lenient },
        date_order: args.date_order.map(|order| match order {
            cli::DateOrder::DayFirst => DateOrder::DayFirst,
            cli::DateOrder::MonthFirst => DateOrder::MonthFirst,
        }),
        dry_run: args.dry_run,
        skip_bad_rows: args.skip_bad_rows,
        adopt: args.adopt,
        removal_threshold: args.removal_threshold,
        examples: args.examples.unwrap_or(if args.dry_run { 5 } else { 0 }),
        ..ImportSettings::default()
    };
    let cx = tenancy.background(entry, operator());
    let bars = Bars::default();
    let report = import(tenancy, &cx, package, &settings, &bars).await;
    bars.clear();
    Ok(report?)
}

/// The tenant of this slug or id, when it has a roster and is open.
pub(super) async fn tenant_with_roster(tenancy: &Tenancy, named: &str) -> anyhow::Result<Arc<TenantEntry>> {
    let tenant = tenancy.find_tenant(named).await?;
    let entry = tenancy.registry().by_id(tenant.id).ok_or_else(|| Refusal::Unknown.error())?;
    match entry.admit() {
        // Maintenance keeps people out, and is when rosters are changed.
        Ok(()) | Err(Refusal::Maintenance(_)) => {}
        Err(refusal) => return Err(refusal.error().into()),
    }
    if !entry.has_module(ROSTER.module) {
        let message = format!("{} is a {}, which has no roster.", entry.slug, entry.kind);
        return Err(Error::new(ErrorKind::NotFound, "tenant_without_roster", message).into());
    }
    Ok(entry)
}

/// A bar for each phase, one after the other.
#[derive(Default)]
pub(super) struct Bars(Mutex<Option<(Phase, Bar)>>);

impl Bars {
    pub(super) fn clear(&self) {
        if let Some((_, bar)) = self.lock().take() {
            bar.clear();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(Phase, Bar)>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Observer for Bars {
    fn progress(&self, phase: Phase, done: u64, total: u64, what: &'static str) {
        let mut shown = self.lock();
        if shown.as_ref().is_none_or(|(before, _)| *before != phase) {
            if let Some((_, bar)) = shown.take() {
                bar.clear();
            }
            let word = match phase {
                Phase::Reading => "reading",
                Phase::Checking => "checking",
                Phase::Merging => "merging",
            };
            *shown = Some((phase, Bar::new(word, total)));
        }
        if let Some((_, bar)) = &*shown {
            bar.set(done, total, what);
        }
    }
}

/// The report for people.
fn tell(report: &ImportReport) -> anyhow::Result<()> {
    if !report.files.is_empty() {
        let header =
            ["file", "mode", "rows", "created", "changed", "unchanged", "removed", "kept", "skipped"].as_slice();
        Output::Table.list(header, &report.files, columns)?;
    }
    for file in &report.files {
        for example in &file.examples {
            print(&difference(&file.name, example))?;
        }
    }
    let shown = report.issues.iter().filter(|issue| issue.severity != Severity::Info);
    for issue in shown.clone().take(SHOWN) {
        print(&line(issue))?;
    }
    let told = u64::try_from(shown.take(SHOWN).count())?;
    let more = (report.errors + report.warnings).saturating_sub(told);
    if more > 0 {
        print(&format!("and {more} more; --output json lists the first of each kind"))?;
    }
    for repair in &report.repairs {
        let times = if repair.count == 1 { "once".to_owned() } else { format!("{} times", repair.count) };
        print(&format!(
            "repaired  {}: {}; {} ({times})  [{}]",
            repair.file, repair.message, repair.repair, repair.code
        ))?;
    }
    for removal in report.refusal.iter().flat_map(|refusal| &refusal.removals) {
        let (removed, active) = (removal.removed, removal.active);
        let name = removal.file.file_name();
        eprintln!("{name}: {removed} of {active} records would be removed ({} %)", removal.percent);
    }
    let time = report.milliseconds;
    eprintln!(
        "{} errors, {} warnings; reading {} ms, checking {} ms, merging {} ms",
        report.errors, report.warnings, time.reading, time.checking, time.merging
    );
    match report.outcome {
        Outcome::Applied => eprintln!("imported"),
        Outcome::DryRun => eprintln!("dry run: nothing was changed"),
        Outcome::Refused => {}
    }
    Ok(())
}

fn columns(file: &FileReport) -> Vec<String> {
    let name = if file.derived { format!("roles of {}", file.name) } else { file.name.clone() };
    let mode = match file.mode {
        cloister_school::oneroster::FileMode::Absent => "absent",
        cloister_school::oneroster::FileMode::Bulk => "bulk",
        cloister_school::oneroster::FileMode::Delta => "delta",
    };
    let counts = [file.rows, file.created, file.changed, file.unchanged, file.removed, file.kept, file.skipped];
    [name, mode.to_owned()].into_iter().chain(counts.map(|count| count.to_string())).collect()
}

/// Such as `changed  users.csv "student-7" (Mila Okafor): family_name "Okafor" -> "Berg"`.
pub(super) fn difference(file: &str, example: &Example) -> String {
    let word = match example.change {
        Change::Created => "created",
        Change::Changed => "changed",
        Change::Removed => "removed",
    };
    let id = example.sourced_id.as_ref().map(|id| format!(" {id:?}")).unwrap_or_default();
    let label = example.label.as_ref().map(|label| format!(" ({label})")).unwrap_or_default();
    let told = |field: &FieldChange| match (&field.before, &field.after) {
        (serde_json::Value::Null, serde_json::Value::Null) => field.field.clone(),
        (before, after) => format!("{} {before} -> {after}", field.field),
    };
    let fields: Vec<String> = example.fields.iter().map(told).collect();
    let fields = if fields.is_empty() { String::new() } else { format!(": {}", fields.join(", ")) };
    format!("{word}  {file}{id}{label}{fields}")
}

/// Such as `error  users.csv:12 primaryOrgSourcedId: no row of orgs.csv has this sourcedId: "x"; right would be …  [code]`.
fn line(issue: &Issue) -> String {
    let severity = match issue.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let line = issue.line.map(|line| format!(":{line}")).unwrap_or_default();
    let column = issue.column.as_ref().map(|column| format!(" {column}")).unwrap_or_default();
    let value = issue.value.as_ref().map(|value| format!(": {value:?}")).unwrap_or_default();
    let expected = issue.expected.as_ref().map(|expected| format!("; right would be {expected}")).unwrap_or_default();
    format!("{severity:7}  {}{line}{column}: {}{value}{expected}  [{}]", issue.file, issue.message, issue.code)
}
