//! Links in the documents lead somewhere.

use super::{File, Finding, Rule, Workspace};

static DEAD: Rule = Rule {
    name: "dead-link",
    why: "a reader who follows a dead link stops believing the page",
    mend: "mend the link, or take it out",
};

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in workspace.markdown() {
        for (line, target) in links(&file.text) {
            if let Some(what) = broken(workspace, file, target) {
                findings.push(Finding::new(&DEAD, &file.path, line, what));
            }
        }
    }
    findings
}

/// Lines and targets of `[text](target)`, outside of code.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        // Every second piece between backticks is code.
        for prose in line.split('`').step_by(2) {
            for (from, _) in prose.match_indices("](") {
                if let Some(target) = prose[from + 2..].split(')').next() {
                    found.push((at + 1, target.split(' ').next().unwrap_or(target)));
                }
            }
        }
        // The text of a link may be code, which the split above cuts off from its target.
        for (from, _) in line.match_indices("`](") {
            if let Some(target) = line[from + 3..].split(')').next().filter(|target| !target.contains('`'))
                && !found.iter().any(|(known, seen)| *known == at + 1 && *seen == target)
            {
                found.push((at + 1, target));
            }
        }
    }
    found
}

fn broken(workspace: &Workspace, file: &File, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let found = if path.is_empty() { Some(file.path.clone()) } else { join(folder, path) };
    let Some(found) = found.filter(|found| workspace.exists(found)) else {
        return Some(format!("`{target}` leads nowhere"));
    };
    let titles = |file: &File| headings(&file.text).any(|heading| heading == anchor);
    if !anchor.is_empty() && workspace.file(&found).is_some_and(|file| file.is("md") && !titles(file)) {
        return Some(format!("`{found}` has no heading `#{anchor}`"));
    }
    None
}

/// Paths are joined as a browser does; none when it leaves the workspace.
fn join(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = if path.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    parts.retain(|part| !part.is_empty());
    Some(parts.join("/"))
}

/// The anchors of a page, as the usual renderers make them.
fn headings(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        title
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::{super::found, check};

    #[test]
    fn dead_links_are_found() {
        let page = "# A page, of `code`\n[a](b.md) [b](../README.md#the-top) [c](b.md#nothing)\n[d](gone.md) `[e](gone.md)` [f](https://x.y/z)\n```\n[g](gone.md)\n```\n[`h`](also-gone.md) [i](#a-page-of-code) [j](#no) [k](../../out.md)\n";
        let files = [("docs/a.md", page), ("docs/b.md", "# B\n"), ("README.md", "# The top\n")];
        assert_eq!(
            found(check, &files),
            [
                "docs/a.md:2 dead-link",
                "docs/a.md:3 dead-link",
                "docs/a.md:7 dead-link",
                "docs/a.md:7 dead-link",
                "docs/a.md:7 dead-link"
            ]
        );
    }
}
