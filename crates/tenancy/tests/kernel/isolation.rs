//! What one tenant does is invisible to another, in every tier.

use cloister_ids::{Id, SystemClock, Uuid, kind};
use cloister_tenancy::{ErrorKind, OpContext, Tenancy, Tier};
use cloister_testkit::{TestPlatform, note};

/// Notes have no kind of their own in the registry; any id serves.
pub(crate) fn fresh() -> Uuid {
    Id::<kind::Request>::generate(&SystemClock).uuid()
}

pub(crate) async fn write_note(tenancy: &Tenancy, cx: &OpContext, body: &str) -> Uuid {
    let id = fresh();
    let mut tx = tenancy.write(cx).await.unwrap();
    tx.query(&note::INSERT, &[&id, &body, &None::<String>]).await.unwrap();
    tx.commit().await.unwrap();
    id
}

pub(crate) async fn count(tenancy: &Tenancy, cx: &OpContext) -> i64 {
    tenancy.fetch(cx, &note::COUNT, &[]).await.unwrap()[0].get(0)
}

/// Everything below proves nothing if the role could get round the walls: this is asserted first.
pub(crate) async fn assert_walls_apply(platform: &TestPlatform, database: &str) {
    let client = platform.cluster.application.connect(database).await.unwrap();
    let row = client
        .query_one(
            "select rolsuper, rolbypassrls, exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where pg_has_role(current_user, c.relowner, 'MEMBER') and n.nspname not like 'pg\\_%'
                  and n.nspname <> 'information_schema')
             from pg_roles where rolname = current_user",
            &[],
        )
        .await
        .unwrap();
    assert_eq!((row.get(0), row.get(1), row.get(2)), (false, false, false), "the tests run as a role above the walls");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_cannot_write_in_any_tier() {
    let platform = TestPlatform::start().await;
    for tenant in &platform.tenant_in_each_tier().await {
        let (cx, none) = (platform.cx(tenant), None::<String>);
        let before = count(&platform.tenancy, &cx).await;
        let (one, many) = (fresh(), fresh());
        let alone = platform.tenancy.fetch(&cx, &note::INSERT, &[&one, &"one", &none]).await;
        let insert: (_, &cloister_postgres::Parameters<'_>) = (&note::INSERT, &[&many, &"many", &none]);
        let behind = platform.tenancy.fetch_all(&cx, &[(&note::COUNT, &[]), insert]).await;
        for refused in [alone.map(drop).unwrap_err(), behind.map(drop).unwrap_err()] {
            assert!(refused.log().contains("25006"), "{}: {}", tenant.tier, refused.log());
        }
        // And the connection that was refused writes for the next caller.
        write_note(&platform.tenancy, &cx, "written").await;
        assert_eq!(count(&platform.tenancy, &cx).await, before + 1, "{}", tenant.tier);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_stay_with_their_tenant_in_every_tier() {
    let platform = TestPlatform::start().await;
    let mut tenants = platform.tenant_in_each_tier().await;
    tenants.push(platform.tenant("another-shared", Tier::Shared).await);
    tenants.push(platform.tenant("another-schema", Tier::Schema).await);
    for tenant in &tenants {
        assert_walls_apply(&platform, &tenant.placement.as_ref().unwrap().database).await;
    }
    let mut ids = Vec::new();
    for tenant in &tenants {
        let cx = platform.cx(tenant);
        ids.push(write_note(&platform.tenancy, &cx, &format!("of {}", tenant.slug)).await);
    }
    for (at, tenant) in tenants.iter().enumerate() {
        let cx = platform.cx(tenant);
        // Its own, and the one that provisioning wrote.
        assert_eq!(count(&platform.tenancy, &cx).await, 2, "{}", tenant.slug);
        for (other, id) in ids.iter().enumerate() {
            let rows = platform.tenancy.fetch(&cx, &note::GET, &[id]).await.unwrap();
            assert_eq!(rows.len(), usize::from(other == at), "{} and the note of {}", tenant.slug, tenants[other].slug);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_security_stands_behind_careless_and_hostile_statements() {
    let platform = TestPlatform::start().await;
    for tier in Tier::ALL {
        let mine = platform.tenant(&format!("mine-{tier}"), *tier).await;
        let other = platform.tenant(&format!("other-{tier}"), *tier).await;
        let cx = platform.cx(&mine);
        write_note(&platform.tenancy, &platform.cx(&other), "theirs").await;
        let rows = platform.tenancy.fetch(&cx, &note::CARELESS, &[]).await.unwrap();
        assert!(!rows.is_empty());
        assert!(rows.iter().all(|row| row.get::<_, Uuid>(0) == mine.id.uuid()), "{tier}: rows of another tenant");
        let mut tx = platform.tenancy.write(&cx).await.unwrap();
        let refused = tx.query(&note::HOSTILE, &[&other.id, &fresh()]).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Internal, "{tier}: {refused:?}");
        drop(tx);
        assert_eq!(count(&platform.tenancy, &platform.cx(&other)).await, 2, "{tier}: a row was planted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_another_tenant_cannot_be_referenced() {
    let platform = TestPlatform::start().await;
    let mine = platform.tenant("mine", Tier::Shared).await;
    let other = platform.tenant("other", Tier::Shared).await;
    let theirs = write_note(&platform.tenancy, &platform.cx(&other), "theirs").await;
    let cx = platform.cx(&mine);
    let mut answers = Vec::new();
    // One that is another tenant's and one that is nobody's: the answers are the same.
    for parent in [theirs, fresh()] {
        let mut tx = platform.tenancy.write(&cx).await.unwrap();
        let refused = tx.query(&note::INSERT_BELOW, &[&fresh(), &"child", &parent]).await.unwrap_err();
        answers.push((refused.kind(), refused.code(), refused.message().to_owned(), refused.fields().to_vec()));
    }
    assert_eq!(answers[0].1, "validation_failed");
    assert_eq!(answers[0].3[0].code, "note_unknown");
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_label_in_two_tenants_is_no_conflict() {
    let platform = TestPlatform::start().await;
    let mine = platform.tenant("mine", Tier::Shared).await;
    let other = platform.tenant("other", Tier::Shared).await;
    for tenant in [&mine, &other] {
        let mut tx = platform.tenancy.write(&platform.cx(tenant)).await.unwrap();
        tx.query(&note::INSERT, &[&fresh(), &"body", &Some("label".to_owned())]).await.unwrap();
        tx.commit().await.unwrap();
    }
    let mut tx = platform.tenancy.write(&platform.cx(&mine)).await.unwrap();
    let refused = tx.query(&note::INSERT, &[&fresh(), &"body", &Some("label".to_owned())]).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Conflict, "label_taken"));
}
