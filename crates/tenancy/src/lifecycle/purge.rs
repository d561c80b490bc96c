//! Removing a tenant so that nothing is left: its rows, schema or database, its names, its record.

use serde_json::json;

use super::definition::{Step, StepContext};
use crate::{Error, ErrorKind, Result, control::store, fleet::owner, ledger};

pub(crate) const STEPS: &[Step] = &[
    Step { name: "mark", run: |cx| Box::pin(mark(cx)), undo: None },
    Step { name: "shred", run: |cx| Box::pin(shred(cx)), undo: None },
    Step { name: "erase", run: |cx| Box::pin(erase(cx)), undo: None },
    Step { name: "forget", run: |cx| Box::pin(forget(cx)), undo: None },
];

async fn mark(cx: &StepContext) -> Result<()> {
    let at = cx.tenancy.0.clock.now();
    let rows = cx.tenancy.0.control.run(&store::SET_PURGING, &[&cx.tenant, &at, &cx.requested_by]).await?;
    if rows.is_empty() {
        return Err(Error::new(
            ErrorKind::Conflict,
            "tenant_state_conflict",
            "Only a deleted tenant can be removed for good. Delete it first.",
        ));
    }
    cx.tenancy.0.control.run(&store::NOTIFY, &[&cx.tenant.uuid().to_string()]).await?;
    Ok(())
}

/// Destroys the tenant's keys. From here on what is sealed is noise, in backups of its database too, however long the rest takes.
async fn shred(cx: &StepContext) -> Result<()> {
    cx.tenancy.0.control.run(&store::DESTROY_DATA_KEYS, &[&cx.tenant]).await?;
    cx.tenancy.0.control.run(&store::NOTIFY, &[&cx.tenant.uuid().to_string()]).await?;
    cx.tenancy.reread(cx.tenant).await?;
    Ok(())
}

/// Removes rows, schema or database. Also the way back of a provisioning that was abandoned.
pub(crate) async fn erase(cx: &StepContext) -> Result<()> {
    let Some(place) = cx.place().await? else { return Ok(()) };
    let doors = cx.doors(&place)?;
    doors.application.forget(&place.database);
    if place.purpose == "single" {
        doors.system.forget(&place.database);
        let client = owner(doors.owner.as_ref())?.connect("postgres").await.map_err(cloister_postgres::Error::from)?;
        let text = format!("drop database if exists \"{}\" with (force)", place.database);
        return client.batch_execute(&text).await.map_err(Error::internal);
    }
    let client = owner(doors.owner.as_ref())?.connect(&place.database);
    let client = match client.await {
        // A database for schemas that was recorded and never made holds nothing.
        Err(cloister_postgres::ConnectError::Refused { source, .. })
            if source.code().is_some_and(|code| code.code() == "3D000") =>
        {
            return Ok(());
        }
        other => other.map_err(cloister_postgres::Error::from)?,
    };
    let (plumbing, tables) = ledger::tenant_tables(&cx.tenancy.0.modules);
    let mut text = String::from("begin; set local lock_timeout = '5s';");
    if place.purpose == "schemas" {
        text.push_str(&format!("drop schema if exists \"{}\" cascade;", place.schema));
        text.push_str(&format!("delete from {} where schema_name = '{}';", ledger::LEDGER, place.schema));
    } else {
        // Last made first: what references goes before what is referenced.
        for table in tables.iter().rev() {
            text.push_str(&format!(
                "delete from \"{}\".\"{table}\" where tenant_id = '{}';",
                place.schema,
                cx.tenant.uuid()
            ));
        }
    }
    // The fence goes last: until then whoever is late is refused by it.
    for table in plumbing.iter().rev() {
        text.push_str(&format!("delete from cloister.\"{table}\" where tenant_id = '{}';", cx.tenant.uuid()));
    }
    text.push_str("commit");
    client.batch_execute(&text).await.map_err(Error::internal)
}

/// Removes the names and the record. What stays is that it happened: an audit row and the workflow, both without a name.
pub(crate) async fn forget(cx: &StepContext) -> Result<()> {
    let inner = &cx.tenancy.0;
    let place = cx.place().await?;
    cx.tenancy.forget_jobs(cx.tenant).await?;
    let at = inner.clock.now();
    let mut tx = inner.control.begin().await?;
    tx.query(&store::DELETE_PLACEMENT, &[&cx.tenant]).await?;
    if let Some(place) = place.filter(|place| place.purpose == "single") {
        tx.query(&store::DELETE_DATABASE, &[&place.database_id]).await?;
    }
    let noted = cx.noted("tenant.purge", json!({}));
    let text = cx.tenant.uuid().to_string();
    tx.commit(&[
        (&store::DELETE_WORKFLOWS, &[&cx.tenant, &cx.workflow]),
        (&store::REMOVE_TENANT, &[&cx.tenant, &at]),
        (&store::REDACT_AUDIT, &[&cx.tenant]),
        (&store::AUDIT, &noted.parameters()),
        (&store::NOTIFY, &[&text]),
    ])
    .await?;
    cx.tenancy.reread(cx.tenant).await?;
    Ok(())
}
