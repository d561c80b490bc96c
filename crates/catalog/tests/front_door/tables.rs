//! The catalog's tables and statements keep the rules that hold tenants apart.

use cloister_testkit::{check_schema, check_statements};

use crate::platform;

#[tokio::test(flavor = "multi_thread")]
async fn tables_and_statements_keep_to_the_tenant() {
    let (platform, _) = platform().await;
    let catalog: Vec<_> = platform.tenancy.modules().iter().filter(|m| m.name() == "catalog").cloned().collect();
    assert_eq!(catalog.len(), 1);
    check_schema(&platform).await;
    check_statements(&platform, &catalog).await;
}
