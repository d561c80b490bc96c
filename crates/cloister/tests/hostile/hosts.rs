//! Names of hosts that are almost a tenant's.

use crate::{
    house::{Faults, House},
    node::Node,
    snapshot::{self, Whose, same},
};

pub(crate) async fn name_one_tenant_or_none(node: &Node, house: &House, faults: &mut Faults) {
    let before = snapshot::take(&node.prefix, &Whose::All).await;
    let token = &house.owner;
    let long = format!("{}.localhost", "n".repeat(64));
    let endless = "n.".repeat(40_000);
    for (host, expected) in [
        ("north.localhost", "200"),
        ("NORTH.LocalHost", "200"),
        ("north.localhost.", "200"),
        ("north.localhost:1", "200"),
        ("  north.localhost\t", "200"),
        ("[::1]:80", "200"),
        ("127.0.0.1", "200"),
        ("lakeside.localhost", "403 tenant_mismatch"),
        ("LAKESIDE.localhost.:443", "403 tenant_mismatch"),
        ("north.localhost..", "400 host_invalid"),
        ("north..localhost", "400 host_invalid"),
        (".north.localhost", "400 host_invalid"),
        ("north.localhost:", "400 host_invalid"),
        ("north.localhost:80:80", "400 host_invalid"),
        ("north.localhost:+80", "400 host_invalid"),
        ("north.localhost:99999", "400 host_invalid"),
        ("north.localhost:lakeside.localhost", "400 host_invalid"),
        ("north@lakeside.localhost", "400 host_invalid"),
        ("north.localhost:80@lakeside.localhost", "400 host_invalid"),
        ("http://north.localhost", "400 host_invalid"),
        ("north.localhost/t/lakeside", "400 host_invalid"),
        ("north.localhost, lakeside.localhost", "400 host_invalid"),
        ("north.localhost lakeside.localhost", "400 host_invalid"),
        ("north.localhost\\lakeside.localhost", "400 host_invalid"),
        ("north.localhost#lakeside", "400 host_invalid"),
        ("north.localhost%00", "400 host_invalid"),
        ("%6eorth.localhost", "400 host_invalid"),
        ("*.localhost", "400 host_invalid"),
        ("-north.localhost", "400 host_invalid"),
        ("north-.localhost", "400 host_invalid"),
        ("[north.localhost]", "400 host_invalid"),
        ("[::1%25north]", "400 host_invalid"),
        ("[::1", "400 host_invalid"),
        ("::1", "400 host_invalid"),
        ("", "400 host_invalid"),
        // Cyrillic о, full width, a soft hyphen, a zero-width joiner: alike to the eye.
        ("nоrth.localhost", "400 host_invalid"),
        ("ｎｏｒｔｈ.localhost", "400 host_invalid"),
        ("nor\u{ad}th.localhost", "400 host_invalid"),
        ("nor\u{200d}th.localhost", "400 host_invalid"),
        ("north。localhost", "400 host_invalid"),
        // Names that nobody has: with a token they answer as the names of others do.
        ("xn--nrth-55d.localhost", "403 tenant_mismatch"),
        ("n0rth.localhost", "403 tenant_mismatch"),
        ("north_.localhost", "403 tenant_mismatch"),
        ("a.north.localhost", "403 tenant_mismatch"),
        ("north.localhost.evil.example", "403 tenant_mismatch"),
        ("northlocalhost", "403 tenant_mismatch"),
        ("evil-localhost", "403 tenant_mismatch"),
        ("0x7f000001", "403 tenant_mismatch"),
        (&long, "400 host_invalid"),
        (&endless, "400 host_invalid|431 head_too_large|431 -|closed"),
    ] {
        let shown: String = host.chars().take(60).collect();
        let head = "GET /api/v1/persons?limit=1 HTTP/1.1\r\nConnection: close\r\n";
        let heard = house.send(format!("{head}Host: {host}\r\nAuthorization: Bearer {token}\r\n\r\n")).await;
        faults.expect(&format!("{shown:?} with north's token"), &heard, expected);
        // Without a token nothing of a tenant is ever told, whoever is named.
        let heard = house.send(format!("{head}Host: {host}\r\n\r\n")).await;
        let answers = "401 unauthenticated|400 host_invalid|404 tenant_unknown|431 head_too_large|431 -|closed";
        faults.expect(&format!("{shown:?} with no token"), &heard, answers);
    }
    for (what, address, host, expected) in [
        ("the same in the address", "http://north.localhost", "Host: north.localhost\r\n", "200"),
        ("the same in other letters", "http://NORTH.localhost", "Host: north.localhost\r\n", "200"),
        ("another in the address", "http://lakeside.localhost", "Host: north.localhost\r\n", "400 host_invalid"),
        ("another in the header", "http://north.localhost", "Host: lakeside.localhost\r\n", "400 host_invalid"),
        (
            "somebody before the host",
            "http://north@lakeside.localhost",
            "Host: north.localhost\r\n",
            "400 host_invalid",
        ),
        ("somebody before the same", "http://a:b@north.localhost", "Host: north.localhost\r\n", "400 host_invalid"),
        ("another alone", "http://lakeside.localhost", "", "403 tenant_mismatch|400 -"),
        ("an empty host", "http://north.localhost", "Host:\r\n", "400 host_invalid"),
        ("another port", "http://north.localhost:81", "Host: north.localhost:82\r\n", "400 host_invalid"),
        ("another scheme", "ftp://north.localhost", "Host: north.localhost\r\n", "200"),
        ("no host at all", "", "", "200"),
    ] {
        let token = &house.owner;
        let heard = house
            .send(format!("GET {address}/api/v1/persons?limit=1 HTTP/1.1\r\nConnection: close\r\n{host}Authorization: Bearer {token}\r\n\r\n"))
            .await;
        faults.expect(what, &heard, expected);
    }
    same(&before, &snapshot::take(&node.prefix, &Whose::All).await, "hosts");
}
