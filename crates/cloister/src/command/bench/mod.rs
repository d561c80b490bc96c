//! `cloister bench`: what isolation costs, as ratios taken side by side in one run.
//!
//! Absolute times say more about the machine than about us. So whatever is compared is run in turns, slice by slice, and
//! the figure is the median of the slices' ratios.

mod accounts;
mod create;
mod fixture;
mod http;
mod idle;
mod import;
mod lists;
mod measure;
mod neighbours;
mod people;
mod process;
mod reads;
mod store;
mod tenants;

use std::sync::Arc;

use serde::Serialize;

use crate::{
    cli::Bench,
    configuration::Configuration,
    installation::{Prepare, Rooms, Running},
    output::Output,
};

/// One line of the table.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    /// What was measured, such as `read/shared/8`.
    pub(crate) name: String,
    /// The value.
    pub(crate) value: f64,
    /// Its unit.
    pub(crate) unit: &'static str,
    /// How often, or beside what.
    pub(crate) note: String,
    /// What the project asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) required: Option<Bound>,
}

/// What a figure must not go beyond.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Figure {
    fn met(&self) -> Option<bool> {
        Some(match self.required? {
            Bound::AtLeast(bound) => self.value >= bound,
            Bound::AtMost(bound) => self.value <= bound,
        })
    }
}

/// What the measurements work with.
pub(crate) struct Context<'a> {
    pub(crate) configuration: &'a Configuration,
    pub(crate) platform: &'a Running,
    pub(crate) quick: bool,
    pub(crate) started: &'a store::Started,
}

/// Runs the measurements and prints the table.
pub(crate) async fn run(configuration: &Configuration, args: &Bench, output: Output) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        eprintln!("this is a development build: its figures say little; run `make bench`");
    }
    let mut rooms = Rooms::new();
    let started = store::Started::default();
    rooms.modules.push(Arc::new(store::Measured(started.clone())));
    let platform = Running::open_with(configuration, Prepare::Always, rooms).await?;
    let bench = Context { configuration, platform: &platform, quick: args.quick, started: &started };
    let result = all(&bench, args.only.as_deref()).await;
    platform.close().await?;
    let figures = result?;
    let missed =
        figures.iter().filter(|figure| figure.name.starts_with("lists/") && figure.met() == Some(false)).count();
    output.list(&["measurement", "value", "unit", "required", "met", "note"], &figures, |figure| {
        let required = match figure.required {
            None => String::new(),
            Some(Bound::AtLeast(bound)) => format!("≥ {bound}"),
            Some(Bound::AtMost(bound)) => format!("≤ {bound}"),
        };
        let met = figure.met().map_or("", |met| if met { "yes" } else { "NO" });
        let digits = if figure.value < 10.0 { 3 } else { 0 };
        vec![
            figure.name.clone(),
            format!("{:.digits$}", figure.value),
            figure.unit.to_owned(),
            required,
            met.to_owned(),
            figure.note.clone(),
        ]
    })?;
    anyhow::ensure!(missed == 0, "{missed} lists or searches took longer than they may");
    Ok(())
}

async fn all(bench: &Context<'_>, only: Option<&str>) -> anyhow::Result<Vec<Figure>> {
    let wanted = |name: &str| only.is_none_or(|only| name.starts_with(only) || only.starts_with(name));
    let mut figures = Vec::new();
    if wanted("read") || wanted("http") || wanted("accounts") || wanted("neighbours") {
        let rosters = fixture::rosters(bench).await?;
        if wanted("read") {
            eprintln!("reads …");
            figures.extend(reads::measure(bench, &rosters).await?);
        }
        if wanted("http") {
            eprintln!("reads over HTTP …");
            figures.extend(http::measure(bench, &rosters).await?);
        }
        if wanted("accounts") {
            eprintln!("signing in and being signed in …");
            figures.extend(accounts::measure(bench, &rosters).await?);
        }
        if wanted("neighbours") {
            eprintln!("quiet tenants beside a flood …");
            figures.extend(neighbours::measure(bench, &rosters, &wanted).await?);
        }
    }
    if wanted("create") {
        eprintln!("making tenants …");
        figures.extend(create::measure(bench).await?);
    }
    if wanted("import") {
        eprintln!("importing a roster …");
        figures.extend(import::measure(bench).await?);
    }
    if wanted("lists") {
        eprintln!("lists and searches of a large school …");
        figures.extend(lists::measure(bench).await?);
    }
    if wanted("tenants") {
        eprintln!("many tenants …");
        figures.extend(tenants::measure(bench).await?);
    }
    if wanted("idle") {
        eprintln!("an idle server …");
        figures.extend(idle::measure(bench).await?);
    }
    figures.retain(|figure| only.is_none_or(|only| figure.name.starts_with(only)));
    Ok(figures)
}
