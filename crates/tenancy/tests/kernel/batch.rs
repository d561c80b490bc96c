//! Many units of work that commit together or not at all.

use cloister_tenancy::ErrorKind;
use cloister_testkit::{TestPlatform, note};

use crate::isolation::{count, fresh, write_note};

#[tokio::test(flavor = "multi_thread")]
async fn steps_fail_alone_and_commit_together_in_every_tier() {
    let platform = TestPlatform::start().await;
    let tenancy = &platform.tenancy;
    for tenant in &platform.tenant_in_each_tier().await {
        let cx = platform.cx(tenant);
        write_note(tenancy, &cx, "before").await;
        let before = count(tenancy, &cx).await;
        let batch = tenancy.batch(&cx, "trial").await.unwrap().unwrap();
        write_note(tenancy, batch.cx(), "kept").await;
        batch.keep().await.unwrap();
        // A statement that fails takes its step with it, and the connection goes on.
        let twice = fresh();
        let mut tx = tenancy.write(batch.cx()).await.unwrap();
        tx.query(&note::INSERT, &[&twice, &"one", &None::<String>]).await.unwrap();
        tx.query(&note::INSERT, &[&twice, &"two", &None::<String>]).await.unwrap_err();
        let after = tx.query(&note::COUNT, &[]).await.unwrap_err();
        assert_eq!(after.kind(), ErrorKind::Internal, "what failed does not go on half");
        drop(tx);
        assert_eq!(count(tenancy, batch.cx()).await, before + 1);
        // So does one that is dropped, rolled back, or taken back.
        let mut tx = tenancy.write(batch.cx()).await.unwrap();
        tx.query(&note::INSERT, &[&fresh(), &"dropped", &None::<String>]).await.unwrap();
        drop(tx);
        assert_eq!(count(tenancy, batch.cx()).await, before + 1);
        let mut tx = tenancy.write(batch.cx()).await.unwrap();
        tx.query(&note::INSERT, &[&fresh(), &"rolled back", &None::<String>]).await.unwrap();
        tx.rollback().await.unwrap();
        write_note(tenancy, batch.cx(), "taken back").await;
        assert_eq!(count(tenancy, batch.cx()).await, before + 2);
        batch.take_back().await.unwrap();
        write_note(tenancy, batch.cx(), "last").await;
        assert_eq!(count(tenancy, batch.cx()).await, before + 2);
        // Nobody else sees any of it, and nobody else is at the same work.
        assert_eq!(count(tenancy, &cx).await, before);
        assert!(tenancy.batch(&cx, "trial").await.unwrap().is_none());
        batch.commit().await.unwrap();
        assert_eq!(count(tenancy, &cx).await, before + 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_commit_nothing_of_it_remains() {
    let platform = TestPlatform::start().await;
    let tenancy = &platform.tenancy;
    for tenant in &platform.tenant_in_each_tier().await {
        let cx = platform.cx(tenant);
        let before = count(tenancy, &cx).await;
        for way in ["dropped", "rolled back"] {
            let batch = tenancy.batch(&cx, "trial").await.unwrap().unwrap();
            write_note(tenancy, batch.cx(), way).await;
            batch.keep().await.unwrap();
            write_note(tenancy, batch.cx(), way).await;
            if way == "dropped" {
                drop(batch);
            } else {
                batch.rollback().await.unwrap();
            }
            assert_eq!(count(tenancy, &cx).await, before, "{way} in {}", tenant.tier);
        }
        let batch = tenancy.batch(&cx, "trial").await.unwrap().unwrap();
        assert!(tenancy.snapshot(batch.cx()).await.is_err(), "a step sees what the batch did, not one moment");
    }
}
