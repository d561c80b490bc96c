//! Endpoints about imports: a package is sent, a job brings it in, and it can be taken back.

use std::io::{Read, Seek};

use axum::{body::Body, http::Response};
use cloister_http::{
    Answer, Class, Edge, IdempotencyHeader, Listing, Once, Op, Page, PageQuery, Path, Problem, Query, Received, Sort,
    Upload,
};
use cloister_ids::ImportRunId;
use cloister_tenancy::{Action, Asker, Error, ErrorKind, Result, TenantTx};
use garde::Validate;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    job,
    run::{DayOrMonth, ImportRun, ReadingMode, RosterFormat, RunSettings},
    run_store, shown,
    table::{self, TableSettings},
    undo::undo_table,
};
use crate::{ROSTER, document::check_room, scope::authorize_change};

/// The routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(roster_import_list, roster_import_create))
        .routes(routes!(roster_import_read))
        .routes(routes!(roster_import_undo))
        .merge(table::routes())
}

/// Bytes of a package that is sent. Larger ones come in by command.
const LARGEST_PACKAGE: u64 = 64 * 1024 * 1024;
/// Imports that have not ended, of one tenant.
const WAITING: i64 = 5;
/// Bytes of one row in which a part of it waits.
const PART: usize = 1024 * 1024;
/// How browsers and programs call a zip.
const MEDIA_TYPES: &[&str] = &["application/zip", "application/x-zip-compressed", "application/octet-stream"];

/// How a package is brought in.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ImportWish {
    /// `oneroster` (as usual), `sds` for files of Microsoft School Data Sync 2.1, or `table` for CSV or a workbook with records
    /// of one list.
    #[garde(skip)]
    #[param(inline)]
    format: Option<RosterFormat>,
    /// Find out what would change, and change nothing.
    #[garde(skip)]
    #[serde(default)]
    #[param(required = false)]
    dry_run: bool,
    /// `lenient` (as usual) or `strict`.
    #[garde(skip)]
    #[param(inline)]
    mode: Option<ReadingMode>,
    /// Which comes first in dates such as 3/4/2025, where the package does not tell. In lenient mode only.
    #[garde(skip)]
    #[param(inline)]
    date_order: Option<DayOrMonth>,
    /// Go on without rows that have an error, and without what depends on them.
    #[garde(skip)]
    #[serde(default)]
    #[param(required = false)]
    skip_bad_rows: bool,
    /// Take over records of the package that no import made; imports keep them from then on.
    #[garde(skip)]
    #[serde(default)]
    #[param(required = false)]
    adopt: bool,
    /// Percentage of records that a bulk file may remove before the import is refused; 20 as usual.
    #[garde(range(max = 100))]
    #[param(maximum = 100, example = 20)]
    removal_threshold: Option<u8>,
    /// Of a table: the list it is brought into, as its address has it.
    #[garde(inner(length(chars, min = 1, max = 100)))]
    #[param(min_length = 1, max_length = 100)]
    resource: Option<String>,
    /// Of a table: how it is read, as JSON, such as `{"columns":{"Vorname":"given_name"},"key":["identifier"]}`. With `columns`,
    /// `constants`, `key`, `words`, `clear_empty` and `sheet`, of which all may be left out.
    #[garde(inner(length(chars, max = 2400)))]
    #[param(max_length = 2400)]
    mapping: Option<String>,
}

impl ImportWish {
    fn settings(self) -> Result<RunSettings> {
        let is_table = self.format == Some(RosterFormat::Table);
        let wish = self;
        let table = match (&wish.resource, is_table) {
            (Some(resource), true) => {
                let mapping = table::read_mapping(wish.mapping.as_deref())?;
                Some(TableSettings { resource: resource.clone(), mapping })
            }
            (None, true) => {
                return Err(Error::field("resource", "missing", "Name the list that the table is brought into."));
            }
            (None, false) if wish.mapping.is_none() => None,
            (_, false) => {
                let message = "Only a table has a list and a mapping: say format=table.";
                return Err(Error::field("format", "format_not_table", message));
            }
        };
        Ok(RunSettings {
            format: wish.format.unwrap_or(RosterFormat::OneRoster),
            dry_run: wish.dry_run,
            mode: wish.mode.unwrap_or(ReadingMode::Lenient),
            date_order: wish.date_order,
            skip_bad_rows: wish.skip_bad_rows,
            adopt: wish.adopt,
            removal_threshold: wish.removal_threshold.unwrap_or(20),
            table,
        })
    }
}

