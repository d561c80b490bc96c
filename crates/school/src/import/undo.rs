//! Takes the last import back: what it made counts no more, what it changed or marked as deleted is as it was.
//!
//! Rules:
//!
//! * Only the last import that changed anything, and only while what was there before is kept. A later import makes it the last.
//! * All or nothing. Where somebody changed a record since, it is refused; with `keep_changed` such records stay as they are
//!   now, and the rest is taken back. The same goes for records that something leans on which was entered since, such as a
//!   student who was marked absent.
//! * Nothing is erased: a record that the import made stays, marked as deleted, and comes back with the next import that has it.
//! * Taking back is a change of its own: versions and times of change go on, nobody is shown what was there without noticing.

use cloister_http::IdempotencyKey;
use cloister_ids::ImportRunId;
use cloister_tenancy::{Action, Batch, Error, ErrorKind, OpContext, Result, Tenancy, TenantTx, sql::Parameters};
use jiff::Timestamp;
use serde_json::json;

use super::{
    attached::{Leaving, Staying, staying},
    report::FileReport,
    run::{ImportRun, RosterFormat, RunState},
    run_store,
    store::{ENTITIES, demographics, undo},
    table,
};
use crate::{ROSTER, oneroster::File};

/// Keeps what is about to change, for the import `id`; and forgets what was kept for others.
pub(super) async fn keep(tx: &mut TenantTx, id: ImportRunId, files: &[FileReport], now: Timestamp) -> Result<()> {
    let which: &Parameters<'_> = &[&id];
    forget_others(tx, now).await?;
    for entity in ENTITIES {
        let Some(file) = files.iter().find(|file| file.file == entity.file) else { continue };
        if file.changed > 0 || file.removed > 0 {
            tx.query(entity.image.keep, which).await?;
        }
        if file.changed > 0 && entity.file == File::Users {
            tx.query(&demographics::reappearance::KEEP, which).await?;
        }
    }
    tx.query(&undo::KEEP_TERMS, which).await.map(drop)
}

/// Forgets what was kept for other imports: only the last can be taken back.
pub(super) async fn forget_others(tx: &mut TenantTx, now: Timestamp) -> Result<()> {
    let by = tx.cx().actor().to_string();
    tx.query_all(&[(&undo::FORGET, &[]), (&table::FORGET, &[]), (&undo::FORGET_RUNS, &[&now, &by])]).await.map(drop)
}

/// The job that forgets it.
pub(super) const FORGET: &str = "school.import_forget";

/// Forgets what was kept for an import that is still the last: it can no longer be taken back.
pub(super) async fn forget(tx: &mut TenantTx, id: ImportRunId) -> Result<()> {
    let run = run_store::lock(tx, None, id).await?;
    if run.undoable {
        let now = tx.cx().clock().now();
        forget_others(tx, now).await?;
    }
    Ok(())
}

/// The import that can be taken back now, if there is one.
pub async fn last(tenancy: &Tenancy, cx: &OpContext) -> Result<Option<ImportRun>> {
    cx.authorize(Action::Import, &ROSTER)?;
    run_store::last(tenancy, cx).await
}

/// Takes an import back as part of `tx`.
pub async fn undo(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    id: ImportRunId,
    keep_changed: bool,
) -> Result<ImportRun> {
    tx.cx().authorize(Action::Import, &ROSTER)?;
    let run = run_store::lock(tx, key, id).await?;
    let applied_at = check(&run)?;
    if !tx.begin_large("import").await? {
        return Err(super::merge::running());
    }
    let leaving = leaving(tx, id, applied_at).await?;
    let stay = staying(tx, &leaving, applied_at).await?;
    let changed = changed_since(tx, id, applied_at).await? + stay.count;
    if changed > 0 && !keep_changed {
        return Err(were_changed(changed));
    }
    let now = tx.cx().clock().now();
    bring_back(tx, id, applied_at, now, &stay).await.map_err(contradicts)?;
    end(tx, run, now, changed).await
}

/// Takes an import of whatever kind back, and commits.
pub async fn take_back(tenancy: &Tenancy, cx: &OpContext, id: ImportRunId, keep_changed: bool) -> Result<ImportRun> {
    cx.authorize(Action::Import, &ROSTER)?;
    if run_store::get(tenancy, cx, id).await?.settings.format == RosterFormat::Table {
        let (batch, tx, run) = undo_table(tenancy, cx, None, id, keep_changed).await?;
        tx.commit().await?;
        batch.commit().await?;
        return Ok(run);
    }
    let mut tx = tenancy.write(cx).await?;
    let run = undo(&mut tx, None, id, keep_changed).await?;
    tx.commit().await?;
    Ok(run)
}

/// Takes an import of a table back. What is given is to be committed, the last step before the whole.
pub(super) async fn undo_table(
    tenancy: &Tenancy,
    cx: &OpContext,
    key: Option<&IdempotencyKey>,
    id: ImportRunId,
    keep_changed: bool,
) -> Result<(Batch, TenantTx, ImportRun)> {
    let batch = table::begin(tenancy, cx).await?;
    match undo_rows(tenancy, &batch, key, id, keep_changed).await {
        Ok((tx, run)) => Ok((batch, tx, run)),
        Err(error) => {
            // At once: whoever tries again must not be told that another import is under way.
            let _ = batch.rollback().await;
            Err(error)
        }
    }
}

