//! The district and its schools.

use cloister_tenancy::Result;
use serde_json::json;

use super::{
    pen::Pen,
    plan::{Named, Plan},
    store,
};
use crate::search_key;

pub(super) async fn write(pen: &mut Pen<'_>, plan: &Plan) -> Result<()> {
    let row = |org: &Named, kind: &str, parent: Option<&Named>, number: usize| {
        json!({ "id": org.id.uuid(), "sourced_id": org.id.to_string(), "name": org.name,
            "name_search": search_key::of(&org.name), "type": kind, "identifier": format!("{number:04}"),
            "parent_id": parent.map(|parent| parent.id.uuid()) })
    };
    let district = &plan.district;
    let mut rows = vec![row(district, "district", None, 1000)];
    rows.extend(plan.schools.iter().enumerate().map(|(at, school)| row(school, "school", Some(district), 1001 + at)));
    pen.records("orgs", &store::ORGS, rows).await
}
