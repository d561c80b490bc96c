//! Allergies: what somebody does not bear, what happens, and what to do.

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
pub const ALLERGY: Resource = Resource { module: crate::MODULE, name: "allergy" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[ConstraintRule {
    constraint: "allergy_student_fkey",
    field: "student_id",
    code: "person_unknown",
    message: "There is no such person.",
}];

/// What is known of an allergy: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AllergyFields {
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
    /// What is not borne.
    #[garde(length(chars, max = TEXT), custom(clean))]
    #[schema(min_length = 1, max_length = 512, example = "Peanuts")]
    pub substance: String,
    /// The same as a code of a system that the school uses, such as SNOMED CT.
    #[garde(inner(length(chars, max = 64), custom(clean)))]
    #[schema(min_length = 1, max_length = 64, example = "91935009")]
    pub code: Option<String>,
    /// What happens.
    #[garde(inner(length(chars, max = NOTES), custom(clean)))]
    #[schema(min_length = 1, max_length = 2000, example = "Swelling, shortness of breath")]
    pub reaction: Option<String>,
    /// How bad it can become.
    #[garde(skip)]
    pub severity: Option<HealthSeverity>,
    /// What to do.
    #[garde(inner(length(chars, max = NOTES), custom(clean)))]
    #[schema(min_length = 1, max_length = 2000, example = "Adrenaline pen from the office, then call an ambulance.")]
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
    /// An allergy as it is kept.
    Allergy of AllergyFields, AllergyId, ALLERGY, recorded_date, end_date: Option<Date>, alert: bool
}

fn sample_fields() -> AllergyFields {
    AllergyFields {
        status: Status::Active,
        student_id: crate::sample_id(),
        recorded_date: Date::constant(2025, 9, 1),
        end_date: None,
        alert: true,
        substance: "Peanuts".to_owned(),
        code: Some("91935009".to_owned()),
        reaction: Some("Swelling, shortness of breath".to_owned()),
        severity: Some(HealthSeverity::LifeThreatening),
        action_plan: Some("Adrenaline pen from the office, then call an ambulance.".to_owned()),
        notes: None,
        metadata: Metadata::default(),
    }
}
