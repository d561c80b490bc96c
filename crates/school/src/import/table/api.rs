//! Endpoints about tables: what they can be brought into, and what the columns of one would be taken for.

use cloister_http::{Answer, Class, Edge, IdempotencyHeader, Op, Problem, Query, Upload};
use cloister_tenancy::{Action, Error};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    house::House,
    mapping::{self, Origin, TableMapping},
    reading,
    report::TableIssue,
    resource::TableField,
    sheet, value,
};
use crate::{
    ROSTER,
    import::{
        api::{SentPackage, SentTable},
        shown::cut_text,
    },
};

/// The routes of this folder.
pub(in crate::import) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(roster_table_list)).routes(routes!(roster_table_preview))
}

/// How programs call what holds a table.
pub(in crate::import) const MEDIA_TYPES: &[&str] = &[
    "text/csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.ms-excel",
    "text/tab-separated-values",
    "text/plain",
    "application/octet-stream",
];

/// Values of a column that are shown.
const SHOWN: usize = 3;

/// A list that tables can be brought into.
#[derive(Debug, Serialize, ToSchema)]
struct TableTarget {
    /// As its address has it.
    #[schema(example = "persons")]
    resource: String,
    /// What columns can be taken for.
    fields: Vec<TableField>,
}

/// All of them.
#[derive(Debug, Serialize, ToSchema)]
struct TableTargets {
    /// By name.
    resources: Vec<TableTarget>,
}

/// What a table is about to be brought into.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PreviewWish {
    /// The list, as its address has it.
    #[garde(length(chars, min = 1, max = 100))]
    #[param(min_length = 1, max_length = 100, example = "rooms")]
    resource: String,
    /// How it is read, as JSON; see the import.
    #[garde(inner(length(chars, max = 2400)))]
    #[param(max_length = 2400)]
    mapping: Option<String>,
}

/// A column of a table.
#[derive(Debug, Serialize, ToSchema)]
struct TableColumn {
    /// Its name in the file.
    #[schema(example = "Vorname")]
    name: String,
    /// What it would be taken for; null when it would be left out.
    #[schema(example = "given_name")]
    target: Option<String>,
    /// The first values in it.
    examples: Vec<String>,
}

/// A table before it is brought in.
#[derive(Debug, Serialize, ToSchema)]
struct TablePreview {
    /// The list.
    #[schema(example = "rooms")]
    resource: String,
    /// The sheet, or `csv`.
    #[schema(example = "csv")]
    name: String,
    /// Rows besides the first.
    rows: u64,
    /// Its columns.
    columns: Vec<TableColumn>,
    /// By which fields rows would find their records; empty when every row would make one.
    key: Vec<String>,
    /// Fields that a new record needs and that no column is taken for.
    missing: Vec<String>,
    /// What columns can be taken for.
    fields: Vec<TableField>,
    /// What somebody should look at.
    issues: Vec<TableIssue>,
}

/// List what tables can be brought into
///
/// Every list of records that can be made over the API, with its fields.
#[utoipa::path(
    get,
    path = "/roster/tables",
    operation_id = "roster_table_list",
    tag = "School",
    responses((status = 200, description = "The lists and their fields.", body = TableTargets,
        example = json!({ "resources": [{ "resource": "rooms", "fields": [sample_field()] }] })))
)]
async fn roster_table_list(op: Op) -> Result<Answer<TableTargets>, Problem> {
    op.cx.authorize(Action::Import, &ROSTER)?;
    let house = House::new(&op.tenancy, &op.cx).await?;
    let target = |name: &str| {
        let fields = house.resources.get(name).map(|known| house.resources.shown(known)).unwrap_or_default();
        TableTarget { resource: name.to_owned(), fields }
    };
    Ok(Answer(TableTargets { resources: house.resources.names().map(target).collect() }))
}

/// Look at a table before it is brought in
///
/// What its columns would be taken for, and what is missing. Nothing is kept and nothing changes.
#[utoipa::path(
    post,
    path = "/roster/table_preview",
    operation_id = "roster_table_preview",
    tag = "School",
    params(IdempotencyHeader, PreviewWish),
    request_body(
        description = "The table.",
        content((SentTable = "text/csv", example = json!("room_number\nB 204\n")),
            (SentPackage = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                example = json!("PK\u{3}\u{4}")))
    ),
    responses((status = 200, description = "The table.", body = TablePreview,
        example = json!({ "resource": "rooms", "name": "csv", "rows": 1,
            "columns": [{ "name": "room_number", "target": "room_number", "examples": ["B 204"] }],
            "key": [], "missing": ["school_id", "room_type"], "fields": [sample_field()], "issues": [] })))
)]
async fn roster_table_preview(
    op: Op,
    Query(wish): Query<PreviewWish>,
    upload: Upload,
) -> Result<Answer<TablePreview>, Problem> {
    op.cx.authorize(Action::Import, &ROSTER)?;
    op.limit(Class::Heavy)?;
    let mapping = read_mapping(wish.mapping.as_deref())?;
    let file =
        tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(Error::internal)?.map_err(Error::internal)?;
    let file = upload.receive(MEDIA_TYPES, sheet::LARGEST, file).await?.file;
    let house = House::new(&op.tenancy, &op.cx).await?;
    let resource = house.resource(&wish.resource)?;
    let place = op.tenancy.begin_long_work(&op.cx).await?;
    let bytes = move || super::whole(file).map_err(Error::internal);
    let sheet = reading::read(bytes, mapping.sheet.clone(), place).await?;
    let plan = mapping::plan(&house.resources, resource, &mapping, &sheet)?;
    let column = |(name, target): &(String, Option<String>)| {
        let at = sheet.headers.iter().position(|header| header == name).unwrap_or(usize::MAX);
        let values = sheet.rows.iter().filter_map(|row| row.cells.get(at)).map(value::text);
        let examples = values.filter(|text| !text.is_empty()).map(|text| cut_text(&text));
        TableColumn { name: name.clone(), target: target.clone(), examples: examples.take(SHOWN).collect() }
    };
    let bound = |name: &str| plan.bindings.iter().any(|known| known.field == name);
    let missing = resource.fields.iter().filter(|field| field.required && !bound(&field.name));
    debug_assert!(plan.bindings.iter().all(|known| known.origin != Origin::Column(usize::MAX)));
    Ok(Answer(TablePreview {
        resource: wish.resource.clone(),
        name: sheet.name.clone(),
        rows: sheet.rows.len() as u64,
        columns: plan.taken.iter().map(column).collect(),
        missing: missing.map(|field| field.name.clone()).collect(),
        fields: house.resources.shown(resource),
        issues: sheet.issues.iter().chain(&plan.issues).cloned().collect(),
        key: plan.key,
    }))
}

/// A mapping as it stands in an address.
pub(in crate::import) fn read_mapping(text: Option<&str>) -> Result<TableMapping, Error> {
    let Some(text) = text else { return Ok(TableMapping::default()) };
    serde_json::from_str(text).map_err(|error| {
        let message =
            format!("This is no mapping: {error}. Write JSON such as {{\"columns\":{{\"Vorname\":\"given_name\"}}}}.");
        Error::field("mapping", "mapping_invalid", message)
    })
}

fn sample_field() -> TableField {
    TableField {
        name: "room_number".to_owned(),
        kind: "text".to_owned(),
        required: true,
        words: Vec::new(),
        refers_to: None,
        found_by: Vec::new(),
        description: "What people call it.".to_owned(),
    }
}
