//! Documents: who sees them and their files, how they are found, and what is refused.

use bytes::Bytes;
use cloister_tenancy::Tier;
use cloister_testkit::{Call, Seen};
use serde_json::{Value, json};

use crate::{
    Office,
    house::{Accounts, House},
    id, mistakes, platform, unhurried_platform,
};

pub(crate) const PDF: &str = "application/pdf";

pub(crate) fn pdf(text: &str) -> Bytes {
    format!("%PDF-1.7\n{text}").into()
}

/// The request that puts a file into a document, known in the version of `document`.
pub(crate) fn put(office: &Office<'_>, document: &Value, name: &str, kind: &'static str, bytes: Bytes) -> Call {
    office.change("PUT", &format!("documents/{}/file?file_name={name}", id(document)), document).file(kind, bytes)
}

pub(crate) async fn make(office: &Office<'_>, person: &str, kind: &str, audiences: &[&str]) -> Value {
    let body =
        json!({"person_id": person, "document_type": kind, "title": format!("A {kind}"), "audiences": audiences});
    office.make("documents", body).await
}

/// Ids in a page.
fn ids(seen: &Seen) -> Option<Vec<String>> {
    Some(seen.body["items"].as_array()?.iter().map(|item| id(item).to_owned()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_seen_by_those_it_is_for_in_every_tier() {
    let (platform, door) = unhurried_platform().await;
    let accounts = Accounts::new();
    let elsewhere = platform.tenant("elsewhere", Tier::Shared).await;
    let elsewhere = House::new(&platform, &door, &elsewhere, &accounts).await;
    let foreign = make(&elsewhere.office, elsewhere.person("Mila"), "report", &["teachers", "guardians", "self"]).await;
    let foreign = put(&elsewhere.office, &foreign, "a.pdf", PDF, pdf("foreign")).expect(200).await;
    for tenant in platform.tenant_in_each_tier().await {
        let house = House::new(&platform, &door, &tenant, &accounts).await;
        let office = &house.office;
        // A colleague in the class that Tess teaches, who is no student.
        let place = json!({"class_id": house.frame.class["id"], "person_id": house.person("Ines"), "role": "proctor"});
        office.make("enrollments", place).await;
        let mut documents = Vec::new();
        // Whose, for whom, and the roles that see it besides the office. Gus acts for Mila, Tess teaches her.
        for (who, audiences, seen_by) in [
            ("Mila", &[][..], &[][..]),
            ("Mila", &["teachers"], &["teacher"]),
            ("Mila", &["guardians"], &["guardian"]),
            ("Mila", &["self"], &["student"]),
            ("Mila", &["guardians", "self", "teachers"], &["teacher", "guardian", "student"]),
            ("Quin", &["guardians", "self", "teachers"], &[]),
            ("Tess", &["self"], &["teacher"]),
            ("Tess", &["teachers", "guardians"], &[]),
            ("Tess", &[], &[]),
            ("Ines", &["teachers"], &[]),
            ("Gus", &["self"], &["guardian"]),
        ] {
            let document = make(office, house.person(who), "certificate", audiences).await;
            let document = put(office, &document, "a.pdf", PDF, pdf(id(&document))).expect(200).await;
            documents.push((document, seen_by));
        }
        for role in ["owner", "admin", "staff", "teacher", "guardian", "student"] {
            let mut listed = Vec::new();
            for (document, seen_by) in &documents {
                let sees = ["owner", "admin", "staff"].contains(&role) || seen_by.contains(&role);
                let wanted = if sees { 200 } else { 404 };
                let path = format!("documents/{}", id(document));
                let seen = house.by(role, "GET", &path).send().await;
                assert_eq!(seen.status, wanted, "{role} {document}");
                let file = house.by(role, "GET", &format!("{path}/file")).send().await;
                assert_eq!((file.status, file.bytes == pdf(id(document))), (wanted, sees), "{role} {document}");
                // What may be seen may not be changed, and what may not be seen is not there.
                let may_change = ["owner", "admin", "staff"].contains(&role);
                let refused = if may_change {
                    412
                } else if sees {
                    403
                } else {
                    404
                };
                for (method, path, body) in [
                    ("PATCH", path.clone(), Some(json!({"note": "mine"}))),
                    ("DELETE", path.clone(), None),
                    ("PUT", format!("{path}/file?file_name=b.pdf"), None),
                    ("DELETE", format!("{path}/file"), None),
                ] {
                    let mut call = house.by(role, method, &path).header("if-match", "\"v99\"");
                    if method == "PUT" {
                        call = call.file(PDF, pdf("mine"));
                    }
                    if let Some(body) = body {
                        call = call.json(body);
                    }
                    assert_eq!(call.send().await.status, refused, "{role} {method} {path}");
                }
                if sees {
                    listed.push(id(document).to_owned());
                }
            }
            for sort in ["created_at", "title", "expires_on", "date_last_modified"] {
                let seen = house.by(role, "GET", &format!("documents?sort={sort}&limit=100")).send().await;
                let mut found = ids(&seen).unwrap();
                found.sort_unstable();
                assert_eq!(found, listed, "{role} {sort}");
            }
            // A filter tells no more than the list.
            let of_quin = house.by(role, "GET", &format!("documents?person_id={}", house.person("Quin"))).send().await;
            let wanted = usize::from(["owner", "admin", "staff"].contains(&role));
            assert_eq!(ids(&of_quin).unwrap().len(), wanted, "{role}");
            for path in [format!("documents/{}", id(&foreign)), format!("documents/{}/file", id(&foreign))] {
                house.by(role, "GET", &path).refused(404, "not_found").await;
            }
        }
    }
}

#[tokio::test]
async fn custody_and_deletion_take_them_away() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    let tenant = platform.tenant("north", Tier::Shared).await;
    let house = House::new(&platform, &door, &tenant, &accounts).await;
    let office = &house.office;
    let document = make(office, house.person("Mila"), "report", &["guardians", "self"]).await;
    let document = put(office, &document, "a.pdf", PDF, pdf("1")).expect(200).await;
    let path = format!("documents/{}", id(&document));
    let file = format!("{path}/file");
    house.by("guardian", "GET", &file).send().await;
    let contact = format!("contacts/{}", house.contact("Gus"));
    for (change, status) in [
        (json!({"custody": "restricted"}), 404),
        (json!({"child_data_access": true}), 200),
        (json!({"custody": "none", "child_data_access": null}), 404),
        (json!({"custody": "shared"}), 200),
        (json!({"end_date": "2020-01-02"}), 404),
        (json!({"end_date": null}), 200),
    ] {
        let known = office.read(&contact).await;
        office.change("PATCH", &contact, &known).json(change.clone()).expect(200).await;
        for path in [&path, &file] {
            assert_eq!(house.by("guardian", "GET", path).send().await.status, status, "{change}");
        }
    }
    // Deleted, or of somebody who was, they are the office's alone.
    office.change("DELETE", &path, &document).expect(204).await;
    for role in ["guardian", "student"] {
        house.by(role, "GET", &file).refused(404, "not_found").await;
    }
    assert_eq!(house.by("staff", "GET", &file).send().await.status, 200);
    let gone = office.read(&path).await;
    put(office, &gone, "b.pdf", PDF, pdf("2")).refused(409, "record_deleted").await;
    office.change("PATCH", &path, &gone).json(json!({"status": "active"})).expect(200).await;
    house.by("guardian", "GET", &path).expect(200).await;
    let mila = format!("persons/{}", house.person("Mila"));
    let record = office.read(&mila).await;
    office.change("DELETE", &mila, &record).expect(204).await;
    house.by("guardian", "GET", &path).refused(404, "not_found").await;
    office.read(&path).await;
}

#[tokio::test]
async fn they_are_found_by_person_kind_title_and_last_day_and_bad_values_are_refused() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let (mila, tom) = (office.person("Mila", "Okafor").await, office.person("Tom", "Okafor").await);
        let add = async |person: &Value, kind: &str, title: &str, expires: Option<&str>| {
            let body = json!({"person_id": person["id"], "document_type": kind, "title": title, "expires_on": expires});
            office.make("documents", body).await["id"].clone()
        };
        let a = add(&mila, "residence_permit", "Résidence", Some("2026-03-01")).await;
        let b = add(&mila, "birth_certificate", "birth", None).await;
        let c = add(&tom, "residence_permit", "Permit", Some("2025-12-31")).await;
        let d = add(&tom, "ext:bus_card", "Bus card", Some("2026-03-01")).await;
        let of_mila = format!("person_id={}", id(&mila));
        for (query, wanted) in [
            (String::new(), vec![&a, &b, &c, &d]),
            ("?sort=-created_at".to_owned(), vec![&d, &c, &b, &a]),
            ("?sort=expires_on".to_owned(), vec![&c, &a, &d, &b]),
            ("?sort=-expires_on".to_owned(), vec![&b, &d, &a, &c]),
            ("?sort=title".to_owned(), vec![&b, &d, &c, &a]),
            ("?sort=-title".to_owned(), vec![&a, &c, &d, &b]),
            ("?sort=-date_last_modified".to_owned(), vec![&d, &c, &b, &a]),
            ("?sort=expires_on&expires_before=2026-03-01".to_owned(), vec![&c]),
            ("?sort=expires_on&expires_before=2026-03-02".to_owned(), vec![&c, &a, &d]),
            ("?sort=-expires_on&expires_before=2026-03-02".to_owned(), vec![&d, &a, &c]),
            ("?document_type=residence_permit".to_owned(), vec![&a, &c]),
            ("?document_type=ext:bus_card".to_owned(), vec![&d]),
            ("?q=res".to_owned(), vec![&a]),
            ("?q=b&sort=title".to_owned(), vec![&b, &d]),
            (format!("?{of_mila}&sort=-expires_on"), vec![&b, &a]),
            (format!("?{of_mila}&sort=title&document_type=birth_certificate"), vec![&b]),
            ("?status=tobedeleted".to_owned(), vec![]),
        ] {
            let (mut found, mut cursor) = (Vec::new(), String::new());
            loop {
                let glue = if query.is_empty() { "?" } else { "&" };
                let page = office.read(&format!("documents{query}{glue}limit=1{cursor}")).await;
                found.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
                let Some(next) = page["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
                assert!(found.len() < 10, "the pages never end");
            }
            assert_eq!(found.iter().collect::<Vec<_>>(), wanted, "{query}");
        }
        for query in [
            "expires_before=soon",
            "expires_before=0001-01-01",
            "document_type=passport",
            "person_id=x",
            "q=-",
            "sort=note",
        ] {
            office.call("GET", &format!("documents?{query}")).refused(400, "query_invalid").await;
        }
        let good = json!({"person_id": mila["id"], "document_type": "report", "title": "A"});
        for (change, field, code) in [
            (json!({"document_type": "passport"}), "document_type", "invalid_value"),
            (json!({"title": "  "}), "title", "blank"),
            (json!({"title": "a\r\nb"}), "title", "control_character"),
            (json!({"title": "a".repeat(513)}), "title", "too_long"),
            (json!({"title": null}), "title", "wrong_type"),
            (json!({"note": "a".repeat(2001)}), "note", "too_long"),
            (json!({"issued_on": "2025-02-30"}), "issued_on", "invalid_value"),
            (json!({"issued_on": "0025-02-03"}), "issued_on", "date_implausible"),
            (json!({"issued_on": "2025-02-03", "expires_on": "2025-02-02"}), "expires_on", "expires_before_issued"),
            (json!({"audiences": ["everybody"]}), "audiences[0]", "invalid_value"),
            (json!({"audiences": ["self", "self"]}), "audiences", "given_twice"),
            (json!({"document_type": "court_order", "audiences": ["self"]}), "audiences", "court_order_audience"),
            (json!({"status": "tobedeleted"}), "status", "status_not_new"),
            (json!({"person_id": "per_01ke6j8km0fgz9t2jz5dy63s58"}), "person_id", "person_unknown"),
            (json!({"file_name": "a.pdf"}), "file_name", "unknown_field"),
        ] {
            let mut body = good.clone();
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let refusal = office.call("POST", "documents").json(body).refused(422, "validation_failed").await;
            assert_eq!(mistakes(&refusal), [(field, code)], "{change}");
        }
        let path = format!("documents/{}", a.as_str().unwrap());
        let known = office.read(&path).await;
        for (change, field, code) in [
            (json!({"person_id": tom["id"]}), "person_id", "document_moved"),
            (json!({"issued_on": "2027-01-01"}), "expires_on", "expires_before_issued"),
            (json!({"document_type": "court_order", "audiences": ["teachers"]}), "audiences", "court_order_audience"),
            (json!({"status": "tobedeleted"}), "status", "status_not_deleted_here"),
        ] {
            let call = office.change("PATCH", &path, &known).json(change.clone());
            assert_eq!(mistakes(&call.refused(422, "validation_failed").await), [(field, code)], "{change}");
        }
        let never = office.change("PATCH", &path, &known).json(json!({"expires_on": null})).expect(200).await;
        assert_eq!(never["expires_on"], Value::Null);
    }
}

#[tokio::test]
async fn a_person_and_a_tenant_have_so_many_and_no_more() {
    let (platform, door) = unhurried_platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let (mila, tom) = (office.person("Mila", "Okafor").await, office.person("Tom", "Okafor").await);
    let first = make(&office, id(&mila), "report", &[]).await;
    let placement = tenant.placement.as_ref().unwrap();
    let client = platform.admin(&placement.database).await;
    client.batch_execute(&format!("set search_path to {}", placement.schema)).await.unwrap();
    let copy = |count: usize, person: &str, size: &str| {
        format!(
            "insert into document select d.tenant_id, gen_random_uuid(), d.status, d.date_last_modified, d.source, d.metadata, 1,
                d.created_at, d.created_by, d.updated_at, d.updated_by, {person}, d.document_type, d.title, d.title_search,
                d.issued_on, d.expires_on, d.note, d.audiences, {size}
            from document d, generate_series(1, {count}) where d.title = 'A report' and d.byte_size is null"
        )
    };
    client.batch_execute(&copy(199, "d.person_id", "null, null, null, null")).await.unwrap();
    let another = json!({"person_id": mila["id"], "document_type": "report", "title": "One more"});
    let refusal = office.call("POST", "documents").json(another.clone()).refused(422, "validation_failed").await;
    assert_eq!(mistakes(&refusal), [("person_id", "too_many_documents")]);
    let path = format!("documents/{}", id(&first));
    office.change("DELETE", &path, &first).expect(204).await;
    let made = office.make("documents", another).await;
    let gone = office.read(&path).await;
    let back = office.change("PATCH", &path, &gone).json(json!({"status": "active"}));
    assert_eq!(mistakes(&back.refused(422, "validation_failed").await), [("person_id", "too_many_documents")]);
    // Of bytes a tenant has as many as 10,240 of the largest files.
    client
        .batch_execute(
            "update document set title = 'Another' where title = 'A report' and id <> (select id from document
        where title = 'A report' and status = 'active' order by id limit 1)",
        )
        .await
        .unwrap();
    let toms = "(select p.id from person p where p.given_name = 'Tom' and p.tenant_id = d.tenant_id)";
    let full = copy(10_240, toms, "'a.pdf', 'application/pdf', 10485760, decode(repeat('ab', 32), 'hex')");
    client.batch_execute(&full).await.unwrap();
    assert_eq!(office.list(&format!("documents?person_id={}&limit=1", id(&tom))).await.len(), 1);
    put(&office, &made, "a.pdf", PDF, pdf("")).refused(409, "storage_full").await;
    let photo = office.call("PUT", &format!("persons/{}/photo", id(&mila)));
    photo.file("image/png", crate::photos::png(1, 1)).refused(409, "storage_full").await;
}

