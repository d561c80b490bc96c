//! All SQL about mails. They lie in the control plane.

use cloister_ids::{AccountId, MailId, TenantId, Uuid};
use cloister_tenancy::{
    ControlPlane, ControlTx, Error, Result,
    sql::{Row, statements},
};
use jiff::Timestamp;

use super::{
    outbox::{Mail, MailState, Selection},
    render::Brand,
};

/// What is read of a mail by whoever lists them, always in these words.
macro_rules! columns {
    () => {
        "id, tenant_id, account_id, recipient, template, locale, subject, state, attempts, error, created_at, sent_at"
    };
}

statements! {
    /// How a tenant's mails look.
    BRAND = "select t.display_name, t.contact_email, t.time_zone, a.settings #>> '{brand,colour}' as colour
        from tenant t left join tenant_access a on a.tenant_id = t.id where t.id = $1";
    /// A new mail.
    INSERT = "insert into mail (id, tenant_id, account_id, recipient, template, locale, subject, sealed, state, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', $9)";
    /// One mail, with its sealed body where it still has one.
    GET = concat!("select ", columns!(), ", sealed from mail where id = $1");
    /// Mails, the newest first, behind one of them. Ids grow with time.
    LIST_NEWEST = concat!(
        "select ", columns!(), " from mail where id < $1 and ($2::text is null or state = $2)
            and ($3::uuid is null or tenant_id = $3) order by id desc limit $4"
    );
    /// Mails, the oldest first, behind one of them.
    LIST_OLDEST = concat!(
        "select ", columns!(), " from mail where id > $1 and ($2::text is null or state = $2)
            and ($3::uuid is null or tenant_id = $3) order by id limit $4"
    );
    /// The mail server took it.
    SENT = "update mail set state = 'sent', sealed = null, attempts = attempts + 1, error = null, sent_at = $2
        where id = $1 and state = 'queued'";
    /// It was not taken this time.
    DELAYED = "update mail set attempts = attempts + 1, error = $2 where id = $1 and state = 'queued'";
    /// It is not tried again.
    FAILED = "update mail set state = 'failed', attempts = attempts + 1, error = $2 where id = $1 and state = 'queued'";
    /// There is nobody to hand it to.
    KEPT = "update mail set state = 'kept' where id = $1 and state = 'queued'";
    /// Forgets what mails say that nobody can send or has sent: those older than `$1`, up to `$2`.
    FORGET_BODIES = "update mail set sealed = null where id in (select id from mail
            where id < $1 and sealed is not null and state <> 'queued' order by id limit $2 for update skip locked)
        returning id";
    /// Forgets mails: those older than `$1`, up to `$2`.
    FORGET = "delete from mail where id in (select id from mail where id < $1 order by id limit $2 for update skip locked)
        returning id";
}

/// How a tenant's mails look. It may have been made in this same unit of work.
pub(super) async fn brand(tx: &mut ControlTx, tenant: TenantId) -> Result<Brand> {
    let rows = tx.query(&BRAND, &[&tenant]).await?;
    let row =
        rows.first().ok_or_else(|| Error::internal(format!("a mail for tenant {tenant}, which does not exist")))?;
    Ok(Brand {
        name: row.get("display_name"),
        colour: row.get("colour"),
        contact: row.get("contact_email"),
        time_zone: row.get("time_zone"),
    })
}

/// A mail that waits to be sent.
pub(super) struct NewRow<'a> {
    pub(super) id: MailId,
    pub(super) tenant: Option<TenantId>,
    pub(super) account: Option<AccountId>,
    pub(super) recipient: &'a str,
    pub(super) template: &'static str,
    pub(super) locale: &'static str,
    pub(super) subject: &'a str,
    pub(super) sealed: &'a [u8],
    pub(super) created_at: Timestamp,
}

pub(super) async fn insert(tx: &mut ControlTx, row: &NewRow<'_>) -> Result<()> {
    let NewRow { id, tenant, account, recipient, template, locale, subject, sealed, created_at } = row;
    tx.query(&INSERT, &[id, tenant, account, recipient, template, locale, subject, sealed, created_at]).await.map(drop)
}

fn mail(row: &Row) -> Result<Mail> {
    Ok(Mail {
        id: row.get("id"),
        tenant_id: row.get("tenant_id"),
        account_id: row.get("account_id"),
        recipient: row.get("recipient"),
        template: row.get("template"),
        locale: row.get("locale"),
        subject: row.get("subject"),
        state: row.get::<_, &str>("state").parse().map_err(Error::internal)?,
        attempts: row.get("attempts"),
        error: row.get("error"),
        created_at: row.get("created_at"),
        sent_at: row.get("sent_at"),
    })
}

/// A mail and its sealed body.
type WithSealed = (Mail, Option<Vec<u8>>);

fn only(rows: &[Row]) -> Result<Option<WithSealed>> {
    rows.first().map(|row| Ok((mail(row)?, row.get("sealed")))).transpose()
}

pub(super) async fn get(control: &ControlPlane, id: MailId) -> Result<Option<WithSealed>> {
    only(&control.run(&GET, &[&id]).await?)
}

pub(super) async fn get_within(tx: &mut ControlTx, id: MailId) -> Result<Option<WithSealed>> {
    only(&tx.query(&GET, &[&id]).await?)
}

pub(super) async fn list(control: &ControlPlane, selection: Selection) -> Result<Vec<Mail>> {
    let Selection { state, tenant, oldest_first, after, limit } = selection;
    let (statement, start) = if oldest_first { (&LIST_OLDEST, Uuid::nil()) } else { (&LIST_NEWEST, Uuid::max()) };
    let after = after.unwrap_or_else(|| MailId::from_uuid(start));
    let state = state.map(MailState::word);
    control.run(statement, &[&after, &state, &tenant, &limit]).await?.iter().map(mail).collect()
}

pub(super) async fn sent(control: &ControlPlane, id: MailId, at: Timestamp) -> Result<()> {
    control.run(&SENT, &[&id, &at]).await.map(drop)
}

pub(super) async fn delayed(control: &ControlPlane, id: MailId, error: &str) -> Result<()> {
    control.run(&DELAYED, &[&id, &error]).await.map(drop)
}

pub(super) async fn failed(control: &ControlPlane, id: MailId, error: &str) -> Result<()> {
    control.run(&FAILED, &[&id, &error]).await.map(drop)
}

pub(super) async fn kept(control: &ControlPlane, id: MailId) -> Result<()> {
    control.run(&KEPT, &[&id]).await.map(drop)
}

pub(super) async fn forget_bodies(control: &ControlPlane, before: MailId, most: i64) -> Result<usize> {
    control.run(&FORGET_BODIES, &[&before, &most]).await.map(|rows| rows.len())
}

pub(super) async fn forget(control: &ControlPlane, before: MailId, most: i64) -> Result<usize> {
    control.run(&FORGET, &[&before, &most]).await.map(|rows| rows.len())
}
