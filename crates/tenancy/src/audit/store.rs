//! All SQL about the chains of tenants' logs, as the system login in each database that holds placements.

use cloister_postgres::statements;

/// What is sealed of an entry.
macro_rules! entry {
    () => {
        "a.at, a.actor, a.account_id, a.acting_as, a.action, a.resource, a.resource_id, a.client, a.request_id, a.reason,
            a.changes::text as changes"
    };
}
pub(super) use entry;

statements! {
    /// One sealer at a time in a database.
    SEAL_ALONE = "select pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('cloister audit seal', 0)) as taken";
    /// Entries that wait for their seal, eldest first, with the seal of those that have one already. They are kept from being
    /// removed meanwhile, as they are with their tenant.
    UNSEALED = concat!(
        "select u.tenant_id, u.audit_id, c.seq, ", entry!(), "
         from (select tenant_id, audit_id, at from audit_unsealed order by at, audit_id limit $1 for update skip locked) u
         left join audit a on a.tenant_id = u.tenant_id and a.id = u.audit_id
         left join audit_chain c on c.tenant_id = u.tenant_id and c.audit_id = u.audit_id
         order by u.at, u.audit_id"
    );
    /// Where these tenants' chains end.
    ENDS = "select t.id as chain, c.seq, c.hash from unnest($1::uuid[]) t (id)
        cross join lateral (select seq, hash from audit_chain where tenant_id = t.id order by seq desc limit 1) c";
    /// Adds to chains.
    SEAL = "insert into audit_chain (tenant_id, seq, audit_id, entry, hash)
        select * from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bytea[], $5::bytea[])";
    /// Takes the marks off entries that are sealed.
    SEALED = "delete from audit_unsealed using unnest($1::uuid[], $2::uuid[]) as done (tenant_id, audit_id)
        where audit_unsealed.tenant_id = done.tenant_id and audit_unsealed.audit_id = done.audit_id";

    /// A part of one tenant's chain with its entries.
    CHAIN = concat!(
        "select c.tenant_id, c.audit_id, c.seq, c.entry, c.hash, ", entry!(), "
         from audit_chain c left join audit a on a.tenant_id = c.tenant_id and a.id = c.audit_id
         where c.tenant_id = $1 and c.seq > $2 order by c.seq limit $3"
    );
    /// Where else in its chain an entry was sealed.
    PLACE_OF = "select seq from audit_chain where tenant_id = $1 and entry = $2 order by seq limit 1";
    /// The first entry of a tenant that is neither sealed nor waits for it.
    INSERTED = "select a.id from audit a where a.tenant_id = $1
        and not exists (select from audit_chain c where c.tenant_id = $1 and c.audit_id = a.id)
        and not exists (select from audit_unsealed u where u.tenant_id = $1 and u.audit_id = a.id)
        order by a.id limit 1";
    /// How many entries of a tenant wait, and since when.
    WAITING = "select count(*) as entries, min(at) as since from audit_unsealed u where u.tenant_id = $1
        and not exists (select from audit_chain c where c.tenant_id = $1 and c.audit_id = u.audit_id)";
}
