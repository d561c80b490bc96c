//! Agents of a package beside the contacts that the school keeps itself.

use cloister_school::{import::ImportSettings, oneroster::File};
use serde_json::json;

use crate::{
    fixture::{Fixture, bring, counts, dump, issues, platform},
    merged::Office,
    whole::everything,
};

#[tokio::test]
async fn what_was_decided_here_no_package_undoes() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let settings = ImportSettings::default();
        bring(&platform, &tenant, &Fixture::school(), &settings).await.unwrap();
        let office = Office::new(&platform, &tenant);
        let grace = office.person("grace").await;
        for (student, patch) in [("kim", Some(json!({"custody": "none"}))), ("sam", None)] {
            let contact = office.contact(&office.person(student).await, &grace).await;
            office.decide(&contact, patch).await;
        }
        let before = everything(&platform, &tenant).await;
        for settings in [ImportSettings::default(), ImportSettings { adopt: true, ..ImportSettings::default() }] {
            let report = bring(&platform, &tenant, &Fixture::school(), &settings).await.unwrap();
            assert_eq!(issues(&report), "");
            assert!(counts(&report).contains("users unchanged 4\n"), "{}", counts(&report));
            assert_eq!(everything(&platform, &tenant).await, before);
        }
        // Nor does one that no longer names them.
        let mut fewer = Fixture::school();
        fewer.change(File::Users, "\"grace,sam\"", "sam").change(File::Users, "grace,09", ",09");
        let report = bring(&platform, &tenant, &fewer, &settings).await.unwrap();
        assert!(counts(&report).contains("users unchanged 4\n"), "{}", counts(&report));
        assert_eq!(everything(&platform, &tenant).await, before);
    }
}

#[tokio::test]
async fn a_package_ends_and_renews_what_packages_brought_and_touches_nothing_else_of_it() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let settings = ImportSettings::default();
        bring(&platform, &tenant, &Fixture::school(), &settings).await.unwrap();
        let mut without = Fixture::school();
        without.change(File::Users, "\"grace,sam\"", "sam");
        let report = bring(&platform, &tenant, &without, &settings).await.unwrap();
        assert!(counts(&report).contains("users changed 1 unchanged 3\n"), "{}", counts(&report));
        let states = async || dump(&platform, &tenant, "contact", "relation, status, source, version").await;
        assert_eq!(
            states().await,
            ["guardian|active|import|1", "guardian|tobedeleted|import|2", "other|active|import|1"]
        );
        bring(&platform, &tenant, &Fixture::school(), &settings).await.unwrap();
        assert_eq!(states().await, ["guardian|active|import|1", "guardian|active|import|3", "other|active|import|1"]);
    }
}
