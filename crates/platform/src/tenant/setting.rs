//! What a tenant may choose: one table of settings, each with its default and its bounds.

use std::collections::BTreeMap;

use cloister_tenancy::{Error, FieldError, Result};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::policy::PasswordPolicy;

/// Where a choice is kept.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// Among the rules of passwords and sessions, under this name.
    Policy(&'static str),
    /// Among the other settings, under its own key, with this default.
    General(&'static str),
}

/// What may be chosen.
#[derive(Debug, Clone, Copy)]
enum Choice {
    /// A whole number.
    Whole { least: u64, most: u64 },
    /// One of some words.
    Word(&'static [&'static str]),
    /// Names of roles, which the tenant must have.
    Roles,
}

/// Something to choose.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) key: &'static str,
    place: Place,
    choice: Choice,
}

const fn policy(key: &'static str, field: &'static str, least: u64, most: u64) -> Setting {
    Setting { key, place: Place::Policy(field), choice: Choice::Whole { least, most } }
}

const fn words(key: &'static str, usual: &'static str, all: &'static [&'static str]) -> Setting {
    Setting { key, place: Place::General(usual), choice: Choice::Word(all) }
}

/// Every one. No tenant may ask for less than eight characters of strength 2.
pub(super) const SETTINGS: &[Setting] = &[
    policy("password_min_length", "min_length", 8, 128),
    policy("password_min_strength", "min_strength", 2, 4),
    // 0 for never.
    policy("password_max_age_days", "max_age_days", 0, 3650),
    policy("sign_in_attempts", "attempts", 3, 100),
    policy("sign_in_lock_minutes", "lock_minutes", 1, 1440),
    policy("session_hours", "session_hours", 1, 8760),
    policy("session_idle_minutes", "idle_minutes", 5, 129_600),
    Setting { key: "second_factor_roles", place: Place::Policy("mfa_roles"), choice: Choice::Roles },
    words("week_starts_on", "monday", &["monday", "saturday", "sunday"]),
    words("date_format", "yyyy-mm-dd", &["yyyy-mm-dd", "dd.mm.yyyy", "dd/mm/yyyy", "mm/dd/yyyy"]),
    words("time_format", "24h", &["24h", "12h"]),
];

/// A setting, side by side with its default.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct SettingView {
    /// What holds where nothing is chosen.
    #[schema(example = 10)]
    pub(super) default: Value,
    /// What holds here.
    #[schema(example = 12)]
    pub(super) value: Value,
    /// It was chosen here.
    pub(super) overridden: bool,
}

/// What a tenant has chosen, as it is kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Choices {
    /// Rules of passwords and sessions.
    pub(super) policy: Map<String, Value>,
    /// Everything else, with what other parts keep here.
    pub(super) general: Map<String, Value>,
}

impl Setting {
    fn default(&self) -> Value {
        match self.place {
            Place::Policy(field) => {
                let usual = serde_json::to_value(PasswordPolicy::default()).unwrap_or_default();
                match &usual[field] {
                    Value::Null => json!(0),
                    value => value.clone(),
                }
            }
            Place::General(usual) => json!(usual),
        }
    }

