-- How students behaved, and what a school did about it, in Ed-Fi's words. What holds for every table of the roster holds here too,
-- but that these records have no name in other systems.

-- A tenant's words for what somebody did, well or badly.
create table behavior_code (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint behavior_code_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint behavior_code_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint behavior_code_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null constraint behavior_code_created_by_check check (char_length(created_by) <= 300),
    updated_at timestamptz not null,
    updated_by text not null constraint behavior_code_updated_by_check check (char_length(updated_by) <= 300),
    short_name text not null constraint behavior_code_short_name_check check (char_length(short_name) between 1 and 16),
    title text not null constraint behavior_code_title_check check (char_length(title) between 1 and 512),
    title_search text collate "C" not null
        constraint behavior_code_title_search_check check (char_length(title_search) <= 200),
    severity text not null constraint behavior_code_severity_check
        check (severity in ('positive', 'minor', 'major', 'critical')),
    points integer not null constraint behavior_code_points_check check (points between -1000 and 1000),
    constraint behavior_code_pkey primary key (tenant_id, id)
);
create unique index behavior_code_short_name_key on behavior_code (tenant_id, short_name) where status = 'active';
create index behavior_code_by_title on behavior_code (tenant_id, title_search, id);
create index behavior_code_by_modification on behavior_code (tenant_id, date_last_modified, id);

-- Something that happened. Who was in it is told by participants. Of a confidential one nobody hears but those who may see all.
create table discipline_incident (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint discipline_incident_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint discipline_incident_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint discipline_incident_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null constraint discipline_incident_created_by_check check (char_length(created_by) <= 300),
    updated_at timestamptz not null,
    updated_by text not null constraint discipline_incident_updated_by_check check (char_length(updated_by) <= 300),
    incident_identifier text constraint discipline_incident_identifier_check
        check (char_length(incident_identifier) between 1 and 64),
    school_id uuid not null,
    incident_date date not null,
    incident_time time,
    incident_location text not null constraint discipline_incident_location_check
        check (incident_location in ('classroom', 'hallway', 'cafeteria', 'playground', 'restroom', 'gymnasium', 'bus',
                'off_campus', 'online', 'other')
            or incident_location like 'ext:_%' and char_length(incident_location) <= 255),
    location_description text constraint discipline_incident_location_description_check
        check (char_length(location_description) <= 512),
    -- The one on the staff who reported it.
    reporter_id uuid,
    description text not null constraint discipline_incident_description_check
        check (char_length(description) between 1 and 8000),
    reported_to_law_enforcement boolean not null,
    case_number text constraint discipline_incident_case_number_check check (char_length(case_number) between 1 and 64),
    -- What it cost, in the smallest unit of the school's money.
    incident_cost integer constraint discipline_incident_cost_check check (incident_cost >= 0),
    confidential boolean not null,
    constraint discipline_incident_pkey primary key (tenant_id, id)
);
create unique index discipline_incident_identifier_key on discipline_incident (tenant_id, incident_identifier)
    where status = 'active';
create index discipline_incident_by_date on discipline_incident (tenant_id, incident_date, id);
create index discipline_incident_by_school on discipline_incident (tenant_id, school_id, incident_date, id);
create index discipline_incident_by_identifier on discipline_incident (tenant_id, incident_identifier);
create index discipline_incident_by_reporter on discipline_incident (tenant_id, reporter_id) where reporter_id is not null;
create index discipline_incident_by_modification on discipline_incident (tenant_id, date_last_modified, id);

-- Somebody's part in an incident, and what it counts for.
create table incident_participant (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint incident_participant_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint incident_participant_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint incident_participant_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null constraint incident_participant_created_by_check check (char_length(created_by) <= 300),
    updated_at timestamptz not null,
    updated_by text not null constraint incident_participant_updated_by_check check (char_length(updated_by) <= 300),
    incident_id uuid not null,
    -- That of the incident, by which one's own are listed.
    incident_date date not null,
    person_id uuid not null,
    participation_code text not null constraint incident_participant_code_check
        check (participation_code in ('perpetrator', 'victim', 'witness', 'reporter', 'other')),
    behavior_code_id uuid,
    -- What the code meant then.
    severity text constraint incident_participant_severity_check check (severity in ('positive', 'minor', 'major', 'critical')),
    points integer not null constraint incident_participant_points_check check (points between -1000 and 1000),
    note text constraint incident_participant_note_check check (char_length(note) <= 2000),
    constraint incident_participant_pkey primary key (tenant_id, id)
);
create unique index incident_participant_key on incident_participant (tenant_id, incident_id, person_id, participation_code)
    where status = 'active';
create index incident_participant_by_date on incident_participant (tenant_id, incident_date, id);
create index incident_participant_by_person on incident_participant (tenant_id, person_id, incident_date, id);
create index incident_participant_by_incident on incident_participant (tenant_id, incident_id);
create index incident_participant_by_behavior_code on incident_participant (tenant_id, behavior_code_id, incident_date, id);
create index incident_participant_by_modification on incident_participant (tenant_id, date_last_modified, id);

