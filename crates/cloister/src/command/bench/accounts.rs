//! What signing in costs, and what being signed in costs: the check of a token, a page with and without it, and a page beside
//! a flood of sign-ins.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::Router;
use cloister_http::{Edge, EdgeSettings, Rate, RateSettings, ServerLimits, app, serve};
use cloister_tenancy::{Authenticator, Credential, Identity, Result};
use http_body_util::{BodyExt, Empty};
use hyper::{Request, body::Bytes};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::net::TcpListener;

use super::{
    Bound, Context, Figure,
    fixture::Rosters,
    measure::{self, Work, work},
    people,
};

/// Takes everybody for the same person, without a look: what the check is measured against.
struct Anybody(Arc<Identity>);

impl Authenticator for Anybody {
    fn authenticate(&self, _: &Credential<'_>) -> Result<Option<Arc<Identity>>> {
        Ok(Some(self.0.clone()))
    }
}

/// A server that counts and refuses nobody for asking often.
struct Open {
    address: String,
    task: tokio::task::JoinHandle<()>,
}

impl Open {
    async fn start(bench: &Context<'_>, authenticator: Arc<dyn Authenticator>) -> anyhow::Result<Self> {
        let edge = Edge::new(bench.platform.tenancy.clone(), authenticator, EdgeSettings::default(), None);
        let free = Rate::new(10_000_000, 1);
        edge.rates().set(&RateSettings { read: free, sign_in: free, visitor: free, ..RateSettings::default() });
        let router: Router = app(&edge, &bench.platform.modules);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let task = tokio::spawn(async move {
            let _ = serve(listener, router, &edge, ServerLimits::default(), std::future::pending()).await;
        });
        Ok(Self { address, task })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) async fn measure(bench: &Context<'_>, rosters: &Rosters) -> anyhow::Result<Vec<Figure>> {
    let Some(cx) = rosters.tiers.first().and_then(|(_, contexts)| contexts.first()) else { return Ok(Vec::new()) };
    let service = Arc::new(bench.platform.service.clone());
    let checked = Open::start(bench, service.clone()).await?;
    let email = people::owner(bench, cx.tenant()).await?;
    let token = people::sign_in(&checked.address, cx.tenant().slug.as_str(), &email).await?;
    let slug = cx.tenant().slug.to_string();
    let mut figures = vec![check(&service, &token, bench.quick)?];

    let known = service.authenticate(&Credential::Bearer(&token))?;
    let known = known.ok_or_else(|| anyhow::anyhow!("the token is not known"))?;
    let unchecked = Open::start(bench, Arc::new(Anybody(known))).await?;
    let (rounds, slice) = if bench.quick { (3, 200) } else { (11, 400) };
    let contenders = [page(&unchecked.address, &slug, &token), page(&checked.address, &slug, &token)];
    for callers in [1, 8, 64] {
        let results = measure::compare(callers, rounds, Duration::from_millis(slice), &contenders).await?;
        let (rate, ratio) = results.get(1).copied().unwrap_or((f64::NAN, f64::NAN));
        figures.push(Figure {
            name: format!("accounts/page/{callers}"),
            value: ratio,
            unit: "of the same without a check",
            note: format!("{rate:.0}/s"),
            required: Some(Bound::AtLeast(0.9)),
        });
    }
    figures.extend(flood(&checked, &slug, &email, &token, bench.quick).await?);
    Ok(figures)
}

/// One check of a token that memory knows, beside one whose signature must be verified.
fn check(service: &cloister_platform::Service, token: &str, quick: bool) -> anyhow::Result<Figure> {
    let turns = if quick { 2_000 } else { 20_000 };
    let credential = Credential::Bearer(token);
    let time = |forget: bool| -> anyhow::Result<f64> {
        let begun = Instant::now();
        for _ in 0..turns {
            if forget {
                service.forget_credential(token);
            }
            anyhow::ensure!(service.authenticate(&credential)?.is_some(), "the token is not known");
        }
        Ok(begun.elapsed().as_secs_f64() * 1e6 / f64::from(turns))
    };
    let (mut remembered, mut verified) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        remembered.push(time(false)?);
        verified.push(time(true)?);
    }
    let (remembered, verified) = (measure::median(remembered), measure::median(verified));
    Ok(Figure {
        name: "accounts/check/remembered".to_owned(),
        value: remembered / verified,
        unit: "of verifying the signature",
        note: format!("{remembered:.2} µs, {verified:.1} µs"),
        required: None,
    })
}

