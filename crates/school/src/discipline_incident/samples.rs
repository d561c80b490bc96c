//! An incident for the examples of the API document.

use jiff::civil::Date;

use super::{DisciplineIncident, DisciplineIncidentFields};
use crate::{
    day_time::DayTime,
    incident_participant::{NewParticipant, Participation},
    record::{Metadata, Record, Status},
    vocabulary::IncidentLocation,
};

pub(super) fn sample_fields() -> DisciplineIncidentFields {
    DisciplineIncidentFields {
        status: Status::Active,
        incident_identifier: Some("2025-117".to_owned()),
        school_id: crate::sample_id(),
        incident_date: Date::constant(2025, 10, 14),
        incident_time: Some(DayTime::at(10, 40)),
        incident_location: IncidentLocation::HALLWAY,
        location_description: Some("Stairs of the east wing".to_owned()),
        reporter_id: Some(crate::sample_id()),
        description: "Two students fought on the stairs.".to_owned(),
        reported_to_law_enforcement: false,
        case_number: None,
        incident_cost: None,
        confidential: false,
        participants: vec![NewParticipant {
            person_id: crate::sample_id(),
            participation_code: Participation::Perpetrator,
            behavior_code_id: Some(crate::sample_id()),
            points: Some(-5),
            note: Some("Says that the other began.".to_owned()),
        }],
        metadata: Metadata::default(),
    }
}

pub(super) fn sample() -> DisciplineIncident {
    DisciplineIncident {
        id: crate::sample_id(),
        fields: DisciplineIncidentFields { participants: Vec::new(), ..sample_fields() },
        record: Record::sample(),
    }
}
