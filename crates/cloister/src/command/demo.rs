//! `cloister demo`: three schools in three tiers and a company, filled and served. Run again, it finds them.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use cloister_http::app;
use cloister_ids::SystemClock;
use cloister_school::{
    import::{ImportSettings, Outcome, import},
    oneroster::{Limits, Mode, Package},
    sample::{self, SampleSettings},
};
use cloister_tenancy::{NewTenant, Tenancy, TenantEntry, Tier};
use http_body_util::BodyExt;
use hyper::{Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{
    cli::Demo,
    command::{self, serve, tenant::finish},
    configuration::Configuration,
    installation::{Platform, Prepare, operator},
    token::DevelopmentTokens,
};

/// A tenant of the demonstration.
struct Shown {
    slug: &'static str,
    name: &'static str,
    kind: &'static str,
    tier: Tier,
    locale: &'static str,
    time_zone: &'static str,
}

const SHOWN: &[Shown] = &[
    Shown {
        slug: "north",
        name: "North High School",
        kind: "school",
        tier: Tier::Shared,
        locale: "en-US",
        time_zone: "America/Chicago",
    },
    Shown {
        slug: "lakeside",
        name: "Lakeside Academy",
        kind: "school",
        tier: Tier::Schema,
        locale: "en-GB",
        time_zone: "Europe/London",
    },
    Shown {
        slug: "seefeld",
        name: "Schule Seefeld",
        kind: "school",
        tier: Tier::Database,
        locale: "de-CH",
        time_zone: "Europe/Zurich",
    },
    Shown {
        slug: "harbour",
        name: "Harbour Works",
        kind: "company",
        tier: Tier::Shared,
        locale: "en",
        time_zone: "UTC",
    },
];

const COMPONENTS: &[(&str, &str, &str)] = &[
    ("crane-control", "Crane control", "service"),
    ("berth-plan", "Berth plan", "website"),
    ("tides", "Tides", "library"),
];

/// How long the tokens that are printed hold.
const TOKEN_LIFETIME: Duration = Duration::from_hours(8);

/// Makes what is missing, says where it is, and serves.
pub(crate) async fn run(configuration: &Configuration, args: &Demo) -> anyhow::Result<()> {
    let listener = if args.no_serve { None } else { Some(serve::listen(configuration).await?) };
    eprintln!("starting PostgreSQL under {} …", configuration.data_dir.display());
    let platform = Platform::open(configuration, Prepare::Always).await?;
    let result = async {
        fill(configuration, &platform.tenancy, args.students).await?;
        addresses(configuration, &platform.tenancy)?;
        match listener {
            Some(listener) => serve::serve_platform(configuration, &platform, listener).await,
            None => Ok(()),
        }
    };
    let result = result.await;
    platform.close().await?;
    result
}

async fn fill(configuration: &Configuration, tenancy: &Tenancy, students: u32) -> anyhow::Result<()> {
    if !tenancy.fleet_is_current().await? {
        tenancy.migrate_fleet(4, false, &()).await?;
    }
    for (number, shown) in SHOWN.iter().enumerate() {
        if tenancy.registry().by_slug(shown.slug).is_some() {
            eprintln!("{} is there already", shown.name);
            continue;
        }
        let mut new = NewTenant::new(shown.slug.parse()?, shown.name, shown.kind, shown.tier);
        shown.locale.clone_into(&mut new.locale);
        shown.time_zone.clone_into(&mut new.time_zone);
        new.demo = true;
        let (id, workflow) = tenancy.create_tenant(&new, &operator()).await?;
        finish(tenancy, workflow).await?;
        let entry = tenancy.registry().by_id(id).context("the tenant was made and cannot be found")?;
        if shown.kind == "school" {
            let package = configuration.data_dir.join(format!("{}.zip", shown.slug));
            sample::write(&SampleSettings::new(number as u64 + 1, students), &package)?;
            let created = roster(tenancy, &entry, &package).await;
            std::fs::remove_file(&package)?;
            eprintln!("{} ({} tier): a roster of {} records", shown.name, shown.tier, created?);
        } else {
            let count = components(configuration, tenancy, &entry).await?;
            eprintln!("{} ({} tier): {count} components", shown.name, shown.tier);
        }
    }
    Ok(())
}

/// Imported as an operator would, to the letter of the standard.
async fn roster(tenancy: &Tenancy, entry: &Arc<TenantEntry>, path: &Path) -> anyhow::Result<u64> {
    let cx = tenancy.background(entry.clone(), operator());
    let package = Package::open(path, Limits::default())?;
    let settings = ImportSettings { mode: Mode::Strict, ..ImportSettings::default() };
    let report = import(tenancy, &cx, package, &settings, &()).await?;
    anyhow::ensure!(report.outcome == Outcome::Applied, "the sample was refused: {:?}", report.refusal);
    Ok(report.files.iter().map(|file| file.created).sum())
}

/// Made through the API, as a client would.
async fn components(
    configuration: &Configuration,
    tenancy: &Tenancy,
    entry: &Arc<TenantEntry>,
) -> anyhow::Result<usize> {
    let edge = serve::edge(configuration, tenancy, None)?;
    let router = app(&edge, &command::http_modules());
    let token = tokens(configuration)?.mint("demo", Some(entry.id), vec!["catalog.*".to_owned()], TOKEN_LIFETIME)?;
    for (key, name, kind) in COMPONENTS {
        let body = json!({ "key": key, "name": name, "kind": kind, "lifecycle": "production" });
        let request = Request::post("/api/v1/components")
            .header(header::HOST, format!("{}.{}", entry.slug, configuration.base_domain))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(axum::body::Body::from(body.to_string()))?;
        let response = router.clone().oneshot(request).await?;
        let status = response.status();
        let answer = response.into_body().collect().await?.to_bytes();
        let known = serde_json::from_slice::<Value>(&answer).unwrap_or_default();
        anyhow::ensure!(status == StatusCode::CREATED, "{name} was not made: {status} {known}");
    }
    Ok(COMPONENTS.len())
}

fn tokens(configuration: &Configuration) -> anyhow::Result<DevelopmentTokens> {
    DevelopmentTokens::open(&configuration.data_dir, Arc::new(SystemClock))
}

/// Where everything is, and three lines to try.
fn addresses(configuration: &Configuration, tenancy: &Tenancy) -> anyhow::Result<()> {
    let tokens = tokens(configuration)?;
    let port = configuration.listen.port();
    let base = |slug: &str| format!("http://{slug}.{}:{port}", configuration.base_domain);
    let token = |slug: &str| -> anyhow::Result<String> {
        let entry = tenancy.registry().by_slug(slug).with_context(|| format!("{slug} is missing"))?;
        tokens.mint("demo", Some(entry.id), vec!["*".to_owned()], TOKEN_LIFETIME)
    };
    println!();
    for shown in SHOWN {
        println!("  {:18} {:9} tier   {}", shown.name, shown.tier.word(), base(shown.slug));
    }
    println!("  API, to read and try          http://{}:{port}/api/docs", configuration.base_domain);
    println!();
    println!("Three lines to try (the tokens hold for eight hours):");
    println!();
    println!("  curl -s '{}/api/v1/persons?limit=3' -H 'Authorization: Bearer {}'", base("north"), token("north")?);
    println!();
    println!("  curl -s '{}/api/v1/classes?limit=3' -H 'Authorization: Bearer {}'", base("seefeld"), token("seefeld")?);
    println!();
    println!("A token of one school at the door of another is refused:");
    println!();
    println!("  curl -s '{}/api/v1/persons' -H 'Authorization: Bearer {}'", base("lakeside"), token("north")?);
    println!();
    Ok(())
}
