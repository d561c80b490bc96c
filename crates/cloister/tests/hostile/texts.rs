//! Bytes that are no text, in every place of the document that takes one.

use crate::{
    document,
    house::{Faults, House},
    node::Node,
    snapshot::{self, Whose, same},
};

/// Percent-encoded: a byte that begins nothing, a slash written too long, half a surrogate, a NUL, dots that climb.
const ESCAPED: &[&str] = &["%FF", "%C0%AF", "%ED%A0%80", "%00", "%2e%2e%2f%2e%2e", "%252e%252e", "%", "%zz", "%F0%9F"];

/// The same as they are.
const RAW: &[&[u8]] = &[b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"a\xf0\x9f", b"\x80north"];

pub(crate) async fn that_are_no_texts_are_refused(node: &Node, house: &House, faults: &mut Faults) {
    let before = snapshot::take(&node.prefix, &Whose::All).await;
    let document = document::read();
    for operation in document::operations(&document) {
        let (token, at) = if operation.is_for_operators() {
            (&house.operator, String::new())
        } else {
            (&house.owner, "/t/north".to_owned())
        };
        let method = operation.method.to_uppercase();
        let usual = operation.path_of_nothing(&document);
        let content = operation.body.as_ref().map_or("", |_| "Content-Type: application/json\r\nContent-Length: 2\r\n");
        let body = operation.body.as_ref().map_or("", |_| "{}");
        let rest = format!("Host: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n{content}");
        let mut sent: Vec<(String, Vec<u8>)> = Vec::new();
        for text in ESCAPED {
            let mut add = |path: String| {
                let bytes = format!("{method} {at}{path} HTTP/1.1\r\n{rest}\r\n{body}").into_bytes();
                sent.push((format!("{method} {path}"), bytes));
            };
            if !operation.in_path.is_empty() {
                add(operation.path_with(text));
            }
            // One parameter stands for all: they are taken apart in one place. The last is a search, where there is one.
            if let Some(name) = operation.in_query.iter().find(|name| *name == "q").or(operation.in_query.first()) {
                add(format!("{usual}?{name}={text}"));
            }
        }
        for bytes in RAW {
            let line = |path: &[u8]| {
                [format!("{method} {at}").as_bytes(), path, b" HTTP/1.1\r\n", rest.as_bytes(), b"\r\n", body.as_bytes()]
                    .concat()
            };
            if !operation.in_path.is_empty() {
                let (front, _) = operation.path.split_once('{').unwrap();
                sent.push((format!("{method} {front}{bytes:x?}"), line(&[front.as_bytes(), bytes].concat())));
            }
            for name in operation.in_header.iter().map(String::as_str) {
                let head = format!("{method} {at}{usual} HTTP/1.1\r\n{rest}{name}: ");
                sent.push((
                    format!("{method} {usual} with {name}: {bytes:x?}"),
                    [head.as_bytes(), bytes, b"\r\n\r\n", body.as_bytes()].concat(),
                ));
            }
            // A key of an object and a text in it.
            if operation.body.is_some() {
                let json = [b"{\"name\":\"".as_slice(), bytes, b"\"}"].concat();
                let head = format!(
                    "{method} {at}{usual} HTTP/1.1\r\n{}If-Match: \"v1\"\r\n",
                    rest.replace("Length: 2", &format!("Length: {}", json.len()))
                );
                sent.push((
                    format!("{method} {usual} with a body of {bytes:x?}"),
                    [head.as_bytes(), b"\r\n", &json].concat(),
                ));
            }
        }
        for (what, bytes) in sent {
            faults.look(&what, &house.send(bytes).await);
        }
    }
    // Headers that every request has.
    for name in [
        "Host",
        "Authorization",
        "Cookie",
        "User-Agent",
        "Origin",
        "X-Request-Id",
        "Accept",
        "Accept-Encoding",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "If-None-Match",
        "Range",
        "Referer",
        "Sec-Fetch-Site",
        "Content-Type",
    ] {
        for bytes in RAW {
            let front = "GET /api/v1/persons?limit=1 HTTP/1.1\r\nConnection: close\r\nX-Tenant-ID: north\r\n";
            let host = if name == "Host" { "" } else { "Host: localhost\r\n" };
            let token = if name == "Authorization" {
                String::new()
            } else {
                format!("Authorization: Bearer {}\r\n", house.owner)
            };
            let text = [format!("{front}{host}{token}{name}: ").as_bytes(), bytes, b"\r\n\r\n"].concat();
            faults.look(&format!("{name}: {bytes:x?}"), &house.send(text).await);
        }
    }
    same(&before, &snapshot::take(&node.prefix, &Whose::All).await, "bytes that are no text");
}
