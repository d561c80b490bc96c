//! Immunizations: what somebody was vaccinated against, or why not.

mod api;
mod store;

use cloister_http::{invalid, words};
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
    rules::{TEXT, clean, plausible, small},
};

/// What permissions are about.
pub const IMMUNIZATION: Resource = Resource { module: crate::MODULE, name: "immunization" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[ConstraintRule {
    constraint: "immunization_student_fkey",
    field: "student_id",
    code: "person_unknown",
    message: "There is no such person.",
}];

words! {
    /// Why somebody is not vaccinated.
    pub enum ImmunizationExemption {
        /// It would harm them, or they are immune already.
        Medical = "medical",
        /// Of faith.
        Religious = "religious",
        /// Of another conviction.
        Philosophical = "philosophical",
        /// Of the law, or otherwise: see the notes.
        Other = "other",
    }
}

/// What is known of a vaccination: the body of a creation, and what a patch changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImmunizationFields {
    /// Whether it counts.
    #[garde(skip)]
    #[serde(default)]
    pub status: Status,
    /// Whose. Never changes.
    #[garde(skip)]
    pub student_id: PersonId,
    /// The day of the vaccination, or from which there is an exemption.
    #[garde(custom(plausible))]
    #[schema(example = "2021-05-12")]
    pub date: Date,
    /// The vaccine.
    #[garde(length(chars, max = TEXT), custom(clean))]
    #[schema(min_length = 1, max_length = 512, example = "Measles, mumps, rubella")]
    pub vaccine: String,
    /// The same as a code, such as one of CVX.
    #[garde(inner(length(chars, max = 64), custom(clean)))]
    #[schema(min_length = 1, max_length = 64, example = "03")]
    pub vaccine_code: Option<String>,
    /// Which dose it was. None of an exemption.
    #[garde(range(min = 1, max = 50), custom(not_exempt(self.exemption.is_some())))]
    #[schema(minimum = 1, maximum = 50, example = 2)]
    pub dose_number: Option<i32>,
    /// The lot it came from. None of an exemption.
    #[garde(inner(length(chars, max = 64), custom(clean)), custom(not_exempt(self.exemption.is_some())))]
    #[schema(min_length = 1, max_length = 64, example = "A1234")]
    pub lot_number: Option<String>,
    /// Who gave it, or who certified the exemption.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(min_length = 1, max_length = 512, example = "Dr. Lind")]
    pub provider: Option<String>,
    /// Why there was none. None when there was one.
    #[garde(skip)]
    pub exemption: Option<ImmunizationExemption>,
    /// What else should be known, such as the reason of an exemption.
    #[garde(inner(length(chars, max = NOTES), custom(clean)))]
    #[schema(min_length = 1, max_length = 2000)]
    pub notes: Option<String>,
    /// Fields of other systems: at most 16 KiB of JSON. Sealed like the others.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

fn not_exempt<T>(exempt: bool) -> impl FnOnce(&Option<T>, &()) -> garde::Result {
    move |value, ()| match value {
        Some(_) if exempt => Err(invalid("exempt", "Who is exempt was given no dose. Leave it out, or the exemption.")),
        _ => Ok(()),
    }
}

health_record! {
    /// A vaccination as it is kept.
    Immunization of ImmunizationFields, ImmunizationId, IMMUNIZATION, date
}

fn sample_fields() -> ImmunizationFields {
    ImmunizationFields {
        status: Status::Active,
        student_id: crate::sample_id(),
        date: Date::constant(2021, 5, 12),
        vaccine: "Measles, mumps, rubella".to_owned(),
        vaccine_code: Some("03".to_owned()),
        dose_number: Some(2),
        lot_number: Some("A1234".to_owned()),
        provider: Some("Dr. Lind".to_owned()),
        exemption: None,
        notes: None,
        metadata: Metadata::default(),
    }
}
