//! Sessions: a signing-in, from its password to its end. It is held by refresh tokens, or in a browser by one cookie a host.

mod api;
mod browser;
mod cookie_api;
mod end_api;
mod issue;
mod sign_in;
pub(crate) mod store;

use cloister_ids::{AccountId, SessionId};
use cloister_tenancy::{Error, ErrorKind, sql::Row};
use jiff::{SignedDuration, Timestamp};
use utoipa_axum::router::OpenApiRouter;

pub(crate) use api::Place;
pub(crate) use issue::{Ending, Entrance};

/// The routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<cloister_http::Edge> {
    api::routes().merge(cookie_api::routes()).merge(end_api::routes())
}

/// A session as it is looked at when it is used.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) account: AccountId,
    last_used_at: Timestamp,
    idle: SignedDuration,
    expires_at: Timestamp,
    pub(crate) has_second_factor: bool,
    ended_at: Option<Timestamp>,
}

impl From<&Row> for Session {
    fn from(row: &Row) -> Self {
        Self {
            id: row.get("id"),
            account: row.get("account_id"),
            last_used_at: row.get("last_used_at"),
            idle: SignedDuration::from_secs(row.get::<_, i32>("idle_seconds").into()),
            expires_at: row.get("expires_at"),
            has_second_factor: row.get::<_, Option<Timestamp>>("mfa_at").is_some(),
            ended_at: row.get("ended_at"),
        }
    }
}

impl Session {
    /// Seconds until it ends in any case.
    fn seconds_left(&self, now: Timestamp) -> i64 {
        self.expires_at.duration_since(now).as_secs().max(1)
    }

    /// When it ends in any case.
    pub(crate) fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Until when it may be used, if it is not used again.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && self.expires_at > now && now.duration_since(self.last_used_at) < self.idle
    }
}

/// The session is over, or never was.
pub(crate) fn over() -> Error {
    Error::new(ErrorKind::Unauthenticated, "session_ended", "This session is over. Sign in again.")
}
