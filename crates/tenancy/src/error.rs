//! Errors in two voices: what the client may read, and what the log keeps.

use std::{borrow::Cow, fmt, time::Duration};

/// Code of the error for a tenant whose share of a node is used up, and its queue full.
pub(crate) const BUSY: &str = "busy";

/// What a failed act means to whoever asked for it. The edge maps each kind to one status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request cannot be understood.
    Malformed,
    /// The request is understood and its values are not acceptable.
    Invalid,
    /// Nobody is signed in.
    Unauthenticated,
    /// Who is signed in may not do this.
    Forbidden,
    /// It does not exist, or may not be seen: the two are one.
    NotFound,
    /// It contradicts what exists.
    Conflict,
    /// The version named is not the current one.
    PreconditionFailed,
    /// A version must be named.
    PreconditionRequired,
    /// Too many requests.
    TooMany,
    /// Not now; later perhaps.
    Unavailable,
    /// Our fault.
    Internal,
}

/// One thing wrong with one value.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Path of the value, such as `given_name` or `roles[0].org_id`.
    pub field: String,
    /// Stable word for the kind of mistake.
    pub code: Cow<'static, str>,
    /// What would be right.
    pub message: String,
}

/// A refused or failed act. `Display` is the client's voice; the cause is the log's and is never sent.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    code: &'static str,
    message: Cow<'static, str>,
    fields: Vec<FieldError>,
    retry_after: Option<Duration>,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What use cases answer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// `code` is stable and in snake_case; `message` says what would be right.
    pub fn new(kind: ErrorKind, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            code,
            message: message.into(),
            fields: Vec::new(),
            retry_after: None,
            cause: None,
        }))
    }

    /// The one answer for what does not exist and for what may not be seen.
    pub fn not_found() -> Self {
        Self::new(ErrorKind::NotFound, "not_found", "There is nothing here under this address.")
    }

    /// Values that are not acceptable, each named.
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        let mut error = Self::new(ErrorKind::Invalid, "validation_failed", "Some values are not acceptable.");
        error.0.fields = fields;
        error
    }

    /// One value that is not acceptable.
    pub fn field(field: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError { field: field.to_owned(), code: code.into(), message: message.into() }])
    }

    /// Somebody changed it since it was read.
    pub fn version_mismatch() -> Self {
        Self::new(
            ErrorKind::PreconditionFailed,
            "version_mismatch",
            "This was changed since you read it. Read it again, apply your change and send the new ETag.",
        )
    }

    /// Our own fault; the cause goes to the log alone.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Internal, "internal_error", "Something went wrong on our side. It has been recorded.")
            .because(cause)
    }

    /// Not now.
    pub fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Unavailable, "temporarily_unavailable", "The service is busy. Try again in a moment.")
            .retry_after(Duration::from_secs(1))
            .because(cause)
    }

    /// Not now: a tenant has what it may have of this node.
    pub(crate) fn busy(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        metrics::counter!("cloister_turned_away_total", "code" => BUSY).increment(1);
        let message = "Too much is being done for this tenant at once. Try again in a moment.";
        Self::new(ErrorKind::Unavailable, BUSY, message).retry_after(Duration::from_secs(1)).because(cause)
    }

    /// Adds what the log should know.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Names the values at fault.
    #[must_use]
    pub fn with_fields(mut self, fields: Vec<FieldError>) -> Self {
        self.0.fields = fields;
        self
    }

    /// When trying again makes sense.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// What it means.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable word for it.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The sentence for the client.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The values at fault.
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// When trying again makes sense.
    pub fn retry_hint(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// What the log should know: the whole chain of causes.
    pub fn log(&self) -> String {
        let mut text = format!("{}: {}", self.code(), self.message());
        for cause in self.causes() {
            text.push_str("; because ");
            text.push_str(&cause);
        }
        text
    }

    /// Why, from the nearest cause to the farthest. Not for clients.
    pub fn causes(&self) -> Vec<String> {
        let mut causes: Vec<String> = Vec::new();
        let mut next: Option<&dyn std::error::Error> = self.0.cause.as_deref().map(|c| c as &dyn std::error::Error);
        while let Some(error) = next {
            let text = error.to_string();
            // Wrappers often repeat what they wrap.
            if !causes.iter().any(|told| told.contains(&text)) {
                causes.push(text);
            }
            next = error.source();
        }
        causes
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.log())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}

impl From<cloister_postgres::Error> for Error {
    /// For statements whose constraints are no client's business; [`TenantTx`](crate::TenantTx) knows the others.
    fn from(error: cloister_postgres::Error) -> Self {
        if matches!(error, cloister_postgres::Error::Busy { .. }) {
            return Self::busy(error);
        }
        if error.is_transient() { Self::unavailable(error) } else { Self::internal(error) }
    }
}
