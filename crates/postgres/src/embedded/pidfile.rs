//! `postmaster.pid`: what a running server says about itself.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

/// The lines of the file that we use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PidFile {
    pub(super) pid: i32,
    pub(super) port: u16,
    pub(super) socket_dir: PathBuf,
    pub(super) ready: bool,
}

/// Where it is in a PGDATA.
pub(super) fn path(data: &Path) -> PathBuf {
    data.join("postmaster.pid")
}

/// The number of the process alone: it is there before anything else is.
pub(super) fn pid(data: &Path) -> Option<i32> {
    // A negative number is a standalone backend's.
    read(data)?.lines().next()?.trim().parse::<i32>().ok().map(i32::abs).filter(|&pid| pid > 1)
}

/// True when there is a file of that name.
pub(super) fn exists(data: &Path) -> bool {
    fs::symlink_metadata(path(data)).is_ok()
}

impl PidFile {
    /// Reads the file; `None` while it is not there or not complete.
    pub(super) fn read(data: &Path) -> Option<Self> {
        Self::parse(&read(data)?)
    }

    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        Some(Self {
            pid: lines.first()?.parse().ok()?,
            port: lines.get(3)?.parse().ok()?,
            socket_dir: PathBuf::from(*lines.get(4)?),
            ready: lines.get(7) == Some(&"ready"),
        })
    }
}

fn read(data: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path(data)).ok()?.take(8192).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complete_file_is_read_and_a_growing_one_is_not() {
        let text = "4711\n/data\n1700000000\n25432\n/run/x\n127.0.0.1\n  123  45\nready   \n";
        let expected = PidFile { pid: 4711, port: 25432, socket_dir: "/run/x".into(), ready: true };
        assert_eq!(PidFile::parse(text), Some(expected));
        assert!(PidFile::parse("4711\n/data\n").is_none());
        assert!(!PidFile::parse(&text.replace("ready", "starting")).unwrap().ready);
    }
}
