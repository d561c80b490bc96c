//! `cloister doctor`: looks at what an installation leans on, and says what to do about what it finds.

use serde::Serialize;

use crate::{
    configuration::Configuration,
    failure,
    installation::{Prepare, Running},
    output::{Output, counted},
};
use cloister_platform::isolation::{self, Isolation, IsolationState};
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
    match Running::open(configuration, Prepare::Never).await {
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
            match isolation::latest(&platform.service).await {
                Ok(last) => note("isolation", last_is_well(&last), told(&last)),
                Err(error) => note("isolation", false, error.log()),
            }
            platform.close().await?;
        }
    }
    output.list(&["check", "state", "finding"], &findings, |finding| {
        let state = if finding.ok { "ok" } else { "WRONG" };
        vec![finding.check.to_owned(), state.to_owned(), finding.detail.clone()]
    })?;
    if findings.iter().all(|finding| finding.ok) {
        return Ok(());
    }
    Err(failure::Found("something is wrong; see above".to_owned()).into())
}

fn last_is_well(last: &Isolation) -> bool {
    matches!(last.state, IsolationState::Clean | IsolationState::Unknown)
}

/// What the last proof said, and how long ago: it is not made again here.
fn told(last: &Isolation) -> String {
    let (Some(proof), Some(age)) = (&last.proof, last.age_seconds) else {
        return "never looked at; `cloister doctor isolation` looks".to_owned();
    };
    let age = match age {
        ..120 => counted(age, "second"),
        120..7200 => counted(age / 60, "minute"),
        7200..172_800 => counted(age / 3600, "hour"),
        _ => counted(age / 86400, "day"),
    };
    match last.state {
        IsolationState::Clean => format!("tenants are apart, as of {age} ago"),
        IsolationState::Stale => format!(
            "nobody has looked for {age}: a running node does every hour; see its log for job platform.isolation, or look with \
             `cloister doctor isolation`"
        ),
        _ => format!(
            "{}, {} critical, as of {age} ago; `cloister doctor isolation` tells each and what mends it",
            counted(i64::from(proof.critical) + i64::from(proof.warnings), "finding"),
            proof.critical
        ),
    }
}
