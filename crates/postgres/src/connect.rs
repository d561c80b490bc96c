//! Where a server is, as whom to enter it, and how the wire is protected.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use tokio_postgres::{Client, Config, NoTls, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    error::Cause,
    wire::{self, Canceller, Stream},
};

/// One login on one server, without a database.
#[derive(Clone)]
pub struct Server {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe(self.config.get_dbname().unwrap_or("")))
    }
}

/// Why no connection could be opened. Names host, port, database and login, never a password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is not a PostgreSQL URL we understand.
    #[error("not a usable PostgreSQL URL: {0}")]
    Url(String),
    /// A certificate file could not be used.
    #[error("certificate file {path}: {reason}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The server did not let us in.
    #[error("cannot connect to {target}: {source}")]
    Refused {
        /// Host, port, database and login.
        target: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The server did not answer in time.
    #[error("cannot connect to {target}: no answer within {} s", .0.as_secs(), target = .1)]
    Timeout(Duration, String),
}

impl ConnectError {
    /// Trying again may help: the server restarts, moves or is overloaded.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Url(_) | Self::Certificate { .. } => false,
            Self::Timeout(..) => true,
            Self::Refused { source, .. } => source.code().is_none_or(|code| {
                matches!(&code.code()[..2], "57" | "53" | "08") || ["55000", "55006"].contains(&code.code())
            }),
        }
    }
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl Server {
    /// Reads `postgresql://user:password@host:port/database?sslmode=…&sslrootcert=FILE`.
    ///
    /// `sslmode` has libpq's meaning: `disable`, `prefer` (the default), `require` (encrypted, unverified), `verify-ca` and
    /// `verify-full`; the last two trust `sslrootcert`, or the public authorities where none is named.
    pub fn from_url(url: &str) -> Result<Self, ConnectError> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut mode = "prefer";
        let mut root = None;
        let mut rest = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = value,
                Some(("sslrootcert", value)) => root = Some(PathBuf::from(value)),
                _ => rest.push(pair),
            }
        }
        let plain = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        let mut config = Config::from_str(&plain).map_err(|error| ConnectError::Url(Cause::from(error).to_string()))?;
        config.ssl_mode(match mode {
            "disable" => SslMode::Disable,
            "prefer" => SslMode::Prefer,
            "require" | "verify-ca" | "verify-full" => SslMode::Require,
            other => {
                return Err(ConnectError::Url(format!(
                    "sslmode is `{other}`; use disable, prefer, require, verify-ca or verify-full"
                )));
            }
        });
        let tls = if mode == "disable" { None } else { Some(tls(mode, root)?) };
        Ok(Self { config, tls })
    }

    /// A server reached without TLS, such as one over a socket in the file system.
    pub fn local(config: Config) -> Self {
        Self { config, tls: None }
    }

    /// The same server entered by another login.
    #[must_use]
    pub fn with_login(&self, user: &str, password: &str) -> Self {
        let mut server = self.clone();
        server.config.user(user).password(password);
        server
    }

    /// The login's name.
    pub fn user(&self) -> &str {
        self.config.get_user().unwrap_or("")
    }

    /// The database named in the URL.
    pub fn database(&self) -> Option<&str> {
        self.config.get_dbname()
    }

    fn describe(&self, database: &str) -> String {
        let host = self.config.get_hosts().first().map_or_else(String::new, |host| match host {
            tokio_postgres::config::Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
        });
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        format!("database \"{database}\" at {host}:{port} as \"{}\"", self.user())
    }

    /// Opens a connection to `database`; the driver's half runs in a task of its own and ends with the client.
    pub async fn connect(&self, database: &str) -> Result<Client, ConnectError> {
        let config = self.session(database);
        self.in_time(database, async {
            Ok(match &self.tls {
                Some(tls) => {
                    let (client, connection) = config.connect(tls.clone()).await?;
                    drive(connection);
                    client
                }
                None => {
                    let (client, connection) = config.connect(NoTls).await?;
                    drive(connection);
                    client
                }
            })
        })
        .await
    }

    /// Opens a session for our own hand, and what cancels its statements.
    pub(crate) async fn log_in(&self, database: &str) -> Result<(Box<dyn Stream>, Canceller), ConnectError> {
        self.in_time(database, wire::log_in(&self.session(database), self.tls.as_ref())).await
    }

    async fn in_time<T>(
        &self,
        database: &str,
        open: impl Future<Output = Result<T, Cause>>,
    ) -> Result<T, ConnectError> {
        let target = || self.describe(database);
        tokio::time::timeout(CONNECT_TIMEOUT, open)
            .await
            .map_err(|_| ConnectError::Timeout(CONNECT_TIMEOUT, target()))?
            .map_err(|source| ConnectError::Refused { target: target(), source })
    }

    /// The settings of a session. They are the same for every session: nothing of a tenant is ever in them.
    pub(crate) fn session(&self, database: &str) -> Config {
        let mut config = self.config.clone();
        config.dbname(database).connect_timeout(Duration::from_secs(5)).application_name("cloister");
        // A backend whose client went away stops working within a second, even in the middle of a long statement.
        let ours = "-c client_connection_check_interval=1000 -c TimeZone=UTC -c search_path=pg_catalog -c jit=off \
                    -c default_transaction_isolation=read\\ committed";
        let options = self.config.get_options().map_or_else(|| ours.to_owned(), |given| format!("{ours} {given}"));
        config.options(options);
        config
    }

    /// Asks the server to stop what a session is doing. Whether it did shows in the session alone.
    pub(crate) async fn cancel(&self, canceller: &Canceller) {
        if let Err(error) = wire::cancel(self.tls.as_ref(), canceller).await {
            tracing::debug!(%error, "a statement nobody waits for could not be cancelled");
        }
    }

    pub(crate) fn tls(&self) -> Option<MakeRustlsConnect> {
        self.tls.clone()
    }
}

/// Kept apart so that the plain and the TLS stream, two types, are driven by one piece of code.
fn drive<T>(connection: tokio_postgres::Connection<tokio_postgres::Socket, T>)
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a database connection ended");
        }
    });
}

fn tls(mode: &str, root: Option<PathBuf>) -> Result<MakeRustlsConnect, ConnectError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| ConnectError::Url(error.to_string()))?;
    let config = match mode {
        "verify-ca" | "verify-full" => {
            let mut store = RootCertStore::empty();
            match root {
                None => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
                Some(path) => {
                    let bad = |reason: String| ConnectError::Certificate { path: path.clone(), reason };
                    let mut count = 0;
                    for certificate in CertificateDer::pem_file_iter(&path).map_err(|e| bad(e.to_string()))? {
                        let certificate = certificate.map_err(|e| bad(e.to_string()))?;
                        store.add(certificate).map_err(|e| bad(e.to_string()))?;
                        count += 1;
                    }
                    if count == 0 {
                        return Err(bad("it holds no certificate in PEM form".to_owned()));
                    }
                }
            }
            if mode == "verify-full" {
                builder.with_root_certificates(store).with_no_client_auth()
            } else {
                let inner =
                    rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone())
                        .build()
                        .map_err(|error| ConnectError::Url(error.to_string()))?;
                builder
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(Lenient { provider, chain: Some(inner) }))
                    .with_no_client_auth()
            }
        }
        _ => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Lenient { provider, chain: None }))
            .with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}

/// libpq's weaker modes: `verify-ca` checks the chain but not the name, `require` and `prefer` check neither.
#[derive(Debug)]
struct Lenient {
    provider: Arc<CryptoProvider>,
    chain: Option<Arc<rustls::client::WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(
                rustls::CertificateError::NotValidForName | rustls::CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
