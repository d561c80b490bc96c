//! Moves between classes: a place ends, and one in another class begins on the same day. What was before stays as it was.

use cloister_http::IdempotencyKey;
use cloister_ids::{ClassId, EnrollmentId};
use cloister_tenancy::{Action, Error, ErrorKind, Result, TenantTx};
use garde::Validate;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{ENROLLMENT, Enrollment, EnrollmentFields, moving_store, overlaps, store};
use crate::{
    record::{Metadata, Record, Status},
    rules::plausible,
};

/// Where to, and when.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrollmentMoveFields {
    /// The other class, of the same school.
    #[garde(skip)]
    pub to_class_id: ClassId,
    /// The first day in it, and the first that is no longer in the old one.
    #[garde(custom(plausible))]
    #[schema(example = "2025-11-03")]
    pub on: Date,
}

/// Both places of a move.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EnrollmentMove {
    /// The place that ended.
    pub ended: Enrollment,
    /// The place that begins.
    pub begun: Enrollment,
}

fn refused<T>(code: &'static str, message: &'static str) -> Result<T> {
    Err(Error::new(ErrorKind::Conflict, code, message))
}

fn check_day(fields: &EnrollmentFields, on: Date) -> Result<()> {
    if fields.begin_date.is_some_and(|begin| on <= begin) {
        let message =
            "The move must come after the first day of the old place. If that place was never taken, delete it.";
        return Err(Error::field("on", "move_before_begin", message));
    }
    if fields.end_date.is_some_and(|end| on >= end) {
        let message = "The old place has ended by that day. Give a new place in the other class instead.";
        return Err(Error::field("on", "move_after_end", message));
    }
    Ok(())
}

/// Moves somebody to another class, as part of `tx`.
pub(super) async fn change_class(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    id: EnrollmentId,
    wish: EnrollmentMoveFields,
) -> Result<EnrollmentMove> {
    tx.cx().authorize(Action::Update, &ENROLLMENT)?;
    tx.cx().authorize(Action::Create, &ENROLLMENT)?;
    let EnrollmentMoveFields { to_class_id, on } = wish;
    let (before, target) = moving_store::lock(tx, key, id, to_class_id).await?;
    if before.fields.status == Status::ToBeDeleted {
        return refused("record_deleted", "This record was deleted. Set its status to `active` to bring it back.");
    }
    let Some(target) = target.filter(|target| target.status == Status::Active) else {
        return Err(Error::field("to_class_id", "class_unknown", "There is no such class."));
    };
    if to_class_id == before.fields.class_id {
        return Err(Error::field("to_class_id", "move_to_same_class", "Name another class than the one they are in."));
    }
    if target.school_id != target.old_school_id {
        let message = "The other class is of another school. Withdraw the student here, and enter them there.";
        return Err(Error::field("to_class_id", "class_of_other_school", message));
    }
    check_day(&before.fields, on)?;
    if target.span.0.is_some_and(|begin| on < begin) || target.span.1.is_some_and(|end| on >= end) {
        return Err(Error::field("on", "move_outside_terms", "Choose a day within the terms of the other class."));
    }
    let mut ended = before.clone();
    ended.fields.end_date = Some(on);
    ended.record = before.record.changed(tx.cx());
    moving_store::end(tx, &ended).await?;
    let new = EnrollmentId::generate(tx.cx().clock());
    let fields = EnrollmentFields {
        sourced_id: Some(new.to_string()),
        class_id: to_class_id,
        school_id: Some(target.school_id),
        begin_date: Some(on),
        metadata: Metadata::default(),
        ..before.fields
    };
    let begun = Enrollment { id: new, fields, record: Record::new(tx.cx()) };
    if store::insert(tx, None, &begun).await?.school_id.is_none() {
        return Err(overlaps());
    }
    tx.audit_act("enrollment.move", &ENROLLMENT, id, Some(json!({ "to": new, "to_class_id": to_class_id, "on": on })));
    Ok(EnrollmentMove { ended, begun })
}

pub(super) fn sample_move() -> EnrollmentMoveFields {
    EnrollmentMoveFields { to_class_id: crate::sample_id(), on: Date::constant(2025, 11, 3) }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::check_day;
    use crate::enrollment::sample_fields;

    #[test]
    fn at_least_a_day_of_the_old_place_and_one_of_the_new_remains() {
        let mut fields = sample_fields();
        (fields.begin_date, fields.end_date) = (Some(date(2025, 9, 1)), Some(date(2025, 9, 4)));
        for (day, accepted) in [(1, false), (2, true), (3, true), (4, false)] {
            assert_eq!(check_day(&fields, date(2025, 9, day)).is_ok(), accepted, "{day}");
        }
        (fields.begin_date, fields.end_date) = (None, None);
        assert!(check_day(&fields, date(2025, 9, 1)).is_ok());
    }
}
