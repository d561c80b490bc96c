//! Visits to the health office: why somebody came, what was done, and whether the family knows.

mod api;
mod store;

use cloister_http::{invalid, words};
use cloister_ids::PersonId;
use cloister_tenancy::{ConstraintRule, Resource};
use garde::Validate;
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use store::STATEMENTS;

use crate::{
    day_time::DayTime,
    health::{NOTES, health_record},
    record::{Metadata, Status},
    rules::{TEXT, clean, plausible, small},
};

/// What permissions are about.
pub const HEALTH_VISIT: Resource = Resource { module: crate::MODULE, name: "health_visit" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[ConstraintRule {
    constraint: "health_visit_student_fkey",
    field: "student_id",
    code: "person_unknown",
    message: "There is no such person.",
}];

words! {
    /// How it ended.
    pub enum HealthVisitOutcome {
        /// Back in class.
        ReturnedToClass = "returned_to_class",
        /// Stayed in the office a while.
        Rested = "rested",
        /// Sent or fetched home.
        SentHome = "sent_home",
        /// Sent to a doctor.
        Referred = "referred",
        /// Fetched by an ambulance.
        Ambulance = "ambulance",
        /// Otherwise: see the notes.
        Other = "other",
    }
}

/// What is known of a visit: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthVisitFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// Whose. Never changes.
    #[garde(skip)]
    pub student_id: PersonId,
    /// The day.
    #[garde(custom(plausible))]
    #[schema(example = "2025-10-06")]
    pub date: Date,
    /// The time of day, by the clock of the school.
    #[garde(skip)]
    pub time: Option<DayTime>,
    /// Why they came.
    #[garde(length(chars, max = NOTES), custom(clean))]
    #[schema(min_length = 1, max_length = 2000, example = "Fell in the yard, knee bleeding")]
    pub complaint: String,
    /// What was done.
    #[garde(inner(length(chars, max = NOTES), custom(clean)))]
    #[schema(min_length = 1, max_length = 2000, example = "Cleaned, plaster")]
    pub treatment: Option<String>,
    /// How it ended.
    #[garde(skip)]
    pub outcome: Option<HealthVisitOutcome>,
    /// Who looked after them.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(min_length = 1, max_length = 512, example = "Nurse Berg")]
    pub seen_by: Option<String>,
    /// When the family was told.
    #[garde(custom(told(self.guardian_informed_how.is_some())))]
    #[schema(example = "2025-10-06T10:20:00Z")]
    pub guardian_informed_at: Option<Timestamp>,
    /// How the family was told.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(min_length = 1, max_length = 512, example = "By phone, the mother")]
    pub guardian_informed_how: Option<String>,
    /// What else should be known.
    #[garde(inner(length(chars, max = NOTES), custom(clean)))]
    #[schema(min_length = 1, max_length = 2000)]
    pub notes: Option<String>,
    /// Fields of other systems: at most 16 KiB of JSON. Sealed like the others.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

fn told(how: bool) -> impl FnOnce(&Option<Timestamp>, &()) -> garde::Result {
    move |at, ()| match at {
        None if how => Err(invalid("informed_at_missing", "Say when the family was told.")),
        _ => Ok(()),
    }
}

health_record! {
    /// A visit as it is kept.
    HealthVisit of HealthVisitFields, HealthVisitId, HEALTH_VISIT, date
}

fn sample_fields() -> HealthVisitFields {
    HealthVisitFields {
        status: Status::Active,
        student_id: crate::sample_id(),
        date: Date::constant(2025, 10, 6),
        time: "10:05".parse().ok(),
        complaint: "Fell in the yard, knee bleeding".to_owned(),
        treatment: Some("Cleaned, plaster".to_owned()),
        outcome: Some(HealthVisitOutcome::ReturnedToClass),
        seen_by: Some("Nurse Berg".to_owned()),
        guardian_informed_at: Some(Timestamp::constant(1_759_746_000, 0)),
        guardian_informed_how: Some("By phone, the mother".to_owned()),
        notes: None,
        metadata: Metadata::default(),
    }
}
