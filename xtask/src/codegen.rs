//! Writes what is generated and checked in, or says that it is stale: today the API document, `openapi/cloister.json`.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, bail};

use crate::tidy::root;

/// Where the API document is kept.
const DOCUMENT: &str = "openapi/cloister.json";

#[derive(clap::Args)]
pub(crate) struct Codegen {
    /// Change nothing; fail when something is stale.
    #[arg(long)]
    check: bool,
}

impl Codegen {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let root = root();
        let fresh = document(&root)?;
        if self.check {
            check(&root, &fresh)?;
            println!("{DOCUMENT} is up to date");
        } else if write(&root, &fresh)? {
            println!("{DOCUMENT} was written");
        } else {
            println!("{DOCUMENT} was up to date");
        }
        Ok(())
    }
}

/// What the program says its API is. Its own command prints it, so that there is one way to make it.
fn document(root: &Path) -> anyhow::Result<String> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(root)
        .args(["run", "--quiet", "--package", "cloister", "--", "openapi"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cargo could not be run")?;
    if !output.status.success() {
        bail!("`cargo run --package cloister -- openapi` failed; nothing was written");
    }
    let text = String::from_utf8(output.stdout).context("the API document is not UTF-8")?;
    let _: serde_json::Value = serde_json::from_str(&text).context("what `cloister openapi` printed is not JSON")?;
    Ok(format!("{}\n", text.trim_end()))
}

fn check(root: &Path, fresh: &str) -> anyhow::Result<()> {
    let kept = std::fs::read_to_string(root.join(DOCUMENT)).unwrap_or_default();
    if kept == fresh {
        return Ok(());
    }
    let line = kept.lines().zip(fresh.lines()).take_while(|(kept, fresh)| kept == fresh).count() + 1;
    bail!("{DOCUMENT} is stale (first difference in line {line}). Run `make codegen` and commit what it writes.")
}

/// True when something changed.
fn write(root: &Path, fresh: &str) -> anyhow::Result<bool> {
    let path = root.join(DOCUMENT);
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

    #[test]
    fn a_stale_document_is_named_with_the_command_that_mends_it() {
        let root = std::env::temp_dir().join(format!("cloister-codegen-{}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        assert!(check(&root, "{}\n").unwrap_err().to_string().contains("make codegen"), "an absent one is stale");
        assert!(write(&root, "{}\n").unwrap());
        assert!(!write(&root, "{}\n").unwrap(), "writing the same changes nothing");
        check(&root, "{}\n").unwrap();
        let stale = check(&root, "{\n}\n").unwrap_err().to_string();
        assert!(stale.contains("line 1") && stale.contains("make codegen"), "{stale}");
        std::fs::remove_dir_all(&root).unwrap();
    }
}