fn page(address: &str, slug: &str, token: &str) -> Work {
    let client: Client<HttpConnector, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let parts = Arc::new((format!("{address}/api/v1/bench/persons"), slug.to_owned(), format!("Bearer {token}")));
    work(move |_| {
        let (client, parts) = (client.clone(), parts.clone());
        async move {
            let request = Request::get(&parts.0).header("x-tenant-id", &parts.1).header("authorization", &parts.2);
            let response = client.request(request.body(Empty::new())?).await?;
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            anyhow::ensure!(status.is_success() && body.len() > 2000, "{status}: {} bytes", body.len());
            Ok(())
        }
    })
}

/// Pages of somebody signed in, alone and beside 64 that keep signing in; and how many of those get in.
async fn flood(server: &Open, slug: &str, email: &str, token: &str, quick: bool) -> anyhow::Result<Vec<Figure>> {
    let time = Duration::from_secs(if quick { 2 } else { 8 });
    let reads = page(&server.address, slug, token);
    measure::warm(4, Duration::from_millis(300), &reads).await?;
    let alone = delays(&reads, time).await?;
    let (stop, signed_in) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut flood = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (address, email, slug) = (server.address.clone(), email.to_owned(), slug.to_owned());
        let (stop, signed_in) = (stop.clone(), signed_in.clone());
        flood.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                // Refused ones count as pressure, not as sign-ins.
                if people::sign_in(&address, &slug, &email).await.is_ok() {
                    signed_in.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (before, begun) = (signed_in.load(Ordering::Relaxed), Instant::now());
    let beside = delays(&reads, time).await?;
    let rate = (signed_in.load(Ordering::Relaxed) - before) as f64 / begun.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    flood.abort_all();
    let figure = |name: &str, at: f64, note: bool| {
        let (quiet, loud) = (quantile(&alone, at), quantile(&beside, at));
        Figure {
            name: format!("accounts/flood/{name}"),
            value: loud / quiet,
            unit: "of the delay without it",
            note: if note { format!("{quiet:.2} ms, {loud:.2} ms") } else { String::new() },
            required: None,
        }
    };
    Ok(vec![
        Figure {
            name: "accounts/sign_in".to_owned(),
            value: rate,
            unit: "a second",
            note: "64 callers, beside readers".to_owned(),
            required: None,
        },
        figure("p50", 0.5, true),
        figure("p99", 0.99, true),
    ])
}

/// How long each page took that four callers asked for, in milliseconds, in order.
async fn delays(reads: &Work, time: Duration) -> anyhow::Result<Vec<f64>> {
    let until = Instant::now() + time;
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let reads = reads.clone();
        callers.spawn(async move {
            let mut seen = Vec::new();
            while Instant::now() < until {
                let begun = Instant::now();
                reads(0).await?;
                seen.push(begun.elapsed().as_secs_f64() * 1e3);
                // People do not ask without a pause: a queue of our own making is not what is measured.
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            anyhow::Ok(seen)
        });
    }
    let mut all = Vec::new();
    while let Some(seen) = callers.join_next().await {
        all.extend(seen??);
    }
    all.sort_by(f64::total_cmp);
    Ok(all)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index within the values")]
fn quantile(sorted: &[f64], at: f64) -> f64 {
    let index = ((sorted.len() as f64 * at) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or(f64::NAN)
}
