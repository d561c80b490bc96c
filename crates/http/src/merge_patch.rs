//! JSON merge patch (RFC 7396): what is given replaces, what is null is removed, what is absent stays.

use std::{borrow::Cow, marker::PhantomData, sync::Arc};

use axum::extract::{FromRef, FromRequest, Request};
use cloister_tenancy::{Error, Result};
use garde::Validate;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{EdgeSettings, Problem, body, field, json};

/// Changes to a `T`. The result of applying them must be a `T` again, within its rules: so a required field cannot be
/// removed, and no field invented.
#[derive(Debug, Clone)]
pub struct MergePatch<T> {
    changes: Map<String, Value>,
    of: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned + Validate<Context = ()>> MergePatch<T> {
    /// What was sent.
    pub fn changes(&self) -> Value {
        Value::Object(self.changes.clone())
    }

    /// What `current` becomes.
    pub fn apply(&self, current: &T) -> Result<T> {
        let before = serde_json::to_value(current).map_err(Error::internal)?;
        let mut merged = before.clone();
        merge(&mut merged, &self.changes);
        // What is removed and was not there may be a mistyped name, which would go unnoticed.
        let removed =
            self.changes.iter().filter(|(key, change)| change.is_null() && before.get(key.as_str()).is_none());
        for (key, _) in removed {
            let mut with = merged.clone();
            with[key] = Value::Null;
            if let Err(error) = field::from_value::<T>(with)
                && error.fields().iter().any(|fault| fault.field == *key && fault.code == "unknown_field")
            {
                return Err(error);
            }
        }
        let changed = field::from_value(merged)?;
        field::validate(&changed)?;
        Ok(changed)
    }
}

fn merge(target: &mut Value, changes: &Map<String, Value>) {
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (key, change) in changes {
        match change {
            Value::Null => drop(target.shift_remove(key)),
            Value::Object(inner) => merge(target.entry(key).or_insert(Value::Null), inner),
            other => drop(target.insert(key.clone(), other.clone())),
        }
    }
}

impl<S, T> FromRequest<S> for MergePatch<T>
where
    S: Send + Sync,
    Arc<EdgeSettings>: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let settings = Arc::<EdgeSettings>::from_ref(state);
        let bytes = body::read_json(request, &settings.limits).await?;
        Ok(Self { changes: json::parse(&bytes)?, of: PhantomData })
    }
}

/// The document's form of it follows from that of `T`: the same fields, none of them required.
impl<T: ToSchema> PartialSchema for MergePatch<T> {
    fn schema() -> RefOr<Schema> {
        let mut schema = T::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.required.clear();
            object.description =
                Some(format!("A JSON merge patch of {}: absent fields stay, null removes.", T::name()));
        }
        schema
    }
}

impl<T: ToSchema> ToSchema for MergePatch<T> {
    fn name() -> Cow<'static, str> {
        // `ThingFields` is what people say about a thing; a change to it is a `ThingPatch`.
        let name = T::name();
        format!("{}Patch", name.strip_suffix("Fields").unwrap_or(&name)).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use std::marker::PhantomData;

    use garde::Validate;
    use serde::{Deserialize, Serialize};
    use serde_json::{Value, json};

    use super::MergePatch;

    #[derive(Debug, PartialEq, Serialize, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Thing {
        #[garde(length(chars, min = 1))]
        name: String,
        #[garde(skip)]
        note: Option<String>,
        #[garde(skip)]
        more: Value,
    }

    fn patch(changes: Value) -> Result<Thing, (String, String)> {
        let current =
            Thing { name: "a".to_owned(), note: Some("n".to_owned()), more: json!({"x": 1, "y": {"z": [1, 2]}}) };
        let Value::Object(changes) = changes else { panic!("a patch is an object") };
        MergePatch { changes, of: PhantomData }
            .apply(&current)
            .map_err(|error| (error.fields()[0].field.clone(), error.fields()[0].code.to_string()))
    }

    #[test]
    fn absent_stays_null_removes_and_objects_merge() {
        let changed = patch(json!({"note": null, "more": {"x": null, "y": {"z": [3]}, "w": true}})).unwrap();
        let wanted = Thing { name: "a".to_owned(), note: None, more: json!({"y": {"z": [3]}, "w": true}) };
        assert_eq!(changed, wanted);
    }

    #[test]
    fn the_result_must_be_whole_and_within_the_rules() {
        let refused = |changes, field: &str, code: &str| {
            assert_eq!(patch(changes), Err((field.to_owned(), code.to_owned())));
        };
        refused(json!({"name": null}), "name", "missing");
        refused(json!({"name": ""}), "name", "too_short");
        refused(json!({"id": 1}), "id", "unknown_field");
        refused(json!({"id": null}), "id", "unknown_field");
        refused(json!({"name": {"first": "a"}}), "name", "wrong_type");
    }
}
