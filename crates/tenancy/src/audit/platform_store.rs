//! All SQL about the platform's own chain, and about what the control plane knows of every chain's end.

use cloister_postgres::statements;

use super::store::entry;

statements! {
    /// One sealer at a time.
    SEAL_ALONE = "select pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('cloister audit seal', 0)) as taken";
    /// Entries that wait for their seal, eldest first, with the seal of those that have one already.
    UNSEALED = concat!(
        "select a.tenant_id, u.audit_id, c.seq, ", entry!(), "
         from (select audit_id, at from audit_unsealed order by at, audit_id limit $1) u
         left join audit a on a.id = u.audit_id left join audit_chain c on c.audit_id = u.audit_id
         order by u.at, u.audit_id"
    );
    /// Where the chain ends.
    END = "select seq, hash from audit_chain order by seq desc limit 1";
    /// Adds to the chain.
    SEAL = "insert into audit_chain (seq, audit_id, detail, entry, hash)
        select * from unnest($1::bigint[], $2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[])";
    /// Takes the marks off entries that are sealed.
    SEALED = "delete from audit_unsealed where audit_id = any($1)";

    /// A part of the chain with its entries, and whether the tenant they are about is gone for good.
    CHAIN = concat!(
        "select a.tenant_id, c.audit_id, c.seq, c.detail, c.entry, c.hash, ", entry!(), ",
            exists (select from removed_tenant r where r.id = a.tenant_id)
                and not exists (select from tenant t where t.id = a.tenant_id) as forgotten
         from audit_chain c left join audit a on a.id = c.audit_id
         where c.seq > $1 order by c.seq limit $2"
    );
    /// Where else in the chain an entry was sealed.
    PLACE_OF = "select seq from audit_chain where entry = $1 order by seq limit 1";
    /// The first entry that is neither sealed nor waits for it.
    INSERTED = "select a.id from audit a
        where not exists (select from audit_chain c where c.audit_id = a.id)
        and not exists (select from audit_unsealed u where u.audit_id = a.id) order by a.id limit 1";
    /// How many entries wait, and since when.
    WAITING = "select count(*) as entries, min(at) as since from audit_unsealed u
        where not exists (select from audit_chain c where c.audit_id = u.audit_id)";

    /// What is known of the ends of these chains.
    HEADS = "select chain, seq, hash, mac from audit_head where chain = any($1)";
    /// The beginning of a chain. One that was begun stays as it is.
    BEGIN = "insert into audit_head (chain, seq, hash, mac, updated_at) values ($1, $2, $3, $4, $5)
        on conflict (chain) do nothing";
    /// Follows the ends of chains; never back.
    FOLLOW = "update audit_head h set seq = n.seq, hash = n.hash, mac = n.mac, updated_at = $5
        from unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::bytea[]) as n (chain, seq, hash, mac)
        where h.chain = n.chain and h.seq < n.seq";
}
