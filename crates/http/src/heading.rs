//! The first line of a list that is empty: the fields that its records would have, from the API document.

use std::{collections::HashMap, sync::Arc};

use utoipa::openapi::{
    OpenApi, RefOr,
    path::PathItem,
    schema::{ArrayItems, Object, Schema},
};

/// Names of the fields of lists, by the address of the list as it is routed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Headings(Arc<HashMap<String, Vec<String>>>);

impl Headings {
    /// Of every list that the document describes.
    pub(crate) fn of(document: &OpenApi) -> Self {
        let paths = document.paths.paths.iter();
        let found = paths.filter_map(|(path, item)| {
            let record = record(document, item)?;
            Some((path.clone(), record.properties.keys().cloned().collect()))
        });
        Self(Arc::new(found.collect()))
    }

    /// The fields of the list that is routed so; none where nothing is known of it.
    pub(crate) fn at(&self, route: &str) -> Vec<String> {
        self.0.get(route).cloned().unwrap_or_default()
    }
}

/// What the pages of a list have items of.
fn record<'a>(document: &'a OpenApi, item: &'a PathItem) -> Option<&'a Object> {
    let RefOr::T(answer) = item.get.as_ref()?.responses.responses.get("200")? else { return None };
    let RefOr::T(content) = answer.content.get("application/json")? else { return None };
    let page = object(document, content.schema.as_ref()?)?;
    let RefOr::T(Schema::Array(items)) = page.properties.get("items")? else { return None };
    let ArrayItems::RefOrSchema(items) = &items.items else { return None };
    object(document, items)
}

fn object<'a>(document: &'a OpenApi, schema: &'a RefOr<Schema>) -> Option<&'a Object> {
    match schema {
        RefOr::T(Schema::Object(object)) => Some(object),
        RefOr::T(_) => None,
        RefOr::Ref(reference) => {
            let name = reference.ref_location.rsplit('/').next()?;
            match document.components.as_ref()?.schemas.get(name)? {
                RefOr::T(Schema::Object(object)) => Some(object),
                _ => None,
            }
        }
    }
}
