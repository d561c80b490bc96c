//! What is left of imports: of one whose job is no more, and of reports after a while.

use std::time::{Duration, Instant};

use cloister_tenancy::{
    TenantEntry, Tier,
    jobs::{NewJob, WorkSettings},
};
use cloister_testkit::TestPlatform;
use serde_json::{Value, json};

use crate::{
    Office, id,
    imports::{Working, ended, package, send},
    platform,
    table_imports::bring,
    unhurried_platform,
};

/// The control plane, past all walls.
async fn control(platform: &TestPlatform, shared: &TenantEntry) -> tokio_postgres::Client {
    let database = shared.placement.as_ref().unwrap().database.replace("_shared", "_control");
    platform.admin(&database).await
}

async fn enqueue(platform: &TestPlatform, tenant: &TenantEntry, kind: &'static str, run: &Value) {
    let payload = json!({"id": run["id"]});
    let job = NewJob { kind, tenant: Some(tenant.id), payload, unique_key: None, run_at: None };
    platform.tenancy.enqueue(job).await.unwrap();
}

async fn parts(platform: &TestPlatform, tenant: &TenantEntry) -> i64 {
    let placement = tenant.placement.as_ref().unwrap();
    let text = format!("select count(*) from \"{}\".import_part where tenant_id = $1", placement.schema);
    platform.admin(&placement.database).await.query_one(&text, &[&tenant.id]).await.unwrap().get(0)
}