-- What the school did about a student, because of an incident or of more than one.
create table discipline_action (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint discipline_action_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint discipline_action_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint discipline_action_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null constraint discipline_action_created_by_check check (char_length(created_by) <= 300),
    updated_at timestamptz not null,
    updated_by text not null constraint discipline_action_updated_by_check check (char_length(updated_by) <= 300),
    student_id uuid not null,
    incident_id uuid,
    discipline text not null constraint discipline_action_discipline_check
        check (discipline in ('warning', 'detention', 'parent_meeting', 'in_school_suspension', 'out_of_school_suspension',
                'expulsion', 'other')
            or discipline like 'ext:_%' and char_length(discipline) <= 255),
    discipline_date date not null,
    -- In days.
    discipline_action_length integer constraint discipline_action_length_check
        check (discipline_action_length between 0 and 1000),
    actual_discipline_action_length integer constraint discipline_action_actual_length_check
        check (actual_discipline_action_length between 0 and 1000),
    responsibility_school_id uuid not null,
    review_date date,
    done boolean not null,
    note text constraint discipline_action_note_check check (char_length(note) <= 2000),
    constraint discipline_action_review_check check (review_date >= discipline_date),
    constraint discipline_action_pkey primary key (tenant_id, id)
);
create index discipline_action_by_date on discipline_action (tenant_id, discipline_date, id);
create index discipline_action_by_student on discipline_action (tenant_id, student_id, discipline_date, id);
create index discipline_action_by_incident on discipline_action (tenant_id, incident_id) where incident_id is not null;
create index discipline_action_by_school on discipline_action (tenant_id, responsibility_school_id, discipline_date, id);
create index discipline_action_by_modification on discipline_action (tenant_id, date_last_modified, id);

-- What is still to be done about an incident, by when and by whom.
create table incident_follow_up (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint incident_follow_up_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint incident_follow_up_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint incident_follow_up_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null constraint incident_follow_up_created_by_check check (char_length(created_by) <= 300),
    updated_at timestamptz not null,
    updated_by text not null constraint incident_follow_up_updated_by_check check (char_length(updated_by) <= 300),
    incident_id uuid not null,
    due_date date not null,
    assigned_to_id uuid,
    task text not null constraint incident_follow_up_task_check check (char_length(task) between 1 and 2000),
    outcome text constraint incident_follow_up_outcome_check check (char_length(outcome) <= 2000),
    completed_at timestamptz,
    completed_by text constraint incident_follow_up_completed_by_check check (char_length(completed_by) <= 300),
    constraint incident_follow_up_completed_check check ((completed_at is null) = (completed_by is null)),
    constraint incident_follow_up_pkey primary key (tenant_id, id)
);
create index incident_follow_up_by_due on incident_follow_up (tenant_id, due_date, id);
create index incident_follow_up_open on incident_follow_up (tenant_id, due_date, id)
    where status = 'active' and completed_at is null;
create index incident_follow_up_by_assignee on incident_follow_up (tenant_id, assigned_to_id, due_date, id)
    where assigned_to_id is not null;
create index incident_follow_up_by_incident on incident_follow_up (tenant_id, incident_id, due_date, id);
create index incident_follow_up_by_modification on incident_follow_up (tenant_id, date_last_modified, id);

-- What letters are made from.
create table incident_letter_template (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint incident_letter_template_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint incident_letter_template_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint incident_letter_template_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null constraint incident_letter_template_created_by_check check (char_length(created_by) <= 300),
    updated_at timestamptz not null,
    updated_by text not null constraint incident_letter_template_updated_by_check check (char_length(updated_by) <= 300),
    name text not null constraint incident_letter_template_name_check check (char_length(name) between 1 and 512),
    name_search text collate "C" not null
        constraint incident_letter_template_name_search_check check (char_length(name_search) <= 200),
    body text not null constraint incident_letter_template_body_check check (char_length(body) between 1 and 8000),
    constraint incident_letter_template_pkey primary key (tenant_id, id)
);
create unique index incident_letter_template_name_key on incident_letter_template (tenant_id, name_search)
    where status = 'active';
create index incident_letter_template_by_name on incident_letter_template (tenant_id, name_search, id);
create index incident_letter_template_by_modification on incident_letter_template (tenant_id, date_last_modified, id);

-- A letter about one student's part in an incident, as it was made, to those who may see the student's data.
create table incident_letter (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint incident_letter_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint incident_letter_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint incident_letter_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null constraint incident_letter_created_by_check check (char_length(created_by) <= 300),
    updated_at timestamptz not null,
    updated_by text not null constraint incident_letter_updated_by_check check (char_length(updated_by) <= 300),
    participant_id uuid not null,
    incident_id uuid not null,
    student_id uuid not null,
    template_id uuid not null,
    body text not null constraint incident_letter_body_check check (char_length(body) between 1 and 16000),
    -- A list of {"person_id": …, "name": …, "email": …}, as they were.
    recipients jsonb not null constraint incident_letter_recipients_check
        check (jsonb_typeof(recipients) = 'array' and octet_length(recipients::text) <= 262144),
    state text not null constraint incident_letter_state_check check (state in ('draft', 'approved')),
    approved_at timestamptz,
    approved_by text constraint incident_letter_approved_by_check check (char_length(approved_by) <= 300),
    printed_at timestamptz,
    sent_at timestamptz,
    constraint incident_letter_approved_check check ((state = 'approved') = (approved_at is not null)
        and (approved_at is null) = (approved_by is null)
        and (state = 'approved' or (printed_at is null and sent_at is null))),
    constraint incident_letter_pkey primary key (tenant_id, id)
);
create index incident_letter_by_student on incident_letter (tenant_id, student_id, id);
create index incident_letter_by_incident on incident_letter (tenant_id, incident_id);
create index incident_letter_by_participant on incident_letter (tenant_id, participant_id);
create index incident_letter_by_template on incident_letter (tenant_id, template_id);
create index incident_letter_by_state on incident_letter (tenant_id, state, id);
create index incident_letter_by_modification on incident_letter (tenant_id, date_last_modified, id);
