//! Tables: workbooks as schools have them, killed at any moment, and many rows.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use cloister_school::import::{
    Observer, Outcome, Phase, RunSettings, TableMapping, TableReport, TableSettings, import_table, last, take_back,
};
use cloister_tenancy::{ErrorKind, TenantEntry, Tier};
use cloister_testkit::TestPlatform;
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};

use crate::{
    fixture::platform,
    interrupted::Killer,
    whole::{audited, everything},
};

fn settings(resource: &str) -> RunSettings {
    let table = TableSettings { resource: resource.to_owned(), mapping: TableMapping::default() };
    RunSettings::of_table(table, false, None, false)
}

async fn bring(
    platform: &TestPlatform,
    tenant: &std::sync::Arc<TenantEntry>,
    resource: &str,
    bytes: &[u8],
) -> TableReport {
    let cx = platform.cx(tenant);
    import_table(&platform.tenancy, &cx, bytes.to_vec(), &settings(resource), &()).await.unwrap()
}

fn told(report: &TableReport) -> Vec<String> {
    let told = report.issues.iter().map(|issue| {
        format!("{} {} {}", issue.line.unwrap_or_default(), issue.column.as_deref().unwrap_or("-"), issue.code)
    });
    told.collect()
}

/// Orgs, so many.
fn orgs(count: usize) -> Vec<u8> {
    let rows: String = (0..count).map(|number| format!("org-{number},School {number},school\n")).collect();
    format!("sourced_id,name,type\n{rows}").into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_row_it_leaves_nothing_and_can_be_done_again() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Database).await;
    let database = tenant.placement.as_ref().unwrap().database.to_string();
    for at in [0, 20, 40, 50] {
        let killer = Killer {
            platform: &platform,
            database: database.clone(),
            at: (Phase::Merging, at),
            done: AtomicBool::new(false),
        };
        let cx = platform.cx(&tenant);
        let ended = import_table(&platform.tenancy, &cx, orgs(50), &settings("orgs"), &killer).await;
        assert!(killer.done.load(Ordering::SeqCst), "{at} never came");
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Unavailable, "{at}");
        assert_eq!(everything(&platform, &tenant).await.len(), 0, "{at}");
        assert_eq!(audited(&platform, &tenant).await.len(), 0, "{at}");
    }
    let report = bring(&platform, &tenant, "orgs", &orgs(50)).await;
    assert_eq!((report.outcome, report.files[0].created), (Outcome::Applied, 50));
    assert_eq!(everything(&platform, &tenant).await.len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_is_read_as_it_shows_itself() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let day = Format::new().set_num_format("dd.mm.yyyy");
    for (column, name) in ["title", "type", "start_date", "end_date", "school_year", "sourced_id"].iter().enumerate() {
        sheet.write_string(0, u16::try_from(column).unwrap(), *name).unwrap();
    }
    // An empty row between them is none.
    for (row, year) in [(1, 2025), (3, 2026)] {
        sheet.write_formula(row, 0, Formula::new("=\"Year \"&E2").set_result(format!("Year {year}"))).unwrap();
        sheet.write_string(row, 1, "schoolYear").unwrap();
        sheet.write_datetime_with_format(row, 2, ExcelDateTime::from_ymd(year, 8, 1).unwrap(), &day).unwrap();
        sheet.write_string(row, 3, format!("31.7.{}", year + 1)).unwrap();
        sheet.write_number(row, 4, f64::from(year + 1)).unwrap();
        sheet.write_number(row, 5, f64::from(year)).unwrap();
    }
    sheet.write_formula(4, 0, Formula::new("=nowhere!A1").set_result("#REF!")).unwrap();
    let mixed = workbook.save_to_buffer().unwrap();
    let refused = bring(&platform, &tenant, "academic_sessions", &mixed).await;
    assert_eq!(refused.outcome, Outcome::Refused);
    assert_eq!(refused.files[0].created, 2, "{refused:?}");
    assert!(told(&refused).iter().all(|issue| issue.starts_with("5 ")), "{:?}", told(&refused));
    let mut only = settings("academic_sessions");
    only.skip_bad_rows = true;
    let cx = platform.cx(&tenant);
    let report = import_table(&platform.tenancy, &cx, mixed, &only, &()).await.unwrap();
    assert_eq!((report.outcome, report.files[0].created), (Outcome::Applied, 2));
    let all = everything(&platform, &tenant).await;
    let said = |session: &String| ["Year 2025", "2025-08-01", "2026-07-31"].iter().all(|text| session.contains(text));
    assert!(all.iter().any(said), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_come_in_and_go_again() {
    let large = std::env::var_os("CLOISTER_TEST_LARGE").is_some();
    let count = if large { 20_000 } else { 400 };
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let begun = Instant::now();
    let report = bring(&platform, &tenant, "orgs", &orgs(count)).await;
    let came = begun.elapsed();
    assert_eq!(report.files[0].created, count as u64, "{:?}", report.refusal);
    let cx = platform.cx(&tenant);
    let run = last(&platform.tenancy, &cx).await.unwrap().unwrap();
    let begun = Instant::now();
    take_back(&platform.tenancy, &cx, run.id, false).await.unwrap();
    #[expect(clippy::print_stderr, reason = "a figure for whoever asks for the large one")]
    {
        eprintln!("{count} rows came in {came:?} and went in {:?}", begun.elapsed());
    }
    let left = everything(&platform, &tenant).await;
    assert!(left.iter().all(|org| org.contains("tobedeleted")), "{}", left[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_few_rows_are_taken_back_from_a_list_of_any_length() {
    // The large one has more than an import looks through to find records.
    let others = if std::env::var_os("CLOISTER_TEST_LARGE").is_some() { 200_001_i32 } else { 2_000 };
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Database).await;
    let report = bring(&platform, &tenant, "orgs", b"name,type\nNorth,school\nSouth,school\n").await;
    assert_eq!(report.outcome, Outcome::Applied, "{:?}", report.refusal);
    let placement = tenant.placement.as_ref().unwrap();
    let client = platform.admin(&placement.database).await;
    let text = format!(
        "insert into \"{0}\".org select (jsonb_populate_record(null::\"{0}\".org, to_jsonb(o)
            || jsonb_build_object('id', gen_random_uuid(), 'sourced_id', 'other-' || n, 'name', 'Other ' || n))).*
        from \"{0}\".org o cross join generate_series(1, $2) n where o.tenant_id = $1 and o.name = 'North'",
        placement.schema
    );
    assert_eq!(client.execute(&text, &[&tenant.id, &others]).await.unwrap(), u64::from(others.unsigned_abs()));
    let cx = platform.cx(&tenant);
    let run = last(&platform.tenancy, &cx).await.unwrap().unwrap();
    take_back(&platform.tenancy, &cx, run.id, false).await.unwrap();
    let text = format!("select name from \"{}\".org where status = 'tobedeleted' order by name", placement.schema);
    let gone: Vec<String> = client.query(&text, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(gone, ["North", "South"]);
}

/// So that what is told while rows come in is told of rows.
#[derive(Default)]
struct Seen(std::sync::Mutex<Vec<(u64, u64)>>);

impl Observer for Seen {
    fn progress(&self, phase: Phase, done: u64, total: u64, _: &'static str) {
        assert_eq!(phase, Phase::Merging);
        self.0.lock().unwrap().push((done, total));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_how_far_it_is_and_does_no_more_than_its_owner_may() {
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let seen = Seen::default();
    let narrow = cloister_tenancy::PermissionSet::new(["school.roster.import", "school.org.read"]);
    let cx = platform.cx(&tenant).in_the_name_of(cloister_tenancy::Actor::Account("tester".into()), &narrow);
    let report = import_table(&platform.tenancy, &cx, orgs(45), &settings("orgs"), &seen).await.unwrap();
    assert_eq!(seen.0.lock().unwrap().as_slice(), [(0, 45), (20, 45), (40, 45), (45, 45)]);
    assert_eq!(report.outcome, Outcome::Refused);
    assert_eq!((report.errors, report.issues[0].code.as_str()), (45, "permission_denied"));
    let nothing = cloister_tenancy::PermissionSet::new(["school.org.*"]);
    let cx = cx.in_the_name_of(cloister_tenancy::Actor::Account("tester".into()), &nothing);
    let refused = import_table(&platform.tenancy, &cx, orgs(1), &settings("orgs"), &()).await.unwrap_err();
    assert_eq!(refused.code(), "permission_denied");
}
