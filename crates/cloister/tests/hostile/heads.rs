//! Heads of requests that no well-behaved client writes: line ends and NULs, lengths that contradict, headers twice.

use crate::{
    bodies,
    bystander::Bystander,
    hosts,
    house::{Faults, House},
    injection::UNLIMITED,
    node::Node,
    slugs,
    snapshot::{self, Whose, same},
    texts,
    wire::Heard,
};

const LIST: &str = "GET /api/v1/persons?limit=1 HTTP/1.1\r\nHost: north.localhost\r\n";
const CREATE: &str = "POST /api/v1/orgs HTTP/1.1\r\nHost: north.localhost\r\nContent-Type: application/json\r\n";
const BODY: &str = "{\"sourced_id\":\"smuggled\",\"name\":\"Smuggled\",\"type\":\"school\"}";

/// What follows the first request of a smuggler: if it is ever taken for a request, there are two answers.
const SECOND: &str = "GET /api/v1/slugs/smuggled HTTP/1.1\r\nHost: localhost\r\nX-Smuggled: 1\r\n\r\n";

pub(crate) async fn are_read_to_the_letter(node: &Node, house: &House, faults: &mut Faults) {
    let before = snapshot::take(&node.prefix, &Whose::All).await;
    let token = format!("Authorization: Bearer {}\r\n", house.owner);
    for (what, head, expected) in [
        ("nothing particular", String::new(), "200"),
        ("a NUL in a value", "X-A: a\0b\r\n".into(), "400 -"),
        ("a NUL in a name", "X-\0A: b\r\n".into(), "400 -"),
        ("a CR alone in a value", "X-A: a\rX-Injected: 1\r\n".into(), "400 -"),
        ("an LF alone ends a line, as it may", "X-A: a\nX-Tenant-ID: lakeside\r\n".into(), "403 tenant_mismatch|400 -"),
        ("a folded line", "X-A: a\r\n  b\r\n".into(), "400 -"),
        ("a space before the colon", "X-Tenant-ID : lakeside\r\n".into(), "400 -"),
        ("a line without a colon", "nothing\r\n".into(), "400 -"),
        ("no name", ": value\r\n".into(), "400 -"),
        ("a control character", "X-A: \x07\r\n".into(), "400 -"),
        ("another tenant by header", "X-Tenant-ID: lakeside\r\n".into(), "403 tenant_mismatch"),
        (
            "two tenants by header",
            "X-Tenant-ID: north\r\nX-Tenant-ID: lakeside\r\n".into(),
            "400 tenant_header_invalid",
        ),
        ("the same tenant twice", "X-Tenant-ID: north\r\nx-tenant-id: north\r\n".into(), "400 tenant_header_invalid"),
        ("tenants in one header", "X-Tenant-ID: north, lakeside\r\n".into(), "403 tenant_mismatch"),
        ("no tenant in the header", "X-Tenant-ID:  \r\n".into(), "400 tenant_header_invalid"),
        ("a long tenant", format!("X-Tenant-ID: {}\r\n", "n".repeat(20_000)), "400 tenant_header_invalid"),
        ("a second host", "Host: lakeside.localhost\r\n".into(), "400 host_invalid"),
        ("the same host twice", "Host: north.localhost\r\n".into(), "400 host_invalid"),
        ("a second token", "Authorization: Bearer x\r\n".into(), "401 unauthenticated"),
        ("a second kind of token", "Authorization: Basic bm9ydGg6eA==\r\n".into(), "401 unauthenticated"),
        ("another's cookie beside the token", "Cookie: __Host-session=stolen\r\n".into(), "200"),
        ("another address by header", "X-Original-URL: /t/lakeside/api/v1/persons\r\n".into(), "200"),
        ("another address by another header", "X-Rewrite-URL: /t/lakeside/api/v1/persons\r\n".into(), "200"),
        ("another method by header", "X-HTTP-Method-Override: DELETE\r\n".into(), "200"),
        ("another host by header", "X-Forwarded-Host: lakeside.localhost\r\n".into(), "200"),
        ("another host by the newer header", "Forwarded: host=lakeside.localhost\r\n".into(), "200"),
        ("another host by a header of proxies", "X-Host: lakeside.localhost\r\n".into(), "200"),
        ("another client by header", "X-Forwarded-For: 127.0.0.1, ::1\r\n".into(), "200"),
        (
            "a change of protocol",
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n".into(),
            "200",
        ),
        ("a request id of another form", "X-Request-Id: '; drop table person\r\n".into(), "200"),
        ("a header of 30 KB", format!("X-A: {}\r\n", "a".repeat(30_000)), "200"),
        ("a header of 40 KB", format!("X-A: {}\r\n", "a".repeat(40_000)), "431 head_too_large"),
        ("a header of 4 MB", format!("X-A: {}\r\n", "a".repeat(4_000_000)), "431 -|closed"),
        ("110 headers", (0..110).map(|n| format!("X-{n}: 1\r\n")).collect(), "431 head_too_large"),
        ("5000 headers", (0..5000).map(|n| format!("X-{n}: 1\r\n")).collect(), "431 -|closed"),
        ("90 cookies", (0..90).map(|n| format!("Cookie: __Host-session=a{n}\r\n")).collect(), "200"),
        ("two lengths", "Content-Length: 0\r\nContent-Length: 5\r\n".into(), "400 -"),
        ("no length", "Content-Length: -1\r\n".into(), "400 -"),
        ("a length with a sign", "Content-Length: +0\r\n".into(), "400 -"),
        ("a length beyond numbers", "Content-Length: 99999999999999999999999\r\n".into(), "400 -"),
        ("a coding that nobody knows", "Transfer-Encoding: xchunked\r\n".into(), "400 -"),
        ("chunked, and not in the end", "Transfer-Encoding: chunked, identity\r\n".into(), "400 -"),
    ] {
        let heard = house.send(format!("{LIST}{token}{head}Connection: close\r\n\r\n")).await;
        faults.expect(what, &heard, expected);
    }
    for (what, line, expected) in [
        ("a method of lower case", "get /api/v1/persons HTTP/1.1", "405 method_not_allowed"),
        ("a method that nobody knows", "BREW /api/v1/persons HTTP/1.1", "405 method_not_allowed"),
        ("a method of 100 KB", &format!("{} / HTTP/1.1", "A".repeat(100_000)), "431 head_too_large|431 -|400 -|closed"),
        ("TRACE", "TRACE /api/v1/persons HTTP/1.1", "405 method_not_allowed"),
        ("CONNECT", "CONNECT lakeside.localhost:80 HTTP/1.1", "400 host_invalid|404 route_unknown"),
        ("the whole server", "OPTIONS * HTTP/1.1", "404 route_unknown|405 method_not_allowed"),
        ("a version to come", "GET /api/v1/persons HTTP/3.0", "400 -"),
        ("no version", "GET /api/v1/persons", "400 -|closed"),
        ("two spaces", "GET  /api/v1/persons HTTP/1.1", "400 -"),
        ("a path that begins nowhere", "GET api/v1/persons HTTP/1.1", "400 -|400 host_invalid|404 route_unknown"),
        (
            "an address of 60 KB",
            &format!("GET /api/v1/persons?q={} HTTP/1.1", "a".repeat(40_000)),
            "431 head_too_large",
        ),
        ("an address of 1 MB", &format!("GET /{} HTTP/1.1", "a".repeat(1_000_000)), "400 -|414 -|431 -|closed"),
        ("a preface of HTTP/2", "PRI * HTTP/2.0", "400 -|closed"),
        ("a handshake of TLS", "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03", "400 -|closed"),
    ] {
        let heard = house.send(format!("{line}\r\nHost: north.localhost\r\n{token}Connection: close\r\n\r\n")).await;
        faults.expect(what, &heard, expected);
    }
    smuggling(house, &token, faults).await;
    same(&before, &snapshot::take(&node.prefix, &Whose::All).await, "heads");
}