    fn kept<'a>(&self, choices: &'a Choices) -> Option<&'a Value> {
        match self.place {
            Place::Policy(field) => choices.policy.get(field),
            Place::General(_) => choices.general.get(self.key),
        }
    }

    fn keep(&self, choices: &mut Choices, value: Option<Value>) {
        let (map, name) = match self.place {
            Place::Policy(field) => (&mut choices.policy, field),
            Place::General(_) => (&mut choices.general, self.key),
        };
        match value {
            Some(value) => drop(map.insert(name.to_owned(), value)),
            None => drop(map.remove(name)),
        }
    }

    /// Refuses what may not be chosen, with what would be right.
    fn check(&self, value: &Value, is_role: &dyn Fn(&str) -> bool) -> Result<(), String> {
        match self.choice {
            Choice::Whole { least, most } => match value.as_u64() {
                Some(number) if (least..=most).contains(&number) => Ok(()),
                _ => Err(format!("Give a whole number from {least} to {most}, or null for the default.")),
            },
            Choice::Word(all) => match value.as_str() {
                Some(word) if all.contains(&word) => Ok(()),
                _ => Err(format!("Give one of {}, or null for the default.", all.join(", "))),
            },
            Choice::Roles => match value.as_array() {
                Some(names) if names.len() <= 20 && names.iter().all(|name| name.as_str().is_some_and(is_role)) => {
                    Ok(())
                }
                _ => Err("Give names of at most 20 roles that there are here, or null for the default.".to_owned()),
            },
        }
    }
}

impl Choices {
    /// Every setting.
    pub(super) fn view(&self) -> BTreeMap<&'static str, SettingView> {
        let view = |setting: &'static Setting| {
            let (default, kept) = (setting.default(), setting.kept(self));
            let value = kept.cloned().unwrap_or_else(|| default.clone());
            (setting.key, SettingView { default, value, overridden: kept.is_some() })
        };
        SETTINGS.iter().map(view).collect()
    }

    /// What was chosen, by key: what an audit log compares.
    pub(super) fn chosen(&self) -> BTreeMap<&'static str, Option<&Value>> {
        SETTINGS.iter().map(|setting| (setting.key, setting.kept(self))).collect()
    }

    /// What they become. Null gives the default back. Every mistake is named at once.
    pub(super) fn changed(&self, changes: &Map<String, Value>, is_role: &dyn Fn(&str) -> bool) -> Result<Self> {
        let (mut after, mut wrong) = (self.clone(), Vec::new());
        for (key, value) in changes {
            let mut refuse = |code: &'static str, message: String| {
                let field = key.chars().take(100).collect();
                wrong.push(FieldError { field, code: code.into(), message });
            };
            match SETTINGS.iter().find(|setting| setting.key == key) {
                None => refuse("unknown_field", "There is no such setting.".to_owned()),
                Some(setting) if value.is_null() => setting.keep(&mut after, None),
                Some(setting) => match setting.check(value, is_role) {
                    Ok(()) => setting.keep(&mut after, Some(value.clone())),
                    Err(message) => refuse("invalid_value", message),
                },
            }
            if wrong.len() >= 50 {
                break;
            }
        }
        if wrong.is_empty() { Ok(after) } else { Err(Error::invalid(wrong)) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Choices, SETTINGS};
    use crate::policy::PolicyOverrides;

    fn map(value: &Value) -> serde_json::Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn what_is_chosen_becomes_the_rules_that_hold() {
        let every = json!({
            "password_min_length": 12, "password_min_strength": 4, "password_max_age_days": 90, "sign_in_attempts": 5,
            "sign_in_lock_minutes": 30, "session_hours": 24, "session_idle_minutes": 60,
            "second_factor_roles": ["admin"], "week_starts_on": "sunday", "date_format": "dd.mm.yyyy",
            "time_format": "12h",
        });
        let every = map(&every);
        assert_eq!(every.len(), SETTINGS.len(), "a new setting belongs into this test");
        let chosen = Choices::default().changed(&every, &|name| name == "admin").unwrap();
        let rules = PolicyOverrides::from_json(Value::Object(chosen.policy.clone())).unwrap();
        let kept = map(&serde_json::to_value(&rules).unwrap());
        assert_eq!(kept, chosen.policy, "every rule is understood by whoever applies it");
        assert!(chosen.view().values().all(|setting| setting.overridden && setting.value != setting.default));
        let none: serde_json::Map<_, _> = every.keys().map(|key| (key.clone(), Value::Null)).collect();
        assert_eq!(chosen.changed(&none, &|_| false).unwrap(), Choices::default());
    }
}
