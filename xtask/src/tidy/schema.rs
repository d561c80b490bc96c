//! Names in the API document: each is one type's.

use std::collections::BTreeMap;

use super::{Finding, Rule, Workspace};

static NAME: Rule = Rule {
    name: "schema-name",
    why: "of two types with one name in the API document only the first is described, and the second by the first's fields",
    mend: "give one of them another name in the document: #[schema(as = AnotherName)]",
};

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let mut findings = Vec::new();
    for file in workspace.rust().filter(|file| file.path.starts_with("crates/") && !file.is_for_tests()) {
        // What will be in the document, once its name is read.
        let (mut is_shown, mut called) = (false, None);
        for (line, code) in file.source.lines().filter(|(line, _)| !file.source.is_test(*line)) {
            let code = code.trim();
            if code.starts_with("#[derive(") && code.contains("ToSchema") || code.starts_with("words! {") {
                (is_shown, called) = (true, None);
            }
            if let Some((_, name)) = code.split_once("#[schema(").and_then(|(_, rest)| rest.split_once("as = ")) {
                called = Some(word(name).to_owned());
            }
            let Some(own) = named(code) else { continue };
            let name = called.take().unwrap_or_else(|| own.to_owned());
            if !std::mem::take(&mut is_shown) {
                continue;
            }
            let place = format!("{}:{line}", file.path);
            if let Some(first) = known.get(&name) {
                findings.push(Finding::new(
                    &NAME,
                    &file.path,
                    line,
                    format!("`{name}` is {first} in the document too"),
                ));
            } else {
                known.insert(name, place);
            }
        }
    }
    findings
}

/// The name of the type that begins in this line.
fn named(code: &str) -> Option<&str> {
    let code = match code.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(')')?.1,
        Some(rest) => rest,
        None => code,
    };
    let rest = code.trim_start();
    let rest = rest.strip_prefix("struct ").or_else(|| rest.strip_prefix("enum "))?;
    Some(word(rest)).filter(|name| !name.is_empty())
}

fn word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{super::found, check};

    const FIRST: &str = "#[derive(Debug, ToSchema)]\n#[serde(deny_unknown_fields)]\npub(super) struct Role {\n}\n";

    #[test]
    fn a_name_in_the_document_is_one_types() {
        let files = |second: &'static str| [("crates/a/src/lib.rs", FIRST), ("crates/b/src/lib.rs", second)];
        let twice = ["crates/b/src/lib.rs:2 schema-name"];
        assert_eq!(found(check, &files("#[derive(ToSchema)]\nstruct Role;\n")), twice);
        assert_eq!(found(check, &files("words! {\n    pub enum Role {\n    }\n}\n")), twice);
        let other = "#[derive(ToSchema)]\n#[schema(as = PersonRole)]\nstruct Role;\n";
        assert!(found(check, &files(other)).is_empty());
        assert!(found(check, &files("#[derive(Debug)]\nstruct Role;\n")).is_empty(), "it is not in the document");
        let same = "#[derive(ToSchema)]\n#[schema(as = Role)]\nstruct Other;\n";
        assert_eq!(found(check, &files(same)), ["crates/b/src/lib.rs:3 schema-name"]);
    }
}
