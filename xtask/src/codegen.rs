//! Writes what is generated and checked in, or says that it is stale: the API document and the page of permissions.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail};

use crate::tidy::root;

/// Where each is kept, and the words after `cloister` that print it: so that there is one way to make it.
const GENERATED: &[(&str, &[&str])] =
    &[("openapi/cloister.json", &["openapi"]), ("docs/school/permissions.md", &["permissions", "--kind", "school"])];

#[derive(clap::Args)]
pub(crate) struct Codegen {
    /// Change nothing; fail when something is stale.
    #[arg(long)]
    check: bool,
    /// The program to ask; built when absent.
    #[arg(long)]
    binary: Option<PathBuf>,
}

impl Codegen {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let root = root();
        for (path, words) in GENERATED {
            let fresh = printed(&root, self.binary.as_deref(), words)?;
            if Path::new(path).extension().is_some_and(|kind| kind == "json") {
                let _: serde_json::Value =
                    serde_json::from_str(&fresh).with_context(|| format!("what was printed for {path} is not JSON"))?;
            }
            if self.check {
                check(&root, path, &fresh)?;
                println!("{path} is up to date");
            } else if write(&root, path, &fresh)? {
                println!("{path} was written");
            } else {
                println!("{path} was up to date");
            }
        }
        Ok(())
    }
}

/// What the program says.
fn printed(root: &Path, binary: Option<&Path>, words: &[&str]) -> anyhow::Result<String> {
    let said = words.join(" ");
    let mut program = match binary {
        Some(binary) => Command::new(root.join(binary)),
        None => {
            let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            cargo.args(["run", "--quiet", "--package", "cloister", "--"]);
            cargo
        }
    };
    let output = program
        .current_dir(root)
        .args(words)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("the program could not be run")?;
    if !output.status.success() {
        bail!("`cloister {said}` failed; nothing was written");
    }
    let text =
        String::from_utf8(output.stdout).with_context(|| format!("what `cloister {said}` printed is not UTF-8"))?;
    if text.trim().is_empty() {
        bail!("`cloister {said}` printed nothing");
    }
    Ok(format!("{}\n", text.trim_end()))
}

fn check(root: &Path, path: &str, fresh: &str) -> anyhow::Result<()> {
    let kept = std::fs::read_to_string(root.join(path)).unwrap_or_default();
    if kept == fresh {
        return Ok(());
    }
    let line = kept.lines().zip(fresh.lines()).take_while(|(kept, fresh)| kept == fresh).count() + 1;
    bail!("{path} is stale (first difference in line {line}). Run `make codegen` and commit what it writes.")
}

/// True when something changed.
fn write(root: &Path, path: &str, fresh: &str) -> anyhow::Result<bool> {
    let path = root.join(path);
    if std::fs::read_to_string(&path).is_ok_and(|kept| kept == fresh) {
        return Ok(false);
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&path, fresh).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::{check, write};

    const DOCUMENT: &str = "openapi/document.json";

    #[test]
    fn a_stale_document_is_named_with_the_command_that_mends_it() {
        let root = std::env::temp_dir().join(format!("cloister-codegen-{}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        assert!(
            check(&root, DOCUMENT, "{}\n").unwrap_err().to_string().contains("make codegen"),
            "an absent one is stale"
        );
        assert!(write(&root, DOCUMENT, "{}\n").unwrap());
        assert!(!write(&root, DOCUMENT, "{}\n").unwrap(), "writing the same changes nothing");
        check(&root, DOCUMENT, "{}\n").unwrap();
        let stale = check(&root, DOCUMENT, "{\n}\n").unwrap_err().to_string();
        assert!(stale.contains("line 1") && stale.contains("make codegen"), "{stale}");
        std::fs::remove_dir_all(&root).unwrap();
    }
}
