//! The fences of a database: does each let in whom the registry sends there, and nobody else?

use std::collections::HashSet;

use cloister_ids::TenantId;
use cloister_postgres::Client;

use super::{
    ask, code,
    expected::{Expected, Placed},
    finding::{Finding, Place},
    place_store as store,
};
use crate::Result;

/// What is wrong with the fences. What mends one makes it as the registry has it, which every node believes.
pub(super) async fn judge(client: &Client, database: &Expected, place: Place<'_>) -> Result<Vec<Finding>> {
    if !ask(client, &store::FENCED, &[]).await?.iter().any(|row| row.get(0)) {
        return Ok(Vec::new());
    }
    let mut fenced = HashSet::new();
    let mut findings = Vec::new();
    for row in &ask(client, &store::FENCES, &[]).await? {
        let (tenant, schema): (TenantId, String) = (row.get("tenant_id"), row.get("schema_name"));
        let (epoch, state): (i64, &str) = (row.get("epoch"), row.get("state"));
        let uuid = tenant.uuid();
        let Some(placed) = database.tenants.get(&tenant).filter(|placed| placed.schema == schema) else {
            if state != "closed" && database.unsettled.get(&tenant) != Some(&schema) {
                let detail = format!("requests of {tenant} are let in, and the registry has it elsewhere");
                let mend = format!("update cloister.fence set state = 'closed' where tenant_id = '{uuid}';");
                findings.push(place.finding(&code::FENCE_ELSEWHERE, schema, detail, mend));
            }
            continue;
        };
        fenced.insert(tenant);
        let Placed { epoch: should, fence, is_moving, .. } = placed;
        if *is_moving || epoch == *should && state == fence {
            continue;
        }
        let detail = format!(
            "the fence of {tenant} is {state} at epoch {epoch}, and by the registry it is {fence} at epoch {should}"
        );
        // An epoch never goes back: what was refused for being late would be let in.
        let mend = if epoch > *should {
            "-- the registry is behind: is it an old copy? Suspend the tenant and resume it, which makes both anew"
                .to_owned()
        } else {
            format!(
                "update cloister.fence set state = '{fence}', epoch = {should}, changed_at = now() \
                 where tenant_id = '{uuid}';"
            )
        };
        findings.push(place.finding(&code::FENCE_DIFFERS, schema, detail, mend));
    }
    let missing = database.tenants.iter().filter(|(tenant, placed)| !fenced.contains(*tenant) && !placed.is_moving);
    for (tenant, Placed { schema, epoch, fence, .. }) in missing {
        let detail = format!("there is no fence for {tenant}, whose place this is");
        let mend = format!(
            "insert into cloister.fence (tenant_id, schema_name, epoch, state, changed_at) \
             values ('{}', '{schema}', {epoch}, '{fence}', now()) \
             on conflict (tenant_id) do update set schema_name = excluded.schema_name, epoch = excluded.epoch, \
             state = excluded.state, changed_at = excluded.changed_at;",
            tenant.uuid()
        );
        findings.push(place.finding(&code::FENCE_MISSING, schema.clone(), detail, mend));
    }
    Ok(findings)
}
