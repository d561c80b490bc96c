//! Lists and searches of a school with many students: each list of the API document, in each order, by each filter, its first
//! page and one from its middle, as the owner, a teacher and a guardian. What is measured is the whole request, without a socket:
//! the database's part is less.

use std::{collections::BTreeMap, time::Instant};

use axum::{Router, body::Body};
use cloister_http::{RateSettings, app, openapi};
use cloister_platform::NewPerson;
use cloister_school::{
    person::link_account,
    sample::school::{self, SchoolSettings},
};
use cloister_tenancy::Tier;
use http_body_util::BodyExt;
use hyper::{Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{Bound, Context, Figure, fixture, people::PASSWORD};
use crate::{command, installation::operator};

/// Students of the school, and school days with attendance: of all three years there would be ten million events.
const STUDENTS: u32 = 20_000;
const DAYS: u32 = 15;
/// Pages that are gone through to one of the middle, and records of a page on the way.
const PAGES: usize = 10;
/// What a page may take, in milliseconds.
const MOST: f64 = 20.0;
/// How often each page is asked for.
const TURNS: usize = 15;

/// Somebody who reads.
struct Reader {
    who: &'static str,
    token: String,
}

/// A list of the document.
struct List {
    path: String,
    sorts: Vec<String>,
    filters: Vec<Value>,
    /// Filters that must be there, with the values of their examples.
    needs: String,
}

pub(crate) async fn measure(bench: &Context<'_>) -> anyhow::Result<Vec<Figure>> {
    let entry = fixture::tenant(bench, "lists", Tier::Shared).await?;
    let edge = command::serve::edge(bench.configuration, bench.platform, None)?;
    edge.rates().set(&RateSettings::UNLIMITED);
    let router = app(&edge, &bench.platform.modules);
    let students = if bench.quick { STUDENTS / 10 } else { STUDENTS };
    let settings = SchoolSettings { attendance_days: Some(DAYS), ..SchoolSettings::new(5, students) };
    let cx = bench.platform.tenancy.background(entry.clone(), operator());
    let begun = Instant::now();
    let made = match school::make(&bench.platform.tenancy, &cx, &settings, &()).await {
        Ok(summary) => Some(summary),
        // An earlier run has made it.
        Err(error) if error.code() == "tenant_not_empty" => None,
        Err(error) => return Err(error.into()),
    };
    let mut figures = Vec::new();
    if let Some(summary) = &made {
        let rows = summary.records.values().sum::<u64>();
        let (name, value) = ("lists/sample".to_owned(), begun.elapsed().as_secs_f64());
        figures.push(Figure {
            name,
            value,
            unit: "s",
            note: format!("{students} students, {rows} records"),
            required: None,
        });
        bench.platform.vacuum(bench.configuration, &entry).await?;
    }
    let mut readers = Vec::new();
    for (who, role) in
        [("owner", "owner"), ("teacher", "teacher"), ("guardian", "guardian"), ("restricted", "guardian")]
    {
        let email = format!("{who}@lists.example");
        let (locale, password) = ("en".to_owned(), PASSWORD.to_owned().into());
        let new = NewPerson { email: email.clone(), display_name: who.to_owned(), locale, password };
        let by = (&operator()).into();
        let account = bench.platform.service.make_member(entry.id, &new, &[role.to_owned()], &by).await?;
        if let Some(person) = made.as_ref().and_then(|summary| summary.people.get(who)) {
            let mut tx = bench.platform.tenancy.write(&cx).await?;
            link_account(&mut tx, person.id, account).await?;
            tx.commit().await?;
        }
        let body = json!({ "email": email, "password": PASSWORD }).to_string();
        let request = Request::post("/api/v1/sessions").header("x-tenant-id", "lists");
        let request = request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body))?;
        let (status, answer) = send(&router, request).await?;
        let token = answer["access_token"].as_str().map(str::to_owned);
        let token = token.ok_or_else(|| anyhow::anyhow!("the {who} cannot sign in: {status} {answer}"))?;
        readers.push(Reader { who, token });
    }
    let lists = lists(bench);
    let known = known(&router, &readers[0], &lists).await?;
    for list in &lists {
        for reader in &readers {
            for query in queries(list, &known) {
                if let Some(figure) = one(&router, reader, list, &query, bench.quick).await? {
                    figures.push(figure);
                }
            }
        }
    }
    // The slowest first; those that are quick enough are told by their number.
    figures.sort_by(|a, b| b.value.total_cmp(&a.value));
    Ok(figures)
}

