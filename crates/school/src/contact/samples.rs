//! A contact for the examples of the API document.

use cloister_ids::{PersonId, Uuid};
use jiff::civil::Date;

use super::{Contact, ContactFields};
use crate::{
    record::{Metadata, Record, Status},
    vocabulary::{ContactRelation, Custody},
};

/// Another person than the sample of a person.
pub(crate) fn another_person() -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_e4a9))
}

pub(super) fn sample_fields() -> ContactFields {
    ContactFields {
        status: Status::Active,
        student_id: crate::sample_id(),
        contact_id: another_person(),
        relation: ContactRelation::MOTHER,
        legal_guardian: Some(true),
        lives_with: Some(true),
        primary_contact: true,
        emergency_contact: true,
        contact_priority: Some(1),
        custody: Some(Custody::SHARED),
        child_data_access: Some(true),
        court_order_document_id: None,
        contact_by_call: true,
        contact_by_sms: true,
        contact_by_email: true,
        contact_by_mail: false,
        contact_restrictions: None,
        begin_date: Some(Date::constant(2025, 9, 1)),
        end_date: None,
        metadata: Metadata::default(),
    }
}

pub(super) fn sample() -> Contact {
    Contact {
        id: crate::sample_id(),
        contact_given_name: "Ada".to_owned(),
        contact_family_name: "Okafor".to_owned(),
        fields: sample_fields(),
        record: Record::sample(),
    }
}
