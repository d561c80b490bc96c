//! Beginning a session, and what it is held by.

use std::sync::Arc;

use cloister_http::Visitor;
use cloister_ids::{AccountId, SessionId, TenantId};
use cloister_tenancy::{
    ControlTx, Refusal, Result, TenantEntry,
    mutation::{Guard, is_off},
};
use jiff::{SignedDuration, Timestamp};

use super::{Session, store};
use crate::{
    Service,
    account::Standing,
    device,
    mail::{self, NewMail, Template},
    operator, revocation, secret,
    token::{Claims, LIFETIME},
};

/// Sessions of one account in force at a time.
const MOST: i64 = 50;

/// Why a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    SignedOut,
    Revoked,
    Reused,
    PasswordChanged,
    Disabled,
}

impl Ending {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Revoked => "revoked",
            Self::Reused => "reused",
            Self::PasswordChanged => "password_changed",
            Self::Disabled => "disabled",
        }
    }
}

/// A tenant to work in, and what one may do there.
#[derive(Debug, Clone)]
pub(crate) struct Entrance<'a> {
    pub(crate) tenant: &'a TenantEntry,
    pub(crate) permissions: Vec<String>,
}

/// What a device is known by: its program and its network. Whoever shares both is taken for the same.
pub(super) fn device_hash(visitor: &Visitor) -> Vec<u8> {
    let name = device::device(visitor.user_agent.as_deref());
    secret::hash(&format!("{name} {}", visitor.client.map_or_else(String::new, device::network)))
}

impl Service {
    /// The tenant that a credential was given for. One that this node does not know lets in nowhere: without it the credential
    /// would be good outside of every tenant, which it never was.
    pub(super) fn tenant_of_credential(&self, id: Option<TenantId>) -> Result<Option<Arc<TenantEntry>>> {
        let known = |id| self.tenancy().registry().by_id(id).ok_or_else(|| Refusal::Unknown.error());
        id.map(known).transpose()
    }

    /// A session of `account` from where the visitor is. A device that was never seen is told of by mail.
    pub(super) async fn begin_session(
        &self,
        tx: &mut ControlTx,
        standing: &Standing,
        visitor: &Visitor,
        kind: &'static str,
        second_factor: bool,
    ) -> Result<Session> {
        let clock = self.tenancy().clock();
        let (id, now) = (SessionId::generate(&**clock), clock.now());
        let name = device::device(visitor.user_agent.as_deref());
        let address = visitor.client.map(|address| address.to_string());
        let idle = SignedDuration::from_mins(standing.policy.idle_minutes.into());
        let expires_at = now + SignedDuration::from_hours(standing.policy.session_hours.into());
        let idle_seconds = i32::try_from(idle.as_secs()).unwrap_or(i32::MAX);
        let mfa_at = second_factor.then_some(now);
        let seen = device_hash(visitor);
        let ended = tx
            .query_all(&[
                (
                    &store::INSERT,
                    &[
                        &id,
                        &standing.account,
                        &kind,
                        &visitor.user_agent,
                        &name,
                        &address,
                        &now,
                        &idle_seconds,
                        &expires_at,
                        &mfa_at,
                    ],
                ),
                (&store::END_EXCESS, &[&standing.account, &now, &MOST]),
                (&store::SEE_DEVICE, &[&standing.account, &seen, &name, &now]),
            ])
            .await?;
        let excess = ended.get(1).map_or(&[][..], Vec::as_slice);
        for row in excess {
            tx.query(&revocation::store::REVOKE_SESSION, &[&now, &row.get::<_, SessionId>("id")]).await?;
        }
        if !excess.is_empty() {
            tx.query(&revocation::store::TELL, &[]).await?;
        }
        if let (Some(to), Some(false)) = (&standing.email, ended.get(2).map(Vec::is_empty)) {
            let place = visitor.client.map(|client| device::place(Some(client)));
            let template = Template::NewDevice { device: name, place, at: now };
            let tenant = visitor.tenant.as_deref().map(|tenant| tenant.id);
            let (account, locale) = (Some(standing.account), standing.locale.as_str());
            mail::queue(tx, self, NewMail { tenant, account, to: to.clone(), locale, template }).await?;
        }
        Ok(Session {
            id,
            account: standing.account,
            last_used_at: now,
            idle,
            expires_at,
            has_second_factor: second_factor,
            ended_at: None,
        })
    }

