//! What the health office of a sample school knows and does.

use crate::{health::HealthSeverity, health_visit::HealthVisitOutcome, medication::MedicationRoute};

/// What is given against something.
pub(super) struct Remedy {
    pub(super) name: &'static str,
    pub(super) dose: &'static str,
    pub(super) route: MedicationRoute,
    pub(super) schedule: &'static str,
}

/// What somebody has, or does not bear.
pub(super) struct Ailment {
    pub(super) name: &'static str,
    pub(super) code: Option<&'static str>,
    pub(super) reaction: Option<&'static str>,
    pub(super) severity: HealthSeverity,
    pub(super) action_plan: Option<&'static str>,
    /// Teachers are told.
    pub(super) alert: bool,
    pub(super) remedy: Option<Remedy>,
}

const PEN: Remedy = Remedy {
    name: "Adrenaline pen",
    dose: "0.3 mg",
    route: MedicationRoute::Injected,
    schedule: "At the first signs, in the thigh",
};
const EMERGENCY: &str = "Adrenaline pen from the office, then call an ambulance and the family.";

/// With codes of SNOMED CT.
pub(super) const ALLERGIES: [Ailment; 8] = [
    Ailment {
        name: "Peanuts",
        code: Some("91935009"),
        reaction: Some("Swelling, shortness of breath"),
        severity: HealthSeverity::LifeThreatening,
        action_plan: Some(EMERGENCY),
        alert: true,
        remedy: Some(PEN),
    },
    Ailment {
        name: "Birch pollen",
        code: None,
        reaction: Some("Itching eyes, sneezing from March to May"),
        severity: HealthSeverity::Mild,
        action_plan: None,
        alert: false,
        remedy: None,
    },
    Ailment {
        name: "Penicillin",
        code: Some("91936005"),
        reaction: Some("Rash"),
        severity: HealthSeverity::Moderate,
        action_plan: Some("Tell every doctor who treats the child."),
        alert: false,
        remedy: None,
    },
    Ailment {
        name: "Bee stings",
        code: Some("424213003"),
        reaction: Some("Swelling, dizziness"),
        severity: HealthSeverity::LifeThreatening,
        action_plan: Some(EMERGENCY),
        alert: true,
        remedy: Some(PEN),
    },
    Ailment {
        name: "Cow's milk",
        code: None,
        reaction: Some("Stomach ache, vomiting"),
        severity: HealthSeverity::Moderate,
        action_plan: Some("Eats what was brought from home. Call the family when it happens."),
        alert: true,
        remedy: None,
    },
    Ailment {
        name: "House dust",
        code: None,
        reaction: Some("Cough"),
        severity: HealthSeverity::Mild,
        action_plan: None,
        alert: false,
        remedy: None,
    },
    Ailment {
        name: "Latex",
        code: Some("300916003"),
        reaction: Some("Rash where it touched"),
        severity: HealthSeverity::Moderate,
        action_plan: Some("No gloves or balloons of latex."),
        alert: true,
        remedy: None,
    },
    Ailment {
        name: "Hazelnuts",
        code: None,
        reaction: Some("Itching in the mouth"),
        severity: HealthSeverity::Severe,
        action_plan: Some("Rinse the mouth, watch for half an hour, call the family."),
        alert: true,
        remedy: None,
    },
];

