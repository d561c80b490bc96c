//! Which pages of other origins may call, and what a preflight gives away.

use cloister_http::{EdgeSettings, Environment};
use cloister_tenancy::Actor;
use cloister_testkit::{Call, Seen, token};

use crate::{House, house};

const PROBE: &str = "/api/v1/probe";

impl House {
    fn at(&self, method: &str, host: &str, path: &str, origin: &str) -> Call {
        self.door.call(method, path).header("host", host).header("origin", origin)
    }

    async fn preflight(&self, host: &str, path: &str, origin: &str) -> Seen {
        let asked = self.at("OPTIONS", host, path, origin).header("access-control-request-method", "PATCH");
        asked.header("access-control-request-headers", "authorization,x-tenant-id").send().await
    }
}

fn allowed(seen: &Seen) -> Option<&str> {
    // Never for cookies, and never for everybody.
    assert_eq!(seen.header("access-control-allow-credentials"), None);
    seen.header("access-control-allow-origin").inspect(|origin| assert_ne!(*origin, "*"))
}

#[tokio::test]
async fn pages_of_a_tenants_own_hosts_may_call_and_no_others() {
    let house = house(EdgeSettings::default()).await;
    let (own, slug) = ("https://school.example", "http://north.localhost:3000");
    for (host, path, origin, fine) in [
        ("north.localhost", PROBE, own, true),
        ("north.localhost", PROBE, slug, true),
        ("school.example", PROBE, slug, true),
        ("school.example", PROBE, "https://school.mylocalhost", true),
        ("localhost:8080", "/t/north/api/v1/probe", own, true),
        // A header or a token will say which tenant, and must then agree.
        ("localhost:8080", PROBE, own, true),
        ("north.localhost", "/api/v1/nothing/here", own, true),
        ("south.localhost", PROBE, own, false),
        ("localhost", "/t/south/api/v1/probe", own, false),
        ("nobody.localhost", PROBE, own, false),
        ("north.localhost", PROBE, "https://evil.example", false),
        ("north.localhost", PROBE, "https://school.example.evil.example", false),
        ("north.localhost", PROBE, "https://a.north.localhost", false),
        ("north.localhost", PROBE, "https://evilnorth.localhost.example", false),
        ("north.localhost", PROBE, "http://localhost:8080", false),
        ("north.localhost", PROBE, "https://nobody.localhost", false),
        ("north.localhost", PROBE, "null", false),
        ("north.localhost", PROBE, "file://school.example", false),
        ("north.localhost", PROBE, "https://user@school.example", false),
        ("north.localhost", PROBE, "https://school.example/x", false),
    ] {
        let seen = house.preflight(host, path, origin).await;
        assert_eq!((seen.status, allowed(&seen)), (204, fine.then_some(origin)), "{host}{path} from {origin}");
        assert!(seen.headers.get_all("vary").iter().any(|vary| vary == "origin"));
        assert_eq!(seen.header("access-control-allow-methods").is_some(), fine);
    }
    let seen = house.preflight("north.localhost", PROBE, own).await;
    assert_eq!(seen.header("access-control-max-age"), Some("7200"));
    assert_eq!(seen.header("access-control-allow-methods"), Some("GET, HEAD, POST, PUT, PATCH, DELETE"));
    for needed in ["Authorization", "Content-Type", "If-Match", "Idempotency-Key", "X-Tenant-ID"] {
        assert!(seen.header("access-control-allow-headers").unwrap().contains(needed), "{needed}");
    }

    // What is no preflight is answered as always.
    let options = house.at("OPTIONS", "north.localhost", PROBE, own).send().await;
    assert_eq!((options.status, allowed(&options)), (405, Some(own)));
    // And what is no part of the API is nobody's to call.
    let health = house.at("GET", "north.localhost", "/healthz", own).send().await;
    assert_eq!((health.status, allowed(&health)), (200, None));
}

#[tokio::test]
async fn a_page_reads_answers_and_refusals_of_its_own_tenant_alone() {
    let house = house(EdgeSettings::default()).await;
    let own = "https://school.example";
    let seen = house.north("GET", PROBE).header("origin", own).send().await;
    assert_eq!((seen.status, allowed(&seen)), (200, Some(own)));
    for readable in ["ETag", "Location", "RateLimit", "X-Request-Id", "Retry-After"] {
        assert!(seen.header("access-control-expose-headers").unwrap().contains(readable), "{readable}");
    }
    let seen = house.at("GET", "north.localhost", PROBE, own).send().await;
    assert_eq!((seen.status, allowed(&seen)), (401, Some(own)));
    let seen = house.south("GET", PROBE).header("origin", own).send().await;
    assert_eq!((seen.status, allowed(&seen)), (200, None));
    // At the common host the token says whose answer it is.
    for (tenant, reads) in [(&house.north, Some(own)), (&house.south, None)] {
        let bearer = token("tester", Some(tenant), &["*"]);
        let seen = house.at("GET", "localhost", PROBE, own).token(&bearer).send().await;
        assert_eq!((seen.status, allowed(&seen)), (200, reads), "{}", tenant.slug);
        let named = house.at("GET", "localhost", PROBE, own).header("x-tenant-id", tenant.slug.as_str());
        assert_eq!(allowed(&named.send().await), reads);
    }
    let without = house.north("GET", PROBE).send().await;
    assert_eq!((allowed(&without), without.header("vary")), (None, Some("origin")));
}

#[tokio::test]
async fn a_preflight_says_no_more_of_a_tenant_than_its_address() {
    let house = house(EdgeSettings::default()).await;
    let by = Actor::Operator("test".into());
    let seen = |seen: Seen| {
        let mut headers = seen.headers;
        headers.remove("x-request-id");
        (seen.status, headers, seen.body)
    };
    let own = "https://school.example";
    let before = seen(house.preflight("north.localhost", PROBE, own).await);
    let workflow = house.platform.tenancy.suspend_tenant(house.north.id, Some("unpaid"), &by).await.unwrap();
    house.platform.tenancy.finish(workflow, &|_| {}).await.unwrap();
    house.north("GET", PROBE).refused(403, "tenant_suspended").await;
    assert_eq!(seen(house.preflight("north.localhost", PROBE, own).await), before);
    // A host that is nobody's, and one that is another's.
    let nobody = seen(house.preflight("nobody.localhost", PROBE, own).await);
    assert_eq!(seen(house.preflight("south.localhost", PROBE, own).await), nobody);
    assert_eq!(seen(house.preflight("north.localhost", PROBE, "https://nobody.example").await), nobody);
}

#[tokio::test]
async fn over_https_a_page_that_was_not_is_no_tenants() {
    let settings = EdgeSettings { environment: Environment::Production, ..EdgeSettings::default() };
    let house = house(settings).await;
    for (origin, fine) in [("https://school.example", true), ("http://school.example", false)] {
        let seen = house.preflight("north.localhost", PROBE, origin).await;
        assert_eq!(allowed(&seen), fine.then_some(origin));
    }
}
