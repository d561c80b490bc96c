//! `cloister serve`: HTTP in front, background work behind, until interrupted.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use cloister_http::{
    CrowdLimits, DURATION_BUCKETS, Edge, EdgeSettings, Environment, Network, ServerLimits, app, serve,
};
use cloister_tenancy::jobs::WorkSettings;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinSet,
};

use super::isolation;
use crate::{
    cli::Serve,
    configuration::Configuration,
    installation::{Prepare, Running},
    progress::Bar,
};

/// Serves until interrupted.
pub(crate) async fn run(configuration: &Configuration, args: &Serve) -> anyhow::Result<()> {
    // The port first: nothing is started for an address that somebody else has.
    let listener = listen(configuration).await?;
    let platform = Running::open(configuration, Prepare::Always).await?;
    let despite = args.despite_findings.as_ref().map(|reason| reason.0.as_str());
    let result = serve_platform(configuration, &platform, listener, despite).await;
    platform.close().await?;
    result
}

/// Takes the address, or says who might have it.
pub(crate) async fn listen(configuration: &Configuration) -> anyhow::Result<TcpListener> {
    TcpListener::bind(configuration.listen).await.with_context(|| {
        format!("cannot listen on {}: end the program that does, or choose another by --listen", configuration.listen)
    })
}

/// The edge on a kernel.
pub(crate) fn edge(
    configuration: &Configuration,
    running: &Running,
    metrics: Option<PrometheusHandle>,
) -> anyhow::Result<Edge> {
    let networks = |list: &[String]| -> anyhow::Result<Vec<Network>> {
        list.iter().map(|text| text.parse().with_context(|| format!("`{text}` is no network"))).collect()
    };
    let settings = EdgeSettings {
        trusted_proxies: networks(&configuration.http.trusted_proxies).context("http.trusted_proxies")?,
        metrics_readers: networks(&configuration.http.metrics_readers).context("http.metrics_readers")?,
        environment: if configuration.http.https { Environment::Production } else { Environment::Development },
        rates: configuration.http.rates.settings()?,
        crowd: CrowdLimits {
            requests: configuration.http.requests,
            tenant_requests: configuration.http.tenant_requests,
            streams: configuration.http.event_streams,
        },
        ..EdgeSettings::default()
    };
    Ok(Edge::new(running.tenancy.clone(), Arc::new(running.service.clone()), settings, metrics))
}

/// Migrates what is behind, looks whether tenants are apart, then serves. With holes it serves only for a reason.
pub(crate) async fn serve_platform(
    configuration: &Configuration,
    platform: &Running,
    listener: TcpListener,
    despite: Option<&str>,
) -> anyhow::Result<()> {
    let tenancy = &platform.tenancy;
    // First of all: what is measured before there is a recorder is lost.
    let metrics = PrometheusBuilder::new().set_buckets(DURATION_BUCKETS)?.install_recorder()?;
    if !tenancy.fleet_is_current().await? {
        let bar = Bar::new("migrating", 0);
        let report = tenancy.migrate_fleet(4, false, &bar).await;
        bar.clear();
        let report = report?;
        anyhow::ensure!(
            report.failed.is_empty(),
            "the migration of {} targets failed; `cloister migrate` tells why: {}",
            report.failed.len(),
            report.failed.first().map_or("", String::as_str)
        );
        tracing::info!(migrated = report.migrated, "the fleet is up to date");
    }
    isolation::before_serving(platform, despite).await?;
    platform.service.schedule_upkeep().await?;
    let edge = edge(configuration, platform, Some(metrics.clone()))?;
    let router = app(&edge, &platform.modules);
    let (stop, stopped) = watch::channel(false);
    let mut background = background(configuration, platform, &metrics, &stopped);
    tracing::info!(address = %configuration.listen, tenants = tenancy.registry().len(), "serving");
    let ended = platform.ended();
    let asked = interrupted()?;
    let mut server_ended = None;
    let shutdown = async {
        tokio::select! {
            name = asked => tracing::info!(signal = name, "stopping"),
            how = ended => server_ended = Some(how),
        }
    };
    let drained = serve(listener, router, &edge, ServerLimits::default(), shutdown).await;
    // Background work ends its steps; whatever does not is taken up again by the next start.
    stop.send_replace(true);
    let patience =
        tokio::time::timeout(Duration::from_secs(10), async { while background.join_next().await.is_some() {} });
    if patience.await.is_err() {
        background.abort_all();
    }
    let drained = drained?;
    if let Some(how) = server_ended {
        anyhow::bail!("the embedded PostgreSQL ended by itself ({how}); its log is under the data directory");
    }
    tracing::info!(?drained, "stopped");
    Ok(())
}

