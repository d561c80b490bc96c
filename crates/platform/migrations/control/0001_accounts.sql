-- Who may sign in, where they belong, and what they hold meanwhile. Secrets are kept as hashes, or sealed under a key that is
-- not in this database.

create table account (
    id uuid primary key,
    -- Null for an account of the platform; else the tenant that manages the account, which ends with it.
    tenant_id uuid references tenant on delete cascade,
    email text check (char_length(email) between 3 and 254),
    -- Lower case, for finding.
    email_key text constraint account_email_key unique,
    email_verified_at timestamptz,
    username text check (char_length(username) between 1 and 64),
    username_key text,
    display_name text not null check (char_length(display_name) between 1 and 200),
    locale text not null check (char_length(locale) between 2 and 35),
    password_hash text check (char_length(password_hash) <= 300),
    password_changed_at timestamptz,
    -- How strong (0 to 4) and how long (up to 32): a tenant entered later may ask for more.
    password_strength smallint,
    password_length smallint,
    must_change_password boolean not null default false,
    status text not null default 'active' check (status in ('active', 'disabled')),
    operator_role text check (operator_role in ('viewer', 'support', 'admin')),
    version bigint not null default 1,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    constraint account_username_key unique (tenant_id, username_key),
    -- A credential opens only its scope: by e-mail everywhere, by username in one tenant.
    constraint account_scope_check check (case when tenant_id is null
        then email_key is not null and username_key is null
        else username_key is not null and email_key is null and operator_role is null end)
);

-- What decides about a tenant's tokens and passwords. One row a tenant, made when first needed.
create table tenant_access (
    tenant_id uuid primary key references tenant on delete cascade,
    -- Grows, under this row's lock, with every change of who may do what here. A token of an older one is refused where the
    -- revocation says so.
    roles_version bigint not null default 1,
    -- Overrides of the platform's password and session rules.
    policy jsonb not null default '{}',
    -- Overrides of the settings' defaults.
    settings jsonb not null default '{}',
    version bigint not null default 1,
    updated_at timestamptz not null,
    updated_by text not null
);

create table membership (
    id uuid primary key,
    account_id uuid not null references account on delete cascade,
    tenant_id uuid not null references tenant on delete cascade,
    -- Names of roles: those of modules, and the tenant's own.
    roles text[] not null check (cardinality(roles) between 1 and 20),
    status text not null default 'active' check (status in ('active', 'suspended')),
    -- The person of the roster that the account is.
    person_id uuid,
    version bigint not null default 1,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    constraint membership_key unique (tenant_id, account_id),
    -- Nobody is two persons, and no person two members.
    constraint membership_person_key unique (tenant_id, person_id)
);
create index membership_account on membership (account_id);
create index membership_order on membership (tenant_id, id);

create table custom_role (
    id uuid primary key,
    tenant_id uuid not null references tenant on delete cascade,
    name text not null check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    display_name text not null check (char_length(display_name) between 1 and 100),
    description text check (char_length(description) <= 500),
    -- Names of roles whose permissions it has too.
    inherits text[] not null default '{}' check (cardinality(inherits) <= 10),
    permissions text[] not null default '{}' check (cardinality(permissions) <= 100),
    version bigint not null default 1,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null,
    constraint custom_role_name_key unique (tenant_id, name)
);

create table session (
    id uuid primary key,
    account_id uuid not null references account on delete cascade,
    kind text not null check (kind in ('api', 'browser')),
    user_agent text check (char_length(user_agent) <= 300),
    -- What people read: "Firefox on Linux".
    device text not null check (char_length(device) <= 100),
    client_address text check (char_length(client_address) <= 45),
    created_at timestamptz not null,
    last_used_at timestamptz not null,
    -- Ends when it was not used for so long.
    idle_seconds integer not null check (idle_seconds > 0),
    expires_at timestamptz not null,
    -- A second factor was given.
    mfa_at timestamptz,
    ended_at timestamptz,
    ended_because text check (ended_because in ('signed_out', 'revoked', 'reused', 'password_changed', 'disabled', 'expired'))
);
create index session_account on session (account_id, id) where ended_at is null;
create index session_expiry on session (expires_at);

create table refresh_token (
    -- SHA-256 of the token.
    hash bytea primary key check (octet_length(hash) = 32),
    session_id uuid not null references session on delete cascade,
    -- Where the access tokens it buys are good; null outside of every tenant.
    tenant_id uuid references tenant on delete cascade,
    issued_at timestamptz not null,
    expires_at timestamptz not null,
    -- Used a second time, it was stolen: the session ends.
    used_at timestamptz
);
create index refresh_token_session on refresh_token (session_id);

create table browser_session (
    -- SHA-256 of the cookie.
    hash bytea primary key check (octet_length(hash) = 32),
    session_id uuid not null references session on delete cascade,
    host text not null check (char_length(host) <= 253),
    tenant_id uuid references tenant on delete cascade,
    created_at timestamptz not null
);
create index browser_session_session on browser_session (session_id);

-- Codes and links that work once: hand-over to another host, verification of an address, a new password, a second factor.
create table one_time_token (
    hash bytea primary key check (octet_length(hash) = 32),
    purpose text not null check (purpose in ('handover', 'verify_email', 'reset_password', 'second_factor', 'signup')),
    account_id uuid references account on delete cascade,
    -- What it is good for, and nothing else.
    details jsonb not null,
    attempts integer not null default 0,
    issued_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);
create index one_time_token_account on one_time_token (account_id, purpose);
create index one_time_token_expiry on one_time_token (expires_at);

