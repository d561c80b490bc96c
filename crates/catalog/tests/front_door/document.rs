//! The API document says what the endpoints do.

use cloister_http::openapi;
use cloister_tenancy::Tier;
use cloister_testkit::document_faults;
use serde_json::{Value, json};

use crate::{COMPONENTS, http_modules, platform};

fn document() -> Value {
    serde_json::to_value(openapi(&http_modules())).unwrap()
}

#[test]
fn it_keeps_the_rules_of_the_house() {
    assert_eq!(document_faults(&document()), Vec::<String>::new());
}

#[test]
fn a_fault_is_found() {
    let mut document = document();
    document["paths"]["/api/v1/components"]["get"]["operationId"] = json!("component_create");
    document["components"]["schemas"]["Component"].take();
    document["components"]["schemas"].as_object_mut().unwrap().remove("ComponentId");
    let faults = document_faults(&document);
    assert!(faults.iter().any(|fault| fault.contains("used twice")), "{faults:?}");
    assert!(faults.iter().any(|fault| fault.contains("ComponentId is named and not there")), "{faults:?}");
}

#[tokio::test]
async fn its_bounds_are_those_that_are_held() {
    let (platform, door) = platform().await;
    let company = platform.tenant_of("forge", "company", Tier::Shared).await;
    let document = document();
    let example = &document["paths"][COMPONENTS]["post"]["requestBody"]["content"]["application/json"]["example"];
    let fields = document["components"]["schemas"]["ComponentFields"]["properties"].as_object().unwrap();
    let post = |field: &str, value: Value| {
        let mut body = example.clone();
        body[field] = value;
        door.within(&company, "POST", COMPONENTS).json(body)
    };
    let mut bounds = 0;
    for (field, schema) in fields {
        let mut wrong = Vec::new();
        if let Some(max) = schema["maxLength"].as_u64() {
            let max = usize::try_from(max).unwrap();
            wrong.push(json!("x".repeat(max + 1)));
            // Neither is the bound narrower than it says.
            let longest = match schema["format"].as_str() {
                Some("uri") => format!("https://{}", "x".repeat(max - 8)),
                _ => "x".repeat(max),
            };
            let made = post(field, json!(longest)).expect(201).await;
            let address = format!("{COMPONENTS}/{}", made["id"].as_str().unwrap());
            door.within(&company, "DELETE", &address).header("if-match", "\"v1\"").expect(204).await;
        }
        if schema["minLength"].as_u64() == Some(1) {
            wrong.push(json!(""));
        }
        if schema["$ref"].is_string() {
            wrong.push(json!("no such word"));
        }
        for value in wrong {
            bounds += 1;
            let refused = post(field, value).refused(422, "validation_failed").await;
            assert!(
                refused["errors"].as_array().unwrap().iter().any(|error| error["field"] == *field),
                "{field}: {refused}"
            );
        }
    }
    assert!(bounds >= 9, "the document names only {bounds} bounds");
}

#[tokio::test]
async fn it_is_served_with_its_browser_and_nothing_comes_from_elsewhere() {
    let (_platform, door) = platform().await;
    let served = door.call("GET", "/api/openapi.json").send().await;
    assert_eq!((served.status, &served.body), (200, &document()));
    for (path, kind) in [
        ("/api/docs", "text/html; charset=utf-8"),
        ("/api/docs/start.js", "text/javascript; charset=utf-8"),
        ("/api/docs/reader.js", "text/javascript; charset=utf-8"),
    ] {
        let seen = door.call("GET", path).send().await;
        assert_eq!((seen.status, seen.header("content-type")), (200, Some(kind)), "{path}");
    }
    let policy = door.call("GET", "/api/docs").send().await;
    let policy = policy.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'self';") && policy.contains("connect-src 'self';"), "{policy}");
    let reader = door.call("GET", "/api/docs/reader.js").send().await;
    let packed = door.call("GET", "/api/docs/reader.js").header("accept-encoding", "br, gzip").send().await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let again = door.call("GET", "/api/docs/reader.js").header("if-none-match", reader.header("etag").unwrap());
    assert_eq!(again.send().await.status, 304);
}

#[tokio::test]
async fn health_is_told_to_everybody_and_numbers_to_nobody_without_a_recorder() {
    let (_platform, door) = platform().await;
    assert_eq!(door.call("GET", "/healthz").expect(200).await, json!({"status": "ok"}));
    let ready = door.call("GET", "/readyz").expect(200).await;
    assert_eq!(ready, json!({"status": "ok", "control_plane": "ok", "registry": "ok", "shutdown": "ok"}));
    door.call("GET", "/metrics").refused(404, "not_found").await;
}
