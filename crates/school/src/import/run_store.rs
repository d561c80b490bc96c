//! All SQL about imports that are remembered, and about packages that wait for theirs.

use cloister_http::IdempotencyKey;
use cloister_ids::{ImportRunId, Uuid};
use cloister_tenancy::{
    Error, ErrorKind, OpContext, Result, Tenancy, TenantTx,
    sql::{Row, statements},
};
use jiff::Timestamp;
use serde_json::Value;

use super::{
    run::{ImportRun, RunSettings, RunState},
    shown::{bounded, cut_to},
};
use crate::record::found;

macro_rules! columns {
    () => {
        columns!("report", "failure_message")
    };
    ($report:literal, $message:literal) => {
        concat!(
            "id, version, created_at, created_by, updated_at, updated_by, state, settings, bytes, phase, done, total, ",
            $report,
            ", failure, ",
            $message,
            ", applied_at, undoable, undone_at, undone_by"
        )
    };
}

/// A list shows no reports: each may be large, and is read by itself. Nor what may be for few.
macro_rules! listed {
    () => {
        columns!("null::jsonb as report", "null::text as failure_message")
    };
}

statements! {
    /// One.
    GET = concat!("select ", columns!(), " from import_run where tenant_id = $1 and id = $2");
    /// One, to be changed.
    LOCK = concat!("select ", columns!(), " from import_run where tenant_id = $1 and id = $2 for no key update");
    /// The one that can be taken back.
    LAST = concat!("select ", columns!(), " from import_run where tenant_id = $1 and undoable order by applied_at desc limit 1");
    /// Newest first, behind `$2`.
    NEWEST = concat!("select ", listed!(), " from import_run where tenant_id = $1 and id < $2 order by id desc limit $3");
    /// Oldest first, behind `$2`.
    OLDEST = concat!("select ", listed!(), " from import_run where tenant_id = $1 and id > $2 order by id limit $3");
    /// A new one: `$2` id, `$3` now, `$4` who, `$5` settings, `$6` bytes.
    INSERT = "insert into import_run (tenant_id, id, version, created_at, created_by, updated_at, updated_by, state, settings,
            bytes, done, total, undoable)
        values ($1, $2, 1, $3, $4, $3, $4, 'waiting', $5, $6, 0, 0, false)";
    /// Those that have not ended.
    COUNT_OPEN = "select count(*) as count from import_run where tenant_id = $1 and state in ('waiting', 'running')";
    /// A part of its package.
    INSERT_PART = "insert into import_part (tenant_id, run_id, number, bytes) values ($1, $2, $3, $4)";
    /// A part of its package.
    PART = "select bytes from import_part where tenant_id = $1 and run_id = $2 and number = $3";
    /// Its package is no longer needed.
    DELETE_PARTS = "delete from import_part where tenant_id = $1 and run_id = $2";
    /// How far it is: `$3` phase, `$4` done, `$5` of how much, `$6` now.
    PROGRESS = "update import_run set state = 'running', phase = $3, done = $4, total = $5, updated_at = $6
        where tenant_id = $1 and id = $2 and state in ('waiting', 'running')";
    /// How it ended: `$3` state, `$4` report, `$5` when applied, `$6` whether it can be taken back, `$7` now, `$8` who,
    /// `$9` why it failed, `$10` what would be right; `$11` when it last changed, where another change in between is to win.
    END = "update import_run set state = $3, report = $4, applied_at = $5, undoable = $6, updated_at = $7, updated_by = $8,
            failure = $9, failure_message = $10, phase = null, version = version + 1
        where tenant_id = $1 and id = $2 and state in ('waiting', 'running')
            and ($11::timestamptz is null or updated_at = $11) returning id";
    /// Reports of imports that were asked for before `$2`, which still tell of people.
    OLD_REPORTS = "select id, report from import_run where tenant_id = $1 and created_at < $2
        and (report is not null and report ->> 'examples_forgotten' is null or failure_message is not null) order by id limit $3";
    /// One that no longer does: `$3` now, `$4` who, `$5` the report.
    WRITE_REPORT = "update import_run set report = $5, failure_message = null, updated_at = $3, updated_by = $4, version = version + 1
        where tenant_id = $1 and id = $2";
    /// It was taken back: `$3` now, `$4` who.
    UNDONE = "update import_run set state = 'undone', undoable = false, undone_at = $3, undone_by = $4, updated_at = $3,
            updated_by = $4, version = version + 1
        where tenant_id = $1 and id = $2";
}

fn run(row: &Row) -> Result<ImportRun> {
    let settings = serde_json::from_value(row.get("settings")).map_err(Error::internal)?;
    Ok(ImportRun {
        id: row.get("id"),
        state: row.get::<_, &str>("state").parse().map_err(Error::internal)?,
        settings,
        bytes: row.get("bytes"),
        phase: row.get("phase"),
        done: row.get("done"),
        total: row.get("total"),
        report: row.get("report"),
        failure: row.get("failure"),
        failure_message: row.get("failure_message"),
        applied_at: row.get("applied_at"),
        undoable: row.get("undoable"),
        undone_at: row.get("undone_at"),
        undone_by: row.get("undone_by"),
        version: row.get("version"),
        created_at: row.get("created_at"),
        created_by: row.get("created_by"),
        updated_at: row.get("updated_at"),
        updated_by: row.get("updated_by"),
    })
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, id: ImportRunId) -> Result<ImportRun> {
    run(found(&tenancy.fetch(cx, &GET, &[&id]).await?)?)
}

