//! The access log: who saw which record of somebody's health, and when. An entry is written in the transaction that reads, so that
//! what cannot be noted is not shown; nothing a request does changes or removes one.

mod api;
mod store;

use cloister_ids::{AccessLogEntryId, AccountId, PersonId, RequestId};
use cloister_tenancy::{Action, OpContext, Resource, Result, TenantTx, sql::ToSql};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use store::{NOTE, STATEMENTS};

/// What permissions are about.
pub const ACCESS_LOG_ENTRY: Resource = Resource { module: crate::MODULE, name: "access_log_entry" };

/// That somebody saw a record of somebody.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AccessLogEntry {
    /// Which entry.
    pub id: AccessLogEntryId,
    /// When.
    pub at: Timestamp,
    /// Who saw it.
    #[schema(example = "account:acc_01h455vb4pex5vsknk084sn02q")]
    pub actor: String,
    /// Their account.
    pub account_id: Option<AccountId>,
    /// What they did: `read` it, or `create` or `update` it, which shows it too.
    #[schema(example = "read")]
    pub action: String,
    /// The kind of record.
    #[schema(example = "school.allergy")]
    pub resource: String,
    /// Which one.
    #[schema(example = "alg_01h455vb4pex5vsknk084sn02q")]
    pub resource_id: String,
    /// Whose it was then.
    pub student_id: PersonId,
    /// The request.
    pub request_id: RequestId,
}

/// What is about to be shown, one entry a record.
#[derive(Debug)]
pub(crate) struct Seen {
    ids: Vec<AccessLogEntryId>,
    at: Timestamp,
    actor: String,
    account: Option<AccountId>,
    action: &'static str,
    resource: String,
    records: Vec<String>,
    students: Vec<PersonId>,
    request: RequestId,
}

impl Seen {
    /// Of these records and whose they are.
    pub(crate) fn of(
        cx: &OpContext,
        action: Action,
        on: &Resource,
        shown: impl IntoIterator<Item = (String, PersonId)>,
    ) -> Self {
        let (records, students): (Vec<_>, Vec<_>) = shown.into_iter().unzip();
        Self {
            ids: records.iter().map(|_| AccessLogEntryId::generate(cx.clock())).collect(),
            at: cx.clock().now(),
            actor: cx.actor().to_string(),
            account: cx.account(),
            action: action.word(),
            resource: on.to_string(),
            records,
            students,
            request: cx.request(),
        }
    }

    /// Of [`NOTE`].
    pub(crate) fn parameters(&self) -> [&(dyn ToSql + Sync); 9] {
        let Self { ids, at, actor, account, action, resource, records, students, request } = self;
        [ids, at, actor, account, action, resource, records, students, request]
    }
}

/// Notes what is about to be shown, and commits: one round trip.
pub(crate) async fn commit(tx: TenantTx, seen: Seen) -> Result<()> {
    if seen.ids.is_empty() {
        return tx.commit().await;
    }
    tx.commit_with(&[(&NOTE, &seen.parameters())]).await.map(drop)
}

fn sample() -> AccessLogEntry {
    AccessLogEntry {
        id: crate::sample_id(),
        at: Timestamp::constant(1_767_603_600, 0),
        actor: format!("account:{}", crate::sample_id::<cloister_ids::kind::Account>()),
        account_id: Some(crate::sample_id()),
        action: "read".to_owned(),
        resource: "school.allergy".to_owned(),
        resource_id: crate::sample_id::<cloister_ids::kind::Allergy>().to_string(),
        student_id: crate::sample_id(),
        request_id: crate::sample_id(),
    }
}
