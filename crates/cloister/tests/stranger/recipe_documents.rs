//! Recipes for files: of documents, and photographs.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use crate::{
    answer::{done, text},
    document::Operation,
    recipe::{Ready, plain, prepare as ready_for},
    town::Home,
    world::World,
};

/// A picture of one point, as far as its first bytes tell.
pub(crate) fn picture() -> Bytes {
    Bytes::from_static(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0")
}

/// What the operation needs, where it is one of these.
pub(crate) async fn prepare(world: &World, operation: &Arc<Operation>, home: &Home) -> Result<Option<Ready>, String> {
    let mut ready = plain(world, operation, home, &home.things);
    match operation.id.as_str() {
        "document_file_replace" => name_in(&mut ready, &document(world, home).await?)?,
        "document_file_read" | "document_file_delete" => {
            let filled = filled(world, home).await?;
            ready.ask.params = vec![text(&filled, "id")?];
            if operation.takes("If-Match") {
                ready.ask.headers.push(("if-match".to_owned(), version(&filled)));
            }
        }
        _ => return Ok(None),
    }
    Ok(Some(ready))
}

fn version(record: &Value) -> String {
    format!("\"v{}\"", record["version"])
}

/// Makes a request to put a file in be about this document.
fn name_in(ready: &mut Ready, document: &Value) -> Result<(), String> {
    ready.ask.params = vec![text(document, "id")?];
    ready.ask.query = vec![("file_name".to_owned(), "a.png".to_owned())];
    ready.ask.headers.push(("if-match".to_owned(), version(document)));
    Ok(())
}

/// A document without a file.
async fn document(world: &World, home: &Home) -> Result<Value, String> {
    let maker = world.document.operation("document_create").ok_or("no document_create")?;
    Ok(Box::pin(ready_for(world, maker, home)).await?.carry_out(world).await?.body)
}

/// A document with a file.
async fn filled(world: &World, home: &Home) -> Result<Value, String> {
    let put = world.document.operation("document_file_replace").ok_or("no document_file_replace")?;
    let mut ready = plain(world, put, home, &home.things);
    name_in(&mut ready, &document(world, home).await?)?;
    let seen = ready.ask.send(&world.door, ready.token.as_deref(), None).await;
    Ok(done(seen, "a file was not put in")?.body)
}
