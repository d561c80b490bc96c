//! A flood at one tenant's door, through the whole edge: the others are answered, and nobody of theirs is refused.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use cloister_testkit::Call;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    fixture::{House, PASSWORD, text},
    operators::{noted_by_platform, operator},
};

/// What a quiet tenant's request may take.
const BOUND: Duration = Duration::from_secs(1);
const CROWD: usize = 32;
/// Between two of one caller: without it the callers themselves would leave no processor to anybody.
const PAUSE: Duration = Duration::from_millis(60);

/// Sends the same again and again until told to stop; counts what came back by status.
struct Flood {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
    callers: JoinSet<()>,
}

impl Flood {
    fn of(call: &Call) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (answered, refused) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut callers = JoinSet::new();
        for _ in 0..CROWD {
            let (call, stop) = (call.clone(), stop.clone());
            let (answered, refused) = (answered.clone(), refused.clone());
            callers.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let status = call.clone().send().await.status;
                    let count = if matches!(status, 429 | 503) { &refused } else { &answered };
                    count.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(PAUSE).await;
                }
            });
        }
        Self { stop, answered, refused, callers }
    }

    async fn end(mut self) -> (usize, usize) {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.callers.join_next().await {
            ended.unwrap();
        }
        (self.answered.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }
}

async fn slowest(rounds: u32, call: impl Fn() -> Call, status: u16) -> Duration {
    let mut slowest = Duration::ZERO;
    for _ in 0..rounds {
        let begun = Instant::now();
        call().expect(status).await;
        slowest = slowest.max(begun.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    slowest
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_flood_of_reads_writes_and_sign_ins_a_quiet_tenant_is_answered() {
    let house = House::open().await;
    let (loud, quiet) = (house.school("loud").await, house.school("quiet").await);
    house.member(&loud, "ada@loud.example", "owner").await;
    house.member(&quiet, "eve@quiet.example", "owner").await;
    let ada = house.sign_in(Some(&loud), "ada@loud.example").await;
    let eve = house.sign_in(Some(&quiet), "eve@quiet.example").await;
    let read = |tenant, who: &Value| house.at(tenant, "GET", "/api/v1/tenant/members").token(text(who, "access_token"));
    let made = AtomicUsize::new(0);
    let write = |tenant, who: &Value| {
        let name = format!("helper_{}", made.fetch_add(1, Ordering::Relaxed));
        let role = json!({ "name": name, "display_name": "Helper", "permissions": ["platform.member.read"] });
        house.at(tenant, "POST", "/api/v1/tenant/roles").token(text(who, "access_token")).json(role)
    };
    let sign_in = |tenant, email: &str, password: &str| {
        house.at(tenant, "POST", "/api/v1/sessions").json(json!({ "email": email, "password": password }))
    };
    let own = slowest(2, || sign_in(Some(&*quiet), "eve@quiet.example", PASSWORD), 201).await;
    let floods = [
        ("reads", read(Some(&*loud), &ada)),
        ("writes", write(Some(&*loud), &ada)),
        ("sign-ins", sign_in(Some(&*loud), "ada@loud.example", PASSWORD)),
    ];
    for (name, call) in floods {
        let flood = Flood::of(&call);
        tokio::time::sleep(Duration::from_millis(200)).await;
        let reads = slowest(10, || read(Some(&*quiet), &eve), 200).await;
        let writes = slowest(3, || write(Some(&*quiet), &eve), 201).await;
        let sign_ins = slowest(2, || sign_in(Some(&*quiet), "eve@quiet.example", PASSWORD), 201).await;
        let (answered, _) = flood.end().await;
        assert!(reads < BOUND && writes < BOUND, "{name}: {reads:?} {writes:?}");
        // The crowd's own queue takes many times as long. Hashing is the last to get a processor, whoever keeps it busy.
        assert!(sign_ins < BOUND.max(own * 8), "{name}: {sign_ins:?} beside {own:?}");
        assert!(answered > 0, "{name}: the flood was none");
    }
}

const PLANS: &str = "/api/v1/platform/plans";

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_made_listed_and_changed_and_holds_at_once_for_its_tenants() {
    let house = House::open().await;
    let (_, admin) = operator(&house, "ann@platform.example", "admin").await;
    let (_, viewer) = operator(&house, "vic@platform.example", "viewer").await;
    let call = |token: &str, method: &str, path: &str| house.at(None, method, path).token(token);
    let names = |page: &Value| {
        page["items"].as_array().unwrap().iter().map(|plan| text(plan, "name").to_owned()).collect::<Vec<_>>().join(" ")
    };
    let page = call(&viewer, "GET", PLANS).expect(200).await;
    assert_eq!(names(&page), "free large standard");
    let first = call(&viewer, "GET", &format!("{PLANS}?limit=1&sort=-name")).expect(200).await;
    let next = format!("{PLANS}?limit=1&sort=-name&cursor={}", text(&first, "next_cursor"));
    assert_eq!(
        (names(&first), names(&call(&viewer, "GET", &next).expect(200).await)),
        ("standard".into(), "large".into())
    );

    let body = json!({ "name": "tiny", "title": "Tiny", "limits": { "read": "2/1h", "statement_timeout": "2s" } });
    let create = || call(&admin, "POST", PLANS).json(body.clone());
    call(&viewer, "POST", PLANS).json(body.clone()).refused(403, "permission_denied").await;
    let made = create().header("idempotency-key", "one").send().await;
    assert_eq!((made.status, made.header("location")), (201, Some("/api/v1/platform/plans/tiny")), "{}", made.body);
    let again = create().header("idempotency-key", "one").send().await;
    assert_eq!((again.status, &again.body), (201, &made.body));
    create().refused(409, "plan_exists").await;
    for (field, value, code) in [
        ("name", json!("Tiny!"), "plan_name"),
        ("title", json!(" "), "length"),
        ("limits", json!({ "reed": "1/1s" }), "unknown_limit"),
        ("limits", json!({ "connections": "95%" }), "share_invalid"),
        ("limits", json!({ "import_timeout": "2h" }), "time_invalid"),
    ] {
        let mut body = json!({ "name": "other", "title": "Other" });
        body[field] = value;
        let refused = call(&admin, "POST", PLANS).json(body).refused(422, "validation_failed").await;
        assert_eq!(refused["errors"][0]["code"], code, "{refused}");
    }
    for name in ["none", "No%20name", "%00"] {
        call(&viewer, "GET", &format!("{PLANS}/{name}")).refused(404, "not_found").await;
    }

    // Given to a tenant, and the tenant's people are counted by it.
    let north = house.school("north").await;
    house.member(&north, "ada@north.example", "owner").await;
    let ada = house.sign_in(Some(&north), "ada@north.example").await;
    call(text(&ada, "access_token"), "GET", PLANS).refused(404, "not_found").await;
    let path = format!("/api/v1/platform/tenants/{}", north.id);
    let give = async |plan: &str| {
        let seen = call(&admin, "GET", &path).send().await;
        call(&admin, "PATCH", &path)
            .header("if-match", seen.header("etag").unwrap())
            .json(json!({ "plan": plan }))
            .send()
            .await
    };
    let refused = give("none").await;
    assert_eq!((refused.status, &refused.body["errors"][0]["code"]), (422, &json!("plan_unknown")), "{}", refused.body);
    assert_eq!(give("tiny").await.status, 200);
    let look = || house.at(Some(&*north), "GET", "/api/v1/tenant").token(text(&ada, "access_token")).send();
    let seen = look().await;
    assert_eq!((seen.status, seen.header("ratelimit-policy")), (200, Some("\"read\";q=2;w=3600")));
    look().await;
    assert_eq!(look().await.status, 429);

    // Changed, it holds for them at once.
    let plan = format!("{PLANS}/tiny");
    let change =
        |token: &str, tag: &str, body: &Value| call(token, "PATCH", &plan).header("if-match", tag).json(body.clone());
    let body = json!({ "limits": { "read": null, "write": "5/1s" } });
    change(&viewer, "\"v1\"", &body).refused(403, "permission_denied").await;
    let changed = change(&admin, "\"v1\"", &body).expect(200).await;
    assert_eq!(
        (&changed["version"], &changed["limits"]),
        (&json!(2), &json!({ "statement_timeout": "2s", "write": "5/1s" }))
    );
    change(&admin, "\"v1\"", &body).refused(412, "version_mismatch").await;
    // What was used of the old is used of the new, and comes back within its two seconds.
    let begun = Instant::now();
    while look().await.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(5), "the installation's limit does not come back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(look().await.header("ratelimit-policy"), Some("\"read\";q=1000;w=2"));
    let unchanged = change(&admin, "\"v2\"", &json!({ "title": "Tiny" })).expect(200).await;
    assert_eq!(unchanged["version"], 2);
    let noted = [noted_by_platform(&house, "plan.create").await, noted_by_platform(&house, "plan.update").await];
    assert_eq!((noted[0].len(), noted[1].len()), (1, 1));
    assert_eq!(noted[1][0]["changes"]["limits"]["before"]["read"], "2/1h", "{noted:?}");
}
