//! Bodies made to be too much: too large, too deep, too many, never ending, or packed.

use crate::{
    document,
    house::{Faults, House},
    node::Node,
    snapshot::{self, Whose, same},
};

const REFUSED: &str = "400 json_malformed|400 json_too_deep|413 body_too_large|422 validation_failed|closed|\
     415 media_type_unsupported|400 body_missing|400 body_incomplete|404 not_found|409 not_found|400 -|401 token_refused";

/// Bodies, each with the codes that a creation may answer it by.
fn bodies() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let text = |text: String| text.into_bytes();
    let many: String = (0..40_000).map(|number| format!("\"k{number}\":{number},")).collect();
    vec![
        ("arrays in arrays", text("[".repeat(500_000)), "400 json_too_deep"),
        ("objects in objects", text("{\"a\":".repeat(150_000)), "400 json_too_deep"),
        (
            "objects in an object's field",
            text(format!("{{\"metadata\":{}1{}}}", "{\"a\":".repeat(40), "}".repeat(40))),
            "400 json_too_deep",
        ),
        ("too large", text(format!("{{\"name\":\"{}\"}}", "x".repeat(2_000_000))), "413 body_too_large|closed"),
        (
            "a text of a whole body",
            text(format!("{{\"name\":\"{}\"}}", "x".repeat(1_000_000))),
            "422 validation_failed",
        ),
        ("many fields", text(format!("{{{many}\"name\":1}}")), "422 validation_failed"),
        ("many in a list", text(format!("{{\"items\":[{}1]}}", "1,".repeat(300_000))), "422 validation_failed"),
        ("the same field twice", text("{\"name\":\"a\",\"name\":\"b\"}".into()), "422 validation_failed"),
        ("a number beyond numbers", text("{\"name\":1e99999}".into()), "400 json_malformed|422 validation_failed"),
        (
            "a number of many digits",
            text(format!("{{\"name\":{}}}", "9".repeat(500_000))),
            "400 json_malformed|422 validation_failed",
        ),
        ("half a surrogate", text("{\"name\":\"\\ud800\"}".into()), "400 json_malformed|422 validation_failed"),
        ("a mark of order", b"\xef\xbb\xbf{\"name\":\"a\"}".to_vec(), "400 json_malformed"),
        ("UTF-16", "{\"name\":\"a\"}".encode_utf16().flat_map(u16::to_le_bytes).collect(), "400 json_malformed"),
        ("a list", text("[{\"name\":\"a\"}]".into()), "422 validation_failed"),
        ("spaces", text(" ".repeat(900_000)), "400 body_missing"),
        ("nothing", Vec::new(), "400 body_missing"),
        ("a word", text("NaN".into()), "400 json_malformed"),
        ("two at once", text("{\"name\":\"a\"}{\"name\":\"b\"}".into()), "400 json_malformed|422 validation_failed"),
        ("a prototype", text("{\"__proto__\":{\"x\":1}}".into()), "422 validation_failed"),
    ]
}

pub(crate) async fn are_read_within_bounds(node: &Node, house: &House, faults: &mut Faults) {
    let before = snapshot::take(&node.prefix, &Whose::All).await;
    let document = document::read();
    let bodies = bodies();
    for operation in document::operations(&document).iter().filter(|one| one.body.is_some()) {
        let (token, at) = if operation.is_for_operators() { (&house.operator, "") } else { (&house.owner, "/t/north") };
        let (method, path) = (operation.method.to_uppercase(), operation.path_of_nothing(&document));
        for (what, body, _) in &bodies {
            let head = head(&format!("{method} {at}{path}"), token, &format!("Content-Length: {}\r\n", body.len()));
            faults.look(&format!("{} with {what}", operation.id), &house.send([head.as_bytes(), body].concat()).await);
        }
    }
    // One creation stands for all where the words matter.
    let create = "POST /t/north/api/v1/orgs";
    for (what, body, expected) in &bodies {
        let whole = head(create, &house.owner, &format!("Content-Length: {}\r\n", body.len()));
        faults.expect(what, &house.send([whole.as_bytes(), body].concat()).await, expected);
        // The same in chunks, whose sum nobody tells beforehand.
        let mut chunked = head(create, &house.owner, "Transfer-Encoding: chunked\r\n").into_bytes();
        for chunk in body.chunks(60_000) {
            chunked.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            chunked.extend_from_slice(chunk);
            chunked.extend_from_slice(b"\r\n");
        }
        chunked.extend_from_slice(b"0\r\n\r\n");
        faults.expect(&format!("{what}, in chunks"), &house.send(chunked).await, expected);
    }
    let fine = "{\"name\":\"Packed\",\"type\":\"school\",\"sourced_id\":\"packed\"}";
    for (what, headers, body, expected) in [
        ("a packed body", "Content-Encoding: gzip\r\n", "\x1f\u{8b}\x08", REFUSED),
        ("a body that is said to be packed", "Content-Encoding: br\r\n", "{}", REFUSED),
        ("a form", "Content-Type: multipart/form-data; boundary=x\r\n", fine, "415 media_type_unsupported"),
        (
            "two types",
            "Content-Type: text/plain\r\nContent-Type: application/json\r\n",
            fine,
            "415 media_type_unsupported",
        ),
        ("another alphabet", "Content-Type: application/json; charset=utf-7\r\n", fine, "415 media_type_unsupported"),
        (
            "XML",
            "Content-Type: application/xml\r\n",
            "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>",
            "415 media_type_unsupported",
        ),
    ] {
        let head = format!(
            "{create} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {}\r\n",
            house.owner
        );
        let kind = if headers.contains("Content-Type") { "" } else { "Content-Type: application/json\r\n" };
        let text = format!("{head}{kind}{headers}Content-Length: {}\r\n\r\n{body}", body.len());
        faults.expect(what, &house.send(text).await, expected);
    }
    // Announced, and waited for: the answer comes before the body does.
    let announced = head(create, &house.owner, "Content-Length: 99999999999\r\nExpect: 100-continue\r\n");
    faults.expect("a body of 100 GB, announced", &house.send(announced).await, "413 body_too_large");
    same(&before, &snapshot::take(&node.prefix, &Whose::All).await, "bodies");
}

fn head(line: &str, token: &str, length: &str) -> String {
    let kind = "Content-Type: application/json\r\nIf-Match: \"v1\"\r\n";
    format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n{kind}{length}\r\n"
    )
}
