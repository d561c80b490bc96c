//! The roster taken out over HTTP.

use std::io::Read as _;

use serde_json::json;

use crate::{Office, house::Accounts, house::House, id, platform};

/// The files of a package, one after the other, with their names.
fn unpacked(bytes: &[u8]) -> String {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes.to_vec())).unwrap();
    let mut all = String::new();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).unwrap();
        all.push_str(&file.name().unwrap());
        all.push('\n');
        file.read_to_string(&mut all).unwrap();
    }
    all
}

#[tokio::test]
async fn it_is_a_package_of_what_counts_in_this_school_alone() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    for tenant in platform.tenant_in_each_tier().await {
        let neighbour = platform.tenant(&format!("beside-{}", tenant.tier), tenant.tier).await;
        let beside = Office { door: &door, tenant: &neighbour };
        beside.person("Zebulon", "Elsewhere").await;
        let house = House::new(&platform, &door, &tenant, &accounts).await;
        let gone = house.office.person("Deleted", "Person").await;
        house.office.change("DELETE", &format!("persons/{}", id(&gone)), &gone).expect(204).await;
        let seen = house.by("admin", "GET", "roster/export").header("accept-encoding", "gzip").send().await;
        assert_eq!(seen.status, 200, "{}", seen.text);
        assert_eq!(seen.header("content-type"), Some("application/zip"));
        let name = format!("attachment; filename=\"{}-roster.zip\"", tenant.slug);
        assert_eq!(seen.header("content-disposition"), Some(name.as_str()));
        assert_eq!(seen.header("content-encoding"), None, "an archive is packed already");
        assert_eq!(seen.header("content-length"), Some(seen.bytes.len().to_string().as_str()));
        let text = unpacked(&seen.bytes);
        for there in ["Mila,Child", "Gus,Adult", "Biology B", "Norrland District", "file.demographics,bulk"] {
            assert!(text.contains(there), "{there} in {text}");
        }
        for absent in ["Zebulon", "Deleted"] {
            assert!(!text.contains(absent), "{absent} in {text}");
        }
        // Who has no name to sign in with is known by the address, or else by the id.
        assert!(text.contains(",true,Gus@home.example,,Gus,Adult,"), "{text}");
        let mila = house.persons["Mila"]["sourced_id"].as_str().unwrap();
        assert!(text.contains(&format!("{mila},,,true,{mila},,Mila,Child,")), "{text}");
    }
}

#[tokio::test]
async fn one_that_is_asked_for_again_and_again_is_refused() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", cloister_tenancy::Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    office.make("orgs", json!({"name": "School", "type": "school"})).await;
    let mut answers = Vec::new();
    for _ in 0..12 {
        answers.push(office.call("GET", "roster/export").send().await.status);
    }
    assert!(answers.contains(&200) && answers.last() == Some(&429), "{answers:?}");
}
