//! How a command says that it failed, and with which exit code.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | failed |
//! | 2 | the command line is wrong |
//! | 3 | there is no such thing |
//! | 4 | refused: it contradicts what exists, or a value is not acceptable |
//! | 5 | not now: a server cannot be reached or is busy |
//! | 6 | looked, and found something wrong |

use std::{fmt, process::ExitCode};

use cloister_postgres::{ConnectError, embedded::EmbeddedError};
use cloister_tenancy::{Error, ErrorKind};

use crate::unreachable;

/// What a command was asked to look for is there: it did its work, and a program can tell that from a crash.
#[derive(Debug)]
pub(crate) struct Found(pub(crate) String);

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Found {}

/// Writes the error to stderr, with what would be right for each field.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let (text, code) = describe(error);
    eprintln!("error: {text}");
    ExitCode::from(code)
}

/// The error in the operator's words, and the exit code for it.
pub(crate) fn describe(error: &anyhow::Error) -> (String, u8) {
    if let Some(Found(text)) = error.downcast_ref::<Found>() {
        return (text.clone(), 6);
    }
    let known = error.downcast_ref::<Error>();
    let ours = |kind| matches!(kind, ErrorKind::Internal | ErrorKind::Unavailable);
    if known.is_none_or(|known| ours(known.kind()))
        && let Some(connect) = unreachable::behind(error)
    {
        let advice = unreachable::advice(connect);
        // What was added on the way says which of our settings it speaks of.
        let (outermost, connect_text) = (error.to_string(), connect.to_string());
        let text = if connect_text.starts_with(&outermost) || known.is_some_and(|known| known.message() == outermost) {
            connect_text
        } else {
            format!("{outermost}: {connect_text}")
        };
        let code = match connect {
            ConnectError::Url(_) | ConnectError::Certificate { .. } => "database_address_invalid",
            _ => "database_unreachable",
        };
        return (format!("{text} ({code})\n  {}", advice.text), if advice.later { 5 } else { 4 });
    }
    if let Some(known) = known {
        let mut text = format!("{} ({})", known.message(), known.code());
        for field in known.fields() {
            text.push_str(&format!("\n  {}: {} ({})", field.field, field.message, field.code));
        }
        // At the command line of the installation sits its operator: the cause is theirs to read.
        if ours(known.kind()) {
            known.causes().iter().for_each(|cause| text.push_str(&format!("\n  because {cause}")));
        }
        let code = match known.kind() {
            ErrorKind::NotFound => 3,
            ErrorKind::Malformed
            | ErrorKind::Invalid
            | ErrorKind::Conflict
            | ErrorKind::Forbidden
            | ErrorKind::Unauthenticated
            | ErrorKind::PreconditionFailed
            | ErrorKind::PreconditionRequired => 4,
            ErrorKind::TooMany | ErrorKind::Unavailable => 5,
            ErrorKind::Internal => 1,
        };
        return (text, code);
    }
    if let Some(known) = error.downcast_ref::<EmbeddedError>() {
        return (format!("{known} ({})", known.code()), 5);
    }
    (format!("{error:#}"), 1)
}
