//! How much of a report is kept, and to whom it is shown.

use cloister_tenancy::{Action, OpContext};
use serde_json::Value;

use super::run::ImportRun;
use crate::ROSTER;

/// Bytes of a report.
const MOST: usize = 1024 * 1024;
/// Characters of a value that is repeated.
const VALUE: usize = 100;

/// A report that is not too large: of lists that are long, fewer lines are kept. What is counted stays.
pub(super) fn bounded(mut report: Value) -> Value {
    for most in [100, 20, 5, 0] {
        if report.to_string().len() <= MOST {
            return report;
        }
        each_list(&mut report, &mut |list| list.truncate(most));
        report["shortened"] = true.into();
    }
    report
}

/// A value as a report repeats it: a long one is cut.
pub(super) fn cut(value: &Value) -> Value {
    let text = match value {
        Value::String(text) if text.chars().nth(VALUE).is_some() => text.clone(),
        Value::Array(_) | Value::Object(_) => {
            let text = value.to_string();
            if text.chars().nth(VALUE).is_none() {
                return value.clone();
            }
            text
        }
        _ => return value.clone(),
    };
    Value::String(text.chars().take(VALUE).chain(['…']).collect())
}

/// An import as somebody may see it who may see imports. What stands in the rows of a package is for whoever sent it, and for
/// those who may import.
pub(super) fn to(cx: &OpContext, mut run: ImportRun) -> ImportRun {
    let is_own = run.created_by == cx.actor().to_string();
    if !is_own
        && !cx.permissions().allow(Action::Import, &ROSTER)
        && let Some(report) = &mut run.report
    {
        each_list(report, &mut Vec::clear);
    }
    run
}

/// The lists of a report in which values of records stand.
fn each_list(report: &mut Value, then: &mut dyn FnMut(&mut Vec<Value>)) {
    for name in ["issues", "repairs"] {
        report.get_mut(name).and_then(Value::as_array_mut).into_iter().for_each(&mut *then);
    }
    for file in report.get_mut("files").and_then(Value::as_array_mut).into_iter().flatten() {
        file.get_mut("examples").and_then(Value::as_array_mut).into_iter().for_each(&mut *then);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{MOST, bounded, cut};

    #[test]
    fn a_long_report_keeps_its_counts_and_loses_lines() {
        let small = json!({ "errors": 1, "issues": [{ "line": 2 }], "files": [{ "examples": ["a"] }] });
        assert_eq!(bounded(small.clone()), small);
        let line = json!({ "value": "x".repeat(5_000) });
        let large = json!({ "errors": 500, "issues": vec![line.clone(); 500],
            "files": [{ "created": 400, "examples": vec![line; 400] }] });
        let kept = bounded(large);
        assert!(kept.to_string().len() <= MOST);
        assert_eq!((&kept["errors"], &kept["files"][0]["created"]), (&json!(500), &json!(400)));
        assert_eq!((kept["issues"].as_array().unwrap().len(), &kept["shortened"]), (100, &json!(true)));
        let huge = json!({ "issues": ["x".repeat(2 * MOST)], "files": [] });
        assert_eq!(bounded(huge)["issues"], json!([]));
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(cut(&json!("ä".repeat(100))), json!("ä".repeat(100)));
        assert_eq!(cut(&json!("ä".repeat(101))), json!("ä".repeat(100) + "…"));
        for short in [json!(null), json!(12.5), json!(["a", { "b": 1 }])] {
            assert_eq!(cut(&short), short);
        }
        let long = cut(&json!({ "note": "x".repeat(5_000) }));
        assert!(long.as_str().unwrap().starts_with(r#"{"note":"xxx"#) && long.as_str().unwrap().chars().count() == 101);
    }
}
