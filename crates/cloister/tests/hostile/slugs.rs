//! Names of tenants that look like another's.

use serde_json::json;

use crate::{
    document,
    house::{Faults, House, request},
    node::Node,
    snapshot::{self, Whose, same},
    wire::percent,
};

/// None of them is a name that anybody may have.
const ALIKE: &[&str] = &[
    "nоrth",         // Cyrillic о
    "ｎｏｒｔｈ",    // full width
    "nor\u{ad}th",   // soft hyphen
    "nor\u{200d}th", // zero-width joiner
    "north\u{200b}",
    "\u{202e}htron", // turned round
    "no\u{301}rth",
    "NORTH",
    "North",
    "north.",
    "north ",
    " north",
    "north\t",
    "north\n",
    "north\0",
    "-north",
    "north-",
    "xn--nrth-55d",
    "no--rth",
    "nor_th",
    "north/../lakeside",
    "north%2e",
    "..",
    ".",
    "",
    "admin",
    "www",
    "api",
    "ops",
    "localhost",
    "t",
];

pub(crate) async fn that_look_alike_are_refused(node: &Node, house: &House, faults: &mut Faults) {
    let before = snapshot::take(&node.prefix, &Whose::All).await;
    let document = document::read();
    let operations = document::operations(&document);
    // Whatever operation takes the name of a tenant to be: found in the document.
    let making: Vec<_> =
        operations.iter().filter(|one| one.body.as_ref().is_some_and(|body| body["slug"].is_string())).collect();
    assert!(making.len() >= 2, "{} operations make tenants", making.len());
    let long = "n".repeat(64);
    let endless = "n".repeat(10_000);
    for name in ALIKE.iter().copied().chain([long.as_str(), endless.as_str()]) {
        let shown: String = name.chars().take(40).collect();
        for operation in &making {
            let mut body = operation.body.clone().unwrap();
            body["slug"] = json!(name);
            let path = operation.path_of_nothing(&document);
            let text = request(
                &operation.method.to_uppercase(),
                &path,
                &house.operator,
                &[("If-Match", "\"v1\"")],
                Some(&body.to_string()),
            );
            let refused = "422 validation_failed|409 slug_taken|404 not_found|422 slug_invalid|422 slug_reserved";
            faults.expect(&format!("{} of {shown:?}", operation.id), &house.send(text).await, refused);
        }
        let escaped = percent(name.as_bytes());
        let list = "/api/v1/persons?limit=1";
        let said = request("GET", &format!("/t/{escaped}{list}"), &house.owner, &[], None);
        let heard = house.send(said).await;
        faults.expect(&format!("/t/{shown:?}"), &heard, "403 tenant_mismatch|404 route_unknown");
        let check = house.send(request("GET", &format!("/api/v1/slugs/{escaped}"), "none", &[], None)).await;
        faults.expect(
            &format!("asking for {shown:?}"),
            &check,
            "200|400 query_invalid|404 not_found|404 route_unknown",
        );
        if let crate::wire::Heard::Answer(answer) = &check
            && answer.status == 200
        {
            assert_eq!(answer.json()["available"], false, "{shown:?} can be had");
        }
        let plain = !name.is_empty() && name.trim() == name && name.bytes().all(|b| b >= 0x20);
        if plain {
            let said = request("GET", list, &house.owner, &[("X-Tenant-ID", name)], None);
            let refused = "403 tenant_mismatch|400 tenant_header_invalid";
            faults.expect(&format!("X-Tenant-ID: {shown:?}"), &house.send(said).await, refused);
        }
    }
    same(&before, &snapshot::take(&node.prefix, &Whose::All).await, "names that look alike");
}
