//! Takes the last table back: row by row from the last to the first, by the same routes that brought them in.

use std::collections::{HashMap, HashSet};

use axum::http::Method;
use cloister_ids::ImportRunId;
use cloister_tenancy::{Batch, Error, ErrorKind, OpContext, Result, Tenancy};

use super::{
    bring::House,
    change_store::{self, TableChange},
    lookup::each,
};
use crate::import::{merge, undo::were_changed};

/// Takes back what the import did, as steps of the batch. What it counts are records that were changed since and stay.
pub(in crate::import) async fn take_back(
    tenancy: &Tenancy,
    batch: &Batch,
    id: ImportRunId,
    keep_changed: bool,
) -> Result<i64> {
    let mut tx = tenancy.write(batch.cx()).await?;
    let changes = change_store::all(&mut tx, id).await?;
    tx.commit().await?;
    let house = House::new(tenancy)?;
    let now = versions(&house, batch.cx(), &changes).await?;
    // A row that came later in the table may have changed a record once more: only the last of each record is compared.
    let mut looked = HashSet::new();
    let mut kept = HashSet::new();
    for change in &changes {
        let record = (change.resource.as_str(), change.record_id.as_str());
        if looked.insert(record) && now.get(&(record.0.to_owned(), record.1.to_owned())) != Some(&change.version_after)
        {
            kept.insert(record);
        }
    }
    let count = i64::try_from(kept.len()).unwrap_or(i64::MAX);
    if count > 0 && !keep_changed {
        return Err(were_changed(count));
    }
    for change in changes.iter().filter(|change| !kept.contains(&(change.resource.as_str(), change.record_id.as_str())))
    {
        one(&house, batch, change).await.map_err(|error| contradicts(change, error))?;
        batch.keep().await?;
    }
    Ok(count)
}

/// Begins a batch for it.
pub(in crate::import) async fn begin(tenancy: &Tenancy, cx: &OpContext) -> Result<Batch> {
    tenancy.batch(cx, "import").await?.ok_or_else(merge::running)
}

async fn versions(house: &House, cx: &OpContext, changes: &[TableChange]) -> Result<HashMap<(String, String), i64>> {
    let lists: HashSet<&str> = changes.iter().map(|change| change.resource.as_str()).collect();
    let wanted: HashSet<(&str, &str)> =
        changes.iter().map(|change| (change.resource.as_str(), change.record_id.as_str())).collect();
    let mut versions = HashMap::new();
    for list in lists {
        let has_status = house.resource(list)?.has_status;
        each(&house.inside, cx, list, has_status, |record| {
            if let (Some(id), Some(version)) = (record["id"].as_str(), record["version"].as_i64())
                && wanted.contains(&(list, id))
            {
                versions.insert((list.to_owned(), id.to_owned()), version);
            }
        })
        .await?;
    }
    Ok(versions)
}

async fn one(house: &House, batch: &Batch, change: &TableChange) -> Result<()> {
    let path = format!("/{}/{}", change.resource, change.record_id);
    // What was taken back before may have moved it on.
    let record = house.inside.call(batch.cx(), Method::GET, &path, None, None).await?;
    let known = record["version"].as_i64();
    match &change.before {
        None if record["status"] == "tobedeleted" => Ok(()),
        None => house.inside.call(batch.cx(), Method::DELETE, &path, known, None).await.map(drop),
        Some(before) => house.inside.call(batch.cx(), Method::PATCH, &path, known, Some(before)).await.map(drop),
    }
}

/// What was entered since stands in the way.
fn contradicts(change: &TableChange, error: Error) -> Error {
    if matches!(error.kind(), ErrorKind::Internal | ErrorKind::Unavailable | ErrorKind::TooMany) {
        return error;
    }
    let message = format!(
        "{} of {} cannot be taken back: {} Nothing was taken back.",
        change.record_id,
        change.resource,
        error.fields().first().map_or_else(|| error.message().to_owned(), |field| field.message.clone())
    );
    Error::new(ErrorKind::Conflict, "import_undo_contradicts", message).because(error)
}
