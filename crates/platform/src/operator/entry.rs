//! A visit: an operator is inside one tenant, for a reason, until a moment that the tenant knows.

use std::sync::Arc;

use cloister_http::Caller;
use cloister_ids::{AccountId, Clock, OperatorEntryId, TenantId};
use cloister_tenancy::{
    Action, AskerVisit, ControlTx, Error, ErrorKind, PermissionSet, PlatformRecord, Requester, Result, TenantEntry,
    jobs::NewJob,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{ENTRY, OPERATOR_ENTRY, capacity, over, permissions, permissions_inside, store};
use crate::{
    Service,
    account::Standing,
    mail::{self, NewMail, Template},
    membership, note,
    session::Session,
    token::{Claims, LIFETIME, VisitClaim},
};

/// Visits of one operator under way at a time.
const MOST: i64 = 20;

/// An operator's visit to a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Entry {
    /// Which one.
    pub(crate) id: OperatorEntryId,
    /// The tenant.
    pub(crate) tenant_id: TenantId,
    /// Its name in addresses.
    #[schema(example = "north")]
    pub(crate) tenant: String,
    /// The operator's account.
    pub(crate) account_id: AccountId,
    /// The operator's name.
    #[schema(example = "Sam Operator")]
    pub(crate) operator: String,
    /// Why.
    #[schema(example = "Ticket 4711: the import of classes stops half way.")]
    pub(crate) reason: String,
    /// May change things, and not only see them.
    pub(crate) elevated: bool,
    /// When it began.
    pub(crate) created_at: Timestamp,
    /// When it ends in any case.
    pub(crate) expires_at: Timestamp,
    /// When it ended; null while it is under way.
    pub(crate) ended_at: Option<Timestamp>,
}

/// What an operator asks for.
pub(super) struct Wish {
    pub(super) tenant: Arc<TenantEntry>,
    pub(super) reason: String,
    pub(super) minutes: u16,
    pub(super) elevated: bool,
}

fn entry_over() -> Error {
    Error::new(ErrorKind::Conflict, "entry_over", "This visit is over. Enter again, with a reason.")
}

impl Entry {
    pub(super) fn is_open(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && self.expires_at > now
    }

    /// What audit logs say of it.
    fn record(&self, by: impl Into<Requester>, action: &'static str) -> PlatformRecord {
        let mut record = PlatformRecord::new(by, action, OPERATOR_ENTRY).of(self.tenant_id).on(self.id);
        record.acting_as = Some(capacity(self.elevated).to_owned());
        record.because(Some(&self.reason))
    }
}

impl Service {
    /// A tenant that is in use, by slug or id.
    pub(super) fn find_open_tenant(&self, name: &str) -> Result<Arc<TenantEntry>> {
        let registry = self.tenancy().registry();
        let found = name.parse::<TenantId>().map_or_else(|_| registry.by_slug(name), |id| registry.by_id(id));
        let found = found.ok_or_else(|| cloister_tenancy::Refusal::Unknown.error())?;
        found.admit().map_err(|refusal| refusal.error())?;
        Ok(found)
    }

    /// An operator as of now, not as of their token; with the version of the tenant's roles.
    async fn standing_of_operator(
        &self,
        tx: &mut ControlTx,
        account: AccountId,
        tenant: TenantId,
        action: Action,
    ) -> Result<Standing> {
        let standing = Standing::read_in(tx, account, Some(tenant)).await?;
        let may = PermissionSet::new(permissions(standing.operator_role.as_deref().unwrap_or_default()));
        if may.allow(action, &ENTRY) { Ok(standing) } else { Err(Error::not_found()) }
    }

    /// Begins a visit as part of `tx`, tells the tenant's owners, and notes it in both audit logs.
    pub(super) async fn enter(
        &self,
        tx: &mut ControlTx,
        session: &Session,
        wish: Wish,
        by: &Requester,
    ) -> Result<(Entry, Standing)> {
        let (clock, account, tenant) = (self.tenancy().clock().clone(), session.account, wish.tenant.id);
        let now = clock.now();
        let standing = self.standing_of_operator(tx, account, tenant, Action::Create).await?;
        let open = tx.query(&store::OPEN_ENTRIES, &[&account, &now]).await?;
        if open.first().is_some_and(|row| row.get::<_, i64>("open") >= MOST) {
            let message = format!("You are inside {MOST} tenants already. End some of these visits first.");
            return Err(Error::new(ErrorKind::Conflict, "too_many_entries", message));
        }
        let entry = Entry {
            id: OperatorEntryId::generate(&*clock),
            tenant_id: tenant,
            tenant: wish.tenant.slug.to_string(),
            account_id: account,
            operator: standing.display_name.clone(),
            reason: wish.reason,
            elevated: wish.elevated,
            created_at: now,
            expires_at: now + SignedDuration::from_mins(wish.minutes.into()),
            ended_at: None,
        };
        let Entry { id, reason, elevated, created_at, expires_at, .. } = &entry;
        let with: &cloister_tenancy::sql::Parameters<'_> =
            &[id, &account, &tenant, &session.id, reason, elevated, created_at, expires_at];
        tx.query(&store::INSERT_ENTRY, with).await?;
        self.tell_owners(tx, &entry).await?;
        let changes = json!({ "expires_at": entry.expires_at, "elevated": entry.elevated });
        note::both(tx, tenant, entry.record(by, "operator.enter").changing(changes)).await?;
        tx.enqueue(NewJob {
            kind: over::KIND,
            tenant: None,
            payload: json!({ "entry": entry.id }),
            unique_key: None,
            run_at: Some(entry.expires_at),
        })
        .await?;
        Ok((entry, standing))
    }

