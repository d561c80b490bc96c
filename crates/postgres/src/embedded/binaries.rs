//! Finding the PostgreSQL server programs: configured, else installed, else put there by the set-up command.

use std::{
    collections::HashSet,
    env, fmt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{EmbeddedError, account::Account};

/// Oldest major version that is supported.
pub const OLDEST: u32 = 15;
/// Newest major version that is supported.
pub const NEWEST: u32 = 18;

/// A version of PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The major version: data directories of different ones are incompatible.
    pub major: u32,
    /// The minor version: repairs only.
    pub minor: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Version {
    /// From what `postgres --version` prints: `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`, `… 18beta1`.
    fn parse(text: &str) -> Option<Self> {
        let number = text.split_once("(PostgreSQL)")?.1.split_whitespace().next()?;
        let (major, rest) = number.split_at(number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len()));
        let minor = rest.strip_prefix('.').and_then(|minor| minor.parse().ok()).unwrap_or(0);
        Some(Self { major: major.parse().ok()?, minor })
    }

    fn supported(self) -> bool {
        (OLDEST..=NEWEST).contains(&self.major)
    }
}

/// A directory with `postgres` and `initdb`, and the version they have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    /// The directory, free of symbolic links: the server finds its libraries relative to where it really is.
    pub(super) directory: PathBuf,
    /// What `postgres --version` said.
    pub(super) version: Version,
}

impl Binaries {
    /// Looks at a directory; the error says what is missing there.
    fn probe(directory: &Path) -> Result<Self, String> {
        // `postgres` may be a link out of a directory of links (/usr/local/bin, Homebrew): follow it home.
        let server = directory.join("postgres");
        let server = server.canonicalize().map_err(|error| format!("{}: {error}", server.display()))?;
        let home = server.parent().unwrap_or(directory).to_owned();
        if !home.join("initdb").is_file() {
            return Err(format!("there is no `initdb` beside {}", server.display()));
        }
        let output = Command::new(&server)
            .arg("--version")
            .current_dir("/")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("{} does not run: {error}", server.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let Some(version) = Version::parse(&text) else {
            let said = if text.trim().is_empty() { String::from_utf8_lossy(&output.stderr) } else { text };
            return Err(format!("{} did not tell its version: {}", server.display(), said.trim()));
        };
        if version.supported() {
            Ok(Self { directory: home, version })
        } else {
            Err(format!("{} is PostgreSQL {version}", server.display()))
        }
    }

    /// The path of one of the programs.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// The binaries to use: the configured ones, else the newest that are installed; for an existing cluster those of its
/// own major version. What the account may not execute is passed over.
pub(super) fn choose(
    configured: Option<&Path>,
    cluster: Option<u32>,
    data: &Path,
    account: &Account,
) -> Result<Binaries, EmbeddedError> {
    if let Some(path) = configured {
        let found = Binaries::probe(path)
            .map_err(|reason| EmbeddedError::UnusableBinaries { path: path.to_owned(), reason })?;
        account.require_reach(&found.program("postgres"))?;
        return match cluster {
            Some(major) if major != found.version.major => {
                Err(EmbeddedError::OtherMajor { data: data.to_owned(), cluster: major, available: vec![found.version] })
            }
            _ => Ok(found),
        };
    }
    let mut seen = HashSet::new();
    let mut others = Vec::new();
    let mut unreachable = None;
    for directory in candidates() {
        let Ok(found) = Binaries::probe(&directory) else { continue };
        if !seen.insert(found.directory.clone()) {
            continue;
        }
        if let Err(error) = account.require_reach(&found.program("postgres")) {
            unreachable = unreachable.or(Some(error));
            continue;
        }
        if cluster.is_none_or(|major| major == found.version.major) {
            return Ok(found);
        }
        others.push(found.version);
    }
    Err(match (cluster, unreachable) {
        (Some(major), _) if !others.is_empty() => {
            EmbeddedError::OtherMajor { data: data.to_owned(), cluster: major, available: others }
        }
        (_, Some(error)) => error,
        (Some(major), None) => EmbeddedError::OtherMajor { data: data.to_owned(), cluster: major, available: others },
        (None, None) => EmbeddedError::NoBinaries,
    })
}

/// Every place where a server may be, the most deliberate first.
fn candidates() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<_> = env::split_paths(&path).filter(|directory| directory.is_absolute()).take(64).collect();
    on_path
        .into_iter()
        .filter(|directory| directory.join("postgres").is_file())
        .chain(known_places())
        .chain(pg_config())
        .chain(placed())
}

/// Where distributions and installers put servers, newest first.
fn known_places() -> impl Iterator<Item = PathBuf> {
    (OLDEST..=NEWEST).rev().flat_map(|major| {
        [
            format!("/usr/lib/postgresql/{major}/bin"),
            format!("/usr/pgsql-{major}/bin"),
            format!("/usr/libexec/postgresql{major}"),
            format!("/opt/homebrew/opt/postgresql@{major}/bin"),
            format!("/usr/local/opt/postgresql@{major}/bin"),
            format!("/Applications/Postgres.app/Contents/Versions/{major}/bin"),
        ]
        .into_iter()
        .filter(|place| Path::new(place).is_dir())
        .map(PathBuf::from)
    })
}

/// What an installed `pg_config` names; asked late, as it costs a process.
fn pg_config() -> impl Iterator<Item = PathBuf> {
    std::iter::once_with(|| {
        let output = Command::new("pg_config").arg("--bindir").current_dir("/").stdin(Stdio::null()).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let line = text.lines().next()?.trim();
        (!line.is_empty()).then(|| PathBuf::from(line))
    })
    .flatten()
}

/// What `scripts/install-postgresql.sh` unpacked: the same directories in the same order as there.
fn placed() -> impl Iterator<Item = PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let homes = [
        absolute("CLOISTER_POSTGRES_HOME"),
        absolute("XDG_DATA_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
            .map(|share| share.join("cloister")),
        Some(PathBuf::from("/opt/cloister")),
    ];
    homes.into_iter().flatten().flat_map(|home| {
        (OLDEST..=NEWEST)
            .rev()
            .map(move |major| home.join(format!("postgresql-{major}/bin")))
            .filter(|bin| bin.is_dir())
    })
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn versions_are_read_from_what_servers_print() {
        let cases = [
            ("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n", Some((15, 14))),
            ("postgres (PostgreSQL) 17.10\n", Some((17, 10))),
            ("postgres (PostgreSQL) 18beta1\n", Some((18, 0))),
            ("postgres (PostgreSQL) devel\n", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|(major, minor)| Version { major, minor });
            assert_eq!(Version::parse(text), expected, "{text}");
        }
    }
}
