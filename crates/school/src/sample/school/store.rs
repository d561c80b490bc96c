//! All SQL of a sample school: a statement for each table, which takes many rows at once.
//!
//! Rows come as a list of JSON objects, `$2`; `$3` is the time, `$4` the source, `$5` the actor. Attendance events, of which there
//! are most, come as columns.

use cloister_tenancy::sql::statements;

/// Rows of records that OneRoster has a name for.
macro_rules! named {
    ($table:literal: $($column:ident $type:literal),+) => {
        concat!(
            "insert into ", $table, " (tenant_id, id, sourced_id, status, date_last_modified, source, metadata, version,
                created_at, created_by, updated_at, updated_by", $(", ", stringify!($column)),+, ")
             select $1, r.id, r.sourced_id, 'active', $3::timestamptz, $4::text, '{}'::jsonb, 1, $3, $5::text, $3, $5",
            $(", r.", stringify!($column)),+,
            " from jsonb_to_recordset($2::jsonb) as r(id uuid, sourced_id text",
            $(", ", stringify!($column), " ", $type),+, ")"
        )
    };
}

/// Rows of other records.
macro_rules! unnamed {
    ($table:literal: $($column:ident $type:literal),+) => {
        concat!(
            "insert into ", $table, " (tenant_id, id, status, date_last_modified, source, metadata, version,
                created_at, created_by, updated_at, updated_by", $(", ", stringify!($column)),+, ")
             select $1, r.id, 'active', $3::timestamptz, $4::text, '{}'::jsonb, 1, $3, $5::text, $3, $5",
            $(", r.", stringify!($column)),+,
            " from jsonb_to_recordset($2::jsonb) as r(id uuid", $(", ", stringify!($column), " ", $type),+, ")"
        )
    };
}

/// Rows of records that were made, and perhaps changed once, at times of their own.
macro_rules! dated {
    ($table:literal: $($column:ident $type:literal),+) => {
        concat!(
            "insert into ", $table, " (tenant_id, id, status, date_last_modified, source, metadata, version,
                created_at, created_by, updated_at, updated_by", $(", ", stringify!($column)),+, ")
             select $1, r.id, 'active', least(coalesce(r.changed_at, r.made_at), $3::timestamptz), $4::text, '{}'::jsonb,
                case when r.changed_at is null then 1 else 2 end, least(r.made_at, $3), $5::text,
                least(coalesce(r.changed_at, r.made_at), $3), $5", $(", r.", stringify!($column)),+,
            " from jsonb_to_recordset($2::jsonb) as r(id uuid, made_at timestamptz, changed_at timestamptz",
            $(", ", stringify!($column), " ", $type),+, ")"
        )
    };
}

/// Rows of health records, each entered at a time of its own. `sealed` comes as text in hexadecimal digits.
macro_rules! sealed {
    ($table:literal: $($column:ident $type:literal),+) => {
        concat!(
            "insert into ", $table, " (tenant_id, id, status, date_last_modified, source, version, created_at, created_by,
                updated_at, updated_by, student_id, sealed", $(", ", stringify!($column)),+, ")
             select $1, r.id, 'active', least(r.made_at, $3::timestamptz), $4::text, 1, least(r.made_at, $3), $5::text,
                least(r.made_at, $3), $5, r.student_id, r.sealed", $(", r.", stringify!($column)),+,
            " from jsonb_to_recordset($2::jsonb) as r(id uuid, made_at timestamptz, student_id uuid, sealed bytea",
            $(", ", stringify!($column), " ", $type),+, ")"
        )
    };
}

/// Rows of parts of records: `$2` alone.
macro_rules! parts {
    ($table:literal: $($column:ident $type:literal),+) => {
        concat!(
            "insert into ", $table, " (tenant_id", $(", ", stringify!($column)),+, ")
             select $1", $(", r.", stringify!($column)),+,
            " from jsonb_to_recordset($2::jsonb) as r(", parts!(@ $($column $type),+), ")"
        )
    };
    (@ $first:ident $type:literal $(, $column:ident $more:literal)*) => {
        concat!(stringify!($first), " ", $type $(, ", ", stringify!($column), " ", $more)*)
    };
}

/// The same for records whose names are given once in a tenant: those that are there stay.
macro_rules! missing {
    ($insert:expr, $condition:literal) => {
        concat!($insert, " where not exists (select from ", $condition, ")")
    };
}

