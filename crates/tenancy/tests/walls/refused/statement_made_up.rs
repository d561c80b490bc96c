//! A statement that no list names cannot be put together by hand.
// refused: E0451

use cloister_tenancy::{Result, TenantTx, sql::Statement};

static HIDDEN: Statement = Statement { name: "hidden", sql: "select 1" };

async fn run(tx: &mut TenantTx) -> Result<()> {
    tx.query(&HIDDEN, &[]).await?;
    Ok(())
}

fn main() {
    let _ = run;
}
