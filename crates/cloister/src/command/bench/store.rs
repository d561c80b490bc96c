//! The SQL of measurements. The page is the one that a list of persons reads.

use axum::Json;
use cloister_http::{Edge, HttpModule, Op, Problem};
use cloister_tenancy::{
    Module, Resource, SchemaChange,
    sql::{Row, Statement, statements},
};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;

statements! {
    /// A page of twenty, in the order of names.
    PAGE = "select id, sourced_id, status, date_last_modified, username, enabled_user, given_name, middle_name, family_name,
            email, phone, identifier, primary_org_id, grades, version
        from person where tenant_id = $1 and status = 'active' order by name_search, id limit 20";
}

/// A module without tables, so that the page is a registered statement and has a route.
#[derive(Debug)]
pub(crate) struct Measured;

impl Module for Measured {
    fn name(&self) -> &'static str {
        "bench"
    }

    fn kinds(&self) -> &'static [&'static str] {
        &["school"]
    }

    fn migrations(&self) -> &'static [SchemaChange] {
        &[]
    }

    fn statements(&self) -> &'static [&'static [&'static Statement]] {
        const ALL: &[&[&Statement]] = &[STATEMENTS];
        ALL
    }

    fn resources(&self) -> &'static [Resource] {
        &[]
    }
}

impl HttpModule for Measured {
    fn routes(&self) -> OpenApiRouter<Edge> {
        OpenApiRouter::new().route("/bench/persons", axum::routing::get(page))
    }
}

async fn page(op: Op) -> Result<Json<Vec<Person>>, Problem> {
    let rows = op.tenancy.fetch(&op.cx, &PAGE, &[]).await?;
    Ok(Json(rows.iter().map(Person::read).collect()))
}

/// A person as the page shows it.
#[derive(Serialize)]
pub(crate) struct Person {
    id: cloister_ids::PersonId,
    sourced_id: String,
    status: String,
    date_last_modified: jiff::Timestamp,
    username: Option<String>,
    enabled_user: bool,
    given_name: String,
    middle_name: Option<String>,
    family_name: String,
    email: Option<String>,
    phone: Option<String>,
    identifier: Option<String>,
    primary_org_id: Option<cloister_ids::OrgId>,
    grades: Vec<String>,
    version: i64,
}

impl Person {
    /// From a row of [`PAGE`].
    pub(crate) fn read(row: &Row) -> Self {
        Self {
            id: row.get(0),
            sourced_id: row.get(1),
            status: row.get(2),
            date_last_modified: row.get(3),
            username: row.get(4),
            enabled_user: row.get(5),
            given_name: row.get(6),
            middle_name: row.get(7),
            family_name: row.get(8),
            email: row.get(9),
            phone: row.get(10),
            identifier: row.get(11),
            primary_org_id: row.get(12),
            grades: row.get(13),
            version: row.get(14),
        }
    }
}

/// Many tenants of the shared tier, each in use, made at once.
pub(crate) const MANY_TENANTS: &str = "with g as (update control.registry_generation set value = value + 1 returning value),
    made as (
        insert into control.tenant (id, slug, display_name, kind, status, tier, plan, region, locale, time_zone, generation,
            created_at, created_by, updated_at, updated_by)
        select md5('bench' || i)::uuid, 'bench-' || i, 'Bench ' || i, 'school', 'active', 'shared', 'standard', 'local', 'en',
            'UTC', g.value, now(), 'bench', now(), 'bench'
        from g, generate_series($1::integer, $2::integer) i returning id)
    insert into control.placement (tenant_id, database_id, schema_name, epoch, state, updated_at)
    select made.id, d.id, 'shared', 1, 'open', now() from made, control.database d where d.purpose = 'shared'";

/// The ids of the first of them.
pub(crate) const TENANT_IDS: &str = "select md5('bench' || i)::uuid from generate_series(1, $1::integer) i";

/// Their fences.
pub(crate) const MANY_FENCES: &str = "insert into cloister.fence (tenant_id, schema_name, epoch, state, changed_at)
    select md5('bench' || i)::uuid, 'shared', 1, 'open', now() from generate_series($1::integer, $2::integer) i";

/// Twenty-five persons for each of them.
pub(crate) const MANY_PERSONS: &str = "insert into shared.person (tenant_id, id, sourced_id, status, date_last_modified, source, metadata,
        version, created_at, created_by, updated_at, updated_by, enabled_user, given_name, family_name, name_search,
        given_search, user_ids, grades)
    select md5('bench' || i)::uuid, gen_random_uuid(), 'p' || n, 'active', now(), 'import', '{}', 1, now(), 'bench', now(),
        'bench', true, 'Given ' || n, 'Family ' || n, 'family ' || n || ' given', 'given ' || n, '[]', '{}'
    from generate_series($1::integer, $2::integer) i, generate_series(1, 25) n";

/// Persons of one tenant, in the schema on the search path.
pub(crate) const PERSONS: &str = "insert into person (tenant_id, id, sourced_id, status, date_last_modified, source, metadata, version,
        created_at, created_by, updated_at, updated_by, enabled_user, username, email, given_name, family_name, name_search,
        given_search, user_ids, grades)
    select $1, gen_random_uuid(), 'p' || n, 'active', now(), 'import', '{}', 1, now(), 'bench', now(), 'bench', true,
        'user' || n, 'user' || n || '@school.example', 'Given ' || n, 'Family ' || n, 'family ' || n || ' given',
        'given ' || n, '[]', '{5}'
    from generate_series(1, 1000) n on conflict do nothing";
