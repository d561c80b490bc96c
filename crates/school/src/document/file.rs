//! Use cases about the files of documents. Who put one in, took one out or erased one stays in the audit log.

use std::{
    fs::File,
    io::{Read, Seek, Write},
};

use cloister_http::{IfMatch, Received};
use cloister_ids::DocumentId;
use cloister_tenancy::{Action, Error, ErrorKind, OpContext, Result, Tenancy, TenantTx};
use serde_json::json;

use super::{
    DOCUMENT, Document,
    file_name::check_extension,
    file_store::{self, PART},
    read, store,
};
use crate::{
    media_type::{MediaType, PAPERS, PICTURES},
    record::Status,
    scope::authorize_change,
};

/// Bytes of one file.
pub(super) const LARGEST: u64 = 10 * 1024 * 1024;
/// Bytes of all files of a tenant.
const MOST: i64 = 100 * 1024 * 1024 * 1024;

/// Every kind of file that a document may have.
pub(super) fn kinds() -> impl Iterator<Item = &'static MediaType> {
    PAPERS.iter().chain(&PICTURES)
}

/// Refuses whoever may not change the document, before anything is received.
pub(super) async fn authorize(tenancy: &Tenancy, cx: &OpContext, id: DocumentId) -> Result<()> {
    authorize_change(cx, Action::Update, &DOCUMENT, read(tenancy, cx, id)).await
}

/// Gives a document this file, in place of the one it has, if it is still as the caller knows it.
pub(super) async fn replace(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: DocumentId,
    known: &IfMatch,
    file_name: String,
    received: Received,
) -> Result<Document> {
    authorize(tenancy, cx, id).await?;
    let kind = MediaType::named(kinds(), &received.media_type)?;
    check_extension(&file_name, kind)?;
    let Received { mut file, length, sha256, .. } = received;
    let looked = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        file.rewind().and_then(|()| file.read_to_end(&mut bytes)).map_err(Error::internal)?;
        kind.check(&bytes).map(|()| bytes)
    });
    let bytes = looked.await.map_err(Error::internal)??;
    let mut tx = tenancy.write(cx).await?;
    let before = store::lock(&mut tx, id).await?.document;
    known.check(&before)?;
    if before.fields.status == Status::ToBeDeleted {
        let message = "This document was deleted. Set its status to `active` to bring it back.";
        return Err(Error::new(ErrorKind::Conflict, "record_deleted", message));
    }
    let byte_size = i64::try_from(length).map_err(Error::internal)?;
    check_room(&mut tx, byte_size - before.byte_size.unwrap_or_default()).await?;
    file_store::replace(&mut tx, id, &bytes).await?;
    let after = Document {
        file_name: Some(file_name),
        media_type: Some(kind.name.to_owned()),
        byte_size: Some(byte_size),
        sha256: Some(store::hexadecimal(&sha256)),
        record: before.record.changed(cx),
        ..before
    };
    let about = json!({ "media_type": after.media_type, "byte_size": byte_size, "sha256": after.sha256 });
    tx.audit_act("document.upload", &DOCUMENT, id, Some(about));
    file_store::set(tx, &after).await?;
    Ok(after)
}

/// Refuses what would make the files, photographs and waiting packages of a tenant grow by so many bytes, when there is no room.
pub(crate) async fn check_room(tx: &mut TenantTx, bytes: i64) -> Result<()> {
    if file_store::bytes(tx).await? + bytes > MOST {
        let message = "All files of a tenant have 100 GiB at most. Erase files that are no longer needed.";
        return Err(Error::new(ErrorKind::Conflict, "storage_full", message));
    }
    Ok(())
}

/// Erases the file of a document that is still as the caller knows it. Nothing of it remains.
pub(super) async fn erase(tenancy: &Tenancy, cx: &OpContext, id: DocumentId, known: &IfMatch) -> Result<()> {
    authorize_change(cx, Action::Delete, &DOCUMENT, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let before = store::lock(&mut tx, id).await?.document;
    known.check(&before)?;
    if before.file_name.is_none() {
        return Err(missing());
    }
    tx.audit_act("document.erase", &DOCUMENT, id, Some(json!({ "sha256": before.sha256 })));
    let record = before.record.clone().changed(cx);
    let after = Document { file_name: None, media_type: None, byte_size: None, sha256: None, record, ..before };
    file_store::set(tx, &after).await
}

fn missing() -> Error {
    Error::new(ErrorKind::NotFound, "file_missing", "This document has no file.")
}

/// A document and its file, as it was when it was asked for.
pub(super) struct Taken {
    pub(super) document: Document,
    pub(super) file: File,
}

/// Takes the file of a document out into one that has no name: the client may take its time, and the database does not wait
/// for it. That it was asked for is noted before a byte of it is read.
pub(super) async fn take(tenancy: &Tenancy, cx: &OpContext, id: DocumentId) -> Result<Taken> {
    let document = read(tenancy, cx, id).await?;
    let (Some(sha256), Some(size)) = (&document.sha256, document.byte_size) else { return Err(missing()) };
    let mut tx = tenancy.write(cx).await?;
    tx.audit_act("document.download", &DOCUMENT, id, Some(json!({ "sha256": sha256 })));
    tx.commit().await?;
    let file = tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(Error::internal)?;
    let mut file = file.map_err(Error::internal)?;
    let parts = usize::try_from(size).map_err(Error::internal)?.div_ceil(PART);
    for (number, _) in (0_i32..).zip(0..parts) {
        let part = file_store::part(tenancy, cx, id, number, sha256).await?;
        let part = part.ok_or_else(|| {
            let message = "This file was replaced or erased just now. Try again.";
            Error::new(ErrorKind::Unavailable, "file_replaced", message)
        })?;
        let written = tokio::task::spawn_blocking(move || file.write_all(&part).map(|()| file));
        file = written.await.map_err(Error::internal)?.map_err(Error::internal)?;
    }
    file.rewind().map_err(Error::internal)?;
    Ok(Taken { document, file })
}
