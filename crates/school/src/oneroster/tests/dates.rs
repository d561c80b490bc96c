//! Dates that spreadsheets wrote.

use super::fixture::{Fixture, listing};
use crate::oneroster::{DateOrder, Mode, Row, Settings};

#[test]
fn dates_with_two_meanings_need_a_witness() {
    let mut fixture = Fixture::v1_2();
    fixture.change("roles.csv", "2024-08-01", "1/08/2024").change("roles.csv", "2025-06-15", "15.6.2025");
    insta::assert_snapshot!(listing(&fixture.read(&Settings::new(Mode::Lenient)).1.findings), @r#"
    error date_ambiguous roles.csv:2 beginDate = "1/08/2024" | 2024-08-01 or 2024-01-08; or say whether the day or the month comes first
    repair date_form roles.csv:3 endDate = "15.6.2025" x1
    "#);

    // Another date of the package tells the order.
    fixture.change("demographics.csv", "2010-02-28", "28/02/2010");
    let (rows, report) = fixture.read(&Settings::new(Mode::Lenient));
    insta::assert_snapshot!(listing(&report.findings), @r#"
    warning date_order_assumed package = "28/02/2010" | YYYY-MM-DD
    repair date_form demographics.csv:2 birthDate = "28/02/2010" x1
    repair date_form roles.csv:3 endDate = "15.6.2025" x1
    repair date_order roles.csv:2 beginDate = "1/08/2024" x1
    "#);
    assert_eq!(report.plan.date_order, Some(DateOrder::DayFirst));
    let begins: Vec<_> =
        rows.iter().filter_map(|row| if let Row::Role(role) = row { role.begin_date } else { None }).collect();
    assert_eq!(begins[0].to_string(), "2024-08-01");

    // Two witnesses who disagree are none.
    fixture.change("enrollments.csv", "2024-08-01", "08/31/2024");
    let (_, report) = fixture.read(&Settings::new(Mode::Lenient));
    assert_eq!(report.plan.date_order, None);
    assert!(report.findings.has_errors());

    // Whoever knows the order may say so.
    let told = Settings { date_order: Some(DateOrder::MonthFirst), ..Settings::new(Mode::Lenient) };
    let (rows, report) = fixture.read(&told);
    assert!(!report.findings.has_errors());
    let begins: Vec<_> =
        rows.iter().filter_map(|row| if let Row::Role(role) = row { role.begin_date } else { None }).collect();
    assert_eq!(begins[0].to_string(), "2024-01-08");
}

#[test]
fn the_order_is_told_only_where_it_matters() {
    let mut fixture = Fixture::v1_2();
    fixture
        .change("demographics.csv", "2010-02-28", "28/02/2010")
        .change("demographics.csv", "student-1,,", "student-1,,1/05/2023 0:00")
        .change("roles.csv", "2024-08-01", "2024-08-01T00:00:00Z");
    let (rows, report) = fixture.read(&Settings::new(Mode::Lenient));
    assert_eq!(rows.len(), 11);
    insta::assert_snapshot!(listing(&report.findings), @r#"
    repair bulk_lifecycle demographics.csv:2 dateLastModified = "1/05/2023 0:00" x1
    repair date_form demographics.csv:2 birthDate = "28/02/2010" x1
    repair date_with_time roles.csv:2 beginDate = "2024-08-01T00:00:00Z" x1
    "#);
}
