//! `cloister doctor isolation`: a proof that tenants are apart, or the name of the hole; and the same before serving.

use cloister_platform::isolation;
use cloister_tenancy::{Depth, Error, ErrorKind, Finding, Looked, Proof};

use crate::{
    cli::DoctorIsolation,
    configuration::Configuration,
    installation::{Prepare, Running, operator},
    output::{Output, print},
    progress::Bar,
};

/// Fails when something was found.
pub(crate) async fn run(configuration: &Configuration, args: &DoctorIsolation, output: Output) -> anyhow::Result<()> {
    let platform = Running::open(configuration, Prepare::WhenAlone).await?;
    let depth = if args.rows { Depth::Rows } else { Depth::Catalog };
    let bar = Bar::new("databases", 0);
    let proof = isolation::prove(&platform.service, depth, &bar).await;
    bar.clear();
    platform.close().await?;
    let proof = proof?;
    match output {
        Output::Json => print(&serde_json::to_string_pretty(&proof)?)?,
        Output::Table => table(&proof)?,
    }
    eprintln!("{}", summary(&proof));
    if proof.is_clean() {
        return Ok(());
    }
    let (critical, all) = (proof.critical().count(), proof.findings.len());
    anyhow::bail!("{all} findings, {critical} of them critical; each says what mends it")
}

/// A finding a paragraph: what mends it is SQL to be copied, which no column holds.
fn table(proof: &Proof) -> std::io::Result<()> {
    for Finding { code, severity, cluster, database, object, detail, why, mend } in &proof.findings {
        let place = if database.is_empty() { cluster.clone() } else { format!("{cluster}/{database}") };
        print(&format!("{} {code}: {object} in {place}", severity.name().to_uppercase()))?;
        print(&format!("  found  {detail}"))?;
        print(&format!("  why    {why}"))?;
        if !mend.is_empty() {
            print(&format!("  mend   {mend}"))?;
        }
    }
    if proof.is_clean() {
        print("clean: nothing was found by which one tenant could reach another")?;
    }
    Ok(())
}

fn summary(proof: &Proof) -> String {
    let Looked { clusters, databases, schemas, tables, placements, statements } = proof.looked;
    format!(
        "looked at {placements} places of tenants, {clusters} servers, {databases} databases, {schemas} schemas, {tables} tables \
         and {statements} statements in {:.1} s",
        proof.took_ms as f64 / 1000.0
    )
}

/// Refuses to serve while a wall has a hole, unless somebody says why it should.
pub(crate) async fn before_serving(platform: &Running, despite: Option<&str>) -> anyhow::Result<()> {
    let bar = Bar::new("isolation", 0);
    let proof = isolation::prove(&platform.service, Depth::Catalog, &bar).await;
    bar.clear();
    let proof = match proof {
        // Whoever holds the owner login looks; this node only serves.
        Err(error) if error.code() == "owner_missing" => {
            tracing::warn!("this node has no owner login, so it cannot look whether tenants are apart");
            return Ok(());
        }
        proof => proof?,
    };
    tracing::info!(findings = proof.findings.len(), took_ms = proof.took_ms, "{}", summary(&proof));
    let Some(first) = proof.critical().next() else { return Ok(()) };
    let Some(reason) = despite else {
        let message = format!(
            "A wall between tenants has a hole: {} ({} in database {}): {}. There are {} such findings; `cloister doctor isolation` \
             tells each and what mends it. To serve nevertheless: --despite-findings \"REASON\".",
            first.code,
            first.object,
            first.database,
            first.detail,
            proof.critical().count(),
        );
        return Err(Error::new(ErrorKind::PreconditionFailed, "isolation_broken", message).into());
    };
    isolation::serve_despite(&platform.service, &operator(), reason, &proof).await?;
    tracing::error!(reason, critical = proof.critical().count(), "serving although a wall has a hole");
    Ok(())
}
