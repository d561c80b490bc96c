//! Files of documents: what goes in comes out, and what is not what it says is refused.

use bytes::Bytes;
use cloister_tenancy::Tier;
use serde_json::{Value, json};

use crate::{
    Office,
    documents::{PDF, make, pdf, put},
    id, platform, unhurried_platform,
};

#[tokio::test]
async fn a_file_comes_back_as_it_was_put_in_every_tier() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let mila = office.person("Mila", "Okafor").await;
        let document = make(&office, id(&mila), "report", &[]).await;
        let path = format!("documents/{}/file", id(&document));
        office.call("GET", &path).refused(404, "file_missing").await;
        // In three parts, the last of them not full.
        let large: Bytes =
            [&b"%PDF-1.7\n"[..], &(0..2_600_000_u32).map(|n| (n % 251) as u8).collect::<Vec<_>>()].concat().into();
        let name = "N%C3%A9%20%C3%A0%20%C5%81%C3%B3d%C5%BA.pdf";
        let first = put(&office, &document, name, PDF, large.clone()).send().await;
        assert_eq!((first.status, first.header("etag")), (200, Some("\"v2\"")), "{}", first.body);
        let first = first.body;
        assert_eq!(first["file_name"], "Né à Łódź.pdf");
        assert_eq!((&first["media_type"], &first["byte_size"]), (&json!(PDF), &json!(2_600_009)));
        assert_eq!(office.read(&format!("documents/{}", id(&document))).await, first);
        let seen = office.call("GET", &path).send().await;
        assert_eq!(seen.bytes, large);
        for (header, value) in [
            ("content-type", PDF),
            ("content-length", "2600009"),
            (
                "content-disposition",
                "attachment; filename=\"N_ _ __d_.pdf\"; filename*=UTF-8''N%C3%A9%20%C3%A0%20%C5%81%C3%B3d%C5%BA.pdf",
            ),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "private, no-store"),
            ("etag", "\"v2\""),
            (
                "content-security-policy",
                "default-src 'none'; sandbox; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            ),
        ] {
            assert_eq!(seen.header(header), Some(value), "{header}");
        }
        assert!(seen.header("repr-digest").unwrap().starts_with("sha-256=:"));
        // As it is, whatever the client unpacks: the digest is of these bytes.
        let packed = office.call("GET", &path).header("accept-encoding", "gzip").send().await;
        assert_eq!((packed.bytes, packed.headers.get("content-encoding")), (large.clone(), None));
        // A smaller one in its place leaves nothing of the larger.
        put(&office, &document, "b.txt", "text/plain", "Hej".into()).refused(412, "version_mismatch").await;
        let second = put(&office, &first, "b.txt", "text/plain", "Hej".into()).expect(200).await;
        assert_ne!(second["sha256"], first["sha256"]);
        let seen = office.call("GET", &path).send().await;
        assert_eq!((&seen.bytes[..], seen.header("content-type")), (&b"Hej"[..], Some("text/plain; charset=utf-8")));
        office.change("DELETE", &path, &first).refused(412, "version_mismatch").await;
        office.change("DELETE", &path, &second).expect(204).await;
        office.call("GET", &path).refused(404, "file_missing").await;
        let none = office.read(&format!("documents/{}", id(&document))).await;
        assert_eq!((&none["file_name"], &none["sha256"], &none["version"]), (&Value::Null, &Value::Null, &json!(4)));
        office.change("DELETE", &path, &none).refused(404, "file_missing").await;
        let placement = tenant.placement.as_ref().unwrap();
        let client = platform.admin(&placement.database).await;
        let count = |table: &str| {
            format!("select count(*) from {}.{table} where tenant_id = '{}'", placement.schema, tenant.id.uuid())
        };
        let left: i64 = client.query_one(&count("document_part"), &[]).await.unwrap().get(0);
        assert_eq!(left, 0);
        // Who asked for it, and who put it in, can be told.
        let noted = format!(
            "select action from cloister.audit where tenant_id = '{}' and action like 'document.%' order by id",
            tenant.id.uuid()
        );
        let rows = client.query(&noted, &[]).await.unwrap();
        let noted: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(
            noted,
            ["upload", "download", "download", "upload", "download", "erase"].map(|act| format!("document.{act}"))
        );
    }
}

#[tokio::test]
async fn files_that_are_not_what_they_say_are_refused() {
    let (platform, door) = unhurried_platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let mila = office.person("Mila", "Okafor").await;
    let document = make(&office, id(&mila), "report", &[]).await;
    let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    for (name, kind, bytes, status, code) in [
        ("a.pdf", PDF, &b"<html><script>alert(1)</script>"[..], 422, "validation_failed"),
        ("a.pdf", PDF, b"MZ\x90\0", 422, "validation_failed"),
        ("a.png", "image/png", b"%PDF-1.7", 422, "validation_failed"),
        ("a.txt", "text/plain", b"\xff\xd8\xff", 422, "validation_failed"),
        ("a.docx", docx, b"PK\x03\x04 and no more", 422, "validation_failed"),
        ("a.exe", PDF, b"%PDF-1.7", 422, "validation_failed"),
        ("a", PDF, b"%PDF-1.7", 422, "validation_failed"),
        ("a.html", "text/html", b"<p>", 415, "media_type_unsupported"),
        ("a.svg", "image/svg+xml", b"<svg/>", 415, "media_type_unsupported"),
        ("a.zip", "application/zip", b"PK\x03\x04", 415, "media_type_unsupported"),
        ("a.pdf", "", b"%PDF-1.7", 415, "media_type_unsupported"),
        ("a.pdf", PDF, b"", 400, "body_missing"),
        ("", PDF, b"%PDF-1.7", 400, "query_invalid"),
        ("..%2F..%2Fetc%2Fpasswd.pdf", PDF, b"%PDF-1.7", 400, "query_invalid"),
        ("..%5Ca.pdf", PDF, b"%PDF-1.7", 400, "query_invalid"),
        ("a.pdf%0D%0AX-Evil:1.pdf", PDF, b"%PDF-1.7", 400, "query_invalid"),
        ("a%00.pdf", PDF, b"%PDF-1.7", 400, "query_invalid"),
        ("a%E2%80%AEexe.pdf", PDF, b"%PDF-1.7", 400, "query_invalid"),
        ("%FF.pdf", PDF, b"%PDF-1.7", 400, "query_invalid"),
        (".pdf", PDF, b"%PDF-1.7", 400, "query_invalid"),
    ] {
        put(&office, &document, name, kind, Bytes::from_static(bytes)).refused(status, code).await;
    }
    let long = format!("{}.pdf", "a".repeat(252));
    put(&office, &document, &long, PDF, pdf("")).refused(400, "query_invalid").await;
    let path = format!("documents/{}/file", id(&document));
    office.change("PUT", &path, &document).file(PDF, pdf("")).refused(400, "query_invalid").await;
    office
        .call("PUT", &format!("{path}?file_name=a.pdf"))
        .file(PDF, pdf(""))
        .refused(428, "precondition_required")
        .await;
    let largest = 10 * 1024 * 1024;
    let bytes = |size: usize| Bytes::from([&b"%PDF-"[..], &vec![b' '; size - 5]].concat());
    put(&office, &document, "a.pdf", PDF, bytes(largest + 1)).refused(413, "body_too_large").await;
    // Nothing was kept of any of them.
    assert_eq!(office.read(&format!("documents/{}", id(&document))).await, document);
    put(&office, &document, "a.pdf", PDF, bytes(largest)).expect(200).await;
    assert_eq!(office.call("GET", &path).send().await.bytes.len(), largest);
}
