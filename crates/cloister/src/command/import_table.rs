//! `cloister import table`: records of one list come in.

use std::io::Read;

use cloister_school::import::{
    DayOrMonth, Outcome, RunSettings, TableIssue, TableMapping, TableReport, TableSettings, TableSeverity, import_table,
};
use cloister_tenancy::{Error, ErrorKind, Tenancy};

use super::import::{Bars, difference, tenant_with_roster};
use crate::{
    cli::{DateOrder, ImportTable},
    configuration::Configuration,
    installation::{Prepare, Running, operator},
    output::{Output, print},
};

/// Bytes of a file with a table.
const LARGEST: u64 = 16 * 1024 * 1024;
/// Records and issues that a person is shown; `--output json` has more.
const SHOWN: usize = 50;

/// Brings the table in, prints the report, and fails when it was refused.
pub(crate) async fn run(configuration: &Configuration, args: &ImportTable, output: Output) -> anyhow::Result<()> {
    // A file that cannot be read is told before a server is started for it.
    let path = args.path.clone();
    let bytes = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    })
    .await?
    .map_err(|error| {
        let message = format!("{} cannot be read: {error}.", args.path.display());
        Error::new(ErrorKind::NotFound, "table_not_found", message)
    })?;
    if bytes.len() as u64 > LARGEST {
        let message = format!("A table has {LARGEST} bytes at most. Send it in parts.");
        return Err(Error::new(ErrorKind::Invalid, "table_too_large", message).into());
    }
    let platform = Running::open(configuration, Prepare::WhenAlone).await?;
    let report = bring(&platform.tenancy, bytes, args).await;
    platform.close().await?;
    let report = report?;
    match output {
        Output::Json => print(&serde_json::to_string_pretty(&report)?)?,
        Output::Table => tell(&report)?,
    }
    match report.refusal {
        Some(refusal) => Err(Error::new(ErrorKind::Invalid, "table_refused", refusal.message).into()),
        None => Ok(()),
    }
}

async fn bring(tenancy: &Tenancy, bytes: Vec<u8>, args: &ImportTable) -> anyhow::Result<TableReport> {
    let entry = tenant_with_roster(tenancy, &args.tenant).await?;
    let meant = |field: &String| Some(field.clone()).filter(|field| !field.is_empty());
    let mapping = TableMapping {
        columns: args.maps.iter().map(|(column, field)| (column.clone(), meant(field))).collect(),
        constants: args.constants.iter().cloned().collect(),
        key: (args.no_key || !args.keys.is_empty()).then(|| args.keys.clone()),
        clear_empty: args.clear_empty,
        sheet: args.sheet.clone(),
        ..TableMapping::default()
    };
    let order = args.date_order.map(|order| match order {
        DateOrder::DayFirst => DayOrMonth::DayFirst,
        DateOrder::MonthFirst => DayOrMonth::MonthFirst,
    });
    let table = TableSettings { resource: args.resource.clone(), mapping };
    let settings = RunSettings::of_table(table, args.dry_run, order, args.skip_bad_rows);
    let cx = tenancy.background(entry, operator());
    let bars = Bars::default();
    let report = import_table(tenancy, &cx, bytes, &settings, &bars).await;
    bars.clear();
    Ok(report?)
}

/// The report for people.
fn tell(report: &TableReport) -> anyhow::Result<()> {
    let header = ["list", "rows", "created", "changed", "unchanged", "skipped"].as_slice();
    Output::Table.list(header, &report.files, |counts| {
        let numbers = [counts.rows, counts.created, counts.changed, counts.unchanged, counts.skipped];
        std::iter::once(counts.file.clone()).chain(numbers.map(|count| count.to_string())).collect()
    })?;
    for (column, target) in &report.columns {
        print(&format!("column  {column}: {}", target.as_str().unwrap_or("left out")))?;
    }
    for counts in &report.files {
        for example in counts.examples.iter().take(SHOWN) {
            print(&difference(&format!("row {}", example.line), &example.record))?;
        }
    }
    for issue in report.issues.iter().take(SHOWN) {
        print(&line(issue))?;
    }
    let more = usize::try_from(report.errors + report.warnings)?.saturating_sub(SHOWN);
    if more > 0 {
        print(&format!("and {more} more; --output json lists more of them"))?;
    }
    match report.outcome {
        Outcome::Applied => eprintln!("imported"),
        Outcome::DryRun => eprintln!("dry run: nothing was changed"),
        Outcome::Refused => {}
    }
    Ok(())
}

/// Such as `error    row 12, school: There is nothing in orgs with this name: "Nowhere"  [reference_unknown]`.
fn line(issue: &TableIssue) -> String {
    let severity = match issue.severity {
        TableSeverity::Error => "error",
        TableSeverity::Warning => "warning",
    };
    let row = issue.line.map(|line| format!("row {line}")).unwrap_or_default();
    let column = issue.column.as_ref().map(|column| format!(", {column}")).unwrap_or_default();
    let value = issue.value.as_ref().map(|value| format!(": {value:?}")).unwrap_or_default();
    format!("{severity:7}  {row}{column}: {}{value}  [{}]", issue.message, issue.code)
}
