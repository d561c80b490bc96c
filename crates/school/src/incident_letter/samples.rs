//! A letter for the examples of the API document.

use super::{IncidentLetter, IncidentLetterFields, LetterRecipient, LetterState, NewIncidentLetter};
use crate::record::{Metadata, Record, Status};

pub(super) fn sample_new() -> NewIncidentLetter {
    NewIncidentLetter {
        participant_id: crate::sample_id(),
        template_id: crate::sample_id(),
        message: Some("Please come and talk with us on Monday.".to_owned()),
    }
}

pub(super) fn sample() -> IncidentLetter {
    IncidentLetter {
        id: crate::sample_id(),
        participant_id: crate::sample_id(),
        incident_id: crate::sample_id(),
        student_id: crate::sample_id(),
        template_id: crate::sample_id(),
        fields: IncidentLetterFields {
            status: Status::Active,
            body: "To the guardians of Mila Okafor: please come and talk with us on Monday.".to_owned(),
            state: LetterState::Draft,
            printed: false,
            sent: false,
            metadata: Metadata::default(),
        },
        recipients: vec![LetterRecipient {
            person_id: crate::contact::another_person(),
            name: "Ada Okafor".to_owned(),
            email: Some("ada@home.example".to_owned()),
            by_mail: true,
        }],
        approved_at: None,
        approved_by: None,
        printed_at: None,
        sent_at: None,
        record: Record::sample(),
    }
}
