//! Rosters that come in over HTTP, as jobs, and are taken back.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use axum::body::Bytes;
use cloister_school::oneroster::{File, Version};
use cloister_tenancy::{Tenancy, Tier, jobs::WorkSettings};
use serde_json::{Value, json};

use crate::{Office, id, platform};

/// A bulk package of these organisations.
pub(crate) fn package(orgs: &[&str]) -> Bytes {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mut put = |name: &str, text: &str| {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    };
    let mut manifest = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\n".to_owned();
    for file in File::of(Version::V1_2) {
        let mode = if file == File::Orgs { "bulk" } else { "absent" };
        manifest.push_str(&format!("file.{},{mode}\n", file.name()));
    }
    put("manifest.csv", &manifest);
    let rows = orgs.join("\n");
    put("orgs.csv", &format!("sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n{rows}\n"));
    zip.finish().unwrap().into_inner().into()
}

/// Does jobs until it is dropped.
pub(crate) struct Working(tokio::task::JoinHandle<()>);

impl Working {
    pub(crate) fn start(tenancy: &Tenancy) -> Self {
        let settings = WorkSettings {
            lease: Duration::from_millis(900),
            poll: Duration::from_millis(20),
            drain: Duration::from_secs(1),
            ..WorkSettings::default()
        };
        let tenancy = tenancy.clone();
        Self(tokio::spawn(async move { tenancy.work(settings, std::future::pending()).await.unwrap() }))
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The import once it has ended.
pub(crate) async fn ended(office: &Office<'_>, run: &Value) -> Value {
    let path = format!("roster/imports/{}", id(run));
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let run = office.read(&path).await;
        if run["state"] != "waiting" && run["state"] != "running" {
            return run;
        }
        assert!(Instant::now() < deadline, "{run}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

async fn send(office: &Office<'_>, query: &str, package: Bytes) -> Value {
    let call = office.call("POST", &format!("roster/imports{query}")).file("application/zip", package);
    call.expect(201).await
}

async fn names(office: &Office<'_>) -> Vec<String> {
    office.list("orgs").await.iter().map(|org| org["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_tried_brought_in_and_taken_back_in_every_tier() {
    let (platform, door) = platform().await;
    let _working = Working::start(&platform.tenancy);
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let first = package(&["a,,,Alpha,district,,", "b,,,Beta,school,,a"]);
        let run = send(&office, "?dry_run=true", first.clone()).await;
        assert_eq!((run["state"].as_str(), run["bytes"].as_u64()), (Some("waiting"), Some(first.len() as u64)));
        let run = ended(&office, &run).await;
        assert_eq!(run["state"], "dry_run", "{run}");
        assert_eq!(run["report"]["files"][0]["created"], 2);
        assert_eq!(run["report"]["files"][0]["examples"][0]["label"], "Alpha");
        assert_eq!(names(&office).await, Vec::<String>::new());

        let run = ended(&office, &send(&office, "", first).await).await;
        assert_eq!((run["state"].as_str(), run["undoable"].as_bool()), (Some("applied"), Some(true)), "{run}");
        assert_eq!(names(&office).await, ["Alpha", "Beta"]);

        let second = package(&["a,,,Alpha,district,,", "c,,,Gamma,school,,a"]);
        let refused = ended(&office, &send(&office, "", second.clone()).await).await;
        assert_eq!(refused["state"], "refused", "half of it would go: {refused}");
        assert_eq!(refused["report"]["refusal"]["code"], "removal_threshold_exceeded");
        let run = ended(&office, &send(&office, "?removal_threshold=100", second).await).await;
        assert_eq!(run["state"], "applied", "{run}");
        assert_eq!(names(&office).await, ["Alpha", "Gamma"]);

        let undo = || office.call("POST", &format!("roster/imports/{}/undo", id(&run))).json(json!({}));
        let keyed = || undo().header("idempotency-key", "back");
        assert_eq!(keyed().expect(200).await["state"], "undone");
        assert_eq!(names(&office).await, ["Alpha", "Beta"]);
        assert_eq!(keyed().expect(200).await["state"], "undone", "the same answer again");
        undo().refused(409, "import_undone").await;
        let listed = office.list("roster/imports").await;
        let states: Vec<_> = listed.iter().map(|run| run["state"].as_str().unwrap()).collect();
        assert_eq!(states, ["undone", "refused", "applied", "dry_run"]);
        // What was sent does not stay.
        let placement = tenant.placement.as_ref().unwrap();
        let text = format!("select count(*) from \"{}\".import_part where tenant_id = $1", placement.schema);
        let kept = platform.admin(&placement.database).await.query_one(&text, &[&tenant.id]).await.unwrap();
        assert_eq!(kept.get::<_, i64>(0), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_package_is_told_so() {
    let (platform, door) = platform().await;
    let _working = Working::start(&platform.tenancy);
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let run = ended(&office, &send(&office, "", Bytes::from_static(b"not a zip")).await).await;
    assert_eq!(run["state"], "failed", "{run}");
    assert!(run["failure"].as_str().is_some_and(|code| code.starts_with("package_")), "{run}");
    let post = || office.call("POST", "roster/imports");
    post().json(json!({})).refused(415, "media_type_unsupported").await;
    post().file("application/zip", Bytes::new()).refused(400, "body_missing").await;
    let large = Bytes::from(vec![0; 64 * 1024 * 1024 + 1]);
    post().file("application/zip", large).refused(413, "body_too_large").await;
    office.call("POST", "roster/imports?mode=exact").file("application/zip", package(&[])).expect(400).await;
    office.call("POST", "roster/imports?removal_threshold=101").file("application/zip", package(&[])).expect(400).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_brings_it_in_once() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let bytes = package(&["a,,,Alpha,district,,"]);
    let keyed = |query: &str, bytes: Bytes| {
        let call = office.call("POST", &format!("roster/imports{query}")).file("application/zip", bytes);
        call.header("idempotency-key", "once")
    };
    let first = keyed("", bytes.clone()).expect(201).await;
    assert_eq!(keyed("", bytes.clone()).expect(201).await["id"], first["id"]);
    keyed("?dry_run=true", bytes).refused(422, "idempotency_key_reused").await;
    keyed("", package(&["b,,,Beta,district,,"])).refused(422, "idempotency_key_reused").await;
    assert_eq!(office.list("roster/imports").await.len(), 1);
}
