//! The SQL of measurements. The page is the one that a list of persons reads.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::Json;
use cloister_http::{Edge, HttpModule, Op, Problem};
use cloister_tenancy::{
    Module, Resource, SchemaChange,
    jobs::{JobContext, JobKind},
    sql::{Statement, statements},
};
use serde::Serialize;
use tokio::sync::oneshot;
use utoipa_axum::router::OpenApiRouter;

statements! {
    /// A page of twenty, in the order of names.
    PAGE = "select id, sourced_id, status, date_last_modified, username, enabled_user, given_name, middle_name, family_name,
            email, phone, identifier, primary_org_id, grades, version
        from person where tenant_id = $1 and status = 'active' order by name_search, id limit 20";
}

/// A module without tables, so that the page is a registered statement and has a route, and there is a job to be done.
#[derive(Debug)]
pub(crate) struct Measured(pub(crate) Started);

/// Tells whoever left a job when it has begun.
#[derive(Debug, Clone, Default)]
pub(crate) struct Started(Arc<Mutex<HashMap<u64, oneshot::Sender<()>>>>);

impl Started {
    /// What the job is called.
    pub(crate) const KIND: &str = "bench.pass";

    /// A number to leave a job with, and what becomes ready when it begins. Nobody is told of 0.
    pub(crate) fn expect(&self) -> (u64, oneshot::Receiver<()>) {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        let (tell, told) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(number, tell);
        (number, told)
    }

    fn tell(&self, number: u64) {
        let expected = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
        if let Some(tell) = expected {
            let _ = tell.send(());
        }
    }
}

/// What each job takes.
const WORK: Duration = Duration::from_millis(20);

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

    fn jobs(&self) -> Vec<JobKind> {
        let started = self.0.clone();
        vec![JobKind::new(Started::KIND, move |job: JobContext| {
            let started = started.clone();
            async move {
                started.tell(job.payload()?);
                job.tenancy().fetch(job.cx()?, &PAGE, &[]).await?;
                tokio::time::sleep(WORK).await;
                Ok(())
            }
        })]
    }
}

impl HttpModule for Measured {
    fn routes(&self) -> OpenApiRouter<Edge> {
        OpenApiRouter::new().route("/bench/persons", axum::routing::get(page))
    }
}

async fn page(op: Op) -> Result<Json<Vec<Person>>, Problem> {
    let rows = op.tenancy.fetch(&op.cx, &PAGE, &[]).await?;
    Ok(Json(persons!(rows)))
}

/// A person as the page shows it.
#[derive(Serialize)]
pub(crate) struct Person {
    pub(crate) id: cloister_ids::PersonId,
    pub(crate) sourced_id: String,
    pub(crate) status: String,
    pub(crate) date_last_modified: jiff::Timestamp,
    pub(crate) username: Option<String>,
    pub(crate) enabled_user: bool,
    pub(crate) given_name: String,
    pub(crate) middle_name: Option<String>,
    pub(crate) family_name: String,
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) identifier: Option<String>,
    pub(crate) primary_org_id: Option<cloister_ids::OrgId>,
    pub(crate) grades: Vec<String>,
    pub(crate) version: i64,
}

/// Rows of [`PAGE`] as persons: the driver's rows and the door's are two types that are read alike.
macro_rules! persons {
    ($rows:expr) => {{
        let mut persons = Vec::with_capacity($rows.len());
        for row in &$rows {
            persons.push($crate::command::bench::store::Person {
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
            });
        }
        persons
    }};
}
pub(crate) use persons;

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
