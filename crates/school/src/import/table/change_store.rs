//! All SQL about what imports of tables did.

use cloister_ids::ImportRunId;
use cloister_tenancy::{
    Result, TenantTx,
    sql::{Row, statements},
};
use serde_json::Value;

statements! {
    /// What the rows of an import did: `$3` their places, `$4` lists, `$5` records, `$6` what was before, `$7` versions.
    INSERT = "insert into table_change (tenant_id, run_id, number, resource, record_id, before, version_after)
        select $1, $2, c.number, c.resource, c.record_id, c.before, c.version_after
        from unnest($3::integer[], $4::text[], $5::text[], $6::jsonb[], $7::bigint[])
            c (number, resource, record_id, before, version_after)";
    /// From the last to the first, before `$3`.
    PAGE = "select number, resource, record_id, before, version_after from table_change
        where tenant_id = $1 and run_id = $2 and number < $3 order by number desc limit $4";
    /// One import at a time is remembered: what was kept for others goes.
    FORGET = "delete from table_change where tenant_id = $1";
}

/// What a row did to a record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TableChange {
    pub(super) number: i32,
    pub(super) resource: String,
    pub(super) record_id: String,
    /// What the fields that it changed were; none of a record that it made.
    pub(super) before: Option<Value>,
    pub(super) version_after: i64,
}

/// Rows that are written at once, and read.
const PART: usize = 500;

pub(super) async fn insert(tx: &mut TenantTx, run: ImportRunId, changes: &[TableChange]) -> Result<()> {
    for part in changes.chunks(PART) {
        let numbers: Vec<i32> = part.iter().map(|change| change.number).collect();
        let resources: Vec<&str> = part.iter().map(|change| change.resource.as_str()).collect();
        let records: Vec<&str> = part.iter().map(|change| change.record_id.as_str()).collect();
        let before: Vec<Option<&Value>> = part.iter().map(|change| change.before.as_ref()).collect();
        let versions: Vec<i64> = part.iter().map(|change| change.version_after).collect();
        tx.query(&INSERT, &[&run, &numbers, &resources, &records, &before, &versions]).await?;
    }
    Ok(())
}

/// All of them, the last first.
pub(super) async fn all(tx: &mut TenantTx, run: ImportRunId) -> Result<Vec<TableChange>> {
    let mut changes: Vec<TableChange> = Vec::new();
    loop {
        let before = changes.last().map_or(i32::MAX, |change| change.number);
        let limit = i64::try_from(PART).unwrap_or(i64::MAX);
        let rows = tx.query(&PAGE, &[&run, &before, &limit]).await?;
        let read = rows.len();
        changes.extend(rows.iter().map(change));
        if read < PART {
            return Ok(changes);
        }
    }
}

fn change(row: &Row) -> TableChange {
    TableChange {
        number: row.get("number"),
        resource: row.get("resource"),
        record_id: row.get("record_id"),
        before: row.get("before"),
        version_after: row.get("version_after"),
    }
}
