-- The roster in OneRoster's words. What holds for every table:
-- * `tenant_id` comes first in every key and index.
-- * `sourced_id` is the record's name in the system that feeds it; for a record made here, its own id.
-- * A deleted record stays, with the status `tobedeleted`.
-- * `source` says who keeps the record: an import removes only what imports brought.
-- * Columns that are sorted or searched by prefix hold text in normal form (no case, no accents) and compare bytes
--   (collation "C"): row security lets an index be used for such comparisons, and not for LIKE.
-- * Ids and times come from the application. An `end_date` is the first day that no longer counts. Where it is also the
--   first day, the record never counted: packages contain such records, and nobody enters them here.

create table org (
    tenant_id uuid not null,
    id uuid not null,
    sourced_id text not null constraint org_sourced_id_check check (char_length(sourced_id) between 1 and 255),
    status text not null constraint org_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint org_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint org_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    name text not null,
    name_search text collate "C" not null constraint org_name_search_check check (char_length(name_search) <= 200),
    type text not null constraint org_type_check
        check (type in ('department', 'school', 'district', 'local', 'state', 'national') or type like 'ext:_%'),
    identifier text,
    parent_id uuid constraint org_parent_check check (parent_id <> id),
    constraint org_pkey primary key (tenant_id, id),
    constraint org_sourced_id_key unique (tenant_id, sourced_id)
);
create index org_by_name on org (tenant_id, name_search, id);
create index org_by_modification on org (tenant_id, date_last_modified, id);
create index org_by_parent on org (tenant_id, parent_id);

create table academic_session (
    tenant_id uuid not null,
    id uuid not null,
    sourced_id text not null
        constraint academic_session_sourced_id_check check (char_length(sourced_id) between 1 and 255),
    status text not null constraint academic_session_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint academic_session_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint academic_session_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    title text not null,
    title_search text collate "C" not null
        constraint academic_session_title_search_check check (char_length(title_search) <= 200),
    type text not null constraint academic_session_type_check
        check (type in ('gradingPeriod', 'semester', 'schoolYear', 'term') or type like 'ext:_%'),
    start_date date not null,
    end_date date not null,
    -- The year in which the school year ends.
    school_year integer not null
        constraint academic_session_school_year_check check (school_year between 1900 and 2200),
    parent_id uuid constraint academic_session_parent_check check (parent_id <> id),
    constraint academic_session_dates_check check (end_date >= start_date),
    constraint academic_session_pkey primary key (tenant_id, id),
    constraint academic_session_sourced_id_key unique (tenant_id, sourced_id)
);
create index academic_session_by_start on academic_session (tenant_id, start_date, id);
create index academic_session_by_title on academic_session (tenant_id, title_search, id);
create index academic_session_by_modification on academic_session (tenant_id, date_last_modified, id);
create index academic_session_by_parent on academic_session (tenant_id, parent_id);

create table course (
    tenant_id uuid not null,
    id uuid not null,
    sourced_id text not null constraint course_sourced_id_check check (char_length(sourced_id) between 1 and 255),
    status text not null constraint course_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint course_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint course_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    title text not null,
    title_search text collate "C" not null
        constraint course_title_search_check check (char_length(title_search) <= 200),
    course_code text,
    org_id uuid not null,
    school_year_id uuid,
    grades text[] not null,
    -- The two lists name the same subjects in the same order, when codes are known at all.
    subjects text[] not null,
    subject_codes text[] not null,
    constraint course_pkey primary key (tenant_id, id),
    constraint course_sourced_id_key unique (tenant_id, sourced_id)
);
create index course_by_title on course (tenant_id, title_search, id);
create index course_by_modification on course (tenant_id, date_last_modified, id);
create index course_by_org on course (tenant_id, org_id);
create index course_by_school_year on course (tenant_id, school_year_id);

create table class (
    tenant_id uuid not null,
    id uuid not null,
    sourced_id text not null constraint class_sourced_id_check check (char_length(sourced_id) between 1 and 255),
    status text not null constraint class_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint class_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint class_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    title text not null,
    title_search text collate "C" not null
        constraint class_title_search_check check (char_length(title_search) <= 200),
    class_code text,
    class_type text not null constraint class_type_check
        check (class_type in ('homeroom', 'scheduled') or class_type like 'ext:_%'),
    location text,
    course_id uuid not null,
    school_id uuid not null,
    grades text[] not null,
    subjects text[] not null,
    subject_codes text[] not null,
    periods text[] not null,
    constraint class_pkey primary key (tenant_id, id),
    constraint class_sourced_id_key unique (tenant_id, sourced_id)
);
create index class_by_title on class (tenant_id, title_search, id);
create index class_by_modification on class (tenant_id, date_last_modified, id);
create index class_by_course on class (tenant_id, course_id);
create index class_by_school on class (tenant_id, school_id);

-- In which terms a class is held.
create table class_term (
    tenant_id uuid not null,
    class_id uuid not null,
    academic_session_id uuid not null,
    constraint class_term_pkey primary key (tenant_id, class_id, academic_session_id)
);
create index class_term_by_academic_session on class_term (tenant_id, academic_session_id, class_id);

