//! Which tenant a request is about, and what a stranger may learn.

use cloister_tenancy::{Actor, Tier};
use cloister_testkit::token;

use crate::{COMPONENTS, platform};

#[tokio::test]
async fn host_path_header_and_token_each_name_the_tenant_and_all_must_agree() {
    let (platform, door) = platform().await;
    let forge = platform.tenant_of("forge", "company", Tier::Shared).await;
    let other = platform.tenant_of("other", "company", Tier::Schema).await;
    let anywhere = token("tester", None, &["*"]);
    let mine = token("tester", Some(&forge), &["*"]);
    let under_path = format!("/t/forge{COMPONENTS}");
    let get = |path: &str| door.call("GET", path).token(&anywhere);

    get(COMPONENTS).header("host", "forge.localhost:8080").expect(200).await;
    get(COMPONENTS).header("host", "FORGE.localhost").expect(200).await;
    get(COMPONENTS).header("x-tenant-id", "forge").expect(200).await;
    get(COMPONENTS).header("x-tenant-id", &forge.id.to_string()).expect(200).await;
    get(&under_path).header("host", "localhost:8080").expect(200).await;
    door.call("GET", COMPONENTS).header("host", "127.0.0.1:8080").token(&mine).expect(200).await;
    get(&under_path).header("host", "forge.localhost").header("x-tenant-id", "forge").token(&mine).expect(200).await;

    get(COMPONENTS).header("host", "localhost").refused(400, "tenant_required").await;
    get(COMPONENTS).header("host", "nobody.localhost").refused(404, "tenant_unknown").await;
    get(COMPONENTS).header("host", "elsewhere.example").refused(404, "tenant_unknown").await;
    get(COMPONENTS).header("x-tenant-id", "nobody").refused(404, "tenant_unknown").await;
    get(COMPONENTS).header("host", "a b").refused(400, "host_invalid").await;
    for (path, host, header, bearer) in [
        (COMPONENTS, "other.localhost", "forge", &anywhere),
        (COMPONENTS, "other.localhost", "", &mine),
        (COMPONENTS, "localhost", "other", &mine),
        (&under_path, "other.localhost", "", &anywhere),
        (&under_path, "localhost", "nobody", &anywhere),
        (COMPONENTS, "nobody.localhost", "", &mine),
    ] {
        let call = door.call("GET", path).header("host", host).token(bearer);
        let call = if header.is_empty() { call } else { call.header("x-tenant-id", header) };
        call.refused(403, "tenant_mismatch").await;
    }
    let location =
        door.within(&other, "POST", &format!("/t/other{COMPONENTS}")).json(crate::fields("shop", "Shop")).send().await;
    assert!(location.header("location").unwrap().starts_with("/t/other/api/v1/components/cmp_"));
}

#[tokio::test]
async fn a_stranger_learns_nothing_of_a_tenants_state() {
    let (platform, door) = platform().await;
    let forge = platform.tenant_of("forge", "company", Tier::Shared).await;
    let by = Actor::Operator("test".into());
    let at_forge = || door.call("GET", COMPONENTS).header("host", "forge.localhost");
    let mine = token("tester", Some(&forge), &["*"]);

    let seen = at_forge().send().await;
    assert_eq!((seen.status, seen.body["code"].as_str()), (401, Some("unauthenticated")));
    assert_eq!(seen.header("www-authenticate"), Some("Bearer realm=\"cloister\""));
    let seen = at_forge().token("forged").send().await;
    assert_eq!(seen.status, 401);
    assert_eq!(seen.header("www-authenticate"), Some("Bearer realm=\"cloister\", error=\"invalid_token\""));
    door.call("GET", COMPONENTS).header("host", "localhost").refused(401, "unauthenticated").await;
    door.call("GET", COMPONENTS).header("host", "nobody.localhost").refused(404, "tenant_unknown").await;

    platform.tenancy.set_maintenance(forge.id, true, Some("Back at noon."), &by).await.unwrap();
    at_forge().refused(401, "unauthenticated").await;
    let told = at_forge().token(&mine).refused(503, "tenant_maintenance").await;
    assert_eq!(told["detail"], "Back at noon.");
    platform.tenancy.set_maintenance(forge.id, false, None, &by).await.unwrap();
    at_forge().token(&mine).expect(200).await;

    let workflow = platform.tenancy.suspend_tenant(forge.id, Some("unpaid"), &by).await.unwrap();
    platform.tenancy.finish(workflow, &|_| {}).await.unwrap();
    at_forge().refused(401, "unauthenticated").await;
    at_forge().token(&mine).refused(403, "tenant_suspended").await;
}