#[tokio::test]
async fn a_contact_names_an_order_of_a_court_of_the_same_student() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    let other_tenant = platform.tenant("other", Tier::Shared).await;
    let other = Office { door: &door, tenant: &other_tenant };
    let stranger = other.person("Mila", "Child").await;
    let foreign = make(&other, id(&stranger), "court_order", &[]).await;
    for tenant in platform.tenant_in_each_tier().await {
        let house = House::new(&platform, &door, &tenant, &accounts).await;
        let office = &house.office;
        let order = make(office, house.person("Mila"), "court_order", &[]).await;
        let report = make(office, house.person("Mila"), "report", &["guardians"]).await;
        let of_another = make(office, house.person("Quin"), "court_order", &[]).await;
        let contact = format!("contacts/{}", house.contact("Gus"));
        let known = office.read(&contact).await;
        for wrong in [&report, &of_another, &foreign] {
            let change = json!({"court_order_document_id": wrong["id"]});
            let refusal = office.change("PATCH", &contact, &known).json(change).refused(422, "validation_failed").await;
            assert_eq!(mistakes(&refusal), [("court_order_document_id", "court_order_unknown")], "{wrong}");
            let body = json!({"student_id": house.person("Mila"), "contact_id": house.person("Hal"), "relation": "other",
                "court_order_document_id": wrong["id"]});
            let refusal = office.call("POST", "contacts").json(body).refused(422, "validation_failed").await;
            assert_eq!(mistakes(&refusal), [("court_order_document_id", "court_order_unknown")], "{wrong}");
        }
        let change = json!({"court_order_document_id": order["id"], "custody": "shared"});
        let named = office.change("PATCH", &contact, &known).json(change).expect(200).await;
        assert_eq!(named["court_order_document_id"], order["id"]);
        // Nobody but the office reads it, not even who it is about.
        for role in ["teacher", "guardian", "student"] {
            house.by(role, "GET", &format!("documents/{}", id(&order))).refused(404, "not_found").await;
        }
        let path = format!("documents/{}", id(&order));
        office.change("DELETE", &path, &order).refused(409, "court_order_in_use").await;
        let other_kind = office.change("PATCH", &path, &order).json(json!({"document_type": "other"}));
        other_kind.refused(409, "court_order_in_use").await;
        let order = office.change("PATCH", &path, &order).json(json!({"note": "Appeal until May."})).expect(200).await;
        // A deleted contact holds nothing, and does not come back with an order that is gone.
        office.change("DELETE", &contact, &named).expect(204).await;
        office.change("DELETE", &path, &order).expect(204).await;
        let gone = office.read(&contact).await;
        let back = office.change("PATCH", &contact, &gone).json(json!({"status": "active"}));
        let refusal = back.refused(422, "validation_failed").await;
        assert_eq!(mistakes(&refusal), [("court_order_document_id", "court_order_unknown")]);
        let back = json!({"status": "active", "court_order_document_id": null});
        office.change("PATCH", &contact, &gone).json(back).expect(200).await;
    }
}

