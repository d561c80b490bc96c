//! Absence requests: an absence that a guardian or the office asks for, and what the school decides.
//!
//! Approved, it becomes attendance: an event with the code of the decision on each day with instruction of which nothing is said
//! yet. What is said already stays: somebody who was seen at school was there.

mod api;
mod days;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, Versioned, invalid, words};
use cloister_ids::{AbsenceRequestId, AttendanceCodeId, PersonId};
use cloister_tenancy::{Action, Error, ErrorKind, OpContext, Resource, Result, Tenancy, TenantTx};
use garde::Validate;
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use store::STATEMENTS;

use crate::{
    attendance_code::Direction,
    presence_store::check_subject,
    record::{Metadata, Record, Status},
    rules::{TEXT, clean, plausible, small},
    scope::{Sight, sight_for_change, today},
    scopes::OWN_CHILDREN,
};

/// What permissions are about.
pub const ABSENCE_REQUEST: Resource = Resource { module: crate::MODULE, name: "absence_request" };

/// Days of one request at most.
const DAYS: i32 = 190;

words! {
    /// What became of a request.
    pub enum RequestState {
        /// Nothing yet.
        Requested = "requested",
        /// The school agreed.
        Approved = "approved",
        /// The school did not.
        Declined = "declined",
    }
}

words! {
    /// What the school says.
    pub enum Verdict {
        /// It agrees.
        Approved = "approved",
        /// It does not.
        Declined = "declined",
    }
}

/// What is asked for: the body of a creation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AbsenceRequestFields {
    /// Who will be absent.
    #[garde(skip)]
    pub student_id: PersonId,
    /// The first day of the absence.
    #[garde(custom(plausible))]
    #[schema(example = "2025-10-06")]
    pub begin_date: Date,
    /// The first day after it, at most 190 days later.
    #[garde(custom(plausible), custom(soon_after(self.begin_date)))]
    #[schema(example = "2025-10-08")]
    pub end_date: Date,
    /// Why.
    #[garde(length(chars, max = TEXT), custom(clean))]
    #[schema(min_length = 1, max_length = 512, example = "Wedding of the aunt")]
    pub reason: String,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

fn soon_after(begin: Date) -> impl FnOnce(&Date, &()) -> garde::Result {
    move |end, ()| {
        let days = (*end - begin).get_days();
        if days < 1 {
            let message = "The end is the first day after the absence, so it must come after the begin.";
            return Err(invalid("end_not_after_begin", message));
        }
        if days > DAYS {
            return Err(invalid("too_many_days", format!("Ask for at most {DAYS} days at once.")));
        }
        Ok(())
    }
}

/// What the school decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AbsenceDecision {
    /// What it says.
    #[garde(skip)]
    pub verdict: Verdict,
    /// The attendance code of the absence, when it agrees; none when it does not.
    #[garde(custom(when_approved(self.verdict)))]
    pub code_id: Option<AttendanceCodeId>,
    /// A word to who asked.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512, example = "Enjoy the wedding")]
    pub note: Option<String>,
}

fn when_approved(verdict: Verdict) -> impl FnOnce(&Option<AttendanceCodeId>, &()) -> garde::Result {
    move |code, ()| match (verdict, code) {
        (Verdict::Approved, Some(_)) | (Verdict::Declined, None) => Ok(()),
        (Verdict::Approved, None) => Err(invalid("code_missing", "Say with which code the absence is recorded.")),
        (Verdict::Declined, Some(_)) => Err(invalid("code_not_needed", "What is declined is not recorded.")),
    }
}

/// An absence request as it is kept. Who asked, and when, is `created_by` and `created_at`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AbsenceRequest {
    /// Which one.
    pub id: AbsenceRequestId,
    /// `tobedeleted` when it was taken back.
    pub status: Status,
    /// What is asked for.
    #[serde(flatten)]
    pub fields: AbsenceRequestFields,
    /// The student's given name.
    #[schema(example = "Mila")]
    pub student_given_name: String,
    /// The student's family name.
    #[schema(example = "Okafor")]
    pub student_family_name: String,
    /// What became of it.
    pub state: RequestState,
    /// The attendance code of the absence.
    pub code_id: Option<AttendanceCodeId>,
    /// A word of the school.
    #[schema(example = "Enjoy the wedding")]
    pub note: Option<String>,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// By whom.
    #[schema(example = "account:ada")]
    pub decided_by: Option<String>,
    /// Who made and changed it, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl Versioned for AbsenceRequest {
    fn version(&self) -> i64 {
        self.record.version
    }
}

/// A request that was decided or taken back already.
fn closed(request: &AbsenceRequest) -> Option<Error> {
    if request.status == Status::ToBeDeleted {
        let message = "This request was taken back.";
        return Some(Error::new(ErrorKind::Conflict, "absence_request_withdrawn", message));
    }
    (request.state != RequestState::Requested).then(|| {
        let message = "This request was decided already. Correct the attendance events it made instead.";
        Error::new(ErrorKind::Conflict, "absence_request_decided", message)
    })
}

