//! A tenant of which every text is marked, and another that asks everything there is to ask: none of the marks is heard.

use std::sync::Arc;

use cloister_http::DURATION_BUCKETS;
use cloister_platform::{NewPerson, Service};
use cloister_tenancy::{Actor, TenantEntry, Tier};
use cloister_testkit::FrontDoor;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;

use crate::{
    asking::{Asker, Heard},
    fill::fill,
    marking::{self, Marked},
    roster,
    stage::Stage,
};

const PASSWORD: &str = "seven quiet herons at dusk";

/// The word that marks what is A's.
const CANARY: &str = "canary7d1f";

/// Somebody who may do everything in a tenant, and the way in.
async fn owner(service: &Service, door: &FrontDoor, tenant: &TenantEntry, word: &str) -> String {
    let email = format!("{word}owner@{}.example", tenant.slug);
    let person = NewPerson {
        email: email.clone(),
        display_name: format!("{word} Owner"),
        locale: "en".to_owned(),
        password: PASSWORD.to_owned().into(),
    };
    let by = (&Actor::Operator("test".into())).into();
    service.make_member(tenant.id, &person, &["owner".to_owned()], &by).await.unwrap();
    let host = format!("{}.localhost", tenant.slug);
    let call = door.call("POST", "/api/v1/sessions").header("host", &host);
    let signed_in = call.json(json!({ "email": email, "password": PASSWORD })).expect(201).await;
    signed_in["access_token"].as_str().unwrap().to_owned()
}

/// Where the word is heard.
fn found<'a>(heard: &'a [Heard], word: &str) -> Vec<&'a Heard> {
    heard.iter().filter(|heard| heard.text.contains(word)).collect()
}

/// What came into a tenant last: what was there before is kept of that alone, in tables of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Import {
    Roster,
    Table,
    Nothing,
}

/// What a table of a module must have been given before anything is proven about it.
fn check_marked(marked: &Marked, tenant: &TenantEntry, last: Import) {
    let placement = tenant.placement.as_ref().unwrap();
    let of_module = format!("{}/{}.", placement.database, placement.schema);
    let empty: Vec<_> = marked.empty.iter().filter_map(|place| place.strip_prefix(&of_module)).collect();
    // A school has no components and a company no roster; of its own kind a tenant has something in every table.
    let as_it_should = match last {
        Import::Roster => empty == ["component", "table_change"],
        Import::Table => !empty.contains(&"table_change"),
        Import::Nothing => !empty.contains(&"component"),
    };
    assert!(as_it_should, "nothing is marked in {empty:?}: let `fill` make some");
    let of_words = |(_, why): &(&String, &String)| !why.contains("check constraint") && !why.contains("foreign key");
    let strange: Vec<_> = marked.refused.iter().filter(of_words).collect();
    assert!(strange.is_empty(), "columns that no check keeps to a few words are not marked: {strange:?}");
    assert!(marked.columns.len() > 40, "only {:?} are marked", marked.columns);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_another_tenant_wrote_is_heard_whatever_is_asked() {
    let metrics = PrometheusBuilder::new().set_buckets(DURATION_BUCKETS).unwrap().install_recorder().unwrap();
    let stage = Stage::open().await;
    let door = stage.signed_in_door(Some(metrics.clone()));
    let mut questions = 0;
    let schools = Tier::ALL.iter().map(|tier| ("school", *tier, Import::Roster));
    let others = [("school", Tier::Shared, Import::Table), ("company", Tier::Shared, Import::Nothing)];
    for (number, (kind, tier, last)) in schools.chain(others).enumerate() {
        let a = stage.platform.tenant_of(&format!("a-{kind}-{number}"), kind, tier).await;
        let b = stage.platform.tenant_of(&format!("b-{kind}-{number}"), kind, tier).await;
        let (ours, theirs) =
            (owner(&stage.service, &door, &b, "b").await, owner(&stage.service, &door, &a, CANARY).await);
        let owner_of_a = Asker { door: &door, tenant: &a, token: &theirs };
        let owner_of_b = Asker { door: &door, tenant: &b, token: &ours };
        fill(&owner_of_a, CANARY).await;
        fill(&owner_of_b, "b").await;
        for tenant in [&a, &b] {
            match last {
                Import::Roster => roster::twice(&stage.platform.tenancy, tenant).await,
                Import::Table => roster::table_twice(&stage.platform.tenancy, tenant).await,
                Import::Nothing => {}
            }
        }
        let (own, foreign) = (owner_of_b.ids().await, owner_of_a.ids().await);
        let marked = marking::mark(&stage.platform, a.id.uuid(), CANARY).await;
        check_marked(&marked, &a, last);

        // Whoever may read it, reads it: the marks are where answers come from.
        let told = owner_of_a.everything(&foreign, &own, &[]).await;
        let places = found(&told, CANARY).len();
        assert!(
            places >= if kind == "school" { 50 } else { 6 },
            "{kind} {tier}: its owner reads only {places} of them"
        );

        let words = [CANARY[..4].to_owned()];
        let heard = owner_of_b.everything(&own, &foreign, &words).await;
        questions += heard.len();
        for word in [CANARY.to_owned(), a.id.to_string(), a.id.uuid().to_string()] {
            let found = found(&heard, &word);
            assert!(found.is_empty(), "{kind} {tier}: `{word}` is heard: {found:?}");
        }
        for id in foreign.iter().filter(|(list, _)| !list.ends_with("roles")).flat_map(|(_, ids)| ids) {
            let found = found(&heard, id);
            assert!(found.is_empty(), "{kind} {tier}: {id} is heard: {found:?}");
        }
        let failed: Vec<_> = heard.iter().filter(|heard| heard.status >= 500).collect();
        assert!(failed.is_empty(), "{kind} {tier}: {failed:?}");

        // A leak that is made is found: one marked word in one row of B's.
        if tier == Tier::Shared {
            leak(&stage, &b).await;
            let heard = owner_of_b.everything(&own, &foreign, &[]).await;
            assert!(!found(&heard, CANARY).is_empty(), "{kind}: a leak is not found");
        }
    }
    assert!(questions > 1000, "only {questions} questions were asked");
    let (log, metrics) = (stage.log.take(), metrics.render());
    assert!(log.contains("/api/v1/persons") && metrics.contains("http_requests_total"), "nobody wrote anything down");
    assert_eq!(log.lines().find(|line| line.contains(CANARY)), None, "in the log");
    assert_eq!(metrics.lines().find(|line| line.contains(CANARY)), None, "in the metrics");
}

async fn leak(stage: &Stage, to: &Arc<TenantEntry>) {
    let placement = to.placement.as_ref().unwrap();
    let (table, column) = if &*to.kind == "school" { ("course", "title") } else { ("component", "owner") };
    let client = stage.platform.admin(&placement.database).await;
    let text = format!("update \"{}\".{table} set {column} = $2 where tenant_id = $1", placement.schema);
    assert!(client.execute(&text, &[&to.id.uuid(), &format!("{CANARY}leak")]).await.unwrap() > 0);
}
