//! `cloister doctor`: looks at what an installation leans on, and says what to do about what it finds.

use serde::Serialize;

use crate::{
    configuration::Configuration,
    failure,
    installation::{Prepare, Running},
    output::Output,
};
use cloister_tenancy::{Status, lifecycle::TenantFilter};

#[derive(Serialize)]
struct Finding {
    check: &'static str,
    ok: bool,
    detail: String,
}

/// Fails when something is wrong.
pub(crate) async fn run(configuration: &Configuration, output: Output) -> anyhow::Result<()> {
    let mut findings = Vec::new();
    let mut note = |check, ok, detail: String| findings.push(Finding { check, ok, detail });
    // Opening it checks the server, the logins and what the application login may do.
    match Running::open(configuration, Prepare::WhenAlone).await {
        Err(error) => note("server and logins", false, failure::describe(&error).0.replace("\n ", "")),
        Ok(platform) => {
            note("server and logins", true, "reachable; the application login owns and bypasses nothing".to_owned());
            let tenancy = &platform.tenancy;
            match tenancy.migrate_fleet(1, true, &()).await {
                Ok(report) if report.behind == 0 => note("migrations", true, "everything is up to date".to_owned()),
                Ok(report) => {
                    note("migrations", false, format!("{} targets are behind: run `cloister migrate`", report.behind));
                }
                Err(error) => note("migrations", false, error.log()),
            }
            let failed = TenantFilter { status: Some(Status::Failed), limit: 1000, ..TenantFilter::default() };
            match tenancy.list_tenants(&failed).await {
                Ok(tenants) if tenants.is_empty() => {
                    note("tenants", true, format!("{} known, none failed", tenancy.registry().len()));
                }
                Ok(tenants) => {
                    let slugs: Vec<_> = tenants.iter().map(|tenant| tenant.slug.to_string()).collect();
                    note(
                        "tenants",
                        false,
                        format!("failed: {}; run `cloister tenant retry` or `abandon`", slugs.join(", ")),
                    );
                }
                Err(error) => note("tenants", false, error.log()),
            }
            platform.close().await?;
        }
    }
    output.list(&["check", "state", "finding"], &findings, |finding| {
        let state = if finding.ok { "ok" } else { "WRONG" };
        vec![finding.check.to_owned(), state.to_owned(), finding.detail.clone()]
    })?;
    anyhow::ensure!(findings.iter().all(|finding| finding.ok), "something is wrong; see above");
    Ok(())
}