async fn undo_rows(
    tenancy: &Tenancy,
    batch: &Batch,
    key: Option<&IdempotencyKey>,
    id: ImportRunId,
    keep_changed: bool,
) -> Result<(TenantTx, ImportRun)> {
    let mut tx = tenancy.write(batch.cx()).await?;
    let run = run_store::lock(&mut tx, key, id).await?;
    let applied_at = check(&run)?;
    tx.commit().await?;
    batch.keep().await?;
    let changed = table::take_back(tenancy, batch, (id, applied_at), keep_changed).await?;
    let mut tx = tenancy.write(batch.cx()).await?;
    let now = tx.cx().clock().now();
    let run = end(&mut tx, run, now, changed).await?;
    Ok((tx, run))
}

/// Notes that it was taken back.
async fn end(tx: &mut TenantTx, run: ImportRun, now: Timestamp, changed: i64) -> Result<ImportRun> {
    run_store::undone(tx, run.id, now).await?;
    tx.query_all(&[(&undo::FORGET, &[]), (&table::FORGET, &[])]).await?;
    tx.audit_act("import.undo", &ROSTER, run.id, Some(json!({ "changed_since": changed })));
    let by = tx.cx().actor().to_string();
    Ok(ImportRun {
        state: RunState::Undone,
        undoable: false,
        undone_at: Some(now),
        undone_by: Some(by.clone()),
        version: run.version + 1,
        updated_at: now,
        updated_by: by,
        ..run
    })
}

/// Records were changed since, or something leans on them that was entered since.
pub(super) fn were_changed(count: i64) -> Error {
    let records = if count == 1 { "record was" } else { "records were" };
    let message = format!(
        "{count} {records} changed since this import, or something was entered since that belongs there. Take it back with \
         keep_changed, and what was changed stays as it is now, or leave it."
    );
    Error::new(ErrorKind::Conflict, "import_changed_since", message)
}

/// When it was applied, if it can be taken back.
fn check(run: &ImportRun) -> Result<Timestamp> {
    let refused = |code, message| Err(Error::new(ErrorKind::Conflict, code, message));
    match (run.state, run.applied_at) {
        (RunState::Applied, Some(at)) if run.undoable => Ok(at),
        (RunState::Applied, _) => refused(
            "import_not_last",
            "Only the last import can be taken back, for as long as what was there before it is kept.",
        ),
        (RunState::Undone, _) => refused("import_undone", "This import was taken back already."),
        _ => refused("import_not_applied", "This import changed nothing, so there is nothing to take back."),
    }
}

async fn changed_since(tx: &mut TenantTx, id: ImportRunId, applied_at: Timestamp) -> Result<i64> {
    let mut changed = 0;
    for entity in ENTITIES {
        let rows = tx.query(entity.image.changed_since, &[&id, &applied_at]).await?;
        changed += rows.first().map_or(0, |row| row.get::<_, i64>("count"));
    }
    Ok(changed)
}

/// What would be marked as deleted: what the import made, and what it brought back.
async fn leaving(tx: &mut TenantTx, id: ImportRunId, applied_at: Timestamp) -> Result<Leaving> {
    let mut leaving = Leaving::new();
    for entity in ENTITIES {
        let rows = tx.query(entity.image.leaving, &[&applied_at, &id]).await?;
        leaving.insert(entity.table, rows.iter().map(|row| row.get("id")).collect());
    }
    Ok(leaving)
}

/// In the reverse order of the import: every reference leads somewhere at every moment.
async fn bring_back(
    tx: &mut TenantTx,
    id: ImportRunId,
    applied_at: Timestamp,
    now: Timestamp,
    stay: &Staying,
) -> Result<()> {
    let by = tx.cx().actor().to_string();
    for entity in ENTITIES.into_iter().rev() {
        let made: &Parameters<'_> = &[&applied_at, &now, &by, &stay.ids];
        let changed: &Parameters<'_> = &[&id, &now, &by, &stay.ids];
        tx.query(entity.image.take_back, made).await?;
        if entity.file == File::Roles {
            tx.query(&undo::RELEASE_ROLES, &[&id, &stay.ids]).await?;
        }
        tx.query(entity.image.restore, changed).await?;
        let parts: &Parameters<'_> = &[&id, &now];
        match entity.file {
            File::Classes => {
                tx.query_all(&[(&undo::REMOVE_TERMS, parts), (&undo::INSERT_TERMS, parts)]).await?;
            }
            File::Users => {
                tx.query(&undo::TURN_CONTACTS, made).await?;
                tx.query(&undo::TOUCH, &[&now, &by]).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// What was entered since leaves no room for what was there before.
fn contradicts(error: Error) -> Error {
    if !matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Invalid) {
        return error;
    }
    let message = "What was entered since this import contradicts what was there before it, such as another primary role. Nothing \
                   was taken back.";
    Error::new(ErrorKind::Conflict, "import_undo_contradicts", message).because(error)
}
