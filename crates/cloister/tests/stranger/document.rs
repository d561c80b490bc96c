//! The operations of the API document of this composition, read so far as a stranger needs it.

use std::{collections::HashMap, sync::Arc};

use cloister_http::{HttpModule, openapi};
use serde_json::Value;

/// One operation.
#[derive(Debug)]
pub(crate) struct Operation {
    /// Its operation id.
    pub(crate) id: String,
    /// What it does, in a few words.
    pub(crate) summary: String,
    /// Under which heading it stands.
    pub(crate) tag: String,
    /// `GET`, `POST` …
    pub(crate) method: String,
    /// With its parameters in braces.
    pub(crate) path: String,
    /// The name of the module it belongs to.
    pub(crate) module: &'static str,
    /// The parameters in its path.
    pub(crate) names: Vec<String>,
    /// Filters that take an id: name and kind of id.
    pub(crate) filters: Vec<(String, String)>,
    /// Every parameter of its query, with its schema in place.
    pub(crate) queries: Vec<Query>,
    /// Names of its parameters wherever they are.
    takes: Vec<String>,
    /// The example of its body.
    pub(crate) body: Option<Value>,
    /// Fields of its body that take an id: name, kind of id, and whether it is a list of them.
    pub(crate) fields: Vec<(String, String, bool)>,
    /// Its body is a package.
    pub(crate) takes_package: bool,
    /// Its body may be a PDF, or a picture.
    pub(crate) takes_files: [bool; 2],
    /// Nobody needs to sign in.
    pub(crate) is_open: bool,
}

/// A parameter of a query.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) name: String,
    pub(crate) schema: Value,
    pub(crate) is_required: bool,
    /// Null where there is none.
    pub(crate) example: Value,
}

/// Whom an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// A tenant: what a stranger may not even know of.
    Tenant,
    /// Whoever asks: everybody is rightful about themselves.
    Oneself,
    /// The platform: for operators.
    Platform,
    /// Nobody in particular: whoever knows the secret in it, or anybody.
    Anybody,
}

impl Operation {
    /// Whom it is about.
    pub(crate) fn about(&self) -> About {
        let of = |folder: &str| self.path.strip_prefix("/api/v1/").is_some_and(|rest| rest.starts_with(folder));
        match () {
            () if self.is_open => About::Anybody,
            () if of("platform/") => About::Platform,
            () if of("account") || of("sessions") => About::Oneself,
            () => About::Tenant,
        }
    }

    /// It takes a parameter of this name: `limit`, `If-Match`, `Idempotency-Key`.
    pub(crate) fn takes(&self, name: &str) -> bool {
        self.takes.iter().any(|taken| taken == name)
    }

    /// It changes nothing.
    pub(crate) fn is_read(&self) -> bool {
        self.method == "GET"
    }
}

/// The whole document.
#[derive(Debug)]
pub(crate) struct Document {
    /// In the order of the document.
    pub(crate) operations: Vec<Arc<Operation>>,
}

impl Document {
    /// As these modules make it.
    pub(crate) fn of(modules: &[Arc<dyn HttpModule>]) -> Self {
        let mut operations = Vec::new();
        for module in modules {
            let document = serde_json::to_value(openapi(std::slice::from_ref(module))).unwrap();
            let kinds = kinds(&document);
            for (path, item) in document["paths"].as_object().unwrap() {
                for (method, operation) in item.as_object().unwrap() {
                    operations.push(Arc::new(read(&document, &kinds, module.name(), path, method, operation)));
                }
            }
        }
        assert!(operations.len() > 100, "the document has only {} operations", operations.len());
        Self { operations }
    }

    /// By id.
    pub(crate) fn operation(&self, id: &str) -> Option<&Arc<Operation>> {
        self.operations.iter().find(|operation| operation.id == id)
    }

    /// By method and path.
    pub(crate) fn at(&self, method: &str, path: &str) -> Option<&Arc<Operation>> {
        self.operations.iter().find(|operation| operation.method == method && operation.path == path)
    }
}

/// Kind of id by the name of its schema: `PersonId` is `per`.
fn kinds(document: &Value) -> HashMap<String, String> {
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let kind = |schema: &Value| {
        let pattern = schema["pattern"].as_str()?.strip_prefix('^')?;
        let (kind, rest) = pattern.split_once('_')?;
        (kind.len() == 3 && rest.starts_with("[0-7]")).then(|| kind.to_owned())
    };
    schemas.iter().filter_map(|(name, schema)| Some((name.clone(), kind(schema)?))).collect()
}

/// The name of the schema that is referred to, here or as one of several.
fn referred(schema: &Value) -> Option<&str> {
    let mut several = ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|word| schema[word].as_array()).flatten();
    let own = schema["$ref"].as_str().and_then(|to| to.rsplit('/').next());
    own.or_else(|| several.find_map(referred))
}

fn read(
    document: &Value,
    kinds: &HashMap<String, String>,
    module: &'static str,
    path: &str,
    method: &str,
    operation: &Value,
) -> Operation {
    let kind = |schema: &Value| referred(schema).and_then(|name| kinds.get(name)).cloned();
    let parameters: &[Value] = operation["parameters"].as_array().map_or(&[], Vec::as_slice);
    let of = |place: &str| parameters.iter().filter(move |parameter| parameter["in"] == place).collect::<Vec<_>>();
    let name = |parameter: &Value| parameter["name"].as_str().unwrap().to_owned();
    let content = &operation["requestBody"]["content"]["application/json"];
    let schema =
        referred(&content["schema"]).map_or(&content["schema"], |name| &document["components"]["schemas"][name]);
    let mut fields = Vec::new();
    for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(kind) = kind(schema) {
            fields.push((field.clone(), kind, false));
        } else if let Some(kind) = kind(&schema["items"]) {
            fields.push((field.clone(), kind, true));
        }
    }
    let query = |one: &Value| Query {
        name: name(one),
        schema: referred(&one["schema"])
            .map_or(&one["schema"], |name| &document["components"]["schemas"][name])
            .clone(),
        is_required: one["required"] == true,
        example: one["example"].clone(),
    };
    let security = operation["security"].as_array();
    Operation {
        id: operation["operationId"].as_str().unwrap().to_owned(),
        summary: operation["summary"].as_str().unwrap().to_owned(),
        tag: operation["tags"][0].as_str().unwrap().to_owned(),
        method: method.to_uppercase(),
        path: path.to_owned(),
        module,
        names: of("path").into_iter().map(name).collect(),
        filters: of("query").into_iter().filter_map(|one| Some((name(one), kind(&one["schema"])?))).collect(),
        queries: of("query").into_iter().map(query).collect(),
        takes: parameters.iter().filter_map(|one| one["name"].as_str().map(str::to_owned)).collect(),
        body: (!content["example"].is_null()).then(|| content["example"].clone()),
        fields,
        takes_package: !operation["requestBody"]["content"]["application/zip"].is_null(),
        takes_files: ["application/pdf", "image/png"].map(|kind| !operation["requestBody"]["content"][kind].is_null()),
        // `{}` among the ways to sign in says that none is needed.
        is_open: security.is_some_and(|ways| ways.is_empty() || ways.iter().any(|way| way == &serde_json::json!({}))),
    }
}
