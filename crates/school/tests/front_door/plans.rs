//! How PostgreSQL answers the statements: within one tenant always, and by an index where there are many rows.

use std::sync::Arc;

use cloister_school::School;
use cloister_tenancy::{Module, TenantEntry, Tier, sql::Statement};
use cloister_testkit::{TestPlatform, check_schema, check_statements};
use serde_json::Value;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::{Office, platform};

/// A client in the shared schema that plans for any parameters, without row security: what the text alone says must suffice.
async fn planner(platform: &TestPlatform, tenant: &TenantEntry) -> Client {
    let client = platform.admin(&tenant.placement.as_ref().unwrap().database).await;
    let settings = "set search_path to shared; set plan_cache_mode = force_generic_plan; set row_security = off";
    client.batch_execute(settings).await.unwrap();
    client
}

pub(crate) fn named(name: &str) -> &'static Statement {
    let full = format!("::{name}");
    let mut all = School.statements().iter().flat_map(|list| list.iter().copied());
    all.find(|statement| statement.name().ends_with(&full)).unwrap()
}

pub(crate) async fn plan(client: &Client, statement: &Statement) -> Value {
    let parameters = client.prepare(statement.sql()).await.unwrap().params().len();
    client.batch_execute(&format!("prepare planned as {}", statement.sql())).await.unwrap();
    let nulls = vec!["null"; parameters].join(", ");
    let rows = client.query(&format!("explain (format json) execute planned({nulls})"), &[]).await.unwrap();
    client.batch_execute("deallocate planned").await.unwrap();
    rows[0].get::<_, Value>(0)[0]["Plan"].clone()
}

/// A node of a plan and all below it.
pub(crate) fn nodes(plan: &Value) -> Vec<&Value> {
    let below = plan["Plans"].as_array().into_iter().flatten().flat_map(nodes);
    std::iter::once(plan).chain(below).collect()
}

/// What the nodes of a plan say under this name.
pub(crate) fn words<'a>(plan: &'a Value, name: &str) -> Vec<&'a str> {
    nodes(plan).iter().filter_map(|node| node[name].as_str()).collect()
}

#[tokio::test]
async fn tables_and_statements_keep_the_rules_of_the_house() {
    let (platform, _) = platform().await;
    let school: [Arc<dyn Module>; 1] = [Arc::new(School)];
    check_schema(&platform).await;
    check_statements(&platform, &school).await;
}

/// Two schools with 20,000 persons and 40,000 places each.
const FILL: &str = "
    create temporary table school_of (tenant_id uuid, org_id uuid, class_id uuid);
    insert into school_of select o.tenant_id, o.id, c.id from org o join class c on c.tenant_id = o.tenant_id and c.school_id = o.id;
    insert into person select s.tenant_id, gen_random_uuid(), 'p' || n, 'active',
        timestamptz '2025-01-01' + n * interval '1 second', 'import', '{}', 1, now(), 'x', now(), 'x', null, null, true,
        'Given', null, 'Family', null, null, null, null, md5(n::text) || ' given', 'given ' || md5(n::text),
        null, null, null, null, '[]', null, null, '{}' from school_of s, generate_series(1, 20000) n;
    insert into person_role select tenant_id, gen_random_uuid(), 'r' || id, 'active', date_last_modified, 'import', '{}', 1,
        now(), 'x', now(), 'x', id, (select s.org_id from school_of s where s.tenant_id = p.tenant_id),
        case when substr(sourced_id, 2)::int % 5000 = 0 then 'principal' when random() < 0.05 then 'teacher' else 'student' end, 'primary', null, null, null from person p;
    insert into class select c.tenant_id, gen_random_uuid(), 'c' || n, 'active', c.date_last_modified, 'import', '{}', 1,
        now(), 'x', now(), 'x', 'Class', md5(n::text), null, 'scheduled', null, c.course_id, c.school_id, '{}', '{}', '{}', '{}'
        from class c, generate_series(1, 1000) n;
    insert into enrollment select p.tenant_id, gen_random_uuid(), 'e' || p.id || n, 'active', p.date_last_modified, 'import',
        '{}', 1, now(), 'x', now(), 'x', c.id, c.school_id, p.id, 'student', null, null, null
        from person p cross join generate_series(1, 2) n
        join lateral (select id, school_id from class c where c.tenant_id = p.tenant_id and c.sourced_id =
            'c' || (1 + ((hashtext(p.sourced_id) & 65535) + n * 331) % 1000)) c on true;
    analyze person; analyze person_role; analyze class; analyze enrollment;";

/// Two schools of many rows in the same tables; the client plans as the first of them.
pub(crate) async fn two_large_schools() -> (TestPlatform, Arc<TenantEntry>, Client) {
    let (platform, door) = platform().await;
    let (north, south) = (platform.tenant("north", Tier::Shared).await, platform.tenant("south", Tier::Shared).await);
    for tenant in [&north, &south] {
        Office { door: &door, tenant }.frame().await;
    }
    let client = planner(&platform, &north).await;
    client.batch_execute(FILL).await.unwrap();
    (platform, north, client)
}

