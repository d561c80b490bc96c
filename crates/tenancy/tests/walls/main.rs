//! What module code cannot write, because it does not compile: a unit of work, a context or a tenant of its own making, a
//! connection, a statement made at run time. Beside it, what it is meant to write, and does compile.
//!
//! The compiler is asked directly, with the kernel as it was built for this test: a package of its own for these few files
//! would have every dependency built again. Each refused file names the error it must be refused with, in its second line.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

/// Libraries as the compiler finds them.
struct Kernel {
    dependencies: PathBuf,
    tenancy: PathBuf,
    ids: PathBuf,
}

fn cases(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/walls").join(folder);
    let mut found: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

/// Builds of a library, the latest first: features and profiles leave several.
fn builds(dependencies: &Path, name: &str) -> Vec<PathBuf> {
    let prefix = format!("lib{name}-");
    let mut found: Vec<(SystemTime, PathBuf)> = fs::read_dir(dependencies)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with(&prefix) && name.ends_with(".rlib")
        })
        .map(|entry| (entry.metadata().unwrap().modified().unwrap(), entry.path()))
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, path)| path).take(6).collect()
}

impl Kernel {
    /// The latest build that the allowed files compile against.
    fn find() -> Self {
        let dependencies = std::env::current_exe().unwrap().parent().unwrap().to_owned();
        for tenancy in builds(&dependencies, "cloister_tenancy") {
            for ids in builds(&dependencies, "cloister_ids") {
                let kernel = Self { dependencies: dependencies.clone(), tenancy: tenancy.clone(), ids };
                if cases("allowed").iter().all(|case| kernel.compile(case).is_empty()) {
                    return kernel;
                }
            }
        }
        let kernel = Self {
            tenancy: builds(&dependencies, "cloister_tenancy").remove(0),
            ids: builds(&dependencies, "cloister_ids").remove(0),
            dependencies,
        };
        panic!("what is allowed does not compile: {:#?}", kernel.compile(&cases("allowed")[0]));
    }

    /// The errors' codes; an error without a code is told whole.
    fn compile(&self, case: &Path) -> BTreeSet<String> {
        let out = tempfile::tempdir().unwrap();
        let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let said = Command::new(compiler)
            .args(["--edition", "2024", "--crate-type", "bin", "--emit", "metadata", "--error-format", "json"])
            .arg("--out-dir")
            .arg(out.path())
            .arg("-L")
            .arg(format!("dependency={}", self.dependencies.display()))
            .arg("--extern")
            .arg(format!("cloister_tenancy={}", self.tenancy.display()))
            .arg("--extern")
            .arg(format!("cloister_ids={}", self.ids.display()))
            .arg(case)
            .output()
            .unwrap();
        String::from_utf8_lossy(&said.stderr)
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter(|message| message["level"] == "error" && !message["spans"].as_array().is_none_or(Vec::is_empty))
            .map(|message| {
                message["code"]["code"].as_str().map_or_else(|| message["message"].to_string(), str::to_owned)
            })
            .collect()
    }
}

#[test]
fn modules_reach_rows_only_through_the_door() {
    let kernel = Kernel::find();
    let mut wrong = Vec::new();
    for case in cases("refused") {
        let text = fs::read_to_string(&case).unwrap();
        let expected: BTreeSet<String> = text
            .lines()
            .nth(1)
            .and_then(|line| line.strip_prefix("// refused: "))
            .unwrap_or_default()
            .split(", ")
            .map(str::to_owned)
            .collect();
        let said = kernel.compile(&case);
        if said.is_empty() || said != expected {
            wrong.push(format!("{}: expected {expected:?}, the compiler said {said:?}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
