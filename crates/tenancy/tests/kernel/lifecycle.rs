//! From a request to a tenant in use: what is asked for, who gets a name, and what is there in the end.

use std::{sync::Arc, time::Duration};

use cloister_tenancy::{ErrorKind, NewTenant, Status, Tier, lifecycle::State};
use cloister_testkit::{TestPlatform, operator};
use futures_util::future::join_all;

use crate::isolation::{assert_walls_apply, count, write_note};

pub(crate) fn new_tenant(slug: &str, tier: Tier) -> NewTenant {
    NewTenant::new(slug.parse().unwrap(), format!("The {slug} school"), "school", tier)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_made_in_every_tier_with_all_that_was_said_of_it() {
    let platform = TestPlatform::start().await;
    let node = &platform.tenancy;
    for tier in Tier::ALL {
        let mut new = new_tenant(&format!("full-{tier}"), *tier);
        new.legal_name = Some("Full School Ltd".to_owned());
        new.plan = "large".to_owned();
        new.locale = "de-CH".to_owned();
        new.time_zone = "Europe/Zurich".to_owned();
        new.contact_name = Some("Ada".to_owned());
        new.contact_email = Some("ada@full.example".to_owned());
        new.contact_phone = Some("+41 1 234".to_owned());
        new.address = Some("Street 1\nTown".to_owned());
        new.trial_start_date = Some(jiff::civil::date(2026, 1, 1));
        new.trial_end_date = Some(jiff::civil::date(2026, 2, 1));
        new.demo = true;
        new.domains = vec![format!("{tier}.full.example")];
        let plan = node.plan_tenant(&new).await.unwrap();
        let (id, workflow) = node.create_tenant(&new, &operator::operator()).await.unwrap();
        let pending = node.tenant(id).await.unwrap();
        assert_eq!((pending.status, pending.workflow), (Status::Pending, Some(workflow)));
        let steps = std::sync::Mutex::new(Vec::new());
        let end = node.finish(workflow, &|step| steps.lock().unwrap().push(step.step)).await.unwrap();
        assert_eq!(end.state, State::Done);
        assert_eq!(*steps.lock().unwrap(), plan.steps, "what was planned is what was done");
        let made = node.tenant(id).await.unwrap();
        assert_eq!((made.status, made.workflow, made.epoch), (Status::Active, None, Some(1)));
        assert_eq!(made.legal_name, new.legal_name);
        assert_eq!((&made.plan, &made.locale, &made.time_zone), (&new.plan, &new.locale, &new.time_zone));
        assert_eq!((&made.contact_name, &made.contact_email), (&new.contact_name, &new.contact_email));
        assert_eq!((&made.contact_phone, &made.address), (&new.contact_phone, &new.address));
        assert_eq!((made.trial_start_date, made.trial_end_date), (new.trial_start_date, new.trial_end_date));
        assert!(made.demo && made.domains == new.domains && made.created_by == "operator:test");
        // It is really there, behind its walls, with what its module puts in.
        let entry = node.registry().by_host(&new.domains[0]).unwrap();
        assert_walls_apply(&platform, &entry.placement.as_ref().unwrap().database).await;
        let cx = platform.cx(&entry);
        assert_eq!(count(node, &cx).await, 1);
        write_note(node, &cx, "works").await;
        // Names in the database come from the id, never from what somebody typed.
        let place = format!("{:?}", entry.placement);
        assert!(!place.contains("full"), "{place}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_is_named_at_once() {
    let platform = TestPlatform::start().await;
    let mut new = new_tenant("wrong", Tier::Shared);
    new.display_name = " ".to_owned();
    new.legal_name = Some(String::new());
    new.kind = "zoo".to_owned();
    new.plan = "Plan 9".to_owned();
    new.region = String::new();
    new.locale = "english!".to_owned();
    new.time_zone = "Europe/Atlantis".to_owned();
    new.contact_email = Some("nobody".to_owned());
    new.trial_start_date = Some(jiff::civil::date(2026, 2, 1));
    new.trial_end_date = Some(jiff::civil::date(2026, 1, 1));
    new.domains =
        vec!["fine.example".into(), "UPPER.example".into(), "x.localhost".into(), "10.0.0.1".into(), "one".into()];
    let refused = platform.tenancy.create_tenant(&new, &operator::operator()).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Invalid, "validation_failed"));
    let mut fields: Vec<_> = refused.fields().iter().map(|wrong| wrong.field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "contact_email",
            "display_name",
            "domains[1]",
            "domains[2]",
            "domains[3]",
            "domains[4]",
            "kind",
            "legal_name",
            "locale",
            "plan",
            "region",
            "time_zone",
            "trial_end_date",
        ]
    );
    assert!(refused.fields().iter().all(|wrong| !wrong.message.is_empty()));
    let planned = platform.tenancy.plan_tenant(&new).await.unwrap_err();
    assert_eq!(planned.fields(), refused.fields(), "a plan refuses what the making would refuse");
    assert!(platform.traces(&["wrong school"]).await.is_empty(), "something was recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_those_who_race_for_a_name_one_gets_it() {
    let platform = TestPlatform::start().await;
    let second = platform.second_node().await;
    for round in 0..5 {
        let mut new = new_tenant(&format!("wanted-{round}"), Tier::Shared);
        new.domains = vec![format!("wanted-{round}.example")];
        let by = operator::operator();
        let nodes = [&platform.tenancy, &second];
        let racers = (0..6).map(|at| nodes[at % 2].create_tenant(&new, &by));
        let (won, lost): (Vec<_>, Vec<_>) = join_all(racers).await.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 5));
        for error in lost.into_iter().filter_map(Result::err) {
            assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "slug_taken"));
        }
        let (id, workflow) = won.into_iter().next().unwrap().unwrap();
        operator::carry_out(&platform.tenancy, Ok(workflow)).await;
        assert_eq!(platform.tenancy.find_tenant(new.slug.as_str()).await.unwrap().id, id);
        assert_eq!(platform.tenancy.plan_tenant(&new).await.unwrap_err().code(), "slug_taken");
        // The same for a host name that belongs to another already.
        let mut other = new_tenant(&format!("other-{round}"), Tier::Shared);
        other.domains.clone_from(&new.domains);
        let refused = platform.tenancy.create_tenant(&other, &by).await.unwrap_err();
        assert_eq!((refused.kind(), refused.code()), (ErrorKind::Conflict, "domain_taken"));
        assert!(platform.tenancy.find_tenant(other.slug.as_str()).await.is_err(), "half of it was recorded");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_made_at_once_and_none_has_to_try_twice() {
    let platform = Arc::new(TestPlatform::start().await);
    let makers = (0..12usize).map(|number| {
        let platform = platform.clone();
        tokio::spawn(async move {
            let tier = Tier::ALL[number % 3];
            platform.tenant(&format!("many-{number}"), tier).await
        })
    });
    let mut places = std::collections::HashSet::new();
    for made in join_all(makers).await {
        let tenant = made.unwrap();
        assert_eq!(count(&platform.tenancy, &platform.cx(&tenant)).await, 1);
        let place = tenant.placement.clone().unwrap();
        if tenant.tier != Tier::Shared {
            assert!(places.insert((place.database, place.schema)), "two tenants in one place");
        }
    }
    let control = platform.admin(&format!("{}_control", platform.prefix)).await;
    let tried = "select string_agg(step || ': ' || message, '; ') from control.workflow_step where outcome = 'error'";
    let errors: Option<String> = control.query_one(tried, &[]).await.unwrap().get(0);
    assert_eq!(errors, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_in_order_filtered_and_bounded() {
    let platform = TestPlatform::start().await;
    for (slug, tier) in [("c", Tier::Shared), ("a", Tier::Schema), ("b", Tier::Shared)] {
        platform.tenant(slug, tier).await;
    }
    let slugs = async |filter: cloister_tenancy::lifecycle::TenantFilter| -> String {
        let tenants = platform.tenancy.list_tenants(&filter).await.unwrap();
        tenants.iter().map(|tenant| tenant.slug.to_string()).collect::<Vec<_>>().join(" ")
    };
    let all = cloister_tenancy::lifecycle::TenantFilter { limit: 10, ..Default::default() };
    assert_eq!(slugs(all.clone()).await, "a b c");
    assert_eq!(slugs(cloister_tenancy::lifecycle::TenantFilter { limit: 2, ..all.clone() }).await, "a b");
    assert_eq!(slugs(cloister_tenancy::lifecycle::TenantFilter { after: "a".into(), ..all.clone() }).await, "b c");
    assert_eq!(
        slugs(cloister_tenancy::lifecycle::TenantFilter { tier: Some(Tier::Shared), ..all.clone() }).await,
        "b c"
    );
    let suspended = cloister_tenancy::lifecycle::TenantFilter { status: Some(Status::Suspended), ..all };
    assert_eq!(slugs(suspended).await, "");
    tokio::time::sleep(Duration::ZERO).await;
}
