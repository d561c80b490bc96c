//! A document for the examples of the API document.

use jiff::civil::Date;

use super::{Document, DocumentFields};
use crate::{
    record::{Metadata, Record, Status},
    vocabulary::{DocumentAudience, DocumentType},
};

pub(super) fn sample_fields() -> DocumentFields {
    DocumentFields {
        status: Status::Active,
        person_id: crate::sample_id(),
        document_type: DocumentType::RESIDENCE_PERMIT,
        title: "Residence permit".to_owned(),
        issued_on: Some(Date::constant(2024, 5, 14)),
        expires_on: Some(Date::constant(2027, 5, 14)),
        note: None,
        audiences: vec![DocumentAudience::GUARDIANS, DocumentAudience::ONESELF],
        metadata: Metadata::default(),
    }
}

/// With a file.
pub(super) fn sample() -> Document {
    Document {
        file_name: Some("residence-permit.pdf".to_owned()),
        media_type: Some("application/pdf".to_owned()),
        byte_size: Some(48_211),
        sha256: Some("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned()),
        ..without_file()
    }
}

/// As it is made.
pub(super) fn without_file() -> Document {
    Document {
        id: crate::sample_id(),
        fields: sample_fields(),
        file_name: None,
        media_type: None,
        byte_size: None,
        sha256: None,
        record: Record::sample(),
    }
}
