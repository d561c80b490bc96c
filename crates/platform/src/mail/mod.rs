//! Mail: written in the reader's language and the tenant's brand, kept sealed until it is sent, sent by jobs.
//!
//! [`queue`] writes a mail into the unit of work that is its reason: neither is there without the other. Its body is sealed,
//! because there are links in it that open accounts, and is forgotten once the mail server took it. The job that sends it
//! runs after the commit; killed between the server's yes and the note of it, it sends the mail a second time, under the same
//! Message-ID.
//!
//! Mails about a tenant wait in that tenant's lane, so that one tenant's five hundred invitations hold up nobody else. Jobs of
//! a tenant that is not in use wait until it is: see [`Template::waits_for_tenant`].

mod api;
mod forget;
mod message;
mod outbox;
mod render;
mod send;
mod store;
mod template;
#[cfg(test)]
mod tests;
mod text;

use cloister_ids::{AccountId, MailId, TenantId};
use cloister_tenancy::{
    ControlTx, Resource, Result,
    jobs::{JobKind, NewJob},
};
use serde_json::json;

pub(crate) use api::routes;
pub(crate) use forget::UPKEEP;
pub use message::{SmtpSettings, check_address};
pub use outbox::{Mail, MailState, MailWithBody, Outbox, Selection};
pub(crate) use store::STATEMENTS;
pub use template::{MfaChange, Template};

use crate::{Purpose, Service, service::Slot};

/// What is known of a mail to whoever may list them: to whom, about what, and what came of it.
pub(crate) const MAIL: Resource = Resource { module: crate::MODULE, name: "mail" };
/// What a mail says, with the links in it.
pub(crate) const MAIL_BODY: Resource = Resource { module: crate::MODULE, name: "mail_body" };

/// A mail to be written.
#[derive(Debug)]
pub struct NewMail<'a> {
    /// Whose brand it bears, and in whose lane it waits; none for the platform's own.
    pub tenant: Option<TenantId>,
    /// Whom it is for, where they have an account.
    pub account: Option<AccountId>,
    /// Where to.
    pub to: String,
    /// The reader's language, such as `de-CH`. What there are no texts for is written in English.
    pub locale: &'a str,
    /// What it says.
    pub template: Template,
}

/// Writes a mail and leaves the job that sends it, as part of `tx`. Three round trips; one less without a tenant.
pub async fn queue(tx: &mut ControlTx, service: &Service, mail: NewMail<'_>) -> Result<MailId> {
    let NewMail { tenant, account, to, locale, template } = mail;
    check_address("email", &to)?;
    let brand = match tenant.filter(|_| template.bears_brand()) {
        Some(tenant) => store::brand(tx, tenant).await?,
        None => message::platform_brand(service.settings().smtp.as_ref()),
    };
    let clock = service.tenancy().clock();
    let rendered = render::render(&template, locale, &brand)?;
    let id = MailId::generate(&**clock);
    let body = message::Body { text: rendered.text, html: rendered.html, brand: brand.name, reply_to: brand.contact };
    let sealed = service.keyring().seal(Purpose::Mail, id.to_string().as_bytes(), &body.to_bytes()?)?;
    let row = store::NewRow {
        id,
        tenant,
        account,
        recipient: &to,
        template: template.name(),
        locale: rendered.language,
        subject: &rendered.subject,
        sealed: &sealed,
        created_at: clock.now(),
    };
    store::insert(tx, &row).await?;
    let lane = tenant.filter(|_| template.waits_for_tenant());
    tx.enqueue(NewJob {
        kind: send::KIND,
        tenant: lane,
        payload: json!({ "mail": id }),
        unique_key: None,
        run_at: None,
    })
    .await?;
    metrics::counter!("cloister_mails_queued_total", "template" => template.name()).increment(1);
    Ok(id)
}

/// What this part leaves to jobs.
pub(crate) fn jobs(slot: &Slot) -> Vec<JobKind> {
    vec![send::kind(slot), UPKEEP.job(slot, forget::forget)]
}
