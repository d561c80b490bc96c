//! Requests over a socket, as a client outside sends them.

use std::{net::SocketAddr, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request, body::Bytes};
use hyper_util::{client::legacy, client::legacy::connect::HttpConnector, rt::TokioExecutor};
use serde_json::Value;

/// After this a client gives an answer up: it does not know then what became of its request.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone)]
pub(crate) struct Client(legacy::Client<HttpConnector, Full<Bytes>>);

/// A request, which may be sent more than once.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    /// Behind `/api/v1/`.
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    pub(crate) header: Option<(&'static str, String)>,
}

impl Ask {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), body: None, header: None }
    }

    pub(crate) fn post(path: impl Into<String>, key: &str, body: Value) -> Self {
        Self { method: "POST", path: path.into(), body: Some(body), header: Some(("idempotency-key", key.to_owned())) }
    }

    /// A change of what the client knows in this version.
    pub(crate) fn change(method: &'static str, path: String, version: i64, body: Option<Value>) -> Self {
        Self { method, path, body, header: Some(("if-match", format!("\"v{version}\""))) }
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl Client {
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(Duration::from_secs(2)));
        connector.set_nodelay(true);
        Self(legacy::Client::builder(TokioExecutor::new()).build(connector))
    }

    /// Sends it to a tenant; in words why there was no answer.
    pub(crate) async fn send(&self, to: SocketAddr, slug: &str, token: &str, ask: &Ask) -> Result<Answer, String> {
        let uri = format!("http://{to}/api/v1/{}", ask.path);
        let mut request = Request::builder().method(ask.method).uri(uri).header("x-tenant-id", slug);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some((name, value)) = &ask.header {
            request = request.header(*name, value);
        }
        let body = match &ask.body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Full::from(body.to_string())
            }
            None => Full::default(),
        };
        self.exchange(request.body(body).unwrap()).await
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, String> {
        let exchange = async {
            let response = self.0.request(request).await.map_err(|error| format!("no answer: {error}"))?;
            let (parts, body) = response.into_parts();
            let bytes = body.collect().await.map_err(|error| format!("half an answer: {error}"))?.to_bytes();
            let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, text, body })
        };
        tokio::time::timeout(PATIENCE, exchange).await.unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }

    /// Whether the node at this address says that it takes requests.
    pub(crate) async fn is_ready(&self, address: SocketAddr) -> bool {
        let request = Request::get(format!("http://{address}/readyz")).body(Full::default()).unwrap();
        self.exchange(request).await.is_ok_and(|answer| answer.status == 200)
    }
}
