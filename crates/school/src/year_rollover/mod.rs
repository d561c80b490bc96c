//! Year rollovers: a school goes from one school year to the next. First there is a plan that lists each student and what
//! happens to them, and changes nothing; then a job does it, batch by batch; and it can be taken back.
//!
//! ```text
//! plan ──► planned ── apply ──► applying ── job: batches ──► applied ── undo ──► undone
//!             │                     └── a reason ──► failed ── apply again, or undo
//!             └── students are decided by hand
//! ```
//!
//! Rules:
//!
//! * A year at a school is an association of its own. What was before gets an end and is not changed otherwise.
//! * Each batch commits with the mark of what it did. Killed in between, the job goes on behind the last mark.
//! * Whoever was changed since the plan is left out, and marked as such.

mod api;
mod plan;
mod run;
mod run_store;
mod store;
mod student;
mod student_api;
mod student_store;
mod undo;

use std::collections::BTreeMap;

use cloister_http::{IdempotencyKey, IfMatch, Versioned, invalid, words};
use cloister_ids::{AcademicSessionId, OrgId, YearRolloverId};
use cloister_tenancy::{
    Action, ConstraintRule, Error, ErrorKind, OpContext, Resource, Result, Tenancy, TenantTx, sql::Statement,
};
use garde::Validate;
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

pub use plan::RolloverOutcome;
pub(crate) use run::jobs;
pub use run::{RolloverApply, carry_out};
pub use student::{RolloverStudentState, YearRolloverStudent, YearRolloverStudentFields};
pub use undo::RolloverUndo;

use crate::{
    record::{Metadata, Record, Status},
    rules::{TEXT, at_most, clean, small},
    scope::authorize_change,
    vocabulary::SessionType,
};

/// What permissions are about. Whoever may roll a year over needs no permission for what is changed by it.
pub const YEAR_ROLLOVER: Resource = Resource { module: crate::MODULE, name: "year_rollover" };

/// Every statement about them.
pub(crate) const STATEMENTS: [&[&Statement]; 3] = [store::STATEMENTS, student_store::STATEMENTS, run_store::STATEMENTS];

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<cloister_http::Edge> {
    api::routes().merge(student_api::routes())
}

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[ConstraintRule {
    constraint: "year_rollover_student_next_school_fkey",
    field: "next_school_id",
    code: "org_unknown",
    message: "There is no such organisation.",
}];

words! {
    /// How a rollover stands.
    pub enum RolloverState {
        /// It says what would happen; nothing has changed.
        Planned = "planned",
        /// It is under way.
        Applying = "applying",
        /// It is done.
        Applied = "applied",
        /// It stopped half way, for a reason that is not the records'. Apply it again, and it goes on; or take it back.
        Failed = "failed",
        /// It was done, and was taken back.
        Undone = "undone",
    }
}

/// Grades that a rollover is told of.
const GRADES: usize = 100;

/// Which school, from which year to which, and by which rules: the body of a creation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct YearRolloverFields {
    /// The school.
    #[garde(skip)]
    pub school_id: OrgId,
    /// The school year that ends.
    #[garde(skip)]
    pub from_session_id: AcademicSessionId,
    /// The school year that follows.
    #[garde(skip)]
    pub to_session_id: AcademicSessionId,
    /// Which grade follows on which, where it is not the usual one (PR, PK, KG, 01 to 13): at most 100.
    #[garde(custom(grades))]
    #[serde(default)]
    #[schema(example = json!({ "Year 9": "Year 10" }))]
    pub next_grades: BTreeMap<String, String>,
    /// The grades with whose end students graduate from this school. Where none is given, the highest that anybody is in.
    #[garde(custom(at_most(GRADES)), inner(length(chars, max = TEXT), custom(clean)))]
    #[serde(default)]
    #[schema(max_items = 100, example = json!(["06"]))]
    pub graduating_grades: Vec<String>,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "rules are handed value and context by reference")]
fn grades(map: &BTreeMap<String, String>, (): &()) -> garde::Result {
    if map.len() > GRADES {
        return Err(invalid("too_many", format!("Name at most {GRADES}.")));
    }
    for grade in map.iter().flat_map(|(grade, next)| [grade, next]) {
        clean(grade, &())?;
        if grade.chars().count() > TEXT {
            return Err(invalid("too_long", format!("Use at most {TEXT} characters for a grade.")));
        }
    }
    Ok(())
}

/// A rollover as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct YearRollover {
    /// Which one.
    pub id: YearRolloverId,
    /// `tobedeleted` once the plan was given up.
    pub status: Status,
    /// Which school and years, and by which rules.
    #[serde(flatten)]
    pub fields: YearRolloverFields,
    /// How it stands.
    pub state: RolloverState,
    /// Students who go to another grade here.
    #[schema(example = 171)]
    pub promoted: i32,
    /// Students who repeat their grade.
    #[schema(example = 3)]
    pub repeating: i32,
    /// Students who graduate.
    #[schema(example = 29)]
    pub graduating: i32,
    /// Students who leave.
    #[schema(example = 4)]
    pub leaving: i32,
    /// Students who are undecided.
    #[schema(example = 1)]
    pub undecided: i32,
    /// Students for whom it was done.
    #[schema(example = 0)]
    pub done: i32,
    /// Why it failed, in a word that is stable.
    pub failure: Option<String>,
    /// When it was done.
    pub applied_at: Option<Timestamp>,
    /// Who asked for it.
    #[schema(example = "account:ada")]
    pub applied_by: Option<String>,
    /// When it was taken back.
    pub undone_at: Option<Timestamp>,
    /// By whom.
    #[schema(example = "account:ada")]
    pub undone_by: Option<String>,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl Versioned for YearRollover {
    fn version(&self) -> i64 {
        self.record.version
    }
}

