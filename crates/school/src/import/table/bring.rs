//! Brings a table in: each row by the very code that takes one record over HTTP, all rows in one transaction.

use std::{collections::HashMap, time::Instant};

use axum::http::Method;
use cloister_ids::ImportRunId;
use cloister_tenancy::{Action, Batch, Error, ErrorKind, OpContext, Result, Tenancy};
use serde_json::{Value, json};

use super::{
    TableSettings, change_store,
    change_store::TableChange,
    fault,
    house::House,
    lookup::{Lookup, joined},
    mapping::{self, Plan},
    reading,
    report::{TableIssue, TableReport},
    resource::Resource,
    row::{Reading, Said, label, put, told},
    sheet::{Sheet, SheetRow},
};
use crate::{
    ROSTER,
    import::{
        Change, Example, FieldChange, Observer, Outcome, Phase, forget, merge, report::milliseconds, run::RunSettings,
        run::RunState, run_store, undo,
    },
};

/// Rows between two notes of how far it is.
const NOTED_EVERY: u64 = 20;

/// Brings a table into the tenant of `cx`. One that is refused is an answer, not an error: its report says what is wrong.
pub(in crate::import) async fn bring(
    tenancy: &Tenancy,
    cx: &OpContext,
    bytes: Vec<u8>,
    settings: &RunSettings,
    observer: &dyn Observer,
    waiting: Option<ImportRunId>,
) -> Result<TableReport> {
    cx.authorize(Action::Import, &ROSTER)?;
    let _place = tenancy.begin_long_work(cx).await?;
    let begun = Instant::now();
    let TableSettings { resource, mapping } = settings.table.clone().unwrap_or_default();
    let mut report = TableReport::new(settings.dry_run, &resource);
    let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let house = House::new(tenancy, cx).await?;
    let wanted = mapping.sheet.clone();
    let planned = reading::read(move || Ok(bytes), wanted, ()).await.and_then(|sheet| {
        let plan = mapping::plan(&house.resources, house.resource(&resource)?, &mapping, &sheet)?;
        Ok((sheet, plan))
    });
    let (sheet, plan) = match planned {
        Ok(planned) => planned,
        Err(error) if error.kind() == ErrorKind::Invalid => {
            report.refuse(error.code(), error.message().to_owned());
            return Ok(report);
        }
        Err(error) => return Err(error),
    };
    let resource = house.resource(&resource)?;
    report.columns = plan.taken.iter().map(|(name, target)| (name.clone(), json!(target))).collect();
    report.key.clone_from(&plan.key);
    report.counts().name.clone_from(&sheet.name);
    report.counts().rows = sheet.rows.len() as u64;
    sheet.issues.iter().chain(&plan.issues).cloned().for_each(|issue| report.tell(issue));

    let Some(batch) = tenancy.batch(cx, "import").await? else { return Err(merge::running()) };
    if let Some(run) = waiting {
        still_waits(tenancy, batch.cx(), run).await?;
    }
    let lookup = Lookup::load(&house.inside, batch.cx(), &house.resources, resource, &plan).await?;
    report.milliseconds.reading = milliseconds(begun.elapsed());
    let merging = Instant::now();
    let mut rows =
        Rows { house: &house, batch: &batch, resource, plan: &plan, lookup, seen: HashMap::new(), changes: Vec::new() };
    rows.all(&sheet, settings, &mut report, observer).await?;
    let changes = rows.changes;
    report.milliseconds.merging = milliseconds(merging.elapsed());
    if report.errors > 0 && !settings.skip_bad_rows {
        report.refuse(
            "table_has_errors",
            "Some rows cannot be used, so nothing was changed. Mend them, or import without them.",
        );
    }
    if report.outcome != Outcome::Applied {
        batch.rollback().await?;
        return Ok(report);
    }
    end(tenancy, batch, &report, &changes, (settings, size), waiting).await?;
    Ok(report)
}

/// Another attempt may have brought it in while this one read the file: rows without a key would be made twice.
async fn still_waits(tenancy: &Tenancy, cx: &OpContext, run: ImportRunId) -> Result<()> {
    match run_store::get(tenancy, cx, run).await?.state {
        RunState::Waiting | RunState::Running => Ok(()),
        _ => Err(run_store::ended()),
    }
}

/// Notes what was done, in the transaction that did it, and commits.
async fn end(
    tenancy: &Tenancy,
    batch: Batch,
    report: &TableReport,
    changes: &[TableChange],
    (settings, size): (&RunSettings, i64),
    waiting: Option<ImportRunId>,
) -> Result<()> {
    let mut tx = tenancy.write(batch.cx()).await?;
    let run = match waiting {
        Some(run) => run,
        None => {
            let run = ImportRunId::generate(tx.cx().clock());
            run_store::insert(&mut tx, None, run, settings, size).await?;
            run
        }
    };
    let now = tx.cx().clock().now();
    if !changes.is_empty() {
        undo::forget_others(&mut tx, now).await?;
        change_store::insert(&mut tx, run, changes).await?;
    }
    tx.audit_act("import.apply", &ROSTER, run, Some(report.audited()));
    let told = serde_json::to_value(report).map_err(Error::internal)?;
    // One that changed nothing leaves the one before the last.
    let applied = (!changes.is_empty()).then_some(now);
    run_store::end(&mut tx, run, RunState::Applied, Some(told), applied).await?;
    forget::later(&mut tx, run)?;
    tx.commit().await?;
    batch.commit().await
}

