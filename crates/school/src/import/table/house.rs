//! The routes that rows are sent to, and what they say of the lists there are.

use std::sync::{Arc, OnceLock};

use cloister_http::{HttpModule, Inside, InsideRoutes};
use cloister_tenancy::{Error, ErrorKind, OpContext, Result, Tenancy};
use serde_json::Value;

use super::{
    lookup::each,
    resource::{Field, Kind, Resource, Resources},
    sheet,
};
use crate::School;

/// The routes that rows are sent to, and what the lists are.
pub(super) struct House {
    pub(super) inside: Inside,
    pub(super) resources: Resources,
}

/// The routes, and the lists without the fields of any tenant: the same for everybody, so they are built once.
fn built() -> Result<&'static (InsideRoutes, Resources)> {
    static BUILT: OnceLock<(InsideRoutes, Resources)> = OnceLock::new();
    if let Some(built) = BUILT.get() {
        return Ok(built);
    }
    let modules: [Arc<dyn HttpModule>; 1] = [Arc::new(School)];
    let routes = InsideRoutes::of(&modules);
    let document = serde_json::to_value(routes.document()).map_err(Error::internal)?;
    Ok(BUILT.get_or_init(|| (routes, Resources::of(&document))))
}

impl House {
    /// With the fields that the tenant has of its own, as far as `cx` may see them.
    pub(super) async fn new(tenancy: &Tenancy, cx: &OpContext) -> Result<Self> {
        let (routes, resources) = built()?;
        let mut house = Self { inside: routes.at(tenancy), resources: resources.clone() };
        let mut own = Vec::new();
        match each(&house.inside, cx, "custom_fields", false, |field| own.push(field.clone())).await {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Forbidden) => {}
            other => other?,
        }
        for resource in house.resources.all() {
            // A field is of a `class`, and the list is of `classes`.
            let word = |field: &Value| field["resource"].as_str().is_some_and(|word| resource.name.starts_with(word));
            let fields: Vec<Field> = own.iter().filter(|field| word(field)).map(own_field).collect();
            for beside in resource.beside.iter_mut().filter(|beside| beside.within.is_some()) {
                beside.fields.clone_from(&fields);
            }
        }
        Ok(house)
    }

    pub(super) fn resource(&self, name: &str) -> Result<&Resource> {
        self.resources.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.resources.names().collect();
            let message = format!("A table can be brought into: {}.", known.join(", "));
            sheet::refused("table_resource_unknown", message)
        })
    }
}

/// A field that the tenant has of its own.
fn own_field(field: &Value) -> Field {
    let text = |name: &str| field[name].as_str().unwrap_or_default().to_owned();
    let kind = match field["type"].as_str() {
        Some("number") => Kind::Number,
        Some("date") => Kind::Date,
        Some("boolean") => Kind::Boolean,
        Some("choice") => {
            let choices = field["choices"].as_array().into_iter().flatten();
            Kind::Word(choices.filter_map(|choice| choice.as_str().map(str::to_owned)).collect())
        }
        _ => Kind::Text,
    };
    Field { name: text("name"), kind, required: false, nullable: true, description: text("title") }
}

#[cfg(test)]
mod tests {
    use super::built;

    #[test]
    fn the_lists_are_built_once_and_hold_records_alone() {
        let (first, second) = (built().unwrap(), built().unwrap());
        assert!(std::ptr::eq(first, second));
        let names: Vec<&str> = first.1.names().collect();
        for record in ["persons", "orgs", "enrollments", "attendance_events", "rooms"] {
            assert!(names.contains(&record), "{record}: {names:?}");
        }
        for act in ["year_rollovers", "person_merges", "absence_requests", "incident_letters", "medications"] {
            assert!(!names.contains(&act), "{act}");
        }
    }
}
