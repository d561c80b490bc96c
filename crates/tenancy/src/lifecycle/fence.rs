//! Opening and closing the fence of a placement.

use cloister_ids::{ClusterId, DatabaseId};
use cloister_postgres::Entry;
use std::sync::Arc;

use super::{definition::StepContext, store};
use crate::{Error, Result, control, tenancy::Doors};

/// A placement as the control plane records it.
pub(crate) struct Place {
    pub(crate) cluster: ClusterId,
    pub(crate) database_id: DatabaseId,
    pub(crate) database: Arc<str>,
    pub(crate) schema: String,
    pub(crate) purpose: String,
}

impl StepContext {
    /// Where the tenant's rows are; none before a place was chosen or after it was given up.
    pub(crate) async fn place(&self) -> Result<Option<Place>> {
        let rows = self.tenancy.0.control.run(&control::store::PLACEMENT, &[&self.tenant]).await?;
        Ok(rows.first().map(|row| Place {
            cluster: row.get("cluster_id"),
            database_id: row.get("database_id"),
            database: row.get::<_, &str>("name").into(),
            schema: row.get("schema_name"),
            purpose: row.get("purpose"),
        }))
    }

    pub(crate) async fn chosen_place(&self) -> Result<Place> {
        self.place().await?.ok_or_else(|| Error::internal(format!("{} has no placement", self.tenant)))
    }

    pub(crate) fn doors(&self, place: &Place) -> Result<&Doors> {
        self.tenancy.doors(place.cluster)
    }
}

/// Opens the fence and records its epoch.
pub(crate) async fn open(cx: &StepContext) -> Result<()> {
    let place = cx.chosen_place().await?;
    let at = cx.tenancy.0.clock.now();
    let mut lease = cx.doors(&place)?.system.lease(&place.database, None).await?;
    let rows = lease.run(Entry::plain(None), &store::OPEN, &[&cx.tenant, &place.schema, &at]).await?;
    record(cx, "open", rows.first().map(|row| row.get("epoch"))).await
}

/// Closes the fence, once no writer is inside, and records its epoch. A writer that stays for longer than two seconds makes
/// this fail, to be tried again; nobody waits in line behind it.
pub(crate) async fn close(cx: &StepContext) -> Result<()> {
    let Some(place) = cx.place().await? else { return Ok(()) };
    let at = cx.tenancy.0.clock.now();
    let mut lease = cx.doors(&place)?.system.lease(&place.database, None).await?;
    let entry = Entry { enter: Some((&store::BE_PATIENT, &[])), ..Entry::plain(None) };
    let rows = lease.run_all(entry, &[(&store::LOCK, &[&cx.tenant]), (&store::CLOSE, &[&cx.tenant, &at])]).await?;
    record(cx, "closed", rows.get(1).and_then(|rows| rows.first()).map(|row| row.get("epoch"))).await
}

async fn record(cx: &StepContext, state: &'static str, epoch: Option<i64>) -> Result<()> {
    // No fence row: provisioning never came so far, so there is nothing to close.
    let Some(epoch) = epoch else { return Ok(()) };
    let at = cx.tenancy.0.clock.now();
    cx.tenancy.0.control.run(&control::store::SET_PLACEMENT, &[&cx.tenant, &state, &epoch, &at]).await?;
    Ok(())
}
