//! What documents and comments name exists: paths, functions, commands of make.

use std::collections::HashSet;

use super::{File, Finding, Rule, Workspace};

static PATH: Rule = Rule {
    name: "dead-path",
    why: "a page that names a file which is gone was not true since that file went",
    mend: "name what is there now",
};

static NAME: Rule = Rule {
    name: "dead-name",
    why: "a page that names a function which is gone was not true since that function went",
    mend: "name what is there now",
};

static TARGET: Rule = Rule {
    name: "dead-command",
    why: "the first command that fails ends a newcomer's patience",
    mend: "name a target of the Makefile, or add it there",
};

/// Where paths that documents name begin.
const ROOTS: &[&str] = &["crates/", "xtask/", "docs/", "scripts/", "openapi/", "web/", ".ci/"];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    let names = names(workspace);
    let targets = workspace.file("Makefile").map_or_else(HashSet::new, targets);
    for file in workspace.markdown() {
        for (line, text) in file.lines() {
            for span in text.split('`').skip(1).step_by(2) {
                for path in paths(span) {
                    if !is_there(workspace, &path) {
                        findings.push(Finding::new(&PATH, &file.path, line, format!("`{path}` does not exist")));
                    }
                }
                if let Some(name) = function(span).filter(|name| !names.contains(name)) {
                    findings.push(Finding::new(
                        &NAME,
                        &file.path,
                        line,
                        format!("nothing is called `{name}` (`{span}`)"),
                    ));
                }
                if let Some(target) = target(span).filter(|target| !targets.contains(target)) {
                    findings.push(Finding::new(&TARGET, &file.path, line, format!("`make {target}` is no target")));
                }
            }
        }
    }
    for file in workspace.rust() {
        for comment in &file.source.comments {
            for (at, text) in comment.text.lines().enumerate() {
                for path in text.split([' ', '`', '(', ')']).flat_map(paths) {
                    if !is_there(workspace, &path) {
                        let what = format!("`{path}` does not exist");
                        findings.push(Finding::new(&PATH, &file.path, comment.line + at, what));
                    }
                }
            }
        }
    }
    findings
}

/// The paths in a word or a code span, with `{a,b}` taken apart. What holds a placeholder names no file.
fn paths(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in text.split_whitespace() {
        let word = word.trim_end_matches(['.', ',', ':', ';', ')', '"']);
        if !ROOTS.iter().any(|root| word.starts_with(root)) || word.contains(['*', '…', '<', '$', 'N']) {
            continue;
        }
        match (word.find('{'), word.find('}')) {
            (Some(open), Some(close)) if open < close => {
                let parts = word[open + 1..close].split(',');
                found.extend(parts.map(|part| format!("{}{part}{}", &word[..open], &word[close + 1..])));
            }
            _ => found.push(word.to_owned()),
        }
    }
    found
}

/// A decision may be named by its number alone.
fn is_there(workspace: &Workspace, path: &str) -> bool {
    let path = path.trim_end_matches('/');
    let path = path.split(['#', ':']).next().unwrap_or(path);
    let numbered = || {
        let name = path.strip_prefix("docs/adr/").filter(|name| name.len() == 4);
        name.is_some() && workspace.paths().any(|known| known.starts_with(&format!("{path}-")))
    };
    workspace.exists(path) || numbered()
}

/// The last word of `Type::method` or `module::function`, when the span is such a name and nothing else.
fn function(span: &str) -> Option<&str> {
    let span = span.trim_end_matches("()").trim_end_matches('!');
    let parts: Vec<&str> = span.split("::").collect();
    let word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (parts.len() > 1 && parts.iter().all(|part| word(part)) && !FOREIGN.contains(&parts[0]))
        .then(|| parts[parts.len() - 1])
}

/// Names that are not ours.
const FOREIGN: &[&str] = &["std", "core", "tokio", "serde", "serde_json", "rustls", "axum", "utoipa", "clap"];

/// Every name that a source declares.
fn names(workspace: &Workspace) -> HashSet<&str> {
    const DECLARE: &[&str] = &["fn", "struct", "enum", "trait", "type", "mod", "const", "static", "macro_rules!"];
    let mut found = HashSet::new();
    for file in workspace.rust() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        for (_, code) in file.source.lines() {
            let mut words = code.split(|c: char| !is_word(c) && c != '!').filter(|word| !word.is_empty()).peekable();
            let first = words.peek().copied();
            // A variant, or a statement of `statements!`, stands at the beginning of its line.
            found.extend(first.filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase())));
            while let Some(word) = words.next() {
                if DECLARE.contains(&word) {
                    found.extend(words.peek().copied());
                }
            }
        }
        found.extend(file.name().strip_suffix(".rs"));
        found.extend(file.path.split('/'));
    }
    found
}

fn targets(makefile: &File) -> HashSet<&str> {
    let target = |line: &'_ str| {
        line.find(':').is_some_and(|at| line[..at].chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
    };
    makefile.lines().filter(|(_, line)| target(line)).filter_map(|(_, line)| line.split(':').next()).collect()
}

fn target(span: &str) -> Option<&str> {
    span.strip_prefix("make ")?.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::{super::found, check};

    #[test]
    fn what_a_page_names_exists() {
        let page = "`crates/a/src/lib.rs` and `crates/a/src/{lib,gone}.rs`, `crates/b/`\n`Door::open`, `Door::shut()`, `OPEN`, `std::fmt::Debug`\n`make demo` `make nothing`\n`docs/adr/0001` `docs/adr/0009` `crates/*/src`\n";
        let files = [
            ("README.md", page),
            ("Makefile", "demo: x\n\techo make\n"),
            (
                "crates/a/src/lib.rs",
                "//! See docs/adr/0001 and `crates/gone.rs`.\nimpl Door { pub fn open(&self) {} }\n",
            ),
            ("docs/adr/0001-why.md", "# Why\n"),
        ];
        assert_eq!(
            found(check, &files),
            [
                "README.md:1 dead-path",
                "README.md:1 dead-path",
                "README.md:2 dead-name",
                "README.md:3 dead-command",
                "README.md:4 dead-path",
                "crates/a/src/lib.rs:1 dead-path"
            ]
        );
    }
}