statements! {
    /// Whether anybody is there.
    ANYBODY = "select exists (select from person where tenant_id = $1) as anybody";
    /// Organisations.
    ORGS = named!("org": name "text", name_search "text", type "text", identifier "text", parent_id "uuid");
    /// School years and their parts.
    SESSIONS = named!("academic_session": title "text", title_search "text", type "text", start_date "date",
        end_date "date", school_year "integer", parent_id "uuid");
    /// Courses.
    COURSES = named!("course": title "text", title_search "text", course_code "text", org_id "uuid", grades "text[]",
        subjects "text[]", subject_codes "text[]");
    /// Classes.
    CLASSES = named!("class": title "text", title_search "text", class_code "text", class_type "text", location "text",
        course_id "uuid", school_id "uuid", grades "text[]", subjects "text[]", subject_codes "text[]", periods "text[]");
    /// In which terms classes are held.
    CLASS_TERMS = parts!("class_term": class_id "uuid", academic_session_id "uuid");
    /// Persons.
    PERSONS = named!("person": username "text", enabled_user "boolean", given_name "text",
        middle_name "text", family_name "text", preferred_given_name "text", name_search "text", given_search "text",
        identifier "text", email "text", sms "text", phone "text", user_ids "jsonb", primary_org_id "uuid",
        grades "text[]");
    /// Their roles.
    ROLES = named!("person_role": person_id "uuid", org_id "uuid", role "text", role_type "text", begin_date "date",
        end_date "date");
    /// Places in classes.
    ENROLLMENTS = named!("enrollment": class_id "uuid", school_id "uuid", person_id "uuid", role "text",
        is_primary "boolean", begin_date "date", end_date "date");
    /// Demographics, whose key is the person.
    DEMOGRAPHICS = "insert into demographics (tenant_id, person_id, status, date_last_modified, source, metadata, version,
            created_at, created_by, updated_at, updated_by, birth_date, sex, country_of_birth_code,
            state_of_birth_abbreviation, city_of_birth)
        select $1, r.person_id, 'active', $3::timestamptz, $4::text, '{}'::jsonb, 1, $3, $5::text, $3, $5, r.birth_date,
            r.sex, r.country, r.state, r.city
        from jsonb_to_recordset($2::jsonb) as r(person_id uuid, birth_date date, sex text, country text, state text,
            city text)";
    /// Contacts.
    CONTACTS = unnamed!("contact": student_id "uuid", contact_id "uuid", relation "text", legal_guardian "boolean",
        lives_with "boolean", primary_contact "boolean", emergency_contact "boolean", contact_priority "integer",
        custody "text", child_data_access "boolean", contact_by_call "boolean", contact_by_sms "boolean",
        contact_by_email "boolean", contact_by_mail "boolean", contact_restrictions "text", court_order_document_id "uuid",
        begin_date "date", end_date "date");
    /// Families.
    FAMILIES = unnamed!("family": name "text", name_search "text", home_language "text");
    /// Who belongs to them.
    FAMILY_MEMBERS = parts!("family_member": family_id "uuid", person_id "uuid");
    /// Posts.
    POSTS = unnamed!("staff_assignment": person_id "uuid", org_id "uuid", position_title "text",
        staff_classification "text", full_time_equivalency "integer", begin_date "date", end_date "date");
    /// Years of students.
    ACADEMIC_RECORDS = unnamed!("academic_record": student_id "uuid", school_name "text", org_id "uuid",
        school_year "integer", grade_level "text", begin_date "date", end_date "date", result "text",
        credits_earned "integer", grade_point_average "integer", notes "text");
    /// Times at schools.
    ASSOCIATIONS = unnamed!("student_school_association": student_id "uuid", school_id "uuid", entry_date "date",
        entry_grade_level "text", entry_type "text", exit_withdraw_date "date", exit_withdraw_type "text",
        exit_withdraw_reason "text", primary_school "boolean", repeat_grade_indicator "boolean");
    /// Fields of the tenant's own.
    CUSTOM_FIELDS = missing!(unnamed!("custom_field": resource "text", name "text", title "text", title_search "text",
        type "text", choices "text[]", required "boolean", searchable "boolean"),
        "custom_field f where f.tenant_id = $1 and f.resource = r.resource and f.name = r.name");
    /// Those among `$2` that count and are of the type of the same place in `$3`.
    CUSTOM_FIELDS_THERE = "select f.id, f.name from unnest($2::text[], $3::text[]) as w(name, type)
        join custom_field f on f.tenant_id = $1 and f.resource = 'person' and f.name = w.name and f.type = w.type
            and f.status = 'active'";
    /// What is in such fields of persons.
    CUSTOM_VALUES = "insert into custom_value (tenant_id, custom_field_id, record_id, person_id, text_value, boolean_value,
            date_value, value_search)
        select $1, r.custom_field_id, r.person_id, r.person_id, r.text_value, r.boolean_value, r.date_value, r.value_search
        from jsonb_to_recordset($2::jsonb) as r(custom_field_id uuid, person_id uuid, text_value text,
            boolean_value boolean, date_value date, value_search text)";
    /// Parts of the school day.
    PERIODS = unnamed!("class_period": school_id "uuid", name "text", name_search "text", sequence "integer",
        start_time "time", end_time "time", official_attendance_period "boolean");
    /// Forms of the school day.
    BELL_SCHEDULES = unnamed!("bell_schedule": school_id "uuid", name "text", name_search "text");
    /// When periods are on such days.
    BELL_SCHEDULE_PERIODS = parts!("bell_schedule_period": bell_schedule_id "uuid", class_period_id "uuid",
        start_time "time", end_time "time");
    /// Days.
    CALENDAR_DATES = unnamed!("calendar_date": school_id "uuid", date "date", calendar_event "text",
        is_instructional "boolean", title "text", bell_schedule_id "uuid");
    /// Rooms.
    ROOMS = unnamed!("room": school_id "uuid", room_number "text", room_number_search "text", room_type "text",
        capacity "integer");
    /// When and where classes meet.
    MEETINGS = unnamed!("meeting": class_id "uuid", class_period_id "uuid", day_of_week "smallint", room_id "uuid",
        teacher_id "uuid", begin_date "date", end_date "date");
    /// Attendance codes.
    CODES = missing!(unnamed!("attendance_code": short_name "text", title "text", title_search "text", category "text",
        direction "text", excused "boolean", reportable "boolean", future_allowed "boolean"),
        "attendance_code c where c.tenant_id = $1 and c.short_name = r.short_name and c.status = 'active'");
    /// Those among `$2` that count.
    CODES_THERE = "select id, short_name from attendance_code
        where tenant_id = $1 and status = 'active' and short_name = any($2::text[])";
    /// Registers, each with its own time.
    REGISTERS = "insert into attendance_register (tenant_id, id, status, date_last_modified, source, metadata, version,
            created_at, created_by, updated_at, updated_by, class_id, school_id, date, class_period_id, whole_day,
            taken_at, taken_by, late)
        select $1, r.id, 'active', r.taken_at, $4::text, '{}'::jsonb, 1, r.taken_at, $5::text, r.taken_at, $5, r.class_id,
            r.school_id, r.date, r.class_period_id, r.class_period_id is null, r.taken_at, $5, r.late
        from jsonb_to_recordset($2::jsonb) as r(id uuid, class_id uuid, school_id uuid, date date, class_period_id uuid,
            taken_at timestamptz, late boolean)
        where r.taken_at <= $3::timestamptz";
    /// Absences that were asked for, with what was decided.
    REQUESTS = "insert into absence_request (tenant_id, id, status, date_last_modified, source, metadata, version,
            created_at, created_by, updated_at, updated_by, student_id, begin_date, end_date, reason, state, code_id, note,
            decided_at, decided_by)
        select $1, r.id, 'active', coalesce(r.decided_at, r.asked_at), $4::text, '{}'::jsonb,
            case when r.decided_at is null then 1 else 2 end, r.asked_at, $5::text, coalesce(r.decided_at, r.asked_at), $5,
            r.student_id, r.begin_date, r.end_date, r.reason, r.state, r.code_id, r.note, r.decided_at,
            case when r.decided_at is not null then $5 end
        from jsonb_to_recordset($2::jsonb) as r(id uuid, student_id uuid, begin_date date, end_date date, reason text,
            state text, code_id uuid, note text, asked_at timestamptz, decided_at timestamptz)
        where r.asked_at <= $3::timestamptz";
    /// Attendance events: `$2` source, `$3` actor, then a column each, from `$4`: id, time, student, school, day, class, period,
    /// code, arrival, reason, register, request, what it corrects, when it was corrected itself.
    EVENTS = "insert into attendance_event (tenant_id, id, status, date_last_modified, source, metadata, version, created_at,
            created_by, updated_at, updated_by, student_id, school_id, date, class_id, class_period_id, code_id, category,
            direction, excused, reportable, arrival_time, reason, register_id, absence_request_id, supersedes_id,
            superseded_at)
        select $1, e.id, 'active', coalesce(e.superseded, e.at), $2::text, '{}'::jsonb,
            case when e.superseded is null then 1 else 2 end, e.at, $3::text, coalesce(e.superseded, e.at), $3, e.student,
            e.school, e.date, e.class, e.period, c.id, c.category, c.direction, c.excused, c.reportable, e.arrival,
            e.reason, e.register, e.request, e.supersedes, e.superseded
        from unnest($4::uuid[], $5::timestamptz[], $6::uuid[], $7::uuid[], $8::date[], $9::uuid[], $10::uuid[], $11::uuid[],
            $12::time[], $13::text[], $14::uuid[], $15::uuid[], $16::uuid[], $17::timestamptz[])
            as e(id, at, student, school, date, class, period, code, arrival, reason, register, request, supersedes,
                superseded)
        join attendance_code c on c.tenant_id = $1 and c.id = e.code";
    /// Behavior codes.
    BEHAVIOR_CODES = missing!(unnamed!("behavior_code": short_name "text", title "text", title_search "text",
        severity "text", points "integer"),
        "behavior_code c where c.tenant_id = $1 and c.short_name = r.short_name and c.status = 'active'");
    /// Those among `$2` that count, and what they mean here.
    BEHAVIOR_CODES_THERE = "select id, short_name, severity, points from behavior_code
        where tenant_id = $1 and status = 'active' and short_name = any($2::text[])";
    /// Which of the numbers `$2` incidents have already.
    INCIDENT_IDENTIFIERS_TAKEN = "select incident_identifier from discipline_incident
        where tenant_id = $1 and status = 'active' and incident_identifier = any($2::text[])";
    /// Incidents.
    INCIDENTS = dated!("discipline_incident": incident_identifier "text", school_id "uuid", incident_date "date",
        incident_time "time", incident_location "text", location_description "text", reporter_id "uuid",
        description "text", reported_to_law_enforcement "boolean", incident_cost "integer", confidential "boolean");
    /// Who was in them.
    PARTICIPANTS = dated!("incident_participant": incident_id "uuid", incident_date "date", person_id "uuid",
        participation_code "text", behavior_code_id "uuid", severity "text", points "integer", note "text");
    /// What was done.
    ACTIONS = dated!("discipline_action": student_id "uuid", incident_id "uuid", discipline "text",
        discipline_date "date", discipline_action_length "integer", actual_discipline_action_length "integer",
        responsibility_school_id "uuid", review_date "date", done "boolean");
    /// What is to be done, or was.
    FOLLOW_UPS = dated!("incident_follow_up": incident_id "uuid", due_date "date", assigned_to_id "uuid", task "text",
        outcome "text", completed_at "timestamptz", completed_by "text");
    /// Allergies.
    ALLERGIES = sealed!("allergy": recorded_date "date", end_date "date", alert "boolean");
    /// Conditions.
    HEALTH_CONDITIONS = sealed!("health_condition": recorded_date "date", end_date "date", alert "boolean");
    /// Medications.
    MEDICATIONS = sealed!("medication": begin_date "date", end_date "date");
    /// Vaccinations.
    IMMUNIZATIONS = sealed!("immunization": date "date");
    /// Visits to the health office.
    HEALTH_VISITS = sealed!("health_visit": date "date");
    /// Documents, with what there is to know of their files. `file` comes as text in hexadecimal digits.
    DOCUMENTS = "insert into document (tenant_id, id, status, date_last_modified, source, metadata, version, created_at,
            created_by, updated_at, updated_by, person_id, document_type, title, title_search, issued_on, expires_on, note,
            audiences, file_name, media_type, byte_size, sha256)
        select $1, r.id, 'active', least(coalesce(r.changed_at, r.made_at), $3::timestamptz), $4::text, '{}'::jsonb,
            case when r.changed_at is null then 1 else 2 end, least(r.made_at, $3), $5::text,
            least(coalesce(r.changed_at, r.made_at), $3), $5, r.person_id, r.document_type, r.title, r.title_search,
            r.issued_on, r.expires_on, r.note, r.audiences, r.file_name, r.media_type, octet_length(r.file), sha256(r.file)
        from jsonb_to_recordset($2::jsonb) as r(id uuid, made_at timestamptz, changed_at timestamptz, person_id uuid,
            document_type text, title text, title_search text, issued_on date, expires_on date, note text,
            audiences text[], file_name text, media_type text, file bytea)";
    /// Their files, each in one part.
    DOCUMENT_PARTS = parts!("document_part": document_id "uuid", number "integer", bytes "bytea");
}
