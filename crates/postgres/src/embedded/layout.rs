//! The files of an embedded cluster under its data directory, the mark that says they are ours, and the lock that
//! keeps two supervisors apart.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::EmbeddedError;

/// Name of the file that marks a data directory as ours.
const MARK: &str = ".cloister";
const MARK_TEXT: &str =
    "This directory holds the data of a Cloister platform. Do not edit or remove its files by hand.\n";

/// A reader that asks whether the lock is held takes it for an instant; a starting supervisor outlasts that.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);

/// For processes that were told to end to write their last file into a directory that is being removed.
const REMOVAL_PATIENCE: Duration = Duration::from_secs(5);

/// Whether a live process supervises a cluster.
pub(super) enum LockHolder {
    Nobody,
    /// One does; its number, unless it is just being written.
    Process(Option<u32>),
}

/// Where everything of one cluster is.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) data_dir: PathBuf,
    pub(super) home: PathBuf,
}

/// Marks a directory as holding a platform's data, and makes it when it is not there.
///
/// A directory with anything in it that does not carry the mark is refused. Call this before writing other files
/// into the data directory than the cluster's; [`super::EmbeddedCluster::start`] does it too.
pub fn claim(data_dir: &Path) -> Result<(), EmbeddedError> {
    let mark = data_dir.join(MARK);
    if mark.exists() {
        return Ok(());
    }
    make_directory(data_dir)?;
    for entry in fs::read_dir(data_dir).map_err(EmbeddedError::io("cannot list", data_dir))? {
        let name = entry.map_err(EmbeddedError::io("cannot list", data_dir))?.file_name();
        // The mark may have been made since by another process that starts at the same time.
        if name == "lost+found" || mark.exists() {
            continue;
        }
        let reason = if data_dir.join("PG_VERSION").exists() {
            "it is the data directory of a PostgreSQL cluster of its own".to_owned()
        } else {
            format!("it already holds `{}` and no `{MARK}` mark", name.to_string_lossy())
        };
        return Err(EmbeddedError::ForeignDirectory { path: data_dir.to_owned(), reason });
    }
    fs::write(&mark, MARK_TEXT).map_err(EmbeddedError::io("cannot write", &mark))
}

/// Makes a directory (and those above it) that only its owner may enter.
fn make_directory(path: &Path) -> Result<(), EmbeddedError> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(EmbeddedError::io("cannot make", parent))?;
    }
    fs::DirBuilder::new().mode(0o700).recursive(true).create(path).map_err(EmbeddedError::io("cannot make", path))
}

impl Layout {
    /// Claims the data directory and makes the cluster's part of it.
    pub(super) fn prepare(data_dir: &Path) -> Result<Self, EmbeddedError> {
        claim(data_dir)?;
        let layout = Self::existing(data_dir)?;
        make_directory(&layout.home)?;
        Ok(layout)
    }

    /// The layout of a data directory that is there. The path is made absolute, because the server changes its own.
    pub(super) fn existing(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let data_dir = data_dir.canonicalize().map_err(EmbeddedError::io("cannot find", data_dir))?;
        let home = data_dir.join("postgres");
        Ok(Self { data_dir, home })
    }

    /// PGDATA.
    pub(super) fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    /// Where a cluster is made before it gets its name: what is found here was left unfinished.
    pub(super) fn unfinished(&self) -> PathBuf {
        self.home.join("data.unfinished")
    }

    pub(super) fn password(&self) -> PathBuf {
        self.home.join("admin.password")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.home.join("server.log")
    }

    fn port(&self) -> PathBuf {
        self.home.join("port")
    }

    fn lock_file(&self) -> PathBuf {
        self.home.join("supervisor.lock")
    }

    /// The major version of the cluster, or `None` when there is none yet.
    pub(super) fn cluster_major(&self) -> Result<Option<u32>, EmbeddedError> {
        let data = self.data();
        let foreign = |reason: &str| EmbeddedError::ForeignDirectory { path: data.clone(), reason: reason.to_owned() };
        match fs::read_to_string(data.join("PG_VERSION")) {
            Ok(text) => text.trim().parse().map(Some).map_err(|_| foreign("its PG_VERSION names no version")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_dir(&data) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(source) => Err(EmbeddedError::io("cannot list", &data)(source)),
                Ok(mut entries) => match entries.next() {
                    None => Ok(None),
                    Some(_) => Err(foreign("it holds files but no PG_VERSION, so it is no PostgreSQL cluster")),
                },
            },
            Err(source) => Err(EmbeddedError::io("cannot read", &data.join("PG_VERSION"))(source)),
        }
    }

