//! Words that no source may contain.

use super::{Finding, Rule, Workspace};

static ALLOW: Rule = Rule {
    name: "allow",
    why: "an `#[allow]` outlives its cause unseen; an `#[expect]` with a reason fails when it is no longer needed",
    mend: "write `#[expect(lint, reason = \"…\")]`",
};

static UNFINISHED: Rule = Rule {
    name: "unfinished",
    why: "what is reached in production must be finished, and must not print what it works on",
    mend: "finish it, or take the path to it out of the program",
};

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in workspace.rust() {
        for (line, code) in file.source.lines() {
            if code.contains("#[allow(") || code.contains("#![allow(") {
                findings.push(Finding::new(&ALLOW, &file.path, line, "the lint is silenced for good"));
            }
            for word in ["todo!", "unimplemented!", "dbg!"] {
                let whole = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
                if code.match_indices(word).any(|(at, _)| whole(at)) {
                    findings.push(Finding::new(&UNFINISHED, &file.path, line, format!("`{word}` is left in the code")));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{super::found, check};

    #[test]
    fn silenced_lints_and_unfinished_code_are_found() {
        let text = "//! todo!() in a comment\n#[allow(dead_code)]\nfn a() { todo!() }\nfn b() { x.dbg!(1) }\nfn c() { \"dbg!(1)\"; my_todo!() }\n#![allow(x)]\n";
        assert_eq!(
            found(check, &[("a.rs", text)]),
            ["a.rs:2 allow", "a.rs:3 unfinished", "a.rs:4 unfinished", "a.rs:6 allow"]
        );
    }
}
