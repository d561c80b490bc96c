//! `cloister demo`: three schools in three tiers and a company, filled and served. Run again, it finds them.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use axum::Router;
use cloister_http::app;
use cloister_platform::NewPerson;
use cloister_school::{
    import::{ImportSettings, Outcome, import},
    oneroster::{Limits, Mode, Package},
    sample::{self, SampleSettings},
};
use cloister_tenancy::{NewTenant, Tenancy, TenantEntry, Tier};
use http_body_util::BodyExt;
use hyper::{Request, StatusCode, header};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{
    cli::Demo,
    command::{serve, tenant::finish},
    configuration::Configuration,
    installation::{Prepare, Running, operator},
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

/// Of everybody in the demonstration, which is served to this machine alone.
const PASSWORD: &str = "blue lanterns over quiet water";
const OPERATOR: &str = "operator@platform.example";

/// Makes what is missing, says where it is, and serves.
pub(crate) async fn run(configuration: &Configuration, args: &Demo) -> anyhow::Result<()> {
    let listener = if args.no_serve { None } else { Some(serve::listen(configuration).await?) };
    eprintln!("starting PostgreSQL under {} …", configuration.data_dir.display());
    let platform = Running::open(configuration, Prepare::Always).await?;
    let result = async {
        fill(configuration, &platform, args.students).await?;
        addresses(configuration);
        match listener {
            Some(listener) => serve::serve_platform(configuration, &platform, listener, None).await,
            None => Ok(()),
        }
    };
    let result = result.await;
    platform.close().await?;
    result
}

async fn fill(configuration: &Configuration, running: &Running, students: u32) -> anyhow::Result<()> {
    let tenancy = &running.tenancy;
    let by = (&operator()).into();
    running.service.make_operator(&person(OPERATOR.to_owned(), "Olga Operator", "en"), "admin", &by).await?;
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
        let owner = person(owner(shown.slug), "Olivia Owner", shown.locale);
        running.service.make_member(id, &owner, &["owner".to_owned()], &by).await?;
        if shown.kind == "school" {
            let package = configuration.data_dir.join(format!("{}.zip", shown.slug));
            // Teachers see whom they teach today, so it has to be the year that today is in.
            let today = tenancy.clock().now().to_zoned(TimeZone::get(shown.time_zone)?).date();
            let settings = SampleSettings::new(number as u64 + 1, students);
            let settings = SampleSettings { school_year: sample::school_year_of(today)?, ..settings };
            sample::write(&settings, &package)?;
            let created = roster(tenancy, &entry, &package).await;
            std::fs::remove_file(&package)?;
            eprintln!("{} ({} tier): a roster of {} records", shown.name, shown.tier, created?);
        } else {
            let count = components(configuration, running, &entry).await?;
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
    running: &Running,
    entry: &Arc<TenantEntry>,
) -> anyhow::Result<usize> {
    let edge = serve::edge(configuration, running, None)?;
    let router = app(&edge, &running.modules);
    let token = sign_in(configuration, &router, entry).await?;
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

/// Signs in at a tenant's door, as a client does.
async fn sign_in(configuration: &Configuration, router: &Router, entry: &TenantEntry) -> anyhow::Result<String> {
    let body = json!({ "email": owner(entry.slug.as_str()), "password": PASSWORD });
    let request = Request::post("/api/v1/sessions")
        .header(header::HOST, format!("{}.{}", entry.slug, configuration.base_domain))
        .header(header::CONTENT_TYPE, "application/json")
        .body(axum::body::Body::from(body.to_string()))?;
    let response = router.clone().oneshot(request).await?;
    let answer = response.into_body().collect().await?.to_bytes();
    let answer = serde_json::from_slice::<Value>(&answer).unwrap_or_default();
    answer["access_token"].as_str().map(str::to_owned).with_context(|| format!("the owner cannot sign in: {answer}"))
}

fn owner(slug: &str) -> String {
    format!("owner@{slug}.example")
}

fn person(email: String, name: &str, locale: &str) -> NewPerson {
    let password = PASSWORD.to_owned().into();
    NewPerson { email, display_name: name.to_owned(), locale: locale.to_owned(), password }
}

/// Where everything is, and three lines to try.
fn addresses(configuration: &Configuration) {
    let port = configuration.listen.port();
    let base = |slug: &str| format!("http://{slug}.{}:{port}", configuration.base_domain);
    println!();
    for shown in SHOWN {
        println!("  {:18} {:9} tier   {:32} {}", shown.name, shown.tier.word(), base(shown.slug), owner(shown.slug));
    }
    println!("  API, to read and try          http://{}:{port}/api/docs", configuration.base_domain);
    println!("  Operator                      {OPERATOR}");
    println!("  Everybody's password          {PASSWORD}");
    println!();
    println!("Three lines to try, in a shell:");
    println!();
    println!(
        "  sign_in() {{ curl -s \"$1/api/v1/sessions\" -H 'Content-Type: application/json' -d \"{{\\\"email\\\":\\\"$2\\\",\\\"password\\\":\\\"{PASSWORD}\\\"}}\" | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/'; }}"
    );
    println!();
    println!(
        "  token=$(sign_in {} {}); curl -s '{}/api/v1/persons?limit=3' -H \"Authorization: Bearer $token\"",
        base("north"),
        owner("north"),
        base("north")
    );
    println!();
    println!("A token of one school at the door of another is refused:");
    println!();
    println!("  curl -s '{}/api/v1/persons' -H \"Authorization: Bearer $token\"", base("lakeside"));
    println!();
}
