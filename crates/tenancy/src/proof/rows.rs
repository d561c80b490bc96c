//! Looks at the rows themselves: does each lie where its tenant's place is? Skips along the index, so that it costs a step for
//! each tenant and table, not for each row.

use std::collections::{BTreeMap, HashSet};

use cloister_ids::{TenantId, Uuid};
use cloister_postgres::Client;

use super::{
    ask, code,
    finding::{Finding, Place},
    place_store as store,
};
use crate::{Error, Result, ledger::PLUMBING_SCHEMA};

/// Rows in these schemas that lie outside of the place of their tenant. `places` tells whose rows may lie in which schema of
/// this database: the kernel's schema has those of all. `known` are the tenants that have a place anywhere.
pub(super) async fn misplaced(
    client: &Client,
    schemas: &[String],
    places: &BTreeMap<String, HashSet<TenantId>>,
    known: &HashSet<TenantId>,
    place: Place<'_>,
) -> Result<Vec<Finding>> {
    let everybody: HashSet<TenantId> = places.values().flatten().copied().collect();
    let tables = ask(client, &store::TENANT_TABLES, &[&schemas]).await?;
    let mut findings = Vec::new();
    for table in tables {
        let (schema, name, path): (String, String, String) = (table.get(0), table.get(1), table.get(2));
        let may = if schema == PLUMBING_SCHEMA { &everybody } else { places.get(&schema).unwrap_or(&everybody) };
        // The path is the catalog's own, quoted by the server.
        let text = format!(
            "with recursive here as (
                (select tenant_id from {path} order by tenant_id limit 1)
                union all
                select (select t.tenant_id from {path} t where t.tenant_id > here.tenant_id order by t.tenant_id limit 1)
                from here where here.tenant_id is not null)
             select tenant_id from here where tenant_id is not null"
        );
        let found = client.query(&text, &[]).await.map_err(Error::internal)?;
        for tenant in found.iter().map(|row| TenantId::from_uuid(row.get::<_, Uuid>(0))).filter(|id| !may.contains(id))
        {
            let code = if known.contains(&tenant) { &code::ROW_MISPLACED } else { &code::ROW_UNOWNED };
            let detail = format!("rows of {tenant}, whose place this is not");
            let mend = format!("-- look at them, then: delete from {path} where tenant_id = '{}';", tenant.uuid());
            findings.push(place.finding(code, format!("{schema}.{name}"), detail, mend));
        }
    }
    Ok(findings)
}
