//! Mail: written in the tenant's language and brand, kept sealed until it is sent, sent by jobs.

use cloister_http::Edge;
use cloister_tenancy::jobs::JobKind;
use utoipa_axum::router::OpenApiRouter;

use crate::service::Slot;

/// How mail is sent.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// `smtp://user:password@host:port` or `smtps://…`.
    pub url: secrecy::SecretString,
    /// The sender, such as `Cloister <no-reply@schools.example>`.
    pub from: String,
}

pub(crate) fn jobs(_: &Slot) -> Vec<JobKind> {
    Vec::new()
}

pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
}
