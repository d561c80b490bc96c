//! Which lists a table can be brought into, and what their fields are: what the API document says of them.
//!
//! A list is one of them whose creation says `x-table`, and whose records can be read and deleted one by one. Nobody has to name it
//! here. What is kept sealed does not say so: it must not lie open in the report of an import, or in what is kept for taking it
//! back.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::schema::{Schemas, lists};

/// What a field holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
    Date,
    /// A time of day.
    Time,
    /// One of these, or another where the API allows it.
    Word(Vec<String>),
    /// The id of a record in the list of this name.
    Reference(String),
    /// Several, with semicolons between them.
    List(Box<Kind>),
    /// Parts with fields of their own. A table can give one.
    Parts(Vec<Field>),
    /// Written as JSON.
    Json,
}

impl Kind {
    fn word(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Integer => "integer".to_owned(),
            Self::Number => "number".to_owned(),
            Self::Boolean => "boolean".to_owned(),
            Self::Date => "date".to_owned(),
            Self::Time => "time".to_owned(),
            Self::Word(_) => "word".to_owned(),
            Self::Reference(_) => "reference".to_owned(),
            Self::List(kind) => format!("list of {}", kind.word()),
            Self::Parts(_) => "parts".to_owned(),
            Self::Json => "json".to_owned(),
        }
    }
}

/// A field of a record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) required: bool,
    pub(super) nullable: bool,
    pub(super) description: String,
}

/// What is read and replaced as a whole, beside each record of a list.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Beside {
    /// The end of its address.
    pub(super) name: String,
    /// The one field that holds all the others, where there is one.
    pub(super) within: Option<String>,
    pub(super) fields: Vec<Field>,
}

/// A list that a table can be brought into.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Resource {
    /// As its address has it.
    pub(super) name: String,
    /// What a creation takes.
    pub(super) fields: Vec<Field>,
    /// What the list shows.
    pub(super) listed: Vec<Field>,
    /// What is kept beside a record, such as the demographics of a person.
    pub(super) beside: Vec<Beside>,
    /// Whether records can be changed.
    pub(super) changes: bool,
    /// Whether the list shows deleted records when it is asked to.
    pub(super) has_status: bool,
}

/// A field that a column can be taken for.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TableField {
    /// Its name, as a column is taken for it.
    #[schema(example = "given_name")]
    pub name: String,
    /// `text`, `integer`, `number`, `boolean`, `date`, `time`, `word`, `reference`, `json`, or `list of` one of them.
    #[serde(rename = "type")]
    #[schema(example = "text")]
    pub kind: String,
    /// Whether a new record needs it.
    pub required: bool,
    /// Of a word: which there are.
    pub words: Vec<String>,
    /// Of a reference: the list in which its record is, and by what it can be found there: write `school_id:name`.
    #[schema(example = "orgs")]
    pub refers_to: Option<String>,
    /// What the record of a reference can be found by, besides its id.
    pub found_by: Vec<String>,
    /// What it means.
    pub description: String,
}

/// All of them.
#[derive(Debug, Clone)]
pub(super) struct Resources(Vec<Resource>);

