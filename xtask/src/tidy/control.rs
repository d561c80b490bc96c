//! Who uses the door to the control plane.

use super::{Exception, File, Finding, Rule, Workspace, is_excepted, unneeded};

static USER: Rule = Rule {
    name: "control-door",
    why: "the control plane knows every tenant: what can read it must be few, named, and never a request's own code",
    mend: "ask the registry in memory or a method of Tenancy; a new user is a decision: list it in xtask/src/tidy/control.rs",
};

/// The files of the kernel that use it, and what for.
const USERS: &[Exception] = &[
    Exception { path: "crates/tenancy/src/audit/seal.rs", reason: "the platform's own log, and where each chain ends" },
    Exception { path: "crates/tenancy/src/audit/verify.rs", reason: "the same, looked at by an operator" },
    Exception { path: "crates/tenancy/src/control/mod.rs", reason: "the door itself" },
    Exception { path: "crates/tenancy/src/control/plane.rs", reason: "the door as the room of accounts has it" },
    Exception { path: "crates/tenancy/src/fleet.rs", reason: "which databases and placements are behind" },
    Exception { path: "crates/tenancy/src/jobs/attempt.rs", reason: "tells the queue what came of a job" },
    Exception { path: "crates/tenancy/src/jobs/cron.rs", reason: "the schedule" },
    Exception {
        path: "crates/tenancy/src/jobs/inspect.rs",
        reason: "the queue as operators see it; jobs of a tenant that wakes or goes",
    },
    Exception { path: "crates/tenancy/src/jobs/outbox.rs", reason: "carries jobs into the queue" },
    Exception { path: "crates/tenancy/src/jobs/purge.rs", reason: "forgets jobs that are done" },
    Exception { path: "crates/tenancy/src/jobs/queue.rs", reason: "the queue itself" },
    Exception { path: "crates/tenancy/src/jobs/relay.rs", reason: "which databases have an outbox" },
    Exception { path: "crates/tenancy/src/jobs/upkeep.rs", reason: "takes jobs back from workers that were lost" },
    Exception { path: "crates/tenancy/src/jobs/worker.rs", reason: "listens for jobs and takes them" },
    Exception { path: "crates/tenancy/src/lifecycle/engine.rs", reason: "leases, steps and ends of workflows" },
    Exception { path: "crates/tenancy/src/lifecycle/fence.rs", reason: "records the epoch that the fence reached" },
    Exception {
        path: "crates/tenancy/src/lifecycle/progress.rs",
        reason: "how far a workflow got, for those who wait for it",
    },
    Exception { path: "crates/tenancy/src/lifecycle/provision.rs", reason: "records placements and databases" },
    Exception { path: "crates/tenancy/src/lifecycle/purge.rs", reason: "removes the record of a tenant" },
    Exception {
        path: "crates/tenancy/src/lifecycle/record.rs",
        reason: "tenants and workflows, recorded within a unit of work",
    },
    Exception { path: "crates/tenancy/src/lifecycle/requests.rs", reason: "tenants as operators see and ask for them" },
    Exception { path: "crates/tenancy/src/lifecycle/shut.rs", reason: "status of a tenant, with audit and notice" },
    Exception { path: "crates/tenancy/src/mismatch.rs", reason: "audits a refused caller who belongs to no tenant" },
    Exception { path: "crates/tenancy/src/plan.rs", reason: "plans as operators see and change them" },
    Exception { path: "crates/tenancy/src/proof/expected.rs", reason: "which places the prover walks through" },
    Exception { path: "crates/tenancy/src/registry.rs", reason: "reads the registry into memory" },
    Exception { path: "crates/tenancy/src/tenancy.rs", reason: "starts the kernel and follows the registry" },
];

/// Ways to name it.
const NAMES: &[&str] = &["RegistryTx", ".control.", ".0.control", "&Control", "Control::new", "control: Control"];

/// The same door as it is handed to the room of accounts, and who may name it.
const HANDED: &[&str] = &["ControlPlane", "ControlTx", "start_with_control"];
const HOLDERS: &[&str] =
    &["crates/tenancy/", "crates/platform/", "crates/testkit/", "crates/cloister/src/installation.rs"];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let uses = |file: &File| {
        let kernel = file.path.starts_with("crates/tenancy/");
        let names = |code: &str| {
            if kernel { NAMES.iter().any(|name| has(code, name)) } else { HANDED.iter().any(|name| has(code, name)) }
        };
        let found = file.source.lines().find(|(line, code)| !file.source.is_test(*line) && names(code));
        found.map(|(line, _)| line).filter(|_| kernel || !HOLDERS.iter().any(|holder| file.path.starts_with(holder)))
    };
    let mut findings = Vec::new();
    for file in workspace.rust().filter(|file| file.path.starts_with("crates/") && !file.is_for_tests()) {
        if let Some(line) = uses(file)
            && !is_excepted(USERS, file)
        {
            findings.push(Finding::new(&USER, &file.path, line, "the control plane's door is used here"));
        }
    }
    findings.extend(unneeded(&USER, USERS, |path| workspace.file(path).is_some_and(|file| uses(file).is_some())));
    findings
}

/// The word stands there whole: `ledger.control.` is a field of something else, `ControlTxt` another type.
fn has(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        let word = |c: char| c.is_alphanumeric() || c == '_';
        !before.ends_with("ledger") && (!name.ends_with(word) || !after.starts_with(word))
    })
}

#[cfg(test)]
mod tests {
    use super::{super::found, USERS, check};

    #[test]
    fn the_door_is_named_only_by_whom_it_is_handed_to() {
        let text = "//! x\nuse cloister_tenancy::ControlPlane;\n";
        let files = [("crates/platform/src/service.rs", text), ("crates/school/src/lib.rs", text)];
        let findings = found(check, &files);
        assert!(findings.contains(&"crates/school/src/lib.rs:2 control-door".to_owned()), "{findings:?}");
        assert!(!findings.contains(&"crates/platform/src/service.rs:2 control-door".to_owned()), "{findings:?}");
    }

    #[test]
    fn users_of_the_control_plane_are_listed() {
        let text = "//! x\nasync fn a(t: Tenancy) { t.0.control.run(&TENANT, &[]).await; ledger.control.len(); }\n";
        let files = [("crates/tenancy/src/door.rs", text), ("crates/tenancy/src/fleet.rs", text)];
        let findings = found(check, &files);
        assert!(findings.contains(&"crates/tenancy/src/door.rs:2 control-door".to_owned()), "{findings:?}");
        assert!(!findings.contains(&"crates/tenancy/src/fleet.rs:2 control-door".to_owned()), "{findings:?}");
        assert_eq!(findings.len(), USERS.len(), "the one stranger, and all listed users but one");
    }
}
