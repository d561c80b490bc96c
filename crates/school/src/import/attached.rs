//! Which records stay although the import that made them is taken back: something was entered since that leans on them.

use std::collections::{BTreeSet, HashMap};

use cloister_ids::Uuid;
use cloister_tenancy::{Result, TenantTx};
use jiff::Timestamp;

use super::store::attached;

/// Records that would be marked as deleted, by table.
pub(super) type Leaving = HashMap<&'static str, Vec<Uuid>>;

/// Records that stay.
#[derive(Debug, Default)]
pub(super) struct Staying {
    /// They, and what is part of them.
    pub(super) ids: Vec<Uuid>,
    /// Without their parts.
    pub(super) count: i64,
}

/// Finds them. What stays keeps what it leans on itself, such as a class its school, so it is asked until nothing more is found.
pub(super) async fn staying(tx: &mut TenantTx, leaving: &Leaving, applied_at: Timestamp) -> Result<Staying> {
    let mut found: BTreeSet<Uuid> = BTreeSet::new();
    let mut parts: BTreeSet<Uuid> = BTreeSet::new();
    loop {
        let before = found.len() + parts.len();
        for (table, statement) in attached::OF_TABLE {
            let Some(records) = leaving.get(table).filter(|records| !records.is_empty()) else { continue };
            let known: Vec<Uuid> = found.union(&parts).copied().collect();
            let rows = tx.query(statement, &[records, &applied_at, &known]).await?;
            found.extend(rows.iter().map(|row| row.get::<_, Uuid>("id")));
            if *table == "person" && !rows.is_empty() {
                let persons: Vec<Uuid> = found.iter().copied().collect();
                let rows = tx.query(&attached::PARTS, &[&persons]).await?;
                parts.extend(rows.iter().map(|row| row.get::<_, Uuid>("id")).filter(|id| !found.contains(id)));
            }
        }
        if found.len() + parts.len() == before {
            let count = i64::try_from(found.len()).unwrap_or(i64::MAX);
            return Ok(Staying { ids: found.union(&parts).copied().collect(), count });
        }
    }
}
