//! How often something may be done, and the kinds of things that are counted.

use std::{fmt, str::FromStr, time::Duration};

/// So many requests within a window, all at once if need be; what was used comes back evenly.
///
/// `200/1s` is two hundred at once and two hundred a second; `400/2s` is four hundred at once and as many a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    quota: u32,
    seconds: u32,
}

/// More in one window is no limit any more.
const MAX_QUOTA: u32 = 10_000_000;
/// A day: longer ones would be forgotten by every restart anyway.
const MAX_SECONDS: u32 = 86_400;

/// A text that is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no rate: write how many in how long, such as 200/1s, 30/1m or 20/1h, or the word unlimited")]
pub struct RateError(String);

impl Rate {
    /// Everything is let through, and nothing is counted.
    pub const UNLIMITED: Self = Self { quota: 0, seconds: 1 };

    /// `quota` within so many seconds; both at least one, and within bounds.
    pub const fn new(quota: u32, seconds: u32) -> Self {
        const fn within(value: u32, most: u32) -> u32 {
            if value == 0 {
                1
            } else if value > most {
                most
            } else {
                value
            }
        }
        Self { quota: within(quota, MAX_QUOTA), seconds: within(seconds, MAX_SECONDS) }
    }

    /// Whether nothing is counted.
    pub fn is_unlimited(self) -> bool {
        self.quota == 0
    }

    /// Requests in one window.
    pub fn quota(self) -> u32 {
        self.quota
    }

    /// Until a quota used up is whole again.
    pub fn window(self) -> Duration {
        Duration::from_secs(u64::from(self.seconds))
    }

    /// The same in nanoseconds.
    pub fn window_nanos(self) -> u64 {
        u64::from(self.seconds) * 1_000_000_000
    }

    /// Nanoseconds until one more request is possible.
    pub fn step_nanos(self) -> u64 {
        self.window_nanos() / u64::from(self.quota.max(1))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_unlimited() { f.write_str("unlimited") } else { write!(f, "{}/{}s", self.quota, self.seconds) }
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        if text == "unlimited" {
            return Ok(Self::UNLIMITED);
        }
        let read = || {
            let (quota, window) = text.split_once('/')?;
            let (count, unit) = window.split_at_checked(window.len().checked_sub(1)?)?;
            let unit = match unit {
                "s" => 1,
                "m" => 60,
                "h" => 3600,
                _ => return None,
            };
            let number = |text: &str, most: u32| {
                let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                text.parse::<u32>().ok().filter(|value| digits && (1..=most).contains(value))
            };
            let seconds = number(count, MAX_SECONDS)?.checked_mul(unit).filter(|seconds| *seconds <= MAX_SECONDS)?;
            Some(Self { quota: number(quota, MAX_QUOTA)?, seconds })
        };
        read().ok_or_else(|| RateError(text.chars().take(40).collect()))
    }
}

/// What kind of thing a request does, for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Reading: GET and HEAD.
    Read,
    /// Changing: every other method.
    Write,
    /// Exports, imports and whatever else keeps a node busy for long.
    Heavy,
    /// Trying to sign in.
    SignIn,
    /// Signing up.
    SignUp,
    /// Asking whether a name is free.
    NameCheck,
    /// Whatever strangers may do.
    Visitor,
    /// Showing a token or cookie that is not valid.
    Refused,
}

impl Class {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Read,
        Self::Write,
        Self::Heavy,
        Self::SignIn,
        Self::SignUp,
        Self::NameCheck,
        Self::Visitor,
        Self::Refused,
    ];

    /// The word for it, as in the headers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Heavy => "heavy",
            Self::SignIn => "sign_in",
            Self::SignUp => "sign_up",
            Self::NameCheck => "name_check",
            Self::Visitor => "visitor",
            Self::Refused => "refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Rate;

    #[test]
    fn a_rate_is_so_many_in_so_long() {
        for (text, rate) in [
            ("200/1s", Some(Rate::new(200, 1))),
            ("30/1m", Some(Rate::new(30, 60))),
            ("20/24h", Some(Rate::new(20, 86_400))),
            ("unlimited", Some(Rate::UNLIMITED)),
            ("0/1s", None),
            ("1/0s", None),
            ("1/25h", None),
            ("1/71582789m", None),
            ("+1/1s", None),
            ("1/+1s", None),
            ("10000001/1s", None),
            ("1/s", None),
            ("1/", None),
            ("1/1é", None),
            ("1", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), rate, "{text}");
        }
        assert_eq!(Rate::new(400, 2).to_string().parse(), Ok(Rate::new(400, 2)));
    }
}
