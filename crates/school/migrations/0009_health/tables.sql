-- Health. What is told of somebody is in `sealed`: a JSON object under the tenant's data key, which opens in its own row and column
-- alone. In clear is what lists go by: whose it is, days, whether it counts, and whether teachers are told. Nothing in these tables
-- can be searched but that.

-- What somebody does not bear.
create table allergy (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint allergy_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint allergy_source_check check (source in ('manual', 'import', 'scim', 'api')),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null constraint allergy_created_by_check check (char_length(created_by) <= 300),
    updated_at timestamptz not null,
    updated_by text not null constraint allergy_updated_by_check check (char_length(updated_by) <= 300),
    student_id uuid not null,
    sealed bytea not null constraint allergy_sealed_check check (octet_length(sealed) between 29 and 65536),
    recorded_date date not null,
    end_date date,
    alert boolean not null,
    constraint allergy_dates_check check (end_date > recorded_date),
    constraint allergy_pkey primary key (tenant_id, id)
);
create index allergy_by_date on allergy (tenant_id, recorded_date, id);
create index allergy_by_modification on allergy (tenant_id, date_last_modified, id);
create index allergy_by_student on allergy (tenant_id, student_id, recorded_date, id);
create index allergy_alert on allergy (tenant_id, id) where status = 'active' and alert;

-- What somebody has.
create table health_condition (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint health_condition_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint health_condition_source_check check (source in ('manual', 'import', 'scim', 'api')),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null constraint health_condition_created_by_check check (char_length(created_by) <= 300),
    updated_at timestamptz not null,
    updated_by text not null constraint health_condition_updated_by_check check (char_length(updated_by) <= 300),
    student_id uuid not null,
    sealed bytea not null constraint health_condition_sealed_check check (octet_length(sealed) between 29 and 65536),
    recorded_date date not null,
    end_date date,
    alert boolean not null,
    constraint health_condition_dates_check check (end_date > recorded_date),
    constraint health_condition_pkey primary key (tenant_id, id)
);
create index health_condition_by_date on health_condition (tenant_id, recorded_date, id);
create index health_condition_by_modification on health_condition (tenant_id, date_last_modified, id);
create index health_condition_by_student on health_condition (tenant_id, student_id, recorded_date, id);
create index health_condition_alert on health_condition (tenant_id, id) where status = 'active' and alert;

-- What somebody is given.
create table medication (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint medication_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint medication_source_check check (source in ('manual', 'import', 'scim', 'api')),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null constraint medication_created_by_check check (char_length(created_by) <= 300),
    updated_at timestamptz not null,
    updated_by text not null constraint medication_updated_by_check check (char_length(updated_by) <= 300),
    student_id uuid not null,
    sealed bytea not null constraint medication_sealed_check check (octet_length(sealed) between 29 and 65536),
    begin_date date not null,
    end_date date,
    constraint medication_dates_check check (end_date > begin_date),
    constraint medication_pkey primary key (tenant_id, id)
);
create index medication_by_date on medication (tenant_id, begin_date, id);
create index medication_by_modification on medication (tenant_id, date_last_modified, id);
create index medication_by_student on medication (tenant_id, student_id, begin_date, id);

-- What somebody was vaccinated against, or why not.
create table immunization (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint immunization_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint immunization_source_check check (source in ('manual', 'import', 'scim', 'api')),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null constraint immunization_created_by_check check (char_length(created_by) <= 300),
    updated_at timestamptz not null,
    updated_by text not null constraint immunization_updated_by_check check (char_length(updated_by) <= 300),
    student_id uuid not null,
    sealed bytea not null constraint immunization_sealed_check check (octet_length(sealed) between 29 and 65536),
    date date not null,
    constraint immunization_pkey primary key (tenant_id, id)
);
create index immunization_by_date on immunization (tenant_id, date, id);
create index immunization_by_modification on immunization (tenant_id, date_last_modified, id);
create index immunization_deleted on immunization (tenant_id, date, id) where status = 'tobedeleted';
create index immunization_by_student on immunization (tenant_id, student_id, date, id);

-- Who came to the health office, and what was done.
create table health_visit (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint health_visit_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint health_visit_source_check check (source in ('manual', 'import', 'scim', 'api')),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null constraint health_visit_created_by_check check (char_length(created_by) <= 300),
    updated_at timestamptz not null,
    updated_by text not null constraint health_visit_updated_by_check check (char_length(updated_by) <= 300),
    student_id uuid not null,
    sealed bytea not null constraint health_visit_sealed_check check (octet_length(sealed) between 29 and 65536),
    date date not null,
    constraint health_visit_pkey primary key (tenant_id, id)
);
create index health_visit_by_date on health_visit (tenant_id, date, id);
create index health_visit_by_modification on health_visit (tenant_id, date_last_modified, id);
create index health_visit_by_student on health_visit (tenant_id, student_id, date, id);

-- Who saw which record of whom, and when. Written in the transaction that reads; never changed. It points at no person: what was
-- seen stays written as it was, also when two persons turn out to be one.
create table access_log_entry (
    tenant_id uuid not null,
    id uuid not null,
    at timestamptz not null,
    actor text not null constraint access_log_entry_actor_check check (char_length(actor) <= 300),
    account_id uuid,
    action text not null constraint access_log_entry_action_check check (action in ('read', 'create', 'update')),
    resource text not null constraint access_log_entry_resource_check check (char_length(resource) <= 100),
    resource_id text not null constraint access_log_entry_resource_id_check check (char_length(resource_id) <= 200),
    student_id uuid not null,
    request_id uuid not null,
    constraint access_log_entry_pkey primary key (tenant_id, id)
);
create index access_log_entry_by_student on access_log_entry (tenant_id, student_id, id);
create index access_log_entry_by_account on access_log_entry (tenant_id, account_id, id);
