-- Years at schools in Ed-Fi's words: when a student entered and left, and how a whole school goes from one year to the next.
-- These records have no name in OneRoster.

-- A student's time at a school. No two of one student at one school share a day.
create table student_school_association (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint student_school_association_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint student_school_association_source_check
        check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint student_school_association_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    student_id uuid not null,
    school_id uuid not null,
    entry_date date not null,
    entry_grade_level text constraint student_school_association_entry_grade_level_check
        check (char_length(entry_grade_level) between 1 and 512),
    entry_type text constraint student_school_association_entry_type_check
        check ((entry_type in ('original', 'next_year', 'transfer', 'reentry', 'other') or entry_type like 'ext:_%')
            and char_length(entry_type) <= 255),
    -- The first day on which the student is no longer there.
    exit_withdraw_date date,
    exit_withdraw_type text constraint student_school_association_exit_withdraw_type_check
        check ((exit_withdraw_type in ('promoted', 'retained', 'graduated', 'completed', 'transferred', 'moved', 'withdrawn',
            'expelled', 'deceased', 'never_attended', 'other') or exit_withdraw_type like 'ext:_%')
            and char_length(exit_withdraw_type) <= 255),
    exit_withdraw_reason text constraint student_school_association_exit_withdraw_reason_check
        check (char_length(exit_withdraw_reason) between 1 and 2000),
    primary_school boolean not null,
    repeat_grade_indicator boolean not null,
    next_year_school_id uuid,
    next_year_grade_level text constraint student_school_association_next_year_grade_level_check
        check (char_length(next_year_grade_level) between 1 and 512),
    -- The version that a withdrawal left: one that has another was changed since.
    exit_version bigint,
    constraint student_school_association_dates_check check (exit_withdraw_date >= entry_date),
    constraint student_school_association_pkey primary key (tenant_id, id)
);
create index student_school_association_by_entry on student_school_association (tenant_id, entry_date, id);
create index student_school_association_by_modification on student_school_association (tenant_id, date_last_modified, id);
create index student_school_association_deleted on student_school_association (tenant_id, entry_date, id) where status = 'tobedeleted';
create index student_school_association_by_student on student_school_association (tenant_id, student_id, entry_date, id);
create index student_school_association_by_school on student_school_association (tenant_id, school_id, entry_date, id);
create index student_school_association_by_grade on student_school_association (tenant_id, entry_grade_level, entry_date, id);
create index student_school_association_by_next_year_school on student_school_association (tenant_id, next_year_school_id);

-- Places in classes that a withdrawal ended, so that it can be taken back. Those that had not begun were marked as deleted.
create table school_exit_place (
    tenant_id uuid not null,
    association_id uuid not null,
    enrollment_id uuid not null,
    end_date_before date,
    -- The version that the withdrawal left.
    version_after bigint not null,
    constraint school_exit_place_pkey primary key (tenant_id, association_id, enrollment_id)
);
create index school_exit_place_by_enrollment on school_exit_place (tenant_id, enrollment_id);

-- A school goes from one year to the next: what was asked for, and how far it is.
create table year_rollover (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint year_rollover_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint year_rollover_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint year_rollover_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    school_id uuid not null,
    from_session_id uuid not null,
    to_session_id uuid not null constraint year_rollover_sessions_check check (to_session_id <> from_session_id),
    -- Which grade follows on which, where it is not the usual one.
    next_grades jsonb not null constraint year_rollover_next_grades_check check (jsonb_typeof(next_grades) = 'object'),
    -- The grades that leave the school with its end.
    graduating_grades text[] not null,
    state text not null constraint year_rollover_state_check
        check (state in ('planned', 'applying', 'applied', 'failed', 'undone')),
    -- How many students become what.
    promoted integer not null,
    repeating integer not null,
    graduating integer not null,
    leaving integer not null,
    undecided integer not null,
    -- How far it is.
    done integer not null,
    -- Why it failed, in a word.
    failure text constraint year_rollover_failure_check check (char_length(failure) <= 100),
    applied_at timestamptz,
    applied_by text,
    undone_at timestamptz,
    undone_by text,
    constraint year_rollover_pkey primary key (tenant_id, id)
);
create index year_rollover_by_modification on year_rollover (tenant_id, date_last_modified, id);
create index year_rollover_by_school on year_rollover (tenant_id, school_id);
create index year_rollover_by_from_session on year_rollover (tenant_id, from_session_id);
create index year_rollover_by_to_session on year_rollover (tenant_id, to_session_id);

-- What happens to each student.
create table year_rollover_student (
    tenant_id uuid not null,
    id uuid not null,
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    year_rollover_id uuid not null,
    -- The student's time at the school, and its version when this was planned.
    association_id uuid not null,
    association_version bigint not null,
    name_search text collate "C" not null
        constraint year_rollover_student_name_search_check check (char_length(name_search) <= 200),
    grade_level text constraint year_rollover_student_grade_level_check check (char_length(grade_level) between 1 and 512),
    outcome text not null constraint year_rollover_student_outcome_check
        check (outcome in ('promoted', 'repeats', 'graduates', 'leaves', 'undecided')),
    next_grade_level text constraint year_rollover_student_next_grade_level_check
        check (char_length(next_grade_level) between 1 and 512),
    -- Where it is another school.
    next_school_id uuid,
    -- The first day on which this year no longer counts; where another begins, its first day.
    exit_date date not null,
    -- Why nothing was decided or done, in a word.
    problem text constraint year_rollover_student_problem_check check (char_length(problem) <= 100),
    by_hand boolean not null,
    state text not null constraint year_rollover_student_state_check check (state in ('planned', 'done', 'skipped', 'undone')),
    -- The version that the rollover left of the association, and the association it made.
    version_after bigint,
    next_association_id uuid,
    constraint year_rollover_student_pkey primary key (tenant_id, id),
    constraint year_rollover_student_key unique (tenant_id, year_rollover_id, association_id)
);
create index year_rollover_student_by_name on year_rollover_student (tenant_id, name_search, id);
create index year_rollover_student_by_rollover on year_rollover_student (tenant_id, year_rollover_id, name_search, id);
create index year_rollover_student_by_association on year_rollover_student (tenant_id, association_id);
create index year_rollover_student_by_next_school on year_rollover_student (tenant_id, next_school_id);
create index year_rollover_student_by_next_association on year_rollover_student (tenant_id, next_association_id);
