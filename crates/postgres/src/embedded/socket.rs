//! The directory of the server's Unix socket, whose path the system limits to about a hundred bytes.

use std::{
    env, fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt},
    },
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{EmbeddedError, account::Account, layout::Layout};

/// Bytes a socket's whole path may have: the shorter limit of macOS, whose structure holds 104 with its final zero.
const LIMIT: usize = 103;

/// What PostgreSQL appends to the directory, at its longest.
const NAME: &str = "/.s.PGSQL.65535";

/// Makes the directory that will hold the socket: beside the cluster when that path is short enough, else under a
/// directory for run-time files. Only the server's account (and root) may enter it.
pub(super) fn prepare(layout: &Layout, account: &Account) -> Result<PathBuf, EmbeddedError> {
    let beside = layout.home.join("socket");
    if fits(&beside) {
        open(&beside, account)?;
        return Ok(beside);
    }
    let digest = Sha256::digest(layout.data_dir.as_os_str().as_bytes());
    let hash = digest.iter().take(8).fold(0_u64, |number, &byte| (number << 8) | u64::from(byte));
    let mut failure = None;
    for base in bases(account) {
        // Another account may have put something under our name into a directory where everyone may write.
        for attempt in 0..4 {
            let directory = base.join(format!("cloister-{hash:016x}-{attempt}"));
            if !fits(&directory) {
                continue;
            }
            match open(&directory, account) {
                Ok(()) => return Ok(directory),
                Err(error) => failure = Some(error),
            }
        }
    }
    Err(failure.unwrap_or_else(|| EmbeddedError::UnusableSocketDirectory { path: beside }))
}

/// Removes a directory that was made outside the data directory, as nothing else would.
pub(super) fn clean(layout: &Layout, directory: &Path) {
    if !directory.starts_with(&layout.data_dir) {
        // Best effort: it is empty after an orderly end, and used again at the next start otherwise.
        let _ = fs::remove_dir(directory);
    }
}

fn bases(account: &Account) -> impl Iterator<Item = PathBuf> {
    let run = if account.switch {
        Some(PathBuf::from("/run"))
    } else {
        env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute())
    };
    run.filter(|path| path.is_dir()).into_iter().chain([PathBuf::from("/tmp")])
}

/// True when the path is short enough and free of what PostgreSQL's list of directories gives a meaning.
fn fits(directory: &Path) -> bool {
    let bytes = directory.as_os_str().as_bytes();
    bytes.len() + NAME.len() <= LIMIT
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+=~".contains(byte))
}

/// Makes the directory, or takes it as it is when it is a private directory of the account's.
fn open(directory: &Path, account: &Account) -> Result<(), EmbeddedError> {
    match fs::DirBuilder::new().mode(0o700).create(directory) {
        Ok(()) => account.give(directory),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let found = fs::symlink_metadata(directory).map_err(EmbeddedError::io("cannot look at", directory))?;
            let ours = found.is_dir() && (found.uid() == account.uid || (account.switch && found.uid() == 0));
            if !ours || found.mode() & 0o077 != 0 {
                return Err(EmbeddedError::UnusableSocketDirectory { path: directory.to_owned() });
            }
            account.give(directory)
        }
        Err(source) => Err(EmbeddedError::io("cannot make", directory)(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_fits_only_when_the_longest_socket_name_does() {
        let longest = LIMIT - NAME.len();
        assert!(fits(Path::new(&format!("/{}", "a".repeat(longest - 1)))));
        assert!(!fits(Path::new(&format!("/{}", "a".repeat(longest)))));
        assert!(!fits(Path::new("/tmp/a,b")));
        assert!(!fits(Path::new("/tmp/a b")));
    }
}