fn conflict<T>(code: &'static str, message: impl Into<std::borrow::Cow<'static, str>>) -> Result<T> {
    Err(Error::new(ErrorKind::Conflict, code, message))
}

fn check_counts(rollover: &YearRollover) -> Result<()> {
    match rollover.status {
        Status::Active => Ok(()),
        Status::ToBeDeleted => conflict("record_deleted", "This plan was given up. Make a new one."),
    }
}

/// The last day of one year and the first of the next, as spans have them.
fn years(fields: &YearRolloverFields, sessions: &[store::Session]) -> Result<(Date, Date)> {
    let find = |field: &str, id: AcademicSessionId| {
        let session = sessions.iter().find(|session| session.id == id && session.status == Status::Active);
        let Some(session) = session else {
            return Err(Error::field(field, "academic_session_unknown", "There is no such academic session."));
        };
        if session.kind != SessionType::SCHOOL_YEAR {
            return Err(Error::field(field, "not_a_school_year", "Name an academic session of the type `schoolYear`."));
        }
        Ok(session)
    };
    let from = find("from_session_id", fields.from_session_id)?;
    let to = find("to_session_id", fields.to_session_id)?;
    if to.start_date < from.end_date || from.id == to.id {
        let message = "The next school year must begin when the one before has ended, or later.";
        return Err(Error::field("to_session_id", "years_out_of_order", message));
    }
    Ok((from.end_date, to.start_date))
}

/// Makes a plan, as part of `tx`. It changes nothing else.
async fn create(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    mut fields: YearRolloverFields,
) -> Result<YearRollover> {
    tx.cx().authorize(Action::Create, &YEAR_ROLLOVER)?;
    let known = store::frame(tx, key, &fields).await?;
    if known.school != Some(Status::Active) {
        return Err(Error::field("school_id", "org_unknown", "There is no such organisation."));
    }
    let (ends, begins) = years(&fields, &known.sessions)?;
    let candidates = store::candidates(tx, fields.school_id, (ends, begins)).await?;
    if fields.graduating_grades.is_empty() {
        fields.graduating_grades = plan::highest(&candidates).into_iter().collect();
    }
    let rules = plan::Rules {
        school: fields.school_id,
        next_grades: &fields.next_grades,
        graduating: &fields.graduating_grades,
        ends,
        begins,
    };
    let decided: Vec<_> = candidates.iter().map(|one| (one, rules.decide(one))).collect();
    let count = |outcome| {
        let of = decided.iter().filter(|(_, decision)| decision.outcome == outcome).count();
        i32::try_from(of).unwrap_or(i32::MAX)
    };
    let rollover = YearRollover {
        id: YearRolloverId::generate(tx.cx().clock()),
        status: Status::Active,
        state: RolloverState::Planned,
        promoted: count(RolloverOutcome::Promoted),
        repeating: count(RolloverOutcome::Repeats),
        graduating: count(RolloverOutcome::Graduates),
        leaving: count(RolloverOutcome::Leaves),
        undecided: count(RolloverOutcome::Undecided),
        done: 0,
        failure: None,
        applied_at: None,
        applied_by: None,
        undone_at: None,
        undone_by: None,
        record: Record::new(tx.cx()),
        fields: fields.clone(),
    };
    store::insert(tx, &rollover, &decided).await?;
    tx.audit(Action::Create, &YEAR_ROLLOVER, rollover.id, Some(json!({ "students": decided.len() })));
    Ok(rollover)
}

/// One, given up or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: YearRolloverId) -> Result<YearRollover> {
    cx.authorize(Action::Read, &YEAR_ROLLOVER)?;
    store::get(tenancy, cx, id).await
}

/// Gives a plan up that is still as the caller knows it. One that did something stays: it is history.
async fn delete(tenancy: &Tenancy, cx: &OpContext, id: YearRolloverId, known: &IfMatch) -> Result<()> {
    authorize_change(cx, Action::Delete, &YEAR_ROLLOVER, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let before = store::lock(&mut tx, None, id).await?;
    known.check(&before)?;
    if before.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    if !matches!(before.state, RolloverState::Planned) {
        return conflict(
            "rollover_not_planned",
            "This rollover was applied, so it stays. What it did can be taken back.",
        );
    }
    tx.audit(Action::Delete, &YEAR_ROLLOVER, id, None);
    store::delete(tx, id).await
}

/// The first few, for a message.
fn some<T: std::fmt::Display>(ids: &[T]) -> String {
    const TOLD: usize = 5;
    let told: Vec<String> = ids.iter().take(TOLD).map(ToString::to_string).collect();
    let more = if ids.len() > TOLD { ", …" } else { "" };
    format!("{}{more}", told.join(", "))
}

fn sample_fields() -> YearRolloverFields {
    YearRolloverFields {
        school_id: crate::sample_id(),
        from_session_id: crate::sample_id(),
        to_session_id: crate::sample_id(),
        next_grades: BTreeMap::new(),
        graduating_grades: vec!["06".to_owned()],
        metadata: Metadata::default(),
    }
}

fn sample() -> YearRollover {
    YearRollover {
        id: crate::sample_id(),
        status: Status::Active,
        fields: sample_fields(),
        state: RolloverState::Planned,
        promoted: 171,
        repeating: 3,
        graduating: 29,
        leaving: 4,
        undecided: 1,
        done: 0,
        failure: None,
        applied_at: None,
        applied_by: None,
        undone_at: None,
        undone_by: None,
        record: Record::sample(),
    }
}