/// CSV, or a workbook.
#[derive(ToSchema)]
#[schema(value_type = String)]
#[expect(dead_code, reason = "the form of a body, for the API document")]
pub(super) struct SentTable(String);

/// A zip archive.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "the form of a body, for the API document")]
pub(super) struct SentPackage(Vec<u8>);

/// The one order there is, and its reverse.
#[derive(Debug, Clone, Copy)]
struct Newest;

impl Sort for Newest {
    const ORDERS: &'static [(&'static str, Self)] = &[("newest", Self)];
}

/// Which imports: all of them.
#[derive(Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
struct ImportRunFilter {}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
struct ImportRunOrder {
    /// `newest` first (as usual), or with `-` in front the oldest.
    #[param(pattern = "^-?newest$", example = "-newest")]
    sort: Option<String>,
}

/// A page of them.
type ImportRunPage = Page<ImportRun>;

/// How an import is taken back.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct UndoWish {
    /// Records that were changed since, or to which something belongs that was entered since, stay as they are now. Without it, they
    /// are a reason to refuse.
    #[garde(skip)]
    #[serde(default)]
    keep_changed: bool,
}

/// List imports
///
/// Every import of a roster, by command too, the newest first. Read one to see its report.
#[utoipa::path(
    get,
    path = "/roster/imports",
    operation_id = "roster_import_list",
    tag = "School",
    params(ImportRunOrder, PageQuery),
    responses((status = 200, description = "A page of imports.", body = ImportRunPage,
        example = json!({ "items": [sample()], "next_cursor": null })))
)]
async fn roster_import_list(
    op: Op,
    listing: Listing<ImportRunFilter, Newest>,
) -> Result<Answer<ImportRunPage>, Problem> {
    let Op { tenancy, cx, .. } = &op;
    cx.authorize(Action::Read, &ROSTER)?;
    let (tenant, what) = (cx.tenant_id(), "import_run");
    let after = listing.after::<(ImportRunId,)>(tenant, what)?.map(|(id,)| id);
    let rows = run_store::list(tenancy, cx, after, !listing.descending, listing.limit()).await?;
    Ok(Answer(listing.page(tenant, what, rows, |last| (last.id,))))
}

/// Bring a roster in
///
/// A OneRoster 1.1 or 1.2 package, or files of School Data Sync, as a zip of 64 MiB at most; with `format=table` records of one
/// list, as CSV or a workbook of 16 MiB and 20,000 rows at most, which only adds and changes. It is kept until a job has brought it in; read the import to see
/// how far that is, and how it ended. With `dry_run` nothing changes, and the report shows what would.
#[utoipa::path(
    post,
    path = "/roster/imports",
    operation_id = "roster_import_create",
    tag = "School",
    params(IdempotencyHeader, ImportWish),
    request_body(
        description = "The package, or the table.",
        content((SentPackage = "application/zip", example = json!("PK\u{3}\u{4}")),
            (SentTable = "text/csv", example = json!("name,type\nLindgren School,school\n")),
            (SentPackage = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                example = json!("PK\u{3}\u{4}")))
    ),
    responses((status = 201, description = "The import, which waits.", body = ImportRun,
        headers(("ETag" = String, description = "Its version."), ("Location" = String, description = "Its address.")),
        example = json!(sample())))
)]
async fn roster_import_create(
    op: Op,
    Query(wish): Query<ImportWish>,
    upload: Upload,
) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Import, &ROSTER)?;
    op.limit(Class::Heavy)?;
    let settings = wish.settings()?;
    let (media_types, largest) = match settings.table {
        Some(_) => (table::MEDIA_TYPES, table::LARGEST),
        None => (MEDIA_TYPES, LARGEST_PACKAGE),
    };
    let file =
        tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(Error::internal)?.map_err(Error::internal)?;
    let received = upload.receive(media_types, largest, file).await?;
    let key = received.key.clone();
    let mut tx = op.tenancy.write(&op.cx).await?;
    let made = keep(&mut tx, received, &settings).await;
    op.created(tx, key, made).await
}

