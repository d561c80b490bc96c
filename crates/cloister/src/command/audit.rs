//! `cloister audit …`: looks whether the logs of who did what are as they were written.

use cloister_ids::TenantId;
use cloister_tenancy::{ChainReport, Error, ErrorKind, Tenancy, lifecycle::TenantFilter};
use serde::Serialize;

use crate::{
    cli::{AuditCommand, AuditVerify},
    configuration::Configuration,
    failure::Found,
    installation::{Prepare, Running},
    output::Output,
    progress::Bar,
};

/// What the platform's own log is called beside those of tenants, whose slugs have no such character.
const PLATFORM: &str = "(platform)";
/// Tenants listed at once.
const PAGE: i64 = 500;

/// A log and what was seen of it.
#[derive(Serialize)]
struct Looked {
    log: String,
    #[serde(flatten)]
    report: ChainReport,
}

/// Runs one of them.
pub(crate) async fn run(configuration: &Configuration, command: AuditCommand, output: Output) -> anyhow::Result<()> {
    let platform = Running::open(configuration, Prepare::WhenAlone).await?;
    let result = match command {
        AuditCommand::Verify(args) => verify(&platform.tenancy, &args, output).await,
    };
    platform.close().await?;
    result
}

async fn verify(tenancy: &Tenancy, args: &AuditVerify, output: Output) -> anyhow::Result<()> {
    let logs = match &args.tenant {
        Some(name) => {
            let tenant = tenancy.find_tenant(name).await?;
            one(tenancy, tenant.id, tenant.slug.to_string()).await?.into_iter().collect()
        }
        None => every(tenancy).await?,
    };
    if logs.is_empty() {
        let message = "This tenant has no place for its rows yet, and so no log.";
        return Err(Error::new(ErrorKind::NotFound, "audit_log_missing", message).into());
    }
    output.list(
        &["log", "state", "sound", "waiting", "place", "entry", "finding"],
        &logs,
        |Looked { log, report }| {
            let finding = report.finding.as_ref();
            let told = |text: Option<String>| text.unwrap_or_default();
            vec![
                log.clone(),
                finding.map_or_else(|| "ok".to_owned(), |finding| finding.fault.to_string().to_uppercase()),
                report.sound.to_string(),
                report.waiting.to_string(),
                told(finding.and_then(|finding| finding.seq).map(|seq| seq.to_string())),
                told(finding.and_then(|finding| finding.audit_id).map(|id| id.to_string())),
                told(finding.map(|finding| finding.message.clone())),
            ]
        },
    )?;
    for Looked { log, report } in &logs {
        if let Some(since) = report.waiting_since {
            eprintln!(
                "{log}: {} entries wait for their seal since {since}; `cloister serve` seals them",
                report.waiting
            );
        }
    }
    let broken: Vec<&str> =
        logs.iter().filter(|looked| looked.report.finding.is_some()).map(|looked| looked.log.as_str()).collect();
    if broken.is_empty() {
        return Ok(());
    }
    Err(Found(format!("somebody was at the audit log of {}; see above", broken.join(", "))).into())
}

/// The platform's own log, then those of all tenants by slug.
async fn every(tenancy: &Tenancy) -> anyhow::Result<Vec<Looked>> {
    let mut logs = vec![Looked { log: PLATFORM.to_owned(), report: tenancy.verify_platform_audit().await? }];
    let total = tenancy.registry().len() as u64;
    let bar = Bar::new("audit logs", total);
    let mut filter = TenantFilter { limit: PAGE, ..TenantFilter::default() };
    loop {
        let tenants = tenancy.list_tenants(&filter).await?;
        for tenant in &tenants {
            let slug = tenant.slug.to_string();
            bar.set(logs.len() as u64, total, &slug);
            logs.extend(one(tenancy, tenant.id, slug).await?);
        }
        match tenants.last() {
            Some(last) if i64::try_from(tenants.len()).is_ok_and(|count| count == PAGE) => {
                filter.after = last.slug.to_string();
            }
            _ => break,
        }
    }
    bar.clear();
    Ok(logs)
}

async fn one(tenancy: &Tenancy, tenant: TenantId, log: String) -> anyhow::Result<Option<Looked>> {
    Ok(tenancy.verify_audit(tenant).await?.map(|report| Looked { log, report }))
}
