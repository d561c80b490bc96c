//! From what is kept to what the standard lets a field hold.
//!
//! What was entered here may hold what a package cannot: a comma within the item of a list, a carriage return. It is replaced in
//! a way that is the same each time, and that changes nothing when the package comes in again and goes out again.

use std::borrow::Cow;

use serde_json::Value;

/// Text of a field: line breaks are line feeds, and other control characters but tabs are left out.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    let is_unwanted = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(is_unwanted) {
        return Cow::Borrowed(text);
    }
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    Cow::Owned(lines.replace(is_unwanted, ""))
}

/// An item of a list: commas part items, so there is none within one.
fn item(item: &str) -> Cow<'_, str> {
    match text(item) {
        clean if clean.contains(',') => Cow::Owned(clean.replace(',', ";")),
        clean => clean,
    }
}

/// The items of a list as one field.
pub(super) fn list(items: &[&str]) -> String {
    let items: Vec<Cow<'_, str>> = items.iter().map(|one| item(one)).filter(|one| !one.is_empty()).collect();
    items.join(",")
}

/// The codes of these subjects, which are as many; none where nobody can tell which code is whose.
pub(super) fn subject_codes(subjects: &[&str], codes: &[&str]) -> String {
    if !subjects.is_empty() && subjects.len() != codes.len() { String::new() } else { list(codes) }
}

/// `{Type:Id},{Type:Id}`, each once.
pub(super) fn user_ids(ids: &Value) -> String {
    let part = |text: &str| text.replace('{', "(").replace('}', ")");
    let mut written: Vec<String> = Vec::new();
    for id in ids.as_array().into_iter().flatten() {
        let (Some(kind), Some(identifier)) = (id["type"].as_str(), id["identifier"].as_str()) else { continue };
        let (kind, identifier) = (part(&item(kind)).replace(':', ";"), part(&item(identifier)));
        let one = format!("{{{kind}:{identifier}}}");
        if !kind.is_empty() && !identifier.is_empty() && !written.contains(&one) {
            written.push(one);
        }
    }
    written.join(",")
}

/// A field of another system: texts as they are, everything else as JSON.
pub(super) fn extension(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(own) => text(own),
        other => Cow::Owned(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{extension, list, subject_codes, text, user_ids};

    #[test]
    fn a_field_has_no_carriage_return_and_no_other_control_character() {
        assert_eq!(text("one\r\ntwo\rthree\nfour\tfive\u{0}\u{85}"), "one\ntwo\nthree\nfour\tfive");
        assert_eq!(text("plain, \"quoted\""), "plain, \"quoted\"");
    }

    #[test]
    fn items_stay_apart() {
        assert_eq!(list(&["09", "10"]), "09,10");
        assert_eq!(list(&["Arts, visual", "\u{7}", "Music"]), "Arts; visual,Music");
        assert_eq!(list(&[]), "");
    }

    #[test]
    fn codes_without_their_subjects_are_left_out() {
        assert_eq!(subject_codes(&["a", "b"], &["1", "2"]), "1,2");
        assert_eq!(subject_codes(&["a", "b"], &["1"]), "");
        assert_eq!(subject_codes(&[], &["1"]), "1");
    }

    #[test]
    fn user_ids_have_the_form_of_the_standard() {
        let ids = json!([
            {"type": "LDAP", "identifier": "ada:7"},
            {"type": "a:b", "identifier": "x,y"},
            {"type": "LDAP", "identifier": "ada:7"},
            {"type": "", "identifier": "z"},
            {"type": "{q}", "identifier": "{1}"},
        ]);
        assert_eq!(user_ids(&ids), "{LDAP:ada:7},{a;b:x;y},{(q):(1)}");
        assert_eq!(user_ids(&json!([])), "");
    }

    #[test]
    fn fields_of_other_systems_are_texts() {
        for (value, expected) in [
            (json!(null), ""),
            (json!("a\r\nb"), "a\nb"),
            (json!(true), "true"),
            (json!(1.5), "1.5"),
            (json!({"a": [1]}), "{\"a\":[1]}"),
        ] {
            assert_eq!(extension(&value), expected);
        }
    }
}
