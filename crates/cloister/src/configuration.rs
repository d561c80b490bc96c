//! `cloister.toml`, then the environment, then flags.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context;
use cloister_http::{CrowdLimits, Rate, RateSettings};
use cloister_platform::{PlatformSettings, mail::SmtpSettings};
use serde::Deserialize;

/// Every setting, with the variable that sets it: `CLOISTER_` and the name in capitals, dots as underscores.
const KEYS: &[&str] = &[
    "data_dir",
    "listen",
    "base_domain",
    "public_url",
    "database.url",
    "database.prefix",
    "database.connections",
    "postgres.binaries",
    "postgres.port",
    "postgres.run_as",
    "http.trusted_proxies",
    "http.metrics_readers",
    "http.https",
    "http.requests",
    "http.tenant_requests",
    "http.event_streams",
    "http.rates.read",
    "http.rates.write",
    "http.rates.heavy",
    "http.rates.sign_in",
    "http.rates.sign_up",
    "http.rates.name_check",
    "http.rates.visitor",
    "http.rates.refused",
    "tenant.grace_days",
    "jobs.workers",
    "mail.smtp_url",
    "mail.from",
    "log.format",
    "log.filter",
];

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Configuration {
    /// Where the embedded cluster, logins and keys are.
    pub(crate) data_dir: PathBuf,
    /// Where HTTP is served.
    pub(crate) listen: SocketAddr,
    /// Hosts of tenants are labels under it.
    pub(crate) base_domain: String,
    /// What links in mails begin with; made of the base domain and the port when absent.
    pub(crate) public_url: Option<String>,
    pub(crate) database: Database,
    pub(crate) postgres: Postgres,
    pub(crate) http: Http,
    pub(crate) tenant: TenantSettings,
    pub(crate) jobs: Jobs,
    pub(crate) mail: Mail,
    pub(crate) log: Log,
}

/// The PostgreSQL server. Without a URL, the embedded cluster.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Database {
    /// Address of an external server, without login; `cloister init` made the logins there.
    pub(crate) url: Option<String>,
    /// Databases are named after it.
    pub(crate) prefix: String,
    /// Connections of the application login.
    pub(crate) connections: usize,
}

/// The embedded cluster.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Postgres {
    /// Directory with the server's programs; found when absent.
    pub(crate) binaries: Option<PathBuf>,
    /// Loopback port; that of the last start, else a free one, when absent.
    pub(crate) port: Option<u16>,
    /// Account the server runs as when we are root.
    pub(crate) run_as: Option<String>,
}

/// The edge.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Http {
    /// Networks whose forwarded headers are believed.
    pub(crate) trusted_proxies: Vec<String>,
    /// Networks that may read /metrics, besides this machine.
    pub(crate) metrics_readers: Vec<String>,
    /// Reached over HTTPS: browsers are told to insist on it.
    pub(crate) https: bool,
    /// Requests inside this node at a time.
    pub(crate) requests: usize,
    /// Requests of one tenant inside its endpoints at a time.
    pub(crate) tenant_requests: usize,
    /// Streams of events that are open at a time.
    pub(crate) event_streams: usize,
    pub(crate) rates: Rates,
}

/// How often something may be done, each such as `200/1s` or `unlimited`; as the edge has it when absent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rates {
    pub(crate) read: Option<String>,
    pub(crate) write: Option<String>,
    pub(crate) heavy: Option<String>,
    pub(crate) sign_in: Option<String>,
    pub(crate) sign_up: Option<String>,
    pub(crate) name_check: Option<String>,
    pub(crate) visitor: Option<String>,
    pub(crate) refused: Option<String>,
}

impl Rates {
    /// The limits that result.
    pub(crate) fn settings(&self) -> anyhow::Result<RateSettings> {
        let usual = RateSettings::default();
        let read = |name: &str, text: &Option<String>, usual: Rate| match text {
            Some(text) => text.parse().with_context(|| format!("http.rates.{name}")),
            None => Ok(usual),
        };
        Ok(RateSettings {
            read: read("read", &self.read, usual.read)?,
            write: read("write", &self.write, usual.write)?,
            heavy: read("heavy", &self.heavy, usual.heavy)?,
            sign_in: read("sign_in", &self.sign_in, usual.sign_in)?,
            sign_up: read("sign_up", &self.sign_up, usual.sign_up)?,
            name_check: read("name_check", &self.name_check, usual.name_check)?,
            visitor: read("visitor", &self.visitor, usual.visitor)?,
            refused: read("refused", &self.refused, usual.refused)?,
        })
    }
}

/// What holds for every tenant.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TenantSettings {
    /// Days a deleted tenant is kept.
    pub(crate) grace_days: u32,
}

/// Background work.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Jobs {
    /// Jobs run at once by this node.
    pub(crate) workers: usize,
}

/// Mail. Without a server, mails wait in the outbox.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Mail {
    /// The mail server, with its login.
    smtp_url: Option<String>,
    /// The sender.
    from: Option<String>,
}

impl fmt::Debug for Mail {
    /// Without the address: there is a password in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Mail {
    /// How mail is sent; none without a server. An empty setting is one that is not there.
    pub(crate) fn smtp(&self) -> anyhow::Result<Option<SmtpSettings>> {
        let given = |setting: &Option<String>| setting.clone().filter(|text| !text.trim().is_empty());
        let Some(url) = given(&self.smtp_url) else { return Ok(None) };
        let from = given(&self.from).context("mail.smtp_url is set and mail.from is not: say who sends the mails")?;
        let settings = SmtpSettings { url: url.into(), from };
        settings.check()?;
        Ok(Some(settings))
    }
}

