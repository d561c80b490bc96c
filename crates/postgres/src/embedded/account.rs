//! The account the server runs as: ourselves, or an unprivileged one when we are root, which PostgreSQL refuses.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::EmbeddedError;

/// Accounts tried in this order when none is configured.
const USUAL: [&str; 2] = ["postgres", "nobody"];

/// Who the server runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// True when we are root and have to become this account.
    pub(super) switch: bool,
}

impl Account {
    /// Chooses the account: the configured one, else the owner of the cluster that is already there, else a usual one.
    pub(super) fn select(configured: Option<&str>, data: &Path) -> Result<Self, EmbeddedError> {
        let me = rustix::process::geteuid().as_raw();
        let wanted = match configured {
            Some(name) => Some(lookup(name).ok_or_else(|| EmbeddedError::NoAccount {
                reason: format!("postgres.run_as names `{name}`, which does not exist"),
            })?),
            None => None,
        };
        if me != 0 {
            let gid = rustix::process::getegid().as_raw();
            let name = name_of(me);
            return match wanted {
                Some(other) if other.uid != me => Err(EmbeddedError::NoAccount {
                    reason: format!("only root can run it as `{}`, and this process runs as `{name}`", other.name),
                }),
                _ => Ok(Self { name, uid: me, gid, switch: false }),
            };
        }
        if let Some(account) = wanted {
            return if account.uid == 0 {
                Err(EmbeddedError::NoAccount {
                    reason: format!("postgres.run_as names `{}`, which is root", account.name),
                })
            } else {
                Ok(account)
            };
        }
        if let Ok(found) = fs::metadata(data)
            && found.uid() != 0
        {
            return Ok(Self { name: name_of(found.uid()), uid: found.uid(), gid: found.gid(), switch: true });
        }
        USUAL.iter().find_map(|name| lookup(name).filter(|account| account.uid != 0)).ok_or_else(|| {
            EmbeddedError::NoAccount { reason: format!("there is neither of the accounts {}", USUAL.join(", ")) }
        })
    }

    /// Gives a file or directory to the account; does nothing when we are that account already.
    pub(super) fn give(&self, path: &Path) -> Result<(), EmbeddedError> {
        if self.switch {
            lchown(path, Some(self.uid), Some(self.gid))
                .map_err(EmbeddedError::io("cannot change the owner of", path))?;
        }
        Ok(())
    }

    /// Gives a whole tree to the account, unless it has it. Symbolic links are given, not followed.
    pub(super) fn give_tree(&self, root: &Path) -> Result<(), EmbeddedError> {
        let mut open = vec![root.to_owned()];
        while let Some(path) = open.pop() {
            let read = EmbeddedError::io;
            let found = fs::symlink_metadata(&path).map_err(read("cannot look at", &path))?;
            if found.is_dir() {
                for entry in fs::read_dir(&path).map_err(read("cannot list", &path))? {
                    open.push(entry.map_err(read("cannot list", &path))?.path());
                }
            }
            if found.uid() != self.uid {
                self.give(&path)?;
            }
        }
        Ok(())
    }

    /// Refuses a cluster that belongs to someone else when we may not change that.
    pub(super) fn require_owned(&self, data: &Path) -> Result<(), EmbeddedError> {
        let found = fs::metadata(data).map_err(EmbeddedError::io("cannot look at", data))?;
        if found.uid() == self.uid || self.switch {
            return Ok(());
        }
        let owner = name_of(found.uid());
        Err(EmbeddedError::NotOwned { path: data.to_owned(), owner, me: self.name.clone() })
    }

    /// Refuses a path the account cannot get to: every directory on the way, and the path itself, must let it through.
    pub(super) fn require_reach(&self, path: &Path) -> Result<(), EmbeddedError> {
        if !self.switch {
            return Ok(());
        }
        match self.blocker(path)? {
            Some((blocker, mode)) => {
                Err(EmbeddedError::NotReachable { path: path.to_owned(), blocker, mode, account: self.name.clone() })
            }
            None => Ok(()),
        }
    }

    /// Lets the account through a directory of ours that nobody but the owner may enter: for its group, and only to pass.
    /// A directory whose group already has rights is left as it is, so that nobody loses any.
    pub(super) fn let_through(&self, directory: &Path) -> Result<(), EmbeddedError> {
        if !self.switch {
            return Ok(());
        }
        let found = fs::metadata(directory).map_err(EmbeddedError::io("cannot look at", directory))?;
        let mode = found.mode() & 0o7777;
        if found.uid() != 0 || self.passes(&found) || mode & 0o070 != 0 {
            return Ok(());
        }
        chown(directory, None, Some(self.gid)).map_err(EmbeddedError::io("cannot change the group of", directory))?;
        fs::set_permissions(directory, fs::Permissions::from_mode(mode | 0o010))
            .map_err(EmbeddedError::io("cannot open to the server", directory))
    }

    fn blocker(&self, path: &Path) -> Result<Option<(PathBuf, u32)>, EmbeddedError> {
        let mut steps: Vec<_> = path.ancestors().collect();
        steps.reverse();
        for step in steps {
            let found = fs::metadata(step).map_err(EmbeddedError::io("cannot look at", step))?;
            if !self.passes(&found) {
                return Ok(Some((step.to_owned(), found.mode() & 0o7777)));
            }
        }
        Ok(None)
    }

    /// The execute bit that applies to the account: the owner's, else its group's, else the others'.
    fn passes(&self, found: &fs::Metadata) -> bool {
        let bit = if found.uid() == self.uid {
            0o100
        } else if found.gid() == self.gid {
            0o010
        } else {
            0o001
        };
        found.mode() & bit != 0
    }
}

/// The account's name, or its number when it has none.
pub(super) fn name_of(uid: u32) -> String {
    let found = passwd().into_iter().find(|account| account.uid == uid).or_else(|| getent(&uid.to_string()));
    found.map_or_else(|| format!("uid {uid}"), |account| account.name)
}

fn lookup(name: &str) -> Option<Account> {
    passwd().into_iter().find(|account| account.name == name).or_else(|| getent(name))
}

fn passwd() -> Vec<Account> {
    let text = fs::read_to_string("/etc/passwd").unwrap_or_default();
    text.lines().filter_map(entry).collect()
}

/// Accounts of a directory service are not in the file.
fn getent(key: &str) -> Option<Account> {
    let output = Command::new("getent").arg("passwd").arg("--").arg(key).stdin(Stdio::null()).output().ok()?;
    entry(String::from_utf8(output.stdout).ok()?.lines().next()?)
}

fn entry(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(Account { name, uid, gid, switch: true })
}
