//! A platform that writes mails, and a mail server or none.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use cloister_ids::{MailId, ManualClock, SystemClock, TenantId};
use cloister_platform::{
    Keyring, Platform, PlatformSettings, Service,
    mail::{self, MailState, MailWithBody, NewMail, Outbox, SmtpSettings, Template},
};
use cloister_tenancy::{Actor, TenantEntry, Tier, jobs::WorkSettings};
use cloister_testkit::{FrontDoor, Notebook, TestPlatform, TestSettings};
use jiff::SignedDuration;
use tokio::task::JoinHandle;

pub(crate) struct Post {
    pub(crate) test: TestPlatform,
    pub(crate) service: Service,
    pub(crate) clock: ManualClock,
    pub(crate) door: FrontDoor,
}

/// The link of every mail here. What is searched for where it must not be.
pub(crate) const LINK: &str = "https://north.schools.example/verify?token=Zw1dUqf0bM3V9rXyTt";

impl Post {
    /// With a mail server at this address, or with none.
    pub(crate) async fn open(server: Option<SocketAddr>) -> Self {
        Self::open_with(server.map(|address| format!("smtp://{address}"))).await
    }

    pub(crate) async fn open_with(url: Option<String>) -> Self {
        let clock = ManualClock::new(cloister_ids::Clock::now(&SystemClock));
        let platform = Platform::new();
        let settings = TestSettings {
            modules: vec![Arc::new(Notebook), Arc::new(platform.clone())],
            clock: Arc::new(clock.clone()),
            ..TestSettings::default()
        };
        let test = TestPlatform::with(settings).await;
        let smtp =
            url.map(|url| SmtpSettings { url: url.into(), from: "Schools <no-reply@schools.example>".to_owned() });
        if let Some(smtp) = &smtp {
            smtp.check().unwrap();
        }
        let settings = PlatformSettings { smtp, ..PlatformSettings::default() };
        let service = platform.open(test.control.clone(), Keyring::new([7; 32]), settings).await.unwrap();
        let door = FrontDoor::new(&test.tenancy, &[Arc::new(platform)]);
        Self { test, service, clock, door }
    }

    /// A node at work, until dropped.
    pub(crate) fn work(&self) -> Working {
        let settings = WorkSettings {
            lease: Duration::from_millis(900),
            poll: Duration::from_millis(50),
            sweep: Duration::from_millis(100),
            drain: Duration::from_secs(1),
            ..WorkSettings::default()
        };
        let tenancy = self.test.tenancy.clone();
        Working(tokio::spawn(async move {
            tenancy.work(settings, std::future::pending()).await.unwrap();
        }))
    }

    pub(crate) async fn north(&self) -> Arc<TenantEntry> {
        let tenant = self.test.tenant("north", Tier::Shared).await;
        self.execute(
            "update tenant set display_name = 'Nordschule Zürich', contact_email = 'office@north.example',
                time_zone = 'Europe/Zurich'",
        )
        .await;
        tenant
    }

    pub(crate) async fn queue(&self, mail: NewMail<'_>) -> MailId {
        let mut tx = self.test.control.begin().await.unwrap();
        let id = mail::queue(&mut tx, &self.service, mail).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// A mail of the usual sort.
    pub(crate) async fn verify(&self, tenant: Option<TenantId>, to: &str, locale: &str) -> MailId {
        let template = Template::VerifyEmail { link: LINK.to_owned() };
        self.queue(NewMail { tenant, account: None, to: to.to_owned(), locale, template }).await
    }

    pub(crate) async fn read(&self, id: MailId) -> MailWithBody {
        Outbox::of(&self.service).read(id, &Actor::Operator("test".into())).await.unwrap()
    }

    /// Waits until something holds of a mail.
    pub(crate) async fn until(&self, id: MailId, holds: impl Fn(&MailWithBody) -> bool) -> MailWithBody {
        for _ in 0..400 {
            let mail = self.read(id).await;
            if holds(&mail) {
                return mail;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("waited in vain: {:#?}", self.read(id).await);
    }

    pub(crate) async fn until_state(&self, id: MailId, state: MailState) -> MailWithBody {
        self.until(id, |mail| mail.mail.state == state).await
    }

    pub(crate) fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
    }

    pub(crate) async fn control(&self) -> tokio_postgres::Client {
        let client = self.test.admin(&format!("{}_control", self.test.prefix)).await;
        client.batch_execute("set search_path = control").await.unwrap();
        client
    }

    pub(crate) async fn execute(&self, text: &str) {
        self.control().await.batch_execute(text).await.unwrap();
    }
}

pub(crate) struct Working(JoinHandle<()>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.abort();
    }
}