/// The log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// `text` or `json`.
    pub(crate) format: String,
    /// What is logged, such as `info` or `cloister_tenancy=debug`.
    pub(crate) filter: String,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("cloister-data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            base_domain: "localhost".to_owned(),
            public_url: None,
            database: Database::default(),
            postgres: Postgres::default(),
            http: Http::default(),
            tenant: TenantSettings::default(),
            jobs: Jobs::default(),
            mail: Mail::default(),
            log: Log::default(),
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        let crowd = CrowdLimits::default();
        Self {
            trusted_proxies: Vec::new(),
            metrics_readers: Vec::new(),
            https: false,
            requests: crowd.requests,
            tenant_requests: crowd.tenant_requests,
            event_streams: crowd.streams,
            rates: Rates::default(),
        }
    }
}

impl Default for Database {
    fn default() -> Self {
        Self { url: None, prefix: "cloister".to_owned(), connections: 16 }
    }
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self { grace_days: 30 }
    }
}

impl Default for Jobs {
    fn default() -> Self {
        Self { workers: 4 }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: "text".to_owned(), filter: "info".to_owned() }
    }
}

impl Configuration {
    /// Reads the file (which must exist when it was named), then the environment; `overrides` are flags.
    pub(crate) fn read(file: Option<&PathBuf>, overrides: &[(&str, Option<String>)]) -> anyhow::Result<Self> {
        let mut builder = config::Config::builder().add_source(match file {
            Some(path) => config::File::from(path.as_path()).required(true),
            None => config::File::from(std::path::Path::new("cloister.toml")).required(false),
        });
        for key in KEYS {
            let variable = format!("CLOISTER_{}", key.replace('.', "_").to_uppercase());
            if let Ok(value) = std::env::var(&variable) {
                builder = match *key {
                    "http.trusted_proxies" | "http.metrics_readers" => {
                        let list: Vec<String> =
                            value.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Into::into).collect();
                        builder.set_override(*key, list)?
                    }
                    _ => builder.set_override(*key, value)?,
                };
            }
        }
        if let Ok(url) = std::env::var("DATABASE_URL") {
            builder = builder.set_default("database.url", url)?;
        }
        for (key, value) in overrides {
            builder = builder.set_override_option(*key, value.clone())?;
        }
        let mut configuration: Self = builder
            .build()
            .and_then(config::Config::try_deserialize)
            .context("the configuration cannot be used; docs/operators/configuration.md lists every setting")?;
        // An empty variable is how many a tool says "not set".
        configuration.database.url = configuration.database.url.filter(|url| !url.trim().is_empty());
        configuration.check()?;
        Ok(configuration)
    }

    fn check(&self) -> anyhow::Result<()> {
        let prefix = self.database.prefix.as_bytes();
        anyhow::ensure!(
            prefix.first().is_some_and(u8::is_ascii_lowercase)
                && prefix.len() <= 30
                && prefix.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_'),
            "database.prefix is `{}`: use 1 to 30 of a-z, 0-9 and _, beginning with a letter",
            self.database.prefix
        );
        anyhow::ensure!(
            (1..=1000).contains(&self.database.connections),
            "database.connections is {}: use 1 to 1000",
            self.database.connections
        );
        for (name, value) in [
            ("requests", self.http.requests),
            ("tenant_requests", self.http.tenant_requests),
            ("event_streams", self.http.event_streams),
        ] {
            anyhow::ensure!((1..=100_000).contains(&value), "http.{name} is {value}: use 1 to 100000");
        }
        self.http.rates.settings()?;
        anyhow::ensure!((1..=256).contains(&self.jobs.workers), "jobs.workers is {}: use 1 to 256", self.jobs.workers);
        anyhow::ensure!(
            matches!(self.log.format.as_str(), "text" | "json"),
            "log.format is `{}`: use text or json",
            self.log.format
        );
        anyhow::ensure!(
            !self.base_domain.is_empty() && self.base_domain == self.base_domain.to_lowercase(),
            "base_domain is `{}`: give a host name in lower case",
            self.base_domain
        );
        self.mail.smtp().map(drop)
    }

    /// How the room of accounts is set.
    pub(crate) fn for_accounts(&self) -> anyhow::Result<PlatformSettings> {
        let usual = || {
            let scheme = if self.http.https { "https" } else { "http" };
            let port = if self.http.https { String::new() } else { format!(":{}", self.listen.port()) };
            format!("{scheme}://{}{port}", self.base_domain)
        };
        let public_url = self.public_url.clone().unwrap_or_else(usual);
        anyhow::ensure!(
            public_url.starts_with("http://") || public_url.starts_with("https://"),
            "public_url must begin with http:// or https://"
        );
        Ok(PlatformSettings { public_url, smtp: self.mail.smtp()?, ..PlatformSettings::default() })
    }

    /// How long a deleted tenant is kept.
    pub(crate) fn grace(&self) -> Duration {
        Duration::from_secs(u64::from(self.tenant.grace_days) * 86_400)
    }
}
