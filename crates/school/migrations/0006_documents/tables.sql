-- Documents of persons and their photographs, with what is in the files. What holds for every table of the roster holds here, but
-- for `sourced_id`: these records have no name in OneRoster.

create table document (
    tenant_id uuid not null,
    id uuid not null,
    status text not null constraint document_status_check check (status in ('active', 'tobedeleted')),
    date_last_modified timestamptz not null,
    source text not null constraint document_source_check check (source in ('manual', 'import', 'scim', 'api')),
    metadata jsonb not null constraint document_metadata_check check (jsonb_typeof(metadata) = 'object'),
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    -- Whose it is: a student's, or of somebody on the staff.
    person_id uuid not null,
    document_type text not null constraint document_document_type_check
        check ((document_type in ('birth_certificate', 'identity_document', 'residence_permit', 'court_order',
            'medical_certificate', 'consent_form', 'contract', 'report', 'certificate', 'photograph_consent', 'other')
            or document_type like 'ext:_%') and char_length(document_type) <= 255),
    title text not null constraint document_title_check check (char_length(title) between 1 and 512),
    title_search text collate "C" not null constraint document_title_search_check check (char_length(title_search) <= 200),
    issued_on date,
    -- The last day on which it holds; 9999-12-31 where it has none. Not null, so that an index has all of them in order.
    expires_on date not null,
    note text constraint document_note_check check (char_length(note) between 1 and 2000),
    -- Who may see it besides the office. Of an order of a court nobody.
    audiences text[] not null constraint document_audiences_check
        check (audiences <@ array['teachers', 'guardians', 'self'] and cardinality(audiences) <= 3
            and (document_type <> 'court_order' or cardinality(audiences) = 0)),
    -- The file, where there is one.
    file_name text constraint document_file_name_check check (char_length(file_name) between 1 and 255),
    media_type text constraint document_media_type_check
        check (media_type in ('application/pdf', 'image/jpeg', 'image/png', 'image/webp', 'text/plain',
            'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
            'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
            'application/vnd.oasis.opendocument.text', 'application/vnd.oasis.opendocument.spreadsheet')),
    byte_size bigint constraint document_byte_size_check check (byte_size between 1 and 10485760),
    sha256 bytea constraint document_sha256_check check (octet_length(sha256) = 32),
    constraint document_dates_check check (expires_on >= issued_on),
    constraint document_file_check check (num_nonnulls(file_name, media_type, byte_size, sha256) in (0, 4)),
    constraint document_pkey primary key (tenant_id, id)
);
create index document_by_title on document (tenant_id, title_search, id);
create index document_by_expiry on document (tenant_id, expires_on, id);
create index document_by_modification on document (tenant_id, date_last_modified, id);
create index document_by_person on document (tenant_id, person_id, id);

-- What is in the file, in parts.
create table document_part (
    tenant_id uuid not null,
    document_id uuid not null,
    number integer not null,
    bytes bytea not null constraint document_part_bytes_check check (octet_length(bytes) between 1 and 1048576),
    constraint document_part_pkey primary key (tenant_id, document_id, number)
);

-- What somebody looks like. Erased, not marked as deleted.
create table person_photo (
    tenant_id uuid not null,
    person_id uuid not null,
    version bigint not null,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    media_type text not null constraint person_photo_media_type_check
        check (media_type in ('image/jpeg', 'image/png', 'image/webp')),
    width integer not null constraint person_photo_width_check check (width between 1 and 8192),
    height integer not null constraint person_photo_height_check check (height between 1 and 8192),
    byte_size bigint not null constraint person_photo_byte_size_check check (byte_size between 1 and 2097152),
    bytes bytea not null constraint person_photo_bytes_check check (octet_length(bytes) between 1 and 2097152),
    constraint person_photo_pkey primary key (tenant_id, person_id)
);

-- The order of a court that a contact's custody follows from. It is of the same student, and of the type `court_order`: the
-- statement that writes it holds the document while it looks.
alter table contact add column court_order_document_id uuid;
create index contact_by_court_order on contact (tenant_id, court_order_document_id);