    async fn tell_owners(&self, tx: &mut ControlTx, entry: &Entry) -> Result<()> {
        for owner in tx.query(&store::OWNERS, &[&entry.tenant_id]).await? {
            let template = Template::OperatorEntered {
                operator: entry.operator.clone(),
                reason: entry.reason.clone(),
                elevated: entry.elevated,
                until: entry.expires_at,
            };
            let (tenant, account) = (Some(entry.tenant_id), Some(owner.get("id")));
            let to: String = owner.get("email");
            mail::queue(tx, self, NewMail { tenant, account, to, locale: owner.get("locale"), template }).await?;
        }
        Ok(())
    }

    /// The next token of a visit that is under way.
    pub(super) async fn stay(&self, caller: &Caller, id: OperatorEntryId) -> Result<(Entry, String)> {
        let session = self.open_session(caller).await?;
        let mut tx = self.control().begin().await?;
        let entry = store::lock_entry(&mut tx, id).await?;
        if entry.account_id != session.account {
            return Err(Error::not_found());
        }
        if !entry.is_open(self.tenancy().clock().now()) {
            return Err(entry_over());
        }
        let tenant = self.find_open_tenant(&entry.tenant_id.to_string())?;
        let standing = self.standing_of_operator(&mut tx, session.account, tenant.id, Action::Update).await?;
        tx.commit().await?;
        let token = self.visit_token(&entry, &standing, &session, &tenant)?;
        Ok((entry, token))
    }

    /// What an operator may do inside a tenant now, who was inside when they asked for something.
    pub(crate) async fn still_inside(
        &self,
        tenant: &TenantEntry,
        account: AccountId,
        visit: &AskerVisit,
    ) -> Result<PermissionSet> {
        let now = self.tenancy().clock().now();
        let mut tx = self.control().begin().await?;
        self.standing_of_operator(&mut tx, account, tenant.id, Action::Update).await?;
        // That very visit: a later one for the same reason did not ask for this.
        let open = tx.query(&store::STILL_INSIDE, &[&visit.entry, &account, &tenant.id, &now]).await?;
        tx.commit().await?;
        let elevated = open.first().ok_or_else(entry_over)?.get("elevated");
        Ok(PermissionSet::new(permissions_inside(self.tenancy(), tenant, elevated)))
    }

    /// An access token for the tenant: of the operator's session, for at most as long as the visit.
    pub(super) fn visit_token(
        &self,
        entry: &Entry,
        standing: &Standing,
        session: &Session,
        tenant: &TenantEntry,
    ) -> Result<String> {
        let now = self.tenancy().clock().now();
        let claims = Claims {
            sub: entry.account_id,
            sid: session.id,
            ten: Some(entry.tenant_id),
            rv: standing.roles_version,
            prm: permissions_inside(self.tenancy(), tenant, entry.elevated),
            opr: Vec::new(),
            vis: Some(VisitClaim { entry: entry.id, reason: entry.reason.clone(), elevated: entry.elevated }),
            iat: now.as_second(),
            exp: (now + LIFETIME).min(entry.expires_at).min(session.expires_at()).as_second(),
        };
        self.keys().sign(&claims, now)
    }

    /// Ends a visit before its time. Its tokens are refused on every node; those of other visits of the same operator to the
    /// same tenant must be renewed.
    pub(super) async fn leave(&self, account: Option<AccountId>, id: OperatorEntryId, by: &Requester) -> Result<()> {
        let now = self.tenancy().clock().now();
        let mut tx = self.control().begin().await?;
        let entry = store::lock_entry(&mut tx, id).await?;
        if account.is_some_and(|account| account != entry.account_id) {
            return Err(Error::not_found());
        }
        if !entry.is_open(now) {
            return Ok(());
        }
        let version = end(&mut tx, &entry, by, now).await?;
        tx.commit().await?;
        self.revocations().membership(entry.account_id, entry.tenant_id, version, now);
        Ok(())
    }
}

/// Ends a visit as part of `tx`. Answers the version of the tenant's roles before which its tokens are refused.
pub(super) async fn end(tx: &mut ControlTx, entry: &Entry, by: &Requester, now: Timestamp) -> Result<i64> {
    tx.query(&store::END_ENTRY, &[&entry.id, &now]).await?;
    let version = membership::outdate(tx, entry.account_id, entry.tenant_id, now, &by.actor.to_string()).await?;
    note::both(tx, entry.tenant_id, entry.record(by, "operator.leave")).await?;
    Ok(version)
}

/// Notes the end of a visit whose time is over, unless it ended before. False when its time is not over yet.
pub(super) async fn expire(tx: &mut ControlTx, clock: &dyn Clock, entry: &Entry) -> Result<bool> {
    if entry.ended_at.is_some() {
        return Ok(true);
    }
    if entry.expires_at > clock.now() {
        return Ok(false);
    }
    tx.query(&store::END_ENTRY, &[&entry.id, &entry.expires_at]).await?;
    let actor = cloister_tenancy::Actor::Operator(entry.account_id.to_string().into());
    let by = Requester { account: Some(entry.account_id), ..(&actor).into() };
    let record = entry.record(by, "operator.leave").changing(json!({ "time_is_over": true }));
    note::both(tx, entry.tenant_id, record).await?;
    Ok(true)
}
