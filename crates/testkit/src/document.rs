//! What every API document must be: found faults as sentences.

use std::collections::BTreeSet;

use serde_json::Value;

/// Operations that take no `Idempotency-Key` though they are POST, and why. This list may only shrink.
const NOT_REPEATED: &[(&str, &str)] = &[
    ("email_verification_request", "the newer link replaces the older one"),
    ("handover_create", "its answer is a secret, which is not kept"),
    ("invitation_accept", "the link works once"),
    ("invitation_resend", "the newer link replaces the older one"),
    ("member_reset_password", "its answer is a secret, which is not kept"),
    ("mfa_begin", "its answer is a secret, which is not kept"),
    ("mfa_confirm", "its answer is a secret, which is not kept"),
    ("mfa_renew_codes", "its answer is a secret, which is not kept"),
    ("operator_entry_renew", "its answer is a secret, which is not kept"),
    ("password_change", "done twice, the second is refused"),
    ("session_switch", "its answer is a secret, which is not kept"),
];

/// Operations that take no `If-Match` though they end something, and why. This list may only shrink.
const NOT_COMPARED: &[(&str, &str)] = &[
    ("invitation_revoke", "whatever became of it, it is to end"),
    ("mfa_end", "a code is asked for instead"),
    ("operator_entry_end", "whatever became of it, it is to end"),
    ("session_end", "whatever became of it, it is to end"),
    ("session_end_others", "whatever became of them, they are to end"),
    ("session_sign_out", "whatever became of it, it is to end"),
];

/// What is wrong with an OpenAPI document; nothing when it keeps the rules of the house.
pub fn document_faults(document: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    if document["openapi"].as_str().is_none_or(|version| !version.starts_with("3.1")) {
        faults.push("it is not OpenAPI 3.1".to_owned());
    }
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        if !path.starts_with("/api/v1/") {
            faults.push(format!("{path} is outside /api/v1"));
        }
        for (method, operation) in item.as_object().into_iter().flatten() {
            let id = operation["operationId"].as_str().unwrap_or_default();
            let mut fault = |text: &str| faults.push(format!("{method} {path} ({id}): {text}"));
            if !id.contains('_') || !id.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
                fault("its operation id is not of the form noun_verb");
            }
            if !ids.insert(id.to_owned()) {
                fault("its operation id is used twice");
            }
            if operation["tags"].as_array().is_none_or(Vec::is_empty) || operation["summary"].is_null() {
                fault("it has no tag or no summary");
            }
            if operation["security"].is_null() {
                fault("it does not say who may call it");
            }
            if !operation["requestBody"].is_null() && !has_example(&operation["requestBody"]["content"]) {
                fault("its body has no example");
            }
            check_answers(operation, &mut fault);
            check_parameters(method, path, operation, &mut fault);
        }
    }
    for name in references(document) {
        if document.pointer(name.trim_start_matches('#')).is_none() {
            faults.push(format!("{name} is named and not there"));
        }
    }
    faults
}

/// Every form of an answer shows one.
fn has_example(content: &Value) -> bool {
    content.as_object().is_some_and(|forms| !forms.is_empty() && forms.values().all(|form| !form["example"].is_null()))
}

fn check_answers(operation: &Value, fault: &mut impl FnMut(&str)) {
    let answers = operation["responses"].as_object();
    for (status, answer) in answers.into_iter().flatten() {
        match status.as_bytes()[0] {
            b'2' if status != "204"
                && !(status == "202" && answer["content"].is_null())
                && !has_example(&answer["content"]) =>
            {
                fault("its answer has no example");
            }
            b'4' | b'5' if answer["$ref"].is_null() => fault("it describes a refusal by itself"),
            _ => {}
        }
    }
    for needed in ["401", "403", "404", "429", "500", "503"] {
        if operation["responses"][needed].is_null() {
            fault(&format!("it does not mention {needed}"));
        }
    }
}

fn check_parameters(method: &str, path: &str, operation: &Value, fault: &mut impl FnMut(&str)) {
    let parameters: Vec<&Value> = operation["parameters"].as_array().into_iter().flatten().collect();
    let has = |name: &str| parameters.iter().any(|parameter| parameter["name"] == name);
    let takes = parameters.iter().any(|parameter| parameter["$ref"] == "#/components/parameters/TenantId");
    let within_tenants = !path.starts_with("/api/v1/platform/") && operation["x-tenant"] != "none";
    if takes != within_tenants {
        fault(if takes { "it is about no tenant and takes X-Tenant-ID" } else { "it does not take X-Tenant-ID" });
    }
    let excepted = |list: &[(&str, &str)]| list.iter().any(|(id, _)| operation["operationId"] == *id);
    if matches!(method, "patch" | "put" | "delete") && !has("If-Match") && !excepted(NOT_COMPARED) {
        fault("it changes something and does not take If-Match");
    }
    // A key belongs to somebody: strangers have none.
    let is_public = operation["security"].as_array().is_some_and(Vec::is_empty);
    if method == "post" && !is_public && !has("Idempotency-Key") && !excepted(NOT_REPEATED) {
        fault("it does not take Idempotency-Key");
    }
    for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        if !has(name) {
            fault(&format!("{{{name}}} is not described"));
        }
    }
}

fn references(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str).map(str::to_owned);
            fields.values().flat_map(references).chain(own).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::document_faults;

    #[test]
    fn the_document_that_is_checked_in_keeps_the_rules_of_the_house() {
        let document = serde_json::from_str(include_str!("../../../openapi/cloister.json")).unwrap();
        assert_eq!(document_faults(&document), Vec::<String>::new());
    }
}