#[tokio::test]
async fn a_merge_takes_them_along_and_its_undo_brings_them_back() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Schema).await;
    let office = Office { door: &door, tenant: &tenant };
    let (kept, merged) = (office.person("Mila", "Okafor").await, office.person("Mila", "Okafour").await);
    let parent = office.person("Ada", "Okafor").await;
    let order = make(&office, id(&merged), "court_order", &[]).await;
    let order = put(&office, &order, "a.pdf", PDF, pdf("order")).expect(200).await;
    let body = json!({"student_id": merged["id"], "contact_id": parent["id"], "relation": "mother",
        "court_order_document_id": order["id"]});
    let contact = office.make("contacts", body).await;
    let picture = crate::photos::png(2, 3);
    office.call("PUT", &format!("persons/{}/photo", id(&merged))).file("image/png", picture.clone()).expect(200).await;
    let body = json!({"kept_id": kept["id"], "merged_id": merged["id"]});
    let merge = office.make("person_merges", body).await;
    let whose = async || {
        let document = office.read(&format!("documents/{}", id(&order))).await["person_id"].clone();
        (document, office.read(&format!("contacts/{}", id(&contact))).await["student_id"].clone())
    };
    assert_eq!(whose().await, (kept["id"].clone(), kept["id"].clone()));
    let file = format!("documents/{}/file", id(&order));
    assert_eq!(office.call("GET", &file).send().await.bytes, pdf("order"));
    let photo = |of: &Value| office.call("GET", &format!("persons/{}/photo", id(of)));
    assert_eq!(photo(&kept).send().await.bytes, picture);
    photo(&merged).refused(404, "not_found").await;
    office.change("DELETE", &format!("person_merges/{}", id(&merge)), &merge).expect(204).await;
    assert_eq!(whose().await, (merged["id"].clone(), merged["id"].clone()));
    assert_eq!(photo(&merged).send().await.bytes, picture);
    photo(&kept).refused(404, "not_found").await;
    // Two records that disagree about an order of a court are not merged.
    let body = json!({"student_id": kept["id"], "contact_id": parent["id"], "relation": "mother"});
    office.make("contacts", body).await;
    let body = json!({"kept_id": kept["id"], "merged_id": merged["id"]});
    office.call("POST", "person_merges").json(body).refused(409, "contacts_differ").await;
}
