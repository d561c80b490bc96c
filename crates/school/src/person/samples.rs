//! A person for the examples of the API document.

use super::{Person, PersonFields, PersonSummary, UserId, role};
use crate::{
    record::{Metadata, Record, Status},
    vocabulary::RoleName,
};

pub(super) fn sample_fields() -> PersonFields {
    PersonFields {
        sourced_id: Some("student-20417".to_owned()),
        status: Status::Active,
        username: Some("mila.okafor".to_owned()),
        enabled_user: true,
        given_name: "Mila".to_owned(),
        middle_name: None,
        family_name: "Okafor".to_owned(),
        preferred_given_name: Some("Mimi".to_owned()),
        preferred_middle_name: None,
        preferred_family_name: None,
        pronouns: Some("she/her".to_owned()),
        identifier: Some("20417".to_owned()),
        email: Some("mila.okafor@lindgren.example".to_owned()),
        sms: None,
        phone: None,
        user_ids: vec![UserId { kind: "LDAP".to_owned(), identifier: "mokafor".to_owned() }],
        user_master_identifier: None,
        primary_org_id: Some(crate::sample_id()),
        grades: vec!["04".to_owned()],
        roles: vec![role::Role { id: None, sourced_id: None, ..role::sample() }],
        agent_ids: vec![crate::sample_id()],
        metadata: Metadata::default(),
    }
}

pub(super) fn sample() -> Person {
    Person {
        id: crate::sample_id(),
        account_id: None,
        has_photo: true,
        merged_into_id: None,
        fields: PersonFields { roles: vec![role::sample()], ..sample_fields() },
        record: Record::sample(),
    }
}

pub(super) fn summary_sample() -> PersonSummary {
    let Person { id, account_id, fields, record, .. } = sample();
    PersonSummary {
        id,
        sourced_id: fields.sourced_id.unwrap_or_default(),
        status: fields.status,
        account_id,
        given_name: fields.given_name,
        family_name: fields.family_name,
        preferred_given_name: fields.preferred_given_name,
        preferred_family_name: fields.preferred_family_name,
        username: fields.username,
        enabled_user: fields.enabled_user,
        identifier: fields.identifier,
        email: fields.email,
        primary_org_id: fields.primary_org_id,
        grades: fields.grades,
        roles: vec![RoleName::STUDENT],
        record,
    }
}