create table person (
    tenant_id uuid not null,
    id uuid not null,
    sourced_id text not null constraint person_sourced_id_check check (char_length(sourced_id) between 1 and 255),
    status text not null constraint person_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint person_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint person_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    -- The sign-in of this person, which the control plane keeps.
    account_id uuid,
    username text,
    enabled_user boolean not null,
    given_name text not null,
    middle_name text,
    family_name text not null,
    preferred_given_name text,
    preferred_middle_name text,
    preferred_family_name text,
    pronouns text,
    -- "family given" and "given family" in normal form: a person is found by the beginning of either.
    name_search text collate "C" not null constraint person_name_search_check check (char_length(name_search) <= 200),
    given_search text collate "C" not null
        constraint person_given_search_check check (char_length(given_search) <= 200),
    identifier text,
    email text,
    sms text,
    phone text,
    -- A list of {"type": …, "identifier": …}.
    user_ids jsonb not null constraint person_user_ids_check check (jsonb_typeof(user_ids) = 'array'),
    user_master_identifier text,
    primary_org_id uuid,
    grades text[] not null,
    constraint person_pkey primary key (tenant_id, id),
    constraint person_sourced_id_key unique (tenant_id, sourced_id)
);
create index person_by_name on person (tenant_id, name_search, id);
-- Deleted ones are few, and are not looked for among all.
create index person_deleted on person (tenant_id, name_search, id) where status = 'tobedeleted';
create index person_by_given_name on person (tenant_id, given_search);
create index person_by_modification on person (tenant_id, date_last_modified, id);
create index person_by_primary_org on person (tenant_id, primary_org_id);
create unique index person_account_key on person (tenant_id, account_id) where account_id is not null;

create table person_role (
    tenant_id uuid not null,
    id uuid not null,
    sourced_id text not null constraint person_role_sourced_id_check check (char_length(sourced_id) between 1 and 255),
    status text not null constraint person_role_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint person_role_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint person_role_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    person_id uuid not null,
    org_id uuid not null,
    role text not null constraint person_role_role_check check (role in ('aide', 'counselor', 'districtAdministrator',
        'guardian', 'parent', 'principal', 'proctor', 'relative', 'siteAdministrator', 'student',
        'systemAdministrator', 'teacher') or role like 'ext:_%'),
    role_type text not null constraint person_role_role_type_check check (role_type in ('primary', 'secondary')),
    begin_date date,
    end_date date,
    user_profile_sourced_id text,
    constraint person_role_dates_check check (end_date >= begin_date),
    constraint person_role_pkey primary key (tenant_id, id),
    constraint person_role_sourced_id_key unique (tenant_id, sourced_id)
);
create unique index person_role_primary_key on person_role (tenant_id, person_id, org_id)
    where role_type = 'primary' and status = 'active';
create index person_role_by_person on person_role (tenant_id, person_id, role);
create index person_role_by_role on person_role (tenant_id, role, person_id) where status = 'active';
create index person_role_by_org on person_role (tenant_id, org_id, role, person_id);

create table enrollment (
    tenant_id uuid not null,
    id uuid not null,
    sourced_id text not null constraint enrollment_sourced_id_check check (char_length(sourced_id) between 1 and 255),
    status text not null constraint enrollment_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint enrollment_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint enrollment_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    class_id uuid not null,
    -- The school in which the class is taken; most often the class's own.
    school_id uuid not null,
    person_id uuid not null,
    role text not null constraint enrollment_role_check
        check (role in ('administrator', 'proctor', 'student', 'teacher') or role like 'ext:_%'),
    -- Among the teachers of a class, the one who answers for it.
    is_primary boolean,
    begin_date date,
    end_date date,
    constraint enrollment_dates_check check (end_date >= begin_date),
    constraint enrollment_pkey primary key (tenant_id, id),
    constraint enrollment_sourced_id_key unique (tenant_id, sourced_id)
);
create index enrollment_by_person on enrollment (tenant_id, person_id, class_id, role);
create index enrollment_by_class on enrollment (tenant_id, class_id, role, person_id);
create index enrollment_by_school on enrollment (tenant_id, school_id);
create index enrollment_by_modification on enrollment (tenant_id, date_last_modified, id);
create index enrollment_deleted on enrollment (tenant_id, id) where status = 'tobedeleted';

-- Apart from `person` because it takes a permission of its own. Its sourcedId is the person's.
create table demographics (
    tenant_id uuid not null,
    person_id uuid not null,
    status text not null constraint demographics_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint demographics_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint demographics_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    birth_date date,
    sex text constraint demographics_sex_check
        check (sex in ('male', 'female', 'unspecified', 'other') or sex like 'ext:_%'),
    american_indian_or_alaska_native boolean,
    asian boolean,
    black_or_african_american boolean,
    native_hawaiian_or_other_pacific_islander boolean,
    white boolean,
    demographic_race_two_or_more_races boolean,
    hispanic_or_latino_ethnicity boolean,
    country_of_birth_code text,
    state_of_birth_abbreviation text,
    city_of_birth text,
    public_school_residence_status text,
    constraint demographics_pkey primary key (tenant_id, person_id)
);
