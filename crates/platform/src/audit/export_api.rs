//! The endpoint that exports a tenant's audit log.

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, Response, header},
};
use cloister_http::{Caller, Edge, Op, Problem, Query};
use cloister_tenancy::{Action, Error};
use futures_util::stream;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    AUDIT,
    export::{AuditFormat, Export, Log},
    filter::{AuditExportFilter, PlatformAuditExportFilter},
};
use crate::{Service, operator};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(audit_export)).routes(routes!(platform_audit_export))
}

/// Export audit entries
///
/// Everything that fits the filter, the oldest first, as a file that is made while it is sent. That it was asked for is itself
/// noted in the log.
#[utoipa::path(
    get,
    path = "/audit/export",
    operation_id = "audit_export",
    tag = "Audit",
    params(AuditExportFilter),
    responses((status = 200, description = "The file. Cells that a spreadsheet would compute begin with an apostrophe.",
        content((String = "text/csv", example = "id,at,actor,account_id,acting_as,action,resource,resource_id,client,request_id,reason,changes\r\n"),
            (String = "application/x-ndjson", example = "{\"action\":\"update\"}\n"))))
)]
async fn audit_export(op: Op, Query(filter): Query<AuditExportFilter>) -> Result<Response<Body>, Problem> {
    let Op { tenancy, cx, .. } = op;
    cx.authorize(Action::Read, &AUDIT)?;
    let mut tx = tenancy.write(&cx).await?;
    tx.audit_act("export", &AUDIT, None, Some(serde_json::to_value(&filter).map_err(Error::internal)?));
    tx.commit().await?;
    let name = format!("audit-{}.{}", cx.tenant().slug, filter.format.extension());
    let now = cx.clock().now();
    let export = Export::new(Log::Tenant(tenancy, Box::new(cx)), filter.format, filter.wanted(), now);
    send(export, &name, filter.format).await
}

/// Export the platform's audit entries
///
/// Everything that fits the filter, the oldest first, as a file that is made while it is sent. That it was asked for is itself
/// noted in the log. For operators.
#[utoipa::path(
    get,
    path = "/platform/audit/export",
    operation_id = "platform_audit_export",
    tag = "Audit",
    params(PlatformAuditExportFilter),
    responses((status = 200, description = "The file. Cells that a spreadsheet would compute begin with an apostrophe.",
        content((String = "text/csv", example = "id,at,actor,account_id,acting_as,action,resource,resource_id,client,request_id,reason,changes,tenant_id\r\n"),
            (String = "application/x-ndjson", example = "{\"action\":\"tenant.suspend\"}\n"))))
)]
async fn platform_audit_export(
    caller: Caller,
    service: Service,
    Query(filter): Query<PlatformAuditExportFilter>,
) -> Result<Response<Body>, Problem> {
    caller.authorize_operator(Action::Read, &AUDIT)?;
    let now = service.tenancy().clock().now();
    let mut tx = service.control().begin().await?;
    let record = operator::record(&operator::requester(&caller)?, "audit.export", AUDIT);
    tx.audit(record.changing(serde_json::to_value(&filter).map_err(Error::internal)?));
    tx.commit().await?;
    let name = format!("audit-platform.{}", filter.format.extension());
    let export = Export::new(Log::Platform(service, filter.tenant_id), filter.format, filter.wanted(), now);
    send(export, &name, filter.format).await
}

async fn send(mut export: Export, name: &str, format: AuditFormat) -> Result<Response<Body>, Problem> {
    let media_type = HeaderValue::from_static(format.media_type());
    // What can be refused is refused before the first byte.
    let first = export.part().await?;
    let parts = stream::try_unfold((first, export), async |(first, mut export)| {
        let part = match first {
            Some(first) => Some(first),
            None => {
                export.part().await.inspect_err(|error| tracing::error!(error = error.log(), "an export broke off"))?
            }
        };
        Ok::<_, Error>(part.map(|part| (Bytes::from(part), (None, export))))
    });
    let mut response = Response::new(Body::from_stream(parts));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, media_type);
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")).map_err(Error::internal)?;
    headers.insert(header::CONTENT_DISPOSITION, disposition);
    Ok(response)
}
