//! What happens to one student in a rollover, and how somebody decides it otherwise.

use cloister_http::{IfMatch, MergePatch, Versioned, words};
use cloister_ids::{OrgId, PersonId, StudentSchoolAssociationId, YearRolloverId, YearRolloverStudentId};
use cloister_tenancy::{Action, Changes, Error, OpContext, Result, Tenancy};
use garde::Validate;
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{RolloverOutcome, YEAR_ROLLOVER, conflict, plan, student_store};
use crate::{
    rules::{TEXT, clean},
    scope::authorize_change,
};

words! {
    /// What became of somebody's part in a rollover.
    pub enum RolloverStudentState {
        /// Nothing yet.
        Planned = "planned",
        /// It was done.
        Done = "done",
        /// It was left out, as somebody changed the record since the plan.
        Skipped = "skipped",
        /// It was done, and was taken back.
        Undone = "undone",
    }
}

/// What a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct YearRolloverStudentFields {
    /// What happens to the student. `undecided` leaves them as they are.
    #[garde(skip)]
    pub outcome: RolloverOutcome,
    /// The grade of the next year.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(min_length = 1, max_length = 512, example = "06")]
    pub next_grade_level: Option<String>,
    /// The next school of one who leaves, where it is one of this tenant.
    #[garde(skip)]
    pub next_school_id: Option<OrgId>,
}

/// What happens to a student.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct YearRolloverStudent {
    /// Which one.
    pub id: YearRolloverStudentId,
    /// In which rollover.
    pub year_rollover_id: YearRolloverId,
    /// The student's time at the school, which ends.
    pub association_id: StudentSchoolAssociationId,
    /// Who.
    pub student_id: PersonId,
    /// First name.
    #[schema(example = "Mei")]
    pub given_name: String,
    /// Last name.
    #[schema(example = "Tanaka")]
    pub family_name: String,
    /// The grade of this year.
    #[schema(example = "05")]
    pub grade_level: Option<String>,
    /// What happens.
    #[serde(flatten)]
    pub fields: YearRolloverStudentFields,
    /// The first day on which this year no longer counts; where the student goes on, the first day there.
    #[schema(example = "2026-08-17")]
    pub exit_date: Date,
    /// Why nothing was decided or done: `grade_missing`, `grade_unknown`, `exit_planned`, `already_there` or `changed_since`.
    #[schema(example = "grade_missing")]
    pub problem: Option<String>,
    /// Whether somebody decided it.
    pub by_hand: bool,
    /// Whether it was done.
    pub state: RolloverStudentState,
    /// The student's next time at a school, once it was done.
    pub next_association_id: Option<StudentSchoolAssociationId>,
    /// Whether somebody changed the records since: those a plan was made from, or those that the rollover wrote.
    pub changed: bool,
    /// Grows with every change; the ETag.
    #[schema(example = 1)]
    pub version: i64,
    /// When it was planned.
    pub created_at: Timestamp,
    /// By whom.
    #[schema(example = "account:ada")]
    pub created_by: String,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// By whom.
    #[schema(example = "account:ada")]
    pub updated_by: String,
}

impl Versioned for YearRolloverStudent {
    fn version(&self) -> i64 {
        self.version
    }
}

impl YearRolloverStudentFields {
    /// As it is kept: without what the outcome has no use for.
    fn whole(mut self, grade: Option<&String>) -> Result<Self> {
        match self.outcome {
            RolloverOutcome::Graduates | RolloverOutcome::Undecided => {
                (self.next_grade_level, self.next_school_id) = (None, None);
            }
            RolloverOutcome::Promoted => self.next_school_id = None,
            RolloverOutcome::Repeats => {
                self.next_school_id = None;
                self.next_grade_level = grade.cloned().or(self.next_grade_level);
            }
            RolloverOutcome::Leaves => {}
        }
        let goes_on = matches!(self.outcome, RolloverOutcome::Promoted | RolloverOutcome::Repeats);
        if goes_on && self.next_grade_level.is_none() {
            return Err(Error::field("next_grade_level", "grade_missing", "Say in which grade the student goes on."));
        }
        Ok(self)
    }
}

/// One. One round trip.
pub(super) async fn read(tenancy: &Tenancy, cx: &OpContext, id: YearRolloverStudentId) -> Result<YearRolloverStudent> {
    cx.authorize(Action::Read, &YEAR_ROLLOVER)?;
    student_store::get(tenancy, cx, id).await
}

/// Decides what happens to a student, whatever the plan says. Two round trips.
pub(super) async fn update(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: YearRolloverStudentId,
    known: &IfMatch,
    patch: &MergePatch<YearRolloverStudentFields>,
) -> Result<YearRolloverStudent> {
    authorize_change(cx, Action::Update, &YEAR_ROLLOVER, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let locked = student_store::lock(&mut tx, id).await?;
    let before = locked.student;
    known.check(&before)?;
    if !locked.planned {
        return conflict(
            "rollover_not_planned",
            "This rollover is more than a plan already. Change the records themselves.",
        );
    }
    let wanted = patch.apply(&before.fields)?;
    if wanted.next_school_id != before.fields.next_school_id
        && wanted.next_school_id.is_some()
        && wanted.outcome != RolloverOutcome::Leaves
    {
        let message = "Only who leaves has a next school: give the outcome leaves too, or leave this out.";
        return Err(Error::field("next_school_id", "next_school_unused", message));
    }
    let fields = wanted.whole(before.grade_level.as_ref())?;
    if fields.next_school_id == Some(locked.school_id) {
        let message = "Who leaves goes to another school: name that, or none. Who stays is promoted or repeats.";
        return Err(Error::field("next_school_id", "next_school_is_own", message));
    }
    if fields == before.fields {
        tx.rollback().await?;
        return Ok(before);
    }
    let changes = Changes::between(&before.fields, &fields)?;
    let after = YearRolloverStudent {
        exit_date: plan::exit_date(fields.outcome, fields.next_school_id, locked.years),
        problem: None,
        by_hand: true,
        version: before.version + 1,
        updated_at: cx.clock().now(),
        updated_by: cx.actor().to_string(),
        fields,
        ..before
    };
    tx.audit(Action::Update, &YEAR_ROLLOVER, id, Some(changes.into()));
    student_store::update(tx, &after).await?;
    Ok(after)
}

pub(super) fn sample() -> YearRolloverStudent {
    let at = Timestamp::constant(1_767_603_600, 0);
    YearRolloverStudent {
        id: crate::sample_id(),
        year_rollover_id: crate::sample_id(),
        association_id: crate::sample_id(),
        student_id: crate::sample_id(),
        given_name: "Mei".to_owned(),
        family_name: "Tanaka".to_owned(),
        grade_level: Some("05".to_owned()),
        fields: YearRolloverStudentFields {
            outcome: RolloverOutcome::Promoted,
            next_grade_level: Some("06".to_owned()),
            next_school_id: None,
        },
        exit_date: Date::constant(2026, 8, 17),
        problem: None,
        by_hand: false,
        state: RolloverStudentState::Planned,
        next_association_id: None,
        changed: false,
        version: 1,
        created_at: at,
        created_by: "account:ada".to_owned(),
        updated_at: at,
        updated_by: "account:ada".to_owned(),
    }
}