impl Resources {
    /// What the document of the module says.
    pub(super) fn of(document: &Value) -> Self {
        let schemas = Schemas { all: &document["components"]["schemas"], lists: lists(document) };
        let paths = document["paths"].as_object().into_iter().flatten();
        let found = paths.filter_map(|(path, item)| {
            let name = path.strip_prefix("/api/v1/").filter(|name| !name.contains(['/', '{']))?;
            let one = &document["paths"][format!("{path}/{{id}}")];
            if item["get"].is_null() || one["get"].is_null() || one["delete"].is_null() {
                return None;
            }
            // A row is a record, and never an act: the limit on heavy work does not hold from within.
            if item["post"]["x-table"] != true {
                return None;
            }
            let body = item["post"]["requestBody"]["content"]["application/json"]["schema"].as_object()?;
            let fields = schemas.fields(schemas.object(body)?, true);
            let parameters = item["get"]["parameters"].as_array()?;
            let has = |name: &str| parameters.iter().any(|known| known["name"] == name);
            let listed = schemas.fields(schemas.item(item)?, false);
            let (changes, has_status) = (!one["patch"].is_null(), has("status"));
            let mut beside = schemas.beside(document, path);
            // What a record has among its own fields is entered with it.
            beside.retain(|beside| !fields.iter().any(|field| field.name == beside.name));
            has("cursor").then(|| Resource { name: name.to_owned(), fields, listed, beside, changes, has_status })
        });
        Self(found.collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Resource> {
        self.0.iter().find(|known| known.name == name)
    }

    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut Resource> {
        self.0.iter_mut()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|known| known.name.as_str())
    }

    /// By what a record of a list can be found: texts that the list shows.
    pub(super) fn found_by(&self, name: &str) -> Vec<String> {
        const NOT: &[&str] = &["created_by", "updated_by", "notes", "description", "reason"];
        let listed = self.get(name).map(|known| known.listed.as_slice()).unwrap_or_default();
        let texts = listed.iter().filter(|field| field.kind == Kind::Text && !NOT.contains(&field.name.as_str()));
        texts.map(|field| field.name.clone()).collect()
    }

    /// The fields of a resource as they are shown, parts one by one.
    pub(super) fn shown(&self, resource: &Resource) -> Vec<TableField> {
        let mut shown = Vec::new();
        for field in &resource.fields {
            match &field.kind {
                Kind::Parts(parts) => {
                    shown.extend(parts.iter().map(|part| self.show(&format!("{}.{}", field.name, part.name), part)));
                }
                _ => shown.push(self.show(&field.name, field)),
            }
        }
        for Beside { name, fields, .. } in &resource.beside {
            shown.extend(fields.iter().map(|field| self.show(&format!("{name}.{}", field.name), field)));
        }
        shown
    }

    fn show(&self, name: &str, field: &Field) -> TableField {
        let inner = match &field.kind {
            Kind::List(kind) => kind,
            kind => kind,
        };
        let refers_to = match inner {
            Kind::Reference(list) => Some(list.clone()),
            _ => None,
        };
        TableField {
            name: name.to_owned(),
            kind: field.kind.word(),
            required: field.required && !name.contains('.'),
            words: match inner {
                Kind::Word(words) => words.clone(),
                _ => Vec::new(),
            },
            found_by: refers_to.as_deref().map(|list| self.found_by(list)).unwrap_or_default(),
            refers_to,
            description: field.description.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Kind, Resources};

    #[test]
    fn a_list_is_known_by_what_the_document_says() {
        let list = |item: &str| {
            json!({
                "get": { "parameters": [{ "name": "cursor" }, { "name": "status" }],
                    "responses": { "200": { "content": { "application/json": {
                        "schema": { "$ref": format!("#/components/schemas/{item}Page") } } } } } },
                "post": { "x-table": item == "Thing", "requestBody": { "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/ThingFields" } } } } },
            })
        };
        let one = json!({ "get": {}, "patch": {}, "delete": {} });
        let page = json!({ "properties": { "items": { "items": { "$ref": "#/components/schemas/Thing" } } } });
        let id = json!({ "type": "string", "pattern": "^thg_" });
        let document = json!({
            "paths": {
                "/api/v1/things": list("Thing"), "/api/v1/things/{id}": one,
                "/api/v1/acts": list("Thing"),
                "/api/v1/heavy_acts": list("Act"), "/api/v1/heavy_acts/{id}": one,
            },
            "components": { "schemas": {
                "ThingId": id, "ThingPage": page, "ActPage": page,
                "Thing": { "properties": { "id": { "$ref": "#/components/schemas/ThingId" }, "name": { "type": "string" } } },
                "Colour": { "type": "string", "pattern": "^(red|blue|ext:.+)$" },
                "Part": { "properties": { "size": { "type": "integer" } } },
                "ThingFields": { "required": ["name"], "properties": {
                    "name": { "type": "string" },
                    "parent_id": { "oneOf": [{ "$ref": "#/components/schemas/ThingId" }, { "type": "null" }] },
                    "colour": { "$ref": "#/components/schemas/Colour" },
                    "day": { "type": ["string", "null"], "format": "date" },
                    "tags": { "type": "array", "items": { "type": "string" } },
                    "parts": { "type": "array", "items": { "$ref": "#/components/schemas/Part" } },
                    "metadata": { "type": "object" },
                } },
            } },
        });
        let resources = Resources::of(&document);
        assert_eq!(resources.names().collect::<Vec<_>>(), ["things"]);
        let things = resources.get("things").unwrap();
        assert!(things.changes && things.has_status);
        let kinds: Vec<&Kind> = things.fields.iter().map(|field| &field.kind).collect();
        let colours = Kind::Word(vec!["red".to_owned(), "blue".to_owned()]);
        assert_eq!(
            kinds[..5],
            [
                &Kind::Text,
                &Kind::Reference("things".to_owned()),
                &colours,
                &Kind::Date,
                &Kind::List(Box::new(Kind::Text)),
            ]
        );
        assert!(matches!(kinds[5], Kind::Parts(parts) if parts[0].name == "size"), "{kinds:?}");
        assert_eq!(kinds[6], &Kind::Json);
        let needed: Vec<bool> = things.fields.iter().map(|field| field.required).collect();
        assert_eq!(needed[..2], [true, false]);
        assert_eq!(resources.found_by("things"), ["name"]);
    }
}