/// Asks for an absence, as part of `tx`: the office for anybody, a guardian for own children. Two round trips with the commit.
async fn create(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    fields: AbsenceRequestFields,
) -> Result<AbsenceRequest> {
    let sight = Sight::to(tx.cx(), Action::Create, &ABSENCE_REQUEST, &[OWN_CHILDREN])?;
    let mut request = AbsenceRequest {
        id: AbsenceRequestId::generate(tx.cx().clock()),
        status: Status::Active,
        fields,
        student_given_name: String::new(),
        student_family_name: String::new(),
        state: RequestState::Requested,
        code_id: None,
        note: None,
        decided_at: None,
        decided_by: None,
        record: Record::new(tx.cx()),
    };
    let names = store::insert(tx, key, &sight, &request).await?;
    (request.student_given_name, request.student_family_name) = names.ok_or_else(|| {
        let message = match sight {
            Sight::All => "There is no such person.",
            Sight::Within(_) => "There is no such child for whom you speak.",
        };
        Error::field("student_id", "person_unknown", message)
    })?;
    tx.audit(Action::Create, &ABSENCE_REQUEST, request.id, None);
    Ok(request)
}

/// One request. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: AbsenceRequestId) -> Result<AbsenceRequest> {
    let sight = Sight::of(cx, &ABSENCE_REQUEST)?;
    store::get(tenancy, cx, &sight, id).await
}

/// Decides a request that is still as the caller knows it. Two round trips.
async fn decide(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: AbsenceRequestId,
    known: &IfMatch,
    decision: AbsenceDecision,
) -> Result<AbsenceRequest> {
    crate::scope::authorize_change(cx, Action::Update, &ABSENCE_REQUEST, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let opened = store::open(&mut tx, id, decision.code_id).await?;
    let before = opened.request;
    known.check(&before)?;
    if let Some(refusal) = closed(&before) {
        return Err(refusal);
    }
    let mut absence = None;
    if let Some(code) = decision.code_id {
        check_subject(&opened.student)?;
        let meaning = opened.code.ok_or_else(|| {
            Error::field("code_id", "attendance_code_unknown", "There is no such attendance code that counts.")
        })?;
        // An excursion is a word of the school's own: then the student counts as being there, wherever they are.
        if meaning.direction == Direction::In && !meaning.category.as_str().starts_with("ext:") {
            let message = "Name a code of absence: by this one the student would count as being at school.";
            return Err(Error::field("code_id", "code_not_of_absence", message));
        }
        let days = days::of_absence(before.fields.begin_date, before.fields.end_date, &opened.calendar);
        if !meaning.future_allowed && days.last().is_some_and(|last| *last > today(cx)) {
            let message = "This attendance code cannot be entered for days to come.";
            return Err(Error::field("code_id", "code_not_for_future", message));
        }
        let school = opened.school_id.ok_or_else(|| {
            let message =
                "The student belongs to no school: give them a role as student or a primary organisation first.";
            Error::new(ErrorKind::Conflict, "student_without_school", message)
        })?;
        absence = Some(store::Absence::new(code, school, days, cx.clock()));
    }
    let state = match decision.verdict {
        Verdict::Approved => RequestState::Approved,
        Verdict::Declined => RequestState::Declined,
    };
    let record = before.record.clone().changed(cx);
    let after = AbsenceRequest {
        state,
        code_id: decision.code_id,
        note: decision.note,
        decided_at: Some(record.updated_at),
        decided_by: Some(record.updated_by.clone()),
        record,
        ..before
    };
    tx.audit(Action::Update, &ABSENCE_REQUEST, id, None);
    store::decide(tx, &after, absence.as_ref()).await?;
    Ok(after)
}

/// Takes a request back that nobody decided yet. Two round trips.
async fn withdraw(tenancy: &Tenancy, cx: &OpContext, id: AbsenceRequestId, known: &IfMatch) -> Result<()> {
    let sight = sight_for_change(cx, Action::Delete, &ABSENCE_REQUEST, &[OWN_CHILDREN], read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let before = match store::lock(&mut tx, &sight, id).await {
        Err(unknown) if unknown.kind() == ErrorKind::NotFound => {
            tx.rollback().await?;
            read(tenancy, cx, id).await?;
            let message = "You see this child, and another parent speaks for them. Ask the office.";
            return Err(Error::new(ErrorKind::Forbidden, "child_not_spoken_for", message));
        }
        before => before?,
    };
    known.check(&before)?;
    if before.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    if let Some(refusal) = closed(&before) {
        return Err(refusal);
    }
    tx.audit(Action::Delete, &ABSENCE_REQUEST, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> AbsenceRequestFields {
    AbsenceRequestFields {
        student_id: crate::sample_id(),
        begin_date: Date::constant(2025, 10, 6),
        end_date: Date::constant(2025, 10, 8),
        reason: "Wedding of the aunt".to_owned(),
        metadata: Metadata::default(),
    }
}

fn sample() -> AbsenceRequest {
    AbsenceRequest {
        id: crate::sample_id(),
        status: Status::Active,
        fields: sample_fields(),
        student_given_name: "Mila".to_owned(),
        student_family_name: "Okafor".to_owned(),
        state: RequestState::Requested,
        code_id: None,
        note: None,
        decided_at: None,
        decided_by: None,
        record: Record::sample(),
    }
}

fn sample_decision() -> AbsenceDecision {
    AbsenceDecision {
        verdict: Verdict::Approved,
        code_id: Some(crate::sample_id()),
        note: Some("Enjoy the wedding".to_owned()),
    }
}
