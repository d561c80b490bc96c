//! Any list as a table: whoever asks for `text/csv` gets all pages of a list in one file, made while it is sent; whoever asks for
//! a workbook gets them in one that is made first.
//!
//! The pages are the list's own, asked for one after the other with the same filter, order, rights and scopes. What a list shows
//! to somebody is decided in one place.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header, request::Parts},
    middleware::Next,
    response::IntoResponse,
};
use cloister_tenancy::Error;
use form_urlencoded::Serializer;
use futures_util::stream;
use http_body_util::BodyExt;
use serde_json::{Map, Value};

use crate::{
    formula::cell,
    heading::Headings,
    request::RequestInfo,
    workbook::{self, Days, Workbook},
};

/// Somebody wants the whole list at once: it is counted as heavy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WholeList;

/// Rows of each page that is asked for.
const PAGE: &str = "200";
/// As in the API document and in what is sent.
pub(crate) const MEDIA_TYPE: &str = "text/csv; charset=utf-8";

/// What a list is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Csv,
    Workbook,
}

/// The form that is wanted before anything else, where it is one of ours.
fn wanted_form(method: &Method, headers: &HeaderMap) -> Option<Form> {
    let first =
        headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).and_then(|text| text.split(',').next());
    let first = first.and_then(|range| range.split(';').next()).map(str::trim).filter(|_| method == Method::GET)?;
    let is = |kind: &str| first.eq_ignore_ascii_case(kind);
    if is("text/csv") {
        return Some(Form::Csv);
    }
    is(workbook::MEDIA_TYPE).then_some(Form::Workbook)
}

