//! All SQL about the files of documents.
//!
//! A file is in parts, so that nothing that is read or written at once is large. A part is read with the hash of the file it
//! belongs to: whoever reads while the file is replaced is told so, and never gets half of each.

use cloister_ids::DocumentId;
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Statement, statements},
};

use super::Document;
use crate::record::found;

/// Bytes of one row.
pub(super) const PART: usize = 1024 * 1024;

statements! {
    /// Bytes of files, photographs and packages that wait to be imported, for plans.
    COUNT_BYTES = "select (coalesce((select sum(d.byte_size) from document d where d.tenant_id = $1), 0)
        + coalesce((select sum(p.byte_size) from person_photo p where p.tenant_id = $1), 0)
        + coalesce((select sum(r.bytes) from import_run r where r.tenant_id = $1 and r.state in ('waiting', 'running')), 0)
        )::bigint as count";
    /// A part of the file with this hash.
    PART_OF = "select p.bytes from document_part p join document d on d.tenant_id = $1 and d.id = p.document_id
            and d.sha256 = decode($4, 'hex')
        where p.tenant_id = $1 and p.document_id = $2 and p.number = $3";
    /// A part of a new file.
    INSERT_PART = "insert into document_part (tenant_id, document_id, number, bytes) values ($1, $2, $3, $4)";
    /// The file that was.
    DELETE_PARTS = "delete from document_part where tenant_id = $1 and document_id = $2";
    /// Another file, or none: `$3` now, `$4` who.
    SET_FILE = "update document set file_name = $5, media_type = $6, byte_size = $7, sha256 = decode($8, 'hex'),
            date_last_modified = $3, updated_at = $3, updated_by = $4, version = version + 1
        where tenant_id = $1 and id = $2";
}

/// Bytes of all files of the tenant.
pub(super) async fn bytes(tx: &mut TenantTx) -> Result<i64> {
    Ok(found(&tx.query(&COUNT_BYTES, &[]).await?)?.get("count"))
}

/// Puts other bytes in the place of those that are there.
pub(super) async fn replace(tx: &mut TenantTx, id: DocumentId, bytes: &[u8]) -> Result<()> {
    tx.query(&DELETE_PARTS, &[&id]).await?;
    for (number, part) in (0_i32..).zip(bytes.chunks(PART)) {
        tx.query(&INSERT_PART, &[&id, &number, &part]).await?;
    }
    Ok(())
}

/// Notes what the file is, and commits. Where there is none any more, its bytes go too.
pub(super) async fn set(tx: TenantTx, document: &Document) -> Result<()> {
    let Document { id, file_name, media_type, byte_size, sha256, record, .. } = document;
    let facts: &Parameters<'_> =
        &[id, &record.updated_at, &record.updated_by, file_name, media_type, byte_size, sha256];
    let mut steps: Vec<(&'static Statement, &Parameters<'_>)> = vec![(&SET_FILE, facts)];
    let one: &Parameters<'_> = &[id];
    if file_name.is_none() {
        steps.insert(0, (&DELETE_PARTS, one));
    }
    tx.commit_with(&steps).await.map(drop)
}

/// A part of a file, if it is still the one with this hash.
pub(super) async fn part(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: DocumentId,
    number: i32,
    sha256: &str,
) -> Result<Option<Vec<u8>>> {
    Ok(tenancy.fetch(cx, &PART_OF, &[&id, &number, &sha256]).await?.first().map(|row| row.get("bytes")))
}
