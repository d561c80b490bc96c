-- The school's days and hours. What holds for every table of the roster holds here too, but that these records have no name in
-- other systems: OneRoster knows none of them.

-- A part of the school day in which classes meet.
create table class_period (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint class_period_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint class_period_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint class_period_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null constraint class_period_created_by_check check (char_length(created_by) <= 300),
    updated_at timestamptz not null,
    updated_by text not null constraint class_period_updated_by_check check (char_length(updated_by) <= 300),
    school_id uuid not null,
    name text not null constraint class_period_name_check check (char_length(name) between 1 and 512),
    name_search text collate "C" not null
        constraint class_period_name_search_check check (char_length(name_search) <= 200),
    sequence integer not null constraint class_period_sequence_check check (sequence between 0 and 1000),
    -- The usual times, by the school's own clock. A bell schedule may say otherwise for a day.
    start_time time not null,
    end_time time not null,
    official_attendance_period boolean not null,
    constraint class_period_times_check check (end_time > start_time),
    constraint class_period_pkey primary key (tenant_id, id)
);
create unique index class_period_name_key on class_period (tenant_id, school_id, name_search) where status = 'active';
create index class_period_by_sequence on class_period (tenant_id, sequence, id);
create index class_period_by_name on class_period (tenant_id, name_search, id);
create index class_period_by_modification on class_period (tenant_id, date_last_modified, id);
create index class_period_by_school on class_period (tenant_id, school_id, sequence);

-- A named form of the day, such as a short one, in which periods are not at their usual times.
create table bell_schedule (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint bell_schedule_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint bell_schedule_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint bell_schedule_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null constraint bell_schedule_created_by_check check (char_length(created_by) <= 300),
    updated_at timestamptz not null,
    updated_by text not null constraint bell_schedule_updated_by_check check (char_length(updated_by) <= 300),
    school_id uuid not null,
    name text not null constraint bell_schedule_name_check check (char_length(name) between 1 and 512),
    name_search text collate "C" not null
        constraint bell_schedule_name_search_check check (char_length(name_search) <= 200),
    constraint bell_schedule_pkey primary key (tenant_id, id)
);
create unique index bell_schedule_name_key on bell_schedule (tenant_id, school_id, name_search) where status = 'active';
create index bell_schedule_by_school on bell_schedule (tenant_id, school_id);
create index bell_schedule_by_name on bell_schedule (tenant_id, name_search, id);
create index bell_schedule_by_modification on bell_schedule (tenant_id, date_last_modified, id);

-- When a period begins and ends on days of this form. A period that is not named here is not held on them.
create table bell_schedule_period (
    tenant_id uuid not null,
    bell_schedule_id uuid not null,
    class_period_id uuid not null,
    start_time time not null,
    end_time time not null,
    constraint bell_schedule_period_times_check check (end_time > start_time),
    constraint bell_schedule_period_pkey primary key (tenant_id, bell_schedule_id, class_period_id)
);
create index bell_schedule_period_by_class_period on bell_schedule_period (tenant_id, class_period_id);

-- What a day is. At most one entry that counts says it of a school's day.
create table calendar_date (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint calendar_date_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint calendar_date_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint calendar_date_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null constraint calendar_date_created_by_check check (char_length(created_by) <= 300),
    updated_at timestamptz not null,
    updated_by text not null constraint calendar_date_updated_by_check check (char_length(updated_by) <= 300),
    school_id uuid not null,
    date date not null,
    calendar_event text not null constraint calendar_date_calendar_event_check
        check (calendar_event in ('instructional', 'holiday', 'teacher_only', 'make_up', 'emergency')
            or calendar_event like 'ext:_%' and char_length(calendar_event) <= 255),
    is_instructional boolean not null,
    title text constraint calendar_date_title_check check (char_length(title) <= 512),
    -- Of a timetable that rotates, such as A and B.
    cycle_day text constraint calendar_date_cycle_day_check check (char_length(cycle_day) <= 16),
    bell_schedule_id uuid,
    constraint calendar_date_pkey primary key (tenant_id, id)
);
create unique index calendar_date_day_key on calendar_date (tenant_id, school_id, date) where status = 'active';
create index calendar_date_by_school on calendar_date (tenant_id, school_id);
create index calendar_date_by_date on calendar_date (tenant_id, date, id);
create index calendar_date_by_modification on calendar_date (tenant_id, date_last_modified, id);
create index calendar_date_by_bell_schedule on calendar_date (tenant_id, bell_schedule_id);

create table room (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint room_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint room_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint room_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null constraint room_created_by_check check (char_length(created_by) <= 300),
    updated_at timestamptz not null,
    updated_by text not null constraint room_updated_by_check check (char_length(updated_by) <= 300),
    school_id uuid not null,
    room_number text not null constraint room_room_number_check check (char_length(room_number) between 1 and 100),
    room_number_search text collate "C" not null
        constraint room_room_number_search_check check (char_length(room_number_search) <= 200),
    room_type text not null constraint room_room_type_check
        check (room_type in ('classroom', 'laboratory', 'gymnasium', 'library', 'auditorium')
            or room_type like 'ext:_%' and char_length(room_type) <= 255),
    capacity integer constraint room_capacity_check check (capacity between 1 and 10000),
    constraint room_pkey primary key (tenant_id, id)
);
create unique index room_number_key on room (tenant_id, school_id, room_number_search) where status = 'active';
create index room_by_school on room (tenant_id, school_id);
create index room_by_number on room (tenant_id, room_number_search, id);
create index room_by_modification on room (tenant_id, date_last_modified, id);

-- When and where a class meets: on a day of the week or on a day of a timetable that rotates, in a period.
create table meeting (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint meeting_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint meeting_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint meeting_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null constraint meeting_created_by_check check (char_length(created_by) <= 300),
    updated_at timestamptz not null,
    updated_by text not null constraint meeting_updated_by_check check (char_length(updated_by) <= 300),
    class_id uuid not null,
    class_period_id uuid not null,
    -- From 1, Monday, to 7, Sunday.
    day_of_week smallint constraint meeting_day_of_week_check check (day_of_week between 1 and 7),
    cycle_day text constraint meeting_cycle_day_check check (char_length(cycle_day) <= 16),
    room_id uuid,
    -- Who teaches it, where it is one of several teachers of the class.
    teacher_id uuid,
    begin_date date,
    end_date date,
    constraint meeting_day_check check ((day_of_week is null) <> (cycle_day is null)),
    constraint meeting_dates_check check (end_date > begin_date),
    constraint meeting_pkey primary key (tenant_id, id)
);
create index meeting_by_class on meeting (tenant_id, class_id, day_of_week);
create index meeting_by_class_period on meeting (tenant_id, class_period_id, day_of_week, cycle_day) where status = 'active';
create index meeting_by_room on meeting (tenant_id, room_id, day_of_week) where status = 'active';
create index meeting_by_teacher on meeting (tenant_id, teacher_id, day_of_week) where status = 'active';
create index meeting_by_modification on meeting (tenant_id, date_last_modified, id);
