-- People and families in Ed-Fi's words. What holds for every table of the roster holds here, but for `sourced_id`: these
-- records have no name in OneRoster.

-- Who acts for whom: `contact_id` is a parent, guardian or other relation of `student_id`. One row a pair of persons, deleted
-- or not: what was decided about the two is found again when the relation comes back.
create table contact (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint contact_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint contact_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint contact_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    student_id uuid not null,
    contact_id uuid not null constraint contact_self_check check (contact_id <> student_id),
    relation text not null constraint contact_relation_check
        check ((relation in ('parent', 'mother', 'father', 'guardian', 'stepparent', 'grandparent', 'relative', 'other')
            or relation like 'ext:_%') and char_length(relation) <= 255),
    -- Null is not known.
    legal_guardian boolean,
    lives_with boolean,
    primary_contact boolean not null,
    emergency_contact boolean not null,
    contact_priority integer constraint contact_priority_check check (contact_priority between 1 and 100),
    custody text constraint contact_custody_check check (custody in ('full', 'shared', 'restricted', 'none')),
    -- Null leaves it to the custody.
    child_data_access boolean,
    contact_by_call boolean not null,
    contact_by_sms boolean not null,
    contact_by_email boolean not null,
    contact_by_mail boolean not null,
    contact_restrictions text constraint contact_restrictions_check
        check (char_length(contact_restrictions) between 1 and 2000),
    begin_date date,
    end_date date,
    constraint contact_access_check check (custody <> 'none' or child_data_access is not true),
    constraint contact_dates_check check (end_date >= begin_date),
    constraint contact_pkey primary key (tenant_id, id),
    constraint contact_pair_key unique (tenant_id, student_id, contact_id)
);
create index contact_by_contact on contact (tenant_id, contact_id, student_id);
create index contact_by_modification on contact (tenant_id, date_last_modified, id);
create index contact_deleted on contact (tenant_id, id) where status = 'tobedeleted';

-- Those who belong together, as the school sees it.
create table family (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint family_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint family_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint family_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    name text not null constraint family_name_check check (char_length(name) between 1 and 512),
    name_search text collate "C" not null constraint family_name_search_check check (char_length(name_search) <= 200),
    home_language text constraint family_home_language_check check (char_length(home_language) between 1 and 512),
    constraint family_pkey primary key (tenant_id, id)
);
create index family_by_name on family (tenant_id, name_search, id);
create index family_by_modification on family (tenant_id, date_last_modified, id);

create table family_member (
    tenant_id uuid not null,
    family_id uuid not null,
    person_id uuid not null,
    constraint family_member_pkey primary key (tenant_id, family_id, person_id)
);
create index family_member_by_person on family_member (tenant_id, person_id, family_id);

-- A post of somebody on the staff.
create table staff_assignment (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint staff_assignment_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint staff_assignment_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint staff_assignment_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    person_id uuid not null,
    org_id uuid not null,
    position_title text
        constraint staff_assignment_position_title_check check (char_length(position_title) between 1 and 512),
    staff_classification text not null constraint staff_assignment_staff_classification_check
        check ((staff_classification in ('assistantPrincipal', 'counselor', 'districtAdministrator',
            'instructionalAide', 'librarian', 'nurse', 'officeStaff', 'principal', 'substituteTeacher', 'supportStaff',
            'teacher', 'other') or staff_classification like 'ext:_%') and char_length(staff_classification) <= 255),
    -- In ten-thousandths of a whole post.
    full_time_equivalency integer
        constraint staff_assignment_full_time_equivalency_check check (full_time_equivalency between 0 and 10000),
    begin_date date not null,
    end_date date,
    constraint staff_assignment_dates_check check (end_date >= begin_date),
    constraint staff_assignment_pkey primary key (tenant_id, id)
);
create index staff_assignment_by_begin on staff_assignment (tenant_id, begin_date, id);
create index staff_assignment_by_modification on staff_assignment (tenant_id, date_last_modified, id);
create index staff_assignment_by_person on staff_assignment (tenant_id, person_id);
create index staff_assignment_by_org on staff_assignment (tenant_id, org_id);

-- Two records that were one person. `merged_id` became part of `kept_id`; status `tobedeleted` says that it was taken back.
create table person_merge (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint person_merge_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint person_merge_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint person_merge_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    kept_id uuid not null,
    merged_id uuid not null constraint person_merge_self_check check (merged_id <> kept_id),
    reason text constraint person_merge_reason_check check (char_length(reason) between 1 and 512),
    -- The sign-in that went from one to the other.
    account_id uuid,
    constraint person_merge_pkey primary key (tenant_id, id)
);
create index person_merge_by_modification on person_merge (tenant_id, date_last_modified, id);
create index person_merge_by_kept on person_merge (tenant_id, kept_id);
create index person_merge_by_merged on person_merge (tenant_id, merged_id);

