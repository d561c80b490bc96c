-- What the prover found, each time it walked through everything. It names tenants by id alone.
create table isolation_proof (
    id uuid primary key,
    at timestamptz not null,
    took_ms bigint not null,
    rows_too boolean not null,
    critical integer not null,
    warnings integer not null,
    looked jsonb not null,
    -- At most a thousand of them, the worst first.
    findings jsonb not null
);
create index isolation_proof_at on isolation_proof (at);
