//! What whoever signed up is told of it: named steps, as they are done.

use cloister_http::words;
use cloister_ids::{SignupId, TenantId};
use cloister_tenancy::{
    Error, Result, Status, Tier,
    lifecycle::{Kind, State, StepProgress, StepState},
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{SignupState, store};
use crate::{Service, secret};

/// Characters of a status address's secret: 128 bits.
const SECRET: usize = 22;

words! {
    /// How a step stands.
    pub(super) enum SignupStepState {
        /// Its turn has not come.
        Waiting = "waiting",
        /// It is being done.
        Running = "running",
        /// It is done.
        Done = "done",
        /// It failed. Somebody looks at it.
        Failed = "failed",
    }
}

/// A step on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct SignupStep {
    /// Its stable name.
    #[schema(example = "prepare")]
    name: &'static str,
    /// The same for people, in English.
    #[schema(example = "Prepare tables")]
    title: &'static str,
    /// How it stands.
    state: SignupStepState,
    /// When it was done.
    at: Option<Timestamp>,
}

/// The tenant that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct SignupTenant {
    /// Its name in addresses.
    #[schema(example = "north")]
    pub(super) slug: String,
    /// Where it is found once it is ready.
    #[schema(example = "https://north.schools.example")]
    pub(super) address: String,
}

/// How far a sign-up got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct SignupStatus {
    /// Which one.
    pub(super) id: SignupId,
    /// Where it is.
    pub(super) state: SignupState,
    /// What was asked for.
    pub(super) tenant: SignupTenant,
    /// What is done and what is still to do, in order.
    pub(super) steps: Vec<SignupStep>,
    /// The tenant is made.
    #[schema(example = false)]
    pub(super) ready: bool,
    /// What is asked of the person: `verify_email`, by the link in the mail.
    #[schema(example = "verify_email")]
    pub(super) needs: Option<&'static str>,
    /// The tenant could not be made.
    #[schema(example = false)]
    pub(super) failed: bool,
    /// What to tell the person about that, in English.
    pub(super) message: Option<&'static str>,
}

impl SignupStatus {
    /// Nothing more will happen by itself.
    pub(super) fn is_over(&self) -> bool {
        self.ready || self.failed || matches!(self.state, SignupState::Expired | SignupState::Abandoned)
    }
}

/// Reads how far a sign-up got, by the secret of its status address. Of others nothing is told.
pub(super) async fn read(service: &Service, secret: &str) -> Result<SignupStatus> {
    if secret.len() != SECRET {
        return Err(Error::not_found());
    }
    let rows = service.control().run(&store::BY_SECRET, &[&secret::hash(secret)]).await?;
    let row = rows.first().ok_or_else(Error::not_found)?;
    let now = service.tenancy().clock().now();
    let state = match row.get::<_, &str>("state").parse().map_err(Error::internal)? {
        // The job that says so comes round now and then.
        SignupState::Unverified if row.get::<_, Timestamp>("expires_at") <= now => SignupState::Expired,
        state => state,
    };
    let (slug, verified_at): (&str, Option<Timestamp>) = (row.get("slug"), row.get("verified_at"));
    let tenant: Option<TenantId> = row.get("tenant_id");
    let status = row.get::<_, Option<&str>>("tenant_status").and_then(|word| word.parse::<Status>().ok());
    let tier = row.get::<_, &str>("tier").parse::<Tier>().map_err(Error::internal)?;
    let making = Making::read(service, tenant, status).await?;
    let verify = SignupStep {
        name: "verify_email",
        title: "Confirm the address",
        state: if verified_at.is_some() { SignupStepState::Done } else { SignupStepState::Waiting },
        at: verified_at,
    };
    let mut steps = making.steps;
    steps.insert(if tier == Tier::Shared { steps.len() } else { 0 }, verify);
    let failed = making.failed || state == SignupState::Abandoned;
    let message = match state {
        SignupState::Expired => Some("Nobody confirmed this in time. Sign up again."),
        SignupState::Abandoned => Some("This could not be made ready, and was given up. Sign up again."),
        _ if failed => Some("Something went wrong on our side. We are looking at it: there is nothing you need to do."),
        _ => None,
    };
    Ok(SignupStatus {
        id: row.get("id"),
        state,
        tenant: SignupTenant { slug: slug.to_owned(), address: service.address_of(slug) },
        steps,
        ready: making.ready && matches!(state, SignupState::Unverified | SignupState::Verified),
        needs: (state == SignupState::Unverified).then_some("verify_email"),
        failed,
        message,
    })
}

/// How far the making of a tenant got.
pub(super) struct Making {
    pub(super) steps: Vec<SignupStep>,
    pub(super) ready: bool,
    pub(super) failed: bool,
}

impl Making {
    pub(super) async fn read(service: &Service, tenant: Option<TenantId>, status: Option<Status>) -> Result<Self> {
        let progress = match tenant {
            Some(tenant) => service.tenancy().progress(tenant, Kind::Provision).await?,
            None => None,
        };
        let failed = progress
            .as_ref()
            .map_or(status == Some(Status::Failed), |now| !matches!(now.state, State::Running | State::Done));
        // In use a moment before its last step is saved: nobody is told two things at once.
        let is_made = progress.as_ref().is_none_or(|now| now.steps.iter().all(|step| step.state == StepState::Done));
        let steps = progress.map_or_else(|| Kind::Provision.untouched(), |now| now.steps);
        Ok(Self {
            steps: steps.iter().map(SignupStep::from).collect(),
            ready: status == Some(Status::Active) && is_made,
            failed,
        })
    }
}

impl From<&StepProgress> for SignupStep {
    fn from(step: &StepProgress) -> Self {
        let state = match step.state {
            StepState::Waiting => SignupStepState::Waiting,
            StepState::Running => SignupStepState::Running,
            StepState::Done => SignupStepState::Done,
            StepState::Failed => SignupStepState::Failed,
        };
        Self { name: step.name, title: title(step.name), state, at: step.at }
    }
}

/// A step of the kernel in words for people.
fn title(name: &'static str) -> &'static str {
    match name {
        "place" => "Find a place",
        "prepare" => "Prepare tables",
        "open" => "Open the doors",
        "seed" => "Put in what is needed at the start",
        "activate" => "Put it into use",
        other => other,
    }
}

/// For the API document.
pub(super) fn sample_steps() -> Vec<SignupStep> {
    let step = |name, state, at| SignupStep { name, title: title(name), state, at };
    let at = Some(Timestamp::constant(1_767_603_600, 0));
    vec![
        step("place", SignupStepState::Done, at),
        step("prepare", SignupStepState::Running, None),
        step("open", SignupStepState::Waiting, None),
        step("seed", SignupStepState::Waiting, None),
        step("activate", SignupStepState::Waiting, None),
    ]
}

/// For the API document.
pub(super) fn sample() -> SignupStatus {
    let verify =
        SignupStep { name: "verify_email", title: "Confirm the address", state: SignupStepState::Waiting, at: None };
    let id = cloister_ids::Uuid::from_u128(0x019b_8d24_4e80_7c3e_9d0a_5f2b_7c61_e4a8);
    SignupStatus {
        id: SignupId::from_uuid(id),
        state: SignupState::Unverified,
        tenant: SignupTenant { slug: "north".to_owned(), address: "https://north.schools.example".to_owned() },
        steps: sample_steps().into_iter().chain([verify]).collect(),
        ready: false,
        needs: Some("verify_email"),
        failed: false,
        message: None,
    }
}
