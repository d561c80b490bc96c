//! What was committed is over.
// refused: E0382

use cloister_tenancy::{Result, TenantTx, sql::statements};

statements! {
    /// All.
    LIST = "select id from leaf where tenant_id = $1";
}

async fn too_late(mut tx: TenantTx) -> Result<()> {
    tx.commit().await?;
    tx.query(&LIST, &[]).await?;
    Ok(())
}

fn main() {
    let _ = too_late;
}