/// Keeps the package, and leaves a job that brings it in.
async fn keep(tx: &mut TenantTx, received: Received, settings: &RunSettings) -> Result<ImportRun> {
    let Received { mut file, length, key, .. } = received;
    let id = ImportRunId::generate(tx.cx().clock());
    let bytes = i64::try_from(length).unwrap_or(i64::MAX);
    let run = run_store::insert(tx, key.as_ref(), id, settings, bytes).await?;
    if run_store::count_open(tx).await? > WAITING {
        let message =
            format!("{WAITING} imports wait or are under way already. Send this one when one of them has ended.");
        return Err(Error::new(ErrorKind::Conflict, "too_many_imports", message));
    }
    // It is counted already.
    check_room(tx, 0).await?;
    file.rewind().map_err(Error::internal)?;
    for number in 0.. {
        let read = tokio::task::spawn_blocking(move || {
            let mut part = Vec::with_capacity(PART);
            (&mut file).take(PART as u64).read_to_end(&mut part).map(|_| (file, part))
        });
        let (back, part) = read.await.map_err(Error::internal)?.map_err(Error::internal)?;
        if part.is_empty() {
            break;
        }
        run_store::insert_part(tx, id, number, &part).await?;
        file = back;
    }
    tx.audit_act("import.request", &ROSTER, id, Some(json!({ "bytes": length, "settings": settings })));
    let about = job::About { id, asker: Some(Asker::of(tx.cx())) };
    job::watch_later(tx, &about)?;
    tx.enqueue(job::RUN, json!(about), None, None)?;
    Ok(run)
}

/// Read an import
///
/// How far it is, and once it has ended, what it did: for each file how many records were made, changed and removed. With examples
/// and their fields, and what is wrong with which row, for whoever asked for it or may import. After 30 days the counts are left,
/// and a word for what was wrong with which row.
#[utoipa::path(
    get,
    path = "/roster/imports/{id}",
    operation_id = "roster_import_read",
    tag = "School",
    params(("id" = ImportRunId, Path, description = "Which one.")),
    responses((status = 200, description = "The import.", body = ImportRun, example = json!(sample())))
)]
async fn roster_import_read(op: Op, Path(id): Path<ImportRunId>) -> Result<Answer<ImportRun>, Problem> {
    op.cx.authorize(Action::Read, &ROSTER)?;
    let run = run_store::get(&op.tenancy, &op.cx, id).await?;
    Ok(Answer(shown::to(&op.cx, run)))
}

/// Take an import back
///
/// What it made is marked as deleted, what it changed or marked as deleted is as it was. Only the last import that changed anything
/// can be taken back, for 30 days. Refused where records were changed since, or something was entered since that belongs to them, such
/// as an absence of a student; unless `keep_changed` says that they are to stay.
#[utoipa::path(
    post,
    path = "/roster/imports/{id}/undo",
    operation_id = "roster_import_undo",
    tag = "School",
    params(("id" = ImportRunId, Path, description = "Which one."), IdempotencyHeader),
    request_body(content = UndoWish, example = json!({ "keep_changed": false })),
    responses((status = 200, description = "The import, which was taken back.", body = ImportRun,
        headers(("ETag" = String, description = "Its version.")),
        example = json!(sample())))
)]
async fn roster_import_undo(
    op: Op,
    Path(id): Path<ImportRunId>,
    once: Once<UndoWish>,
) -> Result<Response<Body>, Problem> {
    let read = async {
        op.cx.authorize(Action::Read, &ROSTER)?;
        run_store::get(&op.tenancy, &op.cx, id).await
    };
    authorize_change(&op.cx, Action::Import, &ROSTER, read).await?;
    op.limit(Class::Heavy)?;
    let Op { tenancy, cx, .. } = &op;
    let key = once.key;
    if run_store::get(tenancy, cx, id).await?.settings.format == RosterFormat::Table {
        return match undo_table(tenancy, cx, key.as_ref(), id, once.body.keep_changed).await {
            Ok((batch, tx, run)) => {
                let answer = op.done(tx, key, Ok(run)).await?;
                batch.commit().await?;
                Ok(answer)
            }
            // What was answered to the same key before is answered again.
            Err(error) => op.done(tenancy.write(cx).await?, key, Err::<ImportRun, _>(error)).await,
        };
    }
    let mut tx = tenancy.write(cx).await?;
    let undone = super::undo(&mut tx, key.as_ref(), id, once.body.keep_changed).await;
    op.done(tx, key, undone).await
}

fn sample() -> ImportRun {
    let settings = RunSettings {
        format: RosterFormat::OneRoster,
        dry_run: true,
        mode: ReadingMode::Lenient,
        date_order: None,
        skip_bad_rows: false,
        adopt: false,
        removal_threshold: 20,
        table: None,
    };
    let at = Timestamp::constant(1_767_603_600, 0);
    ImportRun::waiting(crate::sample_id(), settings, 48_211, at, "account:ada".to_owned())
}
