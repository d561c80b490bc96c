//! How long the prover takes over as many places as a server may hold. On demand: `CLOISTER_TEST_LARGE=1` (or how many).

use std::time::{Duration, Instant};

use cloister_tenancy::{Depth, Tier};
use cloister_testkit::{TestPlatform, TestSettings};
use futures_util::{StreamExt, stream};

use crate::modules;

#[tokio::test(flavor = "multi_thread")]
async fn large_five_hundred_schemas_are_proven_in_seconds() {
    let Some(wanted) = std::env::var_os("CLOISTER_TEST_LARGE") else { return };
    let many = wanted.to_str().and_then(|text| text.parse().ok()).filter(|many| *many > 1).unwrap_or(500);
    let filter = tracing_subscriber::EnvFilter::new("walls=info,cloister_tenancy::proof=debug");
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
    let platform = TestPlatform::with(TestSettings { modules: modules(), ..TestSettings::default() }).await;
    // The first alone: it makes the database that the others are put into.
    platform.tenant("many-0", Tier::Schema).await;
    stream::iter(1..many)
        .for_each_concurrent(4, async |number| drop(platform.tenant(&format!("many-{number}"), Tier::Schema).await))
        .await;
    let began = Instant::now();
    let proof = platform.tenancy.prove(Depth::Catalog, &()).await.unwrap();
    let took = began.elapsed();
    tracing::info!(?took, looked = ?proof.looked, "proven");
    assert!(proof.looked.placements == many && took < Duration::from_mins(1), "{took:?} for {:?}", proof.looked);
    assert!(proof.findings.iter().all(|finding| finding.database.is_empty()), "{:#?}", proof.findings);
}
