//! The same page over HTTP, beside a handler that knows no tenant.

use std::{sync::Arc, time::Duration};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use cloister_http::{Rate, RateSettings, ServerLimits, app, serve};
use http_body_util::{BodyExt, Empty};
use hyper::{Request, body::Bytes};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::net::TcpListener;

use super::{
    Context, Figure,
    fixture::Rosters,
    measure::{self, Work, work},
    people,
    reads::Raw,
    store::{self, Person},
};
use crate::command;

pub(crate) async fn measure(bench: &Context<'_>, rosters: &Rosters) -> anyhow::Result<Vec<Figure>> {
    let Some(first) = rosters.tiers.first().and_then(|(_, contexts)| contexts.first()) else { return Ok(Vec::new()) };
    let raw = Raw::open(bench, first).await?;
    let bare = Router::new().route("/bench/persons", get(bare)).with_state(raw);
    let bare_listener = TcpListener::bind("127.0.0.1:0").await?;
    let bare_address = bare_listener.local_addr()?;
    let bare_server = tokio::spawn(async move { axum::serve(bare_listener, bare).await });

    let edge = command::serve::edge(bench.configuration, bench.platform, None)?;
    // One client, faster than any school: counted as always, and never refused.
    edge.rates().set(&RateSettings { read: Rate::new(10_000_000, 1), ..RateSettings::default() });
    let router = app(&edge, &bench.platform.modules);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server =
        tokio::spawn(
            async move { serve(listener, router, &edge, ServerLimits::default(), std::future::pending()).await },
        );

    let client: Client<HttpConnector, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut names = vec!["bare".to_owned()];
    let mut contenders = vec![requests(&client, format!("http://{bare_address}/bench/persons"), None)];
    for (tier, contexts) in &rosters.tiers {
        let Some(cx) = contexts.first() else { continue };
        let owner = people::owner(bench, cx.tenant()).await?;
        let token = people::sign_in(&format!("http://{address}"), cx.tenant().slug.as_str(), &owner).await?;
        names.push(tier.to_string());
        let header = Some((cx.tenant().slug.to_string(), format!("Bearer {token}")));
        contenders.push(requests(&client, format!("http://{address}/api/v1/bench/persons"), header));
    }
    let (rounds, slice) = if bench.quick { (3, 200) } else { (9, 400) };
    let mut figures = Vec::new();
    for callers in [1, 8, 64] {
        let results = measure::compare(callers, rounds, Duration::from_millis(slice), &contenders).await?;
        for (name, (rate, ratio)) in names.iter().zip(results) {
            let note = format!("{rate:.0}/s");
            let name = format!("http/{name}/{callers}");
            figures.push(Figure { name, value: ratio, unit: "of bare", note, required: None });
        }
    }
    server.abort();
    bare_server.abort();
    Ok(figures)
}

async fn bare(State(raw): State<Arc<Raw>>) -> Result<Json<Vec<Person>>, StatusCode> {
    let rows = raw.page().await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(Json(store::persons!(rows)))
}

fn requests(client: &Client<HttpConnector, Empty<Bytes>>, address: String, header: Option<(String, String)>) -> Work {
    let client = client.clone();
    let parts = Arc::new((address, header));
    work(move |_| {
        let (client, parts) = (client.clone(), parts.clone());
        async move {
            let mut request = Request::get(&parts.0);
            if let Some((tenant, bearer)) = &parts.1 {
                request = request.header("x-tenant-id", tenant).header("authorization", bearer);
            }
            let response = client.request(request.body(Empty::new())?).await?;
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            anyhow::ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
            // Twenty persons, each with an id.
            anyhow::ensure!(body.len() > 2000, "a page had {} bytes", body.len());
            Ok(())
        }
    })
}
