//! What to do when a server cannot be entered: the driver says what happened, an operator needs to know what would be right.

use std::error::Error;

use cloister_postgres::{Cause, ConnectError, SqlState};
use rustls::{CertificateError, Error as TlsError};

/// Advice on a refused connection, and whether to try again later is a part of it.
pub(crate) struct Advice {
    /// A sentence for the operator.
    pub(crate) text: &'static str,
    /// The same may succeed later.
    pub(crate) later: bool,
}

/// The refused connection behind an error, however deep.
pub(crate) fn behind(error: &anyhow::Error) -> Option<&ConnectError> {
    error.chain().find_map(|cause| match cause.downcast_ref::<cloister_postgres::Error>() {
        // It speaks as the error it carries, and does not list it as its cause.
        Some(cloister_postgres::Error::Connect(connect)) => Some(connect),
        _ => cause.downcast_ref::<ConnectError>(),
    })
}

/// A server answered, if only to refuse the login: address and TLS are right.
pub(crate) fn was_reached(error: &ConnectError) -> bool {
    matches!(error, ConnectError::Refused { source, .. } if source.code().is_some() && !error.is_transient())
}

/// What would be right.
pub(crate) fn advice(error: &ConnectError) -> Advice {
    let now = |text| Advice { text, later: false };
    let later = |text| Advice { text, later: true };
    match error {
        ConnectError::Url(_) => now("Write it as postgresql://user:password@host:port/database?sslmode=verify-full."),
        ConnectError::Certificate { .. } => {
            now("sslrootcert names a file with the authorities' certificates in PEM form, readable by this account.")
        }
        ConnectError::Timeout(..) => {
            later("Are host and port right, and does the network (a firewall) let us through?")
        }
        ConnectError::Refused { source, .. } => match source.code() {
            Some(code) if *code == SqlState::INVALID_PASSWORD => now(
                "The login does not exist or has another password. The administrator's is in --admin-url; those of owner, \
                     application and system are in logins.toml in the data directory.",
            ),
            Some(code) if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => now(
                "The server's pg_hba.conf does not let this login in from here this way. Let it in by scram-sha-256; \
                     where only encrypted connections are let in, use sslmode=verify-full.",
            ),
            Some(code) if *code == SqlState::UNDEFINED_DATABASE => {
                now("Name a database that exists, usually postgres. Those of Cloister are made by `cloister init`.")
            }
            Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
                now("Give the login CONNECT on that database; `cloister init` does so for Cloister's own.")
            }
            Some(_) if error.is_transient() => {
                later("The server is starting, stopping or full. Try again in a moment.")
            }
            Some(_) => now("The server refuses the session; its log says more."),
            None => match source {
                // It tells what the driver said, and does not list the driver's error as its cause.
                Cause::Driver(driver) => of_transport(driver),
                other => of_transport(other),
            },
        },
    }
}

/// No word from the server itself: the network, or TLS.
fn of_transport(error: &(dyn Error + 'static)) -> Advice {
    let now = |text| Advice { text, later: false };
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            if let Some(tls) = io.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) {
                return now(of_tls(tls));
            }
            if io.kind() == std::io::ErrorKind::ConnectionRefused {
                let text = "Nothing listens there. Is the server running, and are host and port right?";
                return Advice { text, later: true };
            }
        }
        if error.to_string().contains("server does not support TLS") {
            return now(
                "Switch TLS on at the server (ssl = on). Only on a network that nobody else can read: sslmode=disable.",
            );
        }
        cause = error.source();
    }
    Advice { text: "Are host and port right, and is the server running?", later: true }
}

fn of_tls(error: &TlsError) -> &'static str {
    match error {
        TlsError::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "No trusted authority signed the server's certificate. Name the one that did by sslrootcert=FILE."
        }
        TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => {
            "Use the host name that the certificate is for, or have one made for this name (as subjectAltName; the common \
             name does not count). sslmode=verify-ca does not look at the name."
        }
        TlsError::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => "Renew the server's certificate, and look at both machines' clocks.",
        TlsError::InvalidCertificate(_) => {
            "The server's certificate cannot be used: it must be of X.509 version 3, for a server (not an authority's own), and \
             signed by an authority that sslrootcert=FILE names."
        }
        _ => "Server and client agree on no protocol or cipher: TLS 1.2 or 1.3 is needed.",
    }
}