/// With codes of ICD-10.
pub(super) const CONDITIONS: [Ailment; 6] = [
    Ailment {
        name: "Asthma",
        code: Some("J45"),
        reaction: None,
        severity: HealthSeverity::Moderate,
        action_plan: Some("Inhaler from the bag; call the office when it does not help within ten minutes."),
        alert: true,
        remedy: Some(Remedy {
            name: "Salbutamol",
            dose: "2 puffs",
            route: MedicationRoute::Inhaled,
            schedule: "Before sport, and when short of breath",
        }),
    },
    Ailment {
        name: "Type 1 diabetes",
        code: Some("E10"),
        reaction: None,
        severity: HealthSeverity::Severe,
        action_plan: Some("May eat and measure in class. Juice below 70 mg/dl, then call the office."),
        alert: true,
        remedy: Some(Remedy {
            name: "Insulin",
            dose: "As the plan of the day says",
            route: MedicationRoute::Injected,
            schedule: "At 09:55 and 11:50, before eating",
        }),
    },
    Ailment {
        name: "Attention deficit hyperactivity disorder",
        code: Some("F90"),
        reaction: None,
        severity: HealthSeverity::Mild,
        action_plan: None,
        alert: false,
        remedy: Some(Remedy {
            name: "Methylphenidate",
            dose: "10 mg",
            route: MedicationRoute::Oral,
            schedule: "On school days at 11:50",
        }),
    },
    Ailment {
        name: "Epilepsy",
        code: Some("G40"),
        reaction: None,
        severity: HealthSeverity::Severe,
        action_plan: Some("Keep the head safe, look at the clock; ambulance after five minutes."),
        alert: true,
        remedy: Some(Remedy {
            name: "Levetiracetam",
            dose: "500 mg",
            route: MedicationRoute::Oral,
            schedule: "Every day at 08:00 and 20:00; the school gives it on trips",
        }),
    },
    Ailment {
        name: "Migraine",
        code: Some("G43"),
        reaction: None,
        severity: HealthSeverity::Mild,
        action_plan: Some("A dark room and water; call the family after an hour."),
        alert: false,
        remedy: None,
    },
    Ailment {
        name: "Coeliac disease",
        code: Some("K90.0"),
        reaction: None,
        severity: HealthSeverity::Moderate,
        action_plan: Some("Nothing with wheat, barley or rye."),
        alert: true,
        remedy: None,
    },
];

/// What most are vaccinated with: name, code of CVX, the dose, and at how many months of age.
pub(super) const VACCINES: [(&str, &str, i32, i64); 6] = [
    ("Measles, mumps, rubella", "03", 1, 12),
    ("Measles, mumps, rubella", "03", 2, 52),
    ("Polio", "10", 4, 50),
    ("Varicella", "21", 2, 55),
    ("Diphtheria, tetanus, pertussis", "20", 5, 58),
    ("Tetanus, diphtheria, pertussis", "115", 6, 135),
];

/// Why somebody comes, what is done, how it ends, and how the family is told.
pub(super) const VISITS: [(&str, &str, HealthVisitOutcome, Option<&str>); 10] = [
    ("Fell in the yard, knee bleeding", "Cleaned, plaster", HealthVisitOutcome::ReturnedToClass, None),
    ("Headache", "Water, rest in the dark", HealthVisitOutcome::Rested, None),
    ("Stomach ache", "Hot-water bottle, rest", HealthVisitOutcome::ReturnedToClass, None),
    ("Fever, 38.6 degrees", "Rest until fetched", HealthVisitOutcome::SentHome, Some("By phone, a parent")),
    ("Nosebleed", "Cold cloth in the neck", HealthVisitOutcome::ReturnedToClass, None),
    ("Twisted an ankle in sports", "Cooled, bandage", HealthVisitOutcome::Referred, Some("By phone, a parent")),
    ("Wasp sting in the hand", "Cooled, watched for half an hour", HealthVisitOutcome::Rested, Some("By message")),
    ("Vomited", "Water, rest until fetched", HealthVisitOutcome::SentHome, Some("By phone, a parent")),
    ("Splinter in a finger", "Taken out, disinfected", HealthVisitOutcome::ReturnedToClass, None),
    ("Bumped heads, dizzy", "Cooled, watched", HealthVisitOutcome::Referred, Some("By phone, a parent")),
];

/// Who vaccinates and prescribes.
pub(super) const DOCTORS: [&str; 5] = ["Dr. Lind", "Dr. Amadi", "Dr. Castro", "Dr. Weber", "Dr. Sato"];
