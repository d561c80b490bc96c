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

/// A file that the operation takes, as far as its first bytes tell: a PDF, or a picture of one point.
pub(crate) fn file(operation: &Operation) -> Option<(&'static str, Bytes)> {
    const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0";
    match operation.takes_files {
        [true, _] => Some(("application/pdf", Bytes::from_static(b"%PDF-1.7"))),
        [_, true] => Some(("image/png", Bytes::from_static(PICTURE))),
        _ => None,
    }
}

/// What the operation needs, where it is one of these.
pub(crate) async fn prepare(world: &World, operation: &Arc<Operation>, home: &Home) -> Result<Option<Ready>, String> {
    let document = match operation.id.as_str() {
        "document_file_replace" => document(world, home).await?,
        "document_file_read" | "document_file_delete" => {
            let document = document(world, home).await?;
            put_in(world, home, &text(&document, "id")?).await?
        }
        _ => return Ok(None),
    };
    let mut ready = plain(world, operation, home, &home.things);
    ready.ask.params = vec![text(&document, "id")?];
    if operation.takes("If-Match") {
        ready.ask.headers.push(("if-match".to_owned(), format!("\"v{}\"", document["version"])));
    }
    Ok(Some(ready))
}

/// A document without a file.
async fn document(world: &World, home: &Home) -> Result<Value, String> {
    let maker = world.document.operation("document_create").ok_or("no document_create")?;
    Ok(Box::pin(ready_for(world, maker, home)).await?.carry_out(world).await?.body)
}

/// Puts a file into a document that was just made.
pub(crate) async fn put_in(world: &World, home: &Home, document: &str) -> Result<Value, String> {
    let put = world.document.operation("document_file_replace").ok_or("no document_file_replace")?;
    let mut ready = plain(world, put, home, &home.things);
    ready.ask.params = vec![document.to_owned()];
    ready.ask.headers.push(("if-match".to_owned(), "\"v1\"".to_owned()));
    let seen = ready.ask.send(&world.door, Some(&home.owner.token()), None).await;
    Ok(done(seen, "a file was not put in")?.body)
}
