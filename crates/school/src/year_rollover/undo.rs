//! Taking a rollover back: the year that ended goes on, with the same places in classes, and the next one counts no more.
//!
//! All or nothing. Where somebody changed what it wrote, it is refused; with `keep_changed` such students stay as they are now,
//! and the rest is taken back. What the next year was planned with, such as places in its classes, is not touched.

use cloister_http::IdempotencyKey;
use cloister_ids::YearRolloverId;
use cloister_tenancy::{Action, Result, TenantTx};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{RolloverState, YEAR_ROLLOVER, YearRollover, check_counts, conflict, run_store, some, store};
use crate::student_school_association::exit_store;

/// How a rollover is taken back.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RolloverUndo {
    /// Students of whom something was changed since stay as they are now. Without it, they are a reason to refuse.
    #[garde(skip)]
    #[serde(default)]
    pub keep_changed: bool,
}

/// Takes a rollover back, as part of `tx`.
pub(super) async fn undo(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    id: YearRolloverId,
    wish: RolloverUndo,
) -> Result<YearRollover> {
    tx.cx().authorize(Action::Update, &YEAR_ROLLOVER)?;
    let before = store::lock(tx, key, id).await?;
    check_counts(&before)?;
    match before.state {
        RolloverState::Applied | RolloverState::Failed => {}
        RolloverState::Undone => return conflict("rollover_undone", "This rollover was taken back already."),
        RolloverState::Applying => {
            return conflict("rollover_running", "This rollover is under way. Wait for its end.");
        }
        RolloverState::Planned => {
            return conflict("rollover_not_applied", "This plan changed nothing, so there is nothing to take back.");
        }
    }
    if !tx.begin_large("year_rollover").await? {
        return conflict("rollover_running", "Another rollover is being taken back. Wait for its end.");
    }
    let (changed, rest): (Vec<_>, Vec<_>) =
        run_store::lock_done(tx, id).await?.into_iter().partition(|student| student.changed);
    if !changed.is_empty() && !wish.keep_changed {
        let ids: Vec<_> = changed.iter().map(|student| student.association_id).collect();
        let message = format!(
            "Of {} students something was changed since ({}). Ask for the list of students with changed=true. Take it back with \
             keep_changed, and they stay as they are now, or leave it.",
            ids.len(),
            some(&ids)
        );
        return conflict("rollover_changed_since", message);
    }
    let record = before.record.clone().changed(tx.cx());
    let when = (record.updated_at, record.updated_by.as_str());
    let students: Vec<_> = rest.iter().map(|student| student.id).collect();
    let associations: Vec<_> = rest.iter().map(|student| student.association_id).collect();
    run_store::set_aside(tx, &students, when).await?;
    exit_store::reopen(tx, &associations, when).await?;
    run_store::undone(tx, id, when).await?;
    let about = json!({ "taken_back": students.len(), "kept": changed.len() });
    tx.audit_act("year_rollover.undo", &YEAR_ROLLOVER, id, Some(about));
    Ok(YearRollover {
        state: RolloverState::Undone,
        undone_at: Some(record.updated_at),
        undone_by: Some(record.updated_by.clone()),
        done: i32::try_from(changed.len()).unwrap_or(i32::MAX),
        record,
        ..before
    })
}
