//! Fields as the schemas of the API document describe them.

use serde_json::{Map, Value};

use super::resource::{Beside, Field, Kind};

/// The lists by the name of the schema of their ids.
pub(super) fn lists(document: &Value) -> Map<String, Value> {
    let mut lists = Map::new();
    let all = &document["components"]["schemas"];
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        let Some(name) = path.strip_prefix("/api/v1/").filter(|name| !name.contains(['/', '{'])) else { continue };
        let schemas = Schemas { all, lists: Map::new() };
        let Some(id) = schemas.item(item).and_then(|item| item["properties"]["id"]["$ref"].as_str()) else { continue };
        let id = id.rsplit('/').next().unwrap_or_default();
        // The first: other lists may show the same records in another way.
        lists.entry(id).or_insert_with(|| name.into());
    }
    lists
}

pub(super) struct Schemas<'a> {
    pub(super) all: &'a Value,
    pub(super) lists: Map<String, Value>,
}

impl<'a> Schemas<'a> {
    fn named(&self, reference: &str) -> &'a Value {
        &self.all[reference.rsplit('/').next().unwrap_or_default()]
    }

    pub(super) fn object(&self, schema: &Map<String, Value>) -> Option<&'a Value> {
        Some(self.named(schema.get("$ref")?.as_str()?)).filter(|object| !object["properties"].is_null())
    }

    /// What a list has rows of.
    pub(super) fn item(&self, item: &Value) -> Option<&'a Value> {
        let page = item["get"]["responses"]["200"]["content"]["application/json"]["schema"].as_object()?;
        self.object(self.object(page)?["properties"]["items"]["items"].as_object()?)
    }

    /// What is put beside the records of a list. Of what has one field that holds others, these are not known yet.
    pub(super) fn beside(&self, document: &'a Value, list: &str) -> Vec<Beside> {
        let paths = document["paths"].as_object().into_iter().flatten();
        let found = paths.filter_map(|(path, item)| {
            let name = path.strip_prefix(list)?.strip_prefix("/{id}/").filter(|name| !name.contains(['/', '{']))?;
            item["get"].as_object()?;
            let body = item["put"]["requestBody"]["content"]["application/json"]["schema"].as_object()?;
            let mut fields = self.fields(self.object(body)?, false);
            let within = match fields.as_slice() {
                [Field { kind: Kind::Json, name, .. }] => Some(name.clone()),
                // What can be entered and not be taken away could not be taken back.
                _ if item["delete"].is_null() => return None,
                _ => None,
            };
            fields.retain(|_| within.is_none());
            Some(Beside { name: name.to_owned(), within, fields })
        });
        found.collect()
    }

    pub(super) fn fields(&self, object: &'a Value, deep: bool) -> Vec<Field> {
        let required = object["required"].as_array();
        let properties = object["properties"].as_object().into_iter().flatten();
        let fields = properties.map(|(name, schema)| {
            let (schema, nullable) = narrowed(schema);
            Field {
                name: name.clone(),
                kind: self.kind(schema, deep),
                required: required.is_some_and(|all| all.iter().any(|known| known == name)),
                nullable,
                description: schema["description"].as_str().unwrap_or_default().to_owned(),
            }
        });
        fields.collect()
    }

    fn kind(&self, schema: &'a Value, deep: bool) -> Kind {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap_or_default();
            if let Some(list) = self.lists.get(name).and_then(Value::as_str) {
                return Kind::Reference(list.to_owned());
            }
            if name == "DayTime" {
                return Kind::Time;
            }
            return self.kind(self.named(reference), deep);
        }
        let is = |wanted: &str| match &schema["type"] {
            Value::Array(kinds) => kinds.iter().any(|kind| kind == wanted),
            kind => kind == wanted,
        };
        if let Some(words) = schema["enum"].as_array() {
            return Kind::Word(words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect());
        }
        if is("string") {
            return match (schema["format"].as_str(), schema["pattern"].as_str()) {
                (Some("date"), _) => Kind::Date,
                (_, Some(pattern)) if pattern.starts_with("^(") && pattern.contains("ext:") => {
                    let words = pattern.trim_start_matches("^(").trim_end_matches(")$").split('|');
                    Kind::Word(words.filter(|word| !word.starts_with("ext:")).map(str::to_owned).collect())
                }
                _ => Kind::Text,
            };
        }
        if is("integer") {
            return Kind::Integer;
        }
        if is("number") {
            return Kind::Number;
        }
        if is("boolean") {
            return Kind::Boolean;
        }
        if is("array") {
            let items = &schema["items"];
            return match self.kind(items, false) {
                Kind::Json if deep => {
                    let object = items.as_object().and_then(|items| self.object(items));
                    object.map_or(Kind::Json, |object| Kind::Parts(self.fields(object, false)))
                }
                Kind::Json | Kind::List(_) | Kind::Parts(_) => Kind::Json,
                kind => Kind::List(Box::new(kind)),
            };
        }
        Kind::Json
    }
}

/// The schema of a value that may be null, without that.
fn narrowed(schema: &Value) -> (&Value, bool) {
    if let Some([one, other]) = schema["oneOf"].as_array().map(Vec::as_slice)
        && other["type"] == "null"
    {
        return (one, true);
    }
    let nullable = schema["type"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"));
    (schema, nullable)
}
