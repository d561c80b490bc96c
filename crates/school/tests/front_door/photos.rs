//! Photographs of persons: who sees them, and what is refused.

use bytes::Bytes;
use cloister_tenancy::Tier;
use serde_json::json;

use crate::{
    house::{Accounts, House},
    platform,
};

/// A picture of this size, as far as its first bytes tell.
pub(crate) fn png(width: u32, height: u32) -> Bytes {
    let head =
        [&b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"[..], &width.to_be_bytes(), &height.to_be_bytes(), b"\x08\x02\0\0\0"];
    head.concat().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sees_the_person_sees_the_photograph_in_every_tier() {
    let (platform, door) = crate::unhurried_platform().await;
    let accounts = Accounts::new();
    let elsewhere = platform.tenant("elsewhere", Tier::Shared).await;
    let elsewhere = House::new(&platform, &door, &elsewhere, &accounts).await;
    let put = |house: &House<'_>, name: &str| {
        house.office.call("PUT", &format!("persons/{}/photo", house.person(name))).file("image/png", png(600, 800))
    };
    put(&elsewhere, "Mila").expect(200).await;
    for tenant in platform.tenant_in_each_tier().await {
        let house = House::new(&platform, &door, &tenant, &accounts).await;
        for name in ["Mila", "Quin", "Tess", "Hal"] {
            let seen = put(&house, name).send().await;
            assert_eq!((seen.status, seen.header("etag")), (200, Some("\"v1\"")), "{}", seen.body);
            assert_eq!((&seen.body["width"], &seen.body["height"]), (&json!(600), &json!(800)));
        }
        for role in ["owner", "admin", "staff", "teacher", "guardian", "student"] {
            for name in ["Mila", "Quin", "Tess", "Hal"] {
                let person = format!("persons/{}", house.person(name));
                let read = house.by(role, "GET", &person).send().await;
                let wanted = read.status;
                let seen = house.by(role, "GET", &format!("{person}/photo")).send().await;
                assert_eq!(seen.status, wanted, "{role} {name}");
                if wanted == 200 {
                    assert_eq!(read.body["has_photo"], json!(true), "{role} {name}");
                    assert_eq!(seen.bytes, png(600, 800));
                    assert_eq!(seen.header("content-type"), Some("image/png"));
                    assert_eq!(seen.header("x-content-type-options"), Some("nosniff"));
                    assert_eq!(seen.header("cache-control"), Some("private, no-store"));
                    assert!(seen.header("content-security-policy").unwrap().contains("sandbox"));
                }
                let refused = match (role, wanted) {
                    ("owner" | "admin" | "staff", _) => 412,
                    (_, 200) => 403,
                    _ => 404,
                };
                let path = format!("{person}/photo");
                let change = house.by(role, "PUT", &path).header("if-match", "\"v99\"").file("image/png", png(1, 1));
                assert_eq!(change.send().await.status, refused, "{role} {name}");
                let erase = house.by(role, "DELETE", &path).header("if-match", "\"v99\"");
                assert_eq!(erase.send().await.status, refused, "{role} {name}");
            }
            let foreign = format!("persons/{}/photo", elsewhere.person("Mila"));
            house.by(role, "GET", &foreign).refused(404, "not_found").await;
            house.by(role, "PUT", &foreign).file("image/png", png(1, 1)).refused(404, "not_found").await;
        }
    }
}

#[tokio::test]
async fn what_is_no_photograph_is_refused_and_one_is_replaced_and_erased() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = crate::Office { door: &door, tenant: &tenant };
    let mila = office.person("Mila", "Okafor").await;
    let path = format!("persons/{}/photo", crate::id(&mila));
    office.call("GET", &path).refused(404, "not_found").await;
    for (kind, bytes, status, code) in [
        ("image/png", Bytes::from_static(b"\xff\xd8\xff\xe0"), 422, "file_differs_from_type"),
        ("image/jpeg", png(1, 1), 422, "file_differs_from_type"),
        ("image/webp", Bytes::from_static(b"RIFF\0\0\0\0WAVE"), 422, "file_differs_from_type"),
        ("image/png", png(1, 1).slice(..18), 422, "picture_broken"),
        ("image/jpeg", Bytes::from_static(b"\xff\xd8\xff\xd9"), 422, "picture_broken"),
        ("image/png", png(8193, 1), 422, "picture_too_large"),
        ("image/png", png(0, 1), 422, "picture_too_large"),
        ("image/png", png(u32::MAX, u32::MAX), 422, "picture_too_large"),
        ("image/png", Bytes::new(), 400, "body_missing"),
        ("image/png", vec![0; 2 * 1024 * 1024 + 1].into(), 413, "body_too_large"),
        ("image/gif", Bytes::from_static(b"GIF89a"), 415, "media_type_unsupported"),
        ("image/svg+xml", Bytes::from_static(b"<svg/>"), 415, "media_type_unsupported"),
        ("application/pdf", Bytes::from_static(b"%PDF-1.7"), 415, "media_type_unsupported"),
    ] {
        let seen = office.call("PUT", &path).file(kind, bytes).send().await;
        let told = seen.body["errors"][0]["code"].as_str().or(seen.body["code"].as_str());
        assert_eq!((seen.status, told), (status, Some(code)), "{kind}: {}", seen.body);
    }
    office.call("GET", &path).refused(404, "not_found").await;
    let first = office.call("PUT", &path).file("image/png", png(1, 2)).expect(200).await;
    office.call("PUT", &path).file("image/png", png(3, 4)).refused(428, "precondition_required").await;
    let second = office.change("PUT", &path, &first).file("image/png", png(3, 4)).expect(200).await;
    assert_eq!((&second["version"], &second["created_at"]), (&json!(2), &first["created_at"]));
    office.change("DELETE", &path, &first).refused(412, "version_mismatch").await;
    office.change("DELETE", &path, &second).expect(204).await;
    assert_eq!(office.read(&format!("persons/{}", crate::id(&mila))).await["has_photo"], json!(false));
    office.call("GET", &path).refused(404, "not_found").await;
    office.change("DELETE", &path, &second).refused(404, "not_found").await;
    let nobody = "persons/per_01ke6j8km0fgz9t2jz5dy63s58/photo";
    office.call("PUT", nobody).file("image/png", png(1, 1)).refused(404, "not_found").await;
}