/// Where two readers would see different ends of a request, there is no second request.
async fn smuggling(house: &House, token: &str, faults: &mut Faults) {
    let length = BODY.len();
    for (what, head, body) in [
        (
            "a length and chunks",
            format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
            format!("0\r\n\r\n{SECOND}"),
        ),
        (
            "chunks and a length",
            format!("Transfer-Encoding: chunked\r\nContent-Length: {}\r\n", SECOND.len()),
            format!("0\r\n\r\n{SECOND}"),
        ),
        (
            "chunked twice",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n".into(),
            format!("0\r\n\r\n{SECOND}"),
        ),
        ("chunked under a tab", "Transfer-Encoding:\tchunked\r\n".into(), format!("0\r\n\r\n{SECOND}")),
        ("a list of lengths", "Content-Length: 0, 0\r\n".into(), SECOND.into()),
        (
            "a size of a chunk that is too large",
            "Transfer-Encoding: chunked\r\n".into(),
            format!("FFFFFFFFFFFFFFFFF\r\n{SECOND}"),
        ),
        ("a size of a chunk with a sign", "Transfer-Encoding: chunked\r\n".into(), format!("-1\r\n{SECOND}")),
        ("a size of a chunk that is none", "Transfer-Encoding: chunked\r\n".into(), format!("xyz\r\n{SECOND}")),
        ("a chunk longer than told", "Transfer-Encoding: chunked\r\n".into(), format!("1\r\n{SECOND}0\r\n\r\n")),
        (
            "an extension of 1 MB",
            "Transfer-Encoding: chunked\r\n".into(),
            format!("1;{}\r\n{{\r\n0\r\n\r\n", "a".repeat(1_000_000)),
        ),
        (
            "1 MB behind the last chunk",
            "Transfer-Encoding: chunked\r\n".into(),
            format!("1\r\n{{\r\n0\r\nX-A: {}\r\n\r\n", "a".repeat(1_000_000)),
        ),
    ] {
        let heard = house.send(format!("{CREATE}{token}{head}\r\n{body}")).await;
        faults.look(what, &heard);
        // Whatever it was taken for, it made nothing and the first answer is a refusal.
        let refused = matches!(heard.status(), 0 | 400 | 408 | 413 | 415 | 422 | 431);
        if !refused || matches!(&heard, Heard::Answer(answer) if answer.text().contains("smuggled")) {
            faults.expect(what, &heard, "400 -");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_request_is_made_of_it_is_refused_in_clear_words() {
    let mut node = Node::start("odd", UNLIMITED);
    let house = House::enter(node.address).await;
    let bystander = Bystander::begin(node.address).await;
    let mut faults = Faults::default();
    are_read_to_the_letter(&node, &house, &mut faults).await;
    hosts::name_one_tenant_or_none(&node, &house, &mut faults).await;
    slugs::that_look_alike_are_refused(&node, &house, &mut faults).await;
    texts::that_are_no_texts_are_refused(&node, &house, &mut faults).await;
    bodies::are_read_within_bounds(&node, &house, &mut faults).await;
    faults.end();
    bystander.end().await;
    node.is_unharmed();
    node.stop().await;
}
