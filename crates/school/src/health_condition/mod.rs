//! Conditions: what somebody has, such as asthma or diabetes, and what to do.

mod api;
mod store;

use cloister_ids::PersonId;
use cloister_tenancy::{ConstraintRule, Resource};
use garde::Validate;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use store::STATEMENTS;

use crate::{
    health::{HealthSeverity, NOTES, health_record},
    record::{Metadata, Status},
    rules::{TEXT, after, clean, plausible, small},
};

/// What permissions are about.
pub const HEALTH_CONDITION: Resource = Resource { module: crate::MODULE, name: "health_condition" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[ConstraintRule {
    constraint: "health_condition_student_fkey",
    field: "student_id",
    code: "person_unknown",
    message: "There is no such person.",
}];

/// What is known of a condition: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthConditionFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// Whose. Never changes.
    #[garde(skip)]
    pub student_id: PersonId,
    /// The day on which the school learned of it.
    #[garde(custom(plausible))]
    #[schema(example = "2025-09-01")]
    pub recorded_date: Date,
    /// The first day on which it no longer held.
    #[garde(inner(custom(plausible)), custom(after(Some(self.recorded_date))))]
    #[schema(example = "2026-07-01")]
    pub end_date: Option<Date>,
    /// Teachers of the student are told.
    #[garde(skip)]
    #[serde(default)]
    pub alert: bool,
    /// What it is.
    #[garde(length(chars, max = TEXT), custom(clean))]
    #[schema(min_length = 1, max_length = 512, example = "Asthma")]
    pub name: String,
    /// The same as a code, such as one of ICD-10 or SNOMED CT.
    #[garde(inner(length(chars, max = 64), custom(clean)))]
    #[schema(min_length = 1, max_length = 64, example = "J45")]
    pub code: Option<String>,
    /// The system that the code is of.
    #[garde(inner(length(chars, max = 64), custom(clean)))]
    #[schema(min_length = 1, max_length = 64, example = "ICD-10")]
    pub code_system: Option<String>,
    /// How bad it can become.
    #[garde(skip)]
    pub severity: Option<HealthSeverity>,
    /// When it began.
    #[garde(inner(custom(plausible)))]
    #[schema(example = "2019-04-01")]
    pub onset_date: Option<Date>,
    /// What to do.
    #[garde(inner(length(chars, max = NOTES), custom(clean)))]
    #[schema(
        min_length = 1,
        max_length = 2000,
        example = "Inhaler from the bag; call the office when it does not help within ten minutes."
    )]
    pub action_plan: Option<String>,
    /// What else should be known. Teachers are not told.
    #[garde(inner(length(chars, max = NOTES), custom(clean)))]
    #[schema(min_length = 1, max_length = 2000)]
    pub notes: Option<String>,
    /// Fields of other systems: at most 16 KiB of JSON. Sealed like the others.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

health_record! {
    /// A condition as it is kept.
    HealthCondition of HealthConditionFields, HealthConditionId, HEALTH_CONDITION, recorded_date, end_date: Option<Date>, alert: bool
}

fn sample_fields() -> HealthConditionFields {
    HealthConditionFields {
        status: Status::Active,
        student_id: crate::sample_id(),
        recorded_date: Date::constant(2025, 9, 1),
        end_date: None,
        alert: true,
        name: "Asthma".to_owned(),
        code: Some("J45".to_owned()),
        code_system: Some("ICD-10".to_owned()),
        severity: Some(HealthSeverity::Moderate),
        onset_date: Some(Date::constant(2019, 4, 1)),
        action_plan: Some("Inhaler from the bag; call the office when it does not help within ten minutes.".to_owned()),
        notes: None,
        metadata: Metadata::default(),
    }
}
