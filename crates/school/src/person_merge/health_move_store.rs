//! All SQL that moves health records from one person to another, and back. What is sealed is bound to its row, so it goes as it is.
//! Notes and parameters are those of
//! `move_store`.

use cloister_tenancy::sql::{Statement, statements};

use super::move_store::{note, noted, shift, theirs};

statements! {
    /// Allergies.
    NOTE_ALLERGIES = note!("allergy", "moved", "id", theirs!("student_id"));
    /// Conditions.
    NOTE_CONDITIONS = note!("health_condition", "moved", "id", theirs!("student_id"));
    /// Medications.
    NOTE_MEDICATIONS = note!("medication", "moved", "id", theirs!("student_id"));
    /// Vaccinations.
    NOTE_IMMUNIZATIONS = note!("immunization", "moved", "id", theirs!("student_id"));
    /// Visits to the health office.
    NOTE_HEALTH_VISITS = note!("health_visit", "moved", "id", theirs!("student_id"));
    /// Allergies there.
    ALLERGIES_THERE = shift!("allergy", "moved", "student_id", "$3", "$4", "");
    /// Conditions there.
    CONDITIONS_THERE = shift!("health_condition", "moved", "student_id", "$3", "$4", "");
    /// Medications there.
    MEDICATIONS_THERE = shift!("medication", "moved", "student_id", "$3", "$4", "");
    /// Vaccinations there.
    IMMUNIZATIONS_THERE = shift!("immunization", "moved", "student_id", "$3", "$4", "");
    /// Visits to the health office there.
    HEALTH_VISITS_THERE = shift!("health_visit", "moved", "student_id", "$3", "$4", "");
    /// Allergies back.
    ALLERGIES_BACK = shift!("allergy", "moved", "student_id", "$4", "$3", "");
    /// Conditions back.
    CONDITIONS_BACK = shift!("health_condition", "moved", "student_id", "$4", "$3", "");
    /// Medications back.
    MEDICATIONS_BACK = shift!("medication", "moved", "student_id", "$4", "$3", "");
    /// Vaccinations back.
    IMMUNIZATIONS_BACK = shift!("immunization", "moved", "student_id", "$4", "$3", "");
    /// Visits to the health office back.
    HEALTH_VISITS_BACK = shift!("health_visit", "moved", "student_id", "$4", "$3", "");
}

/// What is noted, in this order, and whether the statement asks for the one who stays.
pub(super) static NOTES: [(&Statement, bool); 5] = [
    (&NOTE_ALLERGIES, false),
    (&NOTE_CONDITIONS, false),
    (&NOTE_MEDICATIONS, false),
    (&NOTE_IMMUNIZATIONS, false),
    (&NOTE_HEALTH_VISITS, false),
];

/// What goes to the one who stays.
pub(super) static THERE: [&Statement; 5] =
    [&ALLERGIES_THERE, &CONDITIONS_THERE, &MEDICATIONS_THERE, &IMMUNIZATIONS_THERE, &HEALTH_VISITS_THERE];

/// The same back.
pub(super) static BACK: [&Statement; 5] =
    [&ALLERGIES_BACK, &CONDITIONS_BACK, &MEDICATIONS_BACK, &IMMUNIZATIONS_BACK, &HEALTH_VISITS_BACK];
