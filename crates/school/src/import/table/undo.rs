//! Takes the last table back: row by row from the last to the first, by the same routes that brought them in.

use std::collections::{HashMap, HashSet};

use axum::http::Method;
use cloister_ids::{AcademicSessionId, ClassId, CourseId, EnrollmentId, ImportRunId, OrgId, PersonId, Uuid};
use cloister_tenancy::{Batch, Error, ErrorKind, OpContext, Result, Tenancy};
use jiff::Timestamp;
use serde_json::Value;

use super::{
    change_store::{self, TableChange},
    house::House,
    lookup::pages,
};
use crate::import::{
    attached::{self, Leaving},
    merge,
    undo::were_changed,
};

/// Takes back what the import did, as steps of the batch. What it counts are records that were changed since, or that something
/// leans on which was entered since, and stay.
pub(in crate::import) async fn take_back(
    tenancy: &Tenancy,
    batch: &Batch,
    (id, applied_at): (ImportRunId, Timestamp),
    keep_changed: bool,
) -> Result<i64> {
    let mut tx = tenancy.write(batch.cx()).await?;
    let changes = change_store::all(&mut tx, id).await?;
    tx.commit().await?;
    let house = House::new(tenancy, batch.cx()).await?;
    let now = versions(&house, batch.cx(), &changes).await?;
    // A row that came later in the table may have changed a record once more: only the last of each is compared.
    let mut looked = HashSet::new();
    let mut kept = HashSet::new();
    for change in &changes {
        let known = (change.resource.clone(), change.record_id.clone());
        if now.get(&known) != Some(&change.version_after) && !looked.contains(&known) {
            kept.insert(record_of(change));
        }
        looked.insert(known);
    }
    let mut tx = tenancy.write(batch.cx()).await?;
    let stay = attached::staying(&mut tx, &leaving(&changes), applied_at).await?;
    tx.commit().await?;
    let stays = |change: &&TableChange| roster_id(change).is_some_and(|(_, id)| stay.ids.binary_search(&id).is_ok());
    kept.extend(changes.iter().filter(stays).map(record_of));
    // A record is one, whatever of it was changed, and what is kept beside it stays with it.
    let count = i64::try_from(kept.len()).unwrap_or(i64::MAX);
    if count > 0 && !keep_changed {
        return Err(were_changed(count));
    }
    for change in changes.iter().filter(|change| !kept.contains(&record_of(change))) {
        one(&house, batch, change).await.map_err(|error| contradicts(change, error))?;
        batch.keep().await?;
    }
    Ok(count)
}

/// The list and the record that something was done to, or beside.
fn record_of(change: &TableChange) -> (&str, &str) {
    let record = change.record_id.split('/').next().unwrap_or_default();
    (&change.resource, record)
}

/// Records of the roster that would be marked as deleted. Other lists say themselves what a deletion would hurt.
fn leaving(changes: &[TableChange]) -> Leaving {
    let mut leaving = Leaving::new();
    let back = |before: &Value| before["status"] == "tobedeleted";
    for change in changes.iter().filter(|change| change.before.as_ref().is_none_or(back)) {
        if let Some((table, id)) = roster_id(change)
            && !change.record_id.contains('/')
        {
            leaving.entry(table).or_default().push(id);
        }
    }
    leaving
}

/// The table and the id of a record of the roster, or of the one that something is kept beside.
fn roster_id(change: &TableChange) -> Option<(&'static str, Uuid)> {
    let (list, id) = record_of(change);
    Some(match list {
        "orgs" => ("org", id.parse::<OrgId>().ok()?.uuid()),
        "academic_sessions" => ("academic_session", id.parse::<AcademicSessionId>().ok()?.uuid()),
        "courses" => ("course", id.parse::<CourseId>().ok()?.uuid()),
        "classes" => ("class", id.parse::<ClassId>().ok()?.uuid()),
        "persons" => ("person", id.parse::<PersonId>().ok()?.uuid()),
        "enrollments" => ("enrollment", id.parse::<EnrollmentId>().ok()?.uuid()),
        _ => return None,
    })
}

/// Begins a batch for it.
pub(in crate::import) async fn begin(tenancy: &Tenancy, cx: &OpContext) -> Result<Batch> {
    tenancy.batch(cx, "import").await?.ok_or_else(merge::running)
}

/// Records that are read one by one while a page of their list is read.
const WORTH_A_PAGE: usize = 20;

/// The versions of what was changed, as they are now: of many records from pages of their list, as long as that is surely less than
/// reading each by itself. A list may have far more than were changed, and more than anybody looks through.
async fn versions(house: &House, cx: &OpContext, changes: &[TableChange]) -> Result<HashMap<(String, String), i64>> {
    let mut wanted: HashMap<&str, HashSet<&str>> = HashMap::new();
    for change in changes {
        wanted.entry(&change.resource).or_default().insert(&change.record_id);
    }
    let mut versions = HashMap::new();
    let mut note = |list: &str, id: &str, record: &Value| {
        versions.insert((list.to_owned(), id.to_owned()), record["version"].as_i64().unwrap_or_default());
    };
    for (list, mut left) in wanted {
        let has_status = house.resources.get(list).is_some_and(|known| known.has_status);
        // What is kept beside records is in no list.
        let most = left.iter().filter(|id| !id.contains('/')).count() / WORTH_A_PAGE;
        pages(&house.inside, cx, (list, has_status), most, |record| {
            if let Some(id) = record["id"].as_str()
                && left.remove(id)
            {
                note(list, id, record);
            }
        })
        .await?;
        for id in left {
            match house.inside.call(cx, Method::GET, &format!("/{list}/{id}"), None, None).await {
                Ok(record) => note(list, id, &record),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
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
        Some(before) if change.record_id.contains('/') => {
            house.inside.call(batch.cx(), Method::PUT, &path, known, Some(before)).await.map(drop)
        }
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
