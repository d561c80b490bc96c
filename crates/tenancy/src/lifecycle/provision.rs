//! From a record to a tenant in use.

use cloister_ids::{DatabaseId, TenantId};
use serde_json::json;

use super::{
    definition::{Step, StepContext, StepFuture},
    fence, purge,
};
use crate::{
    Actor, Error, ErrorKind, Result, Tier,
    control::store,
    fleet::owner,
    install,
    ledger::{Ledger, SHARED_SCHEMA, SINGLE_SCHEMA},
};

pub(crate) const STEPS: &[Step] = &[
    Step { name: "place", run: |cx| Box::pin(place(cx)), undo: Some(unplace) },
    Step { name: "prepare", run: |cx| Box::pin(prepare(cx)), undo: Some(|cx| Box::pin(purge::erase(cx))) },
    Step { name: "open", run: |cx| Box::pin(fence::open(cx)), undo: None },
    Step { name: "seed", run: |cx| Box::pin(seed(cx)), undo: None },
    Step { name: "activate", run: |cx| Box::pin(activate(cx)), undo: None },
];

/// Beyond this many schemas a database grows slow to start and to back up.
const SCHEMAS_A_DATABASE: i64 = 1000;

/// The schema of a tenant in the schema tier. Made from the id alone: input never reaches an identifier.
pub(crate) fn schema_name(tenant: TenantId) -> String {
    format!("t_{}", tenant.bare())
}

/// Chooses where the rows will be and records it. Makes nothing yet.
async fn place(cx: &StepContext) -> Result<()> {
    let inner = &cx.tenancy.0;
    let control = &inner.control;
    let at = inner.clock.now();
    let tenant = cx.tenancy.tenant(cx.tenant).await?;
    let from = ["pending", "preparing", "failed"].as_slice();
    control.run(&store::SET_STATUS, &[&cx.tenant, &from, &"preparing", &at, &cx.requested_by]).await?;
    let clusters = control.run(&store::CLUSTERS, &[]).await?;
    let cluster = clusters
        .iter()
        .find(|row| row.get::<_, &str>("region") == tenant.region && inner.clusters.contains_key(&row.get("id")))
        .ok_or_else(|| {
            Error::new(ErrorKind::Invalid, "region_unknown", format!("No cluster serves the region {}.", tenant.region))
        })?;
    let cluster: cloister_ids::ClusterId = cluster.get("id");
    let fresh = DatabaseId::generate(&*inner.clock);
    let (database, schema) = match tenant.tier {
        Tier::Shared => {
            let rows = control.run(&store::SHARED_DATABASE, &[&cluster]).await?;
            let row = rows.first().ok_or_else(|| Error::unavailable("the cluster has no shared database"))?;
            (row.get::<_, DatabaseId>("id"), SHARED_SCHEMA.to_owned())
        }
        Tier::Schema => {
            let rows = control.run(&store::SCHEMA_DATABASE, &[&cluster, &SCHEMAS_A_DATABASE]).await?;
            let id = match rows.first() {
                Some(row) => row.get("id"),
                None => {
                    let name = format!("{}_schemas_{}", inner.prefix, cx.workflow.bare());
                    record(cx, fresh, cluster, &name, "schemas").await?
                }
            };
            (id, schema_name(cx.tenant))
        }
        Tier::Database => {
            let name = format!("{}_t_{}", inner.prefix, cx.tenant.bare());
            (record(cx, fresh, cluster, &name, "single").await?, SINGLE_SCHEMA.to_owned())
        }
    };
    control.run(&store::INSERT_PLACEMENT, &[&cx.tenant, &database, &schema, &at]).await?;
    Ok(())
}

async fn record(
    cx: &StepContext,
    id: DatabaseId,
    cluster: cloister_ids::ClusterId,
    name: &str,
    purpose: &str,
) -> Result<DatabaseId> {
    let at = cx.tenancy.0.clock.now();
    let rows = cx.tenancy.0.control.run(&store::INSERT_DATABASE, &[&id, &cluster, &name, &purpose, &at]).await?;
    rows.first().map(|row| row.get("id")).ok_or_else(|| Error::internal("the database was not recorded"))
}

/// Gives the place up again, and with it the record: nothing of an abandoned tenant remains.
fn unplace(cx: &StepContext) -> StepFuture<'_> {
    Box::pin(purge::forget(cx))
}

/// Makes what the tier needs.
async fn prepare(cx: &StepContext) -> Result<()> {
    let place = cx.chosen_place().await?;
    if place.purpose == "shared" {
        return Ok(());
    }
    let doors = cx.doors(&place)?;
    let login = owner(doors.owner.as_ref())?;
    let ledger = cx.tenancy.ledger(doors);
    let (application, system) = (doors.application.server().user(), doors.system.server().user());
    if place.purpose == "single" {
        let template = install::template(login, &cx.tenancy.0.prefix, application, system, &ledger).await?;
        install::create_database_for(login, &place.database, Some(&template), application, system).await?;
    } else {
        let current = Ledger::plumbing_digest(&ledger);
        let rows = cx.tenancy.0.control.run(&store::DATABASES, &[]).await?;
        let known = rows.iter().find(|row| row.get::<_, DatabaseId>("id") == place.database_id);
        if known.is_none_or(|row| row.get::<_, Option<&str>>("plumbing_digest") != Some(&current)) {
            install::create_database_for(login, &place.database, None, application, system).await?;
        }
        install::prepare_schemas_for(login, &place.database, Some(&place.schema), application, system, &ledger).await?;
    }
    let control = &cx.tenancy.0.control;
    control
        .run(&store::SET_DATABASE_DIGESTS, &[&place.database_id, &ledger.plumbing_digest(), &None::<String>])
        .await?;
    control.run(&store::SET_PLACEMENT_DIGEST, &[&place.database_id, &place.schema, &ledger.modules_digest()]).await?;
    Ok(())
}

/// Lets the tenant's modules put in what it should find there.
async fn seed(cx: &StepContext) -> Result<()> {
    let entry = cx.tenancy.reread(cx.tenant).await?.ok_or_else(Error::not_found)?;
    let op = cx.tenancy.background(entry, Actor::System("provision"));
    for module in &cx.tenancy.0.modules {
        if op.tenant().has_module(module.name()) {
            let mut tx = cx.tenancy.write(&op).await?;
            module.seed(&mut tx).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

/// Opens it to requests and tells every node.
async fn activate(cx: &StepContext) -> Result<()> {
    let inner = &cx.tenancy.0;
    let at = inner.clock.now();
    let tx = inner.control.begin().await?;
    cx.commit_with_audit(
        tx,
        &[(&store::SET_ACTIVE, &[&cx.tenant, &at, &cx.requested_by])],
        "tenant.activate",
        json!({}),
    )
    .await?;
    cx.tenancy.reread(cx.tenant).await?;
    Ok(())
}