/// Answers a list as a table where that is wanted; everything else goes by as it is.
pub(crate) async fn lists(
    State((days, headings)): State<(Days, Headings)>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let Some(form) = wanted_form(request.method(), request.headers()) else {
        return next.run(request).await;
    };
    let (mut parts, body) = request.into_parts();
    // JSON is what is made a table.
    parts.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let Some(first) = with_page(&parts, None) else {
        return next.run(Request::from_parts(parts, body)).await;
    };
    let mut asked = Request::from_parts(first, Body::empty());
    asked.extensions_mut().insert(WholeList);
    let response = next.clone().run(asked).await;
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if response.status() != StatusCode::OK || !is_json {
        return response;
    }
    let (head, body) = response.into_parts();
    let Ok(bytes) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
        return crate::Problem::from(Error::internal("a page of our own broke off")).into_response();
    };
    let Some(page) = Page::read(&bytes) else {
        // Something else than a list.
        return Response::from_parts(head, Body::from(bytes));
    };
    let name = parts
        .extensions
        .get::<Arc<RequestInfo>>()
        .map_or_else(|| parts.uri.path().to_owned(), |info| info.path.clone());
    let name = name.rsplit('/').find(|part| !part.is_empty()).unwrap_or("list").to_owned();
    let route = parts.extensions.get::<MatchedPath>().cloned();
    let mut rest = Rest { parts, next, columns: Vec::new(), page: Some(page), head: true };
    if let Err(error) = rest.begin().await {
        return crate::Problem::from(error).into_response();
    }
    if rest.columns.is_empty()
        && let Some(route) = route
    {
        // No record tells the columns.
        rest.columns = headings.at(route.as_str());
    }
    let (body, kind, ending) = match form {
        Form::Csv => {
            let rows = stream::try_unfold(Some(rest), async |rest| match rest {
                Some(rest) => rest.part().await,
                None => Ok(None),
            });
            (Body::from_stream(rows), MEDIA_TYPE, "csv")
        }
        Form::Workbook => match rest.workbook(&name, &days).await {
            Ok(bytes) => (Body::from(bytes), workbook::MEDIA_TYPE, "xlsx"),
            Err(error) => return crate::Problem::from(error).into_response(),
        },
    };
    let mut response = Response::new(body);
    // What the list said besides, such as how much is left of a limit.
    *response.headers_mut() = head.headers;
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::ETAG);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(disposition) = HeaderValue::try_from(format!("attachment; filename=\"{name}.{ending}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

/// The same request for the page behind a cursor; for the first, with the client's own cursor. None when it is no address.
fn with_page(parts: &Parts, cursor: Option<&str>) -> Option<Parts> {
    let mut query = Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
        if name != "limit" && (name != "cursor" || cursor.is_none()) {
            query.append_pair(&name, &value);
        }
    }
    query.append_pair("limit", PAGE);
    if let Some(cursor) = cursor {
        query.append_pair("cursor", cursor);
    }
    let mut uri = parts.uri.clone().into_parts();
    uri.path_and_query = Some(format!("{}?{}", parts.uri.path(), query.finish()).parse().ok()?);
    let mut same = parts.clone();
    same.uri = Uri::from_parts(uri).ok()?;
    Some(same)
}

/// A page of a list.
struct Page {
    items: Vec<Map<String, Value>>,
    next: Option<String>,
}

impl Page {
    /// None for what is no page of a list.
    fn read(bytes: &[u8]) -> Option<Self> {
        let Value::Object(mut whole) = serde_json::from_slice(bytes).ok()? else { return None };
        let (items, next) = (whole.remove("items")?, whole.remove("next_cursor")?);
        let Value::Array(items) = items else { return None };
        let items = items.into_iter().map(|item| match item {
            Value::Object(item) => Some(item),
            _ => None,
        });
        whole.is_empty().then_some(())?;
        Some(Self { items: items.collect::<Option<_>>()?, next: next.as_str().map(str::to_owned) })
    }

    /// Names of the fields, in their order.
    fn columns(&self) -> Vec<String> {
        let mut columns: Vec<String> = Vec::new();
        for name in self.items.iter().flat_map(Map::keys) {
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        }
        columns
    }
}

/// What is left to send.
struct Rest {
    parts: Parts,
    next: Next,
    columns: Vec<String>,
    /// What was read and not sent.
    page: Option<Page>,
    /// The first line is still to come.
    head: bool,
}

impl Rest {
    /// Goes to the first page that shows something, which tells the columns: a page may be empty with others behind it.
    async fn begin(&mut self) -> Result<(), Error> {
        while let Some(page) = self.page.take() {
            match &page.next {
                Some(cursor) if page.items.is_empty() => self.page = Some(self.ask(cursor).await?),
                _ => {
                    self.columns = page.columns();
                    self.page = Some(page);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn part(mut self) -> Result<Option<(Bytes, Option<Self>)>, Error> {
        let Some(page) = self.page.take() else { return Ok(None) };
        let mut text = String::new();
        if std::mem::take(&mut self.head) && !self.columns.is_empty() {
            line(&mut text, self.columns.iter().map(|name| cell(name)));
        }
        for item in &page.items {
            line(&mut text, self.columns.iter().map(|name| cell(&shown(item.get(name).unwrap_or(&Value::Null)))));
        }
        let Some(cursor) = page.next else { return Ok(Some((Bytes::from(text), None))) };
        // The client sees that the file broke off.
        self.page = Some(self.ask(&cursor).await?);
        Ok(Some((Bytes::from(text), Some(self))))
    }

    /// The page behind a cursor.
    async fn ask(&self, cursor: &str) -> Result<Page, Error> {
        let asked = with_page(&self.parts, Some(cursor)).ok_or_else(|| Error::internal("a cursor is no text"))?;
        let response = self.next.clone().run(Request::from_parts(asked, Body::empty())).await;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(Error::internal)?.to_bytes();
        let page = Page::read(&body).filter(|_| status == StatusCode::OK);
        page.ok_or_else(|| Error::internal(format!("a page of a table was answered {status}")))
    }

    /// All of it as a workbook.
    async fn workbook(mut self, name: &str, days: &Days) -> Result<Vec<u8>, Error> {
        let mut workbook = Workbook::new(name, &self.columns, days)?;
        while let Some(page) = self.page.take() {
            workbook.add(&page.items)?;
            if let Some(cursor) = page.next {
                self.page = Some(self.ask(&cursor).await?);
            }
        }
        tokio::task::spawn_blocking(move || workbook.finish()).await.map_err(Error::internal)?
    }
}

/// What a cell shows: texts as they are, lists of them with semicolons, everything else as JSON.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            items.iter().map(shown).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

fn line(text: &mut String, cells: impl Iterator<Item = String>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(&cell);
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use axum::{
        Router,
        body::Body,
        extract::Query,
        http::{Request, Response, StatusCode},
        middleware,
        routing::get,
    };
    use http_body_util::BodyExt;
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::lists;
    use crate::{
        heading::Headings,
        workbook::{self, Days},
    };

    /// Five things, as many a page as the test likes, whatever limit is asked for.
    fn routes() -> Router {
        let list = async |Query(asked): Query<Vec<(String, String)>>| {
            let of = |name: &str| asked.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
            assert_eq!(of("limit").as_deref(), Some("200"));
            let from: usize = of("cursor").map_or(0, |text| text.parse().unwrap());
            if of("late").is_some() && from < 4 {
                return json_answer(StatusCode::OK, &json!({"items": [], "next_cursor": (from + 2).to_string()}));
            }
            if of("breaks").is_some() && from > 0 {
                return json_answer(StatusCode::FORBIDDEN, &json!({"code": "no"}));
            }
            let thing =
                |at: usize| json!({"id": at, "name": format!("={at}"), "tags": ["a", "b"], "more": {"x": null}});
            let items: Vec<Value> = (from..(from + 2).min(5)).map(thing).collect();
            let next = (from + 2 < 5).then(|| (from + 2).to_string());
            json_answer(StatusCode::OK, &json!({"items": items, "next_cursor": next}))
        };
        Router::new()
            .route("/things", get(list))
            .route("/thing", get(async || json_answer(StatusCode::OK, &json!({"items": [], "name": 1}))))
            .layer(middleware::from_fn_with_state((Days::default(), Headings::default()), lists))
    }

    fn json_answer(status: StatusCode, body: &Value) -> Response<Body> {
        let answer = Response::builder().status(status).header("content-type", "application/json");
        answer.body(Body::from(body.to_string())).unwrap()
    }

    async fn ask(path: &str, accept: &str) -> (u16, Option<String>, Option<String>) {
        let request = Request::get(path).header("accept", accept).body(Body::empty()).unwrap();
        let (parts, body) = routes().oneshot(request).await.unwrap().into_parts();
        let kind = parts.headers.get("content-type").map(|value| value.to_str().unwrap().to_owned());
        let text = body.collect().await.ok().map(|body| String::from_utf8(body.to_bytes().to_vec()).unwrap());
        (parts.status.as_u16(), kind, text)
    }

    #[tokio::test]
    async fn all_pages_of_a_list_are_one_table() {
        let (status, kind, text) = ask("/things?limit=1&q=x", "text/csv, */*").await;
        assert_eq!((status, kind.as_deref()), (200, Some("text/csv; charset=utf-8")));
        let rows: Vec<String> =
            (0..5).map(|at| format!("{at},\"'={at}\",\"a; b\",\"{{\"\"x\"\":null}}\"\r\n")).collect();
        assert_eq!(text.unwrap(), format!("id,name,tags,more\r\n{}", rows.concat()));
        // Pages that show nothing come before those that do.
        let (_, _, text) = ask("/things?late=x", "text/csv").await;
        assert_eq!(text.unwrap(), format!("id,name,tags,more\r\n{}", rows[4]));
    }

    #[tokio::test]
    async fn all_pages_of_a_list_are_one_workbook() {
        let request = Request::get("/things").header("accept", workbook::MEDIA_TYPE).body(Body::empty()).unwrap();
        let (parts, body) = routes().oneshot(request).await.unwrap().into_parts();
        assert_eq!(
            (parts.status, parts.headers["content-type"].to_str().unwrap()),
            (StatusCode::OK, workbook::MEDIA_TYPE)
        );
        assert_eq!(parts.headers["content-disposition"], "attachment; filename=\"things.xlsx\"");
        let bytes = body.collect().await.unwrap().to_bytes();
        assert!(bytes.starts_with(b"PK"));
        // Half of one is none.
        let request =
            Request::get("/things?breaks=1").header("accept", workbook::MEDIA_TYPE).body(Body::empty()).unwrap();
        assert_eq!(routes().oneshot(request).await.unwrap().status(), 500);
    }

    #[tokio::test]
    async fn what_is_no_list_or_not_asked_for_so_stays_as_it_is() {
        let (status, kind, _) = ask("/thing", "text/csv").await;
        assert_eq!((status, kind.as_deref()), (200, Some("application/json")));
        let (status, _, _) = ask("/nothing", "text/csv").await;
        assert_eq!(status, 404);
    }

    #[tokio::test]
    async fn a_table_that_cannot_be_finished_breaks_off() {
        let (status, _, text) = ask("/things?breaks=1", "text/csv").await;
        assert_eq!((status, text), (200, None), "nobody takes half of it for all of it");
    }
}
