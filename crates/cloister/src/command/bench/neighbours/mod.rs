//! What quiet tenants feel of a neighbour that floods: their delays alone, and beside one tenant that does the same a hundred
//! times as often as each of them.
//!
//! Server, callers and PostgreSQL share this machine; callers have threads of their own. Slices with and without the flood take
//! turns.

mod acts;
mod paced;

use std::time::Duration;

use cloister_http::{ServerLimits, app, serve};
use cloister_school::sample::{self, SampleSettings};
use cloister_tenancy::jobs::WorkSettings;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::{net::TcpListener, sync::oneshot};

use self::{
    acts::{Person, Server},
    paced::{Act, HttpClient, Paced, Seen},
};
use super::{Bound, Context, Figure, fixture::Rosters, measure::median, people};
use crate::command;

/// How many times as often the flood does it.
const TIMES: f64 = 100.0;
/// Quiet tenants of each tier.
const QUIET: usize = 3;
/// Slices without and with the flood.
const TURNS: u32 = 7;
/// Of a flood, that wait for an answer at a time.
const CROWD: usize = 512;

/// Something that neighbours do.
struct Kind {
    name: &'static str,
    quiet: Act,
    loud: Act,
    /// How often a second each of the quiet ones does it.
    rate: f64,
    /// How long one slice is.
    slice: Duration,
}

/// `wanted` says which of the kinds to measure, by their names.
pub(crate) async fn measure(
    bench: &Context<'_>,
    rosters: &Rosters,
    wanted: &(dyn Fn(&str) -> bool + Sync),
) -> anyhow::Result<Vec<Figure>> {
    let mut configuration = bench.configuration.clone();
    // Callers say by a header where they come from. Everything else is as it is installed.
    configuration.http.trusted_proxies = vec!["127.0.0.0/8".to_owned()];
    let edge = command::serve::edge(&configuration, bench.platform, None)?;
    let router = app(&edge, &bench.platform.modules);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let server = Server(format!("http://{}", listener.local_addr()?).into());
    let serving =
        tokio::spawn(
            async move { serve(listener, router, &edge, ServerLimits::default(), std::future::pending()).await },
        );
    let (stop, stopped) = oneshot::channel::<()>();
    let (worker, settings) = (
        bench.platform.tenancy.clone(),
        WorkSettings { concurrency: configuration.jobs.workers, ..WorkSettings::default() },
    );
    let working = tokio::spawn(async move { worker.work(settings, async { drop(stopped.await) }).await });
    let figures = all(bench, rosters, &server, wanted).await;
    drop(stop);
    working.await??;
    serving.abort();
    figures
}

async fn all(
    bench: &Context<'_>,
    rosters: &Rosters,
    server: &Server,
    wanted: &(dyn Fn(&str) -> bool + Sync),
) -> anyhow::Result<Vec<Figure>> {
    let client: HttpClient = Client::builder(TokioExecutor::new()).build_http();
    let (mut quiet, mut loud) = (Vec::new(), Vec::new());
    for (tier, contexts) in &rosters.tiers {
        for (at, cx) in contexts.iter().take(QUIET + 1).enumerate() {
            let email = people::owner(bench, cx.tenant()).await?;
            let mut person = Person { cx: cx.clone(), email, bearer: String::new() };
            let bearer = server.sign_in(&client, &person).await?;
            person.bearer = bearer.ok_or_else(|| anyhow::anyhow!("{} cannot sign in", person.email))?;
            if at > 0 {
                quiet.push(person);
            } else if *tier == cloister_tenancy::Tier::Shared {
                loud.push(person);
            }
        }
    }
    let directory = &bench.configuration.data_dir;
    let (small, large) = (directory.join("bench-small.zip"), directory.join("bench-large.zip"));
    sample::write(&SampleSettings::new(11, 60), &small)?;
    sample::write(&SampleSettings::new(12, 2_000), &large)?;
    let tenancy = &bench.platform.tenancy;
    let slice = Duration::from_secs(if bench.quick { 2 } else { 4 });
    let kind = |name, quiet, loud, rate| Kind { name, quiet, loud, rate, slice };
    let (jobs, unheeded) = (acts::jobs(tenancy, &quiet, bench.started), acts::jobs_unheeded(tenancy, &loud));
    let kinds = [
        kind("reads", acts::reads(server, &quiet), acts::reads(server, &loud), 10.0),
        kind("writes", acts::writes(server, &quiet), acts::writes(server, &loud), 2.0),
        kind("sign-ins", acts::sign_ins(server, &quiet), acts::sign_ins(server, &loud), 0.5),
        kind("jobs", jobs, unheeded, 1.0),
        Kind {
            slice: slice * 3,
            ..kind(
                "imports",
                acts::imports(tenancy, &quiet, small.clone()),
                acts::imports(tenancy, &loud, large.clone()),
                0.1,
            )
        },
    ];
    let mut figures = Vec::new();
    for kind in kinds.into_iter().filter(|kind| wanted(&format!("neighbours/{}", kind.name))) {
        eprintln!("  {} …", kind.name);
        figures.extend(beside(&kind, quiet.len(), if bench.quick { 1 } else { TURNS }).await?);
    }
    std::fs::remove_file(&small)?;
    std::fs::remove_file(&large)?;
    Ok(figures)
}

/// Slices without and with the flood, by turns; the figures are the medians of the turns, so that a hiccup of the machine is
/// not taken for the neighbour's doing.
async fn beside(kind: &Kind, tenants: usize, rounds: u32) -> anyhow::Result<[Figure; 3]> {
    let rate = kind.rate * tenants as f64;
    let quietly = || Paced::start(&kind.quiet, rate, CROWD);
    let settle = Duration::from_secs(1);
    quietly()?.during(settle * 2).await?;
    let (mut p50, mut p99, mut flood) = (Vec::new(), Vec::new(), Seen::default());
    let (mut count, mut refused) = (0, 0);
    for _ in 0..rounds {
        let mut alone = quietly()?.during(kind.slice).await?;
        let flooding = Paced::start(&kind.loud, kind.rate * TIMES, CROWD)?;
        tokio::time::sleep(settle).await;
        let mut beside = quietly()?.during(kind.slice).await?;
        flood.add(flooding.stop().await?);
        count += alone.delays.len() + beside.delays.len();
        refused += alone.refused + beside.refused;
        p50.push((alone.quantile(0.5), beside.quantile(0.5)));
        p99.push((alone.quantile(0.99), beside.quantile(0.99)));
        tokio::time::sleep(settle).await;
    }
    let figure = |name: &str, turns: &[(f64, f64)], note: String, required| {
        let (alone, beside): (Vec<_>, Vec<_>) = turns.iter().copied().unzip();
        let ratios = turns.iter().map(|(alone, beside)| beside / alone).collect();
        Figure {
            name: format!("neighbours/{}/{name}", kind.name),
            value: median(ratios),
            unit: "× alone",
            note: format!("{:.2} ms, {:.2} ms{note}", median(alone), median(beside)),
            required,
        }
    };
    let told = format!(
        "; flood: {:.0}/s, {} done, {} refused, {} not sent",
        kind.rate * TIMES,
        flood.delays.len(),
        flood.refused,
        flood.unsent
    );
    Ok([
        figure("p50", &p50, told, None),
        figure("p99", &p99, format!("; {count} in {rounds} turns"), Some(Bound::AtMost(2.0))),
        Figure {
            name: format!("neighbours/{}/refused", kind.name),
            value: refused as f64,
            unit: "of the quiet",
            note: String::new(),
            required: Some(Bound::AtMost(0.0)),
        },
    ])
}
