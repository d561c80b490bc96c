//! Sign-up: a stranger asks for a tenant, watches it being made, and confirms the address to own it.
//!
//! In the shared tier it is made at once, for little is lost if nobody confirms it; in the others after that. Whether there is
//! an account of the address already is told to nobody but the reader of its mail: the answer is the same, and the account's
//! person must sign in to confirm. What nobody confirms within a week is removed.

mod api;
mod ask;
mod confirm;
mod expire;
mod operator_api;
mod slug;
mod status;
mod store;
mod tenant_api;
mod watch;

use std::time::Duration;

use cloister_http::{Edge, Problem, words};
use cloister_tenancy::{Error, ErrorKind, Resource, Result, Tier, jobs::JobKind};
use jiff::SignedDuration;
use utoipa_axum::router::OpenApiRouter;

use crate::{Service, service::Slot};

pub(crate) use expire::UPKEEP;
pub(crate) use store::STATEMENTS;
pub(crate) use watch::Watches;

/// What operators see and mend.
pub(crate) const SIGNUP: Resource = Resource { module: crate::MODULE, name: "signup" };

/// What nobody confirms for so long is removed.
const LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A mail's link works for so long.
const LINK_LIFE: SignedDuration = SignedDuration::from_hours(48);
/// What is counted for the limits of [`SignupSettings`].
const COUNTED: SignedDuration = SignedDuration::from_hours(24);

/// What strangers may sign up for.
#[derive(Debug, Clone)]
pub struct SignupSettings {
    /// The tiers that are offered. In any but the shared one, nothing is made before the address is confirmed.
    pub tiers: Vec<Tier>,
    /// The plan they begin with.
    pub plan: String,
    /// Where their rows are.
    pub region: String,
    /// Sign-ups a day of one network that nobody confirmed.
    pub of_network: u32,
    /// Sign-ups a day for one address that nobody confirmed.
    pub for_address: u32,
}

impl Default for SignupSettings {
    fn default() -> Self {
        Self {
            tiers: vec![Tier::Shared],
            plan: "free".to_owned(),
            region: "local".to_owned(),
            of_network: 20,
            for_address: 3,
        }
    }
}

words! {
    /// Where a sign-up is.
    pub(crate) enum SignupState {
        /// Nobody has confirmed the address.
        Unverified = "unverified",
        /// The address is confirmed, and the tenant has its owner.
        Verified = "verified",
        /// Nobody confirmed it in time; the tenant is removed.
        Expired = "expired",
        /// The tenant could not be made, and an operator gave it up.
        Abandoned = "abandoned",
    }
}

/// The routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    api::routes().merge(operator_api::routes()).merge(tenant_api::routes())
}

/// What this folder leaves to jobs.
pub(crate) fn jobs(slot: &Slot) -> Vec<JobKind> {
    vec![UPKEEP.job(slot, expire::expire)]
}

/// Shows in the metrics how many tenants could not be made.
pub(crate) async fn count_failed(service: &Service) -> Result<()> {
    let rows = service.control().run(&store::COUNT_FAILED, &[]).await?;
    let failed: i64 = rows.first().map_or(0, |row| row.get("failed"));
    #[expect(clippy::cast_precision_loss, reason = "nobody signs up as often")]
    metrics::gauge!("cloister_signups_failed").set(failed as f64);
    Ok(())
}

/// Signing up needs the control plane. Without it those who are signed in go on working, and strangers are told to wait.
fn needs_control_plane(problem: Problem) -> Problem {
    const CODE: &str = "temporarily_unavailable";
    if problem.error().code() != CODE {
        return problem;
    }
    let message = "Signing up is not possible at the moment. It works again later: try in half a minute.";
    let error = Error::new(ErrorKind::Unavailable, CODE, message).retry_after(Duration::from_secs(30));
    error.because(problem.error().log()).into()
}
