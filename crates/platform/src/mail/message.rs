//! Mails as they go over the wire: addresses, headers, parts.

use std::fmt;

use cloister_ids::MailId;
use cloister_tenancy::{Error, ErrorKind, Result};
use jiff::Timestamp;
use lettre::{
    Address, AsyncSmtpTransport, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::render::{Brand, clean};

/// How mail is sent.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// `smtps://user:password@host`, or `smtp://…?tls=required` for STARTTLS, or `smtp://host:port` without encryption.
    pub url: secrecy::SecretString,
    /// The sender, such as `Cloister <no-reply@schools.example>`.
    pub from: String,
}

/// The name of a mail that belongs to no tenant, where the sender has none.
const PLATFORM: &str = "Cloister";
/// How long the server may think about one command.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);
/// Connections kept open for as long.
const IDLE: std::time::Duration = std::time::Duration::from_secs(30);
const CONNECTIONS: u32 = 4;

pub(super) type Transport = AsyncSmtpTransport<Tokio1Executor>;

impl SmtpSettings {
    /// Refuses settings that no mail could be sent with. Asks no server.
    pub fn check(&self) -> Result<()> {
        self.sender()?;
        self.builder().map(drop)
    }

    fn builder(&self) -> Result<lettre::transport::smtp::AsyncSmtpTransportBuilder> {
        // The driver's own words could repeat the URL, and with it the password.
        Transport::from_url(self.url.expose_secret()).map_err(|_| {
            Error::new(
                ErrorKind::Invalid,
                "smtp_url_invalid",
                "mail.smtp_url is not understood: use smtps://user:password@host, smtp://user:password@host?tls=required, or \
                 smtp://host:port for a server that does not encrypt.",
            )
        })
    }

    /// Connections to the server, opened when needed.
    pub(super) fn transport(&self) -> Result<Transport> {
        let pool = lettre::transport::smtp::PoolConfig::new().max_size(CONNECTIONS).idle_timeout(IDLE);
        Ok(self.builder()?.timeout(Some(PATIENCE)).pool_config(pool).build())
    }

    fn sender(&self) -> Result<Mailbox> {
        self.from.parse().map_err(|error| {
            let message = "mail.from is no sender: use one such as Cloister <no-reply@schools.example>.";
            Error::new(ErrorKind::Invalid, "mail_from_invalid", message).because(Box::new(error) as Box<_>)
        })
    }
}

/// Refuses what mail cannot be sent to, naming the field.
pub fn check_address(field: &str, text: &str) -> Result<()> {
    let plain = text.len() <= 254 && text.is_ascii() && !text.contains(['"', '[', ' ']);
    if plain && text.parse::<Address>().is_ok() {
        return Ok(());
    }
    Err(Error::field(field, "email_invalid", "Use an e-mail address such as ada@school.example."))
}

/// How mails without a tenant look.
pub(super) fn platform_brand(smtp: Option<&SmtpSettings>) -> Brand {
    Brand { name: platform_name(smtp), colour: None, contact: None, time_zone: "UTC".to_owned() }
}

fn platform_name(smtp: Option<&SmtpSettings>) -> String {
    let named = smtp.and_then(|smtp| smtp.sender().ok()).and_then(|sender| sender.name);
    named.unwrap_or_else(|| PLATFORM.to_owned())
}

/// What is sealed of a mail.
#[derive(Serialize, Deserialize)]
pub(super) struct Body {
    pub(super) text: String,
    pub(super) html: String,
    /// The name of the sender.
    pub(super) brand: String,
    /// Where answers go.
    pub(super) reply_to: Option<String>,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body")
    }
}

impl Body {
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(Error::internal)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes).map_err(Error::internal)
    }
}

/// Tells other programs that no person wrote this, so that none answers it by itself.
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// What a message is made of, besides its body.
pub(super) struct Envelope<'a> {
    pub(super) id: MailId,
    pub(super) to: &'a str,
    pub(super) subject: &'a str,
    pub(super) at: Timestamp,
}

/// A message that a server takes. Sent again, it is the same one, Message-ID and all.
pub(super) fn compose(smtp: &SmtpSettings, envelope: &Envelope<'_>, body: Body) -> Result<Message> {
    let sender = smtp.sender()?;
    let (brand, platform) = (clean(&body.brand, 120), platform_name(Some(smtp)));
    let name = if brand == platform { brand } else { format!("{brand} via {platform}") };
    let domain = sender.email.domain().to_owned();
    let to: Address = envelope.to.parse().map_err(Error::internal)?;
    let mut builder = Message::builder()
        .from(Mailbox::new(Some(name), sender.email))
        .to(Mailbox::new(None, to))
        .subject(clean(envelope.subject, 300))
        .date(envelope.at.into())
        .message_id(Some(format!("<{}@{domain}>", envelope.id.bare())))
        .header(AutoSubmitted);
    // An address that was written down long ago may not be one: then answers go nowhere in particular.
    if let Some(contact) = body.reply_to.and_then(|contact| contact.parse().ok()) {
        builder = builder.reply_to(Mailbox::new(None, contact));
    }
    builder.multipart(MultiPart::alternative_plain_html(body.text, body.html)).map_err(Error::internal)
}
