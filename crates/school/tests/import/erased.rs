//! Demographics that somebody erased, and what an import remembers of them.

use std::sync::Arc;

use cloister_http::HttpModule;
use cloister_ids::{PersonId, Uuid};
use cloister_school::{
    School,
    import::{ImportSettings, last, undo},
    oneroster::File,
};
use cloister_testkit::FrontDoor;

use crate::fixture::{Fixture, bring, dump, platform};

#[tokio::test]
async fn no_import_remembers_them_and_taking_it_back_does_not_bring_them_back_in_every_tier() {
    let platform = platform().await;
    let modules: Vec<Arc<dyn HttpModule>> = vec![Arc::new(School)];
    let door = FrontDoor::new(&platform.tenancy, &modules);
    for tenant in platform.tenant_in_each_tier().await {
        bring(&platform, &tenant, &Fixture::school(), &ImportSettings::default()).await.unwrap();
        let mut package = Fixture::school();
        package.change(File::Demographics, "sam,,,2010-02-28,other", "sam,,,2010-02-27,male").change(
            File::Demographics,
            "kim,,,2010-03-01,female",
            "kim,,,2010-03-02,female",
        );
        bring(&platform, &tenant, &package, &ImportSettings::default()).await.unwrap();
        let remembered = async || dump(&platform, &tenant, "import_change", "kind, record_id").await;
        assert_eq!(remembered().await.len(), 2);
        let rows = dump(&platform, &tenant, "person", "sourced_id, id").await;
        let sam: Uuid = rows.iter().find_map(|row| row.strip_prefix("sam|")).unwrap().parse().unwrap();
        let path = format!("/api/v1/persons/{}/demographics", PersonId::from_uuid(sam));
        door.within(&tenant, "DELETE", &path).header("if-match", "\"v2\"").expect(204).await;
        let left = remembered().await;
        assert_eq!(left.len(), 1);
        assert!(!left[0].contains(&sam.to_string()), "{left:?}");
        let run = last(&platform.tenancy, &platform.cx(&tenant)).await.unwrap().unwrap();
        let mut tx = platform.tenancy.write(&platform.cx(&tenant)).await.unwrap();
        undo(&mut tx, None, run.id, false).await.unwrap();
        tx.commit().await.unwrap();
        let kept = dump(&platform, &tenant, "demographics", "birth_date").await;
        assert_eq!(kept, ["2010-03-01"], "of the other one, as it was");
    }
}

#[tokio::test]
async fn nor_does_it_remember_those_of_a_record_that_was_merged() {
    let platform = platform().await;
    let modules: Vec<Arc<dyn HttpModule>> = vec![Arc::new(School)];
    let door = FrontDoor::new(&platform.tenancy, &modules);
    for tenant in platform.tenant_in_each_tier().await {
        // What is known of Kim is of the second record of Sam.
        let mut package = Fixture::school();
        package.without(File::Demographics, "sam");
        bring(&platform, &tenant, &package, &ImportSettings::default()).await.unwrap();
        package.change(File::Demographics, "kim,,,2010-03-01,female", "kim,,,2010-03-02,female");
        bring(&platform, &tenant, &package, &ImportSettings::default()).await.unwrap();
        let remembered = async || dump(&platform, &tenant, "import_change", "kind, record_id").await;
        assert_eq!(remembered().await.len(), 1);
        let rows = dump(&platform, &tenant, "person", "sourced_id, id").await;
        let [sam, kim] = ["sam|", "kim|"].map(|name| {
            let uuid: Uuid = rows.iter().find_map(|row| row.strip_prefix(name)).unwrap().parse().unwrap();
            PersonId::from_uuid(uuid)
        });
        let contact = format!("/api/v1/contacts?student_id={kim}&contact_id={sam}");
        let contact = door.within(&tenant, "GET", &contact).expect(200).await["items"][0].clone();
        let path = format!("/api/v1/contacts/{}", contact["id"].as_str().unwrap());
        door.within(&tenant, "DELETE", &path).header("if-match", "\"v1\"").expect(204).await;
        let merge = serde_json::json!({"kept_id": sam, "merged_id": kim});
        door.within(&tenant, "POST", "/api/v1/person_merges").json(merge).expect(201).await;
        let path = format!("/api/v1/persons/{sam}/demographics");
        let version = door.within(&tenant, "GET", &path).expect(200).await["version"].clone();
        let erase = door.within(&tenant, "DELETE", &path).header("if-match", &format!("\"v{version}\""));
        erase.expect(204).await;
        assert_eq!(remembered().await, Vec::<String>::new());
    }
}
