//! The last import, taken back.

use std::sync::Arc;

use cloister_ids::ImportRunId;
use cloister_school::{
    import::{Change, ImportReport, ImportRun, ImportSettings, Outcome, RunState, last, undo},
    oneroster::{File, Version},
};
use cloister_tenancy::{Result, TenantEntry, Tier};
use cloister_testkit::TestPlatform;

use crate::{
    fixture::{Fixture, bring, dump, platform},
    round_trip::take_out,
};

async fn found(platform: &TestPlatform, tenant: &Arc<TenantEntry>) -> Option<ImportRun> {
    last(&platform.tenancy, &platform.cx(tenant)).await.unwrap()
}

async fn take_back(
    platform: &TestPlatform,
    tenant: &Arc<TenantEntry>,
    id: ImportRunId,
    keep_changed: bool,
) -> Result<ImportRun> {
    let mut tx = platform.tenancy.write(&platform.cx(tenant)).await?;
    let run = undo(&mut tx, None, id, keep_changed).await?;
    tx.commit().await?;
    Ok(run)
}

/// Everything changes: names, parents, terms, relations, roles that change places, who is there at all.
fn next_year() -> Fixture {
    let mut package = Fixture::school();
    package
        .change(File::Orgs, "North School", "Upper School")
        .change(File::AcademicSessions, "2025-12-20,year", "2025-12-21,")
        .change(File::Courses, "Algebra,ALG,\"09,10\"", "Algebra One,ALG,11")
        .change(File::Classes, "\"year,autumn\"", "autumn")
        .change(File::Classes, "scheduled,,school,year,", "scheduled,,school,\"year,autumn\",")
        .change(File::Users, "Sam,O'Neill,,,,,,grace", "Samuel,O'Neill,,,,,,tina")
        .without(File::Users, "kim")
        .add(File::Users, "lee,,,true,lee,,Lee,New,,,,,,sam,09,,,,,,school,")
        .without(File::Roles, "role-kim")
        .change(File::Roles, "sam,primary,student", "sam,secondary,student")
        .add(File::Roles, "role-sam-2,,,sam,primary,aide,,,school,")
        .without(File::Enrollments, "enr-kim")
        .change(File::Enrollments, "enr-sam,,,class-a", "enr-sam,,,class-b")
        .change(File::Demographics, "sam,,,2010-02-28,other", "sam,,,2010-02-27,male")
        .without(File::Demographics, "kim");
    package
}

fn any() -> ImportSettings {
    ImportSettings { removal_threshold: 100, ..ImportSettings::default() }
}

#[tokio::test]
async fn everything_is_as_it_was_in_every_tier() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        bring(&platform, &tenant, &Fixture::school(), &any()).await.unwrap();
        let before = take_out(&platform, &tenant).await.1;
        let first = found(&platform, &tenant).await.unwrap();
        let report = bring(&platform, &tenant, &next_year(), &any()).await.unwrap();
        assert_eq!(report.outcome, Outcome::Applied);
        assert!(take_out(&platform, &tenant).await.1 != before);
        let run = found(&platform, &tenant).await.unwrap();
        assert_ne!(run.id, first.id);
        // Only the last one.
        let refused = take_back(&platform, &tenant, first.id, true).await.unwrap_err();
        assert_eq!(refused.code(), "import_not_last");

        let undone = take_back(&platform, &tenant, run.id, false).await.unwrap();
        assert_eq!((undone.state, undone.undoable), (RunState::Undone, false));
        assert!(take_out(&platform, &tenant).await.1 == before, "{}", tenant.tier);
        // Nothing was erased, and nobody is shown an old version as if it were the one they know.
        let people = dump(&platform, &tenant, "person", "sourced_id, status, version").await;
        assert_eq!(
            people,
            ["grace|active|1", "kim|active|3", "lee|tobedeleted|2", "sam|active|3", "tina|active|1"],
            "{}",
            tenant.tier
        );
        assert_eq!(dump(&platform, &tenant, "import_change", "1").await.len(), 0);
        let again = take_back(&platform, &tenant, run.id, true).await.unwrap_err();
        assert_eq!(again.code(), "import_undone");
        assert!(found(&platform, &tenant).await.is_none());

        // It can be brought in once more, and taken back once more.
        bring(&platform, &tenant, &next_year(), &any()).await.unwrap();
        let run = found(&platform, &tenant).await.unwrap();
        take_back(&platform, &tenant, run.id, false).await.unwrap();
        assert!(take_out(&platform, &tenant).await.1 == before, "{}", tenant.tier);
    }
}

#[tokio::test]
async fn the_first_import_taken_back_leaves_nothing_that_counts() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let empty = take_out(&platform, &tenant).await.1;
        bring(&platform, &tenant, &Fixture::school(), &any()).await.unwrap();
        let run = found(&platform, &tenant).await.unwrap();
        take_back(&platform, &tenant, run.id, false).await.unwrap();
        assert!(take_out(&platform, &tenant).await.1 == empty, "{}", tenant.tier);
    }
}

#[tokio::test]
async fn one_that_changed_nothing_leaves_the_one_before_the_last() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    bring(&platform, &tenant, &Fixture::school(), &any()).await.unwrap();
    let run = found(&platform, &tenant).await.unwrap();
    bring(&platform, &tenant, &Fixture::school(), &any()).await.unwrap();
    let dry = ImportSettings { dry_run: true, ..any() };
    bring(&platform, &tenant, &next_year(), &dry).await.unwrap();
    assert_eq!(found(&platform, &tenant).await.unwrap().id, run.id);
}

