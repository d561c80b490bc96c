//! A statement is known when the program is built: no text is made from what somebody sent.
// refused: E0308

use cloister_tenancy::{Result, TenantTx};

async fn search(tx: &mut TenantTx, column: &str) -> Result<()> {
    let text = format!("select id from leaf where tenant_id = $1 and {column} is not null");
    tx.query(&text, &[]).await?;
    Ok(())
}

fn main() {
    let _ = search;
}
