//! Writing invitations, and the mails with their links.

use cloister_ids::{AccountId, InvitationId, PersonId};
use cloister_tenancy::{ControlTx, Error, ErrorKind, OpContext, Result};
use jiff::{SignedDuration, Timestamp};

use super::{INVITATION, Invitation, InvitationState, LIFE, store};
use crate::{
    Service,
    account::{self, email_key},
    mail::{self, NewMail, Template},
    role::RoleBook,
    secret,
};

/// Mails of invitations that a tenant may send within a day. Whoever signs up a tenant could otherwise send mail to anybody.
const A_DAY: i64 = 2000;
/// Mails of one invitation within an hour.
const AN_HOUR: usize = 3;

/// Somebody to be invited.
#[derive(Debug, Clone)]
pub(super) struct Guest {
    pub(super) email: String,
    pub(super) display_name: Option<String>,
    pub(super) person: Option<PersonId>,
}

/// Keeps who may do what here from changing, and refuses roles that are not there or beyond the actor's own.
pub(super) async fn check_roles(tx: &mut ControlTx, service: &Service, cx: &OpContext, roles: &[String]) -> Result<()> {
    crate::membership::lock(tx, cx.tenant_id(), cx.clock().now(), &cx.actor().to_string()).await?;
    let book = RoleBook::read(tx, service, cx.tenant()).await?;
    book.check_known(roles)?;
    book.check_within(cx.permissions(), roles)
}

/// Refuses so many mails more.
pub(super) async fn check_room(tx: &mut ControlTx, cx: &OpContext, more: usize) -> Result<()> {
    let since = cx.clock().now() - SignedDuration::from_hours(24);
    let rows = tx.query(&store::SENT_SINCE, &[&cx.tenant_id(), &since]).await?;
    let sent = rows.first().map_or(0, |row| row.get::<_, i64>("sent"));
    let more = i64::try_from(more).unwrap_or(i64::MAX);
    if sent.saturating_add(more) <= A_DAY {
        return Ok(());
    }
    let message = format!("A tenant invites at most {A_DAY} people within a day, and {sent} were. Go on tomorrow.");
    let wait = std::time::Duration::from_hours(1);
    Err(Error::new(ErrorKind::TooMany, "invitations_exhausted", message).retry_after(wait))
}

/// The name of who invites.
pub(super) async fn inviter(service: &Service, account: Option<AccountId>) -> Result<Option<String>> {
    let Some(account) = account else { return Ok(None) };
    match account::by_id(service.control(), account).await {
        Ok(account) => Ok(Some(account.display_name)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes an invitation and its mail, as part of `tx`.
pub(super) async fn invite(
    tx: &mut ControlTx,
    service: &Service,
    cx: &OpContext,
    guest: &Guest,
    roles: &[String],
    inviter: Option<&str>,
) -> Result<Invitation> {
    let (id, now, by) = (InvitationId::generate(cx.clock()), cx.clock().now(), cx.actor().to_string());
    let (token, expires_at) = (secret::generate()?, now + LIFE);
    let Guest { email, display_name, person } = guest;
    let with: &cloister_tenancy::sql::Parameters<'_> = &[
        &id,
        &cx.tenant_id(),
        email,
        &email_key(email),
        display_name,
        &roles,
        person,
        &secret::hash(&token),
        &now,
        &expires_at,
        &by,
    ];
    tx.query(&store::INSERT, with).await?;
    let invitation = Invitation {
        id,
        email: email.clone(),
        display_name: display_name.clone(),
        roles: roles.to_vec(),
        person_id: *person,
        state: InvitationState::Open,
        sent_at: now,
        sent_times: 1,
        expires_at,
        accepted_at: None,
        account_id: None,
        version: 1,
        created_at: now,
        created_by: by.clone(),
        updated_at: now,
        updated_by: by,
        tenant: cx.tenant_id(),
        sent_lately: Vec::new(),
    };
    write_mail(tx, service, cx, &invitation, &token, inviter).await?;
    Ok(invitation)
}

/// A new link for an invitation that was locked; the one before works no longer.
pub(super) async fn resend(
    tx: &mut ControlTx,
    service: &Service,
    cx: &OpContext,
    invitation: &Invitation,
    inviter: Option<&str>,
) -> Result<()> {
    let (now, by) = (cx.clock().now(), cx.actor().to_string());
    let mut lately: Vec<Timestamp> = invitation.sent_lately.clone();
    lately.push(invitation.sent_at);
    lately.retain(|at| now.duration_since(*at) < SignedDuration::from_hours(1));
    if let Some(first) = lately.first().filter(|_| lately.len() >= AN_HOUR) {
        let wait = SignedDuration::from_hours(1) - now.duration_since(*first);
        let message = format!("An invitation is sent at most {AN_HOUR} times an hour.");
        let wait = std::time::Duration::from_secs(wait.as_secs().max(1).unsigned_abs());
        return Err(Error::new(ErrorKind::TooMany, "sent_too_often", message).retry_after(wait));
    }
    let (token, expires_at) = (secret::generate()?, now + LIFE);
    let with: &cloister_tenancy::sql::Parameters<'_> =
        &[&cx.tenant_id(), &invitation.id, &secret::hash(&token), &now, &lately, &expires_at, &by];
    tx.query(&store::RESEND, with).await?;
    let invitation = Invitation { expires_at, ..invitation.clone() };
    write_mail(tx, service, cx, &invitation, &token, inviter).await
}

/// The link leads to the installation's own host: there one can sign in before one belongs to the tenant.
async fn write_mail(
    tx: &mut ControlTx,
    service: &Service,
    cx: &OpContext,
    invitation: &Invitation,
    token: &str,
    inviter: Option<&str>,
) -> Result<()> {
    let template = Template::Invitation {
        tenant: cx.tenant().display_name.to_string(),
        inviter: inviter.map(str::to_owned),
        roles: invitation.roles.clone(),
        link: service.link(None, "invitation", token),
        expires: invitation.expires_at,
    };
    let (tenant, to) = (Some(cx.tenant_id()), invitation.email.clone());
    mail::queue(tx, service, NewMail { tenant, account: None, to, locale: &cx.tenant().locale, template }).await?;
    Ok(())
}

/// For the audit log.
pub(super) fn told(invitation: &Invitation) -> serde_json::Value {
    serde_json::json!({ "email": invitation.email, "roles": invitation.roles, "person_id": invitation.person_id })
}

/// What permissions about it are about; a name for records.
pub(super) fn record(
    cx: &OpContext,
    action: &'static str,
    invitation: &Invitation,
) -> cloister_tenancy::PlatformRecord {
    crate::note::within(cx, action, INVITATION).on(invitation.id).changing(told(invitation))
}
