//! Modules work for the tenant they are given, and name no other.

use super::{File, Finding, Rule, Workspace};

static SCOPE: Rule = Rule {
    name: "module-scope",
    why: "the kernel's handle also serves operators: with it a module could make itself a context for any tenant",
    mend: "take the OpContext of the request or job; what concerns tenants as such belongs to the kernel or the binary",
};

/// Modules: crates that get the kernel's handle together with a context.
const MODULES: &[&str] = &["crates/school/src/", "crates/catalog/src/", "crates/platform/src/"];

/// The room of accounts and operators: it looks tenants up and records what is asked of them, but makes no context either.
const OPERATORS: &str = "crates/platform/src/";
const OF_OPERATORS: &[&str] = &[
    ".registry()",
    ".create_tenant(",
    ".find_tenant(",
    ".list_tenants(",
    ".abandon_provisioning(",
    ".retry_workflow(",
];

/// Ways from the kernel's handle to a tenant that nobody resolved, or to tenants as such.
const NAMES: &[&str] = &[
    ".background(",
    ".context(",
    ".registry()",
    ".create_tenant(",
    ".suspend_tenant(",
    ".resume_tenant(",
    ".delete_tenant(",
    ".purge_tenant(",
    ".purge_due(",
    ".set_maintenance(",
    ".find_tenant(",
    ".list_tenants(",
    ".abandon_provisioning(",
    ".retry_workflow(",
    ".tend_workflows(",
    ".migrate_fleet(",
    "Tenancy::start",
];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let of_modules = |file: &&File| MODULES.iter().any(|folder| file.path.starts_with(folder)) && !file.is_for_tests();
    let mut findings = Vec::new();
    for file in workspace.rust().filter(of_modules) {
        for (line, code) in file.source.lines().filter(|(line, _)| !file.source.is_test(*line)) {
            let may = |name: &str| file.path.starts_with(OPERATORS) && OF_OPERATORS.contains(&name);
            for name in NAMES.iter().filter(|name| code.contains(**name) && !may(name)) {
                let name = name.trim_matches(['.', '(', ')']);
                findings.push(Finding::new(&SCOPE, &file.path, line, format!("`{name}` is called by a module")));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{super::found, check};

    #[test]
    fn a_module_names_no_tenant_but_its_own() {
        let text =
            "//! x\nfn a(op: Op) {\n    let cx = op.tenancy.background(op.tenancy.registry().by_slug(\"b\"), c);\n}\n";
        let files = [("crates/school/src/org/mod.rs", text), ("crates/cloister/src/demo.rs", text)];
        assert_eq!(
            found(check, &files),
            ["crates/school/src/org/mod.rs:3 module-scope", "crates/school/src/org/mod.rs:3 module-scope"]
        );
    }
}