    /// The port of the last start, when there was one.
    pub(super) fn remembered_port(&self) -> Option<u16> {
        fs::read_to_string(self.port()).ok()?.trim().parse().ok()
    }

    pub(super) fn remember_port(&self, port: u16) -> Result<(), EmbeddedError> {
        let path = self.port();
        fs::write(&path, format!("{port}\n")).map_err(EmbeddedError::io("cannot write", &path))
    }

    /// The administrator's password.
    pub(super) fn read_password(&self) -> Result<String, EmbeddedError> {
        let path = self.password();
        match fs::read_to_string(&path) {
            Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
            Ok(_) => Err(EmbeddedError::PasswordMissing { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(EmbeddedError::PasswordMissing { path }),
            Err(source) => Err(EmbeddedError::io("cannot read", &path)(source)),
        }
    }

    /// Takes the lock; it is free again when the returned file is closed, also by the death of this process.
    pub(super) fn lock(&self) -> Result<File, EmbeddedError> {
        let path = self.lock_file();
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(EmbeddedError::io("cannot open", &path))?;
        let deadline = Instant::now() + LOCK_PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(Duration::from_millis(20)),
                Err(TryLockError::WouldBlock) => {
                    return Err(EmbeddedError::AlreadyRunning {
                        data_dir: self.data_dir.clone(),
                        pid: holder(&mut file),
                    });
                }
                Err(TryLockError::Error(source)) => return Err(EmbeddedError::io("cannot lock", &path)(source)),
            }
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        write(&mut file).map_err(EmbeddedError::io("cannot write", &path))?;
        Ok(file)
    }

    /// Who holds the lock right now.
    pub(super) fn lock_holder(&self) -> Result<LockHolder, EmbeddedError> {
        let path = self.lock_file();
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(LockHolder::Nobody),
            Err(source) => return Err(EmbeddedError::io("cannot open", &path)(source)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(LockHolder::Nobody),
            Err(TryLockError::WouldBlock) => Ok(LockHolder::Process(holder(&mut file))),
            Err(TryLockError::Error(source)) => Err(EmbeddedError::io("cannot lock", &path)(source)),
        }
    }
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Writes a file that only its owner may read, whole or not at all.
pub(super) fn write_private(path: &Path, text: &str) -> Result<(), EmbeddedError> {
    let partial = path.with_extension("unfinished");
    remove_file(&partial)?;
    let write = || {
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&partial)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&partial, path)
    };
    write().map_err(EmbeddedError::io("cannot write", path))
}

/// Removes a file; one that is not there is fine.
pub(super) fn remove_file(path: &Path) -> Result<(), EmbeddedError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(EmbeddedError::io("cannot remove", path)(error)),
        _ => Ok(()),
    }
}

/// Removes a directory with all in it; one that is not there is fine. A process that was just ended, by us or with an
/// earlier supervisor, may still be writing its last file there: it is waited for.
pub(super) fn remove_tree(path: &Path) -> Result<(), EmbeddedError> {
    let deadline = Instant::now() + REMOVAL_PATIENCE;
    loop {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(10));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(EmbeddedError::io("cannot remove", path)(error));
            }
            _ => return Ok(()),
        }
    }
}

/// The last lines of a text file, bounded.
pub(super) fn tail(path: &Path) -> String {
    const BYTES: u64 = 4096;
    const LINES: usize = 12;
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(io::SeekFrom::Start(length.saturating_sub(BYTES)))?;
        let mut bytes = Vec::new();
        file.take(BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_removed_although_somebody_still_writes_there() {
        let scratch = tempfile::tempdir().unwrap();
        let target = scratch.path().join("data.unfinished");
        fs::create_dir(&target).unwrap();
        let begun = Instant::now();
        let (writing, busy) = (target.clone(), Duration::from_millis(300));
        let writer = thread::spawn(move || {
            let mut written = 0_u32;
            while begun.elapsed() < busy {
                // It fails when the directory is gone, which is the end of it.
                if fs::write(writing.join(written.to_string()), "last words").is_err() {
                    break;
                }
                written += 1;
            }
        });
        remove_tree(&target).unwrap();
        assert!(!target.exists());
        writer.join().unwrap();
        assert!(!target.exists());
        remove_tree(&target).unwrap();
    }
}
