//! The server does not start as a login that could get round the walls. Each power is given for real, and the login without
//! it is let in first.

use std::sync::Arc;

use cloister_ids::{RequestId, SystemClock};
use cloister_postgres::PoolSettings;
use cloister_tenancy::{Cluster, Config, Error, Module, NoLimits, Tenancy, Tier};
use cloister_testkit::{Notebook, PlainSealer, TestPlatform, admin_server};

/// What outlives the login.
const UNDO: &str = "revoke create on schema public from public; revoke truncate on cloister.audit from public;
    drop policy if exists all_of_it on shared.note";

/// Where a power is given, how, and the word for it that the operator must read. `LOGIN` is the application login, `ROLE`
/// another one that it can become but whose rights it does not have by itself.
const POWERS: &[(&str, &str, &str)] = &[
    ("control", "alter role LOGIN superuser", "is a superuser"),
    ("control", "alter role LOGIN bypassrls", "BYPASSRLS"),
    ("control", "alter role LOGIN createrole", "may create roles"),
    ("control", "alter role LOGIN createdb", "may create databases"),
    ("control", "alter role LOGIN replication", "may replicate"),
    ("control", "grant create on database DATABASE to LOGIN", "may create schemas"),
    ("shared", "grant create on database DATABASE to LOGIN", "may create schemas"),
    ("control", "grant create on schema control to LOGIN", "may create tables"),
    ("shared", "grant create on schema shared to LOGIN", "may create tables"),
    ("shared", "grant create on schema cloister to LOGIN", "may create tables"),
    ("shared", "grant create on schema public to public", "may create tables"),
    ("control", "grant truncate on control.tenant to LOGIN", "may TRUNCATE"),
    ("shared", "grant truncate on shared.note to LOGIN", "may TRUNCATE"),
    ("shared", "grant truncate on cloister.audit to public", "may TRUNCATE"),
    ("shared", "alter table shared.note owner to LOGIN", "owns"),
    ("shared", "alter schema shared owner to LOGIN", "owns"),
    ("shared", "alter database DATABASE owner to LOGIN", "owns"),
    ("shared", "alter function cloister.enter_write(uuid, bigint, text, integer) owner to LOGIN", "owns"),
    ("control", "grant test_owner to LOGIN", "owns"),
    ("shared", "grant test_system to LOGIN", "every tenant's rows"),
    ("shared", "create policy all_of_it on shared.note to LOGIN using (true)", "every tenant's rows"),
    ("shared", "create policy all_of_it on shared.note to public using (true)", "every tenant's rows"),
    ("control", "alter role ROLE superuser; grant ROLE to LOGIN", "is a superuser"),
    ("control", "alter role ROLE bypassrls; grant ROLE to LOGIN", "BYPASSRLS"),
    ("control", "alter role ROLE createrole; grant ROLE to LOGIN", "may create roles"),
    ("control", "alter role ROLE createdb; grant ROLE to LOGIN", "may create databases"),
    ("shared", "grant create on schema shared to ROLE; grant ROLE to LOGIN", "may create tables"),
    ("shared", "grant truncate on shared.note to ROLE; grant ROLE to LOGIN", "may TRUNCATE"),
    ("shared", "alter table shared.note owner to ROLE; grant ROLE to LOGIN", "owns"),
    ("control", "grant pg_execute_server_program to LOGIN", "the server's files or programs"),
    ("control", "grant pg_write_server_files to ROLE; grant ROLE to LOGIN", "the server's files or programs"),
    ("control", "grant pg_read_server_files to LOGIN", "the server's files or programs"),
];

async fn start(platform: &TestPlatform, cluster: Cluster) -> Result<Tenancy, Error> {
    let modules: Vec<Arc<dyn Module>> = vec![Arc::new(Notebook)];
    Tenancy::start(Config {
        base_domain: "localhost".to_owned(),
        prefix: platform.prefix.clone(),
        clusters: vec![cluster],
        pool: PoolSettings { budget: 2, ..PoolSettings::default() },
        lease: std::time::Duration::from_secs(1),
        grace: std::time::Duration::from_hours(1),
        modules,
        limits: Arc::new(NoLimits),
        sealer: Arc::new(PlainSealer),
        wrapper: Arc::new(PlainSealer),
        clock: Arc::new(SystemClock),
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_could_get_round_the_walls_is_refused() {
    let platform = TestPlatform::start().await;
    platform.tenant("anybody", Tier::Shared).await;
    for (place, power, word) in POWERS {
        let name = RequestId::generate(&SystemClock).bare();
        let (login, role) = (format!("login_{name}"), format!("role_{name}"));
        let server = platform.admin("postgres").await;
        let databases = ["control", "shared"].map(|part| format!("{}_{part}", platform.prefix));
        server
            .batch_execute(&format!(
                "create role {role}; create role {login} login noinherit password 'x';
                 grant connect, temporary on database {}, {} to {login}",
                databases[0], databases[1]
            ))
            .await
            .unwrap();
        // What a login needs for its work, and nothing else.
        for (database, schemas) in databases.iter().zip([&["control"][..], &["cloister", "shared"]]) {
            let client = platform.admin(database).await;
            for schema in schemas {
                let grants = format!(
                    "grant usage on schema {schema} to {login};
                     grant select, insert, update, delete on all tables in schema {schema} to {login}"
                );
                client.batch_execute(&grants).await.unwrap();
            }
        }
        let cluster = Cluster { application: admin_server().with_login(&login, "x"), ..platform.cluster.clone() };
        start(&platform, cluster.clone())
            .await
            .unwrap_or_else(|error| panic!("it is refused without {power}: {error:?}"));

        let database = format!("{}_{place}", platform.prefix);
        let client = platform.admin(&database).await;
        let text = power.replace("LOGIN", &login).replace("ROLE", &role).replace("DATABASE", &database);
        client.batch_execute(&text).await.unwrap_or_else(|error| panic!("{text}: {error:?}"));
        let refused = start(&platform, cluster).await.map(drop).expect_err(power);
        assert_eq!(refused.code(), "login_too_powerful", "{power}: {refused:?}");
        let said = refused.message();
        assert!(said.contains(word) && said.contains(&login) && said.contains(&database), "{power}: {said}");

        for database in &databases {
            let text = format!("reassign owned by {login}, {role} to test_owner; drop owned by {login}, {role}");
            platform.admin(database).await.batch_execute(&text).await.unwrap();
        }
        platform.admin(&databases[1]).await.batch_execute(UNDO).await.unwrap();
        let text = format!("reassign owned by {login} to test_owner; drop owned by {login}; drop role {login}, {role}");
        server.batch_execute(&text).await.unwrap();
    }
}
