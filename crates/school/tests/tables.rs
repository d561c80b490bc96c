//! The school's tables and statements keep the rules that hold tenants apart.

use std::sync::Arc;

use cloister_school::School;
use cloister_tenancy::Module;
use cloister_testkit::{TestPlatform, TestSettings, check_schema, check_statements};

#[tokio::test(flavor = "multi_thread")]
async fn tables_and_statements_keep_to_the_tenant() {
    let modules: Vec<Arc<dyn Module>> = vec![Arc::new(School)];
    let platform = TestPlatform::with(TestSettings { modules: modules.clone(), ..TestSettings::default() }).await;
    check_schema(&platform).await;
    check_statements(&platform, &modules).await;
}
