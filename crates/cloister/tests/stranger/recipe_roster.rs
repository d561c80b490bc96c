//! Recipes for rosters as a whole: packages that are sent, and imports that can be taken back.

use std::{io::Write, sync::Arc};

use bytes::Bytes;
use cloister_school::{
    import::{ImportSettings, import, last},
    oneroster::{File, Limits, Package, Version},
};
use cloister_tenancy::Actor;
use jiff::SignedDuration;

use crate::{
    document::Operation,
    recipe::{Ready, about},
    town::Home,
    world::World,
};

/// What the operation needs, where it is one of these.
pub(crate) async fn prepare(world: &World, operation: &Arc<Operation>, home: &Home) -> Result<Option<Ready>, String> {
    match operation.id.as_str() {
        "roster_import_undo" => {
            let id = applied(world, home).await?;
            about(world, operation, home, &home.things, vec![id]).await.map(Some)
        }
        _ => Ok(None),
    }
}

/// An import that changed something, and nothing that anybody else here knows.
async fn applied(world: &World, home: &Home) -> Result<String, String> {
    let tenancy = &world.platform.tenancy;
    // An import is known by its moment.
    world.clock.advance(SignedDuration::from_millis(1));
    let cx = tenancy.background(home.tenant.clone(), Actor::System("stranger"));
    let bytes = std::io::Cursor::new(package(world.number()));
    let package = Package::from_archive(Box::new(bytes), Limits::default()).map_err(|error| error.to_string())?;
    let told = |error: cloister_tenancy::Error| error.log();
    import(tenancy, &cx, package, &ImportSettings::default(), &()).await.map_err(told)?;
    let run = last(tenancy, &cx).await.map_err(told)?.ok_or("the import is not remembered")?;
    Ok(run.id.to_string())
}

/// A package with one department that is nowhere else: changes only, so that it removes nothing.
pub(crate) fn package(number: u64) -> Bytes {
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
    let row = format!("department-{number},active,2026-01-01T00:00:00Z,Department {number},department,,");
    put("orgs.csv", &format!("sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n{row}\n"));
    zip.finish().unwrap().into_inner().into()
}