-- What a merge did to each row, so that it can be taken back. `row_id` is the row's own id; of a family membership the
-- family's, of a custom value the field's, of demographics the merged person's.
create table person_merge_row (
    tenant_id uuid not null,
    merge_id uuid not null,
    table_name text not null constraint person_merge_row_table_name_check check (char_length(table_name) between 1 and 63),
    row_id uuid not null,
    what text not null constraint person_merge_row_what_check
        check (what in ('moved', 'moved_contact', 'demoted', 'set_aside')),
    constraint person_merge_row_pkey primary key (tenant_id, merge_id, table_name, row_id, what)
);

-- A year, or part of one, that a student spent at this school or at another.
create table academic_record (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint academic_record_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint academic_record_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint academic_record_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    student_id uuid not null,
    school_name text not null
        constraint academic_record_school_name_check check (char_length(school_name) between 1 and 512),
    -- Where it is an organisation of this tenant.
    org_id uuid,
    -- The year in which the school year ends.
    school_year integer not null constraint academic_record_school_year_check check (school_year between 1900 and 2200),
    grade_level text constraint academic_record_grade_level_check check (char_length(grade_level) between 1 and 512),
    begin_date date,
    end_date date,
    result text constraint academic_record_result_check
        check ((result in ('promoted', 'retained', 'completed', 'graduated', 'transferred', 'withdrawn', 'other')
            or result like 'ext:_%') and char_length(result) <= 255),
    -- In thousandths.
    credits_earned integer constraint academic_record_credits_earned_check check (credits_earned between 0 and 1000000),
    grade_point_average integer
        constraint academic_record_grade_point_average_check check (grade_point_average between 0 and 1000000),
    notes text constraint academic_record_notes_check check (char_length(notes) between 1 and 2000),
    constraint academic_record_dates_check check (end_date >= begin_date),
    constraint academic_record_pkey primary key (tenant_id, id)
);
create index academic_record_by_modification on academic_record (tenant_id, date_last_modified, id);
create index academic_record_by_student on academic_record (tenant_id, student_id);
create index academic_record_by_org on academic_record (tenant_id, org_id);

-- A field of the tenant's own, of one kind of record.
create table custom_field (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint custom_field_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint custom_field_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint custom_field_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    resource text not null
        constraint custom_field_resource_check check (resource in ('person', 'org', 'course', 'class')),
    name text not null constraint custom_field_name_check check (char_length(name) between 1 and 63),
    title text not null constraint custom_field_title_check check (char_length(title) between 1 and 512),
    title_search text collate "C" not null
        constraint custom_field_title_search_check check (char_length(title_search) <= 200),
    type text not null
        constraint custom_field_type_check check (type in ('text', 'number', 'date', 'boolean', 'choice')),
    choices text[] not null constraint custom_field_choices_check
        check ((cardinality(choices) > 0) = (type = 'choice') and cardinality(choices) <= 100),
    required boolean not null,
    searchable boolean not null constraint custom_field_searchable_check check (not searchable or type in ('text', 'choice')),
    constraint custom_field_pkey primary key (tenant_id, id),
    constraint custom_field_name_key unique (tenant_id, resource, name)
);
create index custom_field_by_title on custom_field (tenant_id, title_search, id);
create index custom_field_by_modification on custom_field (tenant_id, date_last_modified, id);

-- What is in such a field of one record. Never changed: what is replaced goes, and another comes.
create table custom_value (
    tenant_id uuid not null,
    custom_field_id uuid not null,
    record_id uuid not null,
    person_id uuid,
    org_id uuid,
    course_id uuid,
    class_id uuid,
    text_value text constraint custom_value_text_value_check check (char_length(text_value) between 1 and 2000),
    number_value double precision,
    date_value date,
    boolean_value boolean,
    -- In normal form, of texts and choices.
    value_search text collate "C" constraint custom_value_value_search_check check (char_length(value_search) <= 200),
    constraint custom_value_record_check check (num_nonnulls(person_id, org_id, course_id, class_id) = 1
        and record_id = coalesce(person_id, org_id, course_id, class_id)),
    constraint custom_value_one_check check (num_nonnulls(text_value, number_value, date_value, boolean_value) = 1),
    constraint custom_value_pkey primary key (tenant_id, custom_field_id, record_id)
);
create index custom_value_by_record on custom_value (tenant_id, record_id);
create index custom_value_by_search on custom_value (tenant_id, custom_field_id, value_search, record_id);
create index custom_value_by_person on custom_value (tenant_id, person_id);
create index custom_value_by_org on custom_value (tenant_id, org_id);
create index custom_value_by_course on custom_value (tenant_id, course_id);
create index custom_value_by_class on custom_value (tenant_id, class_id);
