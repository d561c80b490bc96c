//! Lists: a filter, an order, and a page at a time.

use std::{borrow::Cow, marker::PhantomData, sync::Arc};

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use cloister_ids::TenantId;
use garde::Validate;
use serde::{Serialize, de::DeserializeOwned};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        ArrayBuilder, ObjectBuilder, Ref, RefOr,
        schema::{Schema, SchemaType, Type},
    },
};

use crate::{Cursor, EdgeSettings, Problem, field, query};

/// Rows of a page when nobody asked for more or fewer.
const DEFAULT_LIMIT: u16 = 20;
/// Rows of the largest page.
const MAX_LIMIT: u16 = 200;

/// The orders of a listing: a bounded set, each with its own statements.
pub trait Sort: Copy + 'static {
    /// The words for them; the first is the usual one. Each may be preceded by `-` for descending.
    const ORDERS: &'static [(&'static str, Self)];
}

/// One page. In the API document, a page of `Thing` is a `ThingPage`.
#[derive(Debug, Clone, Serialize)]
pub struct Page<T> {
    /// Its rows, in the order asked for.
    pub items: Vec<T>,
    /// Send it as `cursor` for the page behind this one; null when there is none.
    pub next_cursor: Option<String>,
}

impl<T: ToSchema> PartialSchema for Page<T> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .property(
                "items",
                ArrayBuilder::new()
                    .items(Ref::from_schema_name(T::name()))
                    .description(Some("Its rows, in the order asked for.")),
            )
            .property(
                "next_cursor",
                ObjectBuilder::new()
                    .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
                    .description(Some("Send it as `cursor` for the page behind this one; null when there is none.")),
            )
            .required("items")
            .required("next_cursor")
            .into()
    }
}

impl<T: ToSchema> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Page", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

/// The parameters that every listing has, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing` itself; this is its description")]
pub struct PageQuery {
    /// Rows of the page.
    #[param(minimum = 1, maximum = 200, default = 20, example = 20)]
    limit: Option<u16>,
    /// `next_cursor` of the page before this one.
    #[param(max_length = 2048)]
    cursor: Option<String>,
}

/// What a client asked of a listing. `F` is its filter (a type that denies unknown fields), `S` its orders.
#[derive(Debug, Clone)]
pub struct Listing<F, S> {
    /// Which rows.
    pub filter: F,
    /// In which order.
    pub sort: S,
    /// From the last to the first.
    pub descending: bool,
    limit: u16,
    order: String,
    cursor: Option<String>,
    sorts: PhantomData<fn() -> S>,
}

impl<F, S: Sort> Listing<F, S> {
    /// For `LIMIT`: one row more than the page, which tells whether another page follows.
    pub fn limit(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Where the page before this one ended. `listing` is the name of what is listed.
    pub fn after<P: DeserializeOwned>(&self, tenant: TenantId, listing: &str) -> Result<Option<P>, Problem> {
        let Some(text) = &self.cursor else { return Ok(None) };
        Cursor::decode(tenant, listing, &self.order, text)?.position().map(Some)
    }

    /// The page made of what [`limit`](Self::limit) brought; `position` tells where a row stands.
    pub fn page<T, P: Serialize>(
        &self,
        tenant: TenantId,
        listing: &str,
        mut items: Vec<T>,
        position: impl FnOnce(&T) -> P,
    ) -> Page<T> {
        let more = items.len() > usize::from(self.limit);
        items.truncate(self.limit.into());
        let last = items.last().filter(|_| more);
        let next_cursor = last.and_then(|last| self.next_cursor(tenant, listing, &position(last)));
        Page { items, next_cursor }
    }

    /// What goes on behind a position, for a page that looked so far and found less than it may hold.
    pub fn next_cursor<P: Serialize>(&self, tenant: TenantId, listing: &str, position: &P) -> Option<String> {
        Cursor::encode(tenant, listing, &self.order, position)
    }

    pub(crate) fn read(mut pairs: query::Pairs) -> Result<Self, Problem>
    where
        F: DeserializeOwned + Validate<Context = ()>,
    {
        let mut take = |name: &str| -> Result<Option<String>, Problem> {
            let Some(at) = pairs.iter().position(|(key, _)| key == name) else { return Ok(None) };
            let (_, value) = pairs.remove(at);
            if pairs.iter().any(|(key, _)| key == name) {
                return Err(query::refused_one(name, "duplicate_field", "This is given more than once."));
            }
            Ok(Some(value))
        };
        let limit = match take("limit")? {
            None => DEFAULT_LIMIT,
            Some(text) => text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or_else(|| {
                query::refused_one("limit", "invalid_value", format!("Use a number from 1 to {MAX_LIMIT}."))
            })?,
        };
        let cursor = take("cursor")?;
        let usual = S::ORDERS.first().map_or("", |(word, _)| word);
        let order = take("sort")?.unwrap_or_else(|| usual.to_owned());
        let (word, descending) = order.strip_prefix('-').map_or((order.as_str(), false), |word| (word, true));
        let Some(sort) = S::ORDERS.iter().find(|(known, _)| *known == word).map(|(_, sort)| *sort) else {
            let known: Vec<_> = S::ORDERS.iter().map(|(word, _)| *word).collect();
            let message = format!("Use one of {}, with - in front for descending.", known.join(", "));
            return Err(query::refused_one("sort", "unknown_value", message));
        };
        let filter = query::read::<F>(&pairs)?;
        field::validate(&filter).map_err(|error| query::refused(error.fields().to_vec()))?;
        Ok(Self { filter, sort, descending, limit, order, cursor, sorts: PhantomData })
    }
}

impl<State, F, S> FromRequestParts<State> for Listing<F, S>
where
    State: Send + Sync,
    Arc<EdgeSettings>: FromRef<State>,
    F: DeserializeOwned + Validate<Context = ()>,
    S: Sort,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        let settings = Arc::<EdgeSettings>::from_ref(state);
        Self::read(query::pairs(parts, &settings.limits)?)
    }
}