/// Every list of the school.
fn lists(bench: &Context<'_>) -> Vec<List> {
    let document = serde_json::to_value(openapi(&bench.platform.modules)).unwrap_or_default();
    let mut lists = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        let operation = &item["get"];
        let parameters: Vec<Value> = operation["parameters"].as_array().cloned().unwrap_or_default();
        let named = |name: &str| parameters.iter().find(|one| one["name"] == name);
        if named("cursor").is_none() || path.contains('{') || operation["tags"][0] != "School" {
            continue;
        }
        let sorts = named("sort").and_then(|sort| sort["schema"]["pattern"].as_str()).unwrap_or_default();
        let sorts = sorts.trim_start_matches("^-?").trim_end_matches('$').trim_matches(['(', ')']);
        let needed = parameters.iter().filter(|one| one["in"] == "query" && one["required"] == true);
        let needed = needed.map(|one| {
            let example = [&one["example"], &one["schema"]["example"]].into_iter().find_map(Value::as_str);
            format!("{}={}&", one["name"].as_str().unwrap_or_default(), example.unwrap_or_default())
        });
        let needs: String = needed.collect();
        let filters = parameters
            .iter()
            .filter(|one| one["in"] == "query" && one["required"] != true)
            .filter(|one| !["cursor", "limit", "sort"].iter().any(|name| one["name"] == *name));
        lists.push(List {
            path: path.clone(),
            sorts: sorts.split('|').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
            filters: filters.cloned().collect(),
            needs,
        });
    }
    lists
}

/// Things that are there, by the kind of their ids, and what fields of lists hold.
struct Known {
    ids: BTreeMap<String, String>,
    fields: BTreeMap<(String, String), String>,
}

fn kind(text: &str) -> Option<&str> {
    let (kind, rest) = text.split_once('_')?;
    (kind.len() == 3 && rest.len() == 26).then_some(kind)
}

async fn known(router: &Router, owner: &Reader, lists: &[List]) -> anyhow::Result<Known> {
    let mut known = Known { ids: BTreeMap::new(), fields: BTreeMap::new() };
    for list in lists {
        let (_, page) = get(router, owner, &format!("{}?{}limit=100", list.path, list.needs)).await?;
        // From the middle of the page: what stands first is often special.
        let items = page["items"].as_array().cloned().unwrap_or_default();
        for (field, value) in items.get(items.len() / 2).and_then(Value::as_object).into_iter().flatten() {
            let text = value.as_str().map(str::to_owned).or_else(|| value.as_i64().map(|number| number.to_string()));
            let Some(text) = text else { continue };
            if let Some(kind) = kind(&text) {
                known.ids.entry(kind.to_owned()).or_insert_with(|| text.clone());
            }
            known.fields.insert((list.path.clone(), field.clone()), text);
        }
    }
    Ok(known)
}

