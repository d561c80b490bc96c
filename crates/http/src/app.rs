//! All routes put together.

use std::sync::Arc;

use axum::{
    Router,
    http::{Method, StatusCode, Uri},
};
use cloister_tenancy::{Error, ErrorKind, Module};
use tower::util::MapRequestLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::{Edge, Problem, address, docs, document, frame::Frame, heading::Headings, health, workbook::Days};

/// A module that can be reached over HTTP.
pub trait HttpModule: Module {
    /// Its routes, relative to `/api/v1`.
    fn routes(&self) -> OpenApiRouter<Edge>;
}

/// The whole edge: modules under `/api/v1` and `/t/<slug>/api/v1`, health, metrics and the API document.
pub fn app(edge: &Edge, modules: &[Arc<dyn HttpModule>]) -> Router {
    let (api, document) = document::assemble(modules);
    let (days, headings) = (Days::of(&document), Headings::of(&document));
    let routes = api.merge(health::routes()).merge(docs::routes(&document)).with_state(edge.clone());
    let frame = Frame {
        settings: edge.settings().clone(),
        clock: edge.tenancy().clock().clone(),
        crowd: edge.crowd().clone(),
        tenancy: Some(edge.tenancy().clone()),
        days,
        headings,
    };
    finish(routes, frame)
}

/// Answers for unknown routes and methods, the frame around it all, and the tenant taken off the path before routing.
pub(crate) fn finish(routes: Router, frame: Frame) -> Router {
    let framed = frame.around(routes.fallback(unknown_route).method_not_allowed_fallback(unknown_method));
    Router::new().fallback_service(tower::Layer::layer(&MapRequestLayer::new(address::read), framed))
}

async fn unknown_route(uri: Uri) -> Problem {
    let hint = if uri.path().starts_with("/api/") { " The API is described under /api/docs." } else { "" };
    Error::new(ErrorKind::NotFound, "route_unknown", format!("There is nothing under this address.{hint}")).into()
}

