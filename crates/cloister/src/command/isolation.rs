//! `cloister doctor isolation`: a proof that tenants are apart, or the name of the hole; and the same before serving.

use cloister_platform::isolation::{self, Isolation};
use cloister_tenancy::{Depth, Error, ErrorKind, Finding, Looked, Proof};

use crate::{
    cli::DoctorIsolation,
    configuration::Configuration,
    failure::Found,
    installation::{Prepare, Running, operator},
    output::{Output, counted, print},
    progress::Bar,
};

/// Fails when something was found.
pub(crate) async fn run(configuration: &Configuration, args: &DoctorIsolation, output: Output) -> anyhow::Result<()> {
    let platform = Running::open(configuration, Prepare::Never).await?;
    let depth = if args.rows { Depth::Rows } else { Depth::Catalog };
    let bar = Bar::new("isolation", 0);
    let made = isolation::prove(&platform.service, depth, &bar).await;
    bar.clear();
    if let Ok(made) = &made
        && let Err(error) = isolation::keep(&platform.service, made).await
    {
        // What was found is told all the same: the control plane itself may be what is broken.
        eprintln!("the proof could not be kept: {}", error.log());
    }
    let now = platform.tenancy.clock().now();
    platform.close().await?;
    let made = made?;
    let proof = made.proof.clone();
    match output {
        Output::Json => print(&serde_json::to_string_pretty(&Isolation::new(made, now))?)?,
        Output::Table => table(&proof)?,
    }
    eprintln!("{}", summary(&proof));
    if proof.is_clean() {
        return Ok(());
    }
    let (critical, all) = (proof.critical().count(), counted(proof.findings.len(), "finding"));
    Err(Found(format!("{all}, {critical} critical; each says what mends it")).into())
}

/// A finding a paragraph: what mends it is SQL to be copied, which no column holds.
fn table(proof: &Proof) -> std::io::Result<()> {
    for finding in &proof.findings {
        print(&format!("{} {}", finding.severity.name().to_uppercase(), named(finding)))?;
        print(&format!("  found  {}", finding.detail))?;
        print(&format!("  why    {}", finding.why))?;
        print(&format!("  mend   {}", finding.mend))?;
    }
    if proof.is_clean() {
        print("clean: nothing was found by which one tenant could reach another")?;
    }
    Ok(())
}

/// `row_security_off: shared.person in main/cloister_shared`
fn named(Finding { code, cluster, database, object, .. }: &Finding) -> String {
    let place = if database.is_empty() { cluster.clone() } else { format!("{cluster}/{database}") };
    format!("{code}: {object} in {place}")
}

fn summary(proof: &Proof) -> String {
    let Looked { clusters, databases, schemas, tables, placements, statements } = proof.looked;
    let parts = [
        format!("{} of tenants", counted(placements, "place")),
        counted(clusters, "server"),
        counted(databases, "database"),
        counted(schemas, "schema"),
        counted(tables, "table"),
    ];
    let seconds = proof.took_ms as f64 / 1000.0;
    format!("looked at {} and {} in {seconds:.1} s", parts.join(", "), counted(statements, "statement"))
}

/// Refuses to serve while a wall has a hole, unless somebody says why it should.
pub(crate) async fn before_serving(platform: &Running, despite: Option<&str>) -> anyhow::Result<()> {
    let bar = Bar::new("isolation", 0);
    let made = isolation::prove(&platform.service, Depth::Catalog, &bar).await;
    bar.clear();
    let made = made?;
    isolation::keep(&platform.service, &made).await?;
    let proof = &made.proof;
    tracing::info!(findings = proof.findings.len(), took_ms = proof.took_ms, "{}", summary(proof));
    isolation::tell(proof);
    let critical = proof.critical().count();
    let Some(first) = proof.critical().next() else { return Ok(()) };
    let Some(reason) = despite else {
        let more = if critical == 1 { String::new() } else { format!(", and {} more", critical - 1) };
        let message = format!(
            "A wall between tenants has a hole: {}: {}{more}. `cloister doctor isolation` tells what mends it. \
             `cloister serve --despite-findings \"REASON\"` serves nevertheless.",
            named(first),
            first.detail,
        );
        return Err(Error::new(ErrorKind::PreconditionFailed, "isolation_broken", message).into());
    };
    isolation::serve_despite(&platform.service, &operator(), reason, proof).await?;
    tracing::error!(reason, critical, "serving although a wall has a hole");
    Ok(())
}
