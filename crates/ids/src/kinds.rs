//! The registry of kinds: every prefix the platform uses, in one place, so that none is used twice.

use crate::{Id, Kind};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal, $noun:literal;)*) => {
        /// Marker types, one a kind.
        pub mod kind {
            $($(#[$doc])* #[derive(Debug)] pub enum $name {})*
        }
        $(
            impl Kind for kind::$name {
                const PREFIX: &'static str = $prefix;
                const NOUN: &'static str = $noun;
                const SCHEMA: &'static str = concat!(stringify!($name), "Id");
            }
        )*
        /// Every prefix with the word for what it names.
        pub const PREFIXES: &[(&str, &str)] = &[$(($prefix, $noun)),*];
    };
}

kinds! {
    /// One school or company.
    Tenant = "ten", "tenant";
    /// One person's sign-in.
    Account = "acc", "account";
    /// A signing-in, from its password to its end.
    Session = "sid", "session";
    /// An account's place in a tenant.
    Membership = "mbr", "membership";
    /// A role that a tenant made for itself.
    CustomRole = "cro", "custom role";
    /// Somebody asked to join a tenant.
    Invitation = "inv", "invitation";
    /// A tenant somebody asked for on their own.
    Signup = "sup", "sign-up";
    /// What the prover found on one walk through everything.
    IsolationProof = "prf", "proof of isolation";
    /// An operator's visit to a tenant.
    OperatorEntry = "ope", "operator entry";
    /// A mail, sent or to be sent.
    Mail = "mai", "mail";
    /// A host name of a tenant.
    Domain = "dom", "domain";
    /// A PostgreSQL server.
    Cluster = "clu", "cluster";
    /// A database that holds placements.
    Database = "dbs", "database";
    /// A recorded workflow.
    Workflow = "wfl", "workflow";
    /// A queued job.
    Job = "job", "job";
    /// An entry of the audit log.
    Audit = "aud", "audit entry";
    /// A request, from the edge to the log.
    Request = "req", "request";
    /// An organisation within a tenant: a district, a school, a department.
    Org = "org", "organisation";
    /// A school year, semester, term or grading period.
    AcademicSession = "ses", "academic session";
    /// A course.
    Course = "crs", "course";
    /// A class: one taking of a course.
    Class = "cls", "class";
    /// A person of a roster.
    Person = "per", "person";
    /// A person's role in an organisation.
    Role = "rol", "role";
    /// A person's dated place in a class.
    Enrollment = "enr", "enrollment";
    /// An import of a roster.
    ImportRun = "imp", "import";
    /// A day of a school's calendar.
    CalendarDate = "cal", "calendar date";
    /// When the periods of a day begin and end, where it differs from their usual times.
    BellSchedule = "bel", "bell schedule";
    /// A part of the school day in which classes meet.
    ClassPeriod = "prd", "class period";
    /// A room of a school.
    Room = "roo", "room";
    /// When and where a class meets.
    Meeting = "mtg", "meeting";
    /// What can be said of somebody's attendance.
    AttendanceCode = "atc", "attendance code";
    /// What was said of somebody's attendance on a day.
    AttendanceEvent = "att", "attendance event";
    /// The attendance of a class, taken at once.
    AttendanceRegister = "reg", "attendance register";
    /// An absence that somebody asked for.
    AbsenceRequest = "abr", "absence request";
    /// The relation of a contact to a student.
    Contact = "con", "contact";
    /// A family.
    Family = "fam", "family";
    /// A post of somebody on the staff.
    StaffAssignment = "sta", "staff assignment";
    /// A merge of two persons.
    PersonMerge = "mrg", "merge";
    /// A record of what somebody did at another school, or in an earlier year.
    AcademicRecord = "acr", "academic record";
    /// A student's time at a school.
    StudentSchoolAssociation = "ssa", "student school association";
    /// A school's way from one year to the next.
    YearRollover = "yro", "year rollover";
    /// What happens to a student in it.
    YearRolloverStudent = "yrs", "student of a year rollover";
    /// A field of a tenant's own.
    CustomField = "cuf", "custom field";
    /// A document of a person.
    Document = "doc", "document";
    /// What somebody can do, well or badly.
    BehaviorCode = "bec", "behavior code";
    /// Something that happened at a school.
    DisciplineIncident = "din", "discipline incident";
    /// Somebody's part in an incident.
    IncidentParticipant = "inp", "incident participant";
    /// What a school does about somebody's behavior.
    DisciplineAction = "dac", "discipline action";
    /// What is still to be done about an incident.
    IncidentFollowUp = "ifu", "incident follow-up";
    /// What letters about incidents are made from.
    IncidentLetterTemplate = "ilt", "incident letter template";
    /// A letter about a student's part in an incident.
    IncidentLetter = "ile", "incident letter";
    /// An allergy of somebody.
    Allergy = "alg", "allergy";
    /// A condition that somebody has.
    HealthCondition = "hcn", "health condition";
    /// What somebody is given.
    Medication = "med", "medication";
    /// A vaccination of somebody, or why there is none.
    Immunization = "imm", "immunization";
    /// A visit to the health office.
    HealthVisit = "hvs", "health visit";
    /// That somebody saw a record of somebody.
    AccessLogEntry = "ale", "access log entry";
    /// A component of a catalog.
    Component = "cmp", "component";
}

macro_rules! aliases {
    ($($alias:ident = $name:ident;)*) => {
        $(
            #[doc = concat!("The id of kind [`kind::", stringify!($name), "`].")]
            pub type $alias = Id<kind::$name>;
        )*
    };
}

aliases! {
    TenantId = Tenant;
    AccountId = Account;
    SessionId = Session;
    MembershipId = Membership;
    CustomRoleId = CustomRole;
    InvitationId = Invitation;
    SignupId = Signup;
    IsolationProofId = IsolationProof;
    OperatorEntryId = OperatorEntry;
    MailId = Mail;
    DomainId = Domain;
    ClusterId = Cluster;
    DatabaseId = Database;
    WorkflowId = Workflow;
    JobId = Job;
    AuditId = Audit;
    RequestId = Request;
    OrgId = Org;
    AcademicSessionId = AcademicSession;
    CourseId = Course;
    ClassId = Class;
    PersonId = Person;
    RoleId = Role;
    EnrollmentId = Enrollment;
    ImportRunId = ImportRun;
    CalendarDateId = CalendarDate;
    BellScheduleId = BellSchedule;
    ClassPeriodId = ClassPeriod;
    RoomId = Room;
    MeetingId = Meeting;
    AttendanceCodeId = AttendanceCode;
    AttendanceEventId = AttendanceEvent;
    AttendanceRegisterId = AttendanceRegister;
    AbsenceRequestId = AbsenceRequest;
    ContactId = Contact;
    FamilyId = Family;
    StaffAssignmentId = StaffAssignment;
    PersonMergeId = PersonMerge;
    AcademicRecordId = AcademicRecord;
    StudentSchoolAssociationId = StudentSchoolAssociation;
    YearRolloverId = YearRollover;
    YearRolloverStudentId = YearRolloverStudent;
    CustomFieldId = CustomField;
    DocumentId = Document;
    BehaviorCodeId = BehaviorCode;
    DisciplineIncidentId = DisciplineIncident;
    IncidentParticipantId = IncidentParticipant;
    DisciplineActionId = DisciplineAction;
    IncidentFollowUpId = IncidentFollowUp;
    IncidentLetterTemplateId = IncidentLetterTemplate;
    IncidentLetterId = IncidentLetter;
    AllergyId = Allergy;
    HealthConditionId = HealthCondition;
    MedicationId = Medication;
    ImmunizationId = Immunization;
    HealthVisitId = HealthVisit;
    AccessLogEntryId = AccessLogEntry;
    ComponentId = Component;
}

#[cfg(test)]
mod tests {
    use super::PREFIXES;

    #[test]
    fn no_prefix_is_used_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for (prefix, noun) in PREFIXES {
            assert_eq!(prefix.len(), 3, "{noun}");
            assert!(seen.insert(prefix), "{prefix} is used twice");
        }
    }
}
