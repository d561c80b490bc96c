//! Mails are forgotten in time, and before that what they say.

use std::time::Duration;

use cloister_ids::MailId;
use cloister_tenancy::Result;
use jiff::{SignedDuration, Timestamp};

use super::store;
use crate::{Service, upkeep::Upkeep};

/// Once an hour.
pub(crate) const UPKEEP: Upkeep =
    Upkeep { kind: "platform.mail_forget", when: "23 * * * *", timeout: Duration::from_mins(10) };
/// That a mail was sent, and what came of it.
const MAIL: SignedDuration = SignedDuration::from_hours(30 * 24);
/// What a mail says that was not sent: its links work no longer than that.
const BODY: SignedDuration = SignedDuration::from_hours(7 * 24);
/// In one transaction, so that no lock is held for long.
const BATCH: usize = 1000;
const LIMIT: i64 = 1000;

pub(super) async fn forget(service: Service) -> Result<()> {
    let (control, now) = (service.control(), service.tenancy().clock().now());
    while store::forget_bodies(control, first_of(now - BODY), LIMIT).await? == BATCH {}
    while store::forget(control, first_of(now - MAIL), LIMIT).await? == BATCH {}
    Ok(())
}

/// The smallest id that a mail written then can have: ids begin with the time, so that age needs no index of its own.
fn first_of(at: Timestamp) -> MailId {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
    MailId::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid())
}
