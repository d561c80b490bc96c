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
    use serde_json::Value;

    use super::built;

    /// Lists whose records look as if they could come as a table, and why they do not.
    const LEFT_OUT: &[(&str, &str)] = &[
        ("absence_requests", "a request, which somebody decides"),
        ("allergies", "kept sealed"),
        ("health_conditions", "kept sealed"),
        ("health_visits", "kept sealed"),
        ("immunizations", "kept sealed"),
        ("incident_letters", "a letter, which is sent"),
        ("medications", "kept sealed"),
        ("person_merges", "an act on two persons"),
        ("year_rollovers", "an act on a whole school"),
    ];

    /// Lists whose records can be made, read and deleted one by one, and that do not say `x-table`.
    fn left_out(document: &Value) -> Vec<&str> {
        let paths = &document["paths"];
        let lists = paths.as_object().into_iter().flatten().filter_map(|(path, item)| {
            let name = path.strip_prefix("/api/v1/").filter(|name| !name.contains(['/', '{']))?;
            let one = &paths[format!("{path}/{{id}}")];
            let whole = [&item["get"], &item["post"], &one["get"], &one["delete"]].into_iter().all(Value::is_object);
            (whole && item["post"]["x-table"] != true).then_some(name)
        });
        let mut lists: Vec<&str> = lists.collect();
        lists.sort_unstable();
        lists
    }

    #[test]
    fn the_lists_are_built_once_and_hold_records_alone() {
        let (first, second) = (built().unwrap(), built().unwrap());
        assert!(std::ptr::eq(first, second));
        let names: Vec<&str> = first.1.names().collect();
        for record in ["persons", "orgs", "enrollments", "attendance_events", "rooms"] {
            assert!(names.contains(&record), "{record}: {names:?}");
        }
        for (list, why) in LEFT_OUT {
            assert!(!names.contains(list), "{list}: {why}");
        }
    }

    #[test]
    fn a_list_comes_as_a_table_or_is_left_out_for_a_reason() {
        let document = serde_json::to_value(built().unwrap().0.document()).unwrap();
        let known: Vec<&str> = LEFT_OUT.iter().map(|(list, _)| *list).collect();
        // One that is new says `x-table` at its creation, or is named above with the reason why it does not.
        assert_eq!(left_out(&document), known);
        let mut without = document.clone();
        without["paths"]["/api/v1/rooms"]["post"]["x-table"] = false.into();
        assert!(left_out(&without).contains(&"rooms"), "one that forgot it is noticed");
    }
}