#[tokio::test]
async fn pages_are_brought_by_an_index_among_many_rows() {
    let (_platform, _, client) = two_large_schools().await;
    let text = "select count(*), count(distinct class_id) from enrollment";
    let row = client.query_one(text, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (80_000, 2_000), "places, in the classes of two schools");
    // In order, row after row, until the page is full.
    for (name, index) in [
        ("ALL_BY_NAME", "person_by_name"),
        ("ALL_BY_NAME_DESC", "person_by_name"),
        ("ALL_BY_CHANGE", "person_by_modification"),
        ("enrollment::store::ALL_BY_CHANGE", "enrollment_by_modification"),
    ] {
        let plan = plan(&client, named(name)).await;
        let kinds = words(&plan, "Node Type");
        let used = words(&plan, "Index Name");
        assert!(used.contains(&index), "{name}: {plan}");
        assert!(!kinds.contains(&"Sort") && !kinds.contains(&"Seq Scan"), "{name}: {plan}");
    }
    // The few that match, and then their order.
    for (name, index) in [
        ("ALL_NAMED_BY_NAME", "person_by_given_name"),
        ("person::list_store::CLASS_BY_NAME", "enrollment_by_class"),
        ("enrollment::store::CLASS_BY_AGE", "enrollment_by_class"),
        ("enrollment::store::PERSON_BY_CHANGE", "enrollment_by_person"),
        ("person::list_store::BY_SOURCED_ID", "person_sourced_id_key"),
        ("enrollment::store::OTHERS", "enrollment_by_person"),
        ("person::store::GET", "person_pkey"),
    ] {
        let plan = plan(&client, named(name)).await;
        let used = words(&plan, "Index Name");
        let kinds = words(&plan, "Node Type");
        assert!(used.contains(&index), "{name}: {plan}");
        assert!(!kinds.contains(&"Seq Scan"), "{name}: {plan}");
    }
}

/// Before every id.
pub(crate) const NIL: &str = "00000000-0000-0000-0000-000000000000";

/// From here on as a request does: the application's login, row security, the tenant set with the transaction.
pub(crate) async fn enter(client: &Client, tenant: &TenantEntry) {
    let (id, epoch) = (tenant.id.uuid(), tenant.placement.as_ref().unwrap().epoch);
    let begin = format!(
        "set row_security = on; set role test_application; begin; select cloister.enter_read('{id}', {epoch}, 'shared')"
    );
    client.batch_execute(&begin).await.unwrap();
}

/// What a statement found, and what it took.
pub(crate) struct Ran {
    /// The first column of each row.
    pub(crate) found: Vec<String>,
    /// Rows that were taken into hands at any step.
    pub(crate) touched: f64,
    pub(crate) plan: Value,
}

/// Runs a statement; `with` are its parameters behind the tenant.
pub(crate) async fn run(client: &Client, tenant: &TenantEntry, name: &str, with: &str) -> Ran {
    client.batch_execute(&format!("prepare planned as {}", named(name).sql())).await.unwrap();
    let execute = format!("execute planned('{}', {with})", tenant.id.uuid());
    let rows = client.query(&format!("explain (analyze, format json) {execute}"), &[]).await.unwrap();
    let plan = rows[0].get::<_, Value>(0)[0]["Plan"].clone();
    let found = ids(client, &execute).await;
    client.batch_execute("deallocate planned").await.unwrap();
    Ran { found, touched: touched(&plan), plan }
}

/// Rows that PostgreSQL takes into its hands at any step of a plan that it ran.
fn touched(plan: &Value) -> f64 {
    let number = |node: &Value, name: &str| node[name].as_f64().unwrap_or(0.0);
    let rows = |node: &Value| {
        let seen =
            ["Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter", "Rows Removed by Index Recheck"];
        number(node, "Actual Loops") * seen.iter().map(|name| number(node, name)).sum::<f64>()
    };
    nodes(plan).into_iter().map(rows).sum()
}

/// The first column, which is the id.
pub(crate) async fn ids(client: &Client, text: &str) -> Vec<String> {
    let messages = client.simple_query(text).await.unwrap();
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    rows.collect()
}

#[tokio::test]
async fn those_with_a_role_are_found_without_going_through_everybody() {
    let (_platform, north, client) = two_large_schools().await;
    client.batch_execute("vacuum analyze person, person_role").await.unwrap();
    let text = "select org_id::text from school_of where tenant_id = $1";
    let school: String = client.query_one(text, &[&north.id.uuid()]).await.unwrap().get(0);
    enter(&client, &north).await;
    // Going through everybody takes more than 40,000.
    for (name, role, org, bound) in [
        ("ROLE_BY_NAME", "principal", None, 100.0),
        ("ROLE_BY_NAME", "principal", Some(&school), 100.0),
        ("ROLE_BY_CHANGE", "principal", None, 100.0),
        ("ROLE_BY_NAME", "counselor", None, 10.0),
        ("ROLE_BY_NAME", "teacher", None, 20_000.0),
        ("ROLE_BY_CHANGE", "teacher", Some(&school), 20_000.0),
        ("ROLE_BY_NAME", "student", None, 20_000.0),
        ("ROLE_BY_NAME_DESC", "student", Some(&school), 20_000.0),
        ("ROLE_BY_CHANGE", "student", None, 20_000.0),
    ] {
        let org = org.map_or_else(|| "null".to_owned(), |org| format!("'{org}'"));
        let key = match (name.contains("CHANGE"), name.ends_with("DESC")) {
            (true, _) => "'-infinity'",
            (false, true) => "'\u{10ffff}'",
            (false, false) => "''",
        };
        let with = format!("'active', {key}, '{NIL}', 21, '{role}', {org}");
        let ran = run(&client, &north, &format!("person::list_store::{name}"), &with).await;
        let column = if name.contains("CHANGE") { "date_last_modified" } else { "name_search" };
        let direction = if name.ends_with("DESC") { "desc" } else { "asc" };
        let plainly = format!(
            "select id from person p where tenant_id = '{0}' and id in (select person_id from person_role
                where tenant_id = '{0}' and role = '{role}') order by {column} {direction}, id {direction} limit 21",
            north.id.uuid()
        );
        assert_eq!(ran.found, ids(&client, &plainly).await, "{name} {role}");
        assert!(ran.touched < bound, "{name} {role}: {}", ran.plan);
    }
}
