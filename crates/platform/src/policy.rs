//! What is asked of passwords and sessions: the platform's rules, a tenant's own, and the stricter of two.

use cloister_tenancy::{Error, Result};
use garde::Validate;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use utoipa::ToSchema;
use zxcvbn::{feedback::Warning, matching::patterns::MatchPattern, zxcvbn};

use crate::password::MAX_BYTES;

/// Characters of a password that its strength is judged by: the time it takes grows with the square.
const JUDGED: usize = 100;
/// Texts about the person that are looked for in a password, and characters of each.
const INPUTS: (usize, usize) = (20, 100);
/// The shortest word about the person that counts.
const WORD: usize = 3;
/// Characters that must be left when all words about the person are taken out.
const REST: usize = 8;

/// The rules that hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
pub struct PasswordPolicy {
    /// Characters of a password, at least.
    #[garde(range(min = 8, max = 128))]
    #[schema(minimum = 8, maximum = 128, example = 10)]
    pub min_length: u16,
    /// Strength of a password, at least: 0 to 4, as zxcvbn counts. 3 stands up to a hundred million guesses.
    #[garde(range(max = 4))]
    #[schema(maximum = 4, example = 3)]
    pub min_strength: u8,
    /// Days after which a password must be changed; without it, never.
    #[garde(inner(range(min = 1, max = 3650)))]
    #[schema(minimum = 1, maximum = 3650)]
    pub max_age_days: Option<u16>,
    /// Failures after which an account is locked for whoever fails.
    #[garde(range(min = 3, max = 100))]
    #[schema(minimum = 3, maximum = 100, example = 10)]
    pub attempts: u16,
    /// Minutes that the first lock lasts.
    #[garde(range(min = 1, max = 1440))]
    #[schema(minimum = 1, maximum = 1440, example = 15)]
    pub lock_minutes: u16,
    /// Hours that a session lasts at most.
    #[garde(range(min = 1, max = 8760))]
    #[schema(minimum = 1, maximum = 8760, example = 720)]
    pub session_hours: u16,
    /// Minutes without use after which a session ends.
    #[garde(range(min = 5, max = 129_600))]
    #[schema(minimum = 5, maximum = 129_600, example = 10080)]
    pub idle_minutes: u32,
    /// Roles that must give a second factor.
    #[garde(length(max = 20), inner(length(chars, min = 1, max = 63)))]
    #[schema(max_items = 20)]
    pub mfa_roles: Vec<String>,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            min_length: 10,
            min_strength: 3,
            max_age_days: None,
            attempts: 10,
            lock_minutes: 15,
            session_hours: 24 * 30,
            idle_minutes: 60 * 24 * 7,
            mfa_roles: Vec::new(),
        }
    }
}

impl PasswordPolicy {
    /// The stricter of each rule: what somebody obeys who belongs to both.
    #[must_use]
    pub fn strictest(a: &Self, b: &Self) -> Self {
        let mut mfa_roles: Vec<String> = a.mfa_roles.iter().chain(&b.mfa_roles).cloned().collect();
        mfa_roles.sort_unstable();
        mfa_roles.dedup();
        Self {
            min_length: a.min_length.max(b.min_length),
            min_strength: a.min_strength.max(b.min_strength),
            max_age_days: a.max_age_days.into_iter().chain(b.max_age_days).min(),
            attempts: a.attempts.min(b.attempts),
            lock_minutes: a.lock_minutes.max(b.lock_minutes),
            session_hours: a.session_hours.min(b.session_hours),
            idle_minutes: a.idle_minutes.min(b.idle_minutes),
            mfa_roles,
        }
    }

    /// Whether one of these roles must give a second factor.
    pub fn asks_second_factor(&self, roles: &[impl AsRef<str>]) -> bool {
        roles.iter().any(|role| self.mfa_roles.iter().any(|listed| listed == role.as_ref()))
    }
}

/// A tenant's own rules; what it leaves out is as the platform has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(default)]
pub struct PolicyOverrides {
    /// Characters of a password, at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(range(min = 8, max = 128)))]
    #[schema(minimum = 8, maximum = 128)]
    pub min_length: Option<u16>,
    /// Strength of a password, at least: 0 to 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(range(max = 4)))]
    #[schema(maximum = 4)]
    pub min_strength: Option<u8>,
    /// Days after which a password must be changed; 0 for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(range(max = 3650)))]
    #[schema(maximum = 3650)]
    pub max_age_days: Option<u16>,
    /// Failures after which an account is locked for whoever fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(range(min = 3, max = 100)))]
    #[schema(minimum = 3, maximum = 100)]
    pub attempts: Option<u16>,
    /// Minutes that the first lock lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(range(min = 1, max = 1440)))]
    #[schema(minimum = 1, maximum = 1440)]
    pub lock_minutes: Option<u16>,
    /// Hours that a session lasts at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(range(min = 1, max = 8760)))]
    #[schema(minimum = 1, maximum = 8760)]
    pub session_hours: Option<u16>,
    /// Minutes without use after which a session ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(range(min = 5, max = 129_600)))]
    #[schema(minimum = 5, maximum = 129_600)]
    pub idle_minutes: Option<u32>,
    /// Roles that must give a second factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(length(max = 20), inner(length(chars, min = 1, max = 63))))]
    #[schema(max_items = 20)]
    pub mfa_roles: Option<Vec<String>>,
}

