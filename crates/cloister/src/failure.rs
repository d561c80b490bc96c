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

use std::process::ExitCode;

use cloister_postgres::embedded::EmbeddedError;
use cloister_tenancy::{Error, ErrorKind};

/// Writes the error to stderr, with what would be right for each field.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if let Some(known) = error.downcast_ref::<Error>() {
        eprintln!("error: {} ({})", known.message(), known.code());
        for field in known.fields() {
            eprintln!("  {}: {} ({})", field.field, field.message, field.code);
        }
        // At the command line of the installation sits its operator: the cause is theirs to read.
        if matches!(known.kind(), ErrorKind::Internal | ErrorKind::Unavailable) {
            known.causes().iter().for_each(|cause| eprintln!("  because {cause}"));
        }
        return ExitCode::from(match known.kind() {
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
        });
    }
    if let Some(known) = error.downcast_ref::<EmbeddedError>() {
        eprintln!("error: {known} ({})", known.code());
        return ExitCode::from(5);
    }
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}
