//! Admission: whether there is room for a request, and how long it may take.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, HttpBody},
    extract::{Request, State},
    http::{Response, StatusCode},
    middleware::Next,
    response::IntoResponse,
};
use cloister_tenancy::{Account, Error, ErrorKind, on_account};

use crate::{
    Key, Problem,
    crowd::{Crowd, Place},
    held::{Held, hold, is_events},
    request::{Oversized, RequestInfo},
};

/// Asked about this node, above all when it is full.
fn is_exempt(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/metrics")
}

/// Turns away what there is no room for, and ends what takes too long. A write already sent to the database may still be
/// committed there: an `Idempotency-Key` makes asking again safe.
pub(crate) async fn admit(State(crowd): State<Arc<Crowd>>, request: Request, next: Next) -> Response<Body> {
    if request.extensions().get::<Oversized>().is_some() {
        return too_large_a_head().into_response();
    }
    let Some(info) = request.extensions().get::<Arc<RequestInfo>>().cloned() else {
        return next.run(request).await;
    };
    let place = match (is_exempt(request.uri().path()), crowd.enter()) {
        (true, place) => place.ok(),
        (false, Ok(place)) => Some(place),
        (false, Err(problem)) => return problem.into_response(),
    };
    // What has no body is here already, and costs nothing here.
    let sending = match info.client.filter(|_| !request.body().is_end_stream()).map(|client| crowd.send(client.into()))
    {
        Some(Err(problem)) => return problem.into_response(),
        Some(Ok(sending)) => Some(sending),
        None => None,
    };
    let answered =
        tokio::time::timeout_at(info.deadline.into(), on_account(Account::Visitors, next.run(request))).await;
    drop(sending);
    match answered {
        Ok(response) => keep(&crowd, &info, place, response),
        Err(_) => too_slow().into_response(),
    }
}

/// An answer that is complete gives its places back; one that is made while it is sent keeps them until then. Only the head
/// has to be there in time.
fn keep(crowd: &Arc<Crowd>, info: &RequestInfo, place: Option<Place>, response: Response<Body>) -> Response<Body> {
    let share = info.share.lock().unwrap_or_else(PoisonError::into_inner).take();
    if is_events(response.headers()) {
        let of = info.tenant.get().map(|tenant| Key::from(*tenant)).or_else(|| info.client.map(Key::from));
        return match crowd.stream(of) {
            Ok(stream) => {
                let closing = crowd.closing();
                response.map(|body| hold(body, Held::Events(stream), Some(Box::pin(closing))))
            }
            Err(problem) => problem.into_response(),
        };
    }
    match place {
        Some(place) if response.body().size_hint().exact().is_none() => {
            response.map(|body| hold(body, Held::Answer(place, share), None))
        }
        _ => response,
    }
}

fn too_slow() -> Problem {
    Problem::with_status(
        StatusCode::GATEWAY_TIMEOUT,
        Error::new(ErrorKind::Unavailable, "request_timeout", "This took too long and was stopped.")
            .retry_after(Duration::from_secs(1)),
    )
}

