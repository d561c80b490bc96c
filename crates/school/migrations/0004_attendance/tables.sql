-- Who was at school, and who was not. What holds for every table of the roster holds here too, but that these records have no
-- name in other systems.

-- A tenant's words for what can be said of somebody's attendance.
create table attendance_code (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint attendance_code_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint attendance_code_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint attendance_code_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null constraint attendance_code_created_by_check check (char_length(created_by) <= 300),
    updated_at timestamptz not null,
    updated_by text not null constraint attendance_code_updated_by_check check (char_length(updated_by) <= 300),
    short_name text not null constraint attendance_code_short_name_check check (char_length(short_name) between 1 and 16),
    title text not null constraint attendance_code_title_check check (char_length(title) between 1 and 512),
    title_search text collate "C" not null
        constraint attendance_code_title_search_check check (char_length(title_search) <= 200),
    category text not null constraint attendance_code_category_check
        check (category in ('present', 'late', 'early_departure', 'absent')
            or category like 'ext:_%' and char_length(category) <= 255),
    direction text not null constraint attendance_code_direction_check check (direction in ('in', 'out')),
    excused boolean not null,
    reportable boolean not null,
    future_allowed boolean not null,
    constraint attendance_code_pkey primary key (tenant_id, id)
);
create unique index attendance_code_short_name_key on attendance_code (tenant_id, short_name) where status = 'active';
create index attendance_code_by_title on attendance_code (tenant_id, title_search, id);
create index attendance_code_by_modification on attendance_code (tenant_id, date_last_modified, id);

-- That the attendance of a class was taken, by whom and when. Of a homeroom without a period it is the attendance of the day.
create table attendance_register (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint attendance_register_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint attendance_register_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint attendance_register_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null constraint attendance_register_created_by_check check (char_length(created_by) <= 300),
    updated_at timestamptz not null,
    updated_by text not null constraint attendance_register_updated_by_check check (char_length(updated_by) <= 300),
    class_id uuid not null,
    school_id uuid not null,
    date date not null,
    class_period_id uuid,
    -- Whether what it says is of the whole day, as of a homeroom: as the class was when it was taken.
    whole_day boolean not null,
    taken_at timestamptz not null,
    taken_by text not null constraint attendance_register_taken_by_check check (char_length(taken_by) <= 300),
    -- Not taken on the day itself.
    late boolean not null,
    constraint attendance_register_whole_day_check check (not whole_day or class_period_id is null),
    constraint attendance_register_pkey primary key (tenant_id, id)
);
create unique index attendance_register_key on attendance_register (tenant_id, class_id, date, class_period_id) nulls not distinct;
create index attendance_register_by_date on attendance_register (tenant_id, date, id);
create index attendance_register_by_modification on attendance_register (tenant_id, date_last_modified, id);
create index attendance_register_by_school on attendance_register (tenant_id, school_id, date);
create index attendance_register_by_class_period on attendance_register (tenant_id, class_period_id);

-- What was said of somebody on a day: of the whole day, or of a class, in a period where the class has any. A correction is a
-- row of its own, and the row before it stays: one that counts says it of each day, class and period.
create table attendance_event (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint attendance_event_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint attendance_event_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint attendance_event_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null constraint attendance_event_created_by_check check (char_length(created_by) <= 300),
    updated_at timestamptz not null,
    updated_by text not null constraint attendance_event_updated_by_check check (char_length(updated_by) <= 300),
    student_id uuid not null,
    school_id uuid not null,
    date date not null,
    class_id uuid,
    class_period_id uuid,
    code_id uuid not null,
    -- What the code meant then. Rates are made of these, so that a code that changes does not rewrite what was.
    category text not null constraint attendance_event_category_check check (char_length(category) <= 255),
    direction text not null constraint attendance_event_direction_check check (direction in ('in', 'out')),
    excused boolean not null,
    reportable boolean not null,
    arrival_time time,
    departure_time time,
    reason text constraint attendance_event_reason_check check (char_length(reason) <= 512),
    register_id uuid,
    absence_request_id uuid,
    -- The row that this one corrects, and when this one was itself corrected.
    supersedes_id uuid,
    superseded_at timestamptz,
    constraint attendance_event_period_check check (class_period_id is null or class_id is not null),
    constraint attendance_event_pkey primary key (tenant_id, id)
);
create unique index attendance_event_current_key
    on attendance_event (tenant_id, student_id, date, class_id, class_period_id) nulls not distinct
    where status = 'active' and superseded_at is null;
create index attendance_event_by_student on attendance_event (tenant_id, student_id, date, id);
create index attendance_event_by_class on attendance_event (tenant_id, class_id, date, id);
create index attendance_event_by_date on attendance_event (tenant_id, date, id);
create index attendance_event_by_school on attendance_event (tenant_id, school_id, date, id);
-- Of what is rare, a list must not go through what is not.
create index attendance_event_by_category on attendance_event (tenant_id, category, date, id)
    where status = 'active' and superseded_at is null and category <> 'present';
create index attendance_event_of_class on attendance_event (tenant_id, date, id) where class_id is not null;
create index attendance_event_deleted on attendance_event (tenant_id, date, id) where status = 'tobedeleted';
create index attendance_event_by_register on attendance_event (tenant_id, register_id) where register_id is not null;
create index attendance_event_by_absence_request on attendance_event (tenant_id, absence_request_id)
    where absence_request_id is not null;
create index attendance_event_by_code on attendance_event (tenant_id, code_id);
create index attendance_event_by_class_period on attendance_event (tenant_id, class_period_id) where class_period_id is not null;
create index attendance_event_by_supersedes on attendance_event (tenant_id, supersedes_id) where supersedes_id is not null;

-- An absence that somebody asks for, and what the school decides. Approved, it makes attendance events.
create table absence_request (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint absence_request_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint absence_request_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint absence_request_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null constraint absence_request_created_by_check check (char_length(created_by) <= 300),
    updated_at timestamptz not null,
    updated_by text not null constraint absence_request_updated_by_check check (char_length(updated_by) <= 300),
    student_id uuid not null,
    begin_date date not null,
    end_date date not null,
    reason text not null constraint absence_request_reason_check check (char_length(reason) between 1 and 512),
    state text not null constraint absence_request_state_check check (state in ('requested', 'approved', 'declined')),
    code_id uuid,
    note text constraint absence_request_note_check check (char_length(note) <= 512),
    decided_at timestamptz,
    decided_by text constraint absence_request_decided_by_check check (char_length(decided_by) <= 300),
    constraint absence_request_dates_check check (end_date > begin_date and end_date <= begin_date + 190),
    constraint absence_request_decision_check check ((state = 'requested') = (decided_at is null)
        and (decided_at is null) = (decided_by is null) and (state = 'approved') = (code_id is not null)),
    constraint absence_request_pkey primary key (tenant_id, id)
);
create index absence_request_by_begin on absence_request (tenant_id, begin_date, id);
create index absence_request_by_state on absence_request (tenant_id, state, begin_date, id) where status = 'active';
create index absence_request_by_student on absence_request (tenant_id, student_id, begin_date, id);
create index absence_request_by_modification on absence_request (tenant_id, date_last_modified, id);
create index absence_request_by_code on absence_request (tenant_id, code_id) where code_id is not null;
