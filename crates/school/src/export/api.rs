//! The endpoint that gives a tenant's roster out.

use std::{
    fs::File as DiskFile,
    io::{self, Seek},
    pin::Pin,
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, Response, header},
};
use cloister_http::{Class, Edge, Op, Problem};
use cloister_tenancy::{Action, Error, OpContext, Result, Tenancy};
use futures_util::stream;
use tokio::io::AsyncReadExt;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ROSTER;

/// The routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(roster_export))
}

/// How long an answer waits for the whole package, so that a failure can still be told. A larger one follows its head.
const PATIENCE: Duration = Duration::from_secs(15);
/// Bytes that are read and sent at once.
const PART: usize = 64 * 1024;

/// A zip archive.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "the form of an answer, for the API document")]
struct RosterPackage(Vec<u8>);

/// Take the roster out
///
/// Everything that counts, as a OneRoster 1.2 package in bulk, to the letter of the standard: orgs, academic sessions, courses,
/// classes, users, roles, enrollments and demographics, as they were at one moment. What a record refers to is in the package;
/// a record for which that cannot be is left out. That it was asked for is itself noted in the audit log.
#[utoipa::path(
    get,
    path = "/roster/export",
    operation_id = "roster_export",
    tag = "School",
    responses((status = 200, description = "The package: a zip archive with `manifest.csv` and a file for each kind of record.",
        content((RosterPackage = "application/zip", example = "PK\u{3}\u{4}"))))
)]
async fn roster_export(op: Op) -> Result<Response<Body>, Problem> {
    op.cx.authorize(Action::Export, &ROSTER)?;
    op.limit(Class::Heavy)?;
    let Op { tenancy, cx, .. } = op;
    let name = format!("attachment; filename=\"{}-roster.zip\"", cx.tenant().slug);
    let disposition = HeaderValue::try_from(name).map_err(Error::internal)?;
    let mut making: Making = Box::pin(make(tenancy, cx));
    let (length, sending) = match tokio::time::timeout(PATIENCE, &mut making).await {
        Ok(made) => {
            let file = made?;
            (Some(file.metadata().map_err(Error::internal)?.len()), Sending::File(tokio::fs::File::from_std(file)))
        }
        Err(_) => (None, Sending::Making(making)),
    };
    let parts = stream::try_unfold(sending, async |sending| {
        sending.part().await.inspect_err(|error| tracing::error!(error = error.log(), "an export broke off"))
    });
    let mut response = Response::new(Body::from_stream(parts));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(header::CONTENT_DISPOSITION, disposition);
    if let Some(length) = length {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(response)
}

/// A package that is being made. Dropped, it is given up.
type Making = Pin<Box<dyn Future<Output = Result<DiskFile>> + Send>>;

/// Makes the package in a file that has no name: the client may take its time, and the database does not wait for it. The file
/// is gone when it was sent, or when the client is.
async fn make(tenancy: Tenancy, cx: OpContext) -> Result<DiskFile> {
    let file = tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(Error::internal)?;
    let (_, mut file) = super::export(&tenancy, &cx, file.map_err(Error::internal)?, &()).await?;
    file.rewind().map_err(Error::internal)?;
    Ok(file)
}

/// What is left to send.
enum Sending {
    Making(Making),
    File(tokio::fs::File),
}

impl Sending {
    async fn part(self) -> Result<Option<(Bytes, Self)>> {
        let mut file = match self {
            Self::Making(making) => tokio::fs::File::from_std(making.await?),
            Self::File(file) => file,
        };
        let mut part = Vec::with_capacity(PART);
        let read: io::Result<usize> = file.read_buf(&mut part).await;
        let read = read.map_err(Error::internal)?;
        Ok((read > 0).then(|| (Bytes::from(part), Self::File(file))))
    }
}
