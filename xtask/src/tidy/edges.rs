//! Which crate may lean on which.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, bail};
use serde_json::Value;

use super::{Finding, Rule, Workspace};

static EDGE: Rule = Rule {
    name: "crate-edge",
    why: "each room leans only on rooms to its left, so that the kernel stays ignorant of HTTP and of schools",
    mend: "move what is shared to the left, or hand it in as a trait; a new edge is a decision: docs/adr and xtask/src/tidy/edges.rs",
};

static DRIVER: Rule = Rule {
    name: "driver",
    why: "a pool is private to postgres and tenancy: who holds the driver can reach rows past every wall",
    mend: "use cloister_tenancy::sql and TenantTx; only tests look past the door",
};

/// The rooms and what each may lean on. `ids ← postgres ← tenancy ← http ← platform ← school, catalog ← cloister`.
const ROOMS: &[(&str, &[&str])] = &[
    ("cloister-ids", &[]),
    ("cloister-postgres", &["cloister-ids"]),
    ("cloister-tenancy", &["cloister-ids", "cloister-postgres"]),
    // From here on nobody sees PostgreSQL but through the kernel's door.
    ("cloister-http", &["cloister-ids", "cloister-tenancy"]),
    ("cloister-platform", &["cloister-ids", "cloister-tenancy", "cloister-http"]),
    ("cloister-school", &["cloister-ids", "cloister-tenancy", "cloister-http", "cloister-platform"]),
    ("cloister-catalog", &["cloister-ids", "cloister-tenancy", "cloister-http", "cloister-platform"]),
    (
        "cloister",
        &[
            "cloister-ids",
            "cloister-postgres",
            "cloister-tenancy",
            "cloister-http",
            "cloister-platform",
            "cloister-school",
            "cloister-catalog",
        ],
    ),
    ("cloister-testkit", &["cloister-ids", "cloister-postgres", "cloister-tenancy", "cloister-http"]),
    ("xtask", &["cloister-ids", "cloister-postgres"]),
];

/// Crates that speak PostgreSQL's protocol.
const DRIVERS: &[&str] =
    &["tokio-postgres", "tokio-postgres-rustls", "postgres", "deadpool-postgres", "sqlx", "diesel", "libpq-sys"];

/// Who may hold one in its program; tests of anybody may. The binary does for its bench alone.
const DRIVER_USERS: &[&str] = &["cloister-postgres", "cloister-testkit", "cloister"];

/// Where the driver's types may be named: the room that wraps it, tests, and the measurement of what the walls cost.
const DRIVER_PLACES: &[&str] = &["crates/postgres/", "crates/cloister/src/command/bench/"];

/// What cargo knows of the workspace.
pub(super) fn metadata(root: &Path) -> anyhow::Result<Value> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(root)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .stdin(Stdio::null())
        .output()
        .context("cargo could not be run")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn check(metadata: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    let root = format!("{}/", text(metadata, "workspace_root"));
    let packages = list(metadata, "packages");
    let ours = |name: &str| packages.iter().any(|package| text(package, "name") == name);
    for package in packages {
        let name = text(package, "name");
        let manifest = text(package, "manifest_path");
        let manifest = manifest.strip_prefix(&root).unwrap_or(manifest);
        let Some((_, may)) = ROOMS.iter().find(|(room, _)| *room == name) else {
            findings.push(Finding::new(&EDGE, manifest, 1, format!("{name} is not among the rooms")));
            continue;
        };
        for dependency in list(package, "dependencies") {
            let on = text(dependency, "name");
            let for_tests = text(dependency, "kind") == "dev";
            if ours(on) && !may.contains(&on) && !(for_tests && on == "cloister-testkit") {
                let how = if for_tests { "in its tests " } else { "" };
                findings.push(Finding::new(&EDGE, manifest, 1, format!("{name} must not lean {how}on {on}")));
            }
            if DRIVERS.contains(&on) && !for_tests && !DRIVER_USERS.contains(&name) {
                findings.push(Finding::new(&DRIVER, manifest, 1, format!("{name} must not hold the driver {on}")));
            }
        }
    }
    findings
}