impl PolicyOverrides {
    /// As `tenant_access.policy` keeps them.
    pub fn from_json(value: serde_json::Value) -> Result<Self> {
        serde_json::from_value(value).map_err(Error::internal)
    }

    /// These rules over those.
    #[must_use]
    pub fn over(&self, base: &PasswordPolicy) -> PasswordPolicy {
        PasswordPolicy {
            min_length: self.min_length.unwrap_or(base.min_length),
            min_strength: self.min_strength.unwrap_or(base.min_strength),
            max_age_days: self.max_age_days.map_or(base.max_age_days, |days| (days > 0).then_some(days)),
            attempts: self.attempts.unwrap_or(base.attempts),
            lock_minutes: self.lock_minutes.unwrap_or(base.lock_minutes),
            session_hours: self.session_hours.unwrap_or(base.session_hours),
            idle_minutes: self.idle_minutes.unwrap_or(base.idle_minutes),
            mfa_roles: self.mfa_roles.clone().unwrap_or_else(|| base.mfa_roles.clone()),
        }
    }
}

/// Whether a new password is good enough, and its strength from 0 to 4. `field` is what the API calls it; `about` is what others
/// know of the person: address, name, name of the tenant. It may take some time: call it where that holds nobody up.
pub fn check_password(field: &str, policy: &PasswordPolicy, password: &str, about: &[&str]) -> Result<u8> {
    let refuse = |code, message: String| Err(Error::field(field, code, message));
    if password.len() > MAX_BYTES {
        return refuse("password_too_long", format!("A password has at most {MAX_BYTES} bytes."));
    }
    let password: String = password.nfc().collect();
    if password.chars().count() < usize::from(policy.min_length) {
        return refuse("password_too_short", format!("A password has at least {} characters.", policy.min_length));
    }
    let words = words(about);
    if is_personal(&password, &words) {
        return refuse(
            "password_breached",
            "This is little more than a name or an address that others know. Choose something that has nothing to do with you."
                .to_owned(),
        );
    }
    let judged: String = password.chars().take(JUDGED).collect();
    let verdict = zxcvbn(&judged, &words.iter().map(String::as_str).collect::<Vec<_>>());
    // One match that is the whole password: the lists are of passwords and words found most often where passwords leaked.
    if let [whole] = verdict.sequence()
        && matches!(whole.pattern, MatchPattern::Dictionary(_))
    {
        return refuse(
            "password_breached",
            "This is among the passwords that are tried first. Choose another one.".to_owned(),
        );
    }
    if u8::from(verdict.score()) < policy.min_strength {
        let why = verdict.feedback().and_then(zxcvbn::feedback::Feedback::warning).map_or("", explain);
        return refuse(
            "password_too_weak",
            format!(
                "This is too easy to guess. {why}Several words that do not belong together are hard to guess and easy to remember.",
            ),
        );
    }
    Ok(verdict.score().into())
}

/// What makes a password easy, in a sentence and a space.
fn explain(warning: Warning) -> &'static str {
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess | Warning::ShortKeyboardPatternsAreEasyToGuess => {
            "Keys that lie side by side are tried early. "
        }
        Warning::RepeatsLikeAaaAreEasyToGuess | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => {
            "Repeating a part adds next to nothing. "
        }
        Warning::ThisIsATop10Password | Warning::ThisIsATop100Password | Warning::ThisIsACommonPassword => {
            "Most of it is a password that many people use. "
        }
        Warning::ThisIsSimilarToACommonlyUsedPassword => "It is close to a password that many people use. ",
        Warning::SequencesLikeAbcAreEasyToGuess => "Runs such as abc or 6543 are tried early. ",
        Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess => "Years and dates are tried early. ",
        Warning::AWordByItselfIsEasyToGuess => "One word, even with a few signs, is not enough. ",
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess | Warning::CommonNamesAndSurnamesAreEasyToGuess => {
            "Names are tried early. "
        }
    }
}

/// What others know of the person, in words of lower case, the longest first; and the name of the product.
fn words(about: &[&str]) -> Vec<String> {
    let (most, longest) = INPUTS;
    let mut words = vec!["cloister".to_owned()];
    for text in about.iter().take(most) {
        let text: String = text.nfc().take(longest).flat_map(char::to_lowercase).collect();
        words.extend(text.split(|c: char| !c.is_alphanumeric()).map(str::to_owned));
        words.extend(text.split_once('@').map(|(name, _)| name.to_owned()));
        words.push(text);
    }
    words.retain(|word| word.chars().count() >= WORD);
    words.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    words.dedup();
    words
}

/// Whether little is left of it without the words about the person.
fn is_personal(password: &str, words: &[String]) -> bool {
    let lower = password.to_lowercase();
    let rest = words.iter().fold(lower.clone(), |rest, word| rest.replace(word.as_str(), ""));
    rest != lower && rest.chars().count() < REST
}

#[cfg(test)]
mod tests;
