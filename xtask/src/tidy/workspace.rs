//! The files that rules look at.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::source::Source;

/// Where the workspace is.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// A text file.
#[derive(Debug)]
pub(super) struct File {
    /// From the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    /// Taken apart, when it is Rust.
    pub(super) source: Source,
}

impl File {
    pub(super) fn is(&self, extension: &str) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, found)| found == extension)
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(at, line)| (at + 1, line))
    }

    /// The file name.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The crate folder, such as `crates/tenancy`, for what lies in one.
    pub(super) fn krate(&self) -> Option<&str> {
        let rest = self.path.strip_prefix("crates/")?;
        let end = rest.find('/')?;
        self.path.get(..end + "crates/".len())
    }

    /// Code that is only ever run by tests: integration tests, files of test modules, benches, and the room made for tests.
    pub(super) fn is_for_tests(&self) -> bool {
        self.path.starts_with("crates/testkit/")
            || self.path.split('/').any(|part| part == "tests" || part == "benches" || part == "tests.rs")
    }
}

/// All files of the workspace that are not ignored.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    files: Vec<File>,
    paths: BTreeSet<String>,
}

impl Workspace {
    pub(super) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut found = BTreeMap::new();
        walk(root, "", &[], &mut found)?;
        Ok(Self::from_texts(found))
    }

    /// A made-up workspace, for showing that a rule can fail.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        Self::from_texts(files.iter().map(|(path, text)| ((*path).to_owned(), Some((*text).to_owned()))).collect())
    }

    fn from_texts(texts: BTreeMap<String, Option<String>>) -> Self {
        let mut workspace = Self::default();
        for (path, text) in texts {
            let parents = path.match_indices('/').map(|(at, _)| path[..at].to_owned()).collect::<Vec<_>>();
            workspace.paths.extend(parents);
            workspace.paths.insert(path.clone());
            if let Some(text) = text {
                let rust = path.rsplit_once('.').is_some_and(|(_, extension)| extension == "rs");
                let source = if rust { Source::read(&text) } else { Source::default() };
                workspace.files.push(File { path, text, source });
            }
        }
        workspace
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.iter()
    }

    pub(super) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files().filter(|file| file.is("rs"))
    }

    pub(super) fn markdown(&self) -> impl Iterator<Item = &File> {
        self.files().filter(|file| file.is("md"))
    }

    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files().find(|file| file.path == path)
    }

    /// Paths of files and folders.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// True for a file or folder.
    pub(super) fn exists(&self, path: &str) -> bool {
        path.is_empty() || self.paths.contains(path)
    }
}

/// Goes through the folders, leaving out what their `.gitignore` files name in plain words.
fn walk(
    folder: &Path,
    path: &str,
    ignored: &[String],
    found: &mut BTreeMap<String, Option<String>>,
) -> anyhow::Result<()> {
    let mut ignored = ignored.to_vec();
    if let Ok(text) = fs::read_to_string(folder.join(".gitignore")) {
        ignored.extend(text.lines().map(|line| match line.trim_end_matches('/').strip_prefix('/') {
            Some(here) => format!("{path}{here}"),
            None => format!("*/{}", line.trim_end_matches('/')),
        }));
    }
    for entry in fs::read_dir(folder).with_context(|| format!("{} cannot be listed", folder.display()))? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let inside = format!("{path}{name}");
        let left_out = |rule: &String| *rule == inside || rule.strip_prefix("*/") == Some(&name);
        if name == ".git" || ignored.iter().any(left_out) {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), &format!("{inside}/"), &ignored, found)?;
        } else if kind.is_file() {
            found.insert(inside, String::from_utf8(fs::read(entry.path())?).ok());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Workspace;

    #[test]
    fn ignored_files_are_left_out() {
        let root = std::env::temp_dir().join(format!("cloister-tidy-{}", std::process::id()));
        for folder in ["target", "web/node_modules", "web/target"] {
            fs::create_dir_all(root.join(folder)).unwrap();
            fs::write(root.join(folder).join("a.rs"), "").unwrap();
        }
        fs::write(root.join(".gitignore"), "/target\nnode_modules\n").unwrap();
        fs::write(root.join("picture.png"), [0xff, 0xfe, 0]).unwrap();
        let workspace = Workspace::read(&root).unwrap();
        let paths: Vec<_> = workspace.paths().collect();
        assert_eq!(paths, [".gitignore", "picture.png", "web", "web/target", "web/target/a.rs"]);
        assert_eq!(workspace.files().count(), 2, "what is no text is known by its path alone");
        fs::remove_dir_all(&root).unwrap();
    }
}