/// Everything that runs beside the requests.
fn background(
    configuration: &Configuration,
    running: &Running,
    metrics: &PrometheusHandle,
    stopped: &watch::Receiver<bool>,
) -> JoinSet<()> {
    let tenancy = &running.tenancy;
    let mut tasks = JoinSet::new();
    let until = |mut stopped: watch::Receiver<bool>| async move { drop(stopped.wait_for(|stop| *stop).await) };
    let (follower, stop) = (tenancy.clone(), until(stopped.clone()));
    tasks.spawn(async move {
        tokio::select! {
            () = follower.follow() => {}
            () = stop => {}
        }
    });
    let (accounts, stop) = (running.service.clone(), until(stopped.clone()));
    tasks.spawn(async move {
        tokio::select! {
            () = accounts.follow() => {}
            () = stop => {}
        }
    });
    let (worker, stop) = (tenancy.clone(), until(stopped.clone()));
    let settings = WorkSettings { concurrency: configuration.jobs.workers, ..WorkSettings::default() };
    tasks.spawn(async move {
        if let Err(error) = worker.work(settings, stop).await {
            tracing::error!(error = error.log(), "the jobs are not worked on");
        }
    });
    let (keeper, mut stop) = (tenancy.clone(), stopped.clone());
    tasks.spawn(async move {
        let mut beat = tokio::time::interval(Duration::from_millis(500));
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut count = 0u32;
        while !*stop.borrow() {
            let beaten = tokio::select! {
                _ = beat.tick() => true,
                () = keeper.workflow_recorded() => false,
                _ = stop.changed() => break,
            };
            // Between two steps is where it may be stopped; a step under way is finished.
            if let Err(error) = keeper.tend_workflows().await {
                tracing::warn!(error = error.log(), "workflows could not be looked after");
            }
            if beaten
                && count.is_multiple_of(120)
                && let Err(error) = keeper.purge_due().await
            {
                tracing::warn!(error = error.log(), "deleted tenants could not be looked after");
            }
            count = count.wrapping_add(u32::from(beaten));
        }
    });
    let (watched, service, handle) = (tenancy.clone(), running.service.clone(), metrics.clone());
    let stop = until(stopped.clone());
    tasks.spawn(async move {
        let gauge = async {
            loop {
                for (cluster, login, status) in watched.connections() {
                    let cluster = cluster.to_string();
                    metrics::gauge!("cloister_connections_open", "cluster" => cluster.clone(), "login" => login)
                        .set(status.open as f64);
                    metrics::gauge!("cloister_connections_idle", "cluster" => cluster.clone(), "login" => login)
                        .set(status.idle as f64);
                    metrics::gauge!("cloister_connections_waiting", "cluster" => cluster, "login" => login)
                        .set(status.waiting as f64);
                }
                metrics::gauge!("cloister_tenants").set(watched.registry().len() as f64);
                // From what is kept: one node looks, and each tells. Without the control plane the last word stands.
                if let Err(error) = cloister_platform::isolation::gauge(&service).await {
                    tracing::debug!(error = error.log(), "the last proof of isolation cannot be read");
                }
                handle.run_upkeep();
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        };
        tokio::select! {
            () = gauge => {}
            () = stop => {}
        }
    });
    tasks
}

/// Resolves with the name of the signal that asks us to stop.
fn interrupted() -> anyhow::Result<impl Future<Output = &'static str>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}
