//! Medications: what somebody is given, how, how long, and on whose word.

mod api;
mod store;

use cloister_http::words;
use cloister_ids::PersonId;
use cloister_tenancy::{ConstraintRule, Resource};
use garde::Validate;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use store::STATEMENTS;

use crate::{
    health::{NOTES, health_record},
    record::{Metadata, Status},
    rules::{TEXT, after, clean, plausible, small},
};

/// What permissions are about.
pub const MEDICATION: Resource = Resource { module: crate::MODULE, name: "medication" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[ConstraintRule {
    constraint: "medication_student_fkey",
    field: "student_id",
    code: "person_unknown",
    message: "There is no such person.",
}];

words! {
    /// How it is taken.
    pub enum MedicationRoute {
        /// Swallowed.
        Oral = "oral",
        /// Breathed in.
        Inhaled = "inhaled",
        /// By needle or pen.
        Injected = "injected",
        /// On the skin.
        Topical = "topical",
        /// Into the nose.
        Nasal = "nasal",
        /// Into the eye.
        Ophthalmic = "ophthalmic",
        /// Into the ear.
        Otic = "otic",
        /// Into the rectum.
        Rectal = "rectal",
        /// Otherwise: see the notes.
        Other = "other",
    }
}

/// What is known of a medication: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MedicationFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// Whose. Never changes.
    #[garde(skip)]
    pub student_id: PersonId,
    /// The first day on which it is given.
    #[garde(custom(plausible))]
    #[schema(example = "2025-09-01")]
    pub begin_date: Date,
    /// The first day on which it is no longer given.
    #[garde(inner(custom(plausible)), custom(after(Some(self.begin_date))))]
    #[schema(example = "2026-07-01")]
    pub end_date: Option<Date>,
    /// What it is.
    #[garde(length(chars, max = TEXT), custom(clean))]
    #[schema(min_length = 1, max_length = 512, example = "Salbutamol")]
    pub name: String,
    /// How much at once.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(min_length = 1, max_length = 512, example = "1 puff")]
    pub dose: Option<String>,
    /// How it is taken.
    #[garde(skip)]
    pub route: Option<MedicationRoute>,
    /// When.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(min_length = 1, max_length = 512, example = "Before sport, and when short of breath")]
    pub schedule: Option<String>,
    /// The school gives it, or keeps it.
    #[garde(skip)]
    #[serde(default)]
    pub given_at_school: bool,
    /// Who said that it is to be given.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(min_length = 1, max_length = 512, example = "Dr. Lind")]
    pub authorised_by: Option<String>,
    /// What says so: the number or place of a paper.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(min_length = 1, max_length = 512, example = "Letter of 2025-08-28, folder H3")]
    pub authorisation_document: Option<String>,
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

health_record! {
    /// A medication as it is kept.
    Medication of MedicationFields, MedicationId, MEDICATION, begin_date, end_date: Option<Date>
}

fn sample_fields() -> MedicationFields {
    MedicationFields {
        status: Status::Active,
        student_id: crate::sample_id(),
        begin_date: Date::constant(2025, 9, 1),
        end_date: None,
        name: "Salbutamol".to_owned(),
        dose: Some("1 puff".to_owned()),
        route: Some(MedicationRoute::Inhaled),
        schedule: Some("Before sport, and when short of breath".to_owned()),
        given_at_school: true,
        authorised_by: Some("Dr. Lind".to_owned()),
        authorisation_document: Some("Letter of 2025-08-28, folder H3".to_owned()),
        notes: None,
        metadata: Metadata::default(),
    }
}
