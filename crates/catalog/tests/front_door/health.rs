//! What load balancers are told, and what goes on working, while the control plane is down.

use serde_json::json;

use crate::{COMPONENTS, companies, fields, platform};

#[tokio::test]
async fn without_the_control_plane_a_node_stays_ready_and_serves() {
    let (platform, door) = platform().await;
    let tenants = companies(&platform).await;
    let admin = platform.admin("postgres").await;
    let control = format!("{}_control", platform.prefix);
    let shut = format!("alter database {control} with allow_connections false");
    admin.batch_execute(&shut).await.unwrap();
    let cut = "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity where datname = $1";
    admin.query(cut, &[&control]).await.unwrap();
    assert!(platform.tenancy.ready().await.is_err(), "the control plane still answers");

    let told = door.call("GET", "/readyz").expect(200).await;
    let expected =
        json!({"status": "degraded", "control_plane": "does not answer", "registry": "ok", "shutdown": "ok"});
    assert_eq!(told, expected);
    for tenant in &tenants {
        let made = door.within(tenant, "POST", COMPONENTS).json(fields("shop", "Shop")).expect(201).await;
        let seen = door.within(tenant, "GET", COMPONENTS).expect(200).await;
        assert_eq!(seen["items"][0]["id"], made["id"], "{}", tenant.slug);
    }

    door.edge().close();
    let told = door.call("GET", "/readyz").expect(503).await;
    assert_eq!((&told["status"], &told["shutdown"]), (&json!("unavailable"), &json!("in progress")));

    let open = format!("alter database {control} with allow_connections true");
    admin.batch_execute(&open).await.unwrap();
    platform.tenancy.ready().await.unwrap();
}