#[tokio::test]
async fn records_that_somebody_changed_since_are_a_reason_to_refuse_or_stay() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        bring(&platform, &tenant, &Fixture::school(), &any()).await.unwrap();
        let mut delta = Fixture::new(Version::V1_2, "delta");
        let changed = "2025-10-01T12:00:00Z";
        delta.rows(
            File::Orgs,
            &[
                &format!("school,active,{changed},Upper School,school,17,district"),
                &format!("district,active,{changed},South District,district,,"),
            ],
        );
        bring(&platform, &tenant, &delta, &any()).await.unwrap();
        let run = found(&platform, &tenant).await.unwrap();
        let placement = tenant.placement.as_ref().unwrap();
        let client = platform.admin(&placement.database).await;
        let text = format!(
            "update \"{}\".org set name = 'By hand', version = version + 1 where tenant_id = $1 and sourced_id = 'school'",
            placement.schema
        );
        assert_eq!(client.execute(&text, &[&tenant.id]).await.unwrap(), 1);
        let refused = take_back(&platform, &tenant, run.id, false).await.unwrap_err();
        assert_eq!(refused.code(), "import_changed_since");
        take_back(&platform, &tenant, run.id, true).await.unwrap();
        assert_eq!(
            dump(&platform, &tenant, "org", "sourced_id, name").await,
            ["district|North District", "school|By hand"],
            "{}",
            tenant.tier
        );
    }
}

#[tokio::test]
async fn another_tenants_import_does_not_exist() {
    let platform = platform().await;
    let (north, south) = (platform.tenant("north", Tier::Shared).await, platform.tenant("south", Tier::Shared).await);
    bring(&platform, &north, &Fixture::school(), &any()).await.unwrap();
    bring(&platform, &south, &Fixture::school(), &any()).await.unwrap();
    let theirs = found(&platform, &south).await.unwrap();
    let before = take_out(&platform, &south).await.1;
    let refused = take_back(&platform, &north, theirs.id, true).await.unwrap_err();
    assert_eq!(refused.code(), "not_found");
    let own = found(&platform, &north).await.unwrap();
    take_back(&platform, &north, own.id, true).await.unwrap();
    assert!(take_out(&platform, &south).await.1 == before);
    assert_eq!(found(&platform, &south).await.unwrap().id, theirs.id);
}

/// The examples of a report, one a line.
fn told(report: &ImportReport) -> Vec<String> {
    let mut told = Vec::new();
    for file in &report.files {
        for example in &file.examples {
            let word = match example.change {
                Change::Created => "created",
                Change::Changed => "changed",
                Change::Removed => "removed",
            };
            let fields: Vec<String> = example
                .fields
                .iter()
                .map(|field| format!("{} {} {}", field.field, field.before, field.after))
                .collect();
            let id = example.sourced_id.as_deref().unwrap_or("-");
            told.push(format!("{} {word} {id} {}", file.file.name(), fields.join("; ")));
        }
    }
    told
}

#[tokio::test]
async fn a_dry_run_shows_what_would_change() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        bring(&platform, &tenant, &Fixture::school(), &any()).await.unwrap();
        let before = take_out(&platform, &tenant).await.1;
        let settings = ImportSettings { dry_run: true, examples: 5, ..any() };
        let report = bring(&platform, &tenant, &next_year(), &settings).await.unwrap();
        let told = told(&report);
        for line in [
            "orgs changed school name \"North School\" \"Upper School\"",
            "academicSessions changed autumn end_date \"2025-12-20\" \"2025-12-21\"; parent \"year\" null",
            "classes changed class-a terms [\"autumn\",\"year\"] [\"autumn\"]",
            "users created lee ",
            "users changed sam given_name \"Sam\" \"Samuel\"; agents [\"grace\"] [\"tina\"]",
            "users removed kim ",
            "roles changed role-sam role_type \"primary\" \"secondary\"",
            "enrollments changed enr-sam class \"class-a\" \"class-b\"",
            "demographics changed sam birth_date null null; sex null null",
        ] {
            assert!(told.iter().any(|other| other == line), "{line} in {told:#?}");
        }
        assert!(take_out(&platform, &tenant).await.1 == before);
    }
}

#[tokio::test]
async fn a_dry_run_shows_a_guardian_who_would_go_whatever_else_changes() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        bring(&platform, &tenant, &Fixture::school(), &any()).await.unwrap();
        let settings = ImportSettings { dry_run: true, examples: 5, ..any() };
        let mut fewer = Fixture::school();
        fewer
            .change(File::Users, "Sam,O'Neill,,,,,,grace", "Sam,Oneal,,,,,,")
            .change(File::Users, "\"grace,sam\"", "\"sam,new\"")
            .add(File::Users, "new,,,true,new,,New,Agent,,,,,,,,,,,,,,")
            .change(
                File::Classes,
                "Algebra A,09,algebra,A,scheduled,Room 1,school,\"year,autumn\"",
                "Algebra 1,09,algebra,A,scheduled,Room 1,school,year",
            );
        let report = bring(&platform, &tenant, &fewer, &settings).await.unwrap();
        let told = told(&report);
        for line in [
            "users changed sam family_name \"O'Neill\" \"Oneal\"; agents [\"grace\"] []",
            "users changed kim agents [\"grace\",\"sam\"] [\"new\",\"sam\"]",
            "classes changed class-a title \"Algebra A\" \"Algebra 1\"; terms [\"autumn\",\"year\"] [\"year\"]",
        ] {
            assert!(told.iter().any(|other| other == line), "{line} in {told:#?}");
        }
    }
}
