//! What reports say of people is forgotten in time: examples and values go, counts stay.

use cloister_ids::ImportRunId;
use cloister_tenancy::{Error, Result, TenantTx};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    run_store,
    shown::{remove, without_texts},
    undo,
};

/// How long what was there before an import is kept, and what its report tells of people.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);
/// Reports that are gone through at once.
const PAGE: i64 = 50;

/// Takes examples and values out of the reports that are older than that. False when there are more of them.
pub(super) async fn old_reports(tx: &mut TenantTx) -> Result<bool> {
    let before = tx.cx().clock().now().checked_sub(KEPT).map_err(Error::internal)?;
    let reports = run_store::old_reports(tx, before, PAGE).await?;
    let all = i64::try_from(reports.len()).unwrap_or(i64::MAX) < PAGE;
    for (id, report) in reports {
        run_store::write_report(tx, id, report.map(counts_of).as_ref()).await?;
    }
    Ok(all)
}

/// Sees to it that what is kept of an import is forgotten in time.
pub(super) fn later(tx: &mut TenantTx, id: ImportRunId) -> Result<()> {
    let at = tx.cx().clock().now().checked_add(KEPT).map_err(Error::internal)?;
    tx.enqueue(undo::FORGET, json!({ "id": id }), None, Some(at))
}

/// A report without what it tells of people: which records, and what is written in which row.
fn counts_of(mut report: Value) -> Value {
    let mut each = |list: &str, of: fn(&mut Value)| {
        report.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten().for_each(of);
    };
    each("files", |file| remove(file, &["examples"]));
    // A message may repeat the value.
    each("issues", |issue| remove(issue, &["value", "expected", "message"]));
    each("repairs", |repair| repair.get_mut("first").into_iter().for_each(|first| remove(first, &["value"])));
    without_texts(&mut report);
    report["examples_forgotten"] = Value::Bool(true);
    report
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::counts_of;

    #[test]
    fn what_is_said_of_people_goes_and_counts_stay() {
        let report = json!({
            "outcome": "refused", "errors": 1,
            "files": [{ "file": "users", "created": 2, "examples": [{ "label": "Mila Okafor" }] }],
            "issues": [{ "code": "email_invalid", "line": 3, "column": "email", "value": "mila@", "message": "mila@ is no address" }],
            "repairs": [{ "code": "date_form", "count": 4, "first": { "line": 2, "value": "1/2/2015" } }],
            "refusal": { "code": "table_nothing_mapped", "message": "Mila Okafor is no field." },
            "columns": { "Mila Okafor": null },
        });
        let left = json!({
            "outcome": "refused", "errors": 1, "examples_forgotten": true,
            "files": [{ "file": "users", "created": 2 }],
            "issues": [{ "code": "email_invalid", "line": 3 }],
            "repairs": [{ "code": "date_form", "count": 4, "first": { "line": 2 } }],
            "refusal": { "code": "table_nothing_mapped" },
        });
        assert_eq!(counts_of(report), left);
        assert_eq!(counts_of(left.clone()), left);
    }
}
