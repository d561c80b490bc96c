//! A student leaves a school, for whatever reason, and that can be taken back as long as nothing changed since.

use cloister_http::IdempotencyKey;
use cloister_ids::StudentSchoolAssociationId;
use cloister_tenancy::{Action, Error, ErrorKind, Result, TenantTx};
use garde::Validate;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{REASON, STUDENT_SCHOOL_ASSOCIATION, StudentSchoolAssociation, exit_store, overlaps};
use crate::{
    presence_store::check_subject,
    record::Status,
    rules::{clean, plausible},
    vocabulary::ExitWithdrawType,
};

/// How a student leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// The first day on which the student is no longer there.
    #[garde(custom(plausible))]
    #[schema(example = "2026-03-01")]
    pub exit_withdraw_date: Date,
    /// What it is: graduated, transferred, moved and so on.
    #[garde(skip)]
    pub exit_withdraw_type: ExitWithdrawType,
    /// Why, in words.
    #[garde(inner(length(chars, max = REASON), custom(clean)))]
    #[schema(min_length = 1, max_length = 2000, example = "The family moved to Uppsala.")]
    pub exit_withdraw_reason: Option<String>,
}

/// What a request to take it back says: nothing.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawalUndo {}

fn refused<T>(code: &'static str, message: &'static str) -> Result<T> {
    Err(Error::new(ErrorKind::Conflict, code, message))
}

fn check_counts(association: &StudentSchoolAssociation) -> Result<()> {
    if association.fields.status == Status::Active {
        return Ok(());
    }
    refused("record_deleted", "This record was deleted. Set its status to `active` to bring it back.")
}

/// Ends a student's time at a school and all places in classes there, as part of `tx`.
pub(super) async fn withdraw(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    id: StudentSchoolAssociationId,
    with: Withdrawal,
) -> Result<StudentSchoolAssociation> {
    tx.cx().authorize(Action::Update, &STUDENT_SCHOOL_ASSOCIATION)?;
    let (before, _) = exit_store::lock(tx, key, id).await?;
    check_counts(&before)?;
    if before.fields.exit_withdraw_date.is_some() {
        return refused("already_withdrawn", "This student has left the school already. Take that back first.");
    }
    if with.exit_withdraw_date <= before.fields.entry_date {
        let message =
            "The exit is the first day on which the student is no longer there, so it must come after the entry.";
        return Err(Error::field("exit_withdraw_date", "end_not_after_begin", message));
    }
    let record = before.record.changed(tx.cx());
    exit_store::end(tx, id, &with, (record.updated_at, &record.updated_by)).await?;
    tx.audit_act(
        "student_school_association.withdraw",
        &STUDENT_SCHOOL_ASSOCIATION,
        id,
        Some(json!({
            "exit_withdraw_date": with.exit_withdraw_date,
            "exit_withdraw_type": with.exit_withdraw_type,
        })),
    );
    let mut fields = before.fields;
    fields.exit_withdraw_date = Some(with.exit_withdraw_date);
    fields.exit_withdraw_type = Some(with.exit_withdraw_type);
    fields.exit_withdraw_reason = with.exit_withdraw_reason;
    Ok(StudentSchoolAssociation { id, fields, record })
}

/// Takes a withdrawal back, as part of `tx`: the student is there again, and in the same classes.
pub(super) async fn undo(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    id: StudentSchoolAssociationId,
) -> Result<StudentSchoolAssociation> {
    tx.cx().authorize(Action::Update, &STUDENT_SCHOOL_ASSOCIATION)?;
    let (before, student) = exit_store::lock(tx, key, id).await?;
    check_counts(&before)?;
    check_subject(&student)?;
    if before.fields.exit_withdraw_date.is_none() {
        return refused("not_withdrawn", "This student has not left the school, so there is nothing to take back.");
    }
    let against = exit_store::against(tx, id).await?;
    if !against.as_it_was {
        return refused(
            "withdrawal_changed_since",
            "This record was changed since the student left, or its end was entered as such. Change its fields instead.",
        );
    }
    if against.times_clash {
        return Err(overlaps());
    }
    if against.places_changed {
        return refused(
            "withdrawal_places_changed",
            "A place in a class that ended with this withdrawal was changed since, or there is a new one in that class. Set the \
             exit fields to null, and mend the places by hand.",
        );
    }
    let record = before.record.changed(tx.cx());
    exit_store::reopen(tx, &[id], (record.updated_at, &record.updated_by)).await?;
    tx.audit_act("student_school_association.withdraw_undo", &STUDENT_SCHOOL_ASSOCIATION, id, None);
    let mut fields = before.fields;
    fields.exit_withdraw_date = None;
    fields.exit_withdraw_type = None;
    fields.exit_withdraw_reason = None;
    Ok(StudentSchoolAssociation { id, fields, record })
}

pub(super) fn sample_withdrawal() -> Withdrawal {
    Withdrawal {
        exit_withdraw_date: Date::constant(2026, 3, 1),
        exit_withdraw_type: ExitWithdrawType::MOVED,
        exit_withdraw_reason: Some("The family moved to Uppsala.".to_owned()),
    }
}
