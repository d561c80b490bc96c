//! What an update changed, as an audit log keeps it: before and after, field by field, and of secrets only that they changed.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{Error, Result};

/// `{"name": {"before": "A", "after": "B"}, "phone": {"withheld": true}}`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes(Map<String, Value>);

impl Changes {
    /// The fields whose values differ. Both must be written as JSON objects.
    pub fn between<T: Serialize>(before: &T, after: &T) -> Result<Self> {
        let read = |of: &T| match serde_json::to_value(of) {
            Ok(Value::Object(fields)) => Ok(fields),
            Ok(_) => Err(Error::internal("only what has fields can be compared field by field")),
            Err(error) => Err(Error::internal(error)),
        };
        let (before, after) = (read(before)?, read(after)?);
        let value = |of: &Map<String, Value>, name: &str| of.get(name).cloned().unwrap_or(Value::Null);
        let gone = before.keys().filter(|name| !after.contains_key(*name));
        let differing = after.keys().chain(gone).filter(|name| value(&before, name) != value(&after, name));
        let told = |name: &String| json!({ "before": value(&before, name), "after": value(&after, name) });
        Ok(Self(differing.map(|name| (name.clone(), told(name))).collect()))
    }

    /// The same without the values of these fields: that they changed is told, and nothing more. For secrets.
    #[must_use]
    pub fn withholding(self, fields: &[&str]) -> Self {
        self.withhold(|name| fields.contains(&name))
    }

    /// The same with the values of these fields alone: for what is mostly personal, where a new field must not show by
    /// mistake.
    #[must_use]
    pub fn showing_only(self, fields: &[&str]) -> Self {
        self.withhold(|name| !fields.contains(&name))
    }

    fn withhold(mut self, is_secret: impl Fn(&str) -> bool) -> Self {
        for (name, change) in &mut self.0 {
            if is_secret(name) {
                *change = json!({ "withheld": true });
            }
        }
        self
    }
}

impl From<Changes> for Value {
    fn from(changes: Changes) -> Self {
        Self::Object(changes.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Changes;

    #[test]
    fn fields_that_differ_are_told_with_both_values_and_secrets_without() {
        let before = json!({"name": "a", "same": [1], "password": "old", "gone": 1});
        let after = json!({"name": "b", "same": [1], "password": "new", "more": {"x": null}});
        let told = |changes: Changes| Value::from(changes);
        let changes = Changes::between(&before, &after).unwrap();
        assert_eq!(
            told(changes.clone().withholding(&["password"])),
            json!({
                "name": {"before": "a", "after": "b"},
                "password": {"withheld": true},
                "more": {"before": null, "after": {"x": null}},
                "gone": {"before": 1, "after": null},
            })
        );
        let narrow = told(changes.showing_only(&["name"]));
        assert_eq!(narrow["name"]["after"], "b");
        assert_eq!([&narrow["password"], &narrow["more"]], [&json!({"withheld": true}); 2]);
        assert!(Changes::between(&1, &2).is_err());
    }
}
