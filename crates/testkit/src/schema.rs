//! The prover, turned on a platform for tests.

use std::sync::Arc;

use cloister_postgres::Statement;
use cloister_tenancy::{Depth, Finding, Module, StatementFaults, Tier};

use crate::TestPlatform;

/// What the prover finds on this platform, with a tenant in each tier, apart from what it says about the server and its
/// logins, which the tests of a run share, and about statements, which [`check_statements`] tells.
pub async fn schema_faults(platform: &TestPlatform) -> Vec<Finding> {
    let kinds = platform.tenancy.kinds();
    for tier in Tier::ALL {
        let slug = format!("checks-schema-{tier}");
        if platform.tenancy.registry().by_slug(&slug).is_none() {
            platform.tenant_of(&slug, kinds[0], *tier).await;
        }
    }
    match platform.tenancy.prove(Depth::Rows, &()).await {
        Ok(proof) => proof.findings.into_iter().filter(is_of_platform).collect(),
        Err(error) => panic!("{}", error.log()),
    }
}

fn is_of_platform(finding: &Finding) -> bool {
    !finding.database.is_empty() && finding.code != "statement_unbound"
}

/// Panics with all that is wrong with the tables of this platform.
pub async fn check_schema(platform: &TestPlatform) {
    let faults = schema_faults(platform).await;
    let told: Vec<String> =
        faults.iter().map(|f| format!("{}: {} {}: {}", f.code, f.database, f.object, f.detail)).collect();
    assert!(told.is_empty(), "what breaks the rules:\n{}", told.join("\n"));
}

/// Checks every statement of `modules`, and panics with all that is wrong with them.
///
/// The platform must have these modules.
pub async fn check_statements(platform: &TestPlatform, modules: &[Arc<dyn Module>]) {
    let faults = statement_faults(platform, &statements_of(modules)).await;
    let told: Vec<String> =
        faults.iter().map(|(statement, faults)| format!("{statement}: {}", faults.join("; "))).collect();
    assert!(told.is_empty(), "statements that must not be run:\n{}", told.join("\n"));
}

/// Every statement of these modules.
pub fn statements_of(modules: &[Arc<dyn Module>]) -> Vec<&'static Statement> {
    let lists = modules.iter().flat_map(|module| module.statements().iter());
    let meters = modules.iter().flat_map(|module| module.meters().iter().map(|meter| meter.count));
    lists.flat_map(|list| list.iter().copied()).chain(meters).collect()
}

/// What is wrong with these statements, which run in a tenant's schema with the tenant as `$1`.
pub async fn statement_faults(platform: &TestPlatform, statements: &[&'static Statement]) -> StatementFaults {
    match platform.tenancy.statement_faults(statements).await {
        Ok(faults) => faults,
        Err(error) => panic!("{}", error.log()),
    }
}
