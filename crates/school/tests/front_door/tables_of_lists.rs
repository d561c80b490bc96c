//! Lists as tables.

use std::collections::BTreeSet;

use cloister_tenancy::Tier;
use serde_json::json;

use crate::{
    Office,
    house::{Accounts, House},
    platform, unhurried_platform,
};

#[tokio::test]
async fn a_list_comes_whole_in_its_order_and_with_its_filter() {
    let (platform, door) = unhurried_platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    // More than one page.
    for number in 0..203 {
        let body = json!({"name": format!("Org {number:03}"), "type": if number == 7 { "district" } else { "school" },
            "identifier": format!("=1+{number}")});
        office.make("orgs", body).await;
    }
    let seen = office.call("GET", "orgs?sort=-name&limit=5").header("accept", "text/csv").send().await;
    assert_eq!((seen.status, seen.header("content-type")), (200, Some("text/csv; charset=utf-8")), "{}", seen.text);
    assert_eq!(seen.header("content-disposition"), Some("attachment; filename=\"orgs.csv\""));
    let lines: Vec<&str> = seen.text.split("\r\n").collect();
    assert!(lines[0].starts_with("id,sourced_id,status,name,type,identifier,"), "{}", lines[0]);
    assert_eq!(lines.len(), 1 + 203 + 1);
    assert!(lines[1].contains(",active,Org 202,school,\"'=1+202\","), "{}", lines[1]);
    assert!(lines[203].contains(",Org 000,"), "{}", lines[203]);
    let district = office.call("GET", "orgs?type=district").header("accept", "text/csv").send().await;
    assert_eq!(district.text.split("\r\n").count(), 1 + 1 + 1, "{}", district.text);
    // A refusal stays what it is.
    let refused = office.call("GET", "orgs?type=x").header("accept", "text/csv").send().await;
    assert_eq!((refused.status, refused.header("content-type")), (400, Some("application/problem+json")));
}

#[tokio::test]
async fn everybody_gets_what_the_list_shows_them_in_every_tier() {
    let (platform, door) = platform().await;
    let accounts = Accounts::new();
    for tenant in platform.tenant_in_each_tier().await {
        let house = House::new(&platform, &door, &tenant, &accounts).await;
        for role in ["owner", "staff", "teacher", "guardian", "student"] {
            let listed = house.names(role, "persons").await;
            let table = house.by(role, "GET", "persons").header("accept", "text/csv").send().await;
            assert_eq!(table.status, 200, "{role}: {}", table.text);
            let mut lines = table.text.split("\r\n").filter(|line| !line.is_empty());
            let columns: Vec<&str> = lines.next().unwrap().split(',').collect();
            let name = columns.iter().position(|column| *column == "given_name").unwrap();
            let names: Vec<&str> = lines.map(|line| line.split(',').nth(name).unwrap()).collect();
            assert_eq!(names, listed, "{role} in {}", tenant.tier);
        }
    }
}

#[tokio::test]
async fn a_list_without_records_has_its_first_line() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    for (list, head) in [("orgs", "id,"), ("attendance_events", "id,")] {
        let table = office.call("GET", list).header("accept", "text/csv").send().await;
        assert!(table.text.starts_with(head) && table.text.ends_with("\r\n"), "{list}: {:?}", table.text);
        assert_eq!(table.text.lines().count(), 1, "{list}: {:?}", table.text);
        let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        let book = office.call("GET", list).header("accept", kind).send().await.bytes;
        let look = office.call("POST", &format!("roster/table_preview?resource={list}")).file(kind, book);
        let seen = look.expect(200).await;
        let columns = seen["columns"].as_array().unwrap().len();
        assert_eq!(columns, table.text.split(',').count(), "{list}: {seen}");
    }
    office.make("orgs", json!({"name": "North", "type": "school"})).await;
    let all = office.call("GET", "orgs").header("accept", "text/csv").send().await.text;
    let none = office.call("GET", "orgs?type=district").header("accept", "text/csv").send().await.text;
    let names = |table: &str| table.lines().next().unwrap().split(',').map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!((none.lines().count(), names(&none)), (1, names(&all)), "the same with and without records");
}