/// The driver's types are named nowhere else.
pub(super) fn check_sources(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    let driver = |code: &str| DRIVERS.iter().any(|name| code.contains(&format!("{}::", name.replace('-', "_"))));
    for file in workspace.rust() {
        let may = file.is_for_tests() || DRIVER_PLACES.iter().any(|place| file.path.starts_with(place));
        // `cloister_postgres::` ends like one of them.
        let names = |code: &str| driver(&code.replace("cloister_postgres::", ""));
        let line = file.source.lines().find(|(line, code)| !file.source.is_test(*line) && names(code));
        if let Some((line, _)) = line.filter(|_| !may) {
            findings.push(Finding::new(&DRIVER, &file.path, line, "the driver is named here"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{check, check_sources};
    use crate::tidy::found as found_in;

    fn workspace(name: &str, dependencies: &[(&str, Option<&str>)]) -> Value {
        let dependencies: Vec<_> =
            dependencies.iter().map(|(name, kind)| json!({ "name": name, "kind": kind })).collect();
        let mut packages: Vec<_> = super::ROOMS
            .iter()
            .filter(|(room, _)| *room != name)
            .map(|(room, _)| json!({ "name": room, "manifest_path": "/w/other", "dependencies": [] }))
            .collect();
        packages.push(json!({ "name": name, "manifest_path": "/w/crates/x/Cargo.toml", "dependencies": dependencies }));
        json!({ "workspace_root": "/w", "packages": packages })
    }

    fn found(name: &str, on: &str, kind: Option<&str>) -> Vec<String> {
        check(&workspace(name, &[(on, kind)])).iter().map(|f| format!("{} {}", f.path, f.rule.name)).collect()
    }

    #[test]
    fn an_edge_to_the_right_is_refused() {
        for (name, on) in [
            ("cloister-school", "cloister-catalog"),
            ("cloister-catalog", "cloister-school"),
            ("cloister-tenancy", "cloister-http"),
            ("cloister-http", "cloister-postgres"),
            ("cloister-school", "cloister-postgres"),
            ("cloister-ids", "cloister-tenancy"),
            ("cloister", "cloister-testkit"),
        ] {
            assert_eq!(found(name, on, None), ["crates/x/Cargo.toml crate-edge"], "{name} on {on}");
        }
        assert!(found("cloister-school", "cloister-http", None).is_empty());
        assert!(found("cloister-school", "cloister-testkit", Some("dev")).is_empty());
        assert_eq!(found("cloister-school", "cloister-catalog", Some("dev")).len(), 1, "nor in tests");
        assert_eq!(found("cloister-annex", "serde", None), ["crates/x/Cargo.toml crate-edge"], "an unknown room");
    }

    #[test]
    fn the_driver_is_held_by_one_room() {
        assert_eq!(found("cloister-tenancy", "tokio-postgres", None), ["crates/x/Cargo.toml driver"]);
        assert!(found("cloister-tenancy", "tokio-postgres", Some("dev")).is_empty());
        assert!(found("cloister-postgres", "tokio-postgres", None).is_empty());
    }
    #[test]
    fn the_driver_is_named_in_few_places() {
        let text = "//! tokio_postgres::Client\nuse cloister_postgres::Row;\nuse tokio_postgres::Client;\n";
        let files = [
            ("crates/postgres/src/pool.rs", text),
            ("crates/tenancy/src/door.rs", text),
            ("crates/tenancy/tests/kernel/main.rs", text),
            ("crates/cloister/src/command/bench/reads.rs", text),
            ("crates/cloister/src/installation.rs", text),
        ];
        assert_eq!(
            found_in(check_sources, &files),
            ["crates/cloister/src/installation.rs:3 driver", "crates/tenancy/src/door.rs:3 driver"]
        );
    }
}
