//! What a tenant may do how often, and how much of a node it may have: by its plan, and where it has limits of its own, by
//! those.

use std::{collections::BTreeMap, fmt, time::Duration};

use cloister_postgres::{Gate, GateSettings, Holder, Permit, Share};

use crate::{Class, Error, OpContext, Rate, RateError, Tenancy, TenantEntry};

/// Of the connections, for whoever says nothing else.
const CONNECTIONS: Share = Share::percent(75);
/// For one statement of a request or a job.
const STATEMENT: Duration = Duration::from_secs(15);
/// For one statement of work on many rows at once.
const LARGE_STATEMENT: Duration = Duration::from_mins(15);

/// Names of limits besides those of the classes.
const SHARE: &str = "connections";
const TIME: &str = "statement_timeout";
const LARGE_TIME: &str = "import_timeout";

/// Limits as they are written down: a name and a text, such as `read` and `50/1s`, or `connections` and `25%`.
pub type LimitTexts = BTreeMap<String, String>;

/// The limits of a plan, of a tenant, or of both together. What is not there is the installation's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TenantLimits {
    rates: [Option<Rate>; Class::ALL.len()],
    connections: Option<Share>,
    statement: Option<Duration>,
    large_statement: Option<Duration>,
}

/// A limit that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitError {
    /// A stable word for it.
    pub code: &'static str,
    /// What would be right.
    pub message: String,
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for LimitError {}

impl TenantLimits {
    /// Reads limits, and refuses the first that cannot be.
    pub fn read(texts: &LimitTexts) -> Result<Self, LimitError> {
        let mut limits = Self::default();
        for (name, text) in texts {
            limits.set(name, text)?;
        }
        Ok(limits)
    }

    /// Reads what is known of them: a newer program may have written more.
    pub(crate) fn known(value: &serde_json::Value) -> Self {
        let mut limits = Self::default();
        for (name, text) in value.as_object().into_iter().flatten() {
            if let Some(text) = text.as_str() {
                let _ = limits.set(name, text);
            }
        }
        limits
    }

    fn set(&mut self, name: &str, text: &str) -> Result<(), LimitError> {
        if let Some(class) = Class::ALL.into_iter().find(|class| class.word() == name) {
            let rate = text.parse().map_err(|error: RateError| refused("rate_invalid", name, &error))?;
            self.rates[class as usize] = Some(rate);
            return Ok(());
        }
        match name {
            SHARE => self.connections = Some(share(text).ok_or_else(|| refused("share_invalid", name, SHARE_FORM))?),
            TIME => self.statement = Some(time(text).ok_or_else(|| refused("time_invalid", name, TIME_FORM))?),
            LARGE_TIME => {
                self.large_statement = Some(time(text).ok_or_else(|| refused("time_invalid", name, TIME_FORM))?);
            }
            _ => {
                let known: Vec<_> = Class::ALL.map(Class::word).into_iter().chain([SHARE, TIME, LARGE_TIME]).collect();
                let message = format!("`{}` is none of {}.", shown(name), known.join(", "));
                return Err(LimitError { code: "unknown_limit", message });
            }
        }
        Ok(())
    }

    /// These, and where there are none, those of `plan`.
    #[must_use]
    pub(crate) fn or(&self, plan: &Self) -> Self {
        Self {
            rates: std::array::from_fn(|at| self.rates[at].or(plan.rates[at])),
            connections: self.connections.or(plan.connections),
            statement: self.statement.or(plan.statement),
            large_statement: self.large_statement.or(plan.large_statement),
        }
    }

    /// How often something of this class may be done; none where the installation's holds.
    pub fn rate(&self, class: Class) -> Option<Rate> {
        self.rates[class as usize]
    }

    /// How much of something scarce of a node it may have while nobody else wants it.
    pub fn share(&self) -> Share {
        self.connections.unwrap_or(CONNECTIONS)
    }

    /// Milliseconds that one statement may take.
    pub(crate) fn statement_milliseconds(&self) -> i32 {
        milliseconds(self.statement.unwrap_or(STATEMENT))
    }

    /// The same for work on many rows at once.
    pub(crate) fn large_statement_milliseconds(&self) -> i32 {
        milliseconds(self.large_statement.unwrap_or(LARGE_STATEMENT))
    }
}

/// Of the places for long work, for one tenant.
const LONG_WORK: Share = Share::percent(50);

