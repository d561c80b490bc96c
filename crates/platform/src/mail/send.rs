//! The job that hands a mail to the mail server.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use cloister_ids::MailId;
use cloister_tenancy::{
    Error, Result,
    jobs::{Backoff, JobContext, JobKind},
};
use lettre::AsyncTransport;
use serde::Deserialize;

use super::{
    MailState,
    message::{self, Transport},
    outbox, store,
};
use crate::{
    Service,
    service::{Slot, opened},
};

pub(super) const KIND: &str = "platform.mail_send";
/// Over about eight hours.
const ATTEMPTS: u16 = 14;
/// Characters kept of what a server said.
const MOST_WORDS: usize = 500;

#[derive(Deserialize)]
struct Payload {
    mail: MailId,
}

/// The connections of this node, made with the first mail.
type Connections = Arc<OnceLock<Transport>>;

pub(super) fn kind(slot: &Slot) -> JobKind {
    let (slot, connections) = (slot.clone(), Connections::default());
    JobKind::new(KIND, move |job| {
        let (slot, connections) = (slot.clone(), connections.clone());
        async move { send(&opened(&slot)?, &connections, &job).await }
    })
    .attempts(ATTEMPTS)
    .timeout(Duration::from_mins(2))
    .backoff(Backoff { first: Duration::from_secs(15), most: Duration::from_hours(1) })
    .lane_limit(2)
}

/// What a server made of a mail.
enum Answer {
    Taken,
    NotNow(String),
    Never(String),
}

async fn send(service: &Service, connections: &Connections, job: &JobContext) -> Result<()> {
    let Payload { mail: id } = job.payload()?;
    let control = service.control();
    // Forgotten meanwhile, with its tenant or by its age; or the job was delivered again after it was noted as sent.
    let Some((mail, Some(sealed))) = store::get(control, id).await? else { return Ok(()) };
    if mail.state != MailState::Queued {
        return Ok(());
    }
    let Some(smtp) = &service.settings().smtp else {
        tracing::info!(mail = %id, template = mail.template, "no mail server is configured: a mail is kept in the outbox");
        count("kept");
        return store::kept(control, id).await;
    };
    let body = outbox::unseal(service, id, &sealed)?;
    let envelope = message::Envelope { id, to: &mail.recipient, subject: &mail.subject, at: mail.created_at };
    let message = message::compose(smtp, &envelope, body)?;
    let transport = match connections.get() {
        Some(transport) => transport,
        None => {
            let made = smtp.transport()?;
            connections.get_or_init(|| made)
        }
    };
    // Apart, so that a job cut short does not leave a half-led dialogue on a connection that the next mail would take up.
    let talk = tokio::spawn({
        let transport = transport.clone();
        async move { hand_over(&transport, message).await }
    });
    match talk.await.map_err(Error::internal)? {
        Answer::Taken => {
            count("sent");
            // Killed before this is noted, or unable to note it, the job comes again and so does the mail.
            store::sent(control, id, service.tenancy().clock().now()).await
        }
        Answer::Never(words) => {
            tracing::warn!(mail = %id, template = mail.template, words, "a mail was refused");
            count("failed");
            store::failed(control, id, &words).await
        }
        Answer::NotNow(words) if job.attempt() >= u32::from(ATTEMPTS) => {
            count("failed");
            store::failed(control, id, &words).await?;
            Err(Error::unavailable(words))
        }
        Answer::NotNow(words) => {
            count("delayed");
            store::delayed(control, id, &words).await?;
            Err(Error::unavailable(words))
        }
    }
}

/// A server that does not let us in, or not now, is no fault of the mail. Once we are in, what it refuses for good is.
async fn hand_over(transport: &Transport, message: lettre::Message) -> Answer {
    match transport.test_connection().await {
        Ok(true) => {}
        Ok(false) => return Answer::NotNow("the mail server closed the connection".to_owned()),
        Err(error) => return Answer::NotNow(words(&error)),
    }
    match transport.send(message).await {
        Ok(_) => Answer::Taken,
        // What our own side finds wrong, such as an address that this server cannot take, stays wrong.
        Err(error) if error.is_permanent() || error.is_client() => Answer::Never(words(&error)),
        Err(error) => Answer::NotNow(words(&error)),
    }
}

/// An error with its causes, in one line and within bounds.
fn words(error: &lettre::transport::smtp::Error) -> String {
    use std::error::Error as _;
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = cause.source();
    }
    super::render::clean(&text, MOST_WORDS)
}

fn count(outcome: &'static str) {
    metrics::counter!("cloister_mails_total", "outcome" => outcome).increment(1);
}
