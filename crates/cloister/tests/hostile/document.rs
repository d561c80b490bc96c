//! The API document as an attacker reads it: every operation, every place that takes a text.

use serde_json::{Map, Value, json};

/// One operation.
#[derive(Clone)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    /// With names in braces.
    pub(crate) path: String,
    /// Names of what is in the path, the query and the headers.
    pub(crate) in_path: Vec<String>,
    pub(crate) in_query: Vec<String>,
    pub(crate) in_header: Vec<String>,
    /// A body that would be accepted, as far as the document shows one.
    pub(crate) body: Option<Value>,
}

impl Operation {
    /// Its address, with every name in the path filled by the same text.
    pub(crate) fn path_with(&self, text: &str) -> String {
        self.in_path.iter().fold(self.path.clone(), |path, name| path.replace(&format!("{{{name}}}"), text))
    }

    /// Its address with ids of the right form that nothing has.
    pub(crate) fn path_of_nothing(&self, document: &Value) -> String {
        let examples = &document["components"]["schemas"];
        let parameters = &document["paths"][&self.path][&self.method]["parameters"];
        self.in_path.iter().fold(self.path.clone(), |path, name| {
            let parameter = parameters.as_array().into_iter().flatten().find(|one| one["name"] == **name);
            let schema = parameter.map(|one| one["schema"].clone()).unwrap_or_default();
            let kind = schema["$ref"].as_str().and_then(|text| text.rsplit('/').next()).unwrap_or_default();
            let id = examples[kind]["examples"][0].as_str().unwrap_or("nothing").to_owned();
            path.replace(&format!("{{{name}}}"), &id)
        })
    }

    pub(crate) fn is_for_operators(&self) -> bool {
        self.path.starts_with("/api/v1/platform/")
    }
}

/// The document that is checked in, which a test holds to be the program's own.
pub(crate) fn read() -> Value {
    serde_json::from_str(include_str!("../../../../openapi/cloister.json")).unwrap()
}

/// All operations.
pub(crate) fn operations(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters: Vec<&Value> =
                operation["parameters"].as_array().into_iter().flatten().map(|one| resolve(document, one)).collect();
            let within = |place: &str| -> Vec<String> {
                let here = parameters.iter().filter(|one| one["in"] == place);
                here.map(|one| one["name"].as_str().unwrap().to_owned()).collect()
            };
            let content = &operation["requestBody"]["content"]["application/json"];
            let body = (!content.is_null()).then(|| {
                let shown = &content["example"];
                if shown.is_null() { made_up(document, &content["schema"], 0) } else { shown.clone() }
            });
            all.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.clone(),
                path: path.clone(),
                in_path: within("path"),
                in_query: within("query"),
                in_header: within("header"),
                body,
            });
        }
    }
    assert!(all.len() > 100, "{} operations alone", all.len());
    all
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    value["$ref"].as_str().map_or(value, |name| document.pointer(name.trim_start_matches('#')).unwrap())
}

/// A value of a schema's form.
fn made_up(document: &Value, schema: &Value, depth: usize) -> Value {
    let schema = resolve(document, schema);
    for shown in [&schema["example"], &schema["examples"][0], &schema["enum"][0], &schema["default"]] {
        if !shown.is_null() {
            return shown.clone();
        }
    }
    let first = ["oneOf", "anyOf", "allOf"].iter().find_map(|word| {
        let options = schema[*word].as_array()?;
        options.iter().find(|option| option["type"] != "null").or(options.first())
    });
    if let Some(option) = first {
        return made_up(document, option, depth);
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str),
        kind => kind.as_str(),
    };
    match kind {
        Some("object") | None if depth < 6 => {
            let fields = schema["properties"].as_object().cloned().unwrap_or_default();
            let made = fields.iter().map(|(name, field)| (name.clone(), made_up(document, field, depth + 1)));
            Value::Object(made.collect::<Map<_, _>>())
        }
        Some("array") => json!([made_up(document, &schema["items"], depth + 1)]),
        Some("integer" | "number") => schema["minimum"].as_i64().map_or(json!(1), |least| json!(least)),
        Some("boolean") => json!(false),
        Some("string") => match schema["format"].as_str() {
            Some("date") => json!("2026-01-05"),
            Some("date-time") => json!("2026-01-05T09:00:00Z"),
            Some("email") => json!("somebody@nowhere.example"),
            _ => json!("something"),
        },
        _ => Value::Null,
    }
}

/// The same body once for each text in it, that text replaced; and, where an object takes any name, with such a name.
pub(crate) fn with_text(body: &Value, text: &str) -> Vec<Value> {
    let mut places = Vec::new();
    collect(body, String::new(), &mut places);
    let replaced = places.iter().map(|place| {
        let mut changed = body.clone();
        *changed.pointer_mut(place).unwrap() = json!(text);
        changed
    });
    replaced.collect()
}

/// Where texts are, or might be.
fn collect(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::String(_) | Value::Null => places.push(at),
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                collect(item, format!("{at}/{number}"), places);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                collect(field, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), places);
            }
        }
        _ => {}
    }
}