-- Tokens that are refused although they have not expired. Every node has those of the last minutes in memory.
create table revocation (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    -- All tokens of a session, …
    session_id uuid,
    -- … or of an account in a tenant, or of a tenant, from before a version of its roles.
    account_id uuid,
    tenant_id uuid,
    roles_version bigint,
    constraint revocation_check check ((session_id is not null) <> (tenant_id is not null and roles_version is not null))
);
create index revocation_at on revocation (at);

create table signing_key (
    -- The `kid` of tokens.
    id text primary key check (char_length(id) between 8 and 64),
    public_key bytea not null,
    -- The private key, sealed.
    sealed bytea not null,
    created_at timestamptz not null,
    -- It signs from here on; before, nodes get to know it.
    signs_from timestamptz not null,
    -- It is no longer believed.
    retired_at timestamptz
);

create table totp (
    account_id uuid primary key references account on delete cascade,
    sealed bytea not null,
    created_at timestamptz not null,
    confirmed_at timestamptz,
    -- The last step whose code was taken: none is taken twice.
    last_step bigint not null default 0
);

create table recovery_code (
    account_id uuid not null references account on delete cascade,
    hash bytea not null check (octet_length(hash) = 32),
    created_at timestamptz not null,
    used_at timestamptz,
    primary key (account_id, hash)
);

create table known_device (
    account_id uuid not null references account on delete cascade,
    -- SHA-256 of the device's secret.
    hash bytea not null check (octet_length(hash) = 32),
    device text not null check (char_length(device) <= 100),
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    primary key (account_id, hash)
);

-- Failed attempts to sign in, by what was tried and from where.
create table sign_in_failure (
    key bytea primary key check (octet_length(key) = 32),
    failures integer not null,
    last_at timestamptz not null,
    locked_until timestamptz
);
create index sign_in_failure_age on sign_in_failure (last_at);

create table invitation (
    id uuid primary key,
    tenant_id uuid not null references tenant on delete cascade,
    email text not null check (char_length(email) between 3 and 254),
    email_key text not null,
    display_name text check (char_length(display_name) between 1 and 200),
    roles text[] not null check (cardinality(roles) between 1 and 20),
    person_id uuid,
    -- SHA-256 of the link's token.
    hash bytea not null constraint invitation_hash_key unique check (octet_length(hash) = 32),
    state text not null check (state in ('open', 'accepted', 'revoked', 'expired')),
    sent_at timestamptz not null,
    -- When mails went out in the last hour before the last one.
    sent_lately timestamptz[] not null default '{}' check (cardinality(sent_lately) <= 10),
    sent_times integer not null default 1,
    expires_at timestamptz not null,
    accepted_at timestamptz,
    account_id uuid references account on delete set null,
    version bigint not null default 1,
    created_at timestamptz not null,
    created_by text not null,
    updated_at timestamptz not null,
    updated_by text not null
);
-- One open invitation an address and tenant.
create unique index invitation_open_key on invitation (tenant_id, email_key) where state = 'open';
create index invitation_order on invitation (tenant_id, id);
create index invitation_sent on invitation (tenant_id, sent_at);
create index invitation_account on invitation (account_id);

create table signup (
    id uuid primary key,
    -- SHA-256 of the status address's secret.
    status_hash bytea not null constraint signup_status_hash_key unique check (octet_length(status_hash) = 32),
    email text not null check (char_length(email) between 3 and 254),
    email_key text not null,
    slug text not null,
    display_name text not null check (char_length(display_name) between 1 and 200),
    kind text not null,
    tier text not null check (tier in ('shared', 'schema', 'database')),
    locale text not null,
    time_zone text not null,
    -- The network it came from.
    client_address text check (char_length(client_address) <= 45),
    state text not null check (state in ('unverified', 'verified', 'expired', 'abandoned')),
    -- Recorded at once, so that the name is taken. Made at once in the shared tier, after the verification in the others.
    -- Null when it is gone again.
    tenant_id uuid references tenant on delete set null,
    account_id uuid references account on delete set null,
    created_at timestamptz not null,
    verified_at timestamptz,
    expires_at timestamptz not null
);
create index signup_expiry on signup (expires_at) where state = 'unverified';
create index signup_tenant on signup (tenant_id);
create index signup_client on signup (client_address, created_at) where state = 'unverified';
create index signup_email on signup (email_key, created_at) where state = 'unverified';

create table operator_entry (
    id uuid primary key,
    account_id uuid not null references account on delete cascade,
    tenant_id uuid not null references tenant on delete cascade,
    session_id uuid not null references session on delete cascade,
    reason text not null check (char_length(reason) between 10 and 500),
    elevated boolean not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz
);
create index operator_entry_tenant on operator_entry (tenant_id, id);
create index operator_entry_account on operator_entry (account_id, id);

create table mail (
    id uuid primary key,
    tenant_id uuid references tenant on delete cascade,
    account_id uuid references account on delete set null,
    recipient text not null check (char_length(recipient) <= 254),
    template text not null check (char_length(template) <= 63),
    locale text not null check (char_length(locale) <= 35),
    subject text not null check (char_length(subject) <= 300),
    -- Text and HTML, sealed: there are links in them that open accounts. Forgotten once sent.
    sealed bytea,
    state text not null check (state in ('queued', 'sent', 'failed', 'kept')),
    attempts integer not null default 0,
    error text check (char_length(error) <= 1000),
    created_at timestamptz not null,
    sent_at timestamptz
);
create index mail_order on mail (id desc);
create index mail_tenant on mail (tenant_id, id);

-- Answers for whoever sends an idempotency key again, outside of every tenant.
create table idempotency_key (
    scope text not null check (char_length(scope) between 1 and 200),
    key text not null check (char_length(key) between 1 and 255),
    fingerprint text not null,
    status integer,
    body jsonb,
    created_at timestamptz not null,
    primary key (scope, key)
);
create index idempotency_key_age on idempotency_key (created_at);