/// The rows of a table on their way in.
struct Rows<'a> {
    house: &'a House,
    batch: &'a Batch,
    resource: &'a Resource,
    plan: &'a Plan,
    lookup: Lookup,
    /// By key, the row that had it before.
    seen: HashMap<String, u64>,
    changes: Vec<TableChange>,
}

impl Rows<'_> {
    async fn all(
        &mut self,
        sheet: &Sheet,
        settings: &RunSettings,
        report: &mut TableReport,
        observer: &dyn Observer,
    ) -> Result<()> {
        let mapping = settings.table.clone().unwrap_or_default().mapping;
        let total = sheet.rows.len() as u64;
        for (done, row) in (0u64..).zip(&sheet.rows) {
            if done.is_multiple_of(NOTED_EVERY) {
                observer.progress(Phase::Merging, done, total, "rows");
            }
            let reading = Reading {
                plan: self.plan,
                mapping: &mapping,
                lookup: &self.lookup,
                order: settings.date_order.as_ref(),
            };
            let issues = match reading.row(row, sheet.headers.len()) {
                Ok(said) => match self.row(row, &said, report).await {
                    Ok(()) => {
                        self.batch.keep().await?;
                        continue;
                    }
                    Err(Refused::Row(issues)) => {
                        self.batch.take_back().await?;
                        issues
                    }
                    Err(Refused::All(error)) => return Err(error),
                },
                Err(issues) => issues,
            };
            report.counts().skipped += 1;
            for issue in issues {
                report.tell(TableIssue { line: Some(row.line), ..issue });
            }
        }
        observer.progress(Phase::Merging, total, total, "rows");
        Ok(())
    }

    /// Makes or changes the record that a row is about.
    async fn row(&mut self, row: &SheetRow, said: &Said, report: &mut TableReport) -> Result<(), Refused> {
        let key = joined(&said.fields, &self.plan.key);
        if let Some(key) = &key
            && let Some(before) = self.seen.insert(key.clone(), row.line)
        {
            let message = format!("Row {before} is about the same record. Leave one of them out.");
            return Err(self.refused("row_repeated", message));
        }
        let done = match self.known(said, key.as_deref()).await? {
            Some(record) => self.change(said, record).await?,
            None => self.make(said).await?,
        };
        let Done { record, change, mut fields } = done;
        fields.extend(self.put_beside(said, &record).await?);
        match change.or_else(|| (!fields.is_empty()).then_some(Change::Changed)) {
            Some(change) => report.did(row.line, Example { change, fields, ..example(&record) }),
            None => report.counts().unchanged += 1,
        }
        Ok(())
    }

    /// The record that is there, as it is now.
    async fn known(&self, said: &Said, key: Option<&str>) -> Result<Option<Value>, Refused> {
        let Some(key) = key else { return Ok(None) };
        if self.plan.is_by_id() {
            // Found without its list, which may be longer than anybody looks through.
            let id = said.fields.get("id").and_then(Value::as_str).unwrap_or_default().trim();
            let found = if is_id(id) { self.read(id).await } else { Ok(None) };
            return match found.map_err(|error| self.of(error))? {
                Some(record) => Ok(Some(record)),
                None => {
                    let message = "There is no record with this id. Leave the cell empty to make one.";
                    Err(self.refused("id_unknown", message.to_owned()))
                }
            };
        }
        let found = self.lookup.find(&self.resource.name, &self.plan.key, key);
        let active: Vec<_> = found.iter().filter(|known| known.active).collect();
        let id = match (active.as_slice(), found.as_slice()) {
            ([one], _) => &one.id,
            // One that was deleted comes back.
            ([], [one]) => &one.id,
            ([], _) => return Ok(None),
            _ => {
                let message = "Several records are found by this. Use a key that only one has, such as its id.";
                return Err(self.refused("key_ambiguous", message.to_owned()));
            }
        };
        self.call(Method::GET, &format!("/{}/{id}", self.resource.name), None, None).await.map(Some)
    }

    /// A record by its id; none where there is no such record.
    async fn read(&self, id: &str) -> Result<Option<Value>> {
        let path = format!("/{}/{id}", self.resource.name);
        match self.house.inside.call(self.batch.cx(), Method::GET, &path, None, None).await {
            Ok(record) => Ok(Some(record)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Invalid) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn make(&mut self, said: &Said) -> Result<Done, Refused> {
        let made = self.call(Method::POST, &format!("/{}", self.resource.name), None, Some(&said.body())).await?;
        self.lookup.made(self.resource, &made);
        self.note(&made, None);
        Ok(Done { record: made, change: Some(Change::Created), fields: Vec::new() })
    }

    async fn change(&mut self, said: &Said, record: Value) -> Result<Done, Refused> {
        let path = format!("/{}/{}", self.resource.name, record["id"].as_str().unwrap_or_default());
        let active = !self.resource.has_status || record["status"] == "active";
        let (patch, before) = said.differs(&record, active);
        if patch.is_empty() {
            return Ok(Done { record, change: None, fields: Vec::new() });
        }
        if !self.resource.changes {
            let message = "This record is there already and differs, and records of this list cannot be changed.";
            return Err(self.refused("record_fixed", message.to_owned()));
        }
        let fields = told(&patch, &before);
        let changed = self.call(Method::PATCH, &path, record["version"].as_i64(), Some(&Value::Object(patch))).await?;
        if changed["version"] == record["version"] {
            return Ok(Done { record, change: None, fields: Vec::new() });
        }
        self.note(&changed, Some(Value::Object(before)));
        Ok(Done { record: changed, change: Some(Change::Changed), fields })
    }

    /// Puts what a row says beside its record. It is told which fields differ, and not what they say.
    async fn put_beside(&mut self, said: &Said, record: &Value) -> Result<Vec<FieldChange>, Refused> {
        let mut told = Vec::new();
        for (name, said) in &said.beside {
            let Some(beside) = self.resource.beside.iter().find(|known| known.name == *name) else { continue };
            let id = format!("{}/{name}", record["id"].as_str().unwrap_or_default());
            let path = format!("/{}/{id}", self.resource.name);
            let there = match self.house.inside.call(self.batch.cx(), Method::GET, &path, None, None).await {
                Ok(there) => there,
                Err(error) if error.kind() == ErrorKind::NotFound => Value::Null,
                Err(error) => return Err(self.of(error)),
            };
            let Some(body) = put(said, &there, beside) else { continue };
            let put = self.call(Method::PUT, &path, there["version"].as_i64(), Some(&body)).await?;
            self.changes.push(self.changed(id, beside.before(&there), &put));
            if beside.within.is_some() {
                // Its version is the record's own. Something else may have been put beside it in between.
                if let Some(own) =
                    self.changes.iter_mut().rev().find(|change| record["id"] == change.record_id.as_str())
                {
                    own.version_after = put["version"].as_i64().unwrap_or_default();
                }
            }
            let there = beside.inner(&there);
            let differing = said.as_object().into_iter().flatten().filter(|(field, value)| there[*field] != **value);
            told.extend(differing.map(|(field, _)| FieldChange {
                field: format!("{name}.{field}"),
                before: Value::Null,
                after: Value::Null,
            }));
        }
        Ok(told)
    }

    fn note(&mut self, record: &Value, before: Option<Value>) {
        let id = record["id"].as_str().unwrap_or_default().to_owned();
        self.changes.push(self.changed(id, before, record));
    }

    fn changed(&self, record_id: String, before: Option<Value>, after: &Value) -> TableChange {
        TableChange {
            number: i32::try_from(self.changes.len()).unwrap_or(i32::MAX),
            resource: self.resource.name.clone(),
            record_id,
            before,
            version_after: after["version"].as_i64().unwrap_or_default(),
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        known: Option<i64>,
        body: Option<&Value>,
    ) -> Result<Value, Refused> {
        let answer = self.house.inside.call(self.batch.cx(), method, path, known, body).await;
        answer.map_err(|error| self.of(error))
    }

    fn of(&self, error: Error) -> Refused {
        match error.kind() {
            ErrorKind::Internal | ErrorKind::Unavailable | ErrorKind::TooMany => Refused::All(error),
            _ => Refused::Row(fault::issues(self.plan, &error)),
        }
    }

    fn refused(&self, code: &str, message: String) -> Refused {
        let called = |name: &String| {
            let bound = self.plan.bindings.iter().find(|known| known.field == *name);
            bound.map_or_else(|| name.clone(), |known| known.called.clone())
        };
        let columns: Vec<String> = self.plan.key.iter().map(called).collect();
        let column = Some(columns.join(", ")).filter(|column| !column.is_empty());
        Refused::Row(vec![TableIssue::error(code, column, None, message)])
    }
}

/// Whether this can stand in an address as it is.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// What became of a row.
struct Done {
    record: Value,
    /// None where it was so already.
    change: Option<Change>,
    fields: Vec<FieldChange>,
}

/// What is refused.
enum Refused {
    /// This row.
    Row(Vec<TableIssue>),
    /// The whole import.
    All(Error),
}

fn example(record: &Value) -> Example {
    let sourced_id = record["sourced_id"].as_str().map(str::to_owned);
    Example { change: Change::Created, sourced_id, label: label(record), fields: Vec::new() }
}
