//! The rostering files.

use super::{
    Column, File, Kind, Table, boolean, date, reference, references, text, texts,
    vocabulary::{CLASS_TYPE, ENROLLMENT_ROLE, ORG_TYPE, ROLE, ROLE_TYPE, SESSION_TYPE, SEX, USER_ROLE_1_1},
    word,
};

const fn both(columns: &'static [Column]) -> Table {
    Table { v1_1: Some(columns), v1_2: columns }
}

const fn since_1_2(columns: &'static [Column]) -> Table {
    Table { v1_1: None, v1_2: columns }
}

pub(super) static ORGS: Table = both(&[
    text("name").required(),
    word("type", &ORG_TYPE).required(),
    text("identifier"),
    reference("parentSourcedId", File::Orgs),
]);

pub(super) static ACADEMIC_SESSIONS: Table = both(&[
    text("title").required(),
    word("type", &SESSION_TYPE).required(),
    date("startDate").required(),
    date("endDate").required(),
    reference("parentSourcedId", File::AcademicSessions),
    Column::new("schoolYear", Kind::Year).required(),
]);

pub(super) static COURSES: Table = both(&[
    reference("schoolYearSourcedId", File::AcademicSessions),
    text("title").required(),
    text("courseCode"),
    texts("grades"),
    reference("orgSourcedId", File::Orgs).required(),
    texts("subjects"),
    texts("subjectCodes"),
]);

pub(super) static CLASSES: Table = both(&[
    text("title").required(),
    texts("grades"),
    reference("courseSourcedId", File::Courses).required(),
    text("classCode"),
    word("classType", &CLASS_TYPE).required(),
    text("location"),
    reference("schoolSourcedId", File::Orgs).required(),
    references("termSourcedIds", File::AcademicSessions).required(),
    texts("subjects"),
    texts("subjectCodes"),
    texts("periods"),
]);

pub(super) static USERS: Table = Table {
    v1_1: Some(&[
        boolean("enabledUser").required(),
        references("orgSourcedIds", File::Orgs).required(),
        word("role", &USER_ROLE_1_1).required(),
        text("username").required(),
        Column::new("userIds", Kind::UserIds),
        text("givenName").required(),
        text("familyName").required(),
        text("middleName"),
        text("identifier"),
        text("email"),
        text("sms"),
        text("phone"),
        references("agentSourcedIds", File::Users),
        texts("grades"),
        Column::new("password", Kind::Secret),
    ]),
    v1_2: &[
        boolean("enabledUser").required(),
        text("username").required(),
        Column::new("userIds", Kind::UserIds),
        text("givenName").required(),
        text("familyName").required(),
        text("middleName"),
        text("identifier"),
        text("email"),
        text("sms"),
        text("phone"),
        references("agentSourcedIds", File::Users),
        texts("grades"),
        Column::new("password", Kind::Secret),
        text("userMasterIdentifier"),
        text("preferredGivenName"),
        text("preferredMiddleName"),
        text("preferredFamilyName"),
        reference("primaryOrgSourcedId", File::Orgs),
        text("pronouns"),
    ],
};

pub(super) static ROLES: Table = since_1_2(&[
    reference("userSourcedId", File::Users).required(),
    word("roleType", &ROLE_TYPE).required(),
    word("role", &ROLE).required(),
    date("beginDate"),
    date("endDate"),
    reference("orgSourcedId", File::Orgs).required(),
    reference("userProfileSourcedId", File::UserProfiles),
]);

pub(super) static USER_PROFILES: Table = since_1_2(&[
    reference("userSourcedId", File::Users).required(),
    text("profileType").required(),
    text("vendorId").required(),
    text("applicationId"),
    Column::new("description", Kind::Prose),
    text("credentialType").required(),
    text("username").required(),
    Column::new("password", Kind::Secret),
]);

pub(super) static ENROLLMENTS: Table = both(&[
    reference("classSourcedId", File::Classes).required(),
    reference("schoolSourcedId", File::Orgs).required(),
    reference("userSourcedId", File::Users).required(),
    word("role", &ENROLLMENT_ROLE).required(),
    boolean("primary"),
    date("beginDate"),
    date("endDate"),
]);

pub(super) static DEMOGRAPHICS: Table = both(&[
    date("birthDate"),
    word("sex", &SEX),
    boolean("americanIndianOrAlaskaNative"),
    boolean("asian"),
    boolean("blackOrAfricanAmerican"),
    boolean("nativeHawaiianOrOtherPacificIslander"),
    boolean("white"),
    boolean("demographicRaceTwoOrMoreRaces"),
    boolean("hispanicOrLatinoEthnicity"),
    text("countryOfBirthCode"),
    text("stateOfBirthAbbreviation"),
    text("cityOfBirth"),
    text("publicSchoolResidenceStatus"),
]);