/// Waits until what is asked for comes.
async fn until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(Instant::now() < deadline, "it never came");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_job_is_dead_ends_and_gives_back_its_room() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let control = control(&platform, &tenant).await;
    // A node that carries jobs and does none.
    let settings = WorkSettings { concurrency: 0, poll: Duration::from_millis(20), ..WorkSettings::default() };
    let carrying = {
        let tenancy = platform.tenancy.clone();
        tokio::spawn(async move { tenancy.work(settings, std::future::pending()).await.unwrap() })
    };
    let dead = send(&office, "", package(&["a,,,Alpha,district,,"])).await;
    let waiting = send(&office, "", package(&["b,,,Beta,district,,"])).await;
    until(async || {
        let text = "select count(*) from control.job where kind = 'school.import_run'";
        (control.query_one(text, &[]).await.unwrap().get::<_, i64>(0) == 2).then_some(())
    })
    .await;
    // Somebody looks after each, an hour later.
    let text = "select count(*) from control.job where kind = 'school.import_watch' and state = 'ready'
        and run_at between now() + interval '50 minutes' and now() + interval '1 hour'";
    assert_eq!(control.query_one(text, &[]).await.unwrap().get::<_, i64>(0), 2);
    carrying.abort();
    let text = "update control.job set state = 'dead', finished_at = now()
        where kind = 'school.import_run' and payload ->> 'id' = $1";
    assert_eq!(control.execute(text, &[&id(&dead)]).await.unwrap(), 1);
    let text = "update control.job set run_at = now() + interval '1 hour' where kind = 'school.import_run' and state = 'ready'";
    assert_eq!(control.execute(text, &[]).await.unwrap(), 1);

    for run in [&dead, &waiting] {
        enqueue(&platform, &tenant, "school.import_watch", run).await;
    }
    let _working = Working::start(&platform.tenancy);
    let run = ended(&office, &dead).await;
    assert_eq!((run["state"].as_str(), run["failure"].as_str()), (Some("failed"), Some("import_given_up")), "{run}");
    until(async || (parts(&platform, &tenant).await == 1).then_some(())).await;
    // The other one still waits for its turn, and is looked after again.
    until(async || {
        let text = "select count(*) from control.job where kind = 'school.import_watch' and state = 'ready'
            and run_at > now() and payload ->> 'id' = $1";
        (control.query_one(text, &[&id(&waiting)]).await.unwrap().get::<_, i64>(0) == 2).then_some(())
    })
    .await;
    assert_eq!(office.read(&format!("roster/imports/{}", id(&waiting))).await["state"], "waiting");
    // It gives no sign of life while nobody does any work, so it may wait for days. One that began gives them.
    let placement = tenant.placement.as_ref().unwrap();
    let client = platform.admin(&placement.database).await;
    let quiet = |state: &str| {
        format!(
            "update \"{}\".import_run set updated_at = now() - interval '25 hours', state = '{state}'
                where tenant_id = $1 and state = 'waiting'",
            placement.schema
        )
    };
    assert_eq!(client.execute(&quiet("waiting"), &[&tenant.id]).await.unwrap(), 1);
    enqueue(&platform, &tenant, "school.import_watch", &waiting).await;
    until(async || {
        let text = "select count(*) from control.job where kind = 'school.import_watch' and state = 'ready'
            and run_at > now() and payload ->> 'id' = $1";
        (control.query_one(text, &[&id(&waiting)]).await.unwrap().get::<_, i64>(0) == 3).then_some(())
    })
    .await;
    assert_eq!(office.read(&format!("roster/imports/{}", id(&waiting))).await["state"], "waiting");
    assert_eq!(client.execute(&quiet("running"), &[&tenant.id]).await.unwrap(), 1);
    enqueue(&platform, &tenant, "school.import_watch", &waiting).await;
    let run = ended(&office, &waiting).await;
    assert_eq!(run["failure"], "import_given_up");
    assert!(run["failure_message"].as_str().unwrap().contains("Send it again"), "{run}");
    until(async || (parts(&platform, &tenant).await == 0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_forget_people_and_keep_counts_in_every_tier() {
    let (platform, door) = unhurried_platform().await;
    let _working = Working::start(&platform.tenancy);
    let north = platform.tenant("control-finder", Tier::Shared).await;
    let control = control(&platform, &north).await;
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let good = "identifier,given_name,family_name,enabled_user\n1,Mila,Okafor,yes\n";
        let tried = bring(&office, "resource=persons&dry_run=true", good).await;
        let refused = bring(&office, "resource=persons", good.replace("yes", "maybe")).await;
        assert_eq!(refused["state"], "refused", "{refused}");
        let orgs = ended(&office, &send(&office, "", package(&["a,,,Alpha,wizards,,"])).await).await;
        let young = bring(&office, "resource=persons&dry_run=true", good).await;
        let old = [&tried, &refused, &orgs];
        let told = [&tried, &refused, &orgs, &young];
        for (run, word) in told.iter().zip(["Okafor", "maybe", "wizards", "Okafor"]) {
            assert!(run["report"].to_string().contains(word), "{word}: {run}");
        }
        // Each of them leaves word that it is to be forgotten in time.
        let text = "select count(*) from control.job where kind = 'school.import_forget' and tenant_id = $1
            and run_at between now() + interval '29 days' and now() + interval '30 days'";
        until(async || (control.query_one(text, &[&tenant.id]).await.unwrap().get::<_, i64>(0) == 4).then_some(()))
            .await;

        let placement = tenant.placement.as_ref().unwrap();
        let text = format!(
            "update \"{}\".import_run set created_at = now() - interval '31 days' where tenant_id = $1
                and id <> (select id from \"{}\".import_run where tenant_id = $1 order by id desc limit 1)",
            placement.schema, placement.schema
        );
        assert_eq!(platform.admin(&placement.database).await.execute(&text, &[&tenant.id]).await.unwrap(), 3);
        enqueue(&platform, &tenant, "school.import_forget", &tried).await;
        for (run, word) in old.iter().zip(["Okafor", "maybe", "wizards"]) {
            let left = until(async || {
                let left = office.read(&format!("roster/imports/{}", id(run))).await;
                (left["report"]["examples_forgotten"] == true).then_some(left)
            })
            .await;
            assert!(!left.to_string().contains(word), "{}: {left}", tenant.tier);
            assert_eq!(
                (&left["report"]["columns"], &left["report"]["refusal"]["message"]),
                (&Value::Null, &Value::Null)
            );
            assert_eq!(left["report"]["refusal"]["code"], run["report"]["refusal"]["code"], "{left}");
            let counts = |run: &Value| {
                let of = |file: &Value| [&file["rows"], &file["created"], &file["skipped"]].map(Value::clone);
                let files: Vec<_> = run["report"]["files"].as_array().unwrap().iter().map(of).collect();
                (files, run["report"]["errors"].clone(), run["report"]["issues"].as_array().unwrap().len())
            };
            assert_eq!(counts(&left), counts(run), "{}", tenant.tier);
            assert_eq!(left["version"].as_i64(), run["version"].as_i64().map(|version| version + 1));
        }
        let young = office.read(&format!("roster/imports/{}", id(&young))).await;
        assert!(young["report"].to_string().contains("Okafor"), "{young}");
    }
}
