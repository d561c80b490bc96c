//! What an import may not be: more than a few at a time, in the name of somebody who is gone, or a way round what one may see.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
};

use axum::body::Bytes;
use cloister_http::{EdgeSettings, RateSettings};
use cloister_ids::{AccountId, OperatorEntryId, SystemClock};
use cloister_tenancy::{
    Actor, Asker, Authenticator, Credential, Error, ErrorKind, Identity, OperatorVisit, PermissionSet, Result,
    Standings, TenantEntry, Tier,
};
use cloister_testkit::{Call, FrontDoor, TestPlatform, token};
use serde_json::{Value, json};

use crate::{
    Office, http_modules, id,
    imports::{Working, ended, package},
    unhurried_platform,
};

const ORGS: &str = "name,type\nAlpha,school\nBeta,school\n";

fn table(office: &Office<'_>, query: &str, text: &'static str) -> Call {
    office
        .call("POST", &format!("roster/imports?format=table&{query}"))
        .file("text/csv", Bytes::from_static(text.as_bytes()))
}

fn roster(office: &Office<'_>) -> Call {
    office.call("POST", "roster/imports").file("application/zip", package(&["a,,,Gamma,school,,"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn acts_do_not_come_as_tables() {
    let (platform, door) = unhurried_platform().await;
    let _working = Working::start(&platform.tenancy);
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let tables = office.read("roster/tables").await;
    let known: Vec<&str> =
        tables["resources"].as_array().unwrap().iter().map(|list| list["resource"].as_str().unwrap()).collect();
    assert!(known.contains(&"persons") && known.contains(&"calendar_dates"), "{known:?}");
    for act in ["year_rollovers", "person_merges", "absence_requests", "incident_letters"] {
        assert!(!known.contains(&act), "{act}");
        let run = ended(&office, &table(&office, &format!("resource={act}"), "school_id\nx\n").expect(201).await).await;
        assert_eq!(run["report"]["refusal"]["code"], "table_resource_unknown", "{run}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_imports_of_a_tenant_wait_and_no_more() {
    let (platform, door) = unhurried_platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let mut sent = Vec::new();
        for at in 0..5 {
            let call = if at % 2 == 0 { table(&office, "resource=orgs&dry_run=true", ORGS) } else { roster(&office) };
            sent.push(call.expect(201).await);
        }
        roster(&office).refused(409, "too_many_imports").await;
        table(&office, "resource=orgs", ORGS).refused(409, "too_many_imports").await;
        assert_eq!(office.list("roster/imports").await.len(), 5, "what is refused leaves nothing");
        let working = Working::start(&platform.tenancy);
        for run in &sent {
            ended(&office, run).await;
        }
        drop(working);
        roster(&office).expect(201).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_rows_is_shown_to_who_sent_them_or_may_import() {
    let (platform, door) = unhurried_platform().await;
    let _working = Working::start(&platform.tenancy);
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let bad = "name,type\nAlpha,school\nBeta,volcano\n";
    let long: &'static str = format!("name,type,identifier\nAlpha,school,{}\n", "x".repeat(200)).leak();
    let runs = [
        ended(&office, &table(&office, "resource=orgs&skip_bad_rows=true", bad).expect(201).await).await,
        ended(
            &office,
            &table(&office, "resource=orgs&mapping=%7B%22key%22:%5B%22name%22%5D%7D", long).expect(201).await,
        )
        .await,
        ended(&office, &roster(&office).expect(201).await).await,
    ];
    for run in &runs {
        assert_eq!(run["state"], "applied", "{run}");
        assert_eq!(run["report"]["files"][0]["examples"].as_array().map(Vec::len), Some(1), "{run}");
    }
    let after = runs[1]["report"]["files"][0]["examples"][0]["fields"][0]["after"].as_str().unwrap();
    assert_eq!(after.chars().count(), 101, "a long value is cut: {after}");
    assert_eq!(runs[0]["report"]["issues"].as_array().map(Vec::len), Some(2), "no key, and no volcano");
    for item in office.list("roster/imports").await {
        assert_eq!(item["report"], Value::Null, "{item}");
    }
    let reader = token("reader", Some(&tenant), &["school.roster.read"]);
    for run in &runs {
        let path = format!("roster/imports/{}", id(run));
        let read = office.call("GET", &path).token(&reader).expect(200).await;
        assert_eq!(read["report"]["files"][0]["created"], run["report"]["files"][0]["created"]);
        assert_eq!(read["report"]["errors"], run["report"]["errors"]);
        assert_eq!(read["report"]["files"][0]["examples"], json!([]), "{read}");
        assert_eq!(read["report"]["issues"], json!([]), "{read}");
        assert_eq!(read["report"]["columns"], Value::Null, "{read}");
        let importer = token("other", Some(&tenant), &["school.roster.*"]);
        let read = office.call("GET", &path).token(&importer).expect(200).await;
        assert_eq!(read["report"], run["report"]);
    }
}

/// What everybody may do now.
#[derive(Clone)]
struct Now(Arc<Mutex<Option<PermissionSet>>>);

impl Standings for Now {
    fn now<'a>(
        &'a self,
        _: &'a TenantEntry,
        _: &'a Asker,
    ) -> Pin<Box<dyn Future<Output = Result<PermissionSet>> + Send + 'a>> {
        let now = self.0.lock().unwrap().clone();
        let gone = || Error::new(ErrorKind::Forbidden, "membership_required", "This account does not belong here.");
        Box::pin(std::future::ready(now.ok_or_else(gone)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_not_done_for_who_may_not_import_any_more() {
    let (platform, door) = unhurried_platform().await;
    let now = Now(Arc::new(Mutex::new(None)));
    platform.tenancy.set_standings(Arc::new(now.clone()));
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let set = |texts: &[&str]| Some(PermissionSet::new(texts));
    for (left, failure) in
        [(None, "membership_required"), (set(&["school.roster.read", "school.org.*"]), "import_not_allowed_any_more")]
    {
        *now.0.lock().unwrap() = left;
        let sent = [table(&office, "resource=orgs", ORGS).expect(201).await, roster(&office).expect(201).await];
        let _working = Working::start(&platform.tenancy);
        for run in &sent {
            let run = ended(&office, run).await;
            assert_eq!((run["state"].as_str(), run["failure"].as_str()), (Some("failed"), Some(failure)), "{run}");
            let said = run["failure_message"].as_str().unwrap();
            assert!(said.ends_with('.'), "{run}");
            let reader = token("reader", Some(&tenant), &["school.roster.read"]);
            let read = office.call("GET", &format!("roster/imports/{}", id(&run))).token(&reader).expect(200).await;
            assert_eq!((&read["failure"], &read["failure_message"]), (&run["failure"], &Value::Null));
            assert!(office.list("roster/imports").await.iter().all(|run| run["failure_message"].is_null()));
        }
        assert!(office.list("orgs").await.is_empty());
    }
    // What is left of the permissions is what rows are brought in with.
    *now.0.lock().unwrap() = set(&["school.roster.import", "school.org.read"]);
    let _working = Working::start(&platform.tenancy);
    let run = ended(&office, &table(&office, "resource=orgs", ORGS).expect(201).await).await;
    assert_eq!(run["state"], "refused", "{run}");
    assert_eq!(run["report"]["issues"][1]["code"], "permission_denied", "{run}");
    *now.0.lock().unwrap() = set(&["*"]);
    let run = ended(&office, &table(&office, "resource=orgs", ORGS).expect(201).await).await;
    assert_eq!(run["state"], "applied", "{run}");
}

/// An operator, inside whatever tenant is asked for.
struct Visiting(AccountId);

const REASON: &str = "Ticket 4711: the import of schools stops half way.";

impl Authenticator for Visiting {
    fn authenticate(&self, _: &Credential<'_>) -> Result<Option<Arc<Identity>>> {
        let identity = Identity {
            account: Some(self.0),
            visit: Some(OperatorVisit {
                entry: OperatorEntryId::generate(&SystemClock),
                reason: REASON.into(),
                elevated: true,
            }),
            ..Identity::new(Actor::Operator(self.0.to_string().into()), None, PermissionSet::all())
        };
        Ok(Some(Arc::new(identity)))
    }
}

/// Entries of the audit log about organisations and imports, as actor, capacity and reason.
async fn entries(platform: &TestPlatform, tenant: &TenantEntry) -> Vec<[Option<String>; 3]> {
    let client = platform.admin(&tenant.placement.as_ref().unwrap().database).await;
    let text = "select actor, acting_as, reason from cloister.audit
        where tenant_id = $1 and (resource = 'school.org' or action in ('import', 'import.apply')) order by id";
    let rows = client.query(text, &[&tenant.id.uuid()]).await.unwrap();
    rows.iter().map(|row| [row.get(0), row.get(1), row.get(2)]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_brings_in_says_why_they_were_there() {
    let (platform, _) = unhurried_platform().await;
    let _working = Working::start(&platform.tenancy);
    let account = AccountId::generate(&SystemClock);
    let settings = EdgeSettings { rates: RateSettings::UNLIMITED, ..EdgeSettings::default() };
    let door = FrontDoor::authenticated(&platform.tenancy, Arc::new(Visiting(account)), &http_modules(), settings);
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        for sent in [table(&office, "resource=orgs", ORGS), roster(&office)] {
            let run = ended(&office, &sent.expect(201).await).await;
            assert_eq!(run["state"], "applied", "{run}");
        }
        let noted = entries(&platform, &tenant).await;
        assert_eq!(noted.len(), 4, "two rows, and the end of each import: {noted:?}");
        let expected = [format!("operator:{account}"), "operator (elevated)".to_owned(), REASON.to_owned()].map(Some);
        assert!(noted.iter().all(|entry| *entry == expected), "{noted:?}");
    }
}