    /// A refresh token of a session, good for as long as the session may be idle.
    pub(super) async fn add_refresh_token(
        &self,
        tx: &mut ControlTx,
        session: &Session,
        tenant: Option<&TenantEntry>,
        now: Timestamp,
    ) -> Result<String> {
        let token = secret::generate()?;
        let expires_at = (now + session.idle).min(session.expires_at);
        let tenant = tenant.map(|tenant| tenant.id);
        tx.query(&store::INSERT_REFRESH, &[&secret::hash(&token), &session.id, &tenant, &now, &expires_at]).await?;
        Ok(token)
    }

    /// A cookie of a session for one host.
    pub(super) async fn add_cookie(
        &self,
        tx: &mut ControlTx,
        session: &Session,
        host: &str,
        tenant: Option<&TenantEntry>,
    ) -> Result<String> {
        let (cookie, now) = (secret::generate()?, self.tenancy().clock().now());
        let tenant = tenant.map(|tenant| tenant.id);
        tx.query(&store::INSERT_COOKIE, &[&secret::hash(&cookie), &session.id, &host, &tenant, &now]).await?;
        Ok(cookie)
    }

    /// What a token for this session says.
    pub(super) fn claims(&self, standing: &Standing, session: &Session, inside: Option<&Entrance<'_>>) -> Claims {
        let now = self.tenancy().clock().now();
        let operator = match (&standing.operator_role, inside) {
            _ if standing.must_change_password => Vec::new(),
            (Some(role), None) => operator::permissions(role),
            (Some(role), Some(_)) if is_off(Guard::OperatorClaims) => operator::permissions(role),
            _ => Vec::new(),
        };
        Claims {
            sub: standing.account,
            sid: session.id,
            ten: inside.map(|entrance| entrance.tenant.id),
            rv: standing.roles_version,
            prm: inside.map(|entrance| entrance.permissions.clone()).unwrap_or_default(),
            opr: operator,
            vis: None,
            iat: now.as_second(),
            exp: (now + LIFETIME).min(session.expires_at).as_second(),
        }
    }

    /// Ends one session of an account, on every node. False when there is none in force.
    pub(crate) async fn end_session(&self, account: AccountId, id: SessionId, why: Ending) -> Result<bool> {
        let now = self.tenancy().clock().now();
        let mut tx = self.control().begin().await?;
        let ended = tx.query(&store::END, &[&id, &account, &now, &why.word()]).await?;
        if ended.is_empty() {
            return Ok(false);
        }
        tx.commit_with(&[(&revocation::store::REVOKE_SESSION, &[&now, &id]), (&revocation::store::TELL, &[])]).await?;
        self.revocations().session(id, now);
        Ok(true)
    }

    /// Ends every session of an account but one, as part of `tx`. Tell the answer to [`Service::forget_sessions`] after the
    /// commit.
    pub(crate) async fn end_other_sessions(
        &self,
        tx: &mut ControlTx,
        account: AccountId,
        keep: Option<SessionId>,
        why: Ending,
    ) -> Result<Vec<SessionId>> {
        let now = self.tenancy().clock().now();
        let rows = tx.query(&store::END_OTHERS, &[&account, &keep, &now, &why.word()]).await?;
        let ended: Vec<SessionId> = rows.iter().map(|row| row.get("id")).collect();
        for id in &ended {
            tx.query(&revocation::store::REVOKE_SESSION, &[&now, id]).await?;
        }
        if !ended.is_empty() {
            tx.query(&revocation::store::TELL, &[]).await?;
        }
        Ok(ended)
    }

    /// This node refuses the tokens of these sessions; the others were told by the commit.
    pub(crate) fn forget_sessions(&self, ended: &[SessionId]) {
        let now = self.tenancy().clock().now();
        for id in ended {
            self.revocations().session(*id, now);
        }
    }
}
