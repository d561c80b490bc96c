//! Alerts: what whoever has a class in front of them must know of the health of those in it. They are made of the conditions and
//! allergies that the health office marked, and tell a name, how bad it can become and what to do; nothing else.

mod api;
mod store;

use cloister_http::words;
use cloister_ids::PersonId;
use cloister_tenancy::Resource;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use store::STATEMENTS;

use crate::health::HealthSeverity;

/// What permissions are about.
pub const HEALTH_ALERT: Resource = Resource { module: crate::MODULE, name: "health_alert" };

words! {
    /// What an alert is about.
    pub enum HealthAlertKind {
        /// An allergy.
        Allergy = "allergy",
        /// A condition.
        HealthCondition = "health_condition",
    }
}

/// What must be known of somebody.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct HealthAlert {
    /// The allergy or condition.
    #[schema(example = "alg_01h455vb4pex5vsknk084sn02q")]
    pub id: String,
    /// Which of the two.
    pub kind: HealthAlertKind,
    /// Of whom.
    pub student_id: PersonId,
    /// What it is, or what brings it about.
    #[schema(example = "Peanuts")]
    pub name: String,
    /// How bad it can become.
    pub severity: Option<HealthSeverity>,
    /// What to do.
    #[schema(example = "Adrenaline pen from the office, then call an ambulance.")]
    pub action_plan: Option<String>,
}

fn sample() -> HealthAlert {
    HealthAlert {
        id: crate::sample_id::<cloister_ids::kind::Allergy>().to_string(),
        kind: HealthAlertKind::Allergy,
        student_id: crate::sample_id(),
        name: "Peanuts".to_owned(),
        severity: Some(HealthSeverity::LifeThreatening),
        action_plan: Some("Adrenaline pen from the office, then call an ambulance.".to_owned()),
    }
}
