//! How much of a report is kept, and to whom it is shown.

use cloister_tenancy::{Action, OpContext};
use serde_json::{Map, Value};

use super::run::ImportRun;
use crate::ROSTER;

/// Bytes of a report.
const MOST: usize = 1024 * 1024;
/// Characters of a value that is repeated.
const VALUE: usize = 100;
/// Kinds of records that are counted in a report of nothing but counts. There are fewer.
const FILES: usize = 50;

/// A report that is not too large: of lists that are long, fewer lines are kept. What is counted stays, and where nothing else
/// helps it is all that stays.
pub(super) fn bounded(mut report: Value) -> Value {
    for most in [100, 20, 5, 0] {
        if report.to_string().len() <= MOST {
            return report;
        }
        each_list(&mut report, &mut |list| list.truncate(most));
        report["shortened"] = true.into();
    }
    if report.to_string().len() <= MOST { report } else { counted(&report) }
}

/// How an import ended, and its counts.
fn counted(report: &Value) -> Value {
    let numbers = |of: &Value| -> Map<String, Value> {
        let fields = of.as_object().into_iter().flatten();
        fields.filter(|(_, value)| value.is_number()).map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let files = report["files"].as_array().into_iter().flatten().take(FILES).map(|file| {
        let mut counts = numbers(file);
        counts.insert("file".to_owned(), cut(&file["file"]));
        Value::Object(counts)
    });
    let mut counts = numbers(report);
    counts.insert("files".to_owned(), files.collect());
    counts.insert("outcome".to_owned(), report["outcome"].clone());
    counts.insert("shortened".to_owned(), true.into());
    Value::Object(counts)
}

/// A value as a report repeats it: a long one is cut.
pub(super) fn cut(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(cut_text(text)),
        Value::Array(_) | Value::Object(_) => {
            let text = value.to_string();
            if text.chars().nth(VALUE).is_none() { value.clone() } else { Value::String(cut_text(&text)) }
        }
        _ => value.clone(),
    }
}

/// A text as a report repeats it.
pub(super) fn cut_text(text: &str) -> String {
    cut_to(text, VALUE)
}

/// So many characters of a text, and a sign where there are more.
pub(super) fn cut_to(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// An import as somebody may see it who may see imports. What stands in the rows of a package is for whoever sent it, and for
/// those who may import.
pub(super) fn to(cx: &OpContext, mut run: ImportRun) -> ImportRun {
    let is_own = run.created_by == cx.actor().to_string();
    if is_own || cx.permissions().allow(Action::Import, &ROSTER) {
        return run;
    }
    run.failure_message = None;
    if let Some(report) = &mut run.report {
        each_list(report, &mut Vec::clear);
        without_texts(report);
    }
    run
}

/// Takes what a table says of itself out of a report: where it was refused, its first row may be a record, and the names of its
/// columns somebody's name and birthday.
pub(super) fn without_texts(report: &mut Value) {
    remove(report, &["columns"]);
    if let Some(refusal) = report.get_mut("refusal") {
        remove(refusal, &["message"]);
    }
    for issue in report.get_mut("issues").and_then(Value::as_array_mut).into_iter().flatten() {
        remove(issue, &["column"]);
    }
}

/// Takes fields off an object.
pub(super) fn remove(of: &mut Value, names: &[&str]) {
    if let Some(fields) = of.as_object_mut() {
        fields.retain(|name, _| !names.contains(&name.as_str()));
    }
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

    use super::{MOST, bounded, cut, without_texts};

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
    fn a_report_that_is_too_large_without_its_lists_keeps_its_counts_alone() {
        let large = json!({ "outcome": "refused", "errors": 3, "refusal": { "code": "a", "message": "x".repeat(MOST) },
            "columns": { "x": "y" }, "files": [{ "file": "x".repeat(200), "name": "y".repeat(MOST), "rows": 7, "examples": [] }] });
        assert_eq!(
            bounded(large),
            json!({ "outcome": "refused", "errors": 3, "shortened": true,
                "files": [{ "file": "x".repeat(100) + "…", "rows": 7 }] })
        );
    }

    #[test]
    fn what_a_table_says_of_itself_goes_and_the_word_for_it_stays() {
        let mut report = json!({ "refusal": { "code": "table_column_unknown", "message": "It has: Mila, 2015-04-23." },
            "columns": { "Mila": null }, "errors": 1, "issues": [{ "code": "column_left_out", "line": 1, "column": "Mila" }] });
        without_texts(&mut report);
        assert_eq!(
            report,
            json!({ "refusal": { "code": "table_column_unknown" }, "errors": 1,
                "issues": [{ "code": "column_left_out", "line": 1 }] })
        );
        for other in [json!(null), json!({ "refusal": null })] {
            let mut left = other.clone();
            without_texts(&mut left);
            assert_eq!(left, other);
        }
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