/// Those behind one, newest first or oldest first.
pub(super) async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    after: Option<ImportRunId>,
    newest_first: bool,
    limit: i64,
) -> Result<Vec<ImportRun>> {
    let (statement, outermost) = if newest_first { (&NEWEST, Uuid::max()) } else { (&OLDEST, Uuid::nil()) };
    let after = after.unwrap_or(ImportRunId::from_uuid(outermost));
    tenancy.fetch(cx, statement, &[&after, &limit]).await?.iter().map(run).collect()
}

/// The one that can be taken back, if there is one.
pub(super) async fn last(tenancy: &Tenancy, cx: &OpContext) -> Result<Option<ImportRun>> {
    tenancy.fetch(cx, &LAST, &[]).await?.first().map(run).transpose()
}

/// One that is kept from changing. `key` is of the request that is about to change it.
pub(super) async fn lock(tx: &mut TenantTx, key: Option<&IdempotencyKey>, id: ImportRunId) -> Result<ImportRun> {
    run(found(&IdempotencyKey::query(key, tx, &LOCK, &[&id]).await?)?)
}

/// One that waits.
pub(super) async fn insert(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    id: ImportRunId,
    settings: &RunSettings,
    bytes: i64,
) -> Result<ImportRun> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    let kept = serde_json::to_value(settings).map_err(Error::internal)?;
    IdempotencyKey::query(key, tx, &INSERT, &[&id, &now, &by, &kept, &bytes]).await?;
    Ok(ImportRun::waiting(id, settings.clone(), bytes, now, by))
}

/// How many have not ended.
pub(super) async fn count_open(tx: &mut TenantTx) -> Result<i64> {
    Ok(found(&tx.query(&COUNT_OPEN, &[]).await?)?.get("count"))
}

pub(super) async fn insert_part(tx: &mut TenantTx, id: ImportRunId, number: i32, bytes: &[u8]) -> Result<()> {
    tx.query(&INSERT_PART, &[&id, &number, &bytes]).await.map(drop)
}

/// A part of a package, if there are so many.
pub(super) async fn part(tenancy: &Tenancy, cx: &OpContext, id: ImportRunId, number: i32) -> Result<Option<Vec<u8>>> {
    Ok(tenancy.fetch(cx, &PART, &[&id, &number]).await?.first().map(|row| row.get("bytes")))
}

/// Notes how far an import is; in a transaction of its own, as the import's own shows nothing before its end.
pub(super) async fn progress(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: ImportRunId,
    (phase, done, total): (&str, i64, i64),
) -> Result<()> {
    let now = cx.clock().now();
    let tx = tenancy.write(cx).await?;
    tx.commit_with(&[(&PROGRESS, &[&id, &phase, &done, &total, &now])]).await.map(drop)
}

/// Notes how an import ended, as part of what it did. One that was given up in the meantime cannot be applied any more.
pub(super) async fn end(
    tx: &mut TenantTx,
    id: ImportRunId,
    state: RunState,
    report: Option<Value>,
    applied_at: Option<Timestamp>,
) -> Result<()> {
    let ended = write_end(tx, id, state, report.map(bounded), applied_at, None).await?;
    if state == RunState::Applied && !ended {
        return Err(self::ended());
    }
    Ok(())
}

/// Notes that an import failed, and why. With a moment only where nothing changed since: whether it was noted.
pub(super) async fn fail(
    tx: &mut TenantTx,
    id: ImportRunId,
    failure: &Error,
    unchanged_since: Option<Timestamp>,
) -> Result<bool> {
    write_end(tx, id, RunState::Failed, None, None, Some((failure, unchanged_since))).await
}

async fn write_end(
    tx: &mut TenantTx,
    id: ImportRunId,
    state: RunState,
    report: Option<Value>,
    applied_at: Option<Timestamp>,
    failed: Option<(&Error, Option<Timestamp>)>,
) -> Result<bool> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    let undoable = applied_at.is_some();
    let failure = failed.map(|(error, _)| error.code());
    let message = failed.map(|(error, _)| message_of(error));
    let unchanged_since = failed.and_then(|(_, since)| since);
    let rows = tx
        .query(
            &END,
            &[&id, &state.word(), &report, &applied_at, &undoable, &now, &by, &failure, &message, &unchanged_since],
        )
        .await?;
    let ended = !rows.is_empty();
    // One that still goes on needs its package.
    if ended || unchanged_since.is_none() {
        tx.query(&DELETE_PARTS, &[&id]).await?;
    }
    Ok(ended)
}

/// Characters of what would be right; the table takes a few more.
const MESSAGE: usize = 900;

/// What an error tells whoever asked for it.
fn message_of(error: &Error) -> String {
    let fields = error.fields().iter().map(|field| format!(" {}: {}", field.field, field.message));
    cut_to(&std::iter::once(error.message().to_owned()).chain(fields).collect::<String>(), MESSAGE)
}

/// It ended before.
pub(super) fn ended() -> Error {
    Error::new(ErrorKind::Conflict, "import_ended", "This import has ended already.")
}

/// The first so many reports from before a moment that tell of people, or without one, of imports whose failure may.
pub(super) async fn old_reports(
    tx: &mut TenantTx,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<(ImportRunId, Option<Value>)>> {
    let rows = tx.query(&OLD_REPORTS, &[&before, &limit]).await?;
    Ok(rows.iter().map(|row| (row.get("id"), row.get("report"))).collect())
}

pub(super) async fn write_report(tx: &mut TenantTx, id: ImportRunId, report: Option<&Value>) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    tx.query(&WRITE_REPORT, &[&id, &now, &by, &report]).await.map(drop)
}

pub(super) async fn undone(tx: &mut TenantTx, id: ImportRunId, now: Timestamp) -> Result<()> {
    let by = tx.cx().actor().to_string();
    tx.query(&UNDONE, &[&id, &now, &by]).await.map(drop)
}
