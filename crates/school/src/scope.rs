//! How far a reader sees: everything, or what is within scopes of their own. The statements hold to it; see `scope_store`.

use std::future::Future;

use cloister_ids::AccountId;
use cloister_tenancy::{Action, OpContext, Reach, Resource, Result};
use jiff::{civil::Date, tz::TimeZone};

use crate::{enrollment::ENROLLMENT, scopes::SCOPES};

/// How far a reader sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sight {
    /// All there are, deleted ones too.
    All,
    /// Those within, as far as they count.
    Within(Within),
}

/// What the statements of a narrowed read are told. Somebody without an account, or whose account is tied to no person, has
/// nothing of their own and sees nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Within {
    /// Who reads. The person is found by the statement itself.
    pub(crate) account: Option<AccountId>,
    /// The day on which places must count.
    pub(crate) on: Date,
    /// The scopes they may read within.
    pub(crate) scopes: Vec<&'static str>,
    /// The scopes within which they may read places in classes, or [`ALL`], for filters that ask for such places.
    pub(crate) places: Vec<&'static str>,
}

/// Today, where the tenant is. A zone that this machine does not know counts as universal time.
pub(crate) fn today(cx: &OpContext) -> Date {
    let zone = TimeZone::get(&cx.tenant().time_zone).unwrap_or(TimeZone::UTC);
    cx.clock().now().to_zoned(zone).date()
}

/// Among scopes of places: no narrowing.
pub(crate) const ALL: &str = "all";

fn scopes(reach: &Reach) -> Vec<&'static str> {
    if reach.is_all() {
        return vec![ALL];
    }
    SCOPES.iter().map(|scope| scope.name).filter(|name| reach.has(name)).collect()
}

impl Sight {
    /// The first statement of a read whose statements can be narrowed.
    pub(crate) fn of(cx: &OpContext, on: &Resource) -> Result<Self> {
        let reach = cx.authorize_within(Action::Read, on)?;
        if reach.is_all() {
            return Ok(Self::All);
        }
        Ok(Self::Within(Within { account: cx.account(), on: today(cx), scopes: scopes(&reach), places: Vec::new() }))
    }

    /// The first statement of an act that may be narrowed to some scopes. A permission within any other reaches nothing.
    pub(crate) fn to(cx: &OpContext, action: Action, on: &Resource, within: &[&'static str]) -> Result<Self> {
        let reach = cx.authorize_within(action, on)?;
        if reach.is_all() {
            return Ok(Self::All);
        }
        let scopes = within.iter().copied().filter(|name| reach.has(name)).collect();
        Ok(Self::Within(Within { account: cx.account(), on: today(cx), scopes, places: Vec::new() }))
    }

    /// The same for a list that a filter ties to places in classes: it shows nothing that the reader's sight of places would
    /// not. Whoever sees all of a resource, but places only within scopes, sees by such a filter what is within these.
    pub(crate) fn through_places(self, cx: &OpContext) -> Result<Self> {
        let reach = cx.authorize_within(Action::Read, &ENROLLMENT)?;
        let places = scopes(&reach);
        match self {
            Self::All if reach.is_all() => Ok(Self::All),
            Self::All => {
                let Self::Within(within) = Self::of(cx, &ENROLLMENT)? else { return Ok(Self::All) };
                Ok(Self::Within(Within { places, ..within }))
            }
            Self::Within(within) => Ok(Self::Within(Within { places, ..within })),
        }
    }
}

/// The first statement of a change of one record that may be narrowed to some scopes. `read` reads that record, and runs only for
/// whoever may not change any: what they may not see does not exist, and what they may see is refused.
pub(crate) async fn sight_for_change<T>(
    cx: &OpContext,
    action: Action,
    on: &Resource,
    within: &[&'static str],
    read: impl Future<Output = Result<T>> + Send,
) -> Result<Sight> {
    match Sight::to(cx, action, on, within) {
        Ok(sight) => Ok(sight),
        Err(refusal) => {
            read.await?;
            Err(refusal)
        }
    }
}

/// The first statement of a change of one record. `read` reads that record, and runs only for whoever may not change it: what
/// they may not see does not exist, and what they may see is refused.
pub(crate) async fn authorize_change<T>(
    cx: &OpContext,
    action: Action,
    on: &Resource,
    read: impl Future<Output = Result<T>> + Send,
) -> Result<()> {
    match cx.authorize(action, on) {
        Ok(()) => Ok(()),
        Err(refusal) => {
            read.await?;
            Err(refusal)
        }
    }
}
