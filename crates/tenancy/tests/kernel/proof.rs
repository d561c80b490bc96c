//! The prover finds every kind of hole that is made, invents none, and says what mends it.

mod around;
mod crooked;
mod holes;
mod passing;

use std::{collections::BTreeSet, sync::Arc};

use cloister_tenancy::{CODES, Depth, Finding, Tier};
use cloister_testkit::{TestPlatform, TestSettings, admin_server, check_schema, schema_faults};

use around::AROUND;
use crooked::Crooked;
use holes::{
    HOLES, Hole, OWN,
    Undo::{AsTold, By},
    Where::{Control, Schema, Shared, Single},
};

/// Kinds of hole that are not in that list, each with the test that makes one. It only shrinks.
const ELSEWHERE: &[(&str, &str)] = &[
    ("database_missing", "a_database_that_is_not_there_is_found"),
    ("database_unknown", "a_copy_of_a_tenants_database_is_told_of_and_one_that_cannot_be_entered_hides_no_other"),
    ("database_unreachable", "a_copy_of_a_tenants_database_is_told_of_and_one_that_cannot_be_entered_hides_no_other"),
    ("grant_on_parameter", "crates/cloister/tests/external/isolation.rs"),
    ("library_undeclared", "crates/cloister/tests/external/isolation.rs"),
    ("login_is_member", "crates/cloister/tests/external/isolation.rs"),
    ("login_lent", "crates/cloister/tests/external/isolation.rs"),
    ("login_too_powerful", "crates/cloister/tests/external/isolation.rs"),
    ("owner_too_powerful", "crates/cloister/tests/external/isolation.rs"),
    ("role_reads_everything", "crates/cloister/tests/external/isolation.rs"),
    ("setting_of_server", "crates/cloister/tests/external/isolation.rs"),
    ("row_of_another_tenant", "rows_that_lie_in_another_tenants_place_are_found"),
    ("schema_behind", "a_place_that_is_behind_is_held_to_the_rules"),
    ("statement_unbound", "a_program_that_is_itself_wrong_is_told_of"),
    ("table_kind_wrong", "a_program_that_is_itself_wrong_is_told_of"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_table_keeps_the_rules_and_is_the_same_in_every_tier() {
    check_schema(&TestPlatform::start().await).await;
}

fn codes(findings: &[Finding]) -> BTreeSet<&str> {
    findings.iter().map(|finding| finding.code.as_str()).collect()
}

/// A hole that was made, and where.
struct Made {
    hole: &'static Hole,
    text: String,
    database: String,
    schema: String,
    admin: tokio_postgres::Client,
}

async fn make(platform: &TestPlatform, hole: &'static Hole) -> Made {
    let Hole(at, text, ..) = hole;
    let place = |tier: Tier| {
        let tenant = platform.tenancy.registry().by_slug(&format!("checks-schema-{tier}")).unwrap();
        let place = tenant.placement.clone().unwrap();
        (place.database.to_string(), place.schema.to_string(), tenant.id.uuid().to_string())
    };
    let (database, schema, tenant) = match at {
        Shared => place(Tier::Shared),
        Schema => place(Tier::Schema),
        Single => place(Tier::Database),
        Control => (format!("{}_control", platform.prefix), "control".to_owned(), String::new()),
    };
    let admin = platform.admin(&database).await;
    admin.batch_execute(&format!("set search_path = \"{schema}\"")).await.unwrap();
    let text = text
        .replace("$own", OWN)
        .replace("$tenant", &tenant)
        .replace("$schema", &schema)
        .replace("on database to", &format!("on database \"{database}\" to"))
        .replace("$alter table note owner to", &format!("alter table note owner to \"{}\"", admin_server().user()))
        .replace("$set", &format!("alter database \"{database}\" set"))
        .replace("$here", &format!("\"{database}\""))
        .replace("$grant", "grant");
    // Made by the owner, as a migration would; what the owner may not do, by the server's administrator.
    if admin.batch_execute(&format!("set role test_owner; {text}")).await.is_err() {
        admin.batch_execute(&format!("reset role; {text}")).await.unwrap_or_else(|error| panic!("{text}: {error:?}"));
    }
    admin.batch_execute("reset role").await.unwrap();
    Made { hole, text, database, schema, admin }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_hole_is_found_none_is_invented_and_what_is_told_mends_it() {
    let platform = TestPlatform::start().await;
    assert_eq!(schema_faults(&platform).await, []);
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    // One hole at a time in each database, in all of them at once.
    let mut queues =
        [Shared, Schema, Single, Control].map(|at| HOLES.iter().chain(AROUND).filter(move |hole| hole.0 == at));
    loop {
        let mut round = Vec::new();
        for hole in queues.iter_mut().filter_map(Iterator::next) {
            round.push(make(&platform, hole).await);
        }
        if round.is_empty() {
            break;
        }
        let mut all = schema_faults(&platform).await;
        for Made { hole: Hole(at, _, expected, undo), text, database, schema, admin } in round {
            let found: Vec<Finding> = all.extract_if(.., |finding| finding.database == database).collect();
            if codes(&found) != expected.iter().copied().collect() {
                let told: Vec<_> = found.iter().map(|f| format!("{} {}: {}", f.code, f.object, f.detail)).collect();
                wrong.push(format!("{at:?}: {text}\n  expected {expected:?}, found\n    {}", told.join("\n    ")));
            }
            assert!(found.iter().all(|told| !told.why.is_empty() && !told.mend.is_empty()), "{found:#?}");
            seen.extend(found.iter().map(|finding| finding.code.clone()));
            let undo = match undo {
                By(text) => text.replace("$schema", &schema),
                AsTold => found.iter().map(|finding| finding.mend.as_str()).collect::<Vec<_>>().join("\n"),
            };
            if let Err(error) = admin.batch_execute(&undo).await {
                panic!("{text}: what mends it does not: {undo}: {error:?}");
            }
            // What it did not close shows with the next.
        }
        assert_eq!(all, [], "found where no hole was made");
    }
    assert_eq!(schema_faults(&platform).await, []);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unseen: Vec<&str> = CODES.iter().map(|code| code.name).filter(|name| !seen.contains(*name)).collect();
    let mut elsewhere: Vec<&str> = ELSEWHERE.iter().map(|(code, _)| *code).collect();
    elsewhere.sort_by_key(|name| CODES.iter().position(|code| code.name == *name));
    assert_eq!(unseen, elsewhere, "kinds of hole that nobody makes, or that need not be excepted any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_is_found() {
    let platform = TestPlatform::start().await;
    assert_eq!(schema_faults(&platform).await, []);
    let control = platform.admin(&format!("{}_control", platform.prefix)).await;
    control.batch_execute("update control.database set name = name || '_gone' where purpose = 'single'").await.unwrap();
    let found = schema_faults(&platform).await;
    assert_eq!(codes(&found), BTreeSet::from(["database_missing"]), "{found:#?}");
    assert!(found.len() == 1 && found[0].mend.starts_with("-- "), "{found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_behind_is_held_to_the_rules() {
    let platform = TestPlatform::start().await;
    assert_eq!(schema_faults(&platform).await, []);
    let tenant = platform.tenancy.registry().by_slug("checks-schema-schema").unwrap();
    let place = tenant.placement.clone().unwrap();
    let control = platform.admin(&format!("{}_control", platform.prefix)).await;
    control
        .execute("update control.placement set digest = 'earlier' where tenant_id = $1", &[&tenant.id.uuid()])
        .await
        .unwrap();
    // As far as the registry knows only: nothing else is wrong with it.
    assert_eq!(schema_faults(&platform).await, []);
    let admin = platform.admin(&place.database).await;
    let table = format!("alter table \"{}\".note", place.schema);
    admin.batch_execute(&format!("{table} drop column label; {table} disable row level security")).await.unwrap();
    let found = schema_faults(&platform).await;
    assert_eq!(codes(&found), BTreeSet::from(["row_security_off", "schema_behind"]), "{found:#?}");
    let mend = found.iter().find(|finding| finding.code == "schema_behind").unwrap().mend.clone();
    assert_eq!(mend, "-- run `cloister migrate`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_itself_wrong_is_told_of() {
    let settings = TestSettings { modules: vec![Arc::new(Crooked)], ..TestSettings::default() };
    let platform = TestPlatform::with(settings).await;
    let proof = platform.tenancy.prove(Depth::Catalog, &()).await.unwrap();
    for code in ["row_security_off", "statement_unbound", "table_kind_wrong", "table_undeclared"] {
        let of_code: Vec<_> = proof.findings.iter().filter(|finding| finding.code == code).collect();
        assert!(!of_code.is_empty() && of_code.iter().all(|finding| !finding.mend.is_empty()), "{code}: {proof:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_lie_in_another_tenants_place_are_found() {
    let platform = TestPlatform::start().await;
    schema_faults(&platform).await;
    let registry = platform.tenancy.registry();
    let shared = registry.by_slug("checks-schema-shared").unwrap();
    let own = registry.by_slug("checks-schema-schema").unwrap();
    let place = own.placement.as_ref().unwrap();
    let admin = platform.admin(&place.database).await;
    let insert =
        format!("insert into \"{}\".note (tenant_id, id, body) values ($1, gen_random_uuid(), 'lost')", place.schema);
    admin.execute(&insert, &[&shared.id.uuid()]).await.unwrap();
    let catalog = platform.tenancy.prove(Depth::Catalog, &()).await.unwrap();
    assert!(catalog.findings.iter().all(|finding| finding.code == "statement_unbound" || finding.database.is_empty()));
    let found = schema_faults(&platform).await;
    assert_eq!(codes(&found), BTreeSet::from(["row_of_another_tenant"]), "{found:#?}");
    assert!(found[0].detail.contains(&shared.id.to_string()));
}
