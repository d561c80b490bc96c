//! A roster that came in and came in again, so that what was there before is kept.

use std::{io::Write, sync::Arc};

use cloister_school::{
    import::{ImportSettings, import},
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