/// The list as it is, in each order, by each filter, and by the beginning of a name.
fn queries(list: &List, known: &Known) -> Vec<String> {
    let mut queries = vec![String::new()];
    queries.extend(list.sorts.iter().flat_map(|sort| [format!("sort={sort}"), format!("sort=-{sort}")]));
    for filter in &list.filters {
        let name = filter["name"].as_str().unwrap_or_default();
        let schema = &filter["schema"];
        let example = filter["example"].as_str().or_else(|| schema["example"].as_str()).unwrap_or_default();
        let of_field = known.fields.get(&(list.path.clone(), name.to_owned())).cloned();
        let of_kind = kind(example).and_then(|kind| known.ids.get(kind)).cloned();
        let of_name = name.strip_suffix("_id").and_then(|_| of_kind.clone());
        let values: Vec<String> = match (name, schema["enum"].as_array(), schema["type"].as_str()) {
            ("q", ..) => vec!["a".to_owned(), "mar".to_owned(), "nguyen".to_owned(), "zzzz".to_owned()],
            (_, Some(words), _) => words.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            (_, _, Some("boolean")) => vec!["true".to_owned(), "false".to_owned()],
            _ => of_field
                .or(of_name)
                .or(of_kind)
                .or((!example.is_empty()).then(|| example.to_owned()))
                .into_iter()
                .collect(),
        };
        queries.extend(
            values.iter().filter(|value| value.is_ascii()).map(|value| format!("{name}={}", value.replace(' ', "%20"))),
        );
    }
    queries
}

/// Figures of one query: the first page, or one of the middle where that is slower. None where the reader may not ask it.
async fn one(
    router: &Router,
    reader: &Reader,
    list: &List,
    query: &str,
    is_quick: bool,
) -> anyhow::Result<Option<Figure>> {
    let base = format!("{}?{}{query}{}", list.path, list.needs, if query.is_empty() { "" } else { "&" });
    let first = format!("{base}limit=50");
    let (status, mut page) = get(router, reader, &first).await?;
    if status != StatusCode::OK {
        if reader.who == "owner" {
            eprintln!("{first} was not measured: {status} {page}");
        }
        return Ok(None);
    }
    let found = page["items"].as_array().map_or(0, Vec::len);
    let mut slowest = (time(router, reader, &first, is_quick).await?, "first page");
    let mut cursor = page["next_cursor"].as_str().map(str::to_owned);
    for _ in 0..PAGES {
        let Some(at) = cursor.clone() else { break };
        page = get(router, reader, &format!("{base}limit=200&cursor={at}")).await?.1;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    if let Some(at) = cursor {
        let middle = time(router, reader, &format!("{base}limit=50&cursor={at}"), is_quick).await?;
        if middle.0 > slowest.0.0 {
            slowest = (middle, "a page of the middle");
        }
    }
    let ((median, worst), which) = slowest;
    let name = format!(
        "lists/{}{}/{}",
        list.path.trim_start_matches("/api/v1/"),
        if query.is_empty() { String::new() } else { format!("?{query}") },
        reader.who
    );
    let note = format!("p99 {worst:.1}, {which}, {found} found");
    Ok(Some(Figure { name, value: median, unit: "ms", note, required: Some(Bound::AtMost(MOST)) }))
}

/// Median and worst time of a request, in milliseconds.
async fn time(router: &Router, reader: &Reader, path: &str, is_quick: bool) -> anyhow::Result<(f64, f64)> {
    let mut times = Vec::with_capacity(TURNS);
    for turn in 0..if is_quick { 5 } else { TURNS } {
        let begun = Instant::now();
        get(router, reader, path).await?;
        let taken = begun.elapsed().as_secs_f64() * 1e3;
        times.push(taken);
        // What is far too slow is known to be after three.
        if turn == 2 && times.iter().all(|taken| *taken > 10.0 * MOST) {
            break;
        }
    }
    times.sort_by(f64::total_cmp);
    Ok((times.get(times.len() / 2).copied().unwrap_or(f64::NAN), times.last().copied().unwrap_or(f64::NAN)))
}

async fn get(router: &Router, reader: &Reader, path: &str) -> anyhow::Result<(StatusCode, Value)> {
    let request = Request::get(path).header("x-tenant-id", "lists");
    send(router, request.header(header::AUTHORIZATION, format!("Bearer {}", reader.token)).body(Body::empty())?).await
}

async fn send(router: &Router, request: Request<Body>) -> anyhow::Result<(StatusCode, Value)> {
    let response = router.clone().oneshot(request).await?;
    let status = response.status();
    let bytes = response.into_body().collect().await?.to_bytes();
    Ok((status, serde_json::from_slice(&bytes).unwrap_or_default()))
}
