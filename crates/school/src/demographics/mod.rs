//! Demographics of persons: apart from them, because seeing these takes a permission of its own.

mod api;
mod store;

use cloister_http::{IfMatch, Problem, Versioned};
use cloister_ids::PersonId;
use cloister_tenancy::{Action, ConstraintRule, Error, OpContext, Resource, Result, Tenancy};
use garde::Validate;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use store::STATEMENTS;

use crate::{
    presence_store::check_subject,
    record::{Metadata, Record, Status, found},
    rules::{TEXT, clean, plausible, small},
    scope::{Sight, authorize_change},
    vocabulary::Sex,
};

/// What permissions are about.
pub const DEMOGRAPHICS: Resource = Resource { module: crate::MODULE, name: "demographics" };

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[ConstraintRule {
    constraint: "demographics_pkey",
    field: "person_id",
    code: "demographics_exist",
    message: "Somebody entered these demographics just now. Read them and send their ETag.",
}];

/// What is known of a person's demographics. What is left out is not known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DemographicsFields {
    /// Day of birth.
    #[garde(inner(custom(plausible)))]
    #[schema(example = "2015-04-23")]
    pub birth_date: Option<Date>,
    /// Sex.
    #[garde(skip)]
    pub sex: Option<Sex>,
    /// American Indian or Alaska Native.
    #[garde(skip)]
    pub american_indian_or_alaska_native: Option<bool>,
    /// Asian.
    #[garde(skip)]
    pub asian: Option<bool>,
    /// Black or African American.
    #[garde(skip)]
    pub black_or_african_american: Option<bool>,
    /// Native Hawaiian or other Pacific Islander.
    #[garde(skip)]
    pub native_hawaiian_or_other_pacific_islander: Option<bool>,
    /// White.
    #[garde(skip)]
    pub white: Option<bool>,
    /// Two or more races.
    #[garde(skip)]
    pub demographic_race_two_or_more_races: Option<bool>,
    /// Hispanic or Latino.
    #[garde(skip)]
    pub hispanic_or_latino_ethnicity: Option<bool>,
    /// Country of birth.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512, example = "NG")]
    pub country_of_birth_code: Option<String>,
    /// State of birth.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512, example = "LA")]
    pub state_of_birth_abbreviation: Option<String>,
    /// City of birth.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512, example = "Lagos")]
    pub city_of_birth: Option<String>,
    /// In the words of the Common Education Data Standards.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(max_length = 512, example = "01652")]
    pub public_school_residence_status: Option<String>,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// Demographics as they are kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Demographics {
    /// Whose.
    pub person_id: PersonId,
    /// The person's name in the system that feeds them.
    #[schema(example = "student-20417")]
    pub sourced_id: String,
    /// Whether the record counts.
    pub status: Status,
    /// What is known.
    #[serde(flatten)]
    pub fields: DemographicsFields,
    /// Who made and changed the record, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl Versioned for Demographics {
    fn version(&self) -> i64 {
        self.record.version
    }
}

/// A person's demographics. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: PersonId) -> Result<Demographics> {
    let sight = Sight::of(cx, &DEMOGRAPHICS)?;
    store::get(tenancy, cx, &sight, id).await
}

/// Enters a person's demographics, or replaces those that are still as the caller knows them. Two round trips.
async fn replace(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: PersonId,
    known: Result<IfMatch, Problem>,
    fields: DemographicsFields,
) -> Result<Demographics, Problem> {
    authorize_change(cx, Action::Update, &DEMOGRAPHICS, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (person, before) = store::lock(&mut tx, id).await?;
    check_subject(&person)?;
    let sourced_id = found(&person)?.get("sourced_id");
    let record = match before {
        // Who sends a version knows demographics that somebody has erased since.
        None if known.is_ok() => return Err(Error::version_mismatch().into()),
        None => Record::new(cx),
        Some(before) => {
            known?.check(&before)?;
            before.record.changed(cx)
        }
    };
    let after = Demographics { person_id: id, sourced_id, status: Status::Active, fields, record };
    // Neither names nor values of fields: the audit log is read by people who may not see demographics.
    tx.audit(Action::Update, &DEMOGRAPHICS, id, None);
    store::put(tx, &after).await?;
    Ok(after)
}

/// Erases a person's demographics that are still as the caller knows them. Two round trips.
///
/// Unlike other records they leave nothing behind: who may not keep them any longer must be able to be rid of them.
async fn erase(tenancy: &Tenancy, cx: &OpContext, id: PersonId, known: &IfMatch) -> Result<()> {
    authorize_change(cx, Action::Delete, &DEMOGRAPHICS, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (_, before) = store::lock(&mut tx, id).await?;
    known.check(&before.ok_or_else(cloister_tenancy::Error::not_found)?)?;
    tx.audit(Action::Delete, &DEMOGRAPHICS, id, None);
    store::delete(tx, id).await
}

fn sample_fields() -> DemographicsFields {
    DemographicsFields {
        birth_date: Some(Date::constant(2015, 4, 23)),
        sex: Some(Sex::FEMALE),
        american_indian_or_alaska_native: None,
        asian: None,
        black_or_african_american: Some(true),
        native_hawaiian_or_other_pacific_islander: None,
        white: None,
        demographic_race_two_or_more_races: None,
        hispanic_or_latino_ethnicity: None,
        country_of_birth_code: Some("NG".to_owned()),
        state_of_birth_abbreviation: None,
        city_of_birth: Some("Lagos".to_owned()),
        public_school_residence_status: None,
        metadata: Metadata::default(),
    }
}

fn sample() -> Demographics {
    Demographics {
        person_id: crate::sample_id(),
        sourced_id: "student-20417".to_owned(),
        status: Status::Active,
        fields: sample_fields(),
        record: Record::sample(),
    }
}
