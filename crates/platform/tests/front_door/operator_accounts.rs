//! Who runs the platform: there is always an admin, and a changed role ends everything of the old one.

use std::time::{Duration, Instant};

use cloister_ids::AccountId;
use serde_json::json;

use crate::{
    fixture::{House, text},
    operators::{inside, look, noted_by_platform, operator},
};

#[tokio::test(flavor = "multi_thread")]
async fn there_is_always_an_admin_and_a_changed_role_ends_everything_of_the_old_one() {
    let house = House::open().await;
    let north = house.school("north").await;
    house.member(&north, "ada@north.example", "owner").await;
    let (ann, admin) = operator(&house, "ann@platform.example", "admin").await;
    let (sam, support) = operator(&house, "sam@platform.example", "support").await;
    let visit = inside(&house, &support, "north", true).await;
    let operators = "/api/v1/platform/operators";
    let call = |method: &str, path: &str, tag: i64| {
        house.at(None, method, path).token(&admin).header("if-match", &format!("\"v{tag}\""))
    };
    let one = |id: AccountId| format!("{operators}/{id}");
    let refused = call("PATCH", &one(ann), 1).json(json!({ "role": "viewer" })).refused(409, "last_admin").await;
    assert!(text(&refused, "detail").contains("last admin"));
    call("DELETE", &one(ann), 1).refused(409, "last_admin").await;
    call("DELETE", &one(sam), 7).refused(412, "version_mismatch").await;
    house.at(None, "DELETE", &one(sam)).token(&admin).refused(428, "precondition_required").await;

    let (node, door) = house.second_node().await;
    let following = tokio::spawn(async move { node.follow().await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let there = async |path: &str, host: &str, token: &str| {
        door.call("GET", path).header("host", host).token(token).send().await
    };
    assert_eq!(there("/api/v1/platform/entries", "localhost", &support).await.status, 200);
    let changed = call("PATCH", &one(sam), 1).json(json!({ "role": "viewer" })).expect(200).await;
    assert_eq!((&changed["role"], &changed["version"]), (&json!("viewer"), &json!(2)));
    let begun = Instant::now();
    while there("/api/v1/platform/entries", "localhost", &support).await.body["code"] != "session_ended" {
        assert!(begun.elapsed() < Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let within = text(&visit, "access_token");
    assert_eq!(there("/api/v1/tenant", "north.localhost", within).await.status, 401);
    look(&house, &north, within).refused(401, "session_ended").await;
    let listed = call("GET", "/api/v1/platform/entries?open=true", 1).expect(200).await;
    assert_eq!(listed["items"], json!([]), "the visit is over");

    // Only accounts that exist, and each once.
    let create = |email: &str| call("POST", operators, 1).json(json!({ "email": email, "role": "admin" }));
    let unknown = create("nobody@platform.example").refused(422, "validation_failed").await;
    assert_eq!(unknown["errors"][0]["code"], "unknown_account");
    create("sam@platform.example").refused(409, "operator_exists").await;
    let made = create("ada@north.example").send().await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.header("location").unwrap(), format!("{operators}/{}", text(&made.body, "id")));
    // Now there is another admin, and the first may go.
    call("DELETE", &one(ann), 1).expect(204).await;
    call("GET", operators, 1).refused(401, "session_ended").await;
    let bare = house.sign_in(None, "ann@platform.example").await;
    let call = house.at(None, "GET", operators).token(text(&bare, "access_token"));
    call.refused(404, "not_found").await;
    let changes = noted_by_platform(&house, "operator.update").await;
    assert_eq!(changes[0]["changes"]["role"], json!({ "before": "support", "after": "viewer" }));
    assert_eq!(noted_by_platform(&house, "operator.delete").await.len(), 1);
    following.abort();
}
