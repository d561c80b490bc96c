//! Making a new cluster, in one piece: what a killed start leaves is never taken for a cluster.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use super::{
    ADMIN, EmbeddedError,
    account::Account,
    binaries::Binaries,
    configuration, disk,
    layout::{Layout, remove_file, remove_tree, tail, write_private},
    process,
};

/// A half-second's work; a very slow disk is given its time.
const LIMIT: Duration = Duration::from_mins(3);

/// The locales tried: both sort by code point and know UTF-8's characters, where the first exists.
const LOCALES: [&str; 2] = ["C.UTF-8", "C"];

/// Makes the cluster of `layout` with a fresh password for its administrator.
pub(super) fn create(
    layout: &Layout,
    binaries: &Binaries,
    account: &Account,
    durable: bool,
    cancelled: &dyn Fn() -> bool,
) -> Result<(), EmbeddedError> {
    disk::require(&layout.home, disk::NEEDED_TO_CREATE)?;
    let password = password();
    write_private(&layout.password(), &format!("{password}\n"))?;
    let log = layout.home.join("initdb.log");
    let mut outcome = Err(EmbeddedError::Initdb { tail: String::new() });
    for locale in LOCALES {
        outcome = run(layout, binaries, account, &password, locale, &log, cancelled);
        let unknown = matches!(&outcome, Err(EmbeddedError::Initdb { tail }) if tail.contains("invalid locale"));
        if !unknown {
            break;
        }
    }
    if let Err(error) = outcome {
        // Whatever was written is of no use, and on a full disk in the way. The error to report is the first one.
        let _ = remove_tree(&layout.unfinished());
        return Err(error);
    }
    finish(layout, durable)?;
    remove_file(&log)
}

fn run(
    layout: &Layout,
    binaries: &Binaries,
    account: &Account,
    password: &str,
    locale: &str,
    log: &Path,
    cancelled: &dyn Fn() -> bool,
) -> Result<(), EmbeddedError> {
    let target = layout.unfinished();
    remove_tree(&target)?;
    fs::DirBuilder::new().mode(0o700).create(&target).map_err(EmbeddedError::io("cannot make", &target))?;
    account.give(&target)?;
    let secret = PasswordFile::write(layout, account, password)?;
    let output = File::create(log).map_err(EmbeddedError::io("cannot write", log))?;
    let errors = output.try_clone().map_err(EmbeddedError::io("cannot write", log))?;
    let program = binaries.program("initdb");
    let mut command = process::command(&program, account);
    command
        .arg("--pgdata")
        .arg(&target)
        .arg("--pwfile")
        .arg(&secret.0)
        .args(["--username", ADMIN, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", locale])
        // Synced once below, when it is complete, instead of file by file.
        .args(["--data-checksums", "--no-sync", "--no-instructions"])
        .stdout(Stdio::from(output))
        .stderr(Stdio::from(errors));
    let mut child = command.spawn().map_err(EmbeddedError::io("cannot run", &program))?;
    let deadline = Instant::now() + LIMIT;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(EmbeddedError::io("cannot wait for", &program))? {
            break status;
        }
        let late = Instant::now() > deadline;
        if late || cancelled() {
            // Alone it would leave the server it has started behind, which goes on writing for a moment.
            process::kill_group(&mut child).map_err(EmbeddedError::io("cannot wait for", &program))?;
            let tail = format!("it did not end within {LIMIT:?}");
            return Err(if late { EmbeddedError::Initdb { tail } } else { EmbeddedError::Cancelled });
        }
        thread::sleep(Duration::from_millis(5));
    };
    if status.success() {
        return Ok(());
    }
    let said = tail(log);
    Err(disk::blame(&layout.home, &said).unwrap_or(EmbeddedError::Initdb { tail: format!("{said} ({status})") }))
}

/// Adds our settings file to the configuration, makes all of it durable, and only then gives the cluster its name.
fn finish(layout: &Layout, durable: bool) -> Result<(), EmbeddedError> {
    let made = layout.unfinished();
    let main = made.join("postgresql.conf");
    OpenOptions::new()
        .append(true)
        .open(&main)
        .and_then(|mut file| file.write_all(configuration::INCLUDE.as_bytes()))
        .map_err(EmbeddedError::io("cannot write", &main))?;
    if durable {
        sync(&made)?;
    }
    let data = layout.data();
    fs::rename(&made, &data).map_err(EmbeddedError::io("cannot rename to", &data))?;
    if durable {
        File::open(&layout.home)
            .and_then(|home| home.sync_all())
            .map_err(EmbeddedError::io("cannot sync", &layout.home))?;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn sync(directory: &Path) -> Result<(), EmbeddedError> {
    let open = File::open(directory).map_err(EmbeddedError::io("cannot open", directory))?;
    rustix::fs::syncfs(open).map_err(|error| EmbeddedError::io("cannot sync", directory)(error.into()))
}

#[cfg(not(target_os = "linux"))]
fn sync(directory: &Path) -> Result<(), EmbeddedError> {
    let mut open = vec![directory.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            for entry in fs::read_dir(&path).map_err(EmbeddedError::io("cannot list", &path))? {
                open.push(entry.map_err(EmbeddedError::io("cannot list", &path))?.path());
            }
        }
        File::open(&path).and_then(|file| file.sync_all()).map_err(EmbeddedError::io("cannot sync", &path))?;
    }
    Ok(())
}

/// 160 random bits in letters and digits that need no quoting anywhere.
fn password() -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let random: [u8; 32] = rand::random();
    random.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
}

/// The password in a file that `initdb` can read as its own account, gone when `initdb` is.
struct PasswordFile(std::path::PathBuf);

impl PasswordFile {
    fn write(layout: &Layout, account: &Account, password: &str) -> Result<Self, EmbeddedError> {
        let path = layout.home.join("initdb.password");
        remove_file(&path)?;
        let mut file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(EmbeddedError::io("cannot write", &path))?;
        let guard = Self(path);
        writeln!(file, "{password}").map_err(EmbeddedError::io("cannot write", &guard.0))?;
        account.give(&guard.0)?;
        Ok(guard)
    }
}

impl Drop for PasswordFile {
    fn drop(&mut self) {
        // Nothing can be done about a failure here; the next start removes it too.
        let _ = fs::remove_file(&self.0);
    }
}
