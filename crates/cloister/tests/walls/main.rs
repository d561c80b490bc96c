//! The walls in the database, tried from the wrong side: by a live catalog, so that a new table stands here by itself.
//!
//! Each test also makes holes, one at a time, and looks whether it would notice: `cargo xtask mutate-isolation` asks for that
//! by naming a file in `CLOISTER_MUTANTS_REPORT`, in which there is then a line a hole, with what noticed it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, and says where")]

mod catalog;
mod fence;
mod holes;
mod many;
mod replay;
mod report;
mod seed;
mod tables;
mod trial;

use std::sync::Arc;

use cloister_catalog::Catalog;
use cloister_ids::TenantId;
use cloister_platform::Platform;
use cloister_school::School;
use cloister_tenancy::{Module, TenantEntry, Tier};
use cloister_testkit::{TestPlatform, TestSettings};
use tokio_postgres::Client;

/// What the binary serves.
fn modules() -> Vec<Arc<dyn Module>> {
    vec![Arc::new(Platform::new()), Arc::new(School), Arc::new(Catalog)]
}

/// Two tenants side by side in the shared tables, and a way past all walls.
struct Ground {
    platform: TestPlatform,
    admin: Client,
    /// Whose rows must be out of reach.
    theirs: Arc<TenantEntry>,
    /// Who reaches for them.
    ours: Arc<TenantEntry>,
}

impl Ground {
    async fn new() -> Self {
        let platform = TestPlatform::with(TestSettings { modules: modules(), ..TestSettings::default() }).await;
        let theirs = platform.tenant("theirs", Tier::Shared).await;
        let ours = platform.tenant("ours", Tier::Shared).await;
        let place = theirs.placement.as_ref().unwrap();
        let admin = platform.admin(&place.database).await;
        admin.batch_execute(&format!("set search_path = \"{}\"", place.schema)).await.unwrap();
        Self { platform, admin, theirs, ours }
    }

    fn schema(&self) -> &str {
        &self.ours.placement.as_ref().unwrap().schema
    }

    fn database(&self) -> &Arc<str> {
        &self.ours.placement.as_ref().unwrap().database
    }
}

/// A tenant's id as a literal.
fn literal(tenant: TenantId) -> String {
    format!("'{}'::uuid", tenant.uuid())
}
