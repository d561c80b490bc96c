//! The standard's lists of words, most of which may be extended by words that begin with `ext:`.

/// Declares a list of words as a type that holds one of them.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident: $extensible:literal [$($(#[$word_doc:meta])* $constant:ident = $word:literal),+ $(,)?]) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name(std::borrow::Cow<'static, str>);

        impl $name {
            $(
                $(#[$word_doc])*
                #[doc = concat!("`", $word, "`")]
                pub const $constant: Self = Self(std::borrow::Cow::Borrowed($word));
            )+
            /// The words of the standard.
            pub const WORDS: &[&str] = &[$($word),+];

            /// The word for a text; none when it is neither one of the list nor, where that is allowed, an extension.
            pub fn parse(text: &str) -> Option<Self> {
                if let Some(word) = Self::WORDS.iter().find(|word| **word == text) {
                    return Some(Self(std::borrow::Cow::Borrowed(word)));
                }
                ($extensible && $crate::vocabulary::is_extension(text))
                    .then(|| Self(std::borrow::Cow::Owned(text.to_owned())))
            }

            /// The word, as in files and columns.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// What would be right, for a message.
            pub fn expected() -> String {
                $crate::vocabulary::expected(Self::WORDS, $extensible)
            }

            /// The word as a parameter.
            pub(crate) fn column(&self) -> &std::borrow::Cow<'static, str> {
                &self.0
            }

            /// From a column, whose constraint has seen to it.
            pub(crate) fn from_column(text: String) -> Self {
                Self::parse(&text).unwrap_or(Self(std::borrow::Cow::Owned(text)))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom(Self::expected()))
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $crate::vocabulary::schema(Self::WORDS, $extensible)
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed(stringify!($name))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

const LONGEST: usize = 255;

pub(crate) fn is_extension(text: &str) -> bool {
    text.len() <= LONGEST
        && text
            .strip_prefix("ext:")
            .is_some_and(|word| !word.trim().is_empty() && word.trim() == word && !word.contains(char::is_control))
}

pub(crate) fn expected(words: &[&str], extensible: bool) -> String {
    let mut text = format!("Use one of {}", words.join(", "));
    text.push_str(if extensible { ", or a word of your own that begins with `ext:`." } else { "." });
    text
}

pub(crate) fn schema(words: &[&str], extensible: bool) -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
    let text = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::schema::Type::String);
    if !extensible {
        return text.enum_values(Some(words.iter().copied())).into();
    }
    text.pattern(Some(format!("^({}|ext:.+)$", words.join("|"))))
        .description(Some(format!("One of {}, or a word of your own that begins with `ext:`.", words.join(", "))))
        .max_length(Some(LONGEST))
        .examples(words.last().map(|word| (*word).to_owned()))
        .into()
}

vocabulary! {
    /// The kind of an organisation.
    OrgType: true [
        DEPARTMENT = "department", SCHOOL = "school", DISTRICT = "district", LOCAL = "local", STATE = "state",
        NATIONAL = "national",
    ]
}

vocabulary! {
    /// The kind of an academic session.
    SessionType: true [
        GRADING_PERIOD = "gradingPeriod", SEMESTER = "semester", SCHOOL_YEAR = "schoolYear", TERM = "term",
    ]
}

vocabulary! {
    /// The kind of a class.
    ClassType: true [HOMEROOM = "homeroom", SCHEDULED = "scheduled"]
}

vocabulary! {
    /// What a person is in an organisation.
    RoleName: true [
        AIDE = "aide", COUNSELOR = "counselor", DISTRICT_ADMINISTRATOR = "districtAdministrator", GUARDIAN = "guardian",
        PARENT = "parent", PRINCIPAL = "principal", PROCTOR = "proctor", RELATIVE = "relative",
        SITE_ADMINISTRATOR = "siteAdministrator", STUDENT = "student", SYSTEM_ADMINISTRATOR = "systemAdministrator",
        TEACHER = "teacher",
    ]
}

vocabulary! {
    /// Whether a role is the one a person mainly has in an organisation.
    RoleType: false [PRIMARY = "primary", SECONDARY = "secondary"]
}

vocabulary! {
    /// What a person is in a class.
    EnrollmentRole: true [
        ADMINISTRATOR = "administrator", PROCTOR = "proctor", STUDENT = "student", TEACHER = "teacher",
    ]
}

vocabulary! {
    /// Sex, as demographics record it.
    Sex: true [MALE = "male", FEMALE = "female", UNSPECIFIED = "unspecified", OTHER = "other"]
}

vocabulary! {
    /// What a contact is to a student.
    ContactRelation: true [
        PARENT = "parent", MOTHER = "mother", FATHER = "father", GUARDIAN = "guardian", STEPPARENT = "stepparent",
        GRANDPARENT = "grandparent", RELATIVE = "relative", OTHER = "other",
    ]
}

vocabulary! {
    /// The custody that a contact has of a student.
    Custody: false [FULL = "full", SHARED = "shared", RESTRICTED = "restricted", NONE = "none"]
}

