//! What can go wrong around an embedded cluster, each with what the operator can do about it.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use super::binaries::{NEWEST, OLDEST, Version};

/// Why an embedded cluster did not start, stop or let itself be attached to.
///
/// The text is for the operator on this machine: it names paths and says what to do. [`EmbeddedError::code`] is stable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// No PostgreSQL server was found anywhere.
    #[error(
        "no PostgreSQL server ({OLDEST} to {NEWEST}) was found on this machine; run `make setup` to install one, \
         or set postgres.binaries to the directory that holds `postgres` and `initdb`"
    )]
    NoBinaries,
    /// The configured directory holds no server that can be used.
    #[error("{} cannot be used as PostgreSQL binaries: {reason}; set postgres.binaries to the directory that holds \
         `postgres` and `initdb` of PostgreSQL {OLDEST} to {NEWEST}, or leave it out to have one found", path.display())]
    UnusableBinaries {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The cluster was made by another major version than the servers that are here.
    #[error("the cluster in {} was made by PostgreSQL {cluster}, but this machine has {}; {}", data.display(),
        list(available), way_out(*cluster))]
    OtherMajor {
        /// The cluster's PGDATA.
        data: PathBuf,
        /// Major version in its PG_VERSION.
        cluster: u32,
        /// Servers that were found.
        available: Vec<Version>,
    },
    /// Not enough room to make a cluster, or the disk filled up while it started.
    #[error("the disk that holds {} is full: {} free, {} needed; make room there or set another data directory",
        path.display(), mebibytes(*free), mebibytes(*needed))]
    DiskFull {
        /// Where it was to be written.
        path: PathBuf,
        /// Bytes free for us.
        free: u64,
        /// Bytes wanted.
        needed: u64,
    },
    /// The port asked for is in use.
    #[error("port {port} on 127.0.0.1 is taken{}; end that process, or set another postgres.port (or none, to have a \
         free one chosen)", holder.as_ref().map(|who| format!(" by {who}")).unwrap_or_default())]
    PortTaken {
        /// The port.
        port: u16,
        /// The process that listens on it, when that can be seen.
        holder: Option<String>,
    },
    /// The directory holds something that is not a cluster of ours.
    #[error("{} was not made by Cloister: {reason}; choose an empty or new data directory, nothing was changed",
        path.display())]
    ForeignDirectory {
        /// The directory.
        path: PathBuf,
        /// What was found there.
        reason: String,
    },
    /// The cluster's files belong to another account and we may not change that.
    #[error("{} belongs to {owner}, but this process runs as {me}; start it as {owner}, or give the directory to {me}",
        path.display())]
    NotOwned {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        owner: String,
        /// Who we are.
        me: String,
    },
    /// Another live process supervises the cluster.
    #[error("the cluster in {} is already run by {}; stop that first, or use it as it is", data_dir.display(),
        pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}")))]
    AlreadyRunning {
        /// The data directory.
        data_dir: PathBuf,
        /// The supervising process.
        pid: Option<u32>,
    },
    /// Another live process is about to start (or stop) the cluster: it cannot be attached to yet.
    #[error("the cluster in {} is being started or stopped by another process; try again in a moment", data_dir.display())]
    NotReady {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// PostgreSQL refuses to run as root, and the unprivileged account cannot get to the files.
    #[error("PostgreSQL must not run as root, and the account `{account}` it would use cannot reach {} because of {} \
         (mode {mode:o}); use a place such as /var/lib/cloister or /opt, or run `chmod o+x {}`",
        path.display(), blocker.display(), blocker.display())]
    NotReachable {
        /// What it has to reach.
        path: PathBuf,
        /// The directory or file that shuts it out.
        blocker: PathBuf,
        /// Permission bits of that.
        mode: u32,
        /// The account.
        account: String,
    },
    /// We are root and there is no unprivileged account to run PostgreSQL as.
    #[error(
        "no account to run PostgreSQL as, which refuses root: {reason}; create one (`useradd --system postgres`), \
         or set postgres.run_as to one that exists"
    )]
    NoAccount {
        /// What was looked for.
        reason: String,
    },
    /// No directory for the Unix socket could be made.
    #[error("{} cannot hold the server's socket: it is not a private directory of the server's account, or its path \
         is too long; remove it, or use a shorter data directory", path.display())]
    UnusableSocketDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The password file of an existing cluster is gone.
    #[error("{} is missing, and without it the cluster cannot be administered; restore that file from a backup of \
         the data directory", path.display())]
    PasswordMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// An additional server setting is not acceptable.
    #[error("the server setting `{name}` cannot be used: {reason}")]
    InvalidSetting {
        /// Its name.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// `initdb` failed for a reason not listed above.
    #[error("initdb failed: {tail}")]
    Initdb {
        /// The last lines it wrote.
        tail: String,
    },
    /// The server ended while it was starting.
    #[error("PostgreSQL ended while starting ({status}); the last lines of {}:\n{tail}", log.display())]
    Died {
        /// How it ended.
        status: String,
        /// The log file.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// The server did not accept connections in time.
    #[error("PostgreSQL accepted no connections within {waited:?}; the last lines of {}:\n{tail}", log.display())]
    Timeout {
        /// How long we waited.
        waited: Duration,
        /// The log file.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// A server left over from a supervisor that was killed does not end.
    #[error("PostgreSQL process {pid}, left over on {} from an earlier run, does not end; end it by hand \
         (`kill -QUIT {pid}`) and start again", data.display())]
    LeftoverStays {
        /// The process.
        pid: i32,
        /// Its PGDATA.
        data: PathBuf,
    },
    /// The server runs, but the administrator could not sign in.
    #[error(
        "PostgreSQL runs, but `{}` could not sign in: {}; restore postgres/admin.password from a backup of the \
         data directory if it was changed",
        super::ADMIN,
        cause(source)
    )]
    Connect {
        /// What the driver said.
        #[source]
        source: tokio_postgres::Error,
    },
    /// The start was given up because nobody waits for it any more.
    #[error("the start of PostgreSQL was cancelled")]
    Cancelled,
    /// A file or process could not be handled.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl EmbeddedError {
    /// A stable name of the case, for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoBinaries => "postgres_not_found",
            Self::UnusableBinaries { .. } => "postgres_binaries_unusable",
            Self::OtherMajor { .. } => "postgres_other_major_version",
            Self::DiskFull { .. } => "disk_full",
            Self::PortTaken { .. } => "port_taken",
            Self::ForeignDirectory { .. } => "data_dir_foreign",
            Self::NotOwned { .. } => "data_dir_not_owned",
            Self::AlreadyRunning { .. } => "cluster_already_running",
            Self::NotReady { .. } => "cluster_not_ready",
            Self::NotReachable { .. } => "data_dir_not_reachable",
            Self::NoAccount { .. } => "no_unprivileged_account",
            Self::UnusableSocketDirectory { .. } => "socket_dir_unusable",
            Self::PasswordMissing { .. } => "admin_password_missing",
            Self::InvalidSetting { .. } => "invalid_server_setting",
            Self::Initdb { .. } => "initdb_failed",
            Self::Died { .. } => "postgres_died",
            Self::Timeout { .. } => "postgres_start_timeout",
            Self::LeftoverStays { .. } => "leftover_server",
            Self::Connect { .. } => "admin_sign_in_failed",
            Self::Cancelled => "start_cancelled",
            Self::Io { .. } => "io_error",
        }
    }

    /// Wraps a failed system call; a full disk is told apart because there is something to do about it.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                let free = super::disk::free(&path).unwrap_or(0);
                Self::DiskFull { path, free, needed: super::disk::NEEDED_TO_RUN }
            }
            _ => Self::Io { action, path, source },
        }
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

/// What to do with a cluster of this major version.
fn way_out(cluster: u32) -> String {
    if (OLDEST..=NEWEST).contains(&cluster) {
        format!(
            "install PostgreSQL {cluster} or set postgres.binaries to it. To move to a newer version, dump with {cluster} \
             and restore into a new data directory, or use pg_upgrade"
        )
    } else {
        format!(
            "Cloister runs {OLDEST} to {NEWEST}. Dump the cluster with PostgreSQL {cluster} and restore it into a new data \
             directory, or use pg_upgrade"
        )
    }
}

/// The driver's own text says only "db error"; what the server said is behind it.
fn cause(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => db.message().to_owned(),
        None => error.to_string(),
    }
}

fn list(versions: &[Version]) -> String {
    if versions.is_empty() {
        return "no PostgreSQL at all".to_owned();
    }
    let texts: Vec<_> = versions.iter().map(Version::to_string).collect();
    format!("only PostgreSQL {}", texts.join(", "))
}