async fn unknown_method(method: Method) -> Problem {
    let shown: String = method.as_str().chars().take(20).collect();
    Problem::with_status(
        StatusCode::METHOD_NOT_ALLOWED,
        Error::new(
            ErrorKind::Malformed,
            "method_not_allowed",
            format!("{shown} is not possible here. The header Allow says what is."),
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use axum::{
        Router,
        body::Body,
        http::{HeaderMap, Request, StatusCode},
        routing::{get, post},
    };
    use cloister_ids::RequestId;
    use garde::Validate;
    use http_body_util::BodyExt;
    use serde::{Deserialize, Serialize};
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::finish;
    use crate::{
        Answer, EdgeLimits, EdgeSettings, Environment, Json, Listing, Once, Problem, Sort, crowd::Crowd, frame::Frame,
    };

    #[derive(Debug, Serialize, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Thing {
        #[garde(length(chars, min = 1, max = 10))]
        name: String,
    }

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct NoFilter {}

    #[derive(Debug, Clone, Copy)]
    struct ByName;

    impl Sort for ByName {
        const ORDERS: &'static [(&'static str, Self)] = &[("name", Self)];
    }

    fn edge() -> Router {
        let limits = EdgeLimits {
            body: 200,
            depth: 4,
            query: 100,
            body_time: Duration::from_millis(50),
            time: Duration::from_millis(200),
        };
        let settings =
            Arc::new(EdgeSettings { limits, environment: Environment::Production, ..EdgeSettings::default() });
        let routes = Router::new()
            .route("/api/v1/things", post(async |Json(thing): Json<Thing>| Answer(thing)))
            .route("/api/v1/list", get(async |_: Listing<NoFilter, ByName>| Answer(json!([]))))
            .route("/api/v1/once", post(async |once: Once<Thing>| Answer(once.key.is_some())))
            .route("/api/v1/long", get(async || "x".repeat(5000)))
            .route("/api/v1/slow", get(async || tokio::time::sleep(Duration::from_mins(1)).await))
            .route("/api/v1/panic", get(async || -> StatusCode { panic!("the secret is hunter2") }))
            .route("/api/v1/broken", get(async || Problem::from(cloister_tenancy::Error::internal("hunter2"))))
            .with_state(settings.clone());
        let crowd = Crowd::new(settings.crowd);
        finish(routes, Frame::plain(settings, crowd))
    }

    struct Seen {
        status: u16,
        headers: HeaderMap,
        body: Value,
    }

    async fn send(request: Request<Body>) -> Seen {
        let response = edge().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        assert!(!bytes.windows(7).any(|part| part == b"hunter2"), "the inside leaks");
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if parts.status.as_u16() >= 400 {
            // One shape for all of them.
            assert_eq!(parts.headers["content-type"], "application/problem+json");
            assert_eq!(body["status"], parts.status.as_u16());
            assert_eq!(body["type"], format!("/problems/{}", body["code"].as_str().unwrap()));
            assert_eq!(body["request_id"], parts.headers["x-request-id"].to_str().unwrap());
            assert!(body["detail"].as_str().is_some_and(|text| !text.is_empty()));
        }
        Seen { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    fn post_to(path: &str, kind: &str, body: impl Into<Body>) -> Request<Body> {
        Request::post(path).header("content-type", kind).body(body.into()).unwrap()
    }

    async fn refused(request: Request<Body>, status: u16, code: &str) -> Seen {
        let seen = send(request).await;
        assert_eq!((seen.status, seen.body["code"].as_str()), (status, Some(code)), "{}", seen.body);
        seen
    }

    fn get_from(path: &str) -> Request<Body> {
        Request::get(path).body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn what_is_not_there_is_a_problem_too() {
        let seen = refused(get_from("/api/v1/nothing?x=1"), 404, "route_unknown").await;
        assert_eq!(seen.body["instance"], "/api/v1/nothing");
        refused(get_from("/"), 404, "route_unknown").await;
        let seen = refused(get_from("/api/v1/things"), 405, "method_not_allowed").await;
        assert_eq!(seen.headers["allow"], "POST");
    }

    #[tokio::test]
    async fn bodies_are_read_within_bounds() {
        let json = "application/json";
        let seen = send(post_to("/api/v1/things", json, r#"{"name":"a"}"#)).await;
        assert_eq!((seen.status, seen.body), (200, json!({"name": "a"})));
        refused(post_to("/api/v1/things", json, ""), 400, "body_missing").await;
        refused(post_to("/api/v1/things", json, "{"), 400, "json_malformed").await;
        refused(post_to("/api/v1/things", json, "[[[[[]]]]]"), 400, "json_too_deep").await;
        refused(post_to("/api/v1/things", "text/plain", "{}"), 415, "media_type_unsupported").await;
        refused(post_to("/api/v1/things", json, "x".repeat(201)), 413, "body_too_large").await;
        let unannounced = Body::from_stream(futures_util::stream::iter(
            std::iter::repeat_n("x".repeat(100), 3).map(Ok::<_, std::io::Error>),
        ));
        refused(post_to("/api/v1/things", json, unannounced), 413, "body_too_large").await;
        let never_ending = Body::from_stream(futures_util::stream::pending::<Result<String, std::io::Error>>());
        refused(post_to("/api/v1/things", json, never_ending), 408, "body_too_slow").await;
        let torn = Body::from_stream(futures_util::stream::iter([Err::<String, _>(std::io::Error::other("torn"))]));
        refused(post_to("/api/v1/things", json, torn), 400, "body_incomplete").await;
        let seen = refused(post_to("/api/v1/things", json, r#"{"name":""}"#), 422, "validation_failed").await;
        assert_eq!(
            seen.body["errors"],
            json!([{"field": "name", "code": "too_short", "message": "Use at least 1 characters."}])
        );
    }

    #[tokio::test]
    async fn query_strings_are_read_within_bounds() {
        assert_eq!(send(get_from("/api/v1/list?limit=5")).await.status, 200);
        refused(get_from("/api/v1/list?limit=0"), 400, "query_invalid").await;
        refused(get_from("/api/v1/list?q=%ff"), 400, "query_invalid").await;
        refused(get_from("/api/v1/list?q=%00"), 400, "query_invalid").await;
        refused(get_from(&format!("/api/v1/list?cursor={}", "A".repeat(100))), 400, "query_too_long").await;
        refused(get_from(&format!("/api/v1/list?{}", "a&".repeat(70))), 400, "query_too_long").await;
    }

    #[tokio::test]
    async fn a_key_of_odd_form_is_refused_before_the_body_is_judged() {
        let mut request = post_to("/api/v1/once", "application/json", r#"{"name":"a"}"#);
        request.headers_mut().insert("idempotency-key", "one two".parse().unwrap());
        refused(request, 400, "idempotency_key_invalid").await;
    }

    #[tokio::test]
    async fn panics_and_inner_errors_are_500_without_a_word_from_inside() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let panicked = send(get_from("/api/v1/panic")).await;
        std::panic::set_hook(hook);
        assert_eq!((panicked.status, panicked.body["code"].as_str()), (500, Some("internal_error")));
        refused(get_from("/api/v1/broken"), 500, "internal_error").await;
    }

    #[tokio::test]
    async fn what_takes_too_long_is_stopped() {
        let seen = refused(get_from("/api/v1/slow"), 504, "request_timeout").await;
        assert_eq!(seen.headers["retry-after"], "1");
    }

    #[tokio::test]
    async fn every_answer_has_an_id_and_headers_that_protect() {
        let seen = send(get_from("/api/v1/list")).await;
        let id: RequestId = seen.headers["x-request-id"].to_str().unwrap().parse().unwrap();
        assert_eq!(seen.headers["x-content-type-options"], "nosniff");
        assert_eq!(seen.headers["cache-control"], "no-store");
        assert!(seen.headers.contains_key("content-security-policy"));
        assert!(seen.headers.contains_key("strict-transport-security"));
        for (given, kept) in [(id.to_string(), true), ("req_1'; drop table".to_owned(), false)] {
            let request = Request::get("/api/v1/list").header("x-request-id", &given).body(Body::empty()).unwrap();
            assert_eq!(send(request).await.headers["x-request-id"] == given, kept, "{given}");
        }
    }

    #[tokio::test]
    async fn long_answers_are_compressed_for_who_can_read_them() {
        let request = Request::get("/api/v1/long").header("accept-encoding", "gzip").body(Body::empty()).unwrap();
        let response = edge().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["content-encoding"], "gzip");
        assert!(!send(get_from("/api/v1/long")).await.headers.contains_key("content-encoding"));
    }

    #[tokio::test]
    async fn routes_are_found_under_a_tenants_path_as_well() {
        assert_eq!(send(get_from("/t/north/api/v1/list")).await.status, 200);
        let seen = refused(get_from("/t/north/api/v1/nothing"), 404, "route_unknown").await;
        assert_eq!(seen.body["instance"], "/t/north/api/v1/nothing");
        refused(get_from("/t/north/api/v1/things"), 405, "method_not_allowed").await;
        refused(get_from("/t/north/healthz"), 404, "route_unknown").await;
    }
}