#[cfg(test)]
mod tests {
    use cloister_ids::{SystemClock, TenantId};
    use garde::Validate;
    use serde::Deserialize;

    use super::{Listing, Sort};

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Filter {
        #[garde(length(chars, max = 5))]
        #[serde(default)]
        q: String,
        #[garde(skip)]
        year: Option<u16>,
    }

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum By {
        Name,
        Age,
    }

    impl Sort for By {
        const ORDERS: &'static [(&'static str, Self)] = &[("name", Self::Name), ("age", Self::Age)];
    }

    fn read(query: &str) -> Result<Listing<Filter, By>, (String, String)> {
        Listing::read(form_urlencoded::parse(query.as_bytes()).into_owned().collect()).map_err(|problem| {
            assert_eq!((problem.status().as_u16(), problem.error().code()), (400, "query_invalid"));
            let field = &problem.error().fields()[0];
            (field.field.clone(), field.code.to_string())
        })
    }

    #[test]
    fn filter_order_and_page_are_read() {
        let listing = read("q=a%20b&sort=-age&limit=50&year=2026").unwrap();
        assert_eq!((listing.sort, listing.descending, listing.limit()), (By::Age, true, 51));
        assert_eq!((listing.filter.q.as_str(), listing.filter.year), ("a b", Some(2026)));
        let usual = read("").unwrap();
        assert_eq!((usual.sort, usual.descending, usual.limit()), (By::Name, false, 21));
    }

    #[test]
    fn what_is_not_acceptable_is_named() {
        for (query, field, code) in [
            ("limit=0", "limit", "invalid_value"),
            ("limit=201", "limit", "invalid_value"),
            ("limit=ten", "limit", "invalid_value"),
            ("limit=1&limit=2", "limit", "duplicate_field"),
            ("sort=height", "sort", "unknown_value"),
            ("sort=--age", "sort", "unknown_value"),
            ("sort=", "sort", "unknown_value"),
            ("colour=red", "colour", "unknown_field"),
            ("q=a&q=b", "q", "duplicate_field"),
            ("q=abcdef", "q", "too_long"),
            ("year=MMXXVI", "year", "invalid_value"),
        ] {
            assert_eq!(read(query).map(drop), Err((field.to_owned(), code.to_owned())), "{query}");
        }
    }

    #[test]
    fn pages_follow_each_other() {
        let tenant = TenantId::generate(&SystemClock);
        let first = read("limit=2").unwrap();
        assert_eq!(first.after::<(i32,)>(tenant, "number").unwrap(), None);
        let page = first.page(tenant, "number", vec![1, 2, 3], |last| (*last,));
        assert_eq!(page.items, [1, 2]);
        let next = read(&format!("limit=2&cursor={}", page.next_cursor.unwrap())).unwrap();
        assert_eq!(next.after::<(i32,)>(tenant, "number").unwrap(), Some((2,)));
        let last = next.page(tenant, "number", vec![3], |last| (*last,));
        assert_eq!((last.items.as_slice(), last.next_cursor), ([3].as_slice(), None));
    }
}