vocabulary! {
    /// What kind of post somebody has.
    StaffClassification: true [
        ASSISTANT_PRINCIPAL = "assistantPrincipal", COUNSELOR = "counselor",
        DISTRICT_ADMINISTRATOR = "districtAdministrator", INSTRUCTIONAL_AIDE = "instructionalAide",
        LIBRARIAN = "librarian", NURSE = "nurse", OFFICE_STAFF = "officeStaff", PRINCIPAL = "principal",
        SUBSTITUTE_TEACHER = "substituteTeacher", SUPPORT_STAFF = "supportStaff", TEACHER = "teacher", OTHER = "other",
    ]
}

vocabulary! {
    /// How a year at a school ended.
    AcademicResult: true [
        PROMOTED = "promoted", RETAINED = "retained", COMPLETED = "completed", GRADUATED = "graduated",
        TRANSFERRED = "transferred", WITHDRAWN = "withdrawn", OTHER = "other",
    ]
}

vocabulary! {
    /// What kind of document it is.
    DocumentType: true [
        BIRTH_CERTIFICATE = "birth_certificate", IDENTITY_DOCUMENT = "identity_document",
        RESIDENCE_PERMIT = "residence_permit", COURT_ORDER = "court_order", MEDICAL_CERTIFICATE = "medical_certificate",
        CONSENT_FORM = "consent_form", CONTRACT = "contract", REPORT = "report", CERTIFICATE = "certificate",
        PHOTOGRAPH_CONSENT = "photograph_consent", OTHER = "other",
    ]
}

vocabulary! {
    /// How a student came to a school.
    EntryType: true [
        ORIGINAL = "original", NEXT_YEAR = "next_year", TRANSFER = "transfer", REENTRY = "reentry", OTHER = "other",
    ]
}

vocabulary! {
    /// Who may see a document besides the office: those who teach its student, those who act for the student, and the person it
    /// is about.
    DocumentAudience: false [TEACHERS = "teachers", GUARDIANS = "guardians", ONESELF = "self"]
}

vocabulary! {
    /// How a student's time at a school, or a year of it, ended.
    ExitWithdrawType: true [
        PROMOTED = "promoted", RETAINED = "retained", GRADUATED = "graduated", COMPLETED = "completed",
        TRANSFERRED = "transferred", MOVED = "moved", WITHDRAWN = "withdrawn", EXPELLED = "expelled",
        DECEASED = "deceased", NEVER_ATTENDED = "never_attended", OTHER = "other",
    ]
}

vocabulary! {
    /// The kinds of records that can have custom fields.
    CustomResource: false [PERSON = "person", ORG = "org", COURSE = "course", CLASS = "class"]
}

vocabulary! {
    /// What the values of a custom field are.
    CustomType: false [TEXT = "text", NUMBER = "number", DATE = "date", BOOLEAN = "boolean", CHOICE = "choice"]
}

vocabulary! {
    /// What a day of a calendar is.
    CalendarEvent: true [
        INSTRUCTIONAL = "instructional", HOLIDAY = "holiday", TEACHER_ONLY = "teacher_only", MAKE_UP = "make_up",
        EMERGENCY = "emergency",
    ]
}

vocabulary! {
    /// The kind of a room.
    RoomType: true [
        CLASSROOM = "classroom", LABORATORY = "laboratory", GYMNASIUM = "gymnasium", LIBRARY = "library",
        AUDITORIUM = "auditorium",
    ]
}

vocabulary! {
    /// What an attendance code says of somebody, coarsely: how reports sum it up.
    AttendanceCategory: true [
        PRESENT = "present", LATE = "late", EARLY_DEPARTURE = "early_departure", ABSENT = "absent",
    ]
}

vocabulary! {
    /// Where an incident happened.
    IncidentLocation: true [
        CLASSROOM = "classroom", HALLWAY = "hallway", CAFETERIA = "cafeteria", PLAYGROUND = "playground",
        RESTROOM = "restroom", GYMNASIUM = "gymnasium", BUS = "bus", OFF_CAMPUS = "off_campus", ONLINE = "online",
        OTHER = "other",
    ]
}

vocabulary! {
    /// What a school does about somebody's behavior.
    Discipline: true [
        WARNING = "warning", DETENTION = "detention", PARENT_MEETING = "parent_meeting",
        IN_SCHOOL_SUSPENSION = "in_school_suspension", OUT_OF_SCHOOL_SUSPENSION = "out_of_school_suspension",
        EXPULSION = "expulsion", OTHER = "other",
    ]
}

#[cfg(test)]
mod tests {
    use super::{OrgType, RoleType};

    #[test]
    fn words_of_the_list_and_extensions_are_taken() {
        assert_eq!(OrgType::parse("school"), Some(OrgType::SCHOOL));
        assert_eq!(OrgType::parse("ext:campus").map(|word| word.to_string()), Some("ext:campus".to_owned()));
        for text in ["School", "campus", "ext:", "ext: ", "ext:a\nb", ""] {
            assert_eq!(OrgType::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_closed_list_stays_closed() {
        assert_eq!(RoleType::parse("ext:tertiary"), None);
        assert_eq!(RoleType::expected(), "Use one of primary, secondary.");
    }
}