/// The gate before work that keeps processors busy for long, such as reading the files of an import.
pub(crate) fn long_work() -> Gate {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // Two at least for one tenant: the second finds out that another is at it, and says so.
    Gate::new(GateSettings { places: (2 * cores).max(4), kept: 0, queue: 8, wait: Duration::from_secs(30) })
}

impl Tenancy {
    /// A place for something that keeps a processor busy for long, until it is dropped. There are few on a node, and one tenant
    /// has at most half of them. Ask for it before a connection: whoever waits here must hold none.
    pub async fn begin_long_work(&self, cx: &OpContext) -> Result<Permit, Error> {
        let holder = Holder::new(cx.tenant_id().uuid().as_u128(), LONG_WORK);
        self.0.long_work.enter(holder).await.map_err(Error::busy)
    }
}

impl TenantEntry {
    /// Whose share something scarce is counted as.
    pub fn holder(&self) -> Holder {
        Holder::new(self.id.uuid().as_u128(), self.limits.share())
    }
}

fn milliseconds(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}

fn refused(code: &'static str, name: &str, right: impl fmt::Display) -> LimitError {
    LimitError { code, message: format!("{name}: {right}.") }
}

fn shown(name: &str) -> String {
    name.chars().take(40).collect()
}

const SHARE_FORM: &str = "give a share of a node's connections from 1% to 90%, such as 25%";

fn share(text: &str) -> Option<Share> {
    let percent = number(text.strip_suffix('%')?)?;
    let percent = u8::try_from(percent).ok().filter(|percent| (1..=90).contains(percent))?;
    Some(Share::percent(percent))
}

const TIME_FORM: &str = "give a time from 100ms to 60m, such as 500ms, 10s or 5m";

fn time(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = text.split_at_checked(digits)?;
    let unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return None,
    };
    let milliseconds = number(count)?.checked_mul(unit)?;
    (100..=3_600_000).contains(&milliseconds).then(|| Duration::from_millis(milliseconds.into()))
}

fn number(text: &str) -> Option<u32> {
    let digits = (1..=7).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

#[cfg(test)]
mod tests {
    use super::{LimitTexts, TenantLimits};
    use crate::{Class, Rate};

    fn texts(pairs: &[(&str, &str)]) -> LimitTexts {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn a_tenants_own_limits_go_before_its_plans() {
        let read = |pairs| TenantLimits::read(&texts(pairs)).unwrap();
        let plan = read(&[("read", "50/1s"), ("write", "5/1s"), ("connections", "25%"), ("statement_timeout", "2s")]);
        let own = read(&[("read", "unlimited"), ("statement_timeout", "500ms"), ("import_timeout", "20m")]);
        let both = own.or(&plan);
        assert_eq!(both.rate(Class::Read), Some(Rate::UNLIMITED));
        assert_eq!(both.rate(Class::Write), Some(Rate::new(5, 1)));
        assert_eq!(both.rate(Class::Heavy), None);
        assert_eq!(both.share().as_percent(), 25);
        assert_eq!((both.statement_milliseconds(), both.large_statement_milliseconds()), (500, 1_200_000));
        let none = TenantLimits::default();
        assert_eq!((none.share().as_percent(), none.statement_milliseconds()), (75, 15_000));
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_would_be_right() {
        for (name, text, code) in [
            ("reed", "1/1s", "unknown_limit"),
            ("read", "often", "rate_invalid"),
            ("connections", "0%", "share_invalid"),
            ("connections", "91%", "share_invalid"),
            ("connections", "25", "share_invalid"),
            ("connections", "+5%", "share_invalid"),
            ("statement_timeout", "99ms", "time_invalid"),
            ("statement_timeout", "61m", "time_invalid"),
            ("statement_timeout", "1h", "time_invalid"),
            ("import_timeout", "4294967296s", "time_invalid"),
            ("import_timeout", "é", "time_invalid"),
            ("import_timeout", "", "time_invalid"),
        ] {
            let refused = TenantLimits::read(&texts(&[(name, text)])).unwrap_err();
            assert_eq!(refused.code, code, "{name} {text}");
        }
        let newer = serde_json::json!({ "read": "7/1s", "colour": "blue", "write": 3 });
        assert_eq!(TenantLimits::known(&newer).rate(Class::Read), Some(Rate::new(7, 1)));
    }
}
