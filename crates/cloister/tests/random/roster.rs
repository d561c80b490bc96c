//! What came in and came in again, a roster or a table, so that what was there before is kept. It is kept of the last alone.

use std::{io::Write, sync::Arc};

use cloister_school::{
    import::{ImportSettings, Outcome, RunSettings, TableMapping, TableSettings, import, import_table},
    oneroster::{File, Limits, Package, Version},
};
use cloister_tenancy::{Actor, Tenancy, TenantEntry};

/// Brings a department in, and then again by another name.
pub(crate) async fn twice(tenancy: &Tenancy, tenant: &Arc<TenantEntry>) {
    let cx = tenancy.background(tenant.clone(), Actor::System("test"));
    for name in ["Old Department", "New Department"] {
        let report = import(tenancy, &cx, package(name), &ImportSettings::default(), &()).await.unwrap();
        assert!(report.refusal.is_none(), "{report:?}");
    }
}

/// Brings an organisation in by a table, and then again by another name.
pub(crate) async fn table_twice(tenancy: &Tenancy, tenant: &Arc<TenantEntry>) {
    let cx = tenancy.background(tenant.clone(), Actor::System("test"));
    for name in ["Old House", "New House"] {
        let table = format!("sourced_id,name,type\nhouse,{name},department\n").into_bytes();
        let into = TableSettings { resource: "orgs".to_owned(), mapping: TableMapping::default() };
        let settings = RunSettings::of_table(into, false, None, false);
        let report = import_table(tenancy, &cx, table, &settings, &()).await.unwrap();
        assert_eq!(report.outcome, Outcome::Applied, "{report:?}");
    }
}

fn package(name: &str) -> Package {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mut put = |name: &str, text: &str| {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    };
    let mut manifest = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\n".to_owned();
    for file in File::of(Version::V1_2) {
        let mode = if file == File::Orgs { "delta" } else { "absent" };
        manifest.push_str(&format!("file.{},{mode}\n", file.name()));
    }
    put("manifest.csv", &manifest);
    let row = format!("department,active,2026-01-01T00:00:00Z,{name},department,,");
    put("orgs.csv", &format!("sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n{row}\n"));
    Package::from_archive(Box::new(zip.finish().unwrap()), Limits::default()).unwrap()
}
