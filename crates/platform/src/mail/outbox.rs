//! The outbox, for operators: which mails there are, what came of each, and what those say that were not sent.

use std::fmt;

use cloister_http::words;
use cloister_ids::{AccountId, MailId, TenantId};
use cloister_tenancy::{Error, PlatformRecord, Requester, Result};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{MAIL_BODY, message::Body, store};
use crate::{Purpose, Service};

words! {
    /// What came of a mail.
    pub enum MailState {
        /// Waits to be sent, or to be tried again.
        Queued = "queued",
        /// The mail server took it.
        Sent = "sent",
        /// The mail server refused it for good, or could not be reached for too long.
        Failed = "failed",
        /// No mail server is configured.
        Kept = "kept",
    }
}

/// A mail, without what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Mail {
    /// Which one.
    pub id: MailId,
    /// Whose brand it bears; null for the platform's own.
    pub tenant_id: Option<TenantId>,
    /// Whom it is for, where they have an account.
    pub account_id: Option<AccountId>,
    /// Where to.
    #[schema(example = "ada@north.example")]
    pub recipient: String,
    /// What it is about.
    #[schema(example = "reset_password")]
    pub template: String,
    /// The language it is in.
    #[schema(example = "en")]
    pub locale: String,
    /// Its subject.
    #[schema(example = "Choose a new password")]
    pub subject: String,
    /// What came of it.
    pub state: MailState,
    /// How often it was tried.
    #[schema(example = 1)]
    pub attempts: i32,
    /// Why it was not taken the last time, in the mail server's words where it said any.
    pub error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was taken.
    pub sent_at: Option<Timestamp>,
}

/// A mail with what it says.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MailWithBody {
    /// The mail.
    #[serde(flatten)]
    pub mail: Mail,
    /// Its text; null when it was forgotten: once sent, or after a week.
    pub text: Option<String>,
    /// The same in HTML.
    pub html: Option<String>,
}

impl fmt::Debug for MailWithBody {
    /// Without what it says: there are links in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_there = self.text.is_some();
        f.debug_struct("MailWithBody").field("mail", &self.mail).field("is_there", &is_there).finish_non_exhaustive()
    }
}

/// Which mails.
#[derive(Debug, Clone, Copy)]
pub struct Selection {
    /// Only of these.
    pub state: Option<MailState>,
    /// Only of this tenant.
    pub tenant: Option<TenantId>,
    /// Instead of the newest.
    pub oldest_first: bool,
    /// Only those behind this one.
    pub after: Option<MailId>,
    /// At most so many.
    pub limit: i64,
}

/// The mails of the installation. Who may look is for its user to decide.
#[derive(Debug, Clone, Copy)]
pub struct Outbox<'a>(&'a Service);

impl<'a> Outbox<'a> {
    /// That of an installation.
    pub fn of(service: &'a Service) -> Self {
        Self(service)
    }

    /// Mails in the order they were written.
    pub async fn list(&self, selection: Selection) -> Result<Vec<Mail>> {
        let Self(service) = self;
        store::list(service.control(), selection).await
    }

    /// One mail, with what it says. Nobody sees that before the platform's audit log has it who looks.
    pub async fn read(&self, id: MailId, by: impl Into<Requester>) -> Result<MailWithBody> {
        let Self(service) = self;
        let mut tx = service.control().begin().await?;
        let (mail, sealed) = store::get_within(&mut tx, id).await?.ok_or_else(Error::not_found)?;
        let body = sealed.map(|sealed| unseal(service, id, &sealed)).transpose()?;
        if body.is_some() {
            let mut record = PlatformRecord::new(by, "mail.read", MAIL_BODY).on(id);
            record.tenant = mail.tenant_id;
            tx.audit(record);
        }
        tx.commit().await?;
        let (text, html) = body.map(|body| (body.text, body.html)).unzip();
        Ok(MailWithBody { mail, text, html })
    }
}

pub(super) fn unseal(service: &Service, id: MailId, sealed: &[u8]) -> Result<Body> {
    Body::from_bytes(&service.keyring().unseal(Purpose::Mail, id.to_string().as_bytes(), sealed)?)
}