fn too_large_a_head() -> Problem {
    Problem::with_status(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        Error::new(ErrorKind::Malformed, "head_too_large", "Send fewer headers, shorter ones, or a shorter address."),
    )
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, sync::Arc, time::Duration};

    use axum::{
        Router,
        body::Body,
        http::{Request, Response},
        response::sse::{Event, Sse},
        routing::{get, post},
    };
    use bytes::Bytes;
    use futures_util::{StreamExt, stream};
    use http_body_util::BodyExt;
    use serde_json::Value;
    use tower::ServiceExt;

    use super::{Crowd, Oversized};
    use crate::request::Peer;
    use crate::{CrowdLimits, EdgeLimits, EdgeSettings, app::finish, frame::Frame};

    const TIME: Duration = Duration::from_millis(200);

    /// Room for one request, which has little time.
    fn narrow() -> (Router, Arc<Crowd>) {
        let pause = async |at: u32| {
            tokio::time::sleep(TIME / 4).await;
            at
        };
        let events = move || async move {
            let each = move |at| async move { Ok::<_, Infallible>(Event::default().data(pause(at).await.to_string())) };
            Sse::new(stream::iter(0..10).then(each))
        };
        let endless = async || Sse::new(stream::pending::<Result<Event, Infallible>>());
        let export = async || {
            let parts = stream::iter(["one,", "two"]).map(|part| Ok::<_, Infallible>(Bytes::from(part)));
            Body::from_stream(parts)
        };
        let routes = Router::new()
            .route("/api/v1/events", get(events))
            .route("/api/v1/endless", get(endless))
            .route("/api/v1/export", get(export))
            .route("/api/v1/quick", get(async || "quick"))
            .route("/api/v1/slow", get(async || tokio::time::sleep(TIME / 2).await))
            .route("/healthz", get(async || "fine"));
        let crowd = Crowd::new(CrowdLimits { requests: 1, streams: 8, ..CrowdLimits::default() });
        let limits = EdgeLimits { time: TIME, ..EdgeLimits::default() };
        let settings = Arc::new(EdgeSettings { limits, ..EdgeSettings::default() });
        (finish(routes, Frame::plain(settings, crowd.clone())), crowd)
    }

    async fn ask(router: &Router, method: &str, path: &str) -> Response<Body> {
        let coding = if path.ends_with("events") { "gzip" } else { "identity" };
        let request = Request::builder().method(method).uri(path).header("accept-encoding", coding);
        router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    async fn text(response: Response<Body>) -> String {
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap()
    }

    #[tokio::test]
    async fn what_there_is_no_room_for_is_turned_away_at_once() {
        let (router, _) = narrow();
        let slow = tokio::spawn({
            let router = router.clone();
            async move { ask(&router, "GET", "/api/v1/slow").await.status().as_u16() }
        });
        tokio::time::sleep(TIME / 10).await;
        let full = ask(&router, "GET", "/api/v1/quick").await;
        assert_eq!((full.status().as_u16(), &full.headers()["retry-after"]), (503, &"1".parse().unwrap()));
        assert_eq!(full.headers()["content-type"], "application/problem+json");
        assert!(full.headers().contains_key("x-request-id") && full.headers().contains_key("permissions-policy"));
        let problem: Value = serde_json::from_str(&text(full).await).unwrap();
        assert_eq!((&problem["code"], &problem["instance"]), (&"overloaded".into(), &"/api/v1/quick".into()));
        assert_eq!(ask(&router, "GET", "/healthz").await.status(), 200);
        assert_eq!(slow.await.unwrap(), 200);
        assert_eq!(ask(&router, "GET", "/api/v1/quick").await.status(), 200);
    }

    #[tokio::test]
    async fn an_answer_made_while_it_is_sent_keeps_its_place_until_it_ends_or_is_given_up() {
        let (router, _) = narrow();
        let quick = async || ask(&router, "GET", "/api/v1/quick").await.status().as_u16();
        let export = ask(&router, "GET", "/api/v1/export").await;
        assert_eq!(quick().await, 503);
        drop(export);
        assert_eq!(quick().await, 200);
        let mut export = ask(&router, "GET", "/api/v1/export").await;
        while export.body_mut().frame().await.is_some() {}
        assert_eq!(quick().await, 200);
    }

    #[tokio::test]
    async fn events_outlast_the_time_of_a_request_and_leave_room_for_others() {
        let (router, _) = narrow();
        let events = ask(&router, "GET", "/api/v1/events").await;
        assert_eq!(events.status(), 200);
        assert_eq!(events.headers()["x-accel-buffering"], "no");
        assert!(!events.headers().contains_key("content-encoding"));
        assert_eq!(ask(&router, "GET", "/api/v1/quick").await.status(), 200);
        let told = text(events).await;
        assert!(told.starts_with("data: 0\n\n") && told.ends_with("data: 9\n\n"), "{told}");
    }

    #[tokio::test]
    async fn streams_are_counted_and_end_with_the_node() {
        let (router, crowd) = narrow();
        let endless = async || ask(&router, "GET", "/api/v1/endless").await;
        let mut open = Vec::new();
        for _ in 0..8 {
            open.push(endless().await);
        }
        assert_eq!(endless().await.status(), 503);
        open.pop();
        let last = endless().await;
        assert_eq!(last.status(), 200);
        let ends = tokio::spawn(text(last));
        tokio::time::sleep(TIME / 10).await;
        assert!(!ends.is_finished());
        crowd.close();
        assert_eq!(tokio::time::timeout(Duration::from_secs(20), ends).await.unwrap().unwrap(), "");
    }

    #[tokio::test]
    async fn one_network_that_sends_slowly_leaves_room_for_others() {
        let crowd = Crowd::new(CrowdLimits { requests: 8, ..CrowdLimits::default() });
        let limits = EdgeLimits { time: Duration::from_secs(20), ..EdgeLimits::default() };
        let settings = Arc::new(EdgeSettings { limits, ..EdgeSettings::default() });
        let take = async |body: Bytes| body.len().to_string();
        let routes = Router::new().route("/api/v1/take", post(take));
        let router = finish(routes, Frame::plain(settings, crowd));
        let send = |client: [u8; 4], body: Body| {
            let mut request = Request::post("/api/v1/take").body(body).unwrap();
            request.extensions_mut().insert(Peer((client, 4000).into()));
            router.clone().oneshot(request)
        };
        let slow = || Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        let mut held: Vec<_> = (0..2).map(|_| tokio::spawn(send([192, 0, 2, 1], slow()))).collect();
        tokio::time::sleep(TIME / 4).await;
        let third = send([192, 0, 2, 1], Body::from("three")).await.unwrap();
        assert_eq!(third.status(), 503);
        assert!(text(third).await.contains("network_busy"));
        let other = send([198, 51, 100, 7], Body::from("other")).await.unwrap();
        assert_eq!((other.status().as_u16(), text(other).await.as_str()), (200, "5"));
        held.pop().unwrap().abort();
        tokio::time::sleep(TIME / 4).await;
        assert_eq!(send([192, 0, 2, 1], Body::from("again")).await.unwrap().status(), 200);
    }

    #[tokio::test]
    async fn odd_methods_and_heads_are_answered_in_one_form() {
        let (router, _) = narrow();
        let head = ask(&router, "HEAD", "/api/v1/quick").await;
        assert_eq!((head.status().as_u16(), text(head).await.as_str()), (200, ""));
        for (method, path, status) in [
            ("TRACE", "/api/v1/quick", 405),
            ("OPTIONS", "/api/v1/quick", 405),
            ("PURGE", "/api/v1/quick", 405),
            ("OPTIONS", "*", 404),
            ("CONNECT", "north.example:443", 404),
            ("DELETE", "/", 404),
        ] {
            let answer = ask(&router, method, path).await;
            assert_eq!(answer.status(), status, "{method} {path}");
            assert_eq!(answer.headers()["content-type"], "application/problem+json", "{method} {path}");
            assert_eq!(answer.headers().get("allow").map(|allow| allow == "GET,HEAD"), (status == 405).then_some(true));
        }
        let mut request = Request::get("/api/v1/quick").body(Body::empty()).unwrap();
        request.extensions_mut().insert(Oversized);
        let answer = router.oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 431);
        assert!(text(answer).await.contains("head_too_large"));
    }
}
