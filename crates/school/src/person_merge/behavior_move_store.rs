//! All SQL that moves what is known of somebody's behavior to another person, and back. Notes and parameters are those of
//! `move_store`.

use cloister_tenancy::sql::{Statement, statements};

use super::move_store::{mark, note, noted, rest, shift, theirs};

statements! {
    /// Parts in incidents that the one who stays has too.
    NOTE_PARTS_TWICE = note!("incident_participant", "set_aside", "id",
        "t.person_id = $3 and t.status = 'active' and exists (select from incident_participant k
            where k.tenant_id = $1 and k.person_id = $4 and k.status = 'active' and k.incident_id = t.incident_id
            and k.participation_code = t.participation_code)");
    /// Parts in incidents.
    NOTE_PARTS = note!("incident_participant", "moved", "id", rest!("incident_participant", "person_id"));
    /// Incidents that somebody reported.
    NOTE_REPORTS = note!("discipline_incident", "moved", "id", theirs!("reporter_id"));
    /// What was done about behavior.
    NOTE_ACTIONS = note!("discipline_action", "moved", "id", theirs!("student_id"));
    /// Follow-ups that are somebody's to do.
    NOTE_FOLLOW_UPS = note!("incident_follow_up", "moved", "id", theirs!("assigned_to_id"));
    /// Letters about incidents.
    NOTE_LETTERS = note!("incident_letter", "moved", "id", theirs!("student_id"));
    /// Parts in incidents there.
    PARTS_THERE = shift!("incident_participant", "moved", "person_id", "$3", "$4", "");
    /// Incidents that somebody reported there.
    REPORTS_THERE = shift!("discipline_incident", "moved", "reporter_id", "$3", "$4", "");
    /// What was done about behavior there.
    ACTIONS_THERE = shift!("discipline_action", "moved", "student_id", "$3", "$4", "");
    /// Follow-ups that are somebody's to do there.
    FOLLOW_UPS_THERE = shift!("incident_follow_up", "moved", "assigned_to_id", "$3", "$4", "");
    /// Letters about incidents there.
    LETTERS_THERE = shift!("incident_letter", "moved", "student_id", "$3", "$4", "");
    /// Parts in incidents back.
    PARTS_BACK = shift!("incident_participant", "moved", "person_id", "$4", "$3", "");
    /// Incidents that somebody reported back.
    REPORTS_BACK = shift!("discipline_incident", "moved", "reporter_id", "$4", "$3", "");
    /// What was done about behavior back.
    ACTIONS_BACK = shift!("discipline_action", "moved", "student_id", "$4", "$3", "");
    /// Follow-ups that are somebody's to do back.
    FOLLOW_UPS_BACK = shift!("incident_follow_up", "moved", "assigned_to_id", "$4", "$3", "");
    /// Letters about incidents back.
    LETTERS_BACK = shift!("incident_letter", "moved", "student_id", "$4", "$3", "");
    /// Parts that are there twice go.
    PARTS_ASIDE = mark!("incident_participant", "active", "tobedeleted");
    /// They come back.
    PARTS_RESTORED = mark!("incident_participant", "tobedeleted", "active");
}

/// What is noted, in this order, and whether the statement asks for the one who stays.
pub(super) static NOTES: [(&Statement, bool); 6] = [
    (&NOTE_PARTS_TWICE, true),
    (&NOTE_PARTS, false),
    (&NOTE_REPORTS, false),
    (&NOTE_ACTIONS, false),
    (&NOTE_FOLLOW_UPS, false),
    (&NOTE_LETTERS, false),
];

/// What goes to the one who stays.
pub(super) static THERE: [&Statement; 5] =
    [&PARTS_THERE, &REPORTS_THERE, &ACTIONS_THERE, &FOLLOW_UPS_THERE, &LETTERS_THERE];

/// The same back.
pub(super) static BACK: [&Statement; 5] = [&PARTS_BACK, &REPORTS_BACK, &ACTIONS_BACK, &FOLLOW_UPS_BACK, &LETTERS_BACK];

/// What was there twice.
pub(super) static ASIDE: [&Statement; 1] = [&PARTS_ASIDE];

/// The same back.
pub(super) static RESTORED: [&Statement; 1] = [&PARTS_RESTORED];
